// Uses each core service, has each restarted by appman, and uses it again.
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/log.h>
#include <kos/msg.h>
#include <kos/ports.h>
#include <kos/random.h>
#include <kos/time.h>

#include <stdio.h>
#include <string.h>

enum { kConsoleWrite = 1, kRestarts = 5 };

static kos_slot_t console, log_port, appman, timer;
static int passed, failed;

// Records of a test go to the console itself: the log would make control characters visible.
static void print(const char* text) {
    kos_status_t status;
    do {
        kos_msg_t message = {.label = kConsoleWrite, .payload = text, .payload_bytes = (uint32_t)strlen(text)};
        status = kos_msg_call(console, &message);
    } while (status == KOS_STATUS_FULL);
}

static void check(const char* name, int is_right, uint64_t detail) {
    char line[160];
    snprintf(line, sizeof line, "\x1e{\"test\":\"%s\",\"result\":\"%s\",\"detail\":\"%llu\"}\n", name,
             is_right ? "pass" : "fail", (unsigned long long)detail);
    print(line);
    if (is_right) {
        ++passed;
    } else {
        ++failed;
    }
}

static void test_timer(const char* name) {
    uint64_t const from = kos_time_us();
    kos_status_t const status = kos_delay(20000);
    uint64_t const took = kos_time_us() - from;
    check(name, status == KOS_STATUS_OK && took >= 20000 && took < 2000000, status == KOS_STATUS_OK ? took : status);
}

// Each one costs the timer a little of its budget, and what it used must come back in time: nobody stands still for a
// period now and then. A few of them may be late where machine or host are busy.
static void test_many_sleeps(void) {
    enum { kSleeps = 200, kLateUs = 5000, kMayBeLate = 3 };
    int late = 0;
    for (int i = 0; i < kSleeps; ++i) {
        uint64_t const from = kos_time_us();
        kos_status_t const status = kos_delay(1000);
        uint64_t const took = kos_time_us() - from;
        if (status != KOS_STATUS_OK || took < 1000) {
            check("many sleeps", 0, status == KOS_STATUS_OK ? took : status);
            return;
        }
        late += took > kLateUs;
    }
    check("many sleeps", late <= kMayBeLate, (uint64_t)late);
}

static void test_entropy(const char* name) {
    static unsigned char one[5000], two[5000];
    memset(one, 0, sizeof one);
    memset(two, 0, sizeof two);
    kos_status_t const first = kos_random(one, sizeof one);
    kos_status_t const second = kos_random(two, sizeof two);
    int const differ = memcmp(one, two, sizeof one) != 0 && memcmp(one, one + 4096, 900) != 0;
    check(name, first == KOS_STATUS_OK && second == KOS_STATUS_OK && differ, first);
}

// Is `text` in the log, as a line of this domain?
static int is_logged(const char* text) {
    uint64_t cursor = 0;
    for (;;) {
        kos_msg_t message = {.label = KOS_LOG_READ, .param = cursor};
        kos_status_t const status = kos_msg_call(log_port, &message);
        if (status == KOS_STATUS_PEER_GONE) continue;
        if (status != KOS_STATUS_OK) return 0;
        const char* at = message.payload;
        for (uint64_t i = 0; i < message.words[1]; ++i) {
            kos_log_line_t line;
            memcpy(&line, at, sizeof line);
            if (line.domain == kos_app_startup()->domain && line.bytes == strlen(text) &&
                memcmp(at + sizeof line, text, line.bytes) == 0) {
                return 1;
            }
            at += (sizeof line + line.bytes + 7) & ~(size_t)7;
        }
        cursor = message.param;
    }
}

static void test_log(const char* name, const char* text) {
    kos_status_t const status = kos_log_info("%s", text);
    check(name, status == KOS_STATUS_OK && is_logged(text), status);
}

static kos_status_t ask_appman(uint64_t label, const char* name, kos_appman_entry_t* entry) {
    for (;;) {
        kos_msg_t message = {.label = label, .payload = name, .payload_bytes = (uint32_t)strlen(name)};
        kos_status_t const status = kos_msg_call(appman, &message);
        if (status == KOS_STATUS_PEER_GONE) continue;
        if (kos_status_is_ok(status) && entry != NULL) memcpy(entry, message.payload, sizeof *entry);
        return status;
    }
}

// Has `name` restarted and waits until it is ready again.
static void restart(const char* name) {
    char test[64];
    kos_appman_entry_t before = {0}, now = {0};
    kos_status_t status = ask_appman(KOS_APPMAN_STATUS, name, &before);
    if (status == KOS_STATUS_OK) status = ask_appman(KOS_APPMAN_RESTART, name, NULL);
    uint64_t const until = kos_time_after_us(5000000);
    while (status == KOS_STATUS_OK && kos_time_ticks() < until) {
        status = ask_appman(KOS_APPMAN_STATUS, name, &now);
        if (now.instance != before.instance && now.state == KOS_APPMAN_READY) break;
    }
    snprintf(test, sizeof test, "%s restarts", name);
    check(test, now.instance == before.instance + 1 && now.state == KOS_APPMAN_READY, status);
}

static void test_appman(void) {
    kos_msg_t message = {.label = KOS_APPMAN_LIST};
    kos_status_t const status = kos_msg_call(appman, &message);
    check("appman lists", status == KOS_STATUS_OK && message.payload_bytes == 7 * sizeof(kos_appman_entry_t),
          message.payload_bytes);
    check("appman knows no other", ask_appman(KOS_APPMAN_STATUS, "nobody", NULL) == KOS_STATUS_NOT_FOUND, 0);
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_dir_request("console", &console));
    kos_assert_ok(kos_dir_request("log", &log_port));
    kos_assert_ok(kos_dir_request("timer", &timer));
    kos_assert_ok(kos_dir_request("appman", &appman));
    test_log("log", "probe begins");
    test_timer("sleep");
    test_many_sleeps();
    test_entropy("random bytes");
    uint64_t ns = 0;
    kos_status_t const wall = kos_time_wall_ns(&ns);
    check("no wall clock without a clock", wall == KOS_STATUS_UNAVAILABLE, wall);
    uint64_t param = 16, words[2] = {1, 0};
    kos_status_t const alarm = kos_msg_call_words(timer, KOS_TIMER_ALARM, &param, words);
    check("alarm bits are checked", alarm == KOS_STATUS_INVALID_ARGUMENT, alarm);
    check("log is not for everybody's levels", kos_log(9, "x") == KOS_STATUS_INVALID_ARGUMENT, 0);
    test_appman();
    for (int i = 0; i < kRestarts; ++i) {
        restart("timer");
        test_timer("sleep after a restart");
        restart("entropy");
        test_entropy("random bytes after a restart");
        restart("log");
        test_log("log after a restart", "probe goes on");
        check("lines survive the log", is_logged("probe begins"), 0);
        restart("directory");
        check("directory after a restart", kos_dir_query("entropy") == KOS_STATUS_OK, 0);
    }
    char line[120];
    snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
             failed ? "fail" : "pass", passed, failed);
    print(line);
    return 0;
}
