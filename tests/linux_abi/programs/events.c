// Descriptors, pipes, splice, eventfd, poll, select, epoll.
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/uio.h>

static int ends[2];
static void make_pipe(int flags) { OK(pipe2(ends, flags)); }

CASE(dup_takes_the_lowest) {
    make_pipe(0);
    OK(close(0));
    EQ(dup(ends[0]), 0);
    ERR(dup(777), EBADF);
    EQ(dup2(ends[0], ends[0]), ends[0]);
    ERR(dup2(777, 5), EBADF);
    ERR(dup2(ends[0], -1), EBADF);
    ERR(dup3(ends[0], ends[0], 0), EINVAL);
    ERR(dup3(ends[0], 40, 0x77), EINVAL);
    EQ(dup3(ends[0], 40, O_CLOEXEC), 40);
    EQ(fcntl(40, F_GETFD), FD_CLOEXEC);
    EQ(fcntl(ends[0], F_DUPFD, 50), 50);
    EQ(fcntl(ends[0], F_DUPFD_CLOEXEC, 50), 51);
    EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
    ERR(fcntl(ends[0], F_DUPFD, -1), EINVAL);
}

CASE(copies_share_the_position) {
    abi_folder();
    write_file("a", "0123456789");
    const int a = (int)OK(open("a", O_RDONLY)), b = dup(a);
    char text[4];
    EQ(read(a, text, 4), 4);
    EQ(lseek(b, 0, SEEK_CUR), 4);
    const pid_t child = must_fork();
    if (child == 0) _exit(read(b, text, 2) == 2 ? 0 : 1);
    must_exit(child, 0);
    EQ(lseek(a, 0, SEEK_CUR), 6);
}

CASE(flags) {
    make_pipe(O_NONBLOCK | O_CLOEXEC);
    EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    OK(fcntl(ends[0], F_SETFD, 0));
    EQ(fcntl(ends[0], F_GETFD), 0);
    EQ(fcntl(ends[0], F_GETFL), O_RDONLY | O_NONBLOCK);
    EQ(fcntl(ends[1], F_GETFL), O_WRONLY | O_NONBLOCK);
    OK(fcntl(ends[0], F_SETFL, 0));
    EQ(fcntl(ends[0], F_GETFL), O_RDONLY);
    int on = 1;
    OK(ioctl(ends[0], FIONBIO, &on));
    EQ(fcntl(ends[0], F_GETFL), O_RDONLY | O_NONBLOCK);
    OK(ioctl(ends[0], FIOCLEX));
    EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    ERR(fcntl(ends[0], 7777), EINVAL);
    ERR(fcntl(777, F_GETFD), EBADF);
    ERR(ioctl(ends[0], 0x12345678, 0), ENOTTY);
    ERR(pipe2(ends, 0x77), EINVAL);
    ERR(syscall(SYS_pipe2, BAD, 0), EFAULT);
}

CASE(close_range_) {
    for (int i = 60; i < 70; ++i) OK(dup2(1, i));
    OK(syscall(SYS_close_range, 62, 65, 0));
    ERR(fcntl(62, F_GETFD), EBADF);
    ERR(fcntl(65, F_GETFD), EBADF);
    OK(fcntl(61, F_GETFD));
    OK(syscall(SYS_close_range, 66, 67, 4 /* CLOSE_RANGE_CLOEXEC */));
    EQ(fcntl(66, F_GETFD), FD_CLOEXEC);
    ERR(syscall(SYS_close_range, 9, 8, 0), EINVAL);
    ERR(syscall(SYS_close_range, 8, 9, 0x70), EINVAL);
    OK(syscall(SYS_close_range, 60, ~0u, 0));
    ERR(fcntl(69, F_GETFD), EBADF);
}

CASE(pipe_basics) {
    make_pipe(0);
    EQ(write(ends[1], "hello", 5), 5);
    int waiting = 0;
    OK(ioctl(ends[0], FIONREAD, &waiting));
    EQ(waiting, 5);
    char text[10];
    EQ(read(ends[0], text, 2), 2);
    EQ(read(ends[0], text, 10), 3);
    ERR(write(ends[0], "x", 1), EBADF);
    ERR(read(ends[1], text, 1), EBADF);
    OK(close(ends[1]));
    EQ(read(ends[0], text, 1), 0);
    EQ(write(1, "", 0), 0);
}

CASE(pipe_is_full) {
    make_pipe(O_NONBLOCK);
    char block[4096];
    memset(block, 'x', sizeof block);
    EQ(fcntl(ends[1], F_GETPIPE_SZ), 65536);
    int total = 0;
    ssize_t n;
    while ((n = write(ends[1], block, sizeof block)) > 0) total += (int)n;
    EQ(n, -1);
    EQ(errno, EAGAIN);
    EQ(total, 65536);
    struct pollfd wait = {ends[1], POLLOUT, 0};
    EQ(poll(&wait, 1, 0), 0);
    EQ(read(ends[0], block, 4096), 4096);
    EQ(poll(&wait, 1, 0), 1);
    EQ(write(ends[1], block, 4096), 4096);
    char byte;
    for (int i = 0; i < 65536; i += 4096) EQ(read(ends[0], block, 4096), 4096);
    ERR(read(ends[0], &byte, 1), EAGAIN);
}

CASE(pipe_atomic_writes) {
    make_pipe(O_NONBLOCK);
    char block[4096];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 15; ++i) EQ(write(ends[1], block, 4096), 4096);
    EQ(write(ends[1], block, 4000), 4000);
    ERR(write(ends[1], block, 4096), EAGAIN);  // all or nothing
    EQ(fcntl(ends[1], F_SETPIPE_SZ, 4096) == -1 && errno == EBUSY, 1);
}

CASE(pipe_write_waits) {
    make_pipe(0);
    const pid_t child = must_fork();
    if (child == 0) {
        close(ends[0]);
        static char data[200000];
        for (size_t i = 0; i < sizeof data; ++i) data[i] = (char)(i * 7);
        _exit(write(ends[1], data, sizeof data) == sizeof data ? 0 : 1);
    }
    close(ends[1]);
    wait_asleep(child);
    size_t at = 0;
    char block[7000];
    ssize_t n;
    while ((n = read(ends[0], block, sizeof block)) > 0)
        for (ssize_t i = 0; i < n; ++i, ++at) CHECK(block[i] == (char)(at * 7));
    EQ(at, 200000);
    must_exit(child, 0);
}

CASE(splice_and_tee) {
    abi_folder();
    write_file("a", "0123456789");
    const int file = (int)OK(open("a", O_RDWR));
    make_pipe(0);
    int other[2];
    OK(pipe(other));
    loff_t at = 2;
    EQ(splice(file, &at, ends[1], 0, 5, 0), 5);
    EQ(at, 7);
    EQ(tee(ends[0], other[1], 3, 0), 3);
    char text[10] = "";
    EQ(read(other[0], text, 10), 3);
    EQ(memcmp(text, "234", 3), 0);
    at = 0;
    EQ(splice(ends[0], 0, file, &at, 100, 0), 5);
    EQ(strcmp(read_file("a"), "2345656789"), 0);
    ERR(splice(file, 0, file, 0, 5, 0), EINVAL);
    ERR(splice(ends[0], 0, other[1], 0, 5, SPLICE_F_NONBLOCK), EAGAIN);
    at = 0;
    ERR(splice(ends[0], &at, other[1], 0, 5, 0), ESPIPE);
    struct iovec v = {(void*)"vector", 6};
    EQ(vmsplice(ends[1], &v, 1, 0), 6);
    EQ(read(ends[0], text, 10), 6);
}

CASE(eventfd_) {
    const int fd = (int)OK(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
    uint64_t value = 4;
    EQ(write(fd, &value, 8), 8);
    EQ(read(fd, &value, 8), 8);
    EQ(value, 7);
    ERR(read(fd, &value, 8), EAGAIN);
    ERR(read(fd, &value, 4), EINVAL);
    value = ~UINT64_C(0);
    ERR(write(fd, &value, 8), EINVAL);
    value = ~UINT64_C(0) - 1;
    EQ(write(fd, &value, 8), 8);
    value = 1;
    ERR(write(fd, &value, 8), EAGAIN);
    struct pollfd wait = {fd, POLLIN | POLLOUT, 0};
    EQ(poll(&wait, 1, 0), 1);
    EQ(wait.revents, POLLIN);
    ERR(eventfd(0, 0x77), EINVAL);
}

CASE(eventfd_semaphore_wakes) {
    const int fd = (int)OK(eventfd(0, EFD_SEMAPHORE));
    const pid_t child = must_fork();
    if (child == 0) {
        uint64_t value;
        for (int i = 0; i < 3; ++i) {
            EQ(read(fd, &value, 8), 8);
            EQ(value, 1);
        }
        _exit(0);
    }
    wait_asleep(child);
    const uint64_t three = 3;
    EQ(write(fd, &three, 8), 8);
    must_exit(child, 0);
}

CASE(poll_) {
    make_pipe(0);
    struct pollfd fds[] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}, {-5, POLLIN, 77}, {777, POLLIN, 0}};
    EQ(poll(fds, 4, 0), 2);
    EQ(fds[0].revents, 0);
    EQ(fds[1].revents, POLLOUT);
    EQ(fds[2].revents, 0);
    EQ(fds[3].revents, POLLNVAL);
    OK(write(ends[1], "x", 1));
    EQ(poll(fds, 1, -1), 1);
    EQ(fds[0].revents, POLLIN);
    OK(close(ends[1]));
    EQ(poll(fds, 1, -1), 1);
    EQ(fds[0].revents, POLLIN | POLLHUP);
    char byte;
    OK(read(ends[0], &byte, 1));
    EQ(poll(fds, 1, -1), 1);
    EQ(fds[0].revents, POLLHUP);
    make_pipe(0);
    OK(close(ends[0]));
    struct pollfd out = {ends[1], POLLOUT, 0};
    EQ(poll(&out, 1, -1), 1);
    EQ(out.revents, POLLOUT | POLLERR);
    EQ(poll(0, 0, 1), 0);
    ERR(syscall(SYS_ppoll, BAD, 1, 0, 0, 8), EFAULT);
    ERR(syscall(SYS_ppoll, fds, 1 << 30, 0, 0, 8), EINVAL);
    ERR(ppoll(fds, 1, &(struct timespec){0, 1000000000}, 0), EINVAL);
    const int file = (int)OK(open("/tmp", O_RDONLY));
    struct pollfd always = {file, POLLIN | POLLOUT, 0};
    EQ(poll(&always, 1, -1), 1);
    EQ(always.revents, POLLIN | POLLOUT);
}

CASE(poll_times_out) {
    make_pipe(0);
    struct pollfd wait = {ends[0], POLLIN, 0};
    const int64_t before = now_ns(CLOCK_MONOTONIC);
    EQ(poll(&wait, 1, 5), 0);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 5000000);
}

static volatile int handled;
static void handle(int number) { handled = number; }

CASE(ppoll_mask) {
    signal(SIGUSR1, handle);
    sigset_t set, none;
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    OK(sigprocmask(SIG_BLOCK, &set, 0));
    raise(SIGUSR1);
    EQ(handled, 0);
    ERR(ppoll(0, 0, 0, &none), EINTR);
    EQ(handled, SIGUSR1);
}

CASE(select_) {
    make_pipe(0);
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    struct timeval zero = {0, 0};
    EQ(select(ends[1] + 1, &in, &out, 0, &zero), 1);
    CHECK(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    OK(write(ends[1], "x", 1));
    FD_SET(ends[0], &in);
    EQ(select(ends[1] + 1, &in, &out, 0, 0), 2);
    FD_ZERO(&in);
    FD_SET(50, &in);
    ERR(select(51, &in, 0, 0, 0), EBADF);
    ERR(select(-1, 0, 0, 0, &zero), EINVAL);
    struct timeval soon = {0, 2000};
    EQ(select(0, 0, 0, 0, &soon), 0);
    FD_ZERO(&in);
    struct timespec wrong = {0, -1};
    ERR(pselect(0, 0, 0, 0, &wrong, 0), EINVAL);
}

static int set_with(int fd, uint32_t events) {
    const int set = (int)OK(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event event = {.events = events, .data.u64 = 4711};
    OK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    return set;
}

CASE(epoll_level) {
    make_pipe(0);
    const int set = set_with(ends[0], EPOLLIN);
    struct epoll_event got[4];
    EQ(epoll_wait(set, got, 4, 0), 0);
    OK(write(ends[1], "ab", 2));
    for (int i = 0; i < 3; ++i) {
        EQ(epoll_wait(set, got, 4, -1), 1);
        EQ(got[0].events, EPOLLIN);
        EQ(got[0].data.u64, 4711);
    }
    char text[2];
    EQ(read(ends[0], text, 2), 2);
    EQ(epoll_wait(set, got, 4, 0), 0);
    OK(close(ends[1]));
    EQ(epoll_wait(set, got, 4, -1), 1);
    EQ(got[0].events, EPOLLHUP);
}

CASE(epoll_edge) {
    make_pipe(0);
    const int set = set_with(ends[0], EPOLLIN | EPOLLET);
    struct epoll_event got[4];
    OK(write(ends[1], "a", 1));
    EQ(epoll_wait(set, got, 4, -1), 1);
    EQ(epoll_wait(set, got, 4, 0), 0);
    OK(write(ends[1], "b", 1));
    EQ(epoll_wait(set, got, 4, -1), 1);
    EQ(epoll_wait(set, got, 4, 0), 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    OK(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event));  // arms again
    EQ(epoll_wait(set, got, 4, -1), 1);
}

CASE(epoll_one_shot) {
    make_pipe(0);
    const int set = set_with(ends[0], EPOLLIN | EPOLLONESHOT);
    struct epoll_event got[4];
    OK(write(ends[1], "a", 1));
    EQ(epoll_wait(set, got, 4, -1), 1);
    EQ(epoll_wait(set, got, 4, 0), 0);
    OK(write(ends[1], "b", 1));
    EQ(epoll_wait(set, got, 4, 0), 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
    OK(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event));
    EQ(epoll_wait(set, got, 4, -1), 1);
    event.events = 0;
    OK(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event));
    EQ(epoll_wait(set, got, 4, 0), 0);
}

CASE(epoll_errors) {
    make_pipe(0);
    const int set = set_with(ends[0], EPOLLIN);
    struct epoll_event event = {.events = EPOLLIN}, got[2];
    ERR(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event), EEXIST);
    ERR(epoll_ctl(set, EPOLL_CTL_MOD, ends[1], &event), ENOENT);
    ERR(epoll_ctl(set, EPOLL_CTL_DEL, ends[1], 0), ENOENT);
    ERR(epoll_ctl(set, 77, ends[1], &event), EINVAL);
    ERR(epoll_ctl(set, EPOLL_CTL_ADD, set, &event), EINVAL);
    ERR(epoll_ctl(set, EPOLL_CTL_ADD, 777, &event), EBADF);
    ERR(epoll_ctl(ends[0], EPOLL_CTL_ADD, ends[1], &event), EINVAL);
    ERR(epoll_ctl(set, EPOLL_CTL_ADD, (int)OK(open("/dev/null", O_RDWR)), &event), EPERM);
    ERR(epoll_ctl(set, EPOLL_CTL_ADD, (int)OK(open("/tmp/abi-epoll", O_RDWR | O_CREAT, 0600)), &event), EPERM);
    ERR(epoll_wait(set, got, 0, 0), EINVAL);
    ERR(epoll_wait(ends[0], got, 1, 0), EINVAL);
    ERR(epoll_wait(777, got, 1, 0), EBADF);
    ERR(epoll_create1(0x77), EINVAL);
    OK(write(ends[1], "x", 1));
    ERR(syscall(SYS_epoll_pwait, set, BAD, 1, 0, 0, 8), EFAULT);
}

CASE(epoll_forgets_closed_files) {
    make_pipe(0);
    const int set = set_with(ends[0], EPOLLIN), copy = dup(ends[0]);
    struct epoll_event got[2];
    OK(write(ends[1], "x", 1));
    OK(close(ends[0]));
    EQ(epoll_wait(set, got, 2, 0), 1);  // the copy keeps it
    OK(close(copy));
    EQ(epoll_wait(set, got, 2, 0), 0);
}

CASE(epoll_in_epoll) {
    make_pipe(0);
    const int inner = set_with(ends[0], EPOLLIN), outer = set_with(inner, EPOLLIN);
    struct epoll_event event = {.events = EPOLLIN}, got[2];
    EQ(epoll_wait(outer, got, 2, 0), 0);
    OK(write(ends[1], "x", 1));
    EQ(epoll_wait(outer, got, 2, -1), 1);
    ERR(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event), ELOOP);
    struct pollfd wait = {outer, POLLIN, 0};
    EQ(poll(&wait, 1, 0), 1);
}

static void* writes_later(void* unused) {
    sleep_ms(3);
    if (write(ends[1], "x", 1) != 1) _exit(9);
    return unused;
}

CASE(epoll_wakes_a_thread) {
    make_pipe(0);
    const int set = set_with(ends[0], EPOLLIN);
    for (int i = 0; i < 10; ++i) {
        pthread_t thread;
        EQ(pthread_create(&thread, 0, writes_later, 0), 0);
        struct epoll_event got[2];
        EQ(epoll_wait(set, got, 2, -1), 1);
        char byte;
        EQ(read(ends[0], &byte, 1), 1);
        EQ(pthread_join(thread, 0), 0);
    }
}

CASE(epoll_fair_and_many) {
    const int set = (int)OK(epoll_create1(0));
    int pipes[50][2];
    for (int i = 0; i < 50; ++i) {
        OK(pipe(pipes[i]));
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        OK(epoll_ctl(set, EPOLL_CTL_ADD, pipes[i][0], &event));
        OK(write(pipes[i][1], "x", 1));
    }
    char seen[50] = "";
    for (int round = 0; round < 5; ++round) {
        struct epoll_event got[10];
        EQ(epoll_wait(set, got, 10, 0), 10);
        for (int i = 0; i < 10; ++i) {
            CHECK(got[i].data.u32 < 50);
            seen[got[i].data.u32] = 1;
        }
    }
    for (int i = 0; i < 50; ++i) EQ(seen[i], 1);  // those that were given go to the end
}

CASE(output_wakes) {
    make_pipe(O_NONBLOCK);
    char block[4096] = "";
    while (write(ends[1], block, 4096) > 0) {
    }
    const pid_t child = must_fork();
    if (child == 0) {
        const int set = set_with(ends[1], EPOLLOUT | EPOLLONESHOT);
        struct epoll_event got[2];
        _exit(epoll_wait(set, got, 2, -1) == 1 && got[0].events == EPOLLOUT ? 0 : 1);
    }
    wait_asleep(child);
    for (int i = 0; i < 4; ++i) OK(read(ends[0], block, 4096));
    must_exit(child, 0);
}

// --- What a waiter is told is what is there when it runs, not when it was woken. One processor, and whoever wakes goes
// on until it sleeps: on Linux by its priority. Elsewhere its time may be over just then, so half of the rounds must
// do.
enum { kRounds = 18 };
static struct waiter {
    pthread_t thread;
    pid_t tid;
    volatile int set;
    int fd;
    volatile int times;       // told
    volatile long long last;  // what
} waiter;

static void alone_on_its_processor(void) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    OK(sched_setaffinity(0, sizeof one, &one));
}

static void start_waiter(void* (*function)(void*)) {
    waiter.tid = 0;
    EQ(pthread_create(&waiter.thread, 0, function, 0), 0);
    while (!waiter.tid) sleep_ms(1);
    const struct sched_param first = {1};
    OK(sched_setscheduler(0, SCHED_FIFO, &first));  // of this thread alone
    wait_asleep(waiter.tid);
}

static void* waits_for_events(void* unused) {
    waiter.tid = (pid_t)syscall(SYS_gettid);
    while (waiter.last != 2 * kRounds - 1) {
        struct epoll_event got[4];
        if (epoll_wait(waiter.set, got, 4, -1) != 1) _exit(9);
        waiter.last = (long long)got[0].data.u64;
        ++waiter.times;
    }
    return unused;
}

CASE(epoll_sees_what_is_there_when_it_runs) {
    alone_on_its_processor();
    waiter.set = (int)OK(epoll_create1(0));
    start_waiter(waits_for_events);
    int right = 0;
    for (int i = 0; i < kRounds; ++i) {
        static const uint32_t modes[] = {0, EPOLLET, EPOLLONESHOT};
        struct epoll_event event = {.events = EPOLLIN | modes[i % 3], .data.u64 = 2 * (uint64_t)i};
        const int fd = (int)OK(eventfd(0, 0)), times = waiter.times;
        OK(epoll_ctl(waiter.set, EPOLL_CTL_ADD, fd, &event));
        OK(eventfd_write(fd, 1));
        if (i / 3 % 3 == 0) OK(epoll_ctl(waiter.set, EPOLL_CTL_DEL, fd, 0));
        event.events = EPOLLONESHOT;
        if (i / 3 % 3 == 1) OK(epoll_ctl(waiter.set, EPOLL_CTL_MOD, fd, &event));
        OK(close(fd));
        EQ(eventfd(0, 0), fd);
        event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 2 * (uint64_t)i + 1};
        OK(epoll_ctl(waiter.set, EPOLL_CTL_ADD, fd, &event));
        sleep_ms(1);
        wait_asleep(waiter.tid);
        right += waiter.times == times;
        OK(eventfd_write(fd, 1));
        while (waiter.last != 2 * i + 1) sleep_ms(1);
        if (i < kRounds - 1) wait_asleep(waiter.tid);
        OK(close(fd));
    }
    EQ(pthread_join(waiter.thread, 0), 0);
    if (right < kRounds / 2) FAIL("%d of %d", right, kRounds);
}

// A member that goes takes its own event along and no other's, edge or not.
CASE(epoll_gives_the_other_events_once) {
    alone_on_its_processor();
    waiter.set = (int)OK(epoll_create1(0));
    start_waiter(waits_for_events);
    for (int i = 0; i < kRounds; ++i) {
        static const uint32_t modes[] = {EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};
        int fds[2];
        for (int n = 0; n < 2; ++n) {
            struct epoll_event event = {.events = EPOLLIN | modes[i % 3], .data.u64 = 2 * (uint64_t)i + (uint64_t)n};
            fds[n] = (int)OK(eventfd(0, 0));
            OK(epoll_ctl(waiter.set, EPOLL_CTL_ADD, fds[n], &event));
        }
        const int times = waiter.times;
        OK(eventfd_write(fds[0], 1));
        OK(close(fds[0]));
        OK(eventfd_write(fds[1], 1));
        while (waiter.last != 2 * i + 1) sleep_ms(1);
        if (i < kRounds - 1) wait_asleep(waiter.tid);
        CHECK(waiter.times - times == 1 || waiter.times - times == 2);
        OK(close(fds[1]));
    }
    EQ(pthread_join(waiter.thread, 0), 0);
}

static void* polls(void* unused) {
    waiter.tid = (pid_t)syscall(SYS_gettid);
    for (int i = 0; waiter.set; ++i) {
        struct pollfd one = {waiter.fd, POLLIN, 0};
        fd_set in;
        FD_ZERO(&in);
        FD_SET(waiter.fd, &in);
        struct timeval limit = {0, 20000};
        waiter.last = i % 2 ? poll(&one, 1, 20) : select(waiter.fd + 1, &in, 0, 0, &limit);
        ++waiter.times;
    }
    return unused;
}

CASE(poll_sees_what_is_there_when_it_runs) {
    alone_on_its_processor();
    waiter.fd = (int)OK(eventfd(0, 0));
    waiter.set = 1;  // until it is to end
    const int empty = (int)OK(eventfd(0, 0));
    start_waiter(polls);
    int right = 0;
    for (int i = 0; i < kRounds; ++i) {
        int times = waiter.times;
        OK(eventfd_write(waiter.fd, 1));
        EQ(dup2(empty, waiter.fd), waiter.fd);
        while (waiter.times == times) sleep_ms(1);
        right += waiter.last == 0;
        times = waiter.times;
        const int fd = (int)OK(eventfd(0, 0));
        EQ(dup2(fd, waiter.fd), waiter.fd);
        OK(close(fd));
        while (waiter.times == times) sleep_ms(1);  // of `empty`; now it is the new one that it waits for
        wait_asleep(waiter.tid);
    }
    waiter.set = 0;
    EQ(pthread_join(waiter.thread, 0), 0);
    if (right < kRounds / 2) FAIL("%d of %d", right, kRounds);
}
