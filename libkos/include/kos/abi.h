// What root and a domain agree on: startup block, slots, badges, labels of root's requests, life page.
//
// Read by root, libkos, the Rust crate and appman; applications use the headers built on it. Little endian, natural
// alignment, no pointers: addresses are of the domain's address space.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
#define KOS_NORETURN [[noreturn]]
#else
#define KOS_NORETURN _Noreturn
#endif

#ifdef __cplusplus
extern "C" {
#endif

// --- Limits (of one system; the manifest compiler refuses more)
enum {
    KOS_MAX_DOMAINS = 64,
    KOS_MAX_PORTS = 128,
    KOS_MAX_CONNECTIONS = 512,
    KOS_MAX_THREADS = 16,    // of one domain
    KOS_MAX_REPLIES = 32,    // reply objects of one domain
    KOS_MAX_NAME = 31,       // bytes of a name, without the final zero
    KOS_CSPACE_BITS = 9,     // 512 slots; TOKENS below are some of them
    KOS_MAX_TOKENS = 256,    // tokens that a domain may hold
    KOS_PAYLOAD_MAX = 4096,  // bytes of payload of one message
    KOS_PAGE_BYTES = 4096,
};

// --- Badges. Every message from another domain carries one that root has minted.
//
//   63      0: a call or message, 1: the domain's notification (all badges of signals are or-ed)
//   62..48  domain number of the caller
//   47..40  port number
//   39..0   token number; 0 is the connection itself
#define KOS_BADGE_NOTIFICATION (1ull << 63)
#define KOS_BADGE_DOMAIN_SHIFT 48
#define KOS_BADGE_DOMAIN_MASK 0x7fffull
#define KOS_BADGE_PORT_SHIFT 40
#define KOS_BADGE_PORT_MASK 0xffull
#define KOS_BADGE_TOKEN_MASK ((1ull << 40) - 1)
// Token numbers with this bit are good for one request; the server loop sees to it.
#define KOS_TOKEN_NUMBER_SINGLE_USE (1ull << 39)

// Bits of the domain's notification. Interrupt n of the startup block's interrupts is bit KOS_SIGNAL_IRQ_0 + n, ring n
// bit KOS_SIGNAL_RING_0 + n modulo KOS_SIGNAL_RING_COUNT: whoever has more rings than bits looks at each of a bit.
#define KOS_SIGNAL_QUEUE (1ull << 62)    // a message in one of the queues
#define KOS_SIGNAL_HEALTH (1ull << 61)   // appman asks: copy life.question to life.answer
#define KOS_SIGNAL_STOP (1ull << 60)     // appman wants the domain to end itself
#define KOS_SIGNAL_ALARM (1ull << 59)    // the timer: an alarm has expired (time.h)
#define KOS_SIGNAL_FAULT (1ull << 58)    // a thread of the domain has a fault: KOS_ROOT_FAULT_NEXT
#define KOS_SIGNAL_CONSOLE (1ull << 57)  // a console has what this domain asked for (idl/console.capnp, wake)
#define KOS_SIGNAL_DOMAINS (1ull << 56)  // appman: a domain that is watched has changed (idl/appman.capnp, watch)
#define KOS_SIGNAL_IRQ_0 32              // bits 32..47
#define KOS_SIGNAL_RING_0 16             // bits 16..31
#define KOS_SIGNAL_RING_COUNT 16
#define KOS_SIGNAL_USER_0 0  // bits 0..15: kos_signal_* between the domain's own threads

// --- Fixed capability slots. All others are listed in the startup block.
enum {
    KOS_SLOT_NULL = 0,
    KOS_SLOT_ROOT = 1,          // requests to root (labels below)
    KOS_SLOT_CNODE = 2,         // the domain's own CNode
    KOS_SLOT_NOTIFICATION = 3,  // the domain's notification: wait and signal with KOS_SIGNAL_USER bits (badge 0xffff)
    KOS_SLOT_REPORT = 4,        // reports to root's fault thread (kos_report_label)
    KOS_SLOT_PORT = 5,          // receive-only: the endpoint of all ports of this domain
    KOS_SLOT_PROGRAMS = 6,      // empty; a domain with kernel_objects may put an endpoint of its own there, from which
                                // its main thread receives what its programs do instead of from KOS_SLOT_PORT
    KOS_SLOT_THREADS = 8,       // + n: as KOS_SLOT_ROOT, for requests of thread n
    KOS_SLOT_FIRST_LISTED =
        KOS_SLOT_THREADS +
        KOS_MAX_THREADS,  // connections, reply objects, interrupts, in the order of the startup block
};

// With kernel_objects: entries of the top CNode (kos_startup_kernel_t), which is empty there. The kernel finds a
// capability in them in one step instead of two. The main thread may receive from PROGRAMS instead of from
// KOS_SLOT_PORT.
#define KOS_TOP_ENTRY_PROGRAMS 4094u
#define KOS_TOP_ENTRY_REPLY 4093u
#define KOS_TOP_ENTRY_SHIFT 32

// --- Startup block: header, then tables at the given byte offsets. Read-only for the domain, whole pages.
#define KOS_STARTUP_MAGIC 0x31534f4bu  // "KOS1"

typedef struct {
    uint32_t offset;  // from the start of the block
    uint32_t count;
} kos_startup_table_t;

// What a domain with kernel_objects may use to make threads and address spaces of its own. Its CSpace has two levels:
// capability address = index in the top CNode << 32 | index in the CNode there; the top CNode's entry 0 is the ordinary
// CNode, so that all other slots have the numbers that they have everywhere.
typedef struct {
    uint64_t cspace;            // slot of the top CNode, for invocations on CNodes (depth 64)
    uint64_t cspace_bits;       // entries of the top CNode are 2^n
    uint64_t vspace;            // the domain's own VSpace
    uint64_t asid_pool;         // for VSpaces that it makes
    uint64_t authority;         // a thread that never runs, whose maximum controlled priority is `program_priority`
    uint64_t endpoint;          // as KOS_SLOT_PORT, to mint capabilities for sending and faults from
    uint64_t program_priority;  // greatest priority of its threads
} kos_startup_kernel_t;

typedef struct {
    uint32_t magic;
    uint32_t size_bytes;  // of the whole block
    char name[KOS_MAX_NAME + 1];
    uint16_t domain;                          // own number
    uint16_t main_passive;                    // 1: kos_app_ready makes the main thread passive
    uint32_t instance;                        // which start of this domain it is: 1 is the first
    uint64_t generation;                      // of the manifest
    uint32_t cores;                           // nodes of the kernel
    uint32_t threads_max;                     // including the main thread
    uint64_t free_slot_first, free_slot_end;  // slots for tokens and reply objects that the domain manages itself
    uint64_t heap_base, heap_end;             // address range for kos_mem_map; nothing is mapped there yet
    uint64_t life_page;                       // address of kos_life_t
    uint64_t counter_hz;                      // of CNTPCT_EL0
    uint64_t tls_image, tls_file_bytes, tls_memory_bytes, tls_align;  // PT_TLS of the program, all 0 if none
    uint64_t persistent_base, persistent_bytes;  // survives restarts of the domain; zero-filled once at boot
    uint64_t manifest_base, manifest_bytes;      // the manifest (FDT), only with the right "manifest"
    kos_startup_table_t ports;                   // kos_startup_port_t
    kos_startup_table_t connections;             // kos_startup_connection_t: to servers
    kos_startup_table_t clients;                 // kos_startup_client_t: of own ports
    kos_startup_table_t replies;                 // uint64_t: slots of reply objects
    kos_startup_table_t devices;                 // kos_startup_device_t
    kos_startup_table_t interrupts;              // kos_startup_interrupt_t
    kos_startup_table_t dma;                     // kos_startup_dma_t
    kos_startup_table_t rings;                   // kos_startup_ring_t
    kos_startup_table_t untypeds;                // kos_startup_untyped_t, only with kernel_objects, largest first
    kos_startup_table_t arguments;               // kos_startup_text_t: argv
    kos_startup_table_t environment;             // kos_startup_text_t: NAME=VALUE
    kos_startup_table_t parameters;              // kos_startup_parameter_t: the manifest's [parameters]
    kos_startup_table_t introductions;  // kos_startup_introduction_t, only for the server of the port "directory"
    kos_startup_table_t signals;        // kos_startup_signal_t, for servers that signal their clients
    kos_startup_table_t lives;          // kos_startup_life_t, only with the right "control"
    kos_startup_table_t images;         // kos_startup_image_t: read-only files, only with kernel_objects
    kos_startup_kernel_t kernel;        // all 0 without kernel_objects
    uint64_t park_slot_first;  // thread n sleeps on the notification in slot park_slot_first + n (n < threads_max),
                               // which belongs to the domain alone: wait and signal; 0 if threads_max is 1
} kos_startup_t;

typedef struct {
    char name[KOS_MAX_NAME + 1];
    uint32_t port;  // number in the manifest, as in the badge
    uint32_t reserved;
} kos_startup_port_t;

typedef struct {
    char name[KOS_MAX_NAME + 1];  // of the port
    uint64_t slot;                // send capability; 0: ask the directory
    uint64_t window;              // address of KOS_PAYLOAD_MAX bytes shared with the server; 0: none
    uint64_t queue;               // address of kos_queue_t; 0: none
    uint64_t queue_signal;        // slot of the server's notification, badge KOS_SIGNAL_QUEUE; 0: none
    uint32_t port;
    uint16_t server;  // domain number
    uint16_t flags;   // KOS_CONNECTION_*
} kos_startup_connection_t;

enum {
    KOS_CONNECTION_TOKENS = 1,     // messages on it may carry a token
    KOS_CONNECTION_SEND_ONLY = 2,  // kos_msg_send only: there is no capability to call
};

typedef struct {
    char name[KOS_MAX_NAME + 1];  // of the client domain
    uint64_t window, queue;
    uint32_t port;
    uint16_t domain;  // as in the badge
    uint16_t flags;
} kos_startup_client_t;

typedef struct {
    char name[KOS_MAX_NAME + 1];
    uint64_t address;  // mapped as device memory
    uint64_t physical;
    uint64_t bytes;
} kos_startup_device_t;

typedef struct {
    char name[KOS_MAX_NAME + 1];
    uint64_t slot;    // IRQHandler; signals bit KOS_SIGNAL_IRQ_0 + index
    uint32_t number;  // of the interrupt controller
    uint32_t edge;    // 1: edge-triggered
} kos_startup_interrupt_t;

typedef struct {
    char name[KOS_MAX_NAME + 1];
    uint64_t address;
    uint64_t physical;  // contiguous
    uint64_t bytes;
} kos_startup_dma_t;

typedef struct {
    char name[KOS_MAX_NAME + 1];
    uint64_t address;
    uint64_t bytes;
    uint64_t signal;     // slot of the other side's notification; 0: none
    uint32_t producer;   // 1: this side writes
    uint16_t peer;       // domain number
    uint16_t is_stream;  // 1: of a [[stream]], and PEER_GONE comes as soon as the other side has ended
    uint64_t physical;   // of the contiguous memory; 0 unless this side produces and the ring has dma = true
    char peer_name[KOS_MAX_NAME + 1];
} kos_startup_ring_t;

typedef struct {
    uint64_t slot;
    uint64_t size_bits;
} kos_startup_untyped_t;

typedef struct {
    uint32_t offset;  // of a zero-terminated text in the block
    uint32_t length;  // without the zero
} kos_startup_text_t;

typedef struct {
    char name[KOS_MAX_NAME + 1];
    kos_startup_text_t value;
} kos_startup_parameter_t;

typedef struct {
    char name[KOS_MAX_NAME + 1];
    uint64_t bytes;  // KOS_ROOT_IMAGE_PAGES gives the frames
} kos_startup_image_t;

// What the directory may introduce: one entry per port of the manifest (client = server, slot 0: who may bind it), then
// one per connection (client may look the port up; it gets a copy of the capability in `slot`, whose badge is the
// client's).
typedef struct {
    char name[KOS_MAX_NAME + 1];  // of the port
    uint64_t slot;
    uint32_t port;
    uint16_t client;  // domain number
    uint16_t server;  // domain number
} kos_startup_introduction_t;

// How the server of the port "timer", or of one with the interface "console" or "appman", reaches a client: send
// capability to that domain's notification, badge KOS_SIGNAL_ALARM, KOS_SIGNAL_CONSOLE or KOS_SIGNAL_DOMAINS.
typedef struct {
    uint64_t slot;
    uint16_t domain;
    uint16_t reserved[3];
} kos_startup_signal_t;

// A domain's life page as appman sees it (readable and writable). It belongs to root, not to the domain: it stays
// mapped when the domain is destroyed, and root clears it before each start.
typedef struct {
    uint64_t address;  // of kos_life_t
    uint16_t domain;
    uint16_t reserved[3];
} kos_startup_life_t;

// --- Life page: one page, written by the domain, read by root and appman, who trust none of it.
typedef struct {
    uint32_t state;     // kos_life_state
    uint32_t question;  // written by appman
    uint32_t answer;    // the last question seen
    uint32_t alive;     // counted up by kos_app_alive
    uint32_t loans;     // bit n: thread n runs on a loan of root's (KOS_REPORT_RETURN); written by root
} kos_life_t;

enum kos_life_state { KOS_LIFE_STARTING = 0, KOS_LIFE_READY = 1, KOS_LIFE_STOPPING = 2 };

// --- Queue of small messages, one page per connection that has one: single producer (client), single consumer.
enum { KOS_QUEUE_ENTRIES = 63, KOS_QUEUE_INLINE_BYTES = 48 };

typedef struct {
    uint64_t label;
    uint64_t bytes;  // of data, 0..KOS_QUEUE_INLINE_BYTES
    uint8_t data[KOS_QUEUE_INLINE_BYTES];
} kos_queue_entry_t;

typedef struct {
    uint32_t written;  // entries ever written, modulo 2^32; by the client
    uint32_t reserved0[7];
    uint32_t read;  // entries ever taken; by the server
    uint32_t reserved1[7];
    kos_queue_entry_t entries[KOS_QUEUE_ENTRIES];
} kos_queue_t;

// --- Messages: word 1 of a request or answer.
//
//   15..0   bytes of payload in the window, 0..KOS_PAYLOAD_MAX
//   16      the message carries a token
//   17      words 2 and 3 are used
//   others  zero; a receiver refuses what it does not know
#define KOS_METADATA_BYTES_MASK 0xffffull
#define KOS_METADATA_TOKEN (1ull << 16)
#define KOS_METADATA_WORDS (1ull << 17)
#define KOS_METADATA_KNOWN (KOS_METADATA_BYTES_MASK | KOS_METADATA_TOKEN | KOS_METADATA_WORDS)

// Labels from here on are handled by libkos itself, in every server.
#define KOS_LABEL_PING 0xfff0u

// --- Reports to root's fault thread, which has time of its own: never lent any. Through KOS_SLOT_REPORT.
enum kos_report_label {
    // Initialisation is done. A thread that becomes passive sends it with NBSendRecv and waits on its port.
    KOS_REPORT_READY = 1,
    // The domain ends: kos_exit_reason, status, address and bytes of a text. No answer.
    KOS_REPORT_EXIT = 2,
    // Thread (word 0) has answered the request for which it has got a loan (kos_life_t.loans), and gives it back. With
    // NBSendRecv, as READY.
    KOS_REPORT_RETURN = 3,
};

// --- Requests to root: label; arguments are message words 0..; the answer's label is a kos_status_t, words as given.
enum kos_root_label {
    KOS_ROOT_THREAD_CREATE = 2,  // entry, argument, stack bytes, flags (1 = passive) -> thread number
    KOS_ROOT_THREAD_START = 3,   // thread
    KOS_ROOT_THREAD_STOP = 4,    // thread; not itself. Its stack and number are free again
    // Both do a part of it per request, because root works at the cost of others; repeated until all is done.
    KOS_ROOT_MEM_MAP = 6,     // bytes, rights (1 read, 2 write, 4 execute; never 2 and 4), 0 -> address, bytes mapped.
                              // To go on: bytes, rights, address of the next page -> 0, bytes mapped
    KOS_ROOT_MEM_UNMAP = 7,   // address, bytes, as mapped -> bytes left
    KOS_ROOT_MEM_STATUS = 8,  // -> quota bytes, used bytes
    KOS_ROOT_TOKEN_CREATE = 9,    // port number, token number, for-domain, slot -> CREATED
    KOS_ROOT_TOKEN_REVOKE = 10,   // port number, token number: every copy of it is gone
    KOS_ROOT_DEADLINE = 11,       // ticks of the counter, cookie: the next call of this thread ends then; 0 = none
    KOS_ROOT_FAULT_HANDLER = 12,  // 1: this domain looks after its other threads (KOS_SIGNAL_FAULT); 0: root does
    KOS_ROOT_ENTROPY = 13,        // -> 4 words of boot entropy (device tree's rng-seed), once per instance
    KOS_ROOT_FAULT_NEXT = 14,     // -> OK and the words of a kos_fault_t, the thread stays stopped; EMPTY
    KOS_ROOT_THREAD_RESTART =
        15,  // thread with a fault: begins again at its entry with its argument, on an empty stack
    // Only for domains with kernel_objects. Addresses are of the domain's CSpace, 64 bits deep.
    KOS_ROOT_TIME_GIVE = 16,    // address of a scheduling context, core: it gets the whole time of that core, in slices
                                // of the domain's period; runs below everybody who has a budget. Again: moves it
    KOS_ROOT_IMAGE_PAGES = 17,  // image, first page, pages (1..64), address of the first of as many empty slots:
                                // read-only capabilities to the frames
    // Only for domains with the right "control" (appman)
    KOS_ROOT_DOMAIN_START = 32,   // domain, mode
    KOS_ROOT_DOMAIN_KILL = 33,    // domain, reason: KOS_EXIT_HUNG makes a fault record, 0 and KOS_EXIT_KILLED do not
    KOS_ROOT_DOMAIN_SIGNAL = 34,  // domain, bits (HEALTH, STOP)
    KOS_ROOT_DOMAIN_STATUS = 35,  // domain -> state, instance, reason of the last end, memory used
    KOS_ROOT_EVENT = 36,     // -> kos_event_kind, domain, detail; EMPTY if none. Signalled by KOS_SIGNAL_RING_0's bit
    KOS_ROOT_ACCOUNTS = 37,  // -> untyped bytes, bytes of domains, slots used, loans out
    KOS_ROOT_REBOOT = 38,    // restarts the machine; no answer. UNAVAILABLE if the kernel does not let root
};

// Events are state, not a queue: root remembers at most one READY and one ENDED per domain, so none is ever lost, and
// delivers ENDED of instance n before READY of instance n + 1. The end of each instance gives exactly one ENDED,
// whoever caused it (KOS_ROOT_DOMAIN_KILL included); of two unread ones the later remains.
enum kos_event_kind {
    KOS_EVENT_READY = 1,  // detail: instance << 32
    KOS_EVENT_ENDED = 2,  // detail: instance << 32 | kos_exit_reason
};

// A fault of a thread: the answer of KOS_ROOT_FAULT_NEXT, one message word per member and register. Root has stopped
// the thread, written the fault record, and signalled KOS_SIGNAL_FAULT; it never waits for the domain.
typedef struct {
    uint64_t thread;  // number, never 0: the main thread's faults are root's
    uint64_t kind;    // kos_exit_reason: KOS_EXIT_FAULT_*, or KOS_EXIT_HUNG
    uint64_t ip;
    uint64_t address;  // of a memory fault: what was accessed; of a capability fault: the capability address
    uint64_t detail;   // of a memory fault: ESR_EL1; of an unknown system call: its number
    uint64_t sp;
    uint64_t x[31];  // x0..x30
} kos_fault_t;

enum kos_domain_state {
    KOS_DOMAIN_STOPPED = 0,
    KOS_DOMAIN_STARTING = 1,
    KOS_DOMAIN_READY = 2,
    KOS_DOMAIN_FAILED = 3,
};

enum kos_exit_reason {
    KOS_EXIT_NONE = 0,
    KOS_EXIT_DONE = 1,    // kos_app_exit(0)
    KOS_EXIT_ERROR = 2,   // kos_app_exit(other)
    KOS_EXIT_ASSERT = 3,  // kos_assert, kos_stop
    KOS_EXIT_FAULT_MEMORY = 4,
    KOS_EXIT_FAULT_CAPABILITY = 5,
    KOS_EXIT_FAULT_INSTRUCTION = 6,
    KOS_EXIT_FAULT_SYSCALL = 7,
    KOS_EXIT_HUNG = 8,     // used up a loan, or did not answer a health question
    KOS_EXIT_KILLED = 9,   // by appman
    KOS_EXIT_IMAGE = 10,   // the program could not be loaded
    KOS_EXIT_MEMORY = 11,  // the quota does not suffice to start it
};

#ifdef __cplusplus
}
#endif
