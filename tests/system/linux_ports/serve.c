// Serves the port "greeter" for the native domain "caller", and leaves it in each way.
#define _GNU_SOURCE
#include "labels.h"
#include "ports.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int listener = -1, client = -1, accepted;
static uint64_t casts, last_cast;
static bool is_reported;
static uint64_t reported_failures, reported_passes;

static void sleep_ms(uint64_t ms) {
    struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

static int bind_port(const char* name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, "/run/kos/bind/");
    strcat(address.sun_path, name);
    int const fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (bind(fd, (const struct sockaddr*)&address, sizeof address) == 0) return fd;
    int const error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void start_listening(void) {
    listener = bind_port("greeter");
    CHECK(listener >= 0 && listen(listener, 4) == 0);
}

static void take_client(void) {
    static record_t hello;
    client = accept(listener, NULL, NULL);
    ++accepted;
    CHECK(client >= 0 && receive(client, &hello, 1000) && hello.head.kind == KOS_PORT_HELLO);
    CHECK(hello.head.label == 4096 && hello.head.flags == (KOS_PORT_HAS_QUEUE | KOS_PORT_HAS_TOKENS));
    CHECK(hello.payload_bytes == 6 && memcmp(hello.payload, "caller", 6) == 0 && hello.head.words[0] != 0);
}

static void leave(void) {
    close(client);
    client = -1;
}

static void pause_serving(uint64_t ms) {
    leave();
    close(listener);
    CHECK(access("/run/kos/bind/greeter", F_OK) == -1);
    sleep_ms(ms);
    start_listening();
}

// What came of answers that are refused: seen when their turn comes, calls may be before them.
static unsigned refused_wrong, refused_late, refused_revoke;
static uint64_t wrong_id, never_id;
enum { kRevokeId = 0xfff5 };

static void take_status(const kos_port_record_t* head) {
    if (head->label == kBadRequest && head->call_id == wrong_id) ++refused_wrong;
    if (head->label == kNotFound && head->call_id == never_id) ++refused_late;
    if (head->label == kNotFound && head->call_id == kRevokeId) ++refused_revoke;
}

static void die(void) {
    static record_t restart;
    CHECK(refused_wrong == 1 && refused_late == 1 && refused_revoke == 1);
    end();
    int const appman = open_port("appman");
    restart.head = request(5, 1, 0);  // restart of idl/appman.capnp
    memcpy(restart.payload, "linux", restart.payload_bytes = 5);
    CHECK(send_record(appman, &restart, -1, 0));
    for (;;) pause();
}

static void serve_call(record_t* record) {
    record_t answer = *record;
    uint64_t const id = record->head.call_id;
    answer.head.kind = KOS_PORT_REPLY;
    answer.head.label = kOk;
    answer.head.param = record->head.param + 1;
    answer.head.token = 0;
    switch (record->head.token ? kGreetEcho : record->head.label) {
        case kGreetEcho:
            if (record->head.token) answer.head.param = record->head.token;
            break;
        case kGreetLater: sleep_ms(20); break;
        case kGreetLeave: leave(); return;
        case kGreetWrong: wrong_id = id, answer.head.label = 5; break;
        case kGreetNever: never_id = id, sleep_ms(600); break;
        case kGreetToken:
            answer.head.flags |= KOS_PORT_NEW_TOKEN;
            answer.head.token = 77;
            break;
        case kGreetRevoke: {
            kos_port_record_t const revoke = {
                .version = KOS_PORT_VERSION, .kind = KOS_PORT_REVOKE, .call_id = kRevokeId, .token = 77};
            send_head(client, revoke);
            send_head(client, revoke);  // once more: there is none
            break;
        }
        case kGreetCasts:
            answer.head.param = casts;
            answer.head.flags = KOS_PORT_WORDS;
            answer.head.words[0] = last_cast;
            break;
        case kGreetPause: break;
        case kGreetDie: die(); return;
        case kGreetReport:
            is_reported = true;
            reported_failures = record->head.param;
            reported_passes = record->head.words[0];
            break;
        default: answer.head.label = kBadRequest; break;
    }
    CHECK(send_record(client, &answer, -1, 0));
    if (record->head.label == kGreetPause) pause_serving(record->head.param);
}

static void serve_one(void) {
    static record_t record;
    if (client < 0) return take_client();
    struct pollfd ready[2] = {{.fd = client, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
    CHECK(poll(ready, 2, 20000) > 0);
    if (!CHECK(!ready[1].revents)) return leave();
    if (!CHECK(receive(client, &record, 0))) return leave();
    if (record.head.kind == KOS_PORT_CALL) return serve_call(&record);
    if (record.head.kind == KOS_PORT_STATUS) return take_status(&record.head);
    if (!CHECK(record.head.kind == KOS_PORT_CAST && record.head.label == kGreetCast)) return;
    CHECK(record.payload_bytes == sizeof last_cast);
    memcpy(&last_cast, record.payload, sizeof last_cast);
    ++casts;
}

void test_serving(void) {
    begin("bind");
    CHECK(bind_port("peer") == -1 && errno == ENOENT);
    int const unused = bind_port("greeter");
    CHECK(unused >= 0 && bind_port("greeter") == -1 && errno == EADDRINUSE);
    close(unused);
    start_listening();
    end();
    begin("serve");
    while (!is_reported) serve_one();  // the caller's last request is the end of this domain
}

void test_after_restart(void) {
    begin("serve_again");
    start_listening();
    while (!is_reported) serve_one();
    CHECK(reported_failures == 0 && reported_passes > 20);
    end();
}
