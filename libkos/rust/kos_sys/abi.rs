//! `kos/abi.h`
use crate::{c_char, c_uint};

/// `enum kos_root_label`
pub type kos_root_label = c_uint;

constants! { "kos/abi.h";
    KOS_MAX_DOMAINS: usize = 64;
    KOS_MAX_PORTS: usize = 128;
    KOS_MAX_CONNECTIONS: usize = 512;
    KOS_MAX_THREADS: usize = 16;
    KOS_MAX_REPLIES: usize = 32;
    KOS_MAX_NAME: usize = 31;
    KOS_CSPACE_BITS: usize = 9;
    KOS_MAX_TOKENS: usize = 256;
    KOS_PAYLOAD_MAX: usize = 4096;
    KOS_PAGE_BYTES: usize = 4096;

    KOS_BADGE_NOTIFICATION: u64 = 1 << 63;
    KOS_BADGE_DOMAIN_SHIFT: u32 = 48;
    KOS_BADGE_DOMAIN_MASK: u64 = 0x7fff;
    KOS_BADGE_PORT_SHIFT: u32 = 40;
    KOS_BADGE_PORT_MASK: u64 = 0xff;
    KOS_BADGE_TOKEN_MASK: u64 = (1 << 40) - 1;
    KOS_TOKEN_NUMBER_SINGLE_USE: u64 = 1 << 39;

    KOS_SIGNAL_QUEUE: u64 = 1 << 62;
    KOS_SIGNAL_HEALTH: u64 = 1 << 61;
    KOS_SIGNAL_STOP: u64 = 1 << 60;
    KOS_SIGNAL_ALARM: u64 = 1 << 59;
    KOS_SIGNAL_CONSOLE: u64 = 1 << 57;
    KOS_SIGNAL_DOMAINS: u64 = 1 << 56;
    KOS_SIGNAL_FAULT: u64 = 1 << 58;
    KOS_SIGNAL_IRQ_0: u32 = 32;
    KOS_SIGNAL_RING_0: u32 = 16;
    KOS_SIGNAL_RING_COUNT: u32 = 16;
    KOS_SIGNAL_USER_0: u32 = 0;

    KOS_SLOT_NULL: u64 = 0;
    KOS_SLOT_ROOT: u64 = 1;
    KOS_SLOT_CNODE: u64 = 2;
    KOS_SLOT_NOTIFICATION: u64 = 3;
    KOS_SLOT_REPORT: u64 = 4;
    KOS_SLOT_PORT: u64 = 5;
    KOS_SLOT_PROGRAMS: u64 = 6;
    KOS_SLOT_THREADS: u64 = 8;
    KOS_SLOT_FIRST_LISTED: u64 = 24;
    KOS_TOP_ENTRY_PROGRAMS: u64 = 4094;
    KOS_TOP_ENTRY_REPLY: u64 = 4093;
    KOS_TOP_ENTRY_SHIFT: u32 = 32;

    KOS_STARTUP_MAGIC: u32 = 0x3153_4f4b;
    KOS_CONNECTION_TOKENS: u16 = 1;
    KOS_CONNECTION_SEND_ONLY: u16 = 2;
    KOS_LIFE_STARTING: u32 = 0;
    KOS_LIFE_READY: u32 = 1;
    KOS_LIFE_STOPPING: u32 = 2;
    KOS_QUEUE_ENTRIES: usize = 63;
    KOS_QUEUE_INLINE_BYTES: usize = 48;
    KOS_METADATA_BYTES_MASK: u64 = 0xffff;
    KOS_METADATA_TOKEN: u64 = 1 << 16;
    KOS_METADATA_WORDS: u64 = 1 << 17;
    KOS_METADATA_KNOWN: u64 = 0x3ffff;
    KOS_LABEL_PING: u64 = 0xfff0;

    KOS_REPORT_READY: u64 = 1;
    KOS_REPORT_EXIT: u64 = 2;
    KOS_REPORT_RETURN: u64 = 3;
    KOS_ROOT_THREAD_CREATE: kos_root_label = 2;
    KOS_ROOT_THREAD_START: kos_root_label = 3;
    KOS_ROOT_THREAD_STOP: kos_root_label = 4;
    KOS_ROOT_MEM_MAP: kos_root_label = 6;
    KOS_ROOT_MEM_UNMAP: kos_root_label = 7;
    KOS_ROOT_MEM_STATUS: kos_root_label = 8;
    KOS_ROOT_TOKEN_CREATE: kos_root_label = 9;
    KOS_ROOT_TOKEN_REVOKE: kos_root_label = 10;
    KOS_ROOT_DEADLINE: kos_root_label = 11;
    KOS_ROOT_FAULT_HANDLER: kos_root_label = 12;
    KOS_ROOT_ENTROPY: kos_root_label = 13;
    KOS_ROOT_FAULT_NEXT: kos_root_label = 14;
    KOS_ROOT_THREAD_RESTART: kos_root_label = 15;
    KOS_ROOT_TIME_GIVE: kos_root_label = 16;
    KOS_ROOT_IMAGE_PAGES: kos_root_label = 17;
    KOS_ROOT_DOMAIN_START: kos_root_label = 32;
    KOS_ROOT_DOMAIN_KILL: kos_root_label = 33;
    KOS_ROOT_DOMAIN_SIGNAL: kos_root_label = 34;
    KOS_ROOT_DOMAIN_STATUS: kos_root_label = 35;
    KOS_ROOT_EVENT: kos_root_label = 36;
    KOS_ROOT_ACCOUNTS: kos_root_label = 37;
    KOS_ROOT_REBOOT: kos_root_label = 38;
    KOS_EVENT_READY: u64 = 1;
    KOS_EVENT_ENDED: u64 = 2;
    KOS_DOMAIN_STOPPED: u64 = 0;
    KOS_DOMAIN_STARTING: u64 = 1;
    KOS_DOMAIN_READY: u64 = 2;
    KOS_DOMAIN_FAILED: u64 = 3;
    KOS_EXIT_NONE: u64 = 0;
    KOS_EXIT_DONE: u64 = 1;
    KOS_EXIT_ERROR: u64 = 2;
    KOS_EXIT_ASSERT: u64 = 3;
    KOS_EXIT_FAULT_MEMORY: u64 = 4;
    KOS_EXIT_FAULT_CAPABILITY: u64 = 5;
    KOS_EXIT_FAULT_INSTRUCTION: u64 = 6;
    KOS_EXIT_FAULT_SYSCALL: u64 = 7;
    KOS_EXIT_HUNG: u64 = 8;
    KOS_EXIT_KILLED: u64 = 9;
    KOS_EXIT_IMAGE: u64 = 10;
    KOS_EXIT_MEMORY: u64 = 11;
}

structures! { "kos/abi.h";
    struct kos_startup_table_t {
        offset: u32,
        count: u32,
    }
    struct kos_startup_t {
        magic: u32,
        size_bytes: u32,
        name: [c_char; KOS_MAX_NAME + 1],
        domain: u16,
        main_passive: u16,
        instance: u32,
        generation: u64,
        cores: u32,
        threads_max: u32,
        free_slot_first: u64,
        free_slot_end: u64,
        heap_base: u64,
        heap_end: u64,
        life_page: u64,
        counter_hz: u64,
        tls_image: u64,
        tls_file_bytes: u64,
        tls_memory_bytes: u64,
        tls_align: u64,
        persistent_base: u64,
        persistent_bytes: u64,
        manifest_base: u64,
        manifest_bytes: u64,
        ports: kos_startup_table_t,
        connections: kos_startup_table_t,
        clients: kos_startup_table_t,
        replies: kos_startup_table_t,
        devices: kos_startup_table_t,
        interrupts: kos_startup_table_t,
        dma: kos_startup_table_t,
        rings: kos_startup_table_t,
        untypeds: kos_startup_table_t,
        arguments: kos_startup_table_t,
        environment: kos_startup_table_t,
        parameters: kos_startup_table_t,
        introductions: kos_startup_table_t,
        signals: kos_startup_table_t,
        lives: kos_startup_table_t,
        images: kos_startup_table_t,
        kernel: kos_startup_kernel_t,
        park_slot_first: u64,
    }
    struct kos_startup_port_t {
        name: [c_char; KOS_MAX_NAME + 1],
        port: u32,
        reserved: u32,
    }
    struct kos_startup_connection_t {
        name: [c_char; KOS_MAX_NAME + 1],
        slot: u64,
        window: u64,
        queue: u64,
        queue_signal: u64,
        port: u32,
        server: u16,
        flags: u16,
    }
    struct kos_startup_client_t {
        name: [c_char; KOS_MAX_NAME + 1],
        window: u64,
        queue: u64,
        port: u32,
        domain: u16,
        flags: u16,
    }
    struct kos_startup_device_t {
        name: [c_char; KOS_MAX_NAME + 1],
        address: u64,
        physical: u64,
        bytes: u64,
    }
    struct kos_startup_interrupt_t {
        name: [c_char; KOS_MAX_NAME + 1],
        slot: u64,
        number: u32,
        edge: u32,
    }
    struct kos_startup_dma_t {
        name: [c_char; KOS_MAX_NAME + 1],
        address: u64,
        physical: u64,
        bytes: u64,
    }
    struct kos_startup_ring_t {
        name: [c_char; KOS_MAX_NAME + 1],
        address: u64,
        bytes: u64,
        signal: u64,
        producer: u32,
        peer: u16,
        is_stream: u16,
        physical: u64,
        peer_name: [c_char; KOS_MAX_NAME + 1],
    }
    struct kos_startup_kernel_t {
        cspace: u64,
        cspace_bits: u64,
        vspace: u64,
        asid_pool: u64,
        authority: u64,
        endpoint: u64,
        program_priority: u64,
    }
    struct kos_startup_image_t {
        name: [c_char; KOS_MAX_NAME + 1],
        bytes: u64,
    }
    struct kos_startup_untyped_t {
        slot: u64,
        size_bits: u64,
    }
    struct kos_startup_text_t {
        offset: u32,
        length: u32,
    }
    struct kos_startup_parameter_t {
        name: [c_char; KOS_MAX_NAME + 1],
        value: kos_startup_text_t,
    }
    struct kos_startup_introduction_t {
        name: [c_char; KOS_MAX_NAME + 1],
        slot: u64,
        port: u32,
        client: u16,
        server: u16,
    }
    struct kos_startup_signal_t {
        slot: u64,
        domain: u16,
        reserved: [u16; 3],
    }
    struct kos_startup_life_t {
        address: u64,
        domain: u16,
        reserved: [u16; 3],
    }
    struct kos_life_t {
        state: u32,
        question: u32,
        answer: u32,
        alive: u32,
        loans: u32,
    }
    struct kos_queue_entry_t {
        label: u64,
        bytes: u64,
        data: [u8; KOS_QUEUE_INLINE_BYTES],
    }
    struct kos_queue_t {
        written: u32,
        reserved0: [u32; 7],
        read: u32,
        reserved1: [u32; 7],
        entries: [kos_queue_entry_t; KOS_QUEUE_ENTRIES],
    }
    struct kos_fault_t {
        thread: u64,
        kind: u64,
        ip: u64,
        address: u64,
        detail: u64,
        sp: u64,
        x: [u64; 31],
    }
}
