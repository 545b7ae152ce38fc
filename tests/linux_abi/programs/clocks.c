// Clocks by the vDSO and by system calls, sleeping, timerfd.
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>

static int64_t by_call(clockid_t clock) {
    struct timespec t;
    OK(syscall(SYS_clock_gettime, clock, &t));
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t by_library(clockid_t clock) {
    struct timespec t;
    OK(clock_gettime(clock, &t));
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

CASE(vdso_is_there) { CHECK(getauxval(AT_SYSINFO_EHDR) != 0); }

CASE(library_and_call_agree) {
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; ++i)
        for (int round = 0; round < 100; ++round) {
            const int64_t a = by_call(clocks[i]), b = by_library(clocks[i]), c = by_call(clocks[i]);
            CHECK(a <= b && b <= c);
        }
}

CASE(never_backwards) {
    int64_t before = by_library(CLOCK_MONOTONIC);
    for (int i = 0; i < 20000; ++i) {
        const int64_t now = by_library(CLOCK_MONOTONIC);
        CHECK(now >= before);
        before = now;
    }
}

CASE(coarse_clocks) {
    static const clockid_t pairs[][2] = {{CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE},
                                         {CLOCK_REALTIME, CLOCK_REALTIME_COARSE}};
    for (int i = 0; i < 2; ++i) {
        const int64_t fine = by_library(pairs[i][0]), coarse = by_library(pairs[i][1]);
        CHECK(coarse <= by_library(pairs[i][0]) && fine - coarse < INT64_C(100000000));
        CHECK(by_call(pairs[i][1]) >= coarse);
    }
}

// CPU time is known to within a slice of the scheduler (10 ms on KOS), at most this for all that are compared here.
static const int64_t kMs = 1000000, kSlack = 30 * kMs;

// Without a call of the kernel. Where QEMU's cores take turns, the hint lets the others have theirs: else a core that
// computes uses up the time of all budgets on the others, and nothing else goes on.
static void compute(int64_t ns) {
    const int64_t end = by_library(CLOCK_MONOTONIC) + ns;
    volatile int x = 0;
    while (by_library(CLOCK_MONOTONIC) < end) {
        for (int i = 0; i < 1000; ++i) x += i;
#ifdef __aarch64__
        __asm__ volatile("yield");
#endif
    }
}

static int64_t of_rusage(const struct rusage* usage) {
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * INT64_C(1000);
}

static int64_t by_rusage(int who) {
    struct rusage usage;
    OK(getrusage(who, &usage));
    return of_rusage(&usage);
}

static int64_t by_times(void) {
    struct tms t;
    OK(times(&t));
    return (t.tms_utime + t.tms_stime) * (INT64_C(1000000000) / sysconf(_SC_CLK_TCK));
}

static int64_t by_stat(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char* const rest = strrchr(read_file(path), ')');
    unsigned long user = 0, system = 0;
    CHECK(rest);
    EQ(sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    return (int64_t)(user + system) * (INT64_C(1000000000) / sysconf(_SC_CLK_TCK));
}

CASE(cpu_clocks_advance) {
    enum { kClocks = 8 };
    clockid_t own, same;
    EQ(clock_getcpuclockid(0, &own), 0);
    EQ(pthread_getcpuclockid(pthread_self(), &same), 0);
    int64_t found[2][kClocks], wall[2];
    for (int round = 0; round < 2; ++round) {
        int64_t* const to = found[round];
        if (round == 1)
            while (by_call(CLOCK_THREAD_CPUTIME_ID) - found[0][0] < 200 * kMs) compute(kMs);
        wall[round] = by_library(CLOCK_MONOTONIC);
        to[0] = by_call(CLOCK_THREAD_CPUTIME_ID), to[1] = by_call(CLOCK_PROCESS_CPUTIME_ID);
        to[2] = by_library(own), to[3] = by_library(same);
        to[4] = by_rusage(RUSAGE_SELF), to[5] = by_rusage(RUSAGE_THREAD);
        to[6] = by_times(), to[7] = by_stat(getpid());
    }
    for (int i = 0; i < kClocks; ++i) {
        const int64_t used = found[1][i] - found[0][i];
        if (found[0][i] < 0 || used < 200 * kMs - kSlack || used > wall[1] - wall[0] + kSlack)
            FAIL("clock %d: from %lld by %lld in %lld", i, (long long)found[0][i], (long long)used,
                 (long long)(wall[1] - wall[0]));
    }
}

// Not only once a slice: half of all short computations are seen at least.
CASE(cpu_clocks_advance_in_small_steps) {
    enum { kRounds = 60 };
    int process = 0, thread = 0;
    for (int i = 0; i < kRounds; ++i) {
        const int64_t p = by_call(CLOCK_PROCESS_CPUTIME_ID), t = by_call(CLOCK_THREAD_CPUTIME_ID);
        compute(2 * kMs);
        const int64_t q = by_call(CLOCK_PROCESS_CPUTIME_ID), u = by_call(CLOCK_THREAD_CPUTIME_ID);
        CHECK(q >= p && u >= t);
        process += q > p, thread += u > t;
    }
    if (process < kRounds / 2 || thread < kRounds / 2) FAIL("%d and %d of %d", process, thread, (int)kRounds);
}

// In one of some sleeps: a machine that is itself kept waiting takes that for computing.
CASE(cpu_clocks_stand_still_asleep) {
    int64_t process = 0, thread = 0;
    for (int i = 0; i < 20; ++i) {
        const int64_t p = by_call(CLOCK_PROCESS_CPUTIME_ID), t = by_call(CLOCK_THREAD_CPUTIME_ID);
        sleep_ms(100);
        process = by_call(CLOCK_PROCESS_CPUTIME_ID) - p, thread = by_call(CLOCK_THREAD_CPUTIME_ID) - t;
        if (process < 50 * kMs && thread < 50 * kMs) return;
    }
    FAIL("%lld and %lld in the last", (long long)process, (long long)thread);
}

static _Atomic int is_enough;

static void* compute_until_enough(void* nothing) {
    while (!is_enough) compute(kMs);
    return nothing;
}

// While it computes.
CASE(cpu_clock_of_another_thread) {
    pthread_t thread;
    clockid_t clock;
    const int64_t before = by_call(CLOCK_PROCESS_CPUTIME_ID);
    EQ(pthread_create(&thread, 0, compute_until_enough, 0), 0);
    EQ(pthread_getcpuclockid(thread, &clock), 0);
    while (by_call(clock) < 100 * kMs) sleep_ms(5);
    CHECK(by_call(CLOCK_PROCESS_CPUTIME_ID) - before >= 100 * kMs - kSlack);
    is_enough = 1;
    EQ(pthread_join(thread, 0), 0);
    CHECK(by_call(CLOCK_PROCESS_CPUTIME_ID) - before >= 100 * kMs - kSlack);
}

CASE(cpu_clock_of_another_process) {
    const pid_t child = must_fork();
    if (child == 0) compute_until_enough(0);
    clockid_t clock;
    EQ(clock_getcpuclockid(child, &clock), 0);
    while (by_call(clock) < 100 * kMs) sleep_ms(5);
    CHECK(by_stat(child) >= 100 * kMs - kSlack);
    OK(kill(child, SIGKILL));
    struct rusage usage;
    EQ(wait4(child, 0, 0, &usage), child);
    CHECK(of_rusage(&usage) >= 100 * kMs - kSlack);
    CHECK(by_rusage(RUSAGE_CHILDREN) >= 100 * kMs - kSlack);
}

CASE(clock_errors) {
    struct timespec t;
    ERR(clock_gettime(77, &t), EINVAL);
    ERR(syscall(SYS_clock_gettime, 77, &t), EINVAL);
    ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD), EFAULT);
    ERR(clock_getres(77, &t), EINVAL);
    ERR(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}), EINVAL);
}

CASE(resolution) {
    struct timespec t;
    OK(clock_getres(CLOCK_MONOTONIC, &t));
    EQ(t.tv_sec, 0);
    CHECK(t.tv_nsec >= 1 && t.tv_nsec <= 20000000);
    OK(syscall(SYS_clock_getres, CLOCK_REALTIME, &t));
    OK(syscall(SYS_clock_getres, CLOCK_REALTIME, 0));
}

CASE(time_of_day) {
    struct timeval v;
    const int64_t before = by_library(CLOCK_REALTIME) / 1000;
    OK(gettimeofday(&v, 0));
    const int64_t middle = v.tv_sec * INT64_C(1000000) + v.tv_usec;
    CHECK(before <= middle && middle <= by_library(CLOCK_REALTIME) / 1000);
    OK(syscall(SYS_gettimeofday, &v, 0));
    const time_t seconds = time(0);
    CHECK(seconds >= v.tv_sec - 1 && seconds <= v.tv_sec + 60);
}

CASE(nanosleep_sleeps_long_enough) {
    for (long ms = 1; ms <= 16; ms *= 2) {
        const int64_t before = by_library(CLOCK_MONOTONIC);
        const struct timespec t = {0, ms * 1000000};
        OK(nanosleep(&t, 0));
        CHECK(by_library(CLOCK_MONOTONIC) - before >= ms * 1000000);
    }
}

CASE(nanosleep_errors) {
    ERR(nanosleep(&(struct timespec){0, 1000000000}, 0), EINVAL);
    ERR(nanosleep(&(struct timespec){-1, 0}, 0), EINVAL);
    ERR(nanosleep(&(struct timespec){0, -1}, 0), EINVAL);
    ERR(syscall(SYS_nanosleep, BAD, 0), EFAULT);
    OK(nanosleep(&(struct timespec){0, 0}, 0));
}

CASE(absolute_sleep) {
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};
    for (int i = 0; i < 3; ++i) {
        const int64_t end = by_library(clocks[i]) + 5000000;
        const struct timespec t = {end / 1000000000, end % 1000000000}, past = {1, 0};
        EQ(clock_nanosleep(clocks[i], TIMER_ABSTIME, &t, 0), 0);
        CHECK(by_library(clocks[i]) >= end);
        EQ(clock_nanosleep(clocks[i], TIMER_ABSTIME, &past, 0), 0);
    }
    EQ(clock_nanosleep(77, 0, &(struct timespec){0, 1}, 0), EINVAL);
    EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){0, 1}, 0), EINVAL);
}

CASE(timerfd_once) {
    const int fd = (int)OK(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    struct itimerspec t = {{0, 0}, {0, 3000000}}, now;
    const int64_t before = by_library(CLOCK_MONOTONIC);
    OK(timerfd_settime(fd, 0, &t, 0));
    uint64_t ticks = 0;
    EQ(read(fd, &ticks, 8), 8);
    EQ(ticks, 1);
    CHECK(by_library(CLOCK_MONOTONIC) - before >= 3000000);
    OK(timerfd_gettime(fd, &now));
    EQ(now.it_value.tv_nsec + now.it_value.tv_sec, 0);
}

CASE(timerfd_repeats) {
    const int fd = (int)OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    uint64_t ticks = 0;
    ERR(read(fd, &ticks, 8), EAGAIN);
    const struct itimerspec t = {{0, 1000000}, {0, 1000000}};
    OK(timerfd_settime(fd, 0, &t, 0));
    sleep_ms(10);
    struct pollfd wait = {fd, POLLIN, 0};
    EQ(poll(&wait, 1, -1), 1);
    EQ(read(fd, &ticks, 8), 8);
    CHECK(ticks >= 9);
    struct itimerspec now;
    OK(timerfd_gettime(fd, &now));
    EQ(now.it_interval.tv_nsec, 1000000);
}

CASE(timerfd_absolute_and_disarm) {
    const int fd = (int)OK(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
    const struct itimerspec past = {{0, 0}, {1, 0}}, later = {{0, 0}, {1000, 0}}, off = {{0, 0}, {0, 0}};
    uint64_t ticks = 0;
    OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, 0));
    struct pollfd wait = {fd, POLLIN, 0};
    EQ(poll(&wait, 1, 1000), 1);
    EQ(read(fd, &ticks, 8), 8);
    EQ(ticks, 1);
    struct itimerspec old;
    OK(timerfd_settime(fd, 0, &later, 0));
    OK(timerfd_settime(fd, 0, &off, &old));
    CHECK(old.it_value.tv_sec > 900);
    EQ(poll(&wait, 1, 0), 0);
    ERR(read(fd, &ticks, 8), EAGAIN);
    ERR(read(fd, &ticks, 4), EINVAL);
}

CASE(timerfd_errors) {
    const struct itimerspec wrong = {{0, 0}, {0, 1000000000}};
    ERR(timerfd_create(77, 0), EINVAL);
    ERR(timerfd_create(CLOCK_MONOTONIC, 0x77), EINVAL);
    const int fd = (int)OK(timerfd_create(CLOCK_MONOTONIC, 0));
    ERR(timerfd_settime(fd, 0, &wrong, 0), EINVAL);
    ERR(timerfd_settime(fd, 0x70, &(struct itimerspec){{0, 0}, {1, 0}}, 0), EINVAL);
    ERR(timerfd_settime(1, 0, &(struct itimerspec){{0, 0}, {1, 0}}, 0), EINVAL);
    ERR(timerfd_settime(777, 0, &(struct itimerspec){{0, 0}, {1, 0}}, 0), EBADF);
    ERR(write(fd, "12345678", 8), EINVAL);
}

// --- The clock's discipline (adjtimex(2), adjtime(3))

CASE(discipline_is_kept) {
    struct timex old = {0};
    CHECK(adjtimex(&old) >= 0);
    CHECK(old.tick >= 9000 && old.tick <= 11000);
    struct timex wanted = {.modes =
                               ADJ_FREQUENCY | ADJ_TICK | ADJ_MAXERROR | ADJ_ESTERROR | ADJ_TIMECONST | ADJ_STATUS};
    wanted.freq = 65536;
    wanted.tick = 10001;
    wanted.maxerror = 1000;
    wanted.esterror = 900;
    wanted.constant = 3;
    wanted.status = 0;
    EQ(adjtimex(&wanted), TIME_OK);
    struct timex now = {0};
    EQ(adjtimex(&now), TIME_OK);
    EQ(now.freq, 65536);
    EQ(now.tick, 10001);
    EQ(now.esterror, 900);
    EQ(now.constant, 7);
    wanted.modes = ADJ_TICK;
    wanted.tick = 8999;
    ERR(adjtimex(&wanted), EINVAL);
    wanted.tick = 11001;
    ERR(clock_adjtime(CLOCK_REALTIME, &wanted), EINVAL);
    ERR(adjtimex(BAD), EFAULT);
    const pid_t child = must_fork();
    if (child == 0) {
        OK(setresuid(1000, 1000, 1000));
        wanted.tick = 10000;
        ERR(adjtimex(&wanted), EPERM);
        wanted.modes = 0;
        EQ(adjtimex(&wanted), TIME_OK);
        struct timeval left;
        OK(adjtime(0, &left));
        const struct timeval by = {0, 1};
        ERR(adjtime(&by, 0), EPERM);
        _exit(0);
    }
    must_exit(child, 0);
    old.modes = ADJ_FREQUENCY | ADJ_TICK | ADJ_STATUS;
    CHECK(adjtimex(&old) >= 0);
}

CASE(adjtime_is_taken) {
    struct timeval by = {0, 300}, left = {9, 9};
    OK(adjtime(&by, 0));
    OK(adjtime(0, &left));
    CHECK(left.tv_sec == 0 && left.tv_usec >= 0 && left.tv_usec <= 300);
    by.tv_usec = 0;
    OK(adjtime(&by, 0));
    struct timex step = {.modes = ADJ_SETOFFSET | ADJ_NANO};
    step.time.tv_usec = 1000000000;
    ERR(adjtimex(&step), EINVAL);
}
