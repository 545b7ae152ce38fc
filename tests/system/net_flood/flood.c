// Linux program: has itself flooded at several rates, and looks at what it receives and what else it can do meanwhile.
#include "order.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kFloodMs = 500, kNapUs = 5000, kNapsLeast = 20, kWorkSteps = 10000, kStepsLeast = 20000 };
// 20, 50, 100, 200 and 400 Mbit/s of the largest datagrams.
static const uint32_t kRates[] = {1785, 4464, 8928, 17857, 35714};
enum { kRateCount = sizeof kRates / sizeof kRates[0] };

struct result {
    struct order order;
    uint64_t received;
    uint64_t naps;   // of another program of the domain
    uint64_t steps;  // calls that this one has made beside the flood
};

static int passed, failed;
static int control, flooded;
static volatile uint64_t* naps;

static void check(const char* test, bool holds, const char* what) {
    holds ? ++passed : ++failed;
    printf("\x1e{\"test\":\"%s\",\"result\":\"%s\",\"detail\":\"%s\"}\n", test, holds ? "pass" : "fail",
           holds ? "" : what);
}

static int open_socket(int type, uint16_t port) {
    struct sockaddr_in const own = {.sin_family = AF_INET, .sin_port = htons(port)};
    int const fd = socket(AF_INET, type, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr*)&own, sizeof own) != 0) exit(1);
    return fd;
}

static int open_control(void) {
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(kPort)};
    inet_pton(AF_INET, "10.78.1.1", &peer.sin_addr);
    int const fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr*)&peer, sizeof peer) != 0) exit(1);
    return fd;
}

static void begin_naps(void) {
    naps = mmap(NULL, sizeof *naps, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (naps == MAP_FAILED) exit(1);
    if (fork() != 0) return;
    for (;; ++*naps) usleep(kNapUs);
}

static void work(unsigned steps) {
    for (unsigned i = 0; i < steps; ++i) __asm__ volatile("" : : "r"(i));
}

// What has come, until nothing does for a while.
static uint64_t receive(unsigned steps_of_each) {
    static char bytes[kFloodBytes];
    uint64_t count = 0;
    for (; recv(flooded, bytes, sizeof bytes, 0) > 0; ++count) work(steps_of_each);
    return count;
}

static struct result run(const char* name, enum kind kind, uint32_t packets_per_s, unsigned steps_of_each) {
    static uint32_t number;
    struct result result = {
        .order = {.kind = kind, .number = ++number, .packets_per_s = packets_per_s, .ms = kFloodMs}};
    uint64_t const naps_before = *naps;
    if (send(control, &result.order, sizeof result.order, 0) < 0) exit(1);
    struct order over = {0};
    while (recv(control, &over, sizeof over, MSG_DONTWAIT) < 0 || over.number != number) {
        if (kind == kDatagrams) {
            result.received += receive(steps_of_each);
        } else {
            ++result.steps;
        }
    }
    result.order = over;
    result.naps = *naps - naps_before;
    printf("%s, %u/s: offered %llu, no room for %llu, received %llu, naps %llu, steps %llu\n", name, packets_per_s,
           (unsigned long long)over.offered, (unsigned long long)over.refused, (unsigned long long)result.received,
           (unsigned long long)result.naps, (unsigned long long)result.steps);
    return result;
}

// As much as a program can receive at any rate, it receives at each higher one, or half of that at least.
static void test_datagrams(const char* name, unsigned steps_of_each) {
    uint64_t best = 0;
    bool is_flat = true, others_run = true;
    for (unsigned i = 0; i < kRateCount; ++i) {
        struct result const result = run(name, kDatagrams, kRates[i], steps_of_each);
        if (result.received > best) best = result.received;
        is_flat &= result.received >= best / 2;
        others_run &= result.naps >= kNapsLeast;
        if (i == 0) check(name, result.received == result.order.offered, "some were lost at the lowest rate");
    }
    check(name, is_flat, "less arrives when more is sent");
    check(name, others_run, "another program has no time");
}

static void test_others(const char* name, enum kind kind) {
    bool run_on = true;
    for (unsigned i = 2; i < kRateCount; ++i) {
        struct result const result = run(name, kind, kRates[i], 0);
        run_on &= result.steps >= kStepsLeast && result.naps >= kNapsLeast;
    }
    check(name, run_on, "programs have no time");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    begin_naps();
    control = open_control();
    flooded = open_socket(SOCK_DGRAM, kFloodPort);
    struct timeval const patience = {.tv_usec = 10000};
    if (setsockopt(flooded, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) return 1;
    if (listen(open_socket(SOCK_STREAM, kStreamPort), 128) != 0) return 1;
    test_datagrams("datagrams", 0);
    test_datagrams("datagrams_with_work", kWorkSteps);
    test_others("beginnings", kBeginnings);
    test_others("echoes", kEchoes);
    printf("\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n", failed ? "fail" : "pass", passed,
           failed);
    return 0;
}
