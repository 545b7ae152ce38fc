// What the ports of the core services understand: labels, words and payloads of log, directory, appman, timer, entropy.
//
// Used by these services and by libkos, which wraps all of it (log.h, dir.h, time.h, random.h); applications use the
// wrappers. Payloads are little endian; texts are not zero-terminated, their length is the payload's.
#pragma once

#include <kos/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- Port "log" (window, queue; passive server)
enum kos_log_label {
    KOS_LOG_WRITE = 1,  // param: level; payload: text, 0..KOS_LOG_TEXT_MAX -> OK, FULL (rate), INVALID_ARGUMENT (0).
                        // From the queue: label KOS_LOG_WRITE | level << 8, bytes: text
    KOS_LOG_READ =
        2,  // param: sequence number to start with -> param: where to go on, words[0]: lines that were lost before,
            // words[1]: number of kos_log_line_t in the payload. EMPTY: nothing there yet. Readers of the manifest
    KOS_LOG_STATUS =
        3,  // -> param: next sequence number, words[0]: lines kept, words[1]: lines suppressed since the start
};
enum { KOS_LOG_TEXT_MAX = 240 };

// Followed by `bytes` bytes of text; the next line starts at the next multiple of 8.
typedef struct {
    uint64_t sequence;
    uint64_t ticks;     // of the counter, when the log took the line
    uint32_t instance;  // of the writer, if root has told the log, else 0
    uint16_t domain;
    uint8_t level;
    uint8_t bytes;
    char name[KOS_MAX_NAME + 1];
} kos_log_line_t;

// --- Port "directory" (queue, tokens; active server). Ports are named by their number in the manifest.
enum kos_dir_label {
    KOS_DIR_BIND = 1,         // param: port, words[0]: instance of the caller -> OK, UNAUTHORIZED. Queue, which never
                              // blocks: bytes = uint32_t port, uint32_t instance
    KOS_DIR_UNBIND = 2,       // param: port -> OK, UNAUTHORIZED. Queue: bytes = uint32_t port
    KOS_DIR_QUERY = 3,        // param: port -> OK, NOT_FOUND, UNAUTHORIZED
    KOS_DIR_REQUEST = 4,      // param: port, words[0]: deadline in ticks (0: answer at once, UINT64_MAX: none)
                              // -> OK, token: the connection; UNAUTHORIZED, NOT_FOUND, TIMEOUT, FULL (too many wait)
    KOS_DIR_SUBSCRIBE = 5,    // param: port, words[0]: change count that the client knows; answered when it is another
                              // -> param: change count, words[0]: 1 if bound; UNAUTHORIZED, FULL
    KOS_DIR_DOMAIN_DOWN = 6,  // queue only, from the server of the port "appman" only: bytes = uint32_t domain number,
                              // uint32_t instance
};

// --- Port "timer" (queue; active server). Times are ticks of the counter.
enum kos_timer_label {
    KOS_TIMER_ALARM = 1,  // param: bit (0..15), words[0]: time (0: cancel). Queue: bytes = uint64_t bit, uint64_t time
    KOS_TIMER_SLEEP = 2,  // param: time; answered then -> OK; FULL if too many sleep
    KOS_TIMER_WALL = 3,   // -> words[0]: ns since 1970 at counter 0 (add the counter's ns), words[1]: times it was set;
                          // UNAVAILABLE while nobody has set it
    KOS_TIMER_SET_WALL =
        4,                 // param: ns since 1970 at the counter's value words[0]. Domains of parameter "may_set" only
    KOS_TIMER_STATUS = 5,  // -> param: alarms set, words[0]: sleepers, words[1]: times that somebody altered the device
};

// --- Port "entropy" (window; passive server)
enum kos_entropy_label {
    KOS_ENTROPY_GET = 1,  // param: bytes, 1..KOS_PAYLOAD_MAX -> payload; UNAVAILABLE before the first seed
    KOS_ENTROPY_STATUS =
        2,  // -> param: 1 if seeded, words[0]: times reseeded, words[1]: sources seen (1 root, 2 device)
};

// --- Port "appman" (window of names; active server). Who may do what says its parameter allow.
enum kos_appman_label {
    KOS_APPMAN_LIST =
        1,  // param: index of the first -> payload: kos_appman_entry_t..., param: index to go on with, 0 = end
    KOS_APPMAN_STATUS = 2,   // payload: domain's name -> payload: kos_appman_entry_t
    KOS_APPMAN_START = 3,    // payload: name -> OK: wanted from now on; CONFLICT if it is not part of this mode
    KOS_APPMAN_STOP = 4,     // payload: name -> OK: will be stopped and stays down
    KOS_APPMAN_RESTART = 5,  // payload: name -> OK: will be stopped and started
    KOS_APPMAN_MODE =
        6,  // payload: name of the mode -> OK: switching; param: number of the mode. Empty name: asks only
    KOS_APPMAN_WATCH = 8,     // param: since -> param: next, payload: kos_appman_entry_t of what has changed; then
                              // KOS_SIGNAL_DOMAINS once
    KOS_APPMAN_ACCOUNTS = 7,  // -> payload: the four words of KOS_ROOT_ACCOUNTS, uint64_t each; for who may list
};

enum kos_appman_state {
    KOS_APPMAN_STOPPED = 0,  // not wanted
    KOS_APPMAN_WAITING = 1,  // for what it depends on, or for its back-off
    KOS_APPMAN_STARTING = 2,
    KOS_APPMAN_READY = 3,
    KOS_APPMAN_STOPPING = 4,
    KOS_APPMAN_DONE = 5,  // has ended by itself and is not restarted
};

typedef struct {
    char name[KOS_MAX_NAME + 1];
    uint16_t domain;
    uint8_t state;        // kos_appman_state
    uint8_t last_reason;  // kos_exit_reason of the last end
    uint32_t instance;
    uint32_t restarts;  // by appman, since the system was started
    uint32_t reserved;
} kos_appman_entry_t;

#ifdef __cplusplus
}
#endif
