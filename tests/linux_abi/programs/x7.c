// What a register holds at a system call must not matter. On KOS a trap with x7 = -1..-12 means a call of the kernel, so
// every call with such values, and with any other, must do its work. glibc leaves what it had in x7, for example after memcpy.
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
