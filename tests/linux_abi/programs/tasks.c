// clone, fork, vfork, execve, waiting, ending, groups and sessions, limits, names, scheduling.
#include "abi.h"

#include <dirent.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

extern char** environ;

static pid_t sleeper(void) {
    const pid_t child = must_fork();
    if (child == 0)
        for (;;) pause();
    return child;
}

static pid_t exits(int status) {
    const pid_t child = must_fork();
    if (child == 0) _exit(status);
    return child;
}

CASE(fork_ids) {
    const pid_t me = getpid();
    const pid_t child = must_fork();
    if (child == 0) _exit(getppid() == me && getpid() != me && syscall(SYS_gettid) == getpid() ? 0 : 1);
    must_exit(child, 0);
}

CASE(exit_status_is_a_byte) {
    must_exit(exits(0x1ff), 0xff);
    must_exit(exits(256), 0);
}

CASE(wait4_any_and_specific) {
    const pid_t a = exits(1), b = exits(2);
    int status;
    EQ(wait4(b, &status, 0, 0), b);
    EQ(WEXITSTATUS(status), 2);
    EQ(wait4(-1, &status, 0, 0), a);
    EQ(WEXITSTATUS(status), 1);
    ERR(wait4(-1, &status, 0, 0), ECHILD);
    ERR(wait4(a, &status, 0, 0), ECHILD);
}

CASE(wait4_nohang) {
    const pid_t child = sleeper();
    int status = 77;
    EQ(wait4(-1, &status, WNOHANG, 0), 0);
    OK(kill(child, SIGKILL));
    EQ(wait4(child, &status, 0, 0), child);
    CHECK(WIFSIGNALED(status));
    EQ(WTERMSIG(status), SIGKILL);
    ERR(wait4(-1, &status, WNOHANG, 0), ECHILD);
}

CASE(wait4_by_group) {
    const pid_t a = sleeper(), b = sleeper();
    OK(setpgid(a, a));
    OK(setpgid(b, a));
    OK(kill(-a, SIGTERM));
    int status;
    const pid_t first = (pid_t)OK(wait4(-a, &status, 0, 0));
    const pid_t second = (pid_t)OK(wait4(-a, &status, 0, 0));
    CHECK((first == a && second == b) || (first == b && second == a));
    ERR(wait4(-a, &status, 0, 0), ECHILD);
    const pid_t c = exits(0);
    EQ(wait4(0, &status, 0, 0), c);
}

CASE(wait4_errors) {
    int status;
    ERR(wait4(-1, &status, 0x1000, 0), EINVAL);
    ERR(wait4(1 << 28, &status, 0, 0), ECHILD);
    const pid_t child = exits(0);
    ERR(wait4(child, BAD, 0, 0), EFAULT);
}

CASE(wait4_stopped_and_continued) {
    const pid_t child = sleeper();
    int status;
    OK(kill(child, SIGSTOP));
    EQ(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status));
    EQ(WSTOPSIG(status), SIGSTOP);
    EQ(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
    OK(kill(child, SIGCONT));
    EQ(waitpid(child, &status, WCONTINUED), child);
    CHECK(WIFCONTINUED(status));
    OK(kill(child, SIGKILL));
    must_die(child, SIGKILL);
}

CASE(wait4_usage) {
    struct rusage usage;
    memset(&usage, 0xff, sizeof usage);
    const pid_t child = exits(0);
    EQ(wait4(child, 0, 0, &usage), child);
    CHECK(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_sec < 100);
}

CASE(waitid_exited) {
    const pid_t child = exits(7);
    siginfo_t info = {0};
    OK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    EQ(info.si_signo, SIGCHLD);
    EQ(info.si_code, CLD_EXITED);
    EQ(info.si_status, 7);
    EQ(info.si_pid, child);
    EQ(info.si_uid, getuid());
    OK(waitid(P_ALL, 0, &info, WEXITED));
    ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
}

CASE(waitid_killed_and_stopped) {
    const pid_t child = sleeper();
    siginfo_t info = {0};
    info.si_pid = 5;
    OK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG));
    EQ(info.si_pid, 0);
    OK(kill(child, SIGSTOP));
    OK(waitid(P_PID, (id_t)child, &info, WSTOPPED));
    EQ(info.si_code, CLD_STOPPED);
    EQ(info.si_status, SIGSTOP);
    OK(kill(child, SIGCONT));
    OK(waitid(P_PID, (id_t)child, &info, WCONTINUED));
    EQ(info.si_code, CLD_CONTINUED);
    OK(kill(child, SIGTERM));
    OK(waitid(P_PID, (id_t)child, &info, WEXITED));
    EQ(info.si_code, CLD_KILLED);
    EQ(info.si_status, SIGTERM);
}

CASE(waitid_errors) {
    siginfo_t info;
    ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
    ERR(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
    ERR(waitid(99, 0, &info, WEXITED), EINVAL);
    ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
}

CASE(ignored_sigchld_reaps) {
    signal(SIGCHLD, SIG_IGN);
    exits(1);
    exits(2);
    int status;
    ERR(wait4(-1, &status, 0, 0), ECHILD);
}

CASE(no_child_wait_flag) {
    struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    OK(sigaction(SIGCHLD, &action, 0));
    const pid_t child = exits(1);
    int status;
    ERR(wait4(child, &status, 0, 0), ECHILD);
}

CASE(orphans_get_a_parent) {
    int ends[2];
    OK(pipe(ends));
    const pid_t child = must_fork();
    if (child == 0) {
        const pid_t me = getpid();
        if (must_fork() == 0) {
            for (int i = 0; i < 1000 && getppid() == me; ++i) sleep_ms(2);
            const pid_t parent = getppid();
            OK(write(ends[1], &parent, sizeof parent));
        }
        _exit(0);
    }
    must_exit(child, 0);
    pid_t parent = 0;
    EQ(read(ends[0], &parent, sizeof parent), sizeof parent);
    CHECK(parent != child && parent > 0);
}

CASE(subreaper) {
    OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    const pid_t child = must_fork();
    if (child == 0) {
        const pid_t me = getpid();
        if (must_fork() == 0) {
            for (int i = 0; i < 1000 && getppid() == me; ++i) sleep_ms(2);
            _exit(42);
        }
        _exit(0);
    }
    must_exit(child, 0);
    int status;
    CHECK(wait4(-1, &status, 0, 0) > 0);
    EQ(WEXITSTATUS(status), 42);
}

CASE(vfork_waits_and_shares) {
    volatile int shared = 0;
    const pid_t child = vfork();
    if (child == 0) {
        shared = 5;
        _exit(3);
    }
    CHECK(child > 0);
    EQ(shared, 5);
    must_exit(child, 3);
}

CASE(vfork_exec) {
    char* arguments[] = {"x", "--status", "17", 0};
    const pid_t child = vfork();
    if (child == 0) {
        execve(abi_self, arguments, environ);
        _exit(98);
    }
    must_exit(child, 17);
}

HELPER(status) { return count > 0 ? atoi(arguments[0]) : 55; }

HELPER(arguments) {
    // Expected: one, "", three words; the environment A=1 B=.
    if (count != 3 || strcmp(arguments[0], "one") != 0 || arguments[1][0] || strcmp(arguments[2], "three words") != 0)
        return 1;
    return environ[0] && strcmp(environ[0], "A=1") == 0 && environ[1] && strcmp(environ[1], "B=") == 0 && !environ[2]
               ? 0
               : 2;
}

static pid_t start(const char* path, char** arguments, char** environment) {
    const pid_t child = must_fork();
    if (child == 0) {
        execve(path, arguments, environment);
        _exit(errno & 0x7f);
    }
    return child;
}

CASE(exec_arguments) {
    char* arguments[] = {"x", "--arguments", "one", "", "three words", 0};
    char* environment[] = {"A=1", "B=", 0};
    must_exit(start(abi_self, arguments, environment), 0);
}

// Whatever thread calls: the process goes on as its first thread, with its number, and the others are gone.
HELPER(one_thread) {
    DIR* const folder = opendir("/proc/self/task");
    int threads = 0;
    for (struct dirent* entry; (entry = readdir(folder));) threads += entry->d_name[0] != '.';
    sigset_t mask;
    sigprocmask(SIG_BLOCK, 0, &mask);
    // The mask is that of the thread that called.
    return getpid() == atoi(arguments[0]) && gettid() == getpid() && threads == 1 && sigismember(&mask, SIGUSR2) ? 18
                                                                                                                 : 1;
}

static void* exec_in_thread(void* leader_waits) {
    if (!leader_waits) sleep_ms(50);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &mask, 0);
    char number[20];
    snprintf(number, sizeof number, "%d", getpid());
    char* arguments[] = {"x", "--one_thread", number, 0};
    execve(abi_self, arguments, environ);
    _exit(97);
}

static void* sleep_in_thread(void* unused) {
    while (!unused) pause();
    return 0;
}

CASE(exec_by_thread) {
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, 0, sleep_in_thread, 0);
        pthread_create(&thread, 0, exec_in_thread, "");
        for (;;) pause();
    }
    must_exit(child, 18);
}

CASE(exec_by_thread_while_leader_runs) {
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, 0, exec_in_thread, "");
        for (volatile int i = 0;; ++i) {
        }
    }
    must_exit(child, 18);
}

CASE(exec_by_thread_without_leader) {
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, 0, exec_in_thread, 0);
        syscall(SYS_exit, 5);
    }
    must_exit(child, 18);
}

CASE(exec_by_thread_fails) {
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, 0, sleep_in_thread, 0);
        char* arguments[] = {"x", 0};
        if (execve("/none", arguments, environ) != -1 || errno != ENOENT) _exit(1);
        // The other thread is still there.
        _exit(pthread_kill(thread, 0) == 0 ? 6 : 2);
    }
    must_exit(child, 6);
}

CASE(exec_of_open_file) {
    abi_folder();
    write_file("script", "#!/bin/sh\nexit 4\n");
    OK(chmod("script", 0755));
    char* arguments[] = {"x", 0};
    const int fd = (int)OK(open("script", O_WRONLY | O_CLOEXEC));
    ERR(execve("./script", arguments, environ), ETXTBSY);
    OK(close(fd));
    must_exit(start("./script", arguments, environ), 4);
}

CASE(clone_pidfd) {
    int fd = -1;
    const pid_t child = (pid_t)OK(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0));
    if (child == 0) {
        sleep_ms(30);
        _exit(3);
    }
    CHECK(fd >= 0);
    EQ(OK(fcntl(fd, F_GETFD)), FD_CLOEXEC);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    EQ(OK(poll(&one, 1, 10000)), 1);
    must_exit(child, 3);
}

CASE(clone_pidfd_errors) {
    int fd = -1;
    ERR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0), EINVAL);
    ERR(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, 0, 0), EINVAL);
    const int next = (int)OK(dup(0));
    OK(close(next));
    ERR(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, BAD, 0, 0), EFAULT);
    ERR(waitpid(-1, 0, 0), ECHILD);
    EQ(OK(dup(0)), next);
}

CASE(exec_errors) {
    abi_folder();
    char* arguments[] = {"x", 0};
    ERR(execve("none", arguments, environ), ENOENT);
    ERR(execve("", arguments, environ), ENOENT);
    ERR(execve("/tmp", arguments, environ), EACCES);
    write_file("plain", "text");
    ERR(execve("plain", arguments, environ), EACCES);
    OK(chmod("plain", 0755));
    ERR(execve("plain", arguments, environ), ENOEXEC);
    ERR(execve("plain/x", arguments, environ), ENOTDIR);
    ERR(execve(BAD, arguments, environ), EFAULT);
    ERR(execve(abi_self, (char**)BAD, environ), EFAULT);
    write_file("empty", "");
    OK(chmod("empty", 0755));
    ERR(execve("empty", arguments, environ), ENOEXEC);
    write_file("short", "\177ELF");
    OK(chmod("short", 0755));
    ERR(execve("short", arguments, environ), ENOEXEC);
}

CASE(exec_too_long) {
    enum { kTexts = 60, kLength = 130000 };
    static char* arguments[kTexts + 1];
    char* const text = malloc(200000);
    memset(text, 'x', 200000);
    text[199999] = 0;
    arguments[0] = text;
    ERR(execve(abi_self, arguments, environ), E2BIG);
    text[kLength] = 0;
    for (int i = 0; i < kTexts; ++i) arguments[i] = text;
    ERR(execve(abi_self, arguments, environ), E2BIG);
}

CASE(exec_script) {
    abi_folder();
    char line[400];
    snprintf(line, sizeof line, "#!%s --status\n", abi_self);
    write_file("script", line);
    OK(chmod("script", 0755));
    char* arguments[] = {"x", "17", 0};
    must_exit(start("./script", arguments, environ), 0);  // the first argument is the script's path: atoi gives 0
    write_file("script", "#!/bin/sh -e\nexit $(($1 + 2))\n");
    must_exit(start("./script", arguments, environ), 19);
    write_file("script", "#!/none/here\n");
    must_exit(start("./script", arguments, environ), ENOENT);
    write_file("script", "#!\n");
    must_exit(start("./script", arguments, environ), ENOEXEC);
}

CASE(exec_script_of_script) {
    abi_folder();
    write_file("a", "#!/bin/sh\nexit 7\n");
    OK(chmod("a", 0755));
    char path[300], line[400];
    CHECK(getcwd(path, sizeof path) != 0);
    snprintf(line, sizeof line, "#!%s/a\n", path);
    write_file("b", line);
    OK(chmod("b", 0755));
    char* arguments[] = {"x", 0};
    must_exit(start("./b", arguments, environ), 7);
    snprintf(line, sizeof line, "#!%s/c\n", path);
    write_file("c", line);
    OK(chmod("c", 0755));
    must_exit(start("./c", arguments, environ), ELOOP);
}

HELPER(state) {
    // After execve: handlers are gone, ignored signals and the mask stay, close-on-exec descriptors are closed.
    struct sigaction action;
    sigset_t mask;
    if (sigaction(SIGUSR1, 0, &action) || action.sa_handler != SIG_DFL) return 1;
    if (sigaction(SIGUSR2, 0, &action) || action.sa_handler != SIG_IGN) return 2;
    if (sigprocmask(SIG_BLOCK, 0, &mask) || !sigismember(&mask, SIGHUP) || sigismember(&mask, SIGTERM)) return 3;
    if (fcntl(50, F_GETFD) != -1 || errno != EBADF) return 4;
    if (fcntl(51, F_GETFD) != 0) return 5;
    stack_t stack;
    if (sigaltstack(0, &stack) || !(stack.ss_flags & SS_DISABLE)) return 6;
    if (umask(0) != 027) return 7;
    if (!sigpending(&mask) && !sigismember(&mask, SIGHUP)) return 8;
    return count > 0 && getpid() != atoi(arguments[0]) ? 9 : 0;
}

static void do_nothing(int number) { (void)number; }

CASE(exec_keeps_and_drops) {
    signal(SIGUSR1, do_nothing);
    signal(SIGUSR2, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    OK(sigprocmask(SIG_SETMASK, &mask, 0));
    OK(dup3(1, 50, O_CLOEXEC));
    OK(dup2(1, 51));
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    OK(sigaltstack(&stack, 0));
    umask(027);
    const pid_t child = must_fork();
    if (child == 0) {
        raise(SIGHUP);  // blocked: pending stays as well
        char text[20];
        snprintf(text, sizeof text, "%d", getpid());
        char* arguments[] = {"x", "--state", text, 0};
        execve(abi_self, arguments, environ);
        _exit(98);
    }
    must_exit(child, 0);
}

static void* exec_thread(void* unused) {
    char* arguments[] = {"x", "--status", "21", 0};
    execve(abi_self, arguments, environ);
    return unused;
}

CASE(exec_in_a_thread_ends_the_others) {
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, 0, exec_thread, 0);
        for (;;) pause();
    }
    must_exit(child, 21);
}

CASE(fexecve) {
    const int fd = (int)OK(open(abi_self, O_RDONLY));
    char* arguments[] = {"x", "--status", "23", 0};
    const pid_t child = must_fork();
    if (child == 0) {
        syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
        _exit(98);
    }
    must_exit(child, 23);
}

static void* thread_counts(void* value) {
    __atomic_add_fetch((int*)value, 1, __ATOMIC_SEQ_CST);
    return value;
}

CASE(threads_start_and_join) {
    int count = 0;
    for (int round = 0; round < 8; ++round) {
        pthread_t threads[8];
        for (int i = 0; i < 8; ++i) EQ(pthread_create(&threads[i], 0, thread_counts, &count), 0);
        for (int i = 0; i < 8; ++i) {
            void* value;
            EQ(pthread_join(threads[i], &value), 0);
            CHECK(value == &count);
        }
    }
    EQ(count, 64);
}

static __thread int own;
static void* thread_local_store(void* value) {
    own = (int)(intptr_t)value;
    for (int i = 0; i < 50; ++i) {
        sched_yield();
        if (own != (int)(intptr_t)value) return (void*)1;
    }
    return 0;
}

CASE(thread_local_storage) {
    pthread_t threads[4];
    own = 99;
    for (int i = 0; i < 4; ++i) EQ(pthread_create(&threads[i], 0, thread_local_store, (void*)(intptr_t)(i + 1)), 0);
    for (int i = 0; i < 4; ++i) {
        void* value;
        EQ(pthread_join(threads[i], &value), 0);
        CHECK(value == 0);
    }
    EQ(own, 99);
}

static pid_t thread_tid, thread_pid;
static void* thread_ids(void* unused) {
    thread_tid = (pid_t)syscall(SYS_gettid);
    thread_pid = getpid();
    return unused;
}

CASE(thread_ids) {
    pthread_t thread;
    EQ(pthread_create(&thread, 0, thread_ids, 0), 0);
    EQ(pthread_join(thread, 0), 0);
    EQ(thread_pid, getpid());
    CHECK(thread_tid != getpid());
    // pthread_join returns a little before the thread is gone.
    for (int i = 0; i < 1000 && syscall(SYS_tgkill, getpid(), thread_tid, 0) == 0; ++i) sleep_ms(1);
    ERR(syscall(SYS_tgkill, getpid(), thread_tid, 0), ESRCH);
}

static void* sleeps_for_ever(void* unused) {
    for (;;) pause();
    return unused;
}

static void* ends_the_process(void* unused) {
    _exit(33);
    return unused;
}

CASE(exit_group_with_threads) {
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_t thread;
        for (int i = 0; i < 5; ++i) pthread_create(&thread, 0, sleeps_for_ever, 0);
        pthread_create(&thread, 0, ends_the_process, 0);
        for (;;) pause();
    }
    must_exit(child, 33);
}

static void* exits_later(void* unused) {
    sleep_ms(30);
    _exit(12);
    return unused;
}

CASE(main_thread_ends_first) {
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, 0, exits_later, 0);
        syscall(SYS_exit, 5);
    }
    must_exit(child, 12);
}

CASE(last_thread_gives_the_status) {
    const pid_t child = must_fork();
    if (child == 0) syscall(SYS_exit, 9);
    must_exit(child, 9);
}

CASE(signal_kills_all_threads) {
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_t thread;
        for (int i = 0; i < 3; ++i) pthread_create(&thread, 0, sleeps_for_ever, 0);
        raise(SIGTERM);
        for (;;) pause();
    }
    must_die(child, SIGTERM);
}

CASE(fork_of_a_thread_has_one) {
    pthread_t thread;
    EQ(pthread_create(&thread, 0, sleeps_for_ever, 0), 0);
    const pid_t child = must_fork();
    if (child == 0) {
        CHECK(strstr(read_file("/proc/self/status"), "Threads:\t1\n") != 0);
        _exit(0);
    }
    must_exit(child, 0);
    CHECK(strstr(read_file("/proc/self/status"), "Threads:\t2\n") != 0);
}

struct raw_thread {
    volatile int32_t tid, parent_tid, value;
};

static int raw_entry(void* argument) {
    ((struct raw_thread*)argument)->value = 77;
    syscall(SYS_exit, 0);
    return 0;
}

CASE(clone_thread_by_hand) {
    static struct raw_thread thread = {-1, -1, 0};
    char* const stack = must_map(64 * kPage);
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                      CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    const int tid = clone(raw_entry, stack + 64 * kPage, flags, &thread, &thread.parent_tid, 0, &thread.tid);
    CHECK(tid > 0);
    EQ(thread.parent_tid, tid);
    while (__atomic_load_n(&thread.tid, __ATOMIC_SEQ_CST) != 0)
        syscall(SYS_futex, &thread.tid, 0 /* FUTEX_WAIT, shared */, -1, 0, 0, 0);
    EQ(thread.value, 77);
}

static int exit_quietly(void* value) { _exit((int)(intptr_t)value); }

CASE(clone_errors) {
    ERR(clone(exit_quietly, must_map(kPage) + kPage, CLONE_THREAD, 0), EINVAL);
    ERR(clone(exit_quietly, must_map(kPage) + kPage, CLONE_SIGHAND | SIGCHLD, 0), EINVAL);
    ERR(clone(exit_quietly, must_map(kPage) + kPage, CLONE_FS | CLONE_NEWNS, 0), EINVAL);
}

CASE(clone_shares_descriptors) {
    char* const stack = must_map(16 * kPage);
    int fd = -1;
    (void)fd;
    const int child = clone(exit_quietly, stack + 16 * kPage, CLONE_FILES | SIGCHLD, (void*)4);
    CHECK(child > 0);
    must_exit(child, 4);
}

static int closes_60(void* unused) {
    (void)unused;
    _exit(close(60) ? 1 : 0);
}

CASE(clone_files_is_one_table) {
    OK(dup2(1, 60));
    char* const stack = must_map(16 * kPage);
    const int child = clone(closes_60, stack + 16 * kPage, CLONE_FILES | SIGCHLD, 0);
    CHECK(child > 0);
    must_exit(child, 0);
    ERR(fcntl(60, F_GETFD), EBADF);
}

CASE(clone_other_end_signal) {
    char* const stack = must_map(16 * kPage);
    const int child = clone(exit_quietly, stack + 16 * kPage, 0, (void*)4);
    CHECK(child > 0);
    int status;
    ERR(waitpid(child, &status, WNOHANG), ECHILD);
    EQ(waitpid(child, &status, __WALL), child);
    EQ(WEXITSTATUS(status), 4);
}

CASE(clone3_fork) {
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    int32_t tid = 0;
    arguments.flags = CLONE_PARENT_SETTID;
    arguments.parent_tid = (uint64_t)(uintptr_t)&tid;
    const long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    CHECK(child >= 0);
    if (child == 0) _exit(6);
    EQ(tid, child);
    must_exit((pid_t)child, 6);
}

CASE(clone3_errors) {
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    ERR(syscall(SYS_clone3, &arguments, 8), EINVAL);
    ERR(syscall(SYS_clone3, BAD, sizeof arguments), EFAULT);
    ERR(syscall(SYS_clone3, &arguments, 1 << 20), E2BIG);
    arguments.exit_signal = 1000;
    ERR(syscall(SYS_clone3, &arguments, sizeof arguments), EINVAL);
}

CASE(groups) {
    EQ(getpgrp(), getpid());
    EQ(getpgid(0), getpid());
    const pid_t child = sleeper();
    EQ(getpgid(child), getpid());
    OK(setpgid(child, 0));
    EQ(getpgid(child), child);
    OK(setpgid(child, getpid()));
    EQ(getpgid(child), getpid());
    ERR(setpgid(child, 1 << 28), EPERM);
    ERR(setpgid(1 << 28, 0), ESRCH);
    ERR(setpgid(0, -1), EINVAL);
    ERR(getpgid(1 << 28), ESRCH);
    OK(kill(child, SIGKILL));
    must_die(child, SIGKILL);
}

CASE(setpgid_after_exec) {
    int ends[2];
    OK(pipe2(ends, O_CLOEXEC));
    const pid_t child = must_fork();
    if (child == 0) {
        char* arguments[] = {"x", "--pause", 0};
        execve(abi_self, arguments, environ);
        _exit(98);
    }
    close(ends[1]);
    char byte;
    EQ(read(ends[0], &byte, 1), 0);  // closed by execve
    ERR(setpgid(child, child), EACCES);
    OK(kill(child, SIGKILL));
    must_die(child, SIGKILL);
}

HELPER(pause) {
    for (;;) pause();
    return 0;
}

CASE(sessions) {
    ERR(setsid(), EPERM);  // the process of the case leads its group
    const pid_t child = must_fork();
    if (child == 0) {
        const pid_t me = getpid();
        CHECK(getsid(0) != me);
        EQ(setsid(), me);
        EQ(getsid(0), me);
        EQ(getpgrp(), me);
        ERR(setsid(), EPERM);
        ERR(setpgid(0, 0), EPERM);
        ERR(open("/dev/tty", O_RDWR), ENXIO);
        _exit(0);
    }
    must_exit(child, 0);
    ERR(getsid(1 << 28), ESRCH);
}

CASE(rlimits) {
    struct rlimit limit, other;
    OK(getrlimit(RLIMIT_NOFILE, &limit));
    CHECK(limit.rlim_cur >= 256 && limit.rlim_cur <= limit.rlim_max);
    other = limit;
    other.rlim_cur = 20;
    OK(setrlimit(RLIMIT_NOFILE, &other));
    ERR(fcntl(1, F_DUPFD, 20), EINVAL);
    ERR(dup2(1, 20), EBADF);
    OK(dup2(1, 19));
    other.rlim_cur = 30;
    other.rlim_max = 20;
    ERR(setrlimit(RLIMIT_NOFILE, &other), EINVAL);
    ERR(prlimit(0, 99, 0, &other), EINVAL);
    ERR(syscall(SYS_prlimit64, 1 << 28, RLIMIT_NOFILE, 0, &other), ESRCH);
    OK(getrlimit(RLIMIT_STACK, &limit));
    CHECK(limit.rlim_cur >= (1 << 20));
}

CASE(rlimits_are_inherited) {
    const struct rlimit limit = {33, 44};
    OK(setrlimit(RLIMIT_NOFILE, &limit));
    const pid_t child = must_fork();
    if (child == 0) {
        struct rlimit mine;
        OK(getrlimit(RLIMIT_NOFILE, &mine));
        _exit(mine.rlim_cur == 33 && mine.rlim_max == 44 ? 0 : 1);
    }
    struct rlimit of_child;
    OK(prlimit(child, RLIMIT_NOFILE, 0, &of_child));
    EQ(of_child.rlim_cur, 33);
    must_exit(child, 0);
}

CASE(descriptors_end) {
    const struct rlimit limit = {10, 10};
    OK(setrlimit(RLIMIT_NOFILE, &limit));
    int fd, count = 0;
    while ((fd = dup(1)) >= 0) ++count;
    EQ(errno, EMFILE);
    CHECK(count > 0 && count < 10);
    ERR(open("/tmp", O_RDONLY), EMFILE);
    int ends[2];
    ERR(pipe(ends), EMFILE);
}

CASE(thread_name) {
    char name[16] = "";
    OK(prctl(PR_SET_NAME, "a name longer than fifteen"));
    OK(prctl(PR_GET_NAME, name));
    EQ(strcmp(name, "a name longer t"), 0);
    CHECK(strcmp(read_file("/proc/self/comm"), "a name longer t\n") == 0);
    ERR(prctl(PR_SET_NAME, BAD), EFAULT);
}

CASE(prctl_other) {
    ERR(prctl(123456, 0, 0, 0, 0), EINVAL);
    EQ(prctl(PR_GET_DUMPABLE), 1);
    OK(prctl(PR_SET_DUMPABLE, 0));
    EQ(prctl(PR_GET_DUMPABLE), 0);
    ERR(prctl(PR_SET_DUMPABLE, 7), EINVAL);
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    EQ(prctl(PR_CAPBSET_READ, 0), 1);
    ERR(prctl(PR_CAPBSET_READ, 200), EINVAL);
}

CASE(parent_death_signal) {
    int ends[2];
    OK(pipe(ends));
    const pid_t child = must_fork();
    if (child == 0) {
        const pid_t grandchild = must_fork();
        if (grandchild == 0) {
            OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
            OK(write(ends[1], "r", 1));
            for (;;) pause();
        }
        char byte;
        EQ(read(ends[0], &byte, 1), 1);
        _exit(0);
    }
    close(ends[1]);
    must_exit(child, 0);
    char byte;
    EQ(read(ends[0], &byte, 1), 0);  // the grandchild held the last writing end
}

CASE(affinity) {
    cpu_set_t all, one;
    CPU_ZERO(&all);
    CHECK(syscall(SYS_sched_getaffinity, 0, sizeof all, &all) >= 8);
    CHECK(CPU_COUNT(&all) >= 1);
    EQ(CPU_COUNT(&all), sysconf(_SC_NPROCESSORS_ONLN));
    CPU_ZERO(&one);
    ERR(sched_setaffinity(0, sizeof one, &one), EINVAL);
    CPU_SET(0, &one);
    OK(sched_setaffinity(0, sizeof one, &one));
    OK(sched_getaffinity(0, sizeof all, &all));
    EQ(CPU_COUNT(&all), 1);
    EQ(sched_getcpu(), 0);
    ERR(syscall(SYS_sched_getaffinity, 0, 1, &all), EINVAL);
    ERR(sched_getaffinity(1 << 28, sizeof all, &all), ESRCH);
}

CASE(scheduling_policy) {
    EQ(sched_getscheduler(0), SCHED_OTHER);
    EQ(sched_get_priority_max(SCHED_FIFO), 99);
    EQ(sched_get_priority_min(SCHED_FIFO), 1);
    EQ(sched_get_priority_max(SCHED_OTHER), 0);
    ERR(sched_get_priority_max(77), EINVAL);
    struct sched_param parameter = {5};
    ERR(sched_setscheduler(0, SCHED_OTHER, &parameter), EINVAL);
    ERR(sched_setscheduler(0, 77, &parameter), EINVAL);
    ERR(sched_getscheduler(1 << 28), ESRCH);
    OK(sched_getparam(0, &parameter));
    EQ(parameter.sched_priority, 0);
    OK(sched_yield());
}

CASE(priority) {
    errno = 0;
    EQ(getpriority(PRIO_PROCESS, 0), 0);
    OK(setpriority(PRIO_PROCESS, 0, 5));
    EQ(getpriority(PRIO_PROCESS, 0), 5);
    OK(setpriority(PRIO_PROCESS, 0, 100));
    EQ(getpriority(PRIO_PROCESS, 0), 19);
    ERR(getpriority(9, 0), EINVAL);
    ERR(getpriority(PRIO_PROCESS, 1 << 28), ESRCH);
}

CASE(identity) {
    uid_t r, e, s;
    OK(getresuid(&r, &e, &s));
    CHECK(r == 0 && e == 0 && s == 0);
    EQ(getuid(), 0);
    EQ(getegid(), 0);
    OK(setresgid(1001, 1001, 1001));
    OK(setresuid(1000, 1000, 0));
    OK(getresuid(&r, &e, &s));
    CHECK(r == 1000 && e == 1000 && s == 0);
    OK(seteuid(0));
    EQ(geteuid(), 0);
    OK(setuid(1000));
    ERR(setuid(0), EPERM);
    ERR(seteuid(0), EPERM);
    ERR(setgid(0), EPERM);
    EQ(getegid(), 1001);
}

static uint64_t capabilities_shown(const char* name) {
    static char text[8192];
    const int fd = open("/proc/self/status", O_RDONLY);
    const ssize_t bytes = read(fd, text, sizeof text - 1);
    close(fd);
    if (bytes < 0) return 1;
    text[bytes] = 0;
    const char* const line = strstr(text, name);
    return line ? strtoull(line + strlen(name), 0, 16) : 1;
}

// What capabilities a new program begins with: 0 none, 1 all that the bounding set has, 2 something else; of the
// permitted ones and of the effective ones; 100 more if the saved user is not the effective one.
HELPER(capabilities) {
    uid_t r, e, s;
    if (getresuid(&r, &e, &s)) return 99;
    const uint64_t bounding = capabilities_shown("CapBnd:\t"),
                   sets[2] = {capabilities_shown("CapPrm:\t"), capabilities_shown("CapEff:\t")};
    int result = s == e ? 0 : 100;
    for (int i = 0; i < 2; ++i)
        result = result / 100 * 100 + result % 100 * 10 + (!sets[i] ? 0 : sets[i] == bounding ? 1 : 2);
    return result;
}

static int begun_as(uid_t real, uid_t effective, uid_t saved, int keeps) {
    char* arguments[] = {"x", "--capabilities", 0};
    const pid_t child = must_fork();
    if (child == 0) {
        if (prctl(PR_SET_KEEPCAPS, keeps) || setresuid(real, effective, saved)) _exit(98);
        execve(abi_self, arguments, environ);
        _exit(97);
    }
    int status;
    EQ(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

CASE(capabilities_at_exec) {
    EQ(begun_as(0, 0, 0, 0), 11);
    EQ(begun_as(1000, 1000, 1000, 0), 0);
    EQ(begun_as(1000, 1000, 1000, 1), 0);  // kept by the process, not by the next program
    EQ(begun_as(1000, 1000, 0, 0), 0);     // nor does the saved user bring them back
    EQ(begun_as(0, 1000, 1000, 0), 10);
    EQ(begun_as(1000, 0, 0, 0), 11);
}

CASE(group_list) {
    const gid_t list[] = {5, 7, 9};
    gid_t got[8] = {0};
    OK(setgroups(3, list));
    EQ(getgroups(0, got), 3);
    EQ(getgroups(8, got), 3);
    EQ(got[2], 9);
    ERR(getgroups(2, got), EINVAL);
    ERR(setgroups(1 << 20, list), EINVAL);
    OK(setuid(1000));
    ERR(setgroups(3, list), EPERM);
}

CASE(capabilities_of_root) {
    struct {
        uint32_t version;
        int pid;
    } header = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } data[2] = {{0}};
    OK(syscall(SYS_capget, &header, data));
    CHECK(data[0].effective != 0);
    header.version = 1;
    ERR(syscall(SYS_capget, &header, data), EINVAL);
    EQ(header.version, 0x20080522);
}

CASE(umask_) {
    abi_folder();
    EQ(umask(077), 022);
    EQ(umask(0177777), 077);
    EQ(umask(027), 0777);
    close((int)OK(open("file", O_CREAT | O_WRONLY, 0666)));
    struct stat st;
    OK(stat("file", &st));
    EQ(st.st_mode & 0777, 0640);
}

CASE(usage_and_times) {
    struct rusage usage;
    struct tms ticks;
    OK(getrusage(RUSAGE_SELF, &usage));
    OK(getrusage(RUSAGE_CHILDREN, &usage));
    OK(getrusage(RUSAGE_THREAD, &usage));
    ERR(getrusage(55, &usage), EINVAL);
    CHECK(times(&ticks) != -1);
    CHECK(ticks.tms_utime >= 0 && ticks.tms_cutime >= 0);
}

CASE(uname_) {
    struct utsname name;
    OK(uname(&name));
    EQ(strcmp(name.sysname, "Linux"), 0);
#if defined __aarch64__
    EQ(strcmp(name.machine, "aarch64"), 0);
#endif
    CHECK(name.release[0] >= '5');
    ERR(syscall(SYS_uname, BAD), EFAULT);
}

CASE(hostname) {
    struct utsname name;
    OK(sethostname("abi-test", 8));
    OK(uname(&name));
    EQ(strcmp(name.nodename, "abi-test"), 0);
    const char long_name[80] = "x";
    ERR(sethostname(long_name, 65), EINVAL);
    OK(setuid(1000));
    ERR(sethostname("x", 1), EPERM);
}

CASE(sysinfo_) {
    struct sysinfo info;
    memset(&info, 0xff, sizeof info);
    OK(sysinfo(&info));
    CHECK(info.mem_unit >= 1 && info.totalram > 0 && info.freeram <= info.totalram);
    CHECK(info.uptime >= 0 && info.procs >= 1);
    ERR(syscall(SYS_sysinfo, BAD), EFAULT);
}

CASE(getrandom_) {
    unsigned char a[256], b[256];
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    EQ(syscall(SYS_getrandom, a, sizeof a, 0), 256);
    EQ(syscall(SYS_getrandom, b, sizeof b, 1), 256);
    CHECK(memcmp(a, b, sizeof a) != 0);
    EQ(syscall(SYS_getrandom, a, 0, 0), 0);
    ERR(syscall(SYS_getrandom, a, 8, 0x80), EINVAL);
    ERR(syscall(SYS_getrandom, BAD, 8, 0), EFAULT);
}

CASE(pidfd) {
    const pid_t child = sleeper();
    const int fd = (int)OK(syscall(SYS_pidfd_open, child, 0));
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    OK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, 0, 0));
    siginfo_t info;
    OK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    EQ(info.si_status, SIGTERM);
    ERR(syscall(SYS_pidfd_send_signal, fd, 0, 0, 0), ESRCH);
    ERR(syscall(SYS_pidfd_open, 1 << 28, 0), ESRCH);
    ERR(syscall(SYS_pidfd_open, 0, 0), EINVAL);
}

CASE(unknown_calls) {
    ERR(syscall(1000), ENOSYS);
    ERR(syscall(5000), ENOSYS);
    ERR(syscall(0x7fffffff), ENOSYS);
}

CASE(many_processes) {
    for (int round = 0; round < 3; ++round) {
        pid_t children[20];
        for (int i = 0; i < 20; ++i) {
            children[i] = must_fork();
            if (children[i] == 0) _exit(i);
        }
        for (int i = 19; i >= 0; --i) must_exit(children[i], i);
    }
}

CASE(zombie_can_be_seen) {
    const pid_t child = exits(0);
    siginfo_t info;
    OK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    CHECK(strstr(read_file(path), ") Z ") != 0);
    OK(kill(child, 0));
    must_exit(child, 0);
    ERR(kill(child, 0), ESRCH);
    ERR(open(path, O_RDONLY), ENOENT);
}

// --- Input and output's priorities

CASE(priorities_of_input_and_output) {
    enum { kProcess = 1, kGroup = 2, kUser = 3, kRealtime = 1 << 13, kBestEffort = 2 << 13, kIdle = 3 << 13 };
    EQ(syscall(SYS_ioprio_set, kProcess, 0, kBestEffort | 7), 0);
    EQ(syscall(SYS_ioprio_get, kProcess, 0), kBestEffort | 7);
    EQ(syscall(SYS_ioprio_get, kProcess, getpid()), kBestEffort | 7);
    EQ(syscall(SYS_ioprio_set, kProcess, getpid(), kIdle), 0);
    EQ(syscall(SYS_ioprio_get, kProcess, 0), kIdle);
    const pid_t child = must_fork();
    if (child == 0) {
        EQ(syscall(SYS_ioprio_get, kProcess, 0), kIdle);
        OK(syscall(SYS_ioprio_set, kGroup, 0, kBestEffort | 3));
        OK(setresuid(1000, 1000, 1000));
        ERR(syscall(SYS_ioprio_set, kProcess, 0, kRealtime | 4), EPERM);
        ERR(syscall(SYS_ioprio_set, kProcess, getppid(), kIdle), EPERM);
        OK(syscall(SYS_ioprio_set, kProcess, 0, kIdle));
        _exit(0);
    }
    must_exit(child, 0);
    EQ(syscall(SYS_ioprio_get, kProcess, 0), kBestEffort | 3);
    OK(syscall(SYS_ioprio_set, kProcess, 0, kRealtime | 1));
    EQ(syscall(SYS_ioprio_get, kGroup, getpgrp()), kRealtime | 1);
    ERR(syscall(SYS_ioprio_set, kProcess, 0, 4 << 13), EINVAL);
    ERR(syscall(SYS_ioprio_set, kProcess, 0, 1), EINVAL);
    ERR(syscall(SYS_ioprio_set, 0, 0, kIdle), EINVAL);
    ERR(syscall(SYS_ioprio_get, 4, 0), EINVAL);
    ERR(syscall(SYS_ioprio_get, kProcess, 999999), ESRCH);
    ERR(syscall(SYS_ioprio_set, kProcess, 999999, kIdle), ESRCH);
}
