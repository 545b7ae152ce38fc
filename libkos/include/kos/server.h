// The loop of a server: receives calls, queue messages and signals of the domain, and answers.
//
// One loop per thread that serves; each needs a reply object of its own (`replies` of the manifest). Signals and queues
// are the main thread's. A complete server is a kos_server_t with call-backs and one kos_server_run. A domain without
// ports may run it as well, for its signals alone.
#pragma once

#include <kos/msg.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kos_server kos_server_t;

// A caller that is answered later (kos_server_defer).
typedef struct {
    kos_slot_t reply;
    kos_caller_t caller;
} kos_deferred_t;

struct kos_server {
    // A request. The return value is the answer's label; *message has become the answer's param, words, payload, token
    // (all zero at first, apart from what the handler writes; `message` and `answer` do not overlap). A token in the
    // answer is given away, whatever becomes of the answer: its slot is free when the next message arrives.
    kos_status_t (*call)(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer);
    // A one-way message from a queue. May be null.
    void (*queued)(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes,
                   size_t size_bytes);
    // Signals other than health questions: interrupts, rings, user bits, KOS_SIGNAL_STOP. May be null.
    void (*signalled)(kos_server_t* server, uint64_t bits);
    void* context;  // the application's
    // As `call`, for requests that are label, param and words only, whose answer is so, too: faster, as no message is
    // made. May be null. *answer is all zero at first. Returns 0, having done nothing, for what it leaves to `call`.
    kos_status_t (*call_words)(kos_server_t* server, const kos_caller_t* caller, uint64_t label, uint64_t param,
                               uint64_t word0, uint64_t word1, kos_words_t* answer)
#ifdef __cplusplus
        = nullptr  // C++ warns of members that an initialiser leaves out
#endif
        ;
};

// Binds all ports of this domain in the directory, says kos_app_ready, and serves until the domain is asked to stop.
// With `passive` in the manifest, the thread runs on its callers' time from then on. Returns OK after KOS_SIGNAL_STOP.
// Errors: FULL (no reply object left), NOT_ENOUGH_MEMORY, what binding a port answers; NOT_FOUND: a thread other than
// the main one in a domain without ports, where there is nothing for it to serve.
kos_status_t kos_server_run(kos_server_t* server);

// Name of the own port with this number (kos_caller_t.port); null if the domain has none.
const char* kos_server_port_name(uint32_t port);

// Inside `call`: the answer will be given later by kos_server_answer; `call` returns KOS_STATUS_NO_REPLY. Only in
// servers with `passive = false`. FULL if all reply objects of the manifest (`replies`) are taken.
kos_status_t kos_server_defer(kos_server_t* server, const kos_caller_t* caller, kos_deferred_t* deferred);

// Answers a deferred caller, once. Never blocks. A caller that has gone meanwhile is no error. A token in the answer is
// given away: its slot is free afterwards.
void kos_server_answer(const kos_deferred_t* deferred, kos_status_t status, const kos_msg_t* answer);

#ifdef __cplusplus
}
#endif
