// Linux program: sends, waits or computes, and looks at when the peer has seen what it sent.
#include "stamp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kSome = 4, kComputeUs = 10000, kWakeLatestUs = 1000, kSlackUs = 300 };

static int present_failures, passed, failed;
static const char* present;

static void begin(const char* test) {
    present = test;
    present_failures = 0;
}

static void end(void) {
    present_failures ? ++failed : ++passed;
    printf("\x1e{\"test\":\"%s\",\"result\":\"%s\"}\n", present, present_failures ? "fail" : "pass");
}

static bool check(bool holds, const char* what, int line) {
    if (holds) return true;
    ++present_failures;
    printf("%s: line %d: not so: %s\n", present, line, what);
    return false;
}
#define CHECK(condition) check((condition), #condition, __LINE__)

// Microseconds since boot: answered without a call of the server (linux/shim).
static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void compute(void) {
    int64_t const begin = now();
    while (now() - begin < kComputeUs) {
    }
}

static int open_socket(void) {
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(kPort)};
    inet_pton(AF_INET, "10.78.1.1", &peer.sin_addr);
    int const fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(connect(fd, (const struct sockaddr*)&peer, sizeof peer) == 0);
    return fd;
}

static int64_t send_one(int fd, uint64_t number) {
    struct stamp const stamp = {.number = number};
    int64_t const time = now();
    CHECK(send(fd, &stamp, sizeof stamp, 0) == sizeof stamp);
    return time;
}

static struct stamp receive(int fd, uint64_t number) {
    struct stamp stamp = {0};
    CHECK(recv(fd, &stamp, sizeof stamp, 0) == sizeof stamp);
    CHECK(stamp.number == number);
    return stamp;
}

// A batch of `count`; the last thing the program does is to wait for what comes back.
static void batch(int fd, unsigned count) {
    for (unsigned i = 0; i < count; ++i) send_one(fd, i);
    for (unsigned i = 0; i < count; ++i) receive(fd, i);
}

static void test_single(int fd) {
    begin("one_goes_at_once");
    batch(fd, 1);
    batch(fd, 1);
    int64_t const sent = send_one(fd, 0);
    compute();
    CHECK((int64_t)receive(fd, 0).us - sent < kSlackUs);
    end();
}

static void test_together(int fd) {
    begin("several_go_together");
    batch(fd, kSome);
    for (unsigned i = 0; i < kSome; ++i) send_one(fd, i);
    int64_t const all_sent = now();
    struct stamp const first = receive(fd, 0);
    CHECK((int64_t)first.us - all_sent >= 0);
    for (unsigned i = 1; i < kSome; ++i) CHECK(receive(fd, i).wakes == first.wakes);
    end();
}

static void test_bound(int fd) {
    begin("not_later_than_a_millisecond");
    batch(fd, kSome);
    int64_t const first_sent = send_one(fd, 0);
    for (unsigned i = 1; i < kSome; ++i) send_one(fd, i);
    int64_t const all_sent = now();
    compute();
    struct stamp const first = receive(fd, 0);
    CHECK((int64_t)first.us - all_sent >= 0);
    CHECK((int64_t)first.us - first_sent >= kWakeLatestUs - kSlackUs);
    CHECK((int64_t)first.us - first_sent <= kWakeLatestUs + kSlackUs);
    for (unsigned i = 1; i < kSome; ++i) CHECK(receive(fd, i).wakes == first.wakes);
    end();
}

// Another process of the domain, and its sender is gone.
static void test_end(int fd) {
    begin("what_the_ended_have_sent_goes");
    batch(fd, kSome);
    pid_t const child = fork();
    if (child == 0) {
        for (unsigned i = 0; i < kSome; ++i) send_one(fd, i);
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    int64_t const over = now();
    compute();
    for (unsigned i = 0; i < kSome; ++i) CHECK((int64_t)receive(fd, i).us - over < kSlackUs);
    end();
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int const fd = open_socket();
    test_single(fd);
    test_together(fd);
    test_bound(fd);
    test_end(fd);
    printf("\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n", failed ? "fail" : "pass", passed,
           failed);
    return 0;
}
