// Makes the supervisor go wrong in each way, and right before each request to root that it makes while it restarts,
// starts, stops and switches modes. After each: root has started it again, the fault is in the log, those who run were
// not touched, and what was asked for is done.
#define RECORDS_HERE
#include "../../common/judging.h"
#include "../../common/peer.h"

static kos_slot_t peer, pair;
static uint64_t appman_instance;

enum { kDomains = 6 };
// Of `modes`: 1 normal, 2 reserve, 3 both.
static const struct {
    const char* name;
    unsigned modes;
} domains[kDomains] = {{"fragile", 3}, {"first", 3},      {"second", 3},
                       {"alone", 3},   {"main_drive", 1}, {"spare_drive", 2}};

static unsigned mode_now(void) {
    kos_msg_t answer;
    return ask_appman(KOS_APPMAN_MODE, "", &answer) == KOS_STATUS_OK ? (unsigned)answer.param : 99;
}

static kos_status_t order_appman(uint64_t what, uint64_t first, uint64_t second, uint64_t words[2]) {
    uint64_t param = what, own[2] = {first, second};
    kos_status_t const status = kos_msg_call_words(judging_appman, kInjectLabel, &param, own);
    if (words) memcpy(words, own, sizeof own);
    return status;
}

static uint64_t instance_of_appman(void) {
    for (;;) {
        uint64_t words[2] = {0, 0};
        kos_status_t const status = order_appman(kInjectState, 0, 0, words);
        if (status != KOS_STATUS_PEER_GONE) return words[0];
    }
}

// Everybody is in the state that the mode asks for: a while later nobody is on the way any more.
static int is_settled(unsigned off) {
    for (unsigned tries = 0; tries < 300; ++tries) {
        unsigned const mode = mode_now();
        unsigned right = 0;
        for (unsigned i = 0; i < kDomains; ++i) {
            int const wanted = (domains[i].modes >> mode & 1) && !(off >> i & 1);
            right += status_of(domains[i].name).state == (wanted ? KOS_APPMAN_READY : KOS_APPMAN_STOPPED);
        }
        if (right == kDomains) return 1;
        pause_us(10000);
    }
    return 0;
}

static void check_others(void) {
    static uint64_t last;
    check_works_on("others work on", pair, &last);
}

static void note_instances(uint32_t instances[kDomains]) {
    for (unsigned i = 0; i < kDomains; ++i) instances[i] = status_of(domains[i].name).instance;
}

// --- In each way

static void check_end(const char* name, uint64_t from, const char* cause, const uint32_t before[kDomains]) {
    char text[120], start[40];
    for (unsigned tries = 0; tries < 300 && instance_of_appman() == appman_instance; ++tries) pause_us(10000);
    uint64_t const instance = instance_of_appman();
    snprintf(text, sizeof text, "%s: one new supervisor", name);
    check(text, instance == appman_instance + 1, (int64_t)instance);
    snprintf(start, sizeof start, "appman (instance %u, thread ", (unsigned)appman_instance);
    snprintf(text, sizeof text, "%s: in the log", name);
    check(text, is_logged(from, start, cause), (int64_t)from);
    appman_instance = instance;
    uint32_t now[kDomains];
    note_instances(now);
    check("nobody else was touched", !memcmp(now, before, sizeof now) && is_settled(0), 0);
    check_others();
    check_accounts(name);
}

static void go_wrong_by(enum inject_order how, uint64_t kind, const char* name, const char* cause) {
    uint32_t before[kDomains];
    note_instances(before);
    uint64_t const from = log_next();
    kos_status_t const status = order_appman(how, kind, 0, 0);
    check_end(name, from, cause, before);
    if (how == kInjectNow) {
        check_status("its caller is told", status, KOS_STATUS_PEER_GONE);
    } else {
        check("who gave the order is answered", status == KOS_STATUS_OK || status == KOS_STATUS_PEER_GONE, status);
    }
}

static void test_hunger_and_floods(void) {
    uint64_t words[2] = {0, 0};
    check_status("more time than its budget", order_appman(kInjectSpin, 20000, 0, 0), KOS_STATUS_OK);
    check_status("all memory used", order_appman(kInjectMemory, 0, 0, words), KOS_STATUS_OK);
    check("it still works", is_settled(0), (int64_t)words[0]);
    go_wrong_by(kInjectNow, kFaultNullWrite, "without memory", judging_kinds[kFaultNullWrite].cause);
    kos_status_t const flooded = order_appman(kInjectFlood, 30, 0, words);
    check("it floods", flooded == KOS_STATUS_OK && words[0] >= 30, (int64_t)words[0]);
    unsigned refused = 0;
    static char payload[KOS_PAYLOAD_MAX];
    for (unsigned i = 0; i < 200; ++i) {
        kos_msg_t message = {
            .label = 0x200 + i, .param = i, .payload = payload, .payload_bytes = i % 2 ? KOS_PAYLOAD_MAX - i : 0};
        refused += kos_msg_call(judging_appman, &message) == KOS_STATUS_BAD_REQUEST;
    }
    check("it refuses what it does not know", refused == 200, refused);
    check("in the same instance", instance_of_appman() == appman_instance, (int64_t)appman_instance);
    check_others();
    check_accounts("floods");
}

// --- At each step

enum operation { kRestartOne, kFailGroup, kStop, kStart, kToReserve, kToNormal, kOperations };
static const char* const operation_names[kOperations] = {"a restart", "a group's restart", "a stop",
                                                         "a start",   "a mode switch",     "the mode switch back"};

static kos_status_t begin(enum operation operation) {
    kos_msg_t message = {.label = KOS_APPMAN_RESTART};
    const char* name = "alone";
    switch (operation) {
        case kRestartOne: break;
        case kFailGroup: {
            uint64_t param = kFaultNullWrite, words[2] = {0, 0};
            return kos_msg_call_words(peer, kPeerWrong, &param, words);
        }
        case kStop: message.label = KOS_APPMAN_STOP; break;
        case kStart: message.label = KOS_APPMAN_START; break;
        case kToReserve:
            message.label = KOS_APPMAN_MODE;
            name = "reserve";
            break;
        default: message.label = KOS_APPMAN_MODE; name = "normal";
    }
    message.payload = name;
    message.payload_bytes = (uint32_t)strlen(name);
    return kos_msg_call(judging_appman, &message);
}

// Whom the operation restarts, in the present mode. Bits of `domains`.
static unsigned restarted_by(enum operation operation) {
    switch (operation) {
        case kRestartOne: return 1 << 3;
        case kFailGroup: return 7;
        case kStart: return 1 << 3;
        case kToReserve: return 1 << 5;
        case kToNormal: return 1 << 4;
        default: return 0;
    }
}

// One pass with a fault before request n to root. False: there is no n-th request.
static int one_step(enum operation operation, unsigned n) {
    char text[120], start[40];
    uint32_t before[kDomains], now[kDomains];
    note_instances(before);
    uint64_t const from = log_next();
    if (order_appman(kInjectAtRequest, n, kFaultNullWrite, 0) != KOS_STATUS_OK) return 0;
    kos_status_t status = begin(operation);
    // Asked again if it was cut off: nobody knows whether it had been taken.
    if (status == KOS_STATUS_PEER_GONE && operation != kFailGroup) status = begin(operation);
    pause_us(40000);
    unsigned const off = operation == kStop ? 1 << 3 : 0;
    int const settled = is_settled(off);
    uint64_t const instance = instance_of_appman();
    int const has_died = instance != appman_instance;
    order_appman(kInjectAtRequest, 0, 0, 0);
    note_instances(now);
    unsigned wrong = 0;
    for (unsigned i = 0; i < kDomains; ++i) {
        unsigned const restarts = now[i] - before[i];
        unsigned const wanted = restarted_by(operation) >> i & 1;
        // A restart that was asked for twice may have been done twice.
        unsigned const most = wanted + (has_died && operation == kRestartOne && i == 3);
        wrong += restarts < wanted || restarts > most;
    }
    unsigned const mode = mode_now();
    wrong += mode != (operation == kToReserve);
    snprintf(text, sizeof text, "%s, dies before request %u: done", operation_names[operation], n);
    check(text, settled && !wrong, wrong);
    if (!has_died) return 0;
    snprintf(start, sizeof start, "appman (instance %u, thread ", (unsigned)appman_instance);
    check("one death", instance == appman_instance + 1, (int64_t)instance);
    check("in the log", is_logged(from, start, "write at 0x0"), (int64_t)from);
    appman_instance = instance;
    return 1;
}

// Back to where the operation can be asked for again, without a fault.
static void undo(enum operation operation) {
    kos_msg_t answer;
    if (operation == kStop) kos_assert_ok(ask_appman(KOS_APPMAN_START, "alone", &answer));
    if (operation == kStart) kos_assert_ok(ask_appman(KOS_APPMAN_STOP, "alone", &answer));
    if (operation == kToReserve) kos_assert_ok(ask_appman(KOS_APPMAN_MODE, "normal", &answer));
    if (operation == kToNormal) kos_assert_ok(ask_appman(KOS_APPMAN_MODE, "reserve", &answer));
    if (!is_settled(operation == kStart ? 1 << 3 : 0)) check("undone", 0, operation);
}

static void test_operation(enum operation operation) {
    enum { kMostRequests = 60 };
    if (operation == kStart || operation == kToNormal) undo(operation);
    unsigned n = 1;
    while (n < kMostRequests && one_step(operation, n)) {
        undo(operation);
        ++n;
    }
    char text[120];
    snprintf(text, sizeof text, "%s: died at each request", operation_names[operation]);
    check(text, n > 3 && n < kMostRequests, n);
    if (operation == kStop || operation == kToReserve) undo(operation);
    check_others();
    check_accounts(operation_names[operation]);
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    begin_records();
    kos_assert_ok(kos_dir_request("appman", &judging_appman));
    kos_assert_ok(kos_dir_request("peer", &peer));
    kos_assert_ok(kos_dir_request("pair", &pair));
    appman_instance = instance_of_appman();
    check("all are there", is_settled(0), 0);
    pause_us(100000);
    note_accounts();
    for (uint64_t kind = 0; kind < kFaultKinds; ++kind) {
        go_wrong_by(kInjectNow, kind, judging_kinds[kind].name, judging_kinds[kind].cause);
    }
    go_wrong_by(kInjectOwn, kFaultNullWrite, "by itself", judging_kinds[kFaultNullWrite].cause);
    go_wrong_by(kInjectThread, kFaultJump, "a thread of its own", judging_kinds[kFaultJump].cause);
    go_wrong_by(kInjectNow, kFaultHang, "hangs in a request", "no sign of life");
    go_wrong_by(kInjectOwn, kFaultHang, "hangs by itself", "no sign of life");
    test_hunger_and_floods();
    for (unsigned i = 0; i < kOperations; ++i) test_operation((enum operation)i);
    print_verdict();
    return 0;
}
