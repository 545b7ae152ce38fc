// A hostile program: random system calls with random arguments, from processes that a first process (1 of the domain)
// starts anew again and again. What becomes of them does not matter; the personality must stay, and serve the first
// process.
//
//     fuzz SEED ROUNDS
//
// It must be process 1: its calls end, stop and overwrite whatever they can reach.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kCalls = 400, kRoundMs = 1500, kScratchBytes = 64 * 4096, kLastCall = 460 };

static uint64_t state;
static uint64_t next(void) {  // xorshift64*
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1du;
}
static uint64_t below(uint64_t limit) { return next() % limit; }

static char* scratch;

static const char* const kPaths[] = {"/tmp/a",
                                     "/tmp",
                                     "/",
                                     "a",
                                     "..",
                                     "/proc/self/maps",
                                     "/proc/1/stat",
                                     "/dev/null",
                                     "/dev/zero",
                                     "/tmp/a/../b",
                                     "/proc/self/exe",
                                     "/dev/ptmx",
                                     "/proc/self/fd",
                                     "",
                                     "/tmp/dir/x",
                                     "/bin/sh"};

static uint64_t argument(void) {
    switch (below(14)) {
        case 0: return 0;
        case 1: return below(16);
        case 2: return below(64);
        case 3: return (uint64_t)1 << below(64);
        case 4: return ~UINT64_C(0) - below(32);
        case 5: return next();
        case 6: return below(8) * 4096;
        case 7: return (uint64_t)(uintptr_t)kPaths[below(sizeof kPaths / sizeof *kPaths)];
        case 8: return (uint64_t)(uintptr_t)scratch + below(kScratchBytes);
        case 9: return ((uint64_t)(uintptr_t)scratch + below(kScratchBytes)) & ~UINT64_C(7);
        case 10: return ((uint64_t)(uintptr_t)scratch + below(kScratchBytes)) & ~UINT64_C(4095);
        case 11: return next() & 0xffffffff;
        case 12: return below(70);  // a signal, a descriptor
        default: return below(1 << 20);
    }
}

static void fill_scratch(void) {
    for (int i = 0; i < 64; ++i) {
        uint64_t* const at = (uint64_t*)(void*)(scratch + below(kScratchBytes / 8) * 8);
        *at = below(4) ? argument() : below(1000);
    }
}

static int is_left_out(long number) { return number == SYS_exit || number == SYS_exit_group || number == SYS_reboot; }

static void hostile(uint64_t seed) {
    state = seed | 1;
    scratch = mmap(0, kScratchBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // Not to the console: it has the records.
    const int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) _exit(1);
    const struct rlimit limit = {64 << 10, 64 << 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) || pipe(fds) || epoll_create1(0) < 0 || eventfd(0, 0) < 0 ||
        timerfd_create(CLOCK_MONOTONIC, 0) < 0 || open("/tmp", O_RDONLY) < 0 || open("/proc/self/stat", O_RDONLY) < 0)
        _exit(1);
    if (below(2)) {
        const int own = open("/tmp/a", O_RDWR | O_CREAT, 0666);
        if (own >= 0 && write(own, "#!/bin/sh\n", 10) < 0) _exit(2);
    }
    if (below(3) == 0 && setuid(1000) != 0) _exit(3);
    for (int i = 0; i < kCalls; ++i) {
        const long number = below(20) ? (long)below(kLastCall) : (long)argument();
        if (is_left_out(number)) continue;
        if (i % 16 == 0) fill_scratch();
        syscall(number, argument(), argument(), argument(), argument(), argument(), argument());
    }
    _exit(0);
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void nap(void) {
    const struct timespec t = {0, 5000000};
    nanosleep(&t, 0);
}

static void end_all(void) {
    for (int i = 0; i < 400; ++i) {
        kill(-1, SIGKILL);
        if (waitpid(-1, 0, WNOHANG) < 0 && errno == ECHILD) return;
        nap();
    }
}

// The personality still does what it should, for another process.
static const char* serves(void) {
    int ends[2];
    if (pipe(ends) != 0) return "pipe";
    pid_t child = -1;
    for (int i = 0; i < 50 && (child = fork()) < 0; ++i) nap();
    if (child < 0) return "fork";
    if (child == 0) {
        char* const p = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) _exit(1);
        memset(p, 0x5a, 1 << 20);
        _exit(write(ends[1], p + 1000, 4) == 4 ? 0 : 1);
    }
    close(ends[1]);
    char text[4] = "";
    const ssize_t n = read(ends[0], text, 4);
    close(ends[0]);
    int status = -1;
    pid_t got;
    do got = waitpid(child, &status, 0);
    while (got < 0 && errno == EINTR);
    return n != 4 || memcmp(text, "ZZZZ", 4) != 0 ? "read" : got != child || status != 0 ? "wait" : 0;
}

static void put(const char* text) {
    size_t left = strlen(text);
    while (left) {
        const ssize_t n = write(1, text, left);
        if (n > 0)
            text += n, left -= (size_t)n;
        else
            nap();
    }
}

int main(int count, char** arguments) {
    if (count != 3 || getpid() != 1) return 2;
    for (int i = 1; i < 65; ++i)
        if (i != SIGCHLD) signal(i, SIG_IGN);
    const uint64_t seed = strtoull(arguments[1], 0, 0);
    const int rounds = atoi(arguments[2]);
    char line[200];
    int failed = 0;
    for (int round = 0; round < rounds && !failed; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            for (int i = 1; i < 65; ++i) signal(i, SIG_DFL);
            hostile((seed << 20) + (uint64_t)round * 2654435761u + 88172645463325252u);
        }
        const int64_t end = now_ms() + kRoundMs;
        while (child > 0 && waitpid(child, 0, WNOHANG) == 0 && now_ms() < end) nap();
        end_all();
        const char* const problem = serves();
        if (problem) {
            snprintf(line, sizeof line,
                     "\x1e{\"test\":\"round %d of seed %llu\",\"result\":\"fail\",\"detail\":\"%s\"}\n", round,
                     (unsigned long long)seed, problem);
            put(line);
            failed = 1;
        }
    }
    if (!failed) {
        snprintf(line, sizeof line, "\x1e{\"test\":\"fuzz seed %llu\",\"result\":\"pass\",\"detail\":\"%d rounds\"}\n",
                 (unsigned long long)seed, rounds);
        put(line);
    }
    snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
             failed ? "fail" : "pass", !failed, failed);
    put(line);
    for (;;) nap();
}
