// The loop of a server: receives calls, queue messages and signals of the domain, and answers.
//
// One loop per thread that serves; each needs a reply object of its own (`replies` of the manifest). Signals and queues
// are the main thread's. A complete server is a kos_server_t with call-backs and one kos_server_run.
#pragma once

#include <kos/msg.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kos_server kos_server_t;

// Who calls, as the kernel says it.
typedef struct {
    uint16_t domain;  // number of the caller (for tokens: of the domain that the token was made for)
    uint32_t port;    // number of the port; kos_server_port_name
    uint64_t token;   // number of the token, 0 for the connection itself
} kos_caller_t;

// A caller that is answered later (kos_server_defer).
typedef struct {
    kos_slot_t reply;
    kos_caller_t caller;
} kos_deferred_t;

struct kos_server {
    // A request. The return value is the answer's label; *message has become the answer's param, words, payload, token
    // (all zero at first, apart from what the handler writes; `message` and `answer` do not overlap).
    kos_status_t (*call)(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer);
    // A one-way message from a queue. May be null.
    void (*queued)(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes,
                   size_t size_bytes);
    // Signals other than health questions: interrupts, rings, user bits, KOS_SIGNAL_STOP. May be null.
    void (*signalled)(kos_server_t* server, uint64_t bits);
    void* context;  // the application's
};

// Binds all ports of this domain in the directory, says kos_app_ready, and serves until the domain is asked to stop.
// With `passive` in the manifest, the thread runs on its callers' time from then on. Returns OK after KOS_SIGNAL_STOP.
kos_status_t kos_server_run(kos_server_t* server);

// Inside `call`: the answer will be given later by kos_server_answer; `call` returns KOS_STATUS_NO_REPLY. Only in
// servers with `passive = false`. FULL if all reply objects of the manifest (`replies`) are taken.
kos_status_t kos_server_defer(kos_server_t* server, const kos_caller_t* caller, kos_deferred_t* deferred);

// Answers a deferred caller, once. Never blocks. A caller that has gone meanwhile is no error.
void kos_server_answer(const kos_deferred_t* deferred, kos_status_t status, const kos_msg_t* answer);

#ifdef __cplusplus
}
#endif
