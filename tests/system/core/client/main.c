// Client of the core test.
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/log.h>
#include <kos/msg.h>

#include <stdio.h>
#include <string.h>

static kos_slot_t console;

static void print(const char* text) {
    kos_msg_t message = {.label = 1, .payload = text, .payload_bytes = (uint32_t)strlen(text)};
    kos_msg_call(console, &message);
}

static int passed, failed;
static void check(const char* name, int ok, long detail) {
    char line[160];
    snprintf(line, sizeof line, "\x1e{\"test\":\"%s\",\"result\":\"%s\",\"detail\":\"%ld\"}\n", name,
             ok ? "pass" : "fail", detail);
    print(line);
    ok ? passed++ : failed++;
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_dir_request("console", &console));
    print("client: hello\n");
    kos_status_t log = kos_log_info("client starts");
    check("log", log == KOS_STATUS_OK, log);
    kos_slot_t echo = 0;
    kos_status_t status = kos_dir_request("echo", &echo);
    check("look-up", status == KOS_STATUS_OK, status);
    uint64_t param = 41, words[2] = {7, 8};
    status = kos_msg_call_words(echo, 1, &param, words);
    check("call in registers", status == KOS_STATUS_OK && param == 42 && words[0] == 7, status);
    check("caller", words[1] == kos_app_startup()->domain, (long)words[1]);
    static char big[4096];
    memset(big, 'x', sizeof big);
    kos_msg_t message = {.label = 1, .param = 1, .payload = big, .payload_bytes = sizeof big};
    status = kos_msg_call(echo, &message);
    check("payload",
          status == KOS_STATUS_OK && message.payload_bytes == sizeof big && !memcmp(message.payload, big, sizeof big),
          status);
    status = kos_msg_ping(echo);
    check("ping", status == KOS_STATUS_PONG, status);
    for (int i = 0; i < 3; ++i) {
        param = 0x10;
        status = kos_msg_call_words(echo, 2, &param, words);
        check("server faults", status == KOS_STATUS_PEER_GONE, status);
        param = 1;
        status = kos_msg_call_words(echo, 1, &param, words);
        check("server is back", status == KOS_STATUS_OK && param == 2, status);
    }
    param = 0;
    status = kos_msg_call_words(echo, 3, &param, words);
    check("server hangs", status == KOS_STATUS_PEER_GONE, status);
    param = 1;
    status = kos_msg_call_words(echo, 1, &param, words);
    check("server is back after a hang", status == KOS_STATUS_OK && param == 2, status);
    char line[120];
    snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
             failed ? "fail" : "pass", passed, failed);
    print(line);
    return 0;
}
