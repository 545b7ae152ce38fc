// Native client of the port that the Linux program serves (../serve.c): each way in which a call can end.
#include "../labels.h"

#include <kos/app.h>
#include <kos/dir.h>
#include <kos/log.h>
#include <kos/msg.h>
#include <kos/time.h>

#include <string.h>

static kos_slot_t greeter;
static int is_elixir;  // the server is ../../elixir_ports: it cannot be made to break the rules
static uint64_t failures, passes;

static int check(int holds, const char* what, int line) {
    if (holds) {
        ++passes;
        return 1;
    }
    ++failures;
    kos_log_error("line %d: not so: %s", line, what);
    return 0;
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static kos_msg_t words(uint64_t label, uint64_t param, uint64_t word) {
    return (kos_msg_t){.label = label, .param = param, .words = {word, 0}, .has_words = 1};
}

static kos_status_t call(uint64_t label, uint64_t param) {
    kos_msg_t message = words(label, param, 0);
    return kos_msg_call(greeter, &message);
}

static void test_messages(void) {
    static unsigned char payload[KOS_PAYLOAD_MAX];
    for (size_t i = 0; i < sizeof payload; ++i) payload[i] = (unsigned char)(i * 5);
    for (uint64_t label = kGreetEcho; label <= kGreetLater; ++label) {
        kos_msg_t message = words(label, 41, 7);
        CHECK(kos_msg_call(greeter, &message) == KOS_STATUS_OK && message.param == 42 && message.words[0] == 7);
        for (uint32_t bytes = 1; bytes <= sizeof payload; bytes += 1365) {
            message = (kos_msg_t){.label = label, .param = bytes, .payload = payload, .payload_bytes = bytes};
            CHECK(kos_msg_call(greeter, &message) == KOS_STATUS_OK && message.param == bytes + 1);
            CHECK(message.payload_bytes == bytes && memcmp(message.payload, payload, bytes) == 0);
        }
    }
    CHECK(call(999, 0) == KOS_STATUS_BAD_REQUEST);
    CHECK(kos_msg_ping(greeter) == KOS_STATUS_PONG);
}

static void test_ends(void) {
    CHECK(call(kGreetLeave, 0) == KOS_STATUS_PEER_GONE);
    CHECK(call(kGreetEcho, 0) == KOS_STATUS_OK);
    CHECK(call(kGreetNever, 0) == KOS_STATUS_TIMEOUT);
    CHECK(call(kGreetEcho, 0) == KOS_STATUS_OK);
    if (is_elixir) return;
    CHECK(call(kGreetWrong, 0) == KOS_STATUS_INTERNAL_ERROR);
    // What arrives before the connection is closed is lost with it, so not at once.
    CHECK(call(kGreetPause, 50) == KOS_STATUS_OK);
    (void)kos_delay(20000);
    CHECK(call(kGreetEcho, 0) == KOS_STATUS_OK);  // waits
    CHECK(call(kGreetPause, 800) == KOS_STATUS_OK);
    (void)kos_delay(20000);
    CHECK(call(kGreetEcho, 0) == KOS_STATUS_UNAVAILABLE);  // not so long
    kos_status_t status = KOS_STATUS_UNAVAILABLE;
    for (int tries = 0; tries < 10 && status == KOS_STATUS_UNAVAILABLE; ++tries) status = call(kGreetEcho, 0);
    CHECK(status == KOS_STATUS_OK);
}

static void test_token(void) {
    kos_msg_t message = words(kGreetToken, 0, 0);
    if (!CHECK(kos_status_is_ok(kos_msg_call(greeter, &message)) && message.token != 0)) return;
    kos_token_t const token = message.token;
    message = words(kGreetEcho, 0, 0);
    CHECK(kos_msg_call(token, &message) == KOS_STATUS_OK && message.param == 77);
    if (is_elixir) return;
    CHECK(call(kGreetRevoke, 0) == KOS_STATUS_OK);
    message = words(kGreetEcho, 0, 0);
    CHECK(kos_msg_call(token, &message) == KOS_STATUS_INVALID_TOKEN);
}

static void test_casts(void) {
    uint64_t sent = 0;
    // More than the queue holds: what has no room is told at once.
    while (sent < 3) {
        ++sent;
        CHECK(kos_msg_send(greeter, kGreetCast, &sent, sizeof sent) == KOS_STATUS_OK);
    }
    kos_msg_t message = {0};
    for (int tries = 0; tries < 100 && message.param != sent; ++tries) {
        message = words(kGreetCasts, 0, 0);
        if (!CHECK(kos_msg_call(greeter, &message) == KOS_STATUS_OK)) return;
        (void)kos_delay(10000);
    }
    CHECK(message.param == sent && message.words[0] == sent);
}

int main(void) {
    CHECK(kos_app_ready() == KOS_STATUS_OK);
    if (!CHECK(kos_dir_request("greeter", &greeter) == KOS_STATUS_OK)) return 1;
    is_elixir = kos_app_parameter_number("elixir", 0) != 0;
    test_messages();
    test_ends();
    test_token();
    test_casts();
    CHECK(call(kGreetDie, 0) == KOS_STATUS_PEER_GONE);
    // The next instance; the call waits until it serves.
    kos_msg_t message = words(kGreetReport, failures, passes);
    kos_status_t status;
    while ((status = kos_msg_call(greeter, &message)) != KOS_STATUS_OK) {
        kos_log_warning("report: %s", kos_status_name(status));
        (void)kos_delay(100000);
        message = words(kGreetReport, failures + 1, passes);
    }
    return 0;
}
