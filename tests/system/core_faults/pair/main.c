// Calls the bystander without end in a thread of its own. Asked on its port, it says how often that has succeeded and
// failed.
#include "../../common/peer.h"

#include <kos/app.h>
#include <kos/dir.h>
#include <kos/msg.h>
#include <kos/server.h>
#include <kos/thread.h>

static uint64_t successes, failures;
static kos_slot_t bystander;

static void work(void* nothing) {
    (void)nothing;
    for (;;) {
        uint64_t const before = __atomic_load_n(&successes, __ATOMIC_RELAXED);
        uint64_t param = before, words[2] = {0, 0};
        kos_status_t const status = kos_msg_call_words(bystander, kPeerEcho, &param, words);
        int const is_right = status == KOS_STATUS_OK && param == before + 1;
        __atomic_fetch_add(is_right ? &successes : &failures, 1, __ATOMIC_RELAXED);
    }
}

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    (void)caller;
    (void)request;
    answer->param = __atomic_load_n(&successes, __ATOMIC_RELAXED);
    answer->has_words = 1;
    answer->words[0] = __atomic_load_n(&failures, __ATOMIC_RELAXED);
    return KOS_STATUS_OK;
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_dir_request("third", &bystander));
    kos_thread_t* thread = 0;
    kos_assert_created(kos_thread_create(work, 0, 0, &thread));
    kos_assert_ok(kos_thread_start(thread));
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
