// Ends the three victims in turn, in different ways, while two threads load them with calls; compares root's accounts
// before and after. Parameter restarts: how often.
#define RECORDS_HERE
#include "../../common/judging.h"
#include "../../common/peer.h"

#include <kos/ports.h>
#include <kos/thread.h>

static kos_slot_t slots[3];
static volatile uint64_t served, cut_off, wrong;
static volatile int is_over;

static void load(void* index) {
    kos_slot_t const target = slots[(uintptr_t)index];
    for (uint64_t i = 0; !is_over; ++i) {
        uint64_t param = i, words[2] = {0, 0};
        kos_status_t const status = kos_msg_call_words(target, kPeerEcho, &param, words);
        if (status == KOS_STATUS_OK && param == i + 1) {
            __atomic_fetch_add(&served, 1, __ATOMIC_RELAXED);
        } else {
            __atomic_fetch_add(status == KOS_STATUS_PEER_GONE ? &cut_off : &wrong, 1, __ATOMIC_RELAXED);
        }
        if (i % 8 == 0) kos_thread_yield();
    }
}

static void run_load(kos_thread_t* threads[2]) {
    is_over = 0;
    for (uintptr_t i = 0; i < 2; ++i) {
        kos_assert_created(kos_thread_create(load, (void*)i, 0, &threads[i]));
        kos_assert_ok(kos_thread_start(threads[i]));
    }
}

static void end_load(kos_thread_t* threads[2]) {
    is_over = 1;
    for (unsigned i = 0; i < 2; ++i) kos_assert_ok(kos_thread_join(threads[i]));
}

static kos_status_t end_victim(unsigned which, uint64_t round) {
    uint64_t param = round / 3 % kFaultKinds, words[2] = {0, 0};
    // The stack overflow and the like take longest; every 16th one hangs until its time is used up.
    if (which != 1 && round % 16 == 15) param = kFaultHang;
    return kos_msg_call_words(slots[which], kPeerWrong, &param, words);
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    static const char* const kPorts[3] = {"peer", "active", "relay"};
    begin_records();
    for (unsigned i = 0; i < 3; ++i) kos_assert_ok(kos_dir_request(kPorts[i], &slots[i]));
    kos_assert_ok(kos_dir_request("appman", &judging_appman));
    kos_thread_t* threads[2];
    run_load(threads);
    end_load(threads);
    pause_us(100000);
    uint64_t before[4] = {0}, after[4] = {0};
    for (unsigned tries = 0; tries < 100 && !(read_accounts(before) && before[3] == 0); ++tries) pause_us(10000);
    uint64_t const restarts = kos_app_parameter_number("restarts", 300);
    served = cut_off = wrong = 0;
    run_load(threads);
    uint64_t lost = 0;
    for (uint64_t round = 0; round < restarts; ++round) {
        kos_status_t const status = end_victim((unsigned)(round % 3), round);
        // Its other clients may have been in the middle of a request; this one always was.
        lost += status != KOS_STATUS_PEER_GONE;
        // Three victims, each at most 16 times per second.
        pause_us(22000);
    }
    end_load(threads);
    check("every victim has ended", lost == 0, (int64_t)lost);
    check("no wrong answer", wrong == 0, (int64_t)wrong);
    check("others were served", served > restarts, (int64_t)served);
    uint64_t instances = 0;
    for (unsigned i = 0; i < 3; ++i) {
        uint64_t instance = 0, words[2] = {0, 0};
        check_status("it is there", kos_msg_call_words(slots[i], kPeerState, &instance, words), KOS_STATUS_OK);
        instances += instance;
    }
    check("as many restarts as ends", instances == restarts + 3, (int64_t)instances);
    int is_same = 0;
    for (unsigned tries = 0; tries < 100 && !is_same; ++tries) {
        pause_us(10000);
        is_same = read_accounts(after) && !memcmp(before, after, sizeof before);
    }
    for (unsigned i = 0; i < 4; ++i) check("account as before", before[i] == after[i], (int64_t)(after[i] - before[i]));
    print_verdict();
    return 0;
}
