// Makes each core service go wrong in every way (tests/system/common/inject) and looks after each whether the fault is
// in the log, the service is back, the others have worked on without an error, and root's accounts are as before.
#define RECORDS_HERE
#include "../../common/judging.h"

#include <kos/log.h>
#include <kos/random.h>
#include <kos/thread.h>

// A service: `name` is also that of its domain.
struct service {
    const char* name;
    const char* port;
    int is_passive;
    int has_queue;
    int has_window;
    kos_slot_t slot;
    uint64_t instance;
    uint16_t domain;
};
static struct service services[] = {
    {.name = "uart", .port = "console", .is_passive = 1, .has_window = 1},
    {.name = "log", .port = "log", .is_passive = 1, .has_queue = 1, .has_window = 1},
    {.name = "directory", .port = "directory", .has_queue = 1},
    {.name = "timer", .port = "timer", .has_queue = 1},
    {.name = "entropy", .port = "entropy", .is_passive = 1, .has_window = 1},
    {.name = "rtc", .port = "rtc"},
    {.name = "gpio", .port = "gpio"},
};
enum { kServices = sizeof services / sizeof services[0] };

static kos_slot_t user, pair;

static void check_others(void) {
    static uint64_t last_pair, last_user;
    check_works_on("who has nothing to do with it works on", pair, &last_pair);
    check_works_on("who uses it goes on", user, &last_user);
}

// Does what it is there for.
static kos_status_t use(const struct service* service) {
    static const uint8_t kZero[32];
    uint8_t bytes[32] = {0};
    switch (service - services) {
        case 1: {
            uint64_t const from = log_next();
            kos_status_t const status = kos_log_info("a line of the judge");
            if (status != KOS_STATUS_OK) return status;
            return log_count(from, "a line of the judge", "") ? KOS_STATUS_OK : KOS_STATUS_NOT_FOUND;
        }
        case 2: return kos_dir_query("gpio");
        case 3: {
            uint64_t const from = kos_time_us();
            kos_status_t const status = kos_delay(3000);
            if (status != KOS_STATUS_OK) return status;
            return kos_time_us() - from >= 3000 ? KOS_STATUS_OK : KOS_STATUS_INTERNAL_ERROR;
        }
        case 4: {
            kos_status_t const status = kos_random(bytes, sizeof bytes);
            if (status != KOS_STATUS_OK) return status;
            return memcmp(bytes, kZero, sizeof bytes) ? KOS_STATUS_OK : KOS_STATUS_INTERNAL_ERROR;
        }
        default: return kos_msg_ping(service->slot) == KOS_STATUS_PONG ? KOS_STATUS_OK : KOS_STATUS_INTERNAL_ERROR;
    }
}

static uint64_t instance_of(const struct service* service) {
    uint64_t instance = 0;
    for (unsigned tries = 0; tries < 10; ++tries) {
        if (order(service->slot, kInjectLabel, kInjectState, 0, &instance) == KOS_STATUS_OK) return instance;
    }
    return 0;
}

// What the driver has in its buffer is lost with it: records have to be out before.
static void settle(void) { pause_us(30000); }

// Ends that the domain itself reports.
static int has_no_registers(const char* cause) {
    return !strcmp(cause, judging_kinds[kFaultAssert].cause) || !strcmp(cause, judging_kinds[kFaultExit].cause);
}

// The service has ended once since `from`, `cause` says the log about it, and everything is as it was. `by_root`: it is
// a fault record of root's, which names instance and thread.
static void check_end(struct service* service, const char* name, uint64_t from, const char* cause, int by_root) {
    char start[64], text[120];
    for (unsigned tries = 0; tries < 300 && instance_of(service) == service->instance; ++tries) pause_us(10000);
    uint64_t const instance = instance_of(service);
    snprintf(text, sizeof text, "%s: %s: one new instance", service->name, name);
    check(text, instance == service->instance + 1, (int64_t)instance);
    kos_status_t used = KOS_STATUS_PEER_GONE;
    for (unsigned tries = 0; tries < 10 && used == KOS_STATUS_PEER_GONE; ++tries) used = use(service);
    check_status("it is back", used, KOS_STATUS_OK);
    if (by_root) {
        snprintf(start, sizeof start, "%s (instance %u, thread ", service->name, (unsigned)service->instance);
    } else {
        snprintf(start, sizeof start, "%s: ", service->name);
    }
    snprintf(text, sizeof text, "%s: %s: in the log", service->name, name);
    check(text, is_logged(from, start, cause), (int64_t)from);
    if (by_root) check("with registers", has_no_registers(cause) || is_logged(from, "  pc ", " sp "), 0);
    service->instance = instance;
    check_others();
    check_accounts(name);
}

static void wrong_in_request(struct service* service, uint64_t kind, const char* name, const char* cause) {
    settle();
    uint64_t const from = log_next();
    kos_status_t const status = order(service->slot, kInjectLabel, kInjectNow, kind, 0);
    check_end(service, name, from, cause, 1);
    check_status("its caller is told", status, KOS_STATUS_PEER_GONE);
}

static void wrong_by_itself(struct service* service, enum inject_order how, uint64_t kind, const char* name,
                            const char* cause) {
    settle();
    uint64_t const from = log_next();
    // With the whole budget: if it ended in this request, the service would go wrong on a loan and not by itself.
    kos_thread_yield();
    kos_status_t const status = order(service->slot, kInjectLabel, how, kind, 0);
    check_end(service, name, from, cause, 1);
    check("who gave the order is answered", status == KOS_STATUS_OK || status == KOS_STATUS_PEER_GONE, status);
}

static volatile kos_status_t waiter_status;
static void wait_for(void* slot) {
    waiter_status = 0;
    waiter_status = kos_msg_ping((kos_slot_t)(uintptr_t)slot);
}

static kos_thread_t* start_waiter(const struct service* service) {
    kos_thread_t* thread = 0;
    kos_assert_created(kos_thread_create(wait_for, (void*)(uintptr_t)service->slot, 0, &thread));
    kos_assert_ok(kos_thread_start(thread));
    return thread;
}

// An endless loop, with somebody else in the queue.
static void test_hang(struct service* service) {
    settle();
    uint64_t const from = log_next();
    kos_thread_t* const thread = start_waiter(service);
    kos_status_t const status = order(service->slot, kInjectLabel, kInjectNow, kFaultHang, 0);
    check_end(service, "hangs in a request", from, "hung", 1);
    kos_assert_ok(kos_thread_join(thread));
    check_status("its caller is told", status, KOS_STATUS_PEER_GONE);
    check("who waited is served", waiter_status == KOS_STATUS_PONG || waiter_status == KOS_STATUS_PEER_GONE,
          waiter_status);
    wrong_by_itself(service, kInjectOwn, kFaultHang, "hangs on its own", "no sign of life");
}

static void test_hunger(struct service* service) {
    uint64_t pages = 0;
    check_status("more time than its budget", order(service->slot, kInjectLabel, kInjectSpin, 20000, 0), KOS_STATUS_OK);
    check_status("it still serves", use(service), KOS_STATUS_OK);
    check_status("all memory used", order(service->slot, kInjectLabel, kInjectMemory, 0, &pages), KOS_STATUS_OK);
    check("of its quota", pages > 0, (int64_t)pages);
    check_status("it still serves", use(service), KOS_STATUS_OK);
    check_others();
    wrong_in_request(service, kFaultNullWrite, "without memory", judging_kinds[kFaultNullWrite].cause);
}

static void test_kills(struct service* service) {
    settle();
    uint64_t from = log_next();
    check_status("killed", order(judging_appman, kInjectLabel, kInjectKill, service->domain, 0), KOS_STATUS_OK);
    check_end(service, "killed", from, "ended, reason 9", 0);
    check_status("deaf", order(service->slot, kInjectLabel, kInjectDeaf, 0, 0), KOS_STATUS_OK);
    settle();
    from = log_next();
    check_status("asked to restart", restart_domain(service->name), KOS_STATUS_OK);
    check_end(service, "killed because it does not end", from, "not ended in time", 0);
}

static void test_floods(struct service* service) {
    uint64_t sent = 0, word = 0;
    kos_status_t const flooded = order(service->slot, kInjectLabel, kInjectFlood, 30, &sent);
    check("it floods", flooded == KOS_STATUS_OK && sent >= 30, (int64_t)sent);
    check_others();
    unsigned refused = 0;
    static char payload[KOS_PAYLOAD_MAX];
    for (uint64_t i = 0; i < 300; ++i) {
        uint64_t param = i, words[2] = {i, ~i};
        refused += kos_msg_call_words(service->slot, 0x200 + i, &param, words) == KOS_STATUS_BAD_REQUEST;
    }
    check("it refuses what it does not know", refused == 300, refused);
    refused = 0;
    for (unsigned i = 0; service->has_window && i < 100; ++i) {
        kos_msg_t message = {.label = 0x200 + i, .param = i, .payload = payload, .payload_bytes = KOS_PAYLOAD_MAX - i};
        refused += kos_msg_call(service->slot, &message) == KOS_STATUS_BAD_REQUEST;
    }
    check("with payload as well", refused == (service->has_window ? 100 : 0), refused);
    unsigned queued = 0;
    for (unsigned i = 0; service->has_queue && i < 1000; ++i) {
        queued += kos_msg_send(service->slot, 0x200 + i, &word, i % KOS_QUEUE_INLINE_BYTES) == KOS_STATUS_OK;
    }
    check("and in its queue", !service->has_queue || queued > 0, queued);
    check_status("it still serves", use(service), KOS_STATUS_OK);
    check("in the same instance", instance_of(service) == service->instance, (int64_t)service->instance);
    check_others();
    check_accounts("a flood");
}

static void test_service(struct service* service) {
    for (uint64_t kind = 0; kind < kFaultKinds; ++kind) {
        wrong_in_request(service, kind, judging_kinds[kind].name, judging_kinds[kind].cause);
    }
    static const uint64_t kOwn[] = {kFaultNullWrite, kFaultJump, kFaultCapability, kFaultAssert};
    for (unsigned i = 0; i < sizeof kOwn / sizeof kOwn[0]; ++i) {
        wrong_by_itself(service, kInjectOwn, kOwn[i], judging_kinds[kOwn[i]].name, judging_kinds[kOwn[i]].cause);
    }
    wrong_by_itself(service, kInjectThread, kFaultNullWrite, "a thread of its own",
                    judging_kinds[kFaultNullWrite].cause);
    test_hang(service);
    test_hunger(service);
    test_kills(service);
    test_floods(service);
}

// Everything that is made when it is needed first has to be there before accounts are compared, and what the first
// instance only needs is gone: the timer asks the clock once.
static void warm_up(void) {
    kos_assert_ok(restart_domain("timer"));
    for (unsigned round = 0; round < 3; ++round) {
        for (unsigned i = 0; i < kServices; ++i) kos_assert_ok(use(&services[i]));
        kos_thread_t* const thread = start_waiter(&services[4]);
        kos_assert_ok(kos_thread_join(thread));
        pause_us(50000);
    }
    for (unsigned i = 0; i < kServices; ++i) {
        services[i].domain = status_of(services[i].name).domain;
        kos_assert(services[i].domain != 0);
        services[i].instance = instance_of(&services[i]);
    }
    note_accounts();
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    begin_records();
    for (unsigned i = 0; i < kServices; ++i) kos_assert_ok(kos_dir_request(services[i].port, &services[i].slot));
    kos_assert_ok(kos_dir_request("appman", &judging_appman));
    kos_assert_ok(kos_dir_request("user", &user));
    kos_assert_ok(kos_dir_request("pair", &pair));
    warm_up();
    check_others();
    check_accounts("nothing");
    for (unsigned i = 0; i < kServices; ++i) test_service(&services[i]);
    print_verdict();
    return 0;
}
