// A domain that does what its callers ask for (../peer.h). Whether it is passive, what it serves and whom it uses says
// the app.toml of the instance.
#include "../faults.h"
#include "../peer.h"

#include <kos/app.h>
#include <kos/dir.h>
#include <kos/mem.h>
#include <kos/msg.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>

#include <string.h>

static uint64_t queue_count, queue_last, queue_disorder;
static kos_token_t kept_token;
static kos_deferred_t deferred[8];
static unsigned deferred_count;
static kos_slot_t next_in_chain;

// A little later, so that the main thread can be in the middle of something.
static void fault_thread(void* kind) {
    uint64_t const end = kos_time_after_us(25000);
    while (kos_time_ticks() < end) kos_thread_yield();
    go_wrong((uint64_t)(uintptr_t)kind);
}

static void serve_too(void* server) { kos_server_run((kos_server_t*)server); }

static void spin_us(uint64_t us) {
    uint64_t const end = kos_time_after_us(us);
    while (kos_time_ticks() < end) {
    }
}

static const char* own_port(void) {
    const kos_startup_t* const startup = kos_app_startup();
    return ((const kos_startup_port_t*)((const char*)startup + startup->ports.offset))->name;
}

static kos_status_t relay(const kos_msg_t* request, kos_msg_t* answer) {
    const char* const next = kos_app_parameter("next");
    if (request->param == 0 || !next) return KOS_STATUS_INVALID_ARGUMENT;
    if (!next_in_chain) {
        kos_status_t const found = kos_dir_request(next, &next_in_chain);
        if (!kos_status_is_ok(found)) return found;
    }
    uint64_t const left = request->param - 1;
    uint64_t param = left ? left : request->words[1];
    uint64_t words[2] = {left ? request->words[0] : 0, left ? request->words[1] : 0};
    kos_status_t const status = kos_msg_call_words(next_in_chain, left ? kPeerRelay : request->words[0], &param, words);
    answer->param = param;
    answer->has_words = 1;
    memcpy(answer->words, words, sizeof words);
    return status;
}

static uint64_t use_all_memory(void) {
    uint64_t pages = 0;
    void* mapped;
    for (size_t bytes = 64 * KOS_PAGE_BYTES; bytes >= KOS_PAGE_BYTES; bytes /= 2) {
        while (kos_mem_map(bytes, KOS_MEM_READ | KOS_MEM_WRITE, &mapped) == KOS_STATUS_OK)
            pages += bytes / KOS_PAGE_BYTES;
    }
    return pages;
}

static kos_status_t call_token(kos_msg_t* answer) {
    uint64_t param = 0, words[2] = {0, 0};
    answer->param = kos_msg_call_words(kept_token, kPeerWho, &param, words);
    answer->has_words = 1;
    answer->words[0] = param;
    answer->words[1] = words[0];
    return KOS_STATUS_OK;
}

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    switch (request->label) {
        case kPeerEcho:
            answer->param = request->param + 1;
            answer->has_words = request->has_words;
            answer->words[0] = request->words[0];
            answer->words[1] = caller->domain;
            answer->payload = request->payload;
            answer->payload_bytes = request->payload_bytes;
            return KOS_STATUS_OK;
        case kPeerWrong: go_wrong(request->param);
        case kPeerSpin: spin_us(request->param); return KOS_STATUS_OK;
        case kPeerWho:
            answer->param = caller->token;
            answer->has_words = 1;
            answer->words[0] = caller->domain;
            answer->words[1] = caller->port;
            return KOS_STATUS_OK;
        case kPeerState: {
            const kos_startup_t* const startup = kos_app_startup();
            answer->param = startup->instance;
            answer->has_words = 1;
            answer->words[0] = startup->persistent_base ? *(const uint64_t*)startup->persistent_base : 0;
            answer->words[1] = queue_count;
            return KOS_STATUS_OK;
        }
        case kPeerQueue:
            answer->param = queue_count;
            answer->has_words = 1;
            answer->words[0] = queue_last;
            answer->words[1] = queue_disorder;
            return KOS_STATUS_OK;
        case kPeerTokenMake: {
            answer->has_words = 1;
            kos_status_t const made =
                kos_msg_token_create(own_port(), request->param, (uint32_t)request->words[0],
                                     request->words[1] ? (uint16_t)request->words[1] : caller->domain, &answer->token);
            answer->words[0] = answer->token;
            return made;
        }
        case kPeerTokenOwn:
            if (request->own.port == 0) return KOS_STATUS_NOT_FOUND;
            answer->param = request->own.token;
            answer->has_words = 1;
            answer->words[0] = request->own.port;
            answer->words[1] = request->own.domain;
            return KOS_STATUS_OK;
        case kPeerTokenRevoke: return kos_msg_token_revoke(own_port(), request->param);
        case kPeerTokenMany: {
            kos_token_t token;
            answer->has_words = 1;
            for (;; ++answer->param) {
                answer->words[0] =
                    kos_msg_token_create(own_port(), request->param + answer->param, 0, caller->domain, &token);
                if (answer->words[0] != KOS_STATUS_CREATED) return KOS_STATUS_OK;
            }
        }
        case kPeerTokenKeep: kept_token = request->token; return request->token ? KOS_STATUS_OK : KOS_STATUS_NOT_FOUND;
        case kPeerTokenCall: return call_token(answer);
        case kPeerTokenDrop:
            kos_msg_token_delete(kept_token);
            kept_token = 0;
            return KOS_STATUS_OK;
        case kPeerDefer: {
            if (deferred_count == sizeof deferred / sizeof deferred[0]) return KOS_STATUS_FULL;
            kos_status_t const status = kos_server_defer(server, caller, &deferred[deferred_count]);
            if (!kos_status_is_ok(status)) return status;
            ++deferred_count;
            return KOS_STATUS_NO_REPLY;
        }
        case kPeerRelease:
            answer->param = deferred_count;
            while (deferred_count) kos_server_answer(&deferred[--deferred_count], (kos_status_t)request->param, 0);
            return KOS_STATUS_OK;
        case kPeerSpinRelay: spin_us(request->words[1]); return relay(request, answer);
        case kPeerRelay: return relay(request, answer);
        case kPeerBind: return kos_dir_bind(own_port());
        case kPeerServe: {
            kos_thread_t* thread;
            kos_status_t const made = kos_thread_create(serve_too, server, 1, &thread);
            return kos_status_is_ok(made) ? kos_thread_start(thread) : made;
        }
        case kPeerMemory: answer->param = use_all_memory(); return KOS_STATUS_OK;
        case kPeerFaultThread: {
            kos_thread_t* thread;
            kos_status_t const made = kos_thread_create(fault_thread, (void*)(uintptr_t)request->param, 0, &thread);
            return kos_status_is_ok(made) ? kos_thread_start(thread) : made;
        }
        case kPeerBadAnswer:
            answer->payload = answer;
            answer->payload_bytes = KOS_PAYLOAD_MAX + 1;
            return KOS_STATUS_OK;
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

static void queued(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes, size_t size) {
    (void)server;
    (void)caller;
    uint64_t value = 0;
    if (label != kPeerEcho || size != sizeof value) return;
    memcpy(&value, bytes, sizeof value);
    queue_disorder += queue_count && value != queue_last + 1;
    queue_last = value;
    ++queue_count;
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    const kos_startup_t* const startup = kos_app_startup();
    if (startup->persistent_base) ++*(uint64_t*)startup->persistent_base;
    uint64_t const delay_ms = kos_app_parameter_number("delay_ms", 0);
    uint64_t const end = kos_time_after_us(delay_ms * 1000);
    while (kos_time_ticks() < end) kos_thread_yield();
    kos_server_t server = {.call = call, .queued = queued};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
