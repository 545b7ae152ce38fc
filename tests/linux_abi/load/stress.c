// A mix of processes, threads, futexes, mappings, files, pipes and signals, each checking its own results, then a look
// whether the memory came back.
//
//     stress SEED SECONDS WORKERS
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kPage = 4096, kLeakBytes = 2 << 20 };

static uint64_t state;
static uint64_t next(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1du;
}
static uint64_t below(uint64_t limit) { return (next() >> 20) % limit; }

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void put(const char* text) {
    size_t left = strlen(text);
    while (left) {
        const ssize_t n = write(1, text, left);
        if (n > 0) text += n, left -= (size_t)n;
    }
}

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char* format, ...) {
    char text[300], line[400];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    snprintf(line, sizeof line, "stress: %d: %s\n", getpid(), text);
    put(line);
    _exit(1);
}

#define MUST(call)                                            \
    ({                                                        \
        const long must_v = (long)(call);                     \
        if (must_v == -1) fail("%s: errno %d", #call, errno); \
        must_v;                                               \
    })
#define SAME(a, b) ((a) == (b) ? (void)0 : fail("%s is not %s", #a, #b))

static void join_child(pid_t child) {
    int status;
    pid_t got;
    do got = waitpid(child, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got != child || status != 0) fail("child %d: %d, status 0x%x", child, got, status);
}

static void mapping(void) {
    const size_t pages = 1 + below(64);
    unsigned char* const p = mmap(0, pages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) fail("mmap: errno %d", errno);
    const unsigned char mark = (unsigned char)next();
    for (size_t i = 0; i < pages; ++i) p[i * kPage] = (unsigned char)(mark + i);
    const size_t hole = below(pages);
    MUST(madvise(p + hole * kPage, kPage, MADV_DONTNEED));
    for (size_t i = 0; i < pages; ++i) SAME(p[i * kPage], i == hole ? 0 : (unsigned char)(mark + i));
    MUST(mprotect(p + hole * kPage, kPage, PROT_NONE));
    const size_t gone = below(pages);
    MUST(munmap(p + gone * kPage, kPage));
    MUST(munmap(p, pages * kPage));
}

static void copy_on_write(void) {
    const size_t pages = 1 + below(32);
    uint64_t* const p = mmap(0, pages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) fail("mmap: errno %d", errno);
    const uint64_t mark = next();
    for (size_t i = 0; i < pages; ++i) p[i * 512] = mark + i;
    const pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        for (size_t i = 0; i < pages; i += 2) p[i * 512] = 1;
        for (size_t i = 0; i < pages; ++i) SAME(p[i * 512], i % 2 ? mark + i : 1);
        _exit(0);
    }
    for (size_t i = 1; i < pages; i += 2) p[i * 512] = 2;
    join_child(child);
    for (size_t i = 0; i < pages; ++i) SAME(p[i * 512], i % 2 ? 2 : mark + i);
    MUST(munmap(p, pages * kPage));
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int counter;
static void* counts(void* unused) {
    for (int i = 0; i < 200; ++i) {
        pthread_mutex_lock(&mutex);
        const int value = *(volatile int*)&counter;
        if (i % 32 == 0) sched_yield();
        *(volatile int*)&counter = value + 1;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void threads(void) {
    pthread_t list[6];
    const int count = 2 + (int)below(5);
    counter = 0;
    for (int i = 0; i < count; ++i)
        if (pthread_create(&list[i], 0, counts, 0) != 0) fail("pthread_create");
    for (int i = 0; i < count; ++i)
        if (pthread_join(list[i], 0) != 0) fail("pthread_join");
    SAME(counter, count * 200);
}

static void files(void) {
    char folder[40], path[60], other[60];
    static unsigned char data[40000], back[40000];
    snprintf(folder, sizeof folder, "/tmp/stress-%d", getpid());
    MUST(mkdir(folder, 0755));
    snprintf(path, sizeof path, "%s/a", folder);
    snprintf(other, sizeof other, "%s/b", folder);
    const size_t bytes = 1 + below(sizeof data);
    for (size_t i = 0; i < bytes; ++i) data[i] = (unsigned char)next();
    const int fd = (int)MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
    SAME(write(fd, data, bytes), (ssize_t)bytes);
    MUST(rename(path, other));
    SAME(pread(fd, back, sizeof back, 0), (ssize_t)bytes);
    SAME(memcmp(data, back, bytes), 0);
    MUST(ftruncate(fd, (off_t)(bytes / 2)));
    struct stat st;
    MUST(stat(other, &st));
    SAME(st.st_size, (off_t)(bytes / 2));
    unsigned char* const map = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) fail("mmap of a file: errno %d", errno);
    if (bytes / 2) {
        map[0] = 7;
        SAME(pread(fd, back, 1, 0), 1);
        SAME(back[0], 7);
    }
    MUST(munmap(map, bytes));
    MUST(close(fd));
    MUST(unlink(other));
    MUST(rmdir(folder));
}

static void pipes(void) {
    int ends[2];
    MUST(below(2) ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    const uint64_t seed = next();
    const size_t total = 1 + below(200000);
    const pid_t child = (pid_t)MUST(fork());
    static unsigned char block[5000];
    if (child == 0) {
        close(ends[0]);
        state = seed | 1;
        for (size_t done = 0; done < total;) {
            const size_t part = total - done < sizeof block ? total - done : sizeof block;
            for (size_t i = 0; i < part; ++i) block[i] = (unsigned char)next();
            for (size_t at = 0; at < part;) at += (size_t)MUST(write(ends[1], block + at, part - at));
            done += part;
        }
        _exit(0);
    }
    close(ends[1]);
    const uint64_t saved = state;
    state = seed | 1;
    size_t got = 0;
    ssize_t n;
    while ((n = read(ends[0], block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < n; ++i) SAME(block[i], (unsigned char)next());
        got += (size_t)n;
    }
    SAME(got, total);
    state = saved;
    close(ends[0]);
    join_child(child);
}

static volatile sig_atomic_t caught;
static void note(int number) {
    (void)number;
    ++caught;
}

static void signals(void) {
    const int rounds = 1 + (int)below(10);
    const pid_t parent = getpid();
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    caught = 0;
    const pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        for (int i = 0; i < rounds; ++i) {
            MUST(kill(parent, SIGUSR1));
            while (caught <= i) sigsuspend(&old);
        }
        _exit(0);
    }
    for (int i = 0; i < rounds; ++i) {
        while (caught <= i) sigsuspend(&old);
        MUST(kill(child, SIGUSR1));
    }
    sigprocmask(SIG_SETMASK, &old, 0);
    join_child(child);
}

static void programs(void) {
    const pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/bin/true", "true", (char*)0);
        fail("execl: errno %d", errno);
    }
    join_child(child);
}

static void killed(void) {
    const pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        if (below(2)) {
            pthread_t thread;
            pthread_create(&thread, 0, counts, 0);
        }
        for (;;) pause();
    }
    if (below(2)) sched_yield();
    MUST(kill(child, SIGKILL));
    int status;
    SAME(waitpid(child, &status, 0), child);
    SAME(WTERMSIG(status), SIGKILL);
}

static void (*const kParts[])(void) = {mapping, copy_on_write, threads, files, pipes, signals, programs, killed};

static void work(uint64_t seed, int64_t end) {
    state = seed | 1;
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, 0);
    while (now_ms() < end) kParts[below(sizeof kParts / sizeof *kParts)]();
    _exit(0);
}

static int round_of(uint64_t seed, int64_t ms, int workers) {
    pid_t list[16];
    const int64_t end = now_ms() + ms;
    int failed = 0;
    for (int i = 0; i < workers; ++i) {
        list[i] = fork();
        if (list[i] == 0) work(seed * 1000 + (uint64_t)i * 77 + 12345, end);
        if (list[i] < 0) return 1000;
    }
    for (int i = 0; i < workers; ++i) {
        int status = -1;
        if (waitpid(list[i], &status, 0) != list[i] || status != 0) ++failed;
    }
    return failed;
}

static void result(const char* name, int good, const char* detail) {
    char line[300];
    snprintf(line, sizeof line, "\x1e{\"test\":\"%s\",\"result\":\"%s\",\"detail\":\"%s\"}\n", name,
             good ? "pass" : "fail", detail);
    put(line);
}

static int64_t free_bytes(void) {
    struct sysinfo info;
    sysinfo(&info);
    return (int64_t)info.freeram * info.mem_unit;
}

int main(int count, char** arguments) {
    if (count != 4) return 2;
    const uint64_t seed = strtoull(arguments[1], 0, 0);
    const int64_t ms = atoi(arguments[2]) * INT64_C(1000);
    const int workers = atoi(arguments[3]) > 16 ? 16 : atoi(arguments[3]);
    char text[100];
    // What is only needed once is there after a tenth of the time.
    int failed = round_of(seed + 1, ms / 10, workers);
    const int64_t before = free_bytes();
    failed += round_of(seed, ms - ms / 10, workers);
    const int64_t lost = before - free_bytes();
    snprintf(text, sizeof text, "seed %llu, %d of %d workers failed", (unsigned long long)seed, failed, workers);
    result("stress", failed == 0, text);
    snprintf(text, sizeof text, "%lld bytes lost", (long long)lost);
    result("memory comes back", lost < kLeakBytes, text);
    const int good = (failed == 0) + (lost < kLeakBytes);
    snprintf(text, sizeof text, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
             good == 2 ? "pass" : "fail", good, 2 - good);
    put(text);
    return good != 2;
}
