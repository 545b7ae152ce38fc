// Signals about open files: O_ASYNC with its owner and signal, F_NOTIFY; processes as files.
#include "abi.h"

#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int ends[2];
static volatile int count, code, band, descriptor, number;
static void told(int signal, siginfo_t* info, void* context) {
    (void)context;
    number = signal;
    code = info->si_code;
    band = (int)info->si_band;
    descriptor = info->si_fd;
    ++count;
}
static void catch (int signal) {
    const struct sigaction action = {.sa_sigaction = told, .sa_flags = SA_SIGINFO};
    OK(sigaction(signal, &action, 0));
    count = 0;
}
static void set_async(int fd, int on) {
    const int flags = (int)OK(fcntl(fd, F_GETFL));
    OK(fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC));
}

CASE(async_pipe) {
    OK(pipe(ends));
    catch (SIGIO);
    OK(fcntl(ends[0], F_SETOWN, getpid()));
    EQ(fcntl(ends[0], F_GETOWN), getpid());
    EQ(write(ends[1], "x", 1), 1);
    EQ(count, 0);
    set_async(ends[0], 1);
    CHECK(fcntl(ends[0], F_GETFL) & O_ASYNC);
    EQ(write(ends[1], "x", 1), 1);
    EQ(count, 1);
    EQ(number, SIGIO);
    EQ(code, SI_KERNEL);
    set_async(ends[0], 0);
    EQ(write(ends[1], "x", 1), 1);
    EQ(count, 1);
}

CASE(async_says_what_and_where) {
    OK(pipe(ends));
    const int signal = SIGRTMIN + 3;
    catch (signal);
    EQ(fcntl(ends[0], F_GETSIG), 0);
    OK(fcntl(ends[0], F_SETSIG, signal));
    EQ(fcntl(ends[0], F_GETSIG), signal);
    ERR(fcntl(ends[0], F_SETSIG, 65), EINVAL);
    OK(fcntl(ends[0], F_SETOWN, getpid()));
    set_async(ends[0], 1);
    EQ(write(ends[1], "x", 1), 1);
    EQ(count, 1);
    EQ(code, POLL_IN);
    EQ(band, POLLIN | POLLRDNORM);
    EQ(descriptor, ends[0]);
}

CASE(async_by_ioctl) {
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    catch (SIGIO);
    int on = 1, owner = getpid();
    OK(ioctl(ends[0], FIOASYNC, &on));
    CHECK(fcntl(ends[0], F_GETFL) & O_ASYNC);
    EQ(write(ends[1], "x", 1), 1);
    EQ(count, 0);  // nobody is its owner
    OK(fcntl(ends[0], F_SETOWN, owner));
    EQ(write(ends[1], "x", 1), 1);
    CHECK(count >= 1);
    on = 0;
    OK(ioctl(ends[0], FIOASYNC, &on));
    CHECK(!(fcntl(ends[0], F_GETFL) & O_ASYNC));
}

CASE(async_group) {
    OK(pipe(ends));
    OK(fcntl(ends[0], F_SETOWN, -getpgrp()));
    EQ(fcntl(ends[0], F_GETOWN), -getpgrp());
    set_async(ends[0], 1);
    signal(SIGIO, SIG_IGN);
    const pid_t child = must_fork();
    if (child == 0) {
        signal(SIGIO, SIG_DFL);
        EQ(write(ends[1], "x", 1), 1);
        for (;;) pause();
    }
    must_die(child, SIGIO);
}

CASE(async_owners) {
    struct owner {
        int type, pid;
    } owner = {1, getpid()};  // F_OWNER_PID
    OK(pipe(ends));
    OK(fcntl(ends[0], 15 /* F_SETOWN_EX */, &owner));
    owner.pid = 0;
    OK(fcntl(ends[0], 16 /* F_GETOWN_EX */, &owner));
    EQ(owner.type, 1);
    EQ(owner.pid, getpid());
    owner = (struct owner){0, (int)syscall(SYS_gettid)};  // F_OWNER_TID
    OK(fcntl(ends[0], 15, &owner));
    OK(fcntl(ends[0], 16, &owner));
    EQ(owner.type, 0);
    owner = (struct owner){2, getpgrp()};  // F_OWNER_PGRP
    OK(fcntl(ends[0], 15, &owner));
    EQ(fcntl(ends[0], F_GETOWN), -getpgrp());
    owner.type = 3;
    ERR(fcntl(ends[0], 15, &owner), EINVAL);
    ERR(fcntl(ends[0], F_SETOWN, 1 << 28), ESRCH);
    uid_t users[2] = {77, 77};
    OK(fcntl(ends[0], 17 /* F_GETOWNER_UIDS */, users));
    EQ(users[0], getuid());
    EQ(users[1], geteuid());
    OK(fcntl(ends[0], F_SETOWN, 0));
    EQ(fcntl(ends[0], F_GETOWN), 0);
}

CASE(directory_once) {
    abi_folder();
    catch (SIGIO);
    const int fd = (int)OK(open(".", O_RDONLY | O_DIRECTORY));
    OK(fcntl(fd, F_NOTIFY, DN_CREATE));
    OK(mkdir("a", 0700));
    EQ(count, 1);
    OK(mkdir("b", 0700));
    EQ(count, 1);
}

CASE(directory_often) {
    abi_folder();
    catch (SIGRTMIN);
    const int fd = (int)OK(open(".", O_RDONLY | O_DIRECTORY));
    OK(fcntl(fd, F_SETSIG, SIGRTMIN));
    OK(fcntl(fd, F_NOTIFY, DN_DELETE | DN_MODIFY | DN_ATTRIB | DN_MULTISHOT));
    write_file("a", "");
    EQ(count, 0);
    write_file("a", "text");
    CHECK(count >= 1);
    EQ(descriptor, fd);
    EQ(code, POLL_MSG);
    count = 0;
    OK(chmod("a", 0600));
    EQ(count, 1);
    OK(unlink("a"));
    CHECK(count >= 2);
    OK(fcntl(fd, F_NOTIFY, 0));
    count = 0;
    OK(mkdir("b", 0700));
    OK(rmdir("b"));
    EQ(count, 0);
    OK(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
    OK(close(fd));
    OK(mkdir("c", 0700));
    EQ(count, 0);
}

CASE(directory_errors) {
    abi_folder();
    write_file("a", "");
    const int fd = (int)OK(open("a", O_RDONLY));
    ERR(fcntl(fd, F_NOTIFY, DN_CREATE), ENOTDIR);
    const int here = (int)OK(open(".", O_RDONLY));
    OK(fcntl(here, F_NOTIFY, DN_MULTISHOT));
}

CASE(process_by_its_directory) {
    const pid_t child = must_fork();
    if (child == 0) {
        for (;;) pause();
    }
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", child);
    const int fd = (int)OK(open(path, O_RDONLY | O_DIRECTORY));
    OK(syscall(SYS_pidfd_send_signal, fd, 0, 0, 0));
    OK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, 0, 0));
    must_die(child, SIGTERM);
    ERR(syscall(SYS_pidfd_send_signal, fd, 0, 0, 0), ESRCH);
    const int other = (int)OK(open("/proc", O_RDONLY | O_DIRECTORY));
    ERR(syscall(SYS_pidfd_send_signal, other, 0, 0, 0), EBADF);
}

CASE(affinity_of_nobody) {
    cpu_set_t set;
    ERR(sched_getaffinity(-1, sizeof set, &set), ESRCH);
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    ERR(sched_setaffinity(-1, sizeof set, &set), ESRCH);
}
