// Uses each core service in turn, without end, in a thread of its own. Asked on its port, it says how many rounds it
// has done, how often a service was gone in the middle of a request, and how often something else was wrong.
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/log.h>
#include <kos/msg.h>
#include <kos/ports.h>
#include <kos/random.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>

#include <string.h>

static uint64_t rounds, cut_off, wrong;
static kos_slot_t appman, rtc, gpio;

static void count(kos_status_t status) {
    if (status == KOS_STATUS_OK) return;
    __atomic_fetch_add(status == KOS_STATUS_PEER_GONE ? &cut_off : &wrong, 1, __ATOMIC_RELAXED);
}

static kos_status_t ask_appman(void) {
    kos_msg_t message = {.label = KOS_APPMAN_STATUS, .payload = "user", .payload_bytes = 4};
    kos_status_t const status = kos_msg_call(appman, &message);
    if (status != KOS_STATUS_OK) return status;
    kos_appman_entry_t entry;
    memcpy(&entry, message.payload, sizeof entry);
    return !strcmp(entry.name, "user") && entry.domain == kos_app_startup()->domain ? KOS_STATUS_OK
                                                                                    : KOS_STATUS_INTERNAL_ERROR;
}

static void work(void* nothing) {
    (void)nothing;
    uint8_t bytes[16];
    for (uint64_t round = 0;; ++round) {
        // Rarely: the log keeps so many lines.
        if (round % 64 == 0) count(kos_log_debug("round %llu", (unsigned long long)round));
        // Nobody has bound it while it is being started again.
        kos_status_t const query = kos_dir_query("gpio");
        count(query == KOS_STATUS_NOT_FOUND ? KOS_STATUS_OK : query);
        count(kos_delay(1000));
        count(kos_random(bytes, sizeof bytes));
        count(ask_appman());
        // These answer everybody, so a sign of life is enough.
        if (kos_msg_ping(rtc) != KOS_STATUS_PONG) ++cut_off;
        if (kos_msg_ping(gpio) != KOS_STATUS_PONG) ++cut_off;
        __atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
    }
}

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    (void)caller;
    (void)request;
    answer->param = __atomic_load_n(&rounds, __ATOMIC_RELAXED);
    answer->has_words = 1;
    answer->words[0] = __atomic_load_n(&wrong, __ATOMIC_RELAXED);
    answer->words[1] = __atomic_load_n(&cut_off, __ATOMIC_RELAXED);
    return KOS_STATUS_OK;
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_dir_request("appman", &appman));
    kos_assert_ok(kos_dir_request("rtc", &rtc));
    kos_assert_ok(kos_dir_request("gpio", &gpio));
    kos_thread_t* thread = 0;
    kos_assert_created(kos_thread_create(work, 0, 0, &thread));
    kos_assert_ok(kos_thread_start(thread));
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
