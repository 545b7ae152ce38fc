// POSIX message queues (mq_overview(7)).
#include "abi.h"

#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { kBytes = 64 };
static char text[1 << 16];

static mqd_t make(const char* name, long messages, int flags) {
    struct mq_attr attributes = {.mq_maxmsg = messages, .mq_msgsize = kBytes};
    mq_unlink(name);
    return (mqd_t)OK(mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attributes));
}
static void send(mqd_t queue, const char* what, unsigned priority) { OK(mq_send(queue, what, strlen(what), priority)); }
static void receive(mqd_t queue, const char* what, unsigned priority) {
    unsigned found = 77;
    EQ(mq_receive(queue, text, sizeof text, &found), (long)strlen(what));
    text[strlen(what)] = 0;
    CHECK(strcmp(text, what) == 0);
    EQ(found, priority);
}
static struct timespec in_ms(long ms) {
    struct timespec time;
    OK(clock_gettime(CLOCK_REALTIME, &time));
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

CASE(by_priority_then_in_order) {
    const mqd_t queue = make("/abi_order", 8, 0);
    send(queue, "low", 1);
    send(queue, "high", 9);
    send(queue, "low too", 1);
    send(queue, "highest", 32767);
    send(queue, "", 0);
    struct mq_attr state;
    OK(mq_getattr(queue, &state));
    EQ(state.mq_flags, 0);
    EQ(state.mq_maxmsg, 8);
    EQ(state.mq_msgsize, kBytes);
    EQ(state.mq_curmsgs, 5);
    receive(queue, "highest", 32767);
    receive(queue, "high", 9);
    receive(queue, "low", 1);
    receive(queue, "low too", 1);
    receive(queue, "", 0);
    OK(mq_unlink("/abi_order"));
}

CASE(names_and_opening) {
    const mqd_t queue = make("/abi_names", 2, 0);
    CHECK(fcntl(queue, F_GETFD) & FD_CLOEXEC);
    ERR(mq_open("/abi_names", O_CREAT | O_EXCL | O_RDWR, 0600, 0), EEXIST);
    const mqd_t again = (mqd_t)OK(mq_open("/abi_names", O_CREAT | O_RDONLY, 0600, 0));
    struct mq_attr state;
    OK(mq_getattr(again, &state));
    EQ(state.mq_maxmsg, 2);
    ERR(mq_send(again, "x", 1, 0), EBADF);
    const mqd_t writer = (mqd_t)OK(mq_open("/abi_names", O_WRONLY));
    ERR(mq_receive(writer, text, sizeof text, 0), EBADF);
    OK(mq_unlink("/abi_names"));
    ERR(mq_unlink("/abi_names"), ENOENT);
    ERR(mq_open("/abi_names", O_RDWR), ENOENT);
    // It lives as long as somebody has it open.
    send(writer, "still", 3);
    receive(again, "still", 3);
    ERR(syscall(SYS_mq_open, "", O_RDWR, 0, 0), ENOENT);
    ERR(syscall(SYS_mq_open, "a/b", O_RDWR | O_CREAT, 0600, 0), EACCES);
    ERR(syscall(SYS_mq_open, "..", O_RDWR | O_CREAT, 0600, 0), EACCES);
    ERR(syscall(SYS_mq_open, BAD, O_RDWR | O_CREAT, 0600, 0), EFAULT);
    memset(text, 'n', 256);
    ERR(syscall(SYS_mq_open, text, O_RDWR | O_CREAT, 0600, 0), ENAMETOOLONG);
    ERR(syscall(SYS_mq_open, "abi_x", O_RDWR | O_CREAT, 0600, BAD), EFAULT);
    struct mq_attr bad = {.mq_maxmsg = 0, .mq_msgsize = 1};
    ERR(mq_open("/abi_x", O_RDWR | O_CREAT, 0600, &bad), EINVAL);
    bad.mq_maxmsg = 1, bad.mq_msgsize = -1;
    ERR(mq_open("/abi_x", O_RDWR | O_CREAT, 0600, &bad), EINVAL);
    const mqd_t usual = (mqd_t)OK(mq_open("/abi_usual", O_RDWR | O_CREAT, 0640, 0));
    OK(mq_getattr(usual, &state));
    EQ(state.mq_maxmsg, 10);
    EQ(state.mq_msgsize, 8192);
    struct stat found;
    OK(fstat(usual, &found));
    CHECK(S_ISREG(found.st_mode));
    EQ(found.st_mode & 0777, 0640);
    EQ(found.st_size, 80);
    OK(mq_unlink("/abi_usual"));
}

CASE(sizes) {
    const mqd_t queue = make("/abi_sizes", 2, 0);
    ERR(mq_send(queue, text, kBytes + 1, 0), EMSGSIZE);
    ERR(mq_send(queue, text, 1, 32768), EINVAL);
    ERR(mq_send(queue, BAD, 1, 0), EFAULT);
    OK(mq_send(queue, text, kBytes, 0));
    ERR(mq_receive(queue, text, kBytes - 1, 0), EMSGSIZE);
    EQ(mq_receive(queue, text, kBytes, 0), kBytes);
    const int other = (int)OK(open("/dev/null", O_RDWR));
    ERR(mq_send(other, text, 1, 0), EBADF);
    ERR(mq_receive(other, text, kBytes, 0), EBADF);
    ERR(syscall(SYS_mq_getsetattr, other, 0, 0), EBADF);
    ERR(mq_send(999, text, 1, 0), EBADF);
    OK(mq_unlink("/abi_sizes"));
}

CASE(without_waiting) {
    const mqd_t queue = make("/abi_full", 1, O_NONBLOCK);
    ERR(mq_receive(queue, text, kBytes, 0), EAGAIN);
    send(queue, "one", 0);
    ERR(mq_send(queue, "two", 3, 0), EAGAIN);
    struct mq_attr state = {.mq_flags = 0}, old;
    OK(mq_setattr(queue, &state, &old));
    EQ(old.mq_flags, O_NONBLOCK);
    EQ(old.mq_curmsgs, 1);
    CHECK(!(fcntl(queue, F_GETFL) & O_NONBLOCK));
    state.mq_flags = O_APPEND;
    ERR(mq_setattr(queue, &state, 0), EINVAL);
    OK(mq_unlink("/abi_full"));
}

CASE(time_limits) {
    const mqd_t queue = make("/abi_limits", 1, 0);
    struct timespec until = in_ms(30);
    const int64_t begin = now_ns(CLOCK_MONOTONIC);
    ERR(mq_timedreceive(queue, text, kBytes, 0, &until), ETIMEDOUT);
    CHECK(now_ns(CLOCK_MONOTONIC) - begin >= 29000000);
    send(queue, "x", 0);
    until = in_ms(30);
    ERR(mq_timedsend(queue, "y", 1, 0, &until), ETIMEDOUT);
    // A time that has gone does no harm where nothing is waited for, a wrong one does.
    until = (struct timespec){1, 0};
    EQ(mq_timedreceive(queue, text, kBytes, 0, &until), 1);
    ERR(mq_timedreceive(queue, text, kBytes, 0, &until), ETIMEDOUT);
    until.tv_nsec = 1000000000;
    ERR(mq_timedsend(queue, "y", 1, 0, &until), EINVAL);
    ERR(mq_timedreceive(queue, text, kBytes, 0, &until), EINVAL);
    OK(mq_unlink("/abi_limits"));
}

static void nothing(int signal) { (void)signal; }

CASE(between_processes) {
    const mqd_t queue = make("/abi_processes", 1, 0), back = make("/abi_back", 1, 0);
    const pid_t child = must_fork();
    if (child == 0) {
        for (int i = 0; i < 50; ++i) {
            const long bytes = mq_receive(queue, text, kBytes, 0);
            if (bytes < 1 || mq_send(back, text, (size_t)bytes, 0)) _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 50; ++i) {
        char number[8];
        sprintf(number, "%d", i);
        send(queue, number, 0);
        receive(back, number, 0);
    }
    must_exit(child, 0);
    // A sender that waits goes on as soon as there is room, one that waits for ever is interrupted.
    send(queue, "first", 0);
    const pid_t waiting = must_fork();
    if (waiting == 0) _exit(mq_send(queue, "second", 6, 0) != 0);
    wait_asleep(waiting);
    receive(queue, "first", 0);
    must_exit(waiting, 0);
    receive(queue, "second", 0);
    const struct sigaction action = {.sa_handler = nothing};
    OK(sigaction(SIGALRM, &action, 0));
    alarm(1);
    ERR(mq_receive(queue, text, kBytes, 0), EINTR);
    OK(mq_unlink("/abi_processes"));
    OK(mq_unlink("/abi_back"));
}

static volatile int told, code, value, from;
static void notice(int signal, siginfo_t* info, void* context) {
    (void)signal, (void)context;
    code = info->si_code;
    value = info->si_value.sival_int;
    from = info->si_pid;
    ++told;
}

CASE(notice_by_signal) {
    const mqd_t queue = make("/abi_notice", 4, 0);
    const struct sigaction action = {.sa_sigaction = notice, .sa_flags = SA_SIGINFO};
    OK(sigaction(SIGUSR1, &action, 0));
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 1234};
    OK(mq_notify(queue, &event));
    ERR(mq_notify(queue, &event), EBUSY);
    CHECK(strstr(read_file("/proc/self/fdinfo/0"), "pos:"));
    char state[80] = "";
    CHECK(pread(queue, state, sizeof state - 1, 0) > 0);
    int bytes, how, number, pid;
    EQ(sscanf(state, "QSIZE:%d NOTIFY:%d SIGNO:%d NOTIFY_PID:%d", &bytes, &how, &number, &pid), 4);
    EQ(number, SIGUSR1);
    EQ(pid, getpid());
    send(queue, "a", 0);
    EQ(told, 1);
    EQ(code, SI_MESGQ);
    EQ(value, 1234);
    EQ(from, getpid());
    // Once, and only for the first message.
    send(queue, "b", 0);
    OK(mq_notify(queue, &event));
    send(queue, "c", 0);
    EQ(told, 1);
    receive(queue, "a", 0);
    receive(queue, "b", 0);
    receive(queue, "c", 0);
    send(queue, "d", 0);
    EQ(told, 2);
    receive(queue, "d", 0);
    // Taken back, by a call and by closing; not by another process.
    OK(mq_notify(queue, &event));
    const pid_t child = must_fork();
    if (child == 0) _exit(mq_notify(queue, 0) != 0 || mq_notify(queue, &event) != -1 || errno != EBUSY);
    must_exit(child, 0);
    OK(mq_notify(queue, 0));
    OK(mq_notify(queue, &event));
    OK(close(dup(queue)));
    send(queue, "e", 0);
    EQ(told, 2);
    event.sigev_notify = 99;
    ERR(mq_notify(queue, &event), EINVAL);
    event.sigev_notify = SIGEV_SIGNAL, event.sigev_signo = 65;
    ERR(mq_notify(queue, &event), EINVAL);
    ERR(mq_notify(999, 0), EBADF);
    OK(mq_unlink("/abi_notice"));
}

static volatile pid_t waiter;
static void* wait_for_one(void* queue) {
    waiter = gettid();
    return (void*)mq_receive(*(mqd_t*)queue, text, kBytes, 0);
}

CASE(no_notice_of_what_is_awaited) {
    mqd_t queue = make("/abi_awaited", 4, 0);
    const struct sigaction action = {.sa_sigaction = notice, .sa_flags = SA_SIGINFO};
    OK(sigaction(SIGUSR1, &action, 0));
    const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    OK(mq_notify(queue, &event));
    pthread_t thread;
    EQ(pthread_create(&thread, 0, wait_for_one, &queue), 0);
    while (!waiter) sleep_ms(1);
    wait_asleep(waiter);
    send(queue, "a", 0);
    void* result;
    EQ(pthread_join(thread, &result), 0);
    EQ((long)result, 1);
    EQ(told, 0);
    send(queue, "b", 0);
    EQ(told, 1);
    OK(mq_unlink("/abi_awaited"));
}

static volatile int thread_told;
static void in_thread(union sigval with) {
    value = with.sival_int;
    __atomic_store_n(&thread_told, 1, __ATOMIC_RELEASE);
}

CASE(notice_by_thread) {
    const mqd_t queue = make("/abi_thread", 4, 0);
    const struct sigevent event = {
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = in_thread, .sigev_value.sival_int = 77};
    OK(mq_notify(queue, &event));
    send(queue, "a", 0);
    for (int i = 0; i < 500 && !__atomic_load_n(&thread_told, __ATOMIC_ACQUIRE); ++i) sleep_ms(10);
    EQ(thread_told, 1);
    EQ(value, 77);
    OK(mq_unlink("/abi_thread"));
}

CASE(readiness) {
    const mqd_t queue = make("/abi_ready", 1, 0);
    struct pollfd ready = {.fd = queue, .events = POLLIN | POLLOUT};
    EQ(poll(&ready, 1, 0), 1);
    EQ(ready.revents, POLLOUT);
    send(queue, "x", 0);
    EQ(poll(&ready, 1, 0), 1);
    EQ(ready.revents, POLLIN);
    const int events = (int)OK(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    OK(epoll_ctl(events, EPOLL_CTL_ADD, queue, &event));
    EQ(epoll_wait(events, &event, 1, 0), 1);
    EQ(epoll_wait(events, &event, 1, 0), 0);
    receive(queue, "x", 0);
    const pid_t child = must_fork();
    if (child == 0) {
        sleep_ms(20);
        _exit(mq_send(queue, "y", 1, 0) != 0);
    }
    EQ(epoll_wait(events, &event, 1, 10000), 1);
    must_exit(child, 0);
    OK(mq_unlink("/abi_ready"));
}

CASE(rights_and_limits) {
    const mqd_t queue = make("/abi_rights", 1, 0);
    (void)queue;
    const pid_t child = must_fork();
    if (child == 0) {
        OK(setresuid(1000, 1000, 1000));
        ERR(mq_open("/abi_rights", O_RDONLY), EACCES);
        ERR(mq_unlink("/abi_rights"), EACCES);
        struct mq_attr large = {.mq_maxmsg = 11, .mq_msgsize = 1};
        ERR(mq_open("/abi_large", O_CREAT | O_RDWR, 0600, &large), EINVAL);
        const struct rlimit limit = {10000, 10000};
        OK(setrlimit(RLIMIT_MSGQUEUE, &limit));
        ERR(mq_open("/abi_large", O_CREAT | O_RDWR, 0600, 0), EMFILE);
        _exit(0);
    }
    must_exit(child, 0);
    struct mq_attr large = {.mq_maxmsg = 100, .mq_msgsize = 1000};
    OK(mq_open("/abi_large", O_CREAT | O_RDWR, 0600, &large));
    OK(mq_unlink("/abi_large"));
    OK(mq_unlink("/abi_rights"));
    EQ(atoi(read_file("/proc/sys/fs/mqueue/msg_max")), 10);
}
