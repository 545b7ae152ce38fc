//! `kos/ports.h`
use crate::{KOS_MAX_NAME, c_char};

constants! { "kos/ports.h";
    KOS_LOG_WRITE: u64 = 1;
    KOS_LOG_READ: u64 = 2;
    KOS_LOG_STATUS: u64 = 3;
    KOS_LOG_TEXT_MAX: usize = 240;
    KOS_DIR_BIND: u64 = 1;
    KOS_DIR_UNBIND: u64 = 2;
    KOS_DIR_QUERY: u64 = 3;
    KOS_DIR_REQUEST: u64 = 4;
    KOS_DIR_SUBSCRIBE: u64 = 5;
    KOS_DIR_DOMAIN_DOWN: u64 = 6;
    KOS_TIMER_ALARM: u64 = 1;
    KOS_TIMER_SLEEP: u64 = 2;
    KOS_TIMER_WALL: u64 = 3;
    KOS_TIMER_SET_WALL: u64 = 4;
    KOS_TIMER_STATUS: u64 = 5;
    KOS_ENTROPY_GET: u64 = 1;
    KOS_ENTROPY_STATUS: u64 = 2;
    KOS_APPMAN_LIST: u64 = 1;
    KOS_APPMAN_STATUS: u64 = 2;
    KOS_APPMAN_START: u64 = 3;
    KOS_APPMAN_STOP: u64 = 4;
    KOS_APPMAN_RESTART: u64 = 5;
    KOS_APPMAN_MODE: u64 = 6;
    KOS_APPMAN_ACCOUNTS: u64 = 7;
    KOS_APPMAN_WATCH: u64 = 8;
    KOS_APPMAN_STOPPED: u8 = 0;
    KOS_APPMAN_WAITING: u8 = 1;
    KOS_APPMAN_STARTING: u8 = 2;
    KOS_APPMAN_READY: u8 = 3;
    KOS_APPMAN_STOPPING: u8 = 4;
    KOS_APPMAN_DONE: u8 = 5;
}

structures! { "kos/ports.h";
    struct kos_log_line_t {
        sequence: u64,
        ticks: u64,
        instance: u32,
        domain: u16,
        level: u8,
        bytes: u8,
        name: [c_char; KOS_MAX_NAME + 1],
    }
    struct kos_appman_entry_t {
        name: [c_char; KOS_MAX_NAME + 1],
        domain: u16,
        state: u8,
        last_reason: u8,
        instance: u32,
        restarts: u32,
        reserved: u32,
    }
}
