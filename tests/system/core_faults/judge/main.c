// Makes the victims go wrong in every way, and looks after each whether anything was lost: the victim is back, the
// others have worked on without an error, no call hangs, and root's accounts are as before.
#define RECORDS_HERE
#include "../../common/judging.h"
#include "../../common/peer.h"

#include <kos/log.h>
#include <kos/ports.h>
#include <kos/root.h>
#include <kos/thread.h>

static kos_slot_t peer, active, relay, pair;

static kos_status_t tell(kos_slot_t target, uint64_t label, uint64_t param) {
    uint64_t words[2] = {0, 0};
    return kos_msg_call_words(target, label, &param, words);
}

// Down the chain relay -> peer.
static kos_status_t tell_chain(uint64_t label, uint64_t param) {
    uint64_t once = 1, words[2] = {label, param};
    return kos_msg_call_words(relay, kPeerRelay, &once, words);
}

static void check_bystanders(void) {
    static uint64_t last;
    check_works_on("others work on", pair, &last);
}

static void check_all(const char* after) {
    check_status("peer is there", tell(peer, kPeerEcho, 0), KOS_STATUS_OK);
    check_status("active is there", tell(active, kPeerEcho, 0), KOS_STATUS_OK);
    check_status("the chain is there", tell_chain(kPeerEcho, 0), KOS_STATUS_OK);
    check_bystanders();
    check_accounts(after);
}

// At most 16 restarts per second are within the group's intensity.
enum { kPaceUs = 80000 };

static void test_faults(kos_slot_t victim) {
    for (uint64_t kind = 0; kind < kFaultKinds; ++kind) {
        check_status(judging_kinds[kind].name, tell(victim, kPeerWrong, kind), KOS_STATUS_PEER_GONE);
        check_all(judging_kinds[kind].name);
        pause_us(kPaceUs);
    }
}

static void test_end_of_chain(void) {
    for (uint64_t kind = 0; kind < 3; ++kind) {
        check_status("the end of a chain dies", tell_chain(kPeerWrong, kind), KOS_STATUS_PEER_GONE);
        check_all("end of chain");
        pause_us(kPaceUs);
    }
}

static void test_middle_of_chain(void) {
    for (unsigned i = 0; i < 3; ++i) {
        uint64_t before = 0, after = 0, words[2] = {0, 0};
        kos_msg_call_words(peer, kPeerState, &before, words);
        check_status("a fault is on its way", tell(relay, kPeerFaultThread, kFaultNullWrite), KOS_STATUS_OK);
        check_status("the middle of a chain dies", tell_chain(kPeerSpin, 60000), KOS_STATUS_PEER_GONE);
        check_all("middle of chain");
        kos_msg_call_words(peer, kPeerState, &after, words);
        check("its end is not touched", before == after, (int64_t)after);
        pause_us(kPaceUs);
    }
}

// A request may take so much time, with all that is called for it. Who has used it up is the one that was lent it, not
// the one at the end of the chain, who was called too late.
static void test_loan_of_another(void) {
    uint64_t before = 0, after = 0, words[2] = {0, 0};
    kos_msg_call_words(peer, kPeerState, &before, words);
    uint64_t once = 1, last[2] = {kPeerSpin, 60000};
    // 60 ms of relay, which may take 100; then 60 ms of peer.
    check_status("a loan is used up down the chain", kos_msg_call_words(relay, kPeerSpinRelay, &once, last),
                 KOS_STATUS_PEER_GONE);
    kos_msg_call_words(peer, kPeerState, &after, words);
    check("the one below it is not touched", before == after, (int64_t)after);
    check_all("loans");
}

static volatile kos_status_t thread_status;
static void call_spin(void* target) { thread_status = tell((kos_slot_t)(uintptr_t)target, kPeerSpin, 30000); }

// The victim hangs while others wait for it.
static void test_hang(kos_slot_t victim, const char* name) {
    for (unsigned i = 0; i < 2; ++i) {
        kos_thread_t* thread = 0;
        check_status("a second caller", kos_thread_create(call_spin, (void*)(uintptr_t)victim, 0, &thread),
                     KOS_STATUS_CREATED);
        thread_status = 0;
        kos_thread_start(thread);
        check_status("a server hangs", tell(victim, kPeerWrong, kFaultHang), KOS_STATUS_PEER_GONE);
        kos_thread_join(thread);
        check_status("who waited is served", thread_status, KOS_STATUS_OK);
        check_all(name);
        pause_us(kPaceUs);
    }
}

static void test_hunger(kos_slot_t victim) {
    check_status("a long request", tell(victim, kPeerSpin, 30000), KOS_STATUS_OK);
    check_status("all memory used", tell(victim, kPeerMemory, 0), KOS_STATUS_OK);
    check_status("it still serves", tell(victim, kPeerEcho, 0), KOS_STATUS_OK);
    check_bystanders();
    check_status("and dies", tell(victim, kPeerWrong, kFaultNullWrite), KOS_STATUS_PEER_GONE);
    check_all("all memory used");
    pause_us(kPaceUs);
}

static void test_floods(void) {
    uint64_t words[4] = {0}, value = 0;
    for (unsigned i = 0; i < 1000; ++i) kos_root_request(KOS_ROOT_MEM_STATUS, words);
    for (unsigned i = 0; i < 1000; ++i) kos_root_request((enum kos_root_label)(1000 + i), words);
    check_all("a flood of root");
    for (unsigned i = 0; i < 1000; ++i) kos_msg_send(peer, kPeerEcho, &value, sizeof value);
    for (unsigned i = 0; i < 1000; ++i) kos_msg_send(active, kPeerEcho, &value, sizeof value);
    check_all("a flood of queues");
    unsigned refused = 0;
    for (unsigned i = 0; i < 300; ++i) refused += kos_log_debug("line %u", i) == KOS_STATUS_FULL;
    check("the log refuses a flood", refused > 0, refused);
    check_all("a flood of the log");
}

static void test_services(void) {
    static const char* const kServices[] = {"log", "directory", "uart"};
    for (unsigned i = 0; i < 3; ++i) {
        kos_msg_t message = {
            .label = KOS_APPMAN_RESTART, .payload = kServices[i], .payload_bytes = (uint32_t)strlen(kServices[i])};
        check_status(kServices[i], kos_msg_call(judging_appman, &message), KOS_STATUS_OK);
        pause_us(300000);
        check_status("directory answers", kos_dir_query("peer"), KOS_STATUS_OK);
        kos_status_t const logged = kos_log_info("after the restart of %s", kServices[i]);
        check("log answers", logged == KOS_STATUS_OK || logged == KOS_STATUS_FULL, logged);
        check_all(kServices[i]);
    }
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    begin_records();
    kos_assert_ok(kos_dir_request("peer", &peer));
    kos_assert_ok(kos_dir_request("active", &active));
    kos_assert_ok(kos_dir_request("relay", &relay));
    kos_assert_ok(kos_dir_request("pair", &pair));
    kos_assert_ok(kos_dir_request("appman", &judging_appman));
    // Threads keep their memory: made once, so that it is in the accounts.
    kos_thread_t* thread = 0;
    kos_assert_created(kos_thread_create(call_spin, (void*)(uintptr_t)peer, 0, &thread));
    kos_assert_ok(kos_thread_start(thread));
    kos_assert_ok(kos_thread_join(thread));
    check_status("the chain works", tell_chain(kPeerEcho, 0), KOS_STATUS_OK);
    pause_us(100000);
    note_accounts();
    check_all("nothing");
    test_faults(peer);
    test_faults(active);
    test_faults(relay);
    test_end_of_chain();
    test_middle_of_chain();
    test_loan_of_another();
    test_hang(peer, "passive server hangs");
    test_hang(active, "active server hangs");
    test_hunger(peer);
    test_hunger(active);
    test_hunger(relay);
    test_floods();
    test_services();
    print_verdict();
    return 0;
}
