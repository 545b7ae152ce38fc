// What a register holds at a system call must not matter. On KOS a trap with x7 = -1..-12 means a call of the kernel,
// so every call with such values, and with any other, must do its work. glibc leaves what it had in x7, for example
// after memcpy.
#include "abi.h"

#if defined __aarch64__
static long call(long number, long x7, long a, long b, long c) {
    register long r0 __asm__("x0") = a;
    register long r1 __asm__("x1") = b;
    register long r2 __asm__("x2") = c;
    register long r3 __asm__("x3") = 0;
    register long r4 __asm__("x4") = 0;
    register long r5 __asm__("x5") = 0;
    register long r7 __asm__("x7") = x7;
    register long r8 __asm__("x8") = number;
    __asm__ volatile("svc #0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r7), "r"(r8) : "memory");
    return r0;
}
// x7 after the call.
static long kept(long number, long x7) {
    register long r0 __asm__("x0") = 0;
    register long r7 __asm__("x7") = x7;
    register long r8 __asm__("x8") = number;
    __asm__ volatile("svc #0" : "+r"(r0), "+r"(r7) : "r"(r8) : "memory");
    return r7;
}
#else
static long call(long number, long x7, long a, long b, long c) {
    (void)x7;
    const long result = syscall(number, a, b, c);
    return result == -1 ? -errno : result;
}
static long kept(long number, long x7) {
    syscall(number);
    return x7;
}
#endif

enum { kFirst = -64, kLast = 8 };

CASE(getpid_with_each) {
    const long me = getpid();
    for (long x7 = kFirst; x7 <= kLast; ++x7) EQ(call(SYS_getpid, x7, 0, 0, 0), me);
}

CASE(registers_stay) {
    for (long x7 = kFirst; x7 <= kLast; ++x7) EQ(kept(SYS_getppid, x7), x7);
}

CASE(write_and_read_with_each) {
    int ends[2];
    OK(pipe(ends));
    for (long x7 = kFirst; x7 <= kLast; ++x7) {
        const long out = x7 * 3;
        long in = 0;
        EQ(call(SYS_write, x7, ends[1], (long)&out, sizeof out), sizeof out);
        EQ(call(SYS_read, x7, ends[0], (long)&in, sizeof in), sizeof in);
        EQ(in, out);
    }
}

CASE(blocking_with_each) {
    for (long x7 = -12; x7 <= 0; ++x7) {
        const struct timespec t = {0, 1000000};
        EQ(call(SYS_nanosleep, x7, (long)&t, 0, 0), 0);
    }
}

CASE(errors_with_each) {
    for (long x7 = kFirst; x7 <= kLast; ++x7) {
        EQ(call(SYS_close, x7, 12345, 0, 0), -EBADF);
        EQ(call(1234, x7, 0, 0, 0), -ENOSYS);
    }
}

CASE(fork_with_each) {
#if defined __aarch64__
    for (long x7 = -12; x7 <= -1; ++x7) {
        const long child = call(SYS_clone, x7, SIGCHLD, 0, 0);
        CHECK(child >= 0);
        if (child == 0) call(SYS_exit_group, x7, -x7, 0, 0);
        must_exit((pid_t)child, (int)-x7);
    }
#endif
}

CASE(exit_with_each) {
    for (long x7 = -12; x7 <= -1; ++x7) {
        const pid_t child = must_fork();
        if (child == 0) call(SYS_exit_group, x7, 20, 0, 0);
        must_exit(child, 20);
    }
}

static volatile int handled;
static void handle(int number) { handled = number; }

CASE(signals_with_each) {
    signal(SIGUSR1, handle);
    for (long x7 = -12; x7 <= 0; ++x7) {
        handled = 0;
        EQ(call(SYS_kill, x7, getpid(), SIGUSR1, 0), 0);
        EQ(handled, SIGUSR1);
    }
}

CASE(copied_words) {
    // As programs do it without knowing: memcpy may leave the word that it copied in x7.
    int ends[2];
    OK(pipe(ends));
    for (long word = -11; word <= -1; ++word) {
        static volatile long source[8];
        for (int i = 0; i < 8; ++i) source[i] = word;
        for (size_t bytes = 8; bytes <= 64; bytes += 8) {
            char buffer[64], back[64];
            memcpy(buffer, (const void*)source, bytes);
            EQ(write(ends[1], buffer, bytes), bytes);
            EQ(read(ends[0], back, sizeof back), bytes);
            EQ(memcmp(back, (const void*)source, bytes), 0);
        }
    }
}

#if defined __aarch64__
// A call with these x0 to x17 and x30; what they hold behind it.
static void call_with_all(const long in[19], long out[19]) {
    register const long* from __asm__("x19") = in;
    register long* to __asm__("x20") = out;
    __asm__ volatile(
        "ldp x0, x1, [x19]\n ldp x2, x3, [x19, #16]\n ldp x4, x5, [x19, #32]\n ldp x6, x7, [x19, #48]\n"
        "ldp x8, x9, [x19, #64]\n ldp x10, x11, [x19, #80]\n ldp x12, x13, [x19, #96]\n ldp x14, x15, [x19, #112]\n"
        "ldp x16, x17, [x19, #128]\n ldr x30, [x19, #144]\n"
        "svc #0\n"
        "stp x0, x1, [x20]\n stp x2, x3, [x20, #16]\n stp x4, x5, [x20, #32]\n stp x6, x7, [x20, #48]\n"
        "stp x8, x9, [x20, #64]\n stp x10, x11, [x20, #80]\n stp x12, x13, [x20, #96]\n stp x14, x15, [x20, #112]\n"
        "stp x16, x17, [x20, #128]\n str x30, [x20, #144]\n"
        :
        : "r"(from), "r"(to)
        : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
          "x17", "x30", "memory", "cc");
}
#endif

static volatile int interruptions, is_looping;
static volatile unsigned long
    outside;  // handlers that found the program neither in its code nor in what the call may be
static void interrupted(int number, siginfo_t* info, void* context) {
    (void)number, (void)info, (void)context;
    ++interruptions;
#if defined __aarch64__
    // At the svc or behind it, or elsewhere in this program: never at an address that it does not know.
    extern const char __executable_start[], etext[];
    const unsigned long pc = ((ucontext_t*)context)->uc_mcontext.pc;
    if (is_looping && (pc < (unsigned long)__executable_start || pc >= (unsigned long)etext)) ++outside;
#endif
}

// Signals come at any instruction of a call, and all registers are what they were.
CASE(all_registers_with_signals) {
    const struct sigaction action = {.sa_sigaction = interrupted, .sa_flags = SA_SIGINFO | SA_RESTART};
    OK(sigaction(SIGALRM, &action, 0));
    const struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    OK(setitimer(ITIMER_REAL, &often, 0));
#if defined __aarch64__
    struct timespec t;
    static int word;
    const long calls[][5] = {{SYS_getpid, 0, 0, 0, 0},
                             {SYS_getppid, 0, 0, 0, 0},
                             {SYS_gettid, 0, 0, 0, 0},
                             {SYS_clock_gettime, CLOCK_MONOTONIC, (long)&t, 0, 0},
                             {SYS_futex, (long)&word, 129, 1, 0},
                             {SYS_futex, (long)&word, 128, 1, 0},
                             {SYS_sched_yield, 0, 0, 0, 0}};
    const long results[] = {getpid(), getppid(), syscall(SYS_gettid), 0, 0, -EAGAIN, 0};
    is_looping = 1;
    for (long round = 0; interruptions < 200 && round < 10000000; ++round) {
        const int which = (int)(round % 7);
        long in[19], out[19];
        for (int i = 0; i < 19; ++i) in[i] = round * 1000003 + i * 0x0123456789abcdL;
        for (int i = 0; i < 4; ++i) in[i] = calls[which][i + 1];
        in[8] = calls[which][0];
        call_with_all(in, out);
        EQ(out[0], results[which]);
        for (int i = 1; i < 19; ++i) EQ(out[i], in[i]);
    }
    is_looping = 0;
    EQ(outside, 0);
#endif
    OK(setitimer(ITIMER_REAL, &never, 0));
}

// The stack pointer may be anything at a call: it has nothing to do with it.
CASE(without_a_stack) {
#if defined __aarch64__
    const long me = getpid();
    const long parent = getppid();
    for (long sp = 0; sp <= 64; sp += 16) {
        for (int i = 0; i < 2; ++i) {
            register long r0 __asm__("x0") = 0;
            register long r8 __asm__("x8") = i ? SYS_getpid : SYS_getppid;
            register long keep __asm__("x19");
            __asm__ volatile("mov %1, sp\n mov sp, %3\n svc #0\n mov sp, %1\n"
                             : "+r"(r0), "=&r"(keep)
                             : "r"(r8), "r"(sp)
                             : "memory");
            EQ(r0, i ? me : parent);
        }
    }
#endif
}

// A bad address is the call's to find out.
CASE(bad_addresses) {
    EQ(call(SYS_clock_gettime, 0, CLOCK_MONOTONIC, 8, 0), -EFAULT);
    EQ(call(SYS_clock_gettime, 0, 77, 0, 0), -EINVAL);
    EQ(call(SYS_futex, 0, 8, 128, 1), -EFAULT);
    EQ(call(SYS_futex, 0, 9, 128, 1), -EINVAL);
    EQ(call(SYS_futex, 0, 9, 129, 1), -EINVAL);
}
