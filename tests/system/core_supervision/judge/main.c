// Reads in the log and from the supervisor what has become of the workers of system.toml, and when.
#define RECORDS_HERE
#include "../../common/log_lines.h"
#include "../../common/records.h"

static kos_slot_t appman;

static kos_appman_entry_t status_of(const char* name) {
    kos_appman_entry_t entry = {0};
    kos_msg_t message = {.label = KOS_APPMAN_STATUS, .payload = name, .payload_bytes = (uint32_t)strlen(name)};
    if (kos_msg_call(appman, &message) == KOS_STATUS_OK) memcpy(&entry, message.payload, sizeof entry);
    return entry;
}

// Waits until the n-th line that begins with `start` is there; its number, and in *us its time. 0: it does not come.
static uint64_t wait_for_line(const char* name, const char* start, unsigned n, uint64_t seconds, uint64_t* us) {
    uint64_t ticks = 0, number = 0;
    uint64_t const end = kos_time_after_us(seconds * 1000000);
    while (!log_find(0, name, start, n, &ticks, &number)) {
        if (kos_time_ticks() >= end) return 0;
        pause_us(20000);
    }
    *us = ticks * 1000000 / kos_time_hz();
    return number;
}

// When instance n of a worker began, in microseconds.
static uint64_t begin_of(const char* name, unsigned n) {
    uint64_t us = 0;
    return wait_for_line(name, "begins ", n, 5, &us);
}

static int reaches(const char* name, uint8_t state) {
    for (unsigned tries = 0; tries < 300 && status_of(name).state != state; ++tries) pause_us(10000);
    return status_of(name).state == state;
}

static void test_watchdog(void) {
    uint64_t const first = begin_of("spinner", 1), second = begin_of("spinner", 2), third = begin_of("spinner", 3);
    check("who hangs is ended", third > 0, (int64_t)third);
    // It works for 50 ms; then a question every 50 ms, and 100 ms for its answer.
    check("not before its watchdog time", second - first >= 150000 && third - second >= 150000,
          (int64_t)(second - first));
    check("and soon after", second - first < 350000 && third - second < 350000, (int64_t)(third - second));
    check("the third instance stays", reaches("spinner", KOS_APPMAN_READY), 0);
    kos_appman_entry_t const entry = status_of("spinner");
    check("reason", entry.last_reason == KOS_EXIT_KILLED || entry.last_reason == KOS_EXIT_HUNG, entry.last_reason);
    check("restarts", entry.restarts == 2 && entry.instance == 3, entry.restarts);
    check("in the log", log_count(0, "spinner: hung, killed", "") == 2, 0);
}

static void test_back_off(void) {
    uint64_t begins[5] = {0};
    for (unsigned n = 1; n <= 4; ++n) begins[n] = begin_of("flaky", n);
    check("the first restart at once", begins[2] - begins[1] < 60000, (int64_t)(begins[2] - begins[1]));
    uint64_t const second = begins[3] - begins[2], third = begins[4] - begins[3];
    check("the second after 100 ms", second >= 105000 && second < 180000, (int64_t)second);
    check("the third after 300 ms", third >= 305000 && third < 380000, (int64_t)third);
    check("then it stays", reaches("flaky", KOS_APPMAN_READY), 0);
    check("three restarts", status_of("flaky").restarts == 3, status_of("flaky").restarts);
}

static void test_dependency(void) {
    uint64_t server = 0;
    wait_for_line("root", "peer_late starts, instance ", 1, 5, &server);
    uint64_t const client = begin_of("client", 1);
    check("a client begins when its server is ready", client >= server + 300000 && client < server + 400000,
          (int64_t)(client - server));
}

static void test_rest_for_one(void) {
    uint64_t const middle = begin_of("middle", 2), lower = begin_of("lower", 2);
    check("who fails is restarted", middle > 0, (int64_t)middle);
    check("who comes behind it as well", lower > 0, (int64_t)lower);
    check("who comes before it is not", status_of("upper").instance == 1, status_of("upper").instance);
}

static void test_mode(void) {
    uint64_t us = 0;
    uint64_t const number = wait_for_line("appman", "mode ", 1, 5, &us);
    check("a group that fails too often switches the mode", number == 1, (int64_t)number);
    check("said why", log_count(0, "weak: too often: group ", "") == 1, 0);
    check("the spare runs", reaches("spare", KOS_APPMAN_READY), 0);
    check("what failed does not", reaches("weak", KOS_APPMAN_STOPPED), 0);
    check("after two restarts", status_of("weak").instance == 3, status_of("weak").instance);
    kos_msg_t message = {.label = KOS_APPMAN_MODE, .payload = "normal", .payload_bytes = 6};
    check_status("back", kos_msg_call(appman, &message), KOS_STATUS_OK);
    check("it is started again", begin_of("weak", 4) > 0, 0);
    check("the spare has stopped", reaches("spare", KOS_APPMAN_STOPPED), 0);
    check("and it fails again", reaches("spare", KOS_APPMAN_READY), 0);
    check("after two restarts again", status_of("weak").instance == 6, status_of("weak").instance);
    check("who is part of both modes was not touched", status_of("both").instance == 1, status_of("both").instance);
}

static void test_never_ready(void) {
    uint64_t us = 0, first = begin_of("never", 1);
    wait_for_line("appman", "never: not ready in time", 1, 40, &us);
    check("who is not ready in time is ended", us >= first + 29900000 && us < first + 30500000, (int64_t)(us - first));
    check("and started again", begin_of("never", 2) > us, (int64_t)us);
    kos_msg_t message = {.label = KOS_APPMAN_STOP, .payload = "never", .payload_bytes = 5};
    check_status("until it is not wanted", kos_msg_call(appman, &message), KOS_STATUS_OK);
    check("stopped", reaches("never", KOS_APPMAN_STOPPED), 0);
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    begin_records();
    kos_assert_ok(kos_dir_request("appman", &appman));
    test_watchdog();
    test_back_off();
    test_dependency();
    test_rest_for_one();
    test_mode();
    test_never_ready();
    print_verdict();
    return 0;
}
