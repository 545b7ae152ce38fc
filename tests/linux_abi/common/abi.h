// Cases of one family of system calls: each asserts what Linux's manual pages say, on Linux itself and on KOS.
//
//     CASE(zero_filled) { char* p = must_map(4096); EQ(p[0], 0); }
//
// Each case runs in a process of its own, in a process group of its own; what it leaves behind is killed. A case that
// does not end within kCaseLimit seconds has failed. The record of a case is described in docs/testing.md, "What a
// system prints".
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kPage = 4096, kCaseLimit = 60, kFailed = 99 };

struct abi_case {
    const char* name;
    void (*run)(void);
    struct abi_case* next;
};
struct abi_helper {  // another program: this file started again with --NAME and arguments
    const char* name;
    int (*run)(int count, char** arguments);
    struct abi_helper* next;
};
void abi_add_case(struct abi_case* one);
void abi_add_helper(struct abi_helper* one);

// The functions have names of their own, so that a case may be called as a system call is.
#define CASE(id)                                                                                  \
    static void abi_run_##id(void);                                                               \
    static struct abi_case abi_case_##id = {#id, abi_run_##id, 0};                                \
    __attribute__((constructor)) static void abi_add_##id(void) { abi_add_case(&abi_case_##id); } \
    static void abi_run_##id(void)

#define HELPER(id)                                                                                    \
    static int abi_help_##id(int count, char** arguments);                                            \
    static struct abi_helper abi_helper_##id = {#id, abi_help_##id, 0};                               \
    __attribute__((constructor)) static void abi_add_##id(void) { abi_add_helper(&abi_helper_##id); } \
    static int abi_help_##id(int count __attribute__((unused)), char** arguments __attribute__((unused)))

// The case has failed: says why and ends the process. In a child of the case it is a line of text and the status
// kFailed.
__attribute__((noreturn, format(printf, 3, 4))) void abi_fail(const char* file, int line, const char* format, ...);
__attribute__((noreturn)) void abi_skip(const char* why);

#define FAIL(...) abi_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition) ((condition) ? (void)0 : FAIL("not so: %s", #condition))
#define EQ(found, expected)                                                                          \
    do {                                                                                             \
        const long long abi_a = (long long)(found), abi_b = (long long)(expected);                   \
        if (abi_a != abi_b) FAIL("%s is %lld, expected %s = %lld", #found, abi_a, #expected, abi_b); \
    } while (0)
// The call succeeds; its value.
#define OK(call)                                                    \
    ({                                                              \
        errno = 0;                                                  \
        const long long abi_v = (long long)(call);                  \
        if (abi_v == -1) FAIL("%s failed: errno %d", #call, errno); \
        abi_v;                                                      \
    })
// The call fails with this error.
#define ERR(call, error)                                                                             \
    do {                                                                                             \
        errno = 0;                                                                                   \
        const long long abi_v = (long long)(call);                                                   \
        const int abi_e = errno;                                                                     \
        if (abi_v != -1) FAIL("%s gave %lld, expected %s", #call, abi_v, #error);                    \
        if (abi_e != (error)) FAIL("%s: errno %d, expected %s = %d", #call, abi_e, #error, (error)); \
    } while (0)

// Path of this program, to start it again.
extern const char* abi_self;
// An address where nothing is.
extern void* volatile abi_bad;
#define BAD ((void*)abi_bad)
// Folder of this case on tmpfs, empty, its current directory.
void abi_folder(void);
// Anonymous private memory, readable and writable.
void* must_map(size_t bytes);
// fork that must succeed.
pid_t must_fork(void);
// The child ended by exit(STATUS).
void must_exit(pid_t child, int status);
void must_die(pid_t child, int signal);
// Runs a function in a child that must exit with 0.
void in_child(void (*function)(void));
// Waits until the thread or process sleeps in the kernel (state S of /proc/PID/stat or PID/task/TID/stat), at most some
// seconds.
void wait_asleep(pid_t pid);
void sleep_ms(long ms);
int64_t now_ns(clockid_t clock);
void write_file(const char* path, const char* text);
// The bytes of a file as a text, in static memory.
const char* read_file(const char* path);
// Whether reading one byte there works, without a signal.
int readable(const volatile void* address);
int writable(volatile void* address);
