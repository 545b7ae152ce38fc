// What a register holds at a system call must not matter. On KOS a trap with x7 = -1..-12 means a call of the kernel,
// so every call with such values, and with any other, must do its work. glibc leaves what it had in x7, for example
// after memcpy.
#include "abi.h"

#include <sys/time.h>
#include <ucontext.h>

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

// --- Behind what a program may map there is, on KOS, a page that it can execute and not read: the way to the server.
// Whatever a program does with it, and with any capability address that it makes up, is its own misfortune. On Linux
// there is nothing.
static char* const gate = (char*)0x7ffffffff000;
enum { kGateWords = 8 };

// A child does it, or dies of it, or stands still; what it does must not be heard of elsewhere.
static void in_gate_child(void (*what)(long, long), long a, long b) {
    const pid_t child = must_fork();
    if (child == 0) {
        // Whatever it is left in, it does not last.
        const struct itimerval soon = {{0, 0}, {0, 20000}};
        signal(SIGALRM, SIG_DFL);
        setitimer(ITIMER_REAL, &soon, 0);
        what(a, b);
        _exit(0);
    }
    int status = 0;
    EQ(waitpid(child, &status, 0), child);
}

#if defined __aarch64__
static void jump(long word, long x7) {
    const long target = (long)gate + word * 4;
    __asm__ volatile(
        "mov x7, %1\n mov x0, %2\n mov x1, #4\n mov x2, #63\n mov x3, xzr\n mov x4, xzr\n mov x5, xzr\n"
        "mov x6, xzr\n adr x17, 1f\n adr x30, 1f\n br %0\n 1:\n"
        :
        : "r"(target), "r"(x7), "r"(word)
        : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x17", "x30", "memory");
}
static void jump_with_tag(long tag, long second) {
    __asm__ volatile(
        "mov x1, %1\n mov x2, %2\n mov x3, %2\n mov x4, %2\n mov x5, %2\n adr x17, 1f\n adr x30, 1f\n"
        "br %0\n 1:\n"
        :
        : "r"(gate), "r"(tag), "r"(second)
        : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x17", "x30", "memory");
}
static void invoke(long address, long x7) {
    for (int i = 0; i < 64; ++i) call(0, x7, address ^ (i ? 1L << i : 0), 4, 173);
}
#else
static void jump(long word, long x7) { ((void (*)(long))(gate + word * 4))(x7); }
static void jump_with_tag(long tag, long second) { (void)tag, (void)second; }
static void invoke(long address, long x7) { call(0, x7, address, 4, 173); }
#endif
static void look(long word, long unused) {
    (void)unused;
    _exit(0x80 | *(volatile char*)(gate + word));
}
static void change(long word, long unused) {
    (void)unused;
    *(volatile char*)(gate + word) = 1;
}
static void take_away(long how, long unused) {
    (void)unused;
    if (how == 0) munmap(gate, 4096);
    if (how == 1) mmap(gate, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (how == 2) mremap(gate, 4096, 8192, MREMAP_MAYMOVE);
    if (how == 3) madvise(gate, 4096, MADV_DONTNEED);
    if (getppid() == 0) _exit(1);
}

CASE(gate_jumped_into) {
    for (long word = 0; word < kGateWords; ++word)
        for (long x7 = -12; x7 <= 0; ++x7) in_gate_child(jump, word, x7);
    EQ(call(SYS_getppid, 0, 0, 0, 0), getppid());
}

// Numbers, lengths and capabilities of a message that no shim would send.
CASE(gate_with_any_message) {
    static const long words[] = {0, 1, -1, 4096, 0x7fffffffffff, (long)0x8000000000000000};
    for (int shift = 0; shift < 64; shift += 3)
        for (unsigned i = 0; i < sizeof words / sizeof *words; ++i) in_gate_child(jump_with_tag, 1L << shift, words[i]);
    for (long number = 0; number < 512; number += 7) in_gate_child(jump_with_tag, number << 12 | 4, number % 3);
    EQ(call(SYS_getppid, 0, 0, 0, 0), getppid());
}

CASE(gate_is_not_read) {
    int ends[2], status = 0;
    OK(pipe(ends));
    ERR(write(ends[1], gate, 8), EFAULT);
    ERR(access(gate, F_OK), EFAULT);
    ERR(mprotect(gate, 4096, PROT_READ), ENOMEM);
    for (long at = 0; at < 32; at += 4) {
        for (int is_write = 0; is_write < 2; ++is_write) {
            const pid_t child = must_fork();
            if (child == 0) {
                signal(SIGSEGV, SIG_DFL);
                is_write ? change(at, 0) : look(at, 0);
                _exit(0);
            }
            EQ(waitpid(child, &status, 0), child);
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
        }
    }
    for (long how = 0; how < 4; ++how) in_gate_child(take_away, how, 0);
    EQ(call(SYS_getppid, 0, 0, 0, 0), getppid());
}

CASE(made_up_capabilities) {
    static const long addresses[] = {0, 1, 5, 0x7ffffffff000, -1, (long)0x4000000000000000, (long)0x8000000000000000};
    for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; ++i)
        for (long x7 = -12; x7 < 0; ++x7) in_gate_child(invoke, addresses[i], x7);
    EQ(call(SYS_getppid, 0, 0, 0, 0), getppid());
}

// What a handler sees of a thread in the middle of a call is never the way there.
static volatile long seen, seen_inside;
static void watch(int signal, siginfo_t* info, void* context) {
    (void)signal, (void)info;
    ++seen;
#if defined __aarch64__
    const ucontext_t* const at = context;
    // On Linux libraries lie above.
    if (at->uc_mcontext.pc - (unsigned long)gate < kPage) ++seen_inside;
#else
    (void)context;
#endif
}

CASE(gate_unseen_by_handlers) {
    struct sigaction action = {.sa_sigaction = watch, .sa_flags = SA_SIGINFO | SA_RESTART};
    OK(sigaction(SIGALRM, &action, 0));
    const struct itimerval often = {{0, 1100}, {0, 1100}}, never = {{0, 0}, {0, 0}};
    OK(setitimer(ITIMER_REAL, &often, 0));
    const pid_t parent = getppid();
    while (seen < 100)
        for (int i = 0; i < 50; ++i) EQ(getppid(), parent);
    OK(setitimer(ITIMER_REAL, &never, 0));
    EQ(seen_inside, 0);
}

// A call that waits in the middle of its work, with signals at any moment: nothing is lost, nothing twice.
CASE(parts_and_signals) {
    enum { kBytes = 300000 };
    int ends[2];
    OK(pipe(ends));
    struct sigaction action = {.sa_sigaction = watch, .sa_flags = SA_SIGINFO | SA_RESTART};
    OK(sigaction(SIGALRM, &action, 0));
    static unsigned char bytes[kBytes];
    for (int i = 0; i < kBytes; ++i) bytes[i] = (unsigned char)(i * 7 + i / 251);
    const pid_t child = must_fork();
    if (child == 0) {
        OK(close(ends[1]));
        unsigned char piece[977];
        int at = 0;
        for (;;) {
            const ssize_t n = read(ends[0], piece, sizeof piece);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) break;
            EQ(memcmp(piece, bytes + at, (size_t)n), 0);
            at += (int)n;
        }
        EQ(at, kBytes);
        _exit(0);
    }
    const struct itimerval often = {{0, 700}, {0, 700}}, never = {{0, 0}, {0, 0}};
    OK(setitimer(ITIMER_REAL, &often, 0));
    for (int at = 0; at < kBytes;) {
        const ssize_t n = write(ends[1], bytes + at, kBytes - (size_t)at < 150000 ? kBytes - (size_t)at : 150000);
        if (n < 0) EQ(errno, EINTR);
        if (n < 0) continue;
        at += (int)n;
    }
    OK(setitimer(ITIMER_REAL, &never, 0));
    OK(close(ends[1]));
    must_exit(child, 0);
}
