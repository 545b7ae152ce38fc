// Lets the attacker try one thing after the other, and looks after each: nothing got through, the servers still serve,
// no other domain was restarted, and root's accounts are as before.
#define RECORDS_HERE
#include "../../common/peer.h"
#include "../../common/records.h"
#include "../attacks.h"

#include <kos/ports.h>
#include <kos/thread.h>

static kos_slot_t peer, active, attacker, appman;
static uint64_t accounts_before[4];

// No call may hang, whatever the attacker has done.
enum { kLongestUs = 10000000 };

static kos_status_t attack(uint64_t label, uint64_t param, uint64_t* through) {
    kos_msg_t message = {.label = label, .param = param};
    kos_status_t const status = kos_msg_call_until(attacker, &message, kos_time_after_us(kLongestUs));
    *through = kos_status_is_ok(status) ? message.param : 0;
    return status;
}

static kos_status_t read_entry(const char* name, kos_appman_entry_t* entry) {
    kos_msg_t message = {.label = KOS_APPMAN_STATUS, .payload = name, .payload_bytes = (uint32_t)strlen(name)};
    kos_status_t const status = kos_msg_call(appman, &message);
    if (kos_status_is_ok(status)) memcpy(entry, message.payload, sizeof *entry);
    return status;
}

static int read_accounts(uint64_t words[4]) {
    kos_msg_t message = {.label = KOS_APPMAN_ACCOUNTS};
    if (kos_msg_call(appman, &message) != KOS_STATUS_OK) return 0;
    memcpy(words, message.payload, 4 * sizeof words[0]);
    return 1;
}

static void check_accounts(void) {
    uint64_t now[4] = {0};
    int is_same = 0;
    for (unsigned tries = 0; tries < 100 && !is_same; ++tries) {
        // The attacker's page tables and stacks come and go with its threads: what belongs to nobody has to be there.
        is_same = read_accounts(now) && now[0] == accounts_before[0] && now[2] == accounts_before[2] && now[3] == 0;
        if (!is_same) pause_us(10000);
    }
    check("accounts as before", is_same, (int64_t)(now[0] - accounts_before[0] + now[2] - accounts_before[2] + now[3]));
}

static void check_others(void) {
    static const char* const kNames[] = {"uart", "log", "directory", "appman", "peer", "peer_active"};
    for (unsigned i = 0; i < sizeof kNames / sizeof kNames[0]; ++i) {
        kos_appman_entry_t entry = {0};
        kos_status_t const status = read_entry(kNames[i], &entry);
        if (status != KOS_STATUS_OK || entry.restarts != 0) check(kNames[i], 0, entry.restarts);
    }
}

// The window, queue and tokens of this domain's own connection still work.
static void check_server(kos_slot_t server) {
    static unsigned char bytes[KOS_PAYLOAD_MAX];
    static uint64_t value;
    memset(bytes, (int)++value, sizeof bytes);
    kos_msg_t message = {.label = kPeerEcho, .payload = bytes, .payload_bytes = sizeof bytes};
    kos_status_t status = kos_msg_call(server, &message);
    check("payload",
          status == KOS_STATUS_OK && message.payload_bytes == sizeof bytes &&
              !memcmp(message.payload, bytes, sizeof bytes),
          status);
    message = (kos_msg_t){.label = kPeerTokenMake, .param = 1000 + value, .has_words = 1};
    status = kos_msg_call(server, &message);
    kos_token_t const token = message.token;
    check("token", status == KOS_STATUS_CREATED && token, status);
    message = (kos_msg_t){.label = kPeerWho};
    status = kos_msg_call(token, &message);
    check("use of the token", status == KOS_STATUS_OK && message.param == 1000 + value, status);
    message = (kos_msg_t){.label = kPeerTokenRevoke, .param = 1000 + value};
    check_status("revocation", kos_msg_call(server, &message), KOS_STATUS_OK);
    kos_msg_token_delete(token);
}

static void check_all(void) {
    uint64_t through;
    check_server(peer);
    check_server(active);
    check_others();
    kos_status_t status = attack(kAttackNothing, 0, &through);
    // It was in the middle of its end.
    if (status == KOS_STATUS_PEER_GONE) status = attack(kAttackNothing, 0, &through);
    check_status("the attacker is there again", status, KOS_STATUS_OK);
    check_accounts();
    pause_us(70000);  // 16 restarts per second are within the group's intensity
}

// It may survive or end in a fault, but not get through.
static void try_attack(const char* name, uint64_t label, uint64_t param) {
    uint64_t through = 0;
    kos_status_t const status = attack(label, param, &through);
    // PEER_INVALID: it has answered nonsense through its reply object.
    int const is_expected =
        status == KOS_STATUS_OK || status == KOS_STATUS_PEER_GONE || status == KOS_STATUS_PEER_INVALID;
    check(name, is_expected && through == 0, (int64_t)(through ? through : status));
    check_all();
}

// It has to end with this reason, as the fault record says it.
static void try_fatal(const char* name, uint64_t label, uint64_t param, int reason) {
    uint64_t through = 0;
    check_status(name, attack(label, param, &through), KOS_STATUS_PEER_GONE);
    pause_us(20000);
    kos_appman_entry_t entry = {.last_reason = 255};
    read_entry("attacker", &entry);
    check("and why", entry.last_reason == reason, entry.last_reason);
    check_all();
}

static void attack_for_long(void* label) {
    uint64_t param = 500, words[2] = {0, 0};
    kos_msg_call_words(attacker, (uint64_t)(uintptr_t)label, &param, words);
}

// The server is called by somebody who has hardly any time; this domain, which
// makes one call per period of 10 ms, does not wait for his periods.
static void test_latency(const char* name, uint64_t label) {
    kos_thread_t* thread = 0;
    kos_assert_created(kos_thread_create(attack_for_long, (void*)(uintptr_t)label, 0, &thread));
    kos_thread_start(thread);
    uint64_t longest = 0, calls = 0;
    uint64_t const end = kos_time_after_us(400000);
    uint64_t start = kos_time_ticks();
    while (start < end) {
        uint64_t param = 0, words[2] = {0, 0};
        kos_thread_yield();  // to the next period
        if (kos_msg_call_words(peer, kPeerEcho, &param, words) != KOS_STATUS_OK) break;
        uint64_t const now = kos_time_ticks();
        if (now - start > longest) longest = now - start;
        start = now;
        ++calls;
    }
    kos_thread_join(thread);
    uint64_t const longest_us = longest * 1000000 / kos_time_hz();
    // Several cores run on the time of the machine that emulates them.
    uint64_t const most_us = kos_app_startup()->cores > 1 ? 1000000 : 30000;
    check(name, calls > 5 && longest_us < most_us, (int64_t)longest_us);
    check_all();
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    begin_records();
    kos_assert_ok(kos_dir_request("peer", &peer));
    kos_assert_ok(kos_dir_request("active", &active));
    kos_assert_ok(kos_dir_request("attacker", &attacker));
    kos_assert_ok(kos_dir_request("appman", &appman));
    // Slots of tokens are root's once they have been used.
    check_server(peer);
    pause_us(100000);
    kos_assert(read_accounts(accounts_before));
    check_all();
    for (uint64_t seed = 1; seed <= 3; ++seed) {
        try_attack("slots", kAttackInvokeSlots, seed);
        try_attack("requests to root", kAttackRoot, seed);
        try_attack("messages", kAttackMessages, seed);
        try_attack("receive path", kAttackReceivePath, seed);
    }
    try_attack("badges", kAttackForgeBadges, 0);
    try_attack("replies", kAttackReplies, 0);
    try_attack("a thread that stops itself", kAttackStopsItself, 0);
    try_attack("own capabilities", kAttackOwnCaps, 0);
    try_attack("queue", kAttackQueue, 0);
    try_attack("window", kAttackWindow, 0);
    for (uint64_t which = 0; which < kAttackAddresses; ++which) {
        try_fatal("memory", kAttackMemory, which, KOS_EXIT_FAULT_MEMORY);
    }
    try_fatal("system call", kAttackSystemCalls, 0, KOS_EXIT_FAULT_SYSCALL);
    try_fatal("system call", kAttackSystemCalls, 12345, KOS_EXIT_FAULT_SYSCALL);
    try_fatal("system call", kAttackSystemCalls, (uint64_t)-1000, KOS_EXIT_FAULT_SYSCALL);
    try_fatal("reports", kAttackReports, 0, KOS_EXIT_ERROR);
    try_fatal("faults of a thread", kAttackThreadFaults, 0, KOS_EXIT_FAULT_MEMORY);
    try_fatal("time that stays with root", kAttackLeavesTime, 0, KOS_EXIT_FAULT_MEMORY);
    test_latency("from call to call next to one with little time, in us", kAttackLittleTime);
    test_latency("from call to call next to one that maps memory, in us", kAttackMapping);
    print_verdict();
    return 0;
}
