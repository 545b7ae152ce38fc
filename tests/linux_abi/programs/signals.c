// sigaction, masks, pending signals, alternate stacks, siginfo, registers over handlers, sending, waiting, timers.
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last, nested, order[8];
static volatile siginfo_t info;
static sigjmp_buf jump;

static void handle(int number) {
    last = number;
    order[count & 7] = number;
    ++count;
}

static void handle_info(int number, siginfo_t* from, void* context) {
    (void)context;
    info = *from;
    handle(number);
}

static void handle_and_jump(int number, siginfo_t* from, void* context) {
    handle_info(number, from, context);
    siglongjmp(jump, 1);
}

static void install(int number, void (*function)(int, siginfo_t*, void*), int flags) {
    struct sigaction action = {.sa_sigaction = function, .sa_flags = SA_SIGINFO | flags};
    OK(sigaction(number, &action, 0));
}

static sigset_t set_of(int a, int b) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, a);
    if (b) sigaddset(&set, b);
    return set;
}

static void block(int a, int b) {
    const sigset_t set = set_of(a, b);
    OK(sigprocmask(SIG_BLOCK, &set, 0));
}

static void unblock(int a, int b) {
    const sigset_t set = set_of(a, b);
    OK(sigprocmask(SIG_UNBLOCK, &set, 0));
}

CASE(handler_runs) {
    signal(SIGUSR1, handle);
    OK(raise(SIGUSR1));
    EQ(count, 1);
    EQ(last, SIGUSR1);
}

CASE(default_actions) {
    static const int deadly[] = {SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                 SIGFPE,  SIGKILL, SIGUSR1,   SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM,
                                 SIGTERM, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO,   SIGSYS,  40};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; ++i) {
        const pid_t child = must_fork();
        if (child == 0) {
            OK(kill(getpid(), deadly[i]));
            _exit(1);
        }
        must_die(child, deadly[i]);
    }
    static const int harmless[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; ++i) OK(raise(harmless[i]));
}

CASE(ignored) {
    signal(SIGTERM, SIG_IGN);
    OK(raise(SIGTERM));
    block(SIGTERM, 0);
    OK(raise(SIGTERM));
    sigset_t pending;
    OK(sigpending(&pending));
    unblock(SIGTERM, 0);
}

CASE(sigaction_errors) {
    struct sigaction action = {.sa_handler = handle};
    ERR(sigaction(SIGKILL, &action, 0), EINVAL);
    ERR(sigaction(SIGSTOP, &action, 0), EINVAL);
    ERR(sigaction(0, &action, 0), EINVAL);
    ERR(sigaction(65, &action, 0), EINVAL);
    ERR(syscall(SYS_rt_sigaction, SIGUSR1, BAD, 0, 8), EFAULT);
    ERR(syscall(SYS_rt_sigaction, SIGUSR1, 0, 0, 16), EINVAL);
    OK(sigaction(SIGKILL, 0, &action));
}

CASE(sigaction_gives_the_old) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART}, old;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGHUP);
    OK(sigaction(SIGUSR1, &action, &old));
    CHECK(old.sa_handler == SIG_DFL);
    OK(sigaction(SIGUSR1, 0, &old));
    CHECK(old.sa_handler == handle);
    CHECK(old.sa_flags & SA_RESTART);
    EQ(sigismember(&old.sa_mask, SIGHUP), 1);
    EQ(sigismember(&old.sa_mask, SIGUSR1), 0);
}

CASE(blocked_is_pending_once) {
    signal(SIGUSR1, handle);
    block(SIGUSR1, 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    EQ(count, 0);
    sigset_t pending;
    OK(sigpending(&pending));
    EQ(sigismember(&pending, SIGUSR1), 1);
    unblock(SIGUSR1, 0);
    EQ(count, 2);  // one for the thread, one for the process
    OK(sigpending(&pending));
    EQ(sigismember(&pending, SIGUSR1), 0);
}

CASE(real_time_signals_queue) {
    install(SIGRTMIN + 1, handle_info, 0);
    block(SIGRTMIN + 1, 0);
    for (int i = 0; i < 5; ++i) OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}));
    EQ(count, 0);
    unblock(SIGRTMIN + 1, 0);
    EQ(count, 5);
    EQ(info.si_value.sival_int, 4);
    EQ(info.si_code, SI_QUEUE);
    EQ(info.si_pid, getpid());
}

CASE(lowest_real_time_first) {
    install(SIGRTMIN + 3, handle_info, 0);
    install(SIGRTMIN + 2, handle_info, 0);
    sigset_t set = set_of(SIGRTMIN + 2, SIGRTMIN + 3);
    struct sigaction action = {.sa_handler = handle, .sa_mask = set};
    OK(sigaction(SIGRTMIN + 2, &action, 0));
    OK(sigaction(SIGRTMIN + 3, &action, 0));
    block(SIGRTMIN + 2, SIGRTMIN + 3);
    OK(kill(getpid(), SIGRTMIN + 3));
    OK(kill(getpid(), SIGRTMIN + 2));
    unblock(SIGRTMIN + 2, SIGRTMIN + 3);
    EQ(count, 2);
    EQ(order[0], SIGRTMIN + 2);
    EQ(order[1], SIGRTMIN + 3);
}

CASE(mask_errors) {
    sigset_t set = set_of(SIGUSR1, 0);
    ERR(sigprocmask(77, &set, 0), EINVAL);
    ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD, 0, 8), EFAULT);
    ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 4), EINVAL);
    sigfillset(&set);
    OK(sigprocmask(SIG_SETMASK, &set, 0));
    OK(sigprocmask(SIG_SETMASK, 0, &set));
    EQ(sigismember(&set, SIGKILL), 0);
    EQ(sigismember(&set, SIGSTOP), 0);
    EQ(sigismember(&set, SIGTERM), 1);
}

static void raises_itself(int number) {
    ++nested;
    if (nested == 1) {
        raise(number);
        EQ(nested, 1);  // blocked while its handler runs
    }
}
static void raises_itself_again(int number) {
    if (++nested < 3) {
        const int before = nested;
        raise(number);
        EQ(nested, 3);
        (void)before;
    }
}

CASE(own_signal_is_blocked_in_handler) {
    signal(SIGUSR1, raises_itself);
    raise(SIGUSR1);
    EQ(nested, 2);
}

CASE(nodefer) {
    struct sigaction action = {.sa_handler = raises_itself_again, .sa_flags = SA_NODEFER};
    OK(sigaction(SIGUSR1, &action, 0));
    raise(SIGUSR1);
    EQ(nested, 3);
}

CASE(reset_hand) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = (int)SA_RESETHAND}, now;
    OK(sigaction(SIGUSR1, &action, 0));
    raise(SIGUSR1);
    EQ(count, 1);
    OK(sigaction(SIGUSR1, 0, &now));
    CHECK(now.sa_handler == SIG_DFL);
}

static void raises_other(int number) {
    handle(number);
    raise(SIGUSR2);
    EQ(count, 1);
}

CASE(mask_of_the_action) {
    struct sigaction action = {.sa_handler = raises_other};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    OK(sigaction(SIGUSR1, &action, 0));
    signal(SIGUSR2, handle);
    raise(SIGUSR1);
    EQ(count, 2);
    EQ(last, SIGUSR2);
    sigset_t mask;
    OK(sigprocmask(SIG_BLOCK, 0, &mask));
    EQ(sigismember(&mask, SIGUSR2), 0);
}

CASE(info_of_kill) {
    install(SIGUSR1, handle_info, 0);
    OK(kill(getpid(), SIGUSR1));
    EQ(info.si_signo, SIGUSR1);
    EQ(info.si_code, SI_USER);
    EQ(info.si_pid, getpid());
    EQ(info.si_uid, getuid());
    OK(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1));
    EQ(info.si_code, SI_TKILL);
}

CASE(kill_errors) {
    ERR(kill(getpid(), 65), EINVAL);
    ERR(kill(getpid(), -1), EINVAL);
    ERR(kill(1 << 28, 0), ESRCH);
    ERR(kill(-(1 << 28), SIGTERM), ESRCH);
    ERR(syscall(SYS_tgkill, 0, 1, 0), EINVAL);
    ERR(syscall(SYS_tkill, 1 << 28, SIGTERM), ESRCH);
    OK(kill(getpid(), 0));
    OK(kill(0, 0));
    const pid_t child = must_fork();
    if (child == 0) {
        const pid_t parent = getppid();
        OK(setuid(1000));
        ERR(kill(parent, SIGTERM), EPERM);
        ERR(kill(1, 0), EPERM);
        _exit(0);
    }
    must_exit(child, 0);
}

CASE(kill_group) {
    pid_t children[3];
    int ends[2];
    OK(pipe(ends));
    for (int i = 0; i < 3; ++i) {
        children[i] = must_fork();
        if (children[i] == 0) {
            OK(setpgid(0, i == 0 ? 0 : children[0]));
            OK(write(ends[1], "r", 1));
            for (;;) pause();
        }
        OK(setpgid(children[i], children[0]));
        char byte;
        EQ(read(ends[0], &byte, 1), 1);
    }
    OK(kill(-children[0], SIGTERM));
    for (int i = 0; i < 3; ++i) must_die(children[i], SIGTERM);
}

static char* nowhere(void) {
    char* const p = must_map(kPage);
    OK(munmap(p, kPage));
    return p;
}

CASE(segv_not_mapped) {
    install(SIGSEGV, handle_and_jump, 0);
    char* const p = nowhere();
    if (sigsetjmp(jump, 1) == 0) *(volatile char*)(p + 123) = 1;
    EQ(count, 1);
    EQ(info.si_signo, SIGSEGV);
    EQ(info.si_code, SEGV_MAPERR);
    CHECK(info.si_addr == p + 123);
}

CASE(segv_not_allowed) {
    install(SIGSEGV, handle_and_jump, 0);
    char* const p = must_map(kPage);
    OK(mprotect(p, kPage, PROT_READ));
    if (sigsetjmp(jump, 1) == 0) *(volatile char*)(p + 8) = 1;
    EQ(info.si_code, SEGV_ACCERR);
    CHECK(info.si_addr == p + 8);
}

CASE(segv_kernel_address) {
    install(SIGSEGV, handle_and_jump, 0);
    if (sigsetjmp(jump, 1) == 0) *(volatile char*)(~(uintptr_t)0 << 48) = 1;
    EQ(count, 1);
    EQ(info.si_signo, SIGSEGV);
}

CASE(segv_jump_nowhere) {
    install(SIGSEGV, handle_and_jump, 0);
    char* const p = nowhere();
    if (sigsetjmp(jump, 1) == 0) ((void (*)(void))(uintptr_t)p)();
    EQ(info.si_code, SEGV_MAPERR);
    CHECK(info.si_addr == p);
}

CASE(segv_blocked_kills) {
    const pid_t child = must_fork();
    if (child == 0) {
        signal(SIGSEGV, handle);
        block(SIGSEGV, 0);
        *(volatile char*)nowhere() = 1;
        _exit(0);
    }
    must_die(child, SIGSEGV);
}

CASE(segv_ignored_kills) {
    const pid_t child = must_fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_IGN);
        *(volatile char*)nowhere() = 1;
        _exit(0);
    }
    must_die(child, SIGSEGV);
}

static char* repaired;
static void repair(int number, siginfo_t* from, void* context) {
    handle_info(number, from, context);
    if (mprotect(repaired, kPage, PROT_READ | PROT_WRITE) != 0) _exit(7);
}

CASE(segv_repaired) {
    install(SIGSEGV, repair, 0);
    repaired = must_map(kPage);
    OK(mprotect(repaired, kPage, PROT_NONE));
    *(volatile int*)repaired = 5;
    EQ(*(volatile int*)repaired, 5);
    EQ(count, 1);
}

CASE(bus_beyond_the_end) {
    install(SIGBUS, handle_and_jump, 0);
    abi_folder();
    const int fd = (int)OK(open("short", O_RDWR | O_CREAT, 0600));
    OK(write(fd, "text", 4));
    char* const p = mmap(0, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    EQ(p[0], 't');
    if (sigsetjmp(jump, 1) == 0) FAIL("read %d", *(volatile char*)(p + kPage + 5));
    EQ(info.si_signo, SIGBUS);
    EQ(info.si_code, BUS_ADRERR);
    CHECK(info.si_addr == p + kPage + 5);
}

CASE(illegal_instruction) {
    install(SIGILL, handle_and_jump, 0);
    if (sigsetjmp(jump, 1) == 0) {
#if defined __aarch64__
        __asm__ volatile(".inst 0x00000000");
#else
        __asm__ volatile("ud2");
#endif
    }
    EQ(count, 1);
    EQ(info.si_signo, SIGILL);
    EQ(info.si_code, 1 /* ILL_ILLOPC */ + !!(info.si_code == 2 /* ILL_ILLOPN on x86-64 */));
    CHECK(info.si_addr != 0);
}

CASE(breakpoint) {
    install(SIGTRAP, handle_and_jump, 0);
    if (sigsetjmp(jump, 1) == 0) {
#if defined __aarch64__
        __asm__ volatile("brk #0");
#else
        __asm__ volatile("int3");
#endif
    }
    EQ(count, 1);
    EQ(info.si_signo, SIGTRAP);
}

CASE(unaligned_program_counter) {
#if defined __aarch64__
    install(SIGBUS, handle_and_jump, 0);
    if (sigsetjmp(jump, 1) == 0) ((void (*)(void))((uintptr_t)abi_fail + 2))();
    EQ(info.si_signo, SIGBUS);
    EQ(info.si_code, BUS_ADRALN);
#endif
}

CASE(raised_fpe) {
    install(SIGFPE, handle_info, 0);
    OK(raise(SIGFPE));
    EQ(info.si_signo, SIGFPE);
    EQ(info.si_code, SI_TKILL);
}

CASE(alternate_stack) {
    static char* stack_bytes;
    stack_bytes = must_map(65536);
    stack_t stack = {.ss_sp = stack_bytes, .ss_size = 65536}, old;
    OK(sigaltstack(&stack, &old));
    CHECK(old.ss_flags == SS_DISABLE);
    OK(sigaltstack(0, &old));
    CHECK(old.ss_sp == stack_bytes && old.ss_size == 65536 && old.ss_flags == 0);
    stack.ss_size = 100;
    ERR(sigaltstack(&stack, 0), ENOMEM);
    stack.ss_size = 65536;
    stack.ss_flags = 0x77;
    ERR(sigaltstack(&stack, 0), EINVAL);
    stack.ss_flags = SS_DISABLE;
    OK(sigaltstack(&stack, 0));
    OK(sigaltstack(0, &old));
    CHECK(old.ss_flags == SS_DISABLE);
}

static char* alternate;
static volatile int on_alternate, change_refused, flag_seen;
static void looks_at_stack(int number) {
    char here;
    on_alternate = &here >= alternate && &here < alternate + 65536;
    stack_t stack = {.ss_sp = alternate, .ss_size = 65536}, old;
    sigaltstack(0, &old);
    flag_seen = old.ss_flags == SS_ONSTACK;
    change_refused = sigaltstack(&stack, 0) == -1 && errno == EPERM;
    handle(number);
}

CASE(alternate_stack_is_used) {
    alternate = must_map(65536);
    stack_t stack = {.ss_sp = alternate, .ss_size = 65536};
    OK(sigaltstack(&stack, 0));
    struct sigaction action = {.sa_handler = looks_at_stack, .sa_flags = SA_ONSTACK};
    OK(sigaction(SIGUSR1, &action, 0));
    raise(SIGUSR1);
    EQ(count, 1);
    EQ(on_alternate, 1);
    EQ(flag_seen, 1);
    EQ(change_refused, 1);
    action.sa_flags = 0;
    OK(sigaction(SIGUSR1, &action, 0));
    raise(SIGUSR1);
    EQ(on_alternate, 0);
}

static int deep(int depth) {
    volatile char here[4096];
    here[0] = (char)depth;
    return depth == 0 ? here[0] : deep(depth - 1) + here[0];
}

CASE(stack_overflow_on_alternate_stack) {
    alternate = must_map(65536);
    stack_t stack = {.ss_sp = alternate, .ss_size = 65536};
    OK(sigaltstack(&stack, 0));
    install(SIGSEGV, handle_and_jump, SA_ONSTACK);
    if (sigsetjmp(jump, 1) == 0) deep(1 << 20);
    EQ(count, 1);
    EQ(info.si_signo, SIGSEGV);
    EQ(deep(10), 55);
}

CASE(no_room_for_the_frame_kills) {
    const pid_t child = must_fork();
    if (child == 0) {
        alternate = must_map(65536);
        stack_t stack = {.ss_sp = alternate, .ss_size = 65536};
        OK(sigaltstack(&stack, 0));
        install(SIGUSR1, handle_info, SA_ONSTACK);
        OK(munmap(alternate, 65536));
        raise(SIGUSR1);
        _exit(0);
    }
    must_die(child, SIGSEGV);
}

static void spoils_registers(int number) {
    handle(number);
    volatile double x = 3.25;
    for (int i = 0; i < 100; ++i) x = x * 1.5 + i;
#if defined __aarch64__
    __asm__ volatile(
        "movi v0.16b, #255\n movi v1.16b, #255\n movi v7.16b, #255\n movi v8.16b, #255\n movi v15.16b, #255\n"
        "movi v16.16b, #255\n movi v31.16b, #255\n msr fpsr, xzr\n" ::
            : "v0", "v1", "v7", "v8", "v15", "v16", "v31");
#endif
}

CASE(vector_registers_stay) {
    signal(SIGUSR1, spoils_registers);
#if defined __aarch64__
    unsigned char before[8][16], after[8][16];
    for (int i = 0; i < 8; ++i)
        for (int j = 0; j < 16; ++j) before[i][j] = (unsigned char)(i * 16 + j);
    long fpsr = 0;
    register long r0 __asm__("x0") = getpid();
    register long r1 __asm__("x1") = SIGUSR1;
    register long r8 __asm__("x8") = SYS_kill;
    __asm__ volatile(
        "ldp q0, q1, [%[in]]\n ldp q7, q8, [%[in], #32]\n ldp q15, q16, [%[in], #64]\n ldp q30, q31, [%[in], #96]\n"
        "mov x9, #0x9f\n msr fpsr, x9\n svc #0\n mrs %[fpsr], fpsr\n"
        "stp q0, q1, [%[out]]\n stp q7, q8, [%[out], #32]\n stp q15, q16, [%[out], #64]\n stp q30, q31, [%[out], #96]\n"
        : "+r"(r0), [fpsr] "=&r"(fpsr)
        : "r"(r1), "r"(r8), [in] "r"(before), [out] "r"(after)
        : "memory", "x9", "v0", "v1", "v7", "v8", "v15", "v16", "v30", "v31");
    EQ(r0, 0);
    EQ(memcmp(before, after, sizeof before), 0);
    EQ(fpsr, 0x9f);
#else
    raise(SIGUSR1);
#endif
    EQ(count, 1);
}

CASE(general_registers_stay) {
    signal(SIGUSR1, spoils_registers);
#if defined __aarch64__
    long found[12], flags;
    register long r0 __asm__("x0") = getpid();
    register long r1 __asm__("x1") = SIGUSR1;
    register long r8 __asm__("x8") = SYS_kill;
    __asm__ volatile(
        "mov x2, #102\n mov x3, #103\n mov x9, #109\n mov x12, #112\n mov x15, #115\n mov x16, #116\n mov x17, #117\n "
        "mov x20, #120\n"
        "mov x27, #127\n mov x28, #128\n cmp x2, x2\n svc #0\n mrs x4, nzcv\n"
        "stp x1, x2, [%[out]]\n stp x3, x8, [%[out], #16]\n stp x9, x12, [%[out], #32]\n stp x15, x16, [%[out], #48]\n"
        "stp x17, x20, [%[out], #64]\n stp x27, x28, [%[out], #80]\n mov %[flags], x4\n"
        : "+r"(r0), [flags] "=&r"(flags)
        : "r"(r1), "r"(r8), [out] "r"(found)
        : "memory", "cc", "x2", "x3", "x4", "x9", "x12", "x15", "x16", "x17", "x20", "x27", "x28");
    static const long expected[12] = {SIGUSR1, 102, 103, SYS_kill, 109, 112, 115, 116, 117, 120, 127, 128};
    for (int i = 0; i < 12; ++i) EQ(found[i], expected[i]);
    EQ(flags >> 28, 6);  // equal: Z and C
#else
    raise(SIGUSR1);
#endif
    EQ(count, 1);
}

#if defined __aarch64__
static void changes_context(int number, siginfo_t* from, void* context) {
    handle_info(number, from, context);
    ucontext_t* const u = context;
    u->uc_mcontext.pc += 4;
    u->uc_mcontext.regs[3] = 4711;
    struct fpsimd_context* const vectors = (struct fpsimd_context*)u->uc_mcontext.__reserved;
    if (vectors->head.magic != FPSIMD_MAGIC || vectors->head.size != sizeof *vectors) _exit(5);
    memset(&vectors->vregs[2], 0x5a, 16);
    sigaddset(&u->uc_sigmask, SIGHUP);
}
#endif

CASE(context_can_be_changed) {
#if defined __aarch64__
    install(SIGILL, changes_context, 0);
    long three;
    unsigned char two[16], expected[16];
    memset(expected, 0x5a, 16);
    __asm__ volatile("mov x3, #0\n movi v2.16b, #0\n .inst 0\n mov %0, x3\n str q2, [%1]\n"
                     : "=&r"(three)
                     : "r"(two)
                     : "x3", "v2", "memory");
    EQ(three, 4711);
    EQ(memcmp(two, expected, 16), 0);
    sigset_t mask;
    OK(sigprocmask(SIG_BLOCK, 0, &mask));
    EQ(sigismember(&mask, SIGHUP), 1);
#endif
}

CASE(bad_sigreturn_kills) {
    const pid_t child = must_fork();
    if (child == 0) {
#if defined __aarch64__
        __asm__ volatile("mov sp, %0\n mov x8, #139\n svc #0" ::"r"(0L) : "x8", "memory");
#else
        __asm__ volatile("xor %%esp, %%esp\n mov $15, %%eax\n syscall" ::: "memory");
#endif
        _exit(0);
    }
    must_die(child, SIGSEGV);
}

CASE(child_ended) {
    install(SIGCHLD, handle_info, 0);
    const pid_t child = must_fork();
    if (child == 0) _exit(5);
    while (count == 0) sleep_ms(1);
    EQ(info.si_code, CLD_EXITED);
    EQ(info.si_pid, child);
    EQ(info.si_status, 5);
    must_exit(child, 5);
}

CASE(child_stopped_or_not) {
    install(SIGCHLD, handle_info, 0);
    const pid_t child = must_fork();
    if (child == 0)
        for (;;) pause();
    OK(kill(child, SIGSTOP));
    while (count == 0) sleep_ms(1);
    EQ(info.si_code, CLD_STOPPED);
    OK(kill(child, SIGCONT));
    while (count == 1) sleep_ms(1);
    EQ(info.si_code, CLD_CONTINUED);
    install(SIGCHLD, handle_info, SA_NOCLDSTOP);
    OK(kill(child, SIGSTOP));
    int status;
    EQ(waitpid(child, &status, WUNTRACED), child);
    OK(kill(child, SIGKILL));
    EQ(waitpid(child, &status, 0), child);
    EQ(count, 3);
    EQ(info.si_code, CLD_KILLED);
}

static pid_t after_sleep(pid_t target, int number) {
    // A process that signals once the target waits.
    const pid_t child = must_fork();
    if (child == 0) {
        wait_asleep(target);
        sleep_ms(5);
        OK(kill(target, number));
        _exit(0);
    }
    return child;
}

CASE(read_is_interrupted) {
    install(SIGUSR1, handle_info, 0);
    int ends[2];
    char byte;
    OK(pipe(ends));
    after_sleep(getpid(), SIGUSR1);
    ERR(read(ends[0], &byte, 1), EINTR);
    EQ(count, 1);
}

static int restart_ends[2];
static void writes(int number) {
    handle(number);
    if (write(restart_ends[1], "w", 1) != 1) _exit(4);
}

CASE(read_is_restarted) {
    struct sigaction action = {.sa_handler = writes, .sa_flags = SA_RESTART};
    OK(sigaction(SIGUSR1, &action, 0));
    OK(pipe(restart_ends));
    after_sleep(getpid(), SIGUSR1);
    char byte;
    EQ(read(restart_ends[0], &byte, 1), 1);
    EQ(byte, 'w');
    EQ(count, 1);
}

CASE(ignored_signal_does_not_interrupt) {
    signal(SIGUSR1, SIG_IGN);
    OK(pipe(restart_ends));
    const pid_t me = getpid();
    if (must_fork() == 0) {
        wait_asleep(me);
        OK(kill(me, SIGUSR1));
        OK(kill(me, SIGCHLD));
        sleep_ms(5);
        OK(write(restart_ends[1], "w", 1));
        _exit(0);
    }
    char byte;
    EQ(read(restart_ends[0], &byte, 1), 1);
}

CASE(wait_is_interrupted_or_restarted) {
    install(SIGUSR1, handle_info, 0);
    const pid_t child = must_fork();
    if (child == 0)
        for (;;) pause();
    int status;
    const pid_t helper = after_sleep(getpid(), SIGUSR1);
    ERR(waitpid(child, &status, 0), EINTR);
    OK(kill(child, SIGKILL));
    must_die(child, SIGKILL);
    must_exit(helper, 0);
}

CASE(poll_is_never_restarted) {
    install(SIGUSR1, handle_info, SA_RESTART);
    after_sleep(getpid(), SIGUSR1);
    ERR(poll(0, 0, -1), EINTR);
    EQ(count, 1);
}

CASE(nanosleep_gives_the_rest) {
    install(SIGUSR1, handle_info, SA_RESTART);
    after_sleep(getpid(), SIGUSR1);
    struct timespec t = {100, 0}, rest = {0, 0};
    ERR(nanosleep(&t, &rest), EINTR);
    CHECK(rest.tv_sec > 0 && rest.tv_sec < 100);
}

CASE(pause_and_sigsuspend) {
    install(SIGUSR1, handle_info, 0);
    after_sleep(getpid(), SIGUSR1);
    ERR(pause(), EINTR);
    EQ(count, 1);
    block(SIGUSR1, 0);
    raise(SIGUSR1);
    EQ(count, 1);
    sigset_t none;
    sigemptyset(&none);
    ERR(sigsuspend(&none), EINTR);
    EQ(count, 2);
    sigset_t mask;
    OK(sigprocmask(SIG_BLOCK, 0, &mask));
    EQ(sigismember(&mask, SIGUSR1), 1);
}

CASE(sigwait_) {
    const sigset_t set = set_of(SIGUSR1, SIGRTMIN + 1);
    block(SIGUSR1, SIGRTMIN + 1);
    OK(kill(getpid(), SIGUSR1));
    siginfo_t got;
    EQ(sigwaitinfo(&set, &got), SIGUSR1);
    EQ(got.si_code, SI_USER);
    const struct timespec zero = {0, 0}, soon = {0, 2000000}, wrong = {0, 2000000000};
    ERR(sigtimedwait(&set, 0, &zero), EAGAIN);
    ERR(sigtimedwait(&set, 0, &soon), EAGAIN);
    ERR(sigtimedwait(&set, 0, &wrong), EINVAL);
    OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 99}));
    EQ(sigtimedwait(&set, &got, &zero), SIGRTMIN + 1);
    EQ(got.si_value.sival_int, 99);
    install(SIGHUP, handle_info, 0);
    after_sleep(getpid(), SIGHUP);
    ERR(sigwaitinfo(&set, 0), EINTR);
    after_sleep(getpid(), SIGUSR1);
    EQ(sigwaitinfo(&set, 0), SIGUSR1);
}

CASE(signalfd_) {
    const sigset_t set = set_of(SIGUSR1, SIGUSR2);
    OK(sigprocmask(SIG_BLOCK, &set, 0));
    const int fd = (int)OK(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    struct signalfd_siginfo got[3];
    ERR(read(fd, got, sizeof got), EAGAIN);
    struct pollfd wait = {fd, POLLIN, 0};
    EQ(poll(&wait, 1, 0), 0);
    OK(kill(getpid(), SIGUSR2));
    OK(kill(getpid(), SIGUSR1));
    EQ(poll(&wait, 1, 1000), 1);
    EQ(read(fd, got, sizeof got), 2 * sizeof got[0]);
    EQ(got[0].ssi_signo, SIGUSR1);
    EQ(got[1].ssi_signo, SIGUSR2);
    EQ(got[0].ssi_pid, getpid());
    ERR(read(fd, got, 10), EINVAL);
    const sigset_t other = set_of(SIGHUP, 0);
    EQ(signalfd(fd, &other, 0), fd);
    OK(kill(getpid(), SIGUSR1));
    ERR(read(fd, got, sizeof got), EAGAIN);
    ERR(signalfd(1, &set, 0), EINVAL);
    ERR(signalfd(-1, &set, 0x77), EINVAL);
    ERR(signalfd(777, &set, 0), EBADF);
}

static pthread_t thread;
static volatile pid_t handled_by;
static void notes_thread(int number) {
    handled_by = (pid_t)syscall(SYS_gettid);
    handle(number);
}
static volatile pid_t other_tid;
static volatile int stop;
static void* waits(void* unused) {
    other_tid = (pid_t)syscall(SYS_gettid);
    while (!stop) sleep_ms(1);
    return unused;
}

CASE(tgkill_to_a_thread) {
    signal(SIGUSR1, notes_thread);
    EQ(pthread_create(&thread, 0, waits, 0), 0);
    while (!other_tid) sleep_ms(1);
    OK(syscall(SYS_tgkill, getpid(), other_tid, SIGUSR1));
    while (!count) sleep_ms(1);
    EQ(handled_by, other_tid);
    stop = 1;
    EQ(pthread_join(thread, 0), 0);
}

CASE(process_signal_to_a_willing_thread) {
    signal(SIGUSR1, notes_thread);
    EQ(pthread_create(&thread, 0, waits, 0), 0);
    while (!other_tid) sleep_ms(1);
    block(SIGUSR1, 0);
    OK(kill(getpid(), SIGUSR1));
    while (!count) sleep_ms(1);
    EQ(handled_by, other_tid);
    stop = 1;
    EQ(pthread_join(thread, 0), 0);
}

CASE(new_thread_has_the_mask) {
    signal(SIGUSR1, notes_thread);
    block(SIGUSR1, 0);
    EQ(pthread_create(&thread, 0, waits, 0), 0);
    while (!other_tid) sleep_ms(1);
    OK(syscall(SYS_tgkill, getpid(), other_tid, SIGUSR1));
    sleep_ms(5);
    EQ(count, 0);
    sigset_t pending;
    OK(sigpending(&pending));
    EQ(sigismember(&pending, SIGUSR1), 0);  // it waits for the other thread
    stop = 1;
    EQ(pthread_join(thread, 0), 0);
}

CASE(fork_clears_pending) {
    signal(SIGUSR1, handle);
    block(SIGUSR1, 0);
    raise(SIGUSR1);
    const pid_t child = must_fork();
    if (child == 0) {
        unblock(SIGUSR1, 0);
        _exit(count);
    }
    must_exit(child, 0);
    unblock(SIGUSR1, 0);
    EQ(count, 1);
}

CASE(stop_clears_continue) {
    const pid_t child = must_fork();
    if (child == 0) {
        block(SIGCONT, SIGTSTP);
        raise(SIGTSTP);
        raise(SIGCONT);  // removes the stop signal
        sigset_t pending;
        OK(sigpending(&pending));
        _exit(sigismember(&pending, SIGTSTP) == 0 && sigismember(&pending, SIGCONT) == 0 ? 0 : 1);
    }
    int status;
    EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
}

CASE(kill_ends_a_stopped_process) {
    const pid_t child = must_fork();
    if (child == 0)
        for (;;) pause();
    OK(kill(child, SIGSTOP));
    int status;
    EQ(waitpid(child, &status, WUNTRACED), child);
    OK(kill(child, SIGTERM));  // waits until it goes on
    EQ(waitpid(child, &status, WNOHANG), 0);
    OK(kill(child, SIGCONT));
    must_die(child, SIGTERM);
}

CASE(interval_timer) {
    install(SIGALRM, handle_info, 0);
    struct itimerval t = {{0, 2000}, {0, 1000}}, old;
    OK(setitimer(ITIMER_REAL, &t, 0));
    while (count < 3) pause();
    EQ(info.si_code, SI_KERNEL);
    memset(&t, 0, sizeof t);
    OK(setitimer(ITIMER_REAL, &t, &old));
    EQ(old.it_interval.tv_usec, 2000);
    OK(getitimer(ITIMER_REAL, &old));
    EQ(old.it_value.tv_sec + old.it_value.tv_usec, 0);
    t.it_value.tv_usec = 1000000;
    ERR(setitimer(ITIMER_REAL, &t, 0), EINVAL);
    ERR(setitimer(9, &old, 0), EINVAL);
}

CASE(alarm_) {
    EQ(alarm(100), 0);
    const unsigned left = alarm(0);
    CHECK(left > 50 && left <= 100);
    alarm(100);
    const pid_t child = must_fork();
    if (child == 0) _exit((int)alarm(0));  // not inherited
    must_exit(child, 0);
}

CASE(posix_timer) {
    install(SIGRTMIN, handle_info, 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 31};
    timer_t timer;
    OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec t = {{0, 0}, {0, 1000000}}, now;
    OK(timer_settime(timer, 0, &t, 0));
    while (count == 0) sleep_ms(1);
    EQ(info.si_code, SI_TIMER);
    EQ(info.si_value.sival_int, 31);
    OK(timer_gettime(timer, &now));
    EQ(now.it_value.tv_nsec, 0);
    EQ(timer_getoverrun(timer), 0);
    t.it_value.tv_sec = 1;  // long past, absolute
    OK(timer_settime(timer, TIMER_ABSTIME, &t, 0));
    while (count == 1) sleep_ms(1);
    OK(timer_delete(timer));
    ERR(timer_gettime(timer, &now), EINVAL);
    ERR(timer_create(77, &event, &timer), EINVAL);
}

CASE(thread_of_timer_gets_it) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    event._sigev_un._tid = (int)syscall(SYS_gettid);
    signal(SIGUSR1, notes_thread);
    timer_t timer;
    OK(timer_create(CLOCK_REALTIME, &event, &timer));
    const struct itimerspec t = {{0, 0}, {0, 1000000}};
    OK(timer_settime(timer, 0, &t, 0));
    while (count == 0) sleep_ms(1);
    EQ(handled_by, getpid());
}

CASE(sigpipe) {
    int ends[2];
    OK(pipe(ends));
    OK(close(ends[0]));
    signal(SIGPIPE, handle);
    ERR(write(ends[1], "x", 1), EPIPE);
    EQ(count, 1);
    signal(SIGPIPE, SIG_IGN);
    ERR(write(ends[1], "x", 1), EPIPE);
    signal(SIGPIPE, SIG_DFL);
    const pid_t child = must_fork();
    if (child == 0) {
        write_file("/dev/null", "");
        if (write(ends[1], "x", 1) < 0) _exit(1);
        _exit(0);
    }
    must_die(child, SIGPIPE);
}

CASE(file_size_limit) {
    abi_folder();
    const struct rlimit limit = {100, 100};
    OK(setrlimit(RLIMIT_FSIZE, &limit));
    signal(SIGXFSZ, handle);
    const int fd = (int)OK(open("file", O_CREAT | O_WRONLY, 0600));
    char bytes[150] = "";
    EQ(write(fd, bytes, 150), 100);
    ERR(write(fd, bytes, 1), EFBIG);
    EQ(count, 1);
    ERR(ftruncate(fd, 101), EFBIG);
}

CASE(handlers_nest) {
    signal(SIGUSR1, raises_other);
    signal(SIGUSR2, handle);
    struct sigaction action = {.sa_handler = raises_itself_again, .sa_flags = SA_NODEFER};
    OK(sigaction(SIGHUP, &action, 0));
    for (int i = 0; i < 100; ++i) {
        nested = 0;
        raise(SIGHUP);
        EQ(nested, 3);
    }
}

static volatile long long ticks;
static void tick(int number) {
    (void)number;
    ++ticks;
}

CASE(handlers_during_work) {
    // Signals at any instruction: the sum of the interrupted work stays right.
    signal(SIGALRM, tick);
    const struct itimerval t = {{0, 1000}, {0, 1000}};
    OK(setitimer(ITIMER_REAL, &t, 0));
    for (int round = 0; ticks < 20 && round < 2000; ++round) {
        double sum = 0;
        unsigned long whole = 1;
        for (int i = 1; i < 5000; ++i) {
            sum += 1.0 / i;
            whole = whole * 6364136223846793005u + 1;
        }
        static double first;
        static unsigned long first_whole;
        if (round == 0) first = sum, first_whole = whole;
        CHECK(sum == first && whole == first_whole);
    }
}
