// The system below the C library in this test: startup block, log, memory; and a thread pointer for a while.
#pragma once

#include <kos/abi.h>

#include <stddef.h>

#include "libc/thread_area.h"

namespace libc_test {

kos_startup_t& startup();

inline constexpr unsigned kLogLines = 16;
struct Log {
    unsigned count;
    char lines[kLogLines][260];
    unsigned levels[kLogLines];
};
extern Log log;

extern size_t mapped_bytes;

// The root task keeps its message buffer's address in TPIDR_EL0; a native program has thread-local storage there.
// Between begin and end, nothing of roottask that needs the buffer may run.
class WithThreadPointer {
public:
    explicit WithThreadPointer(void* area, unsigned number) {
        asm volatile("mrs %0, tpidr_el0" : "=r"(saved_));
        uint64_t const pointer = kos_tls_setup(area, &startup(), number);
        asm volatile("msr tpidr_el0, %0" ::"r"(pointer) : "memory");
    }
    ~WithThreadPointer() { asm volatile("msr tpidr_el0, %0" ::"r"(saved_) : "memory"); }
    WithThreadPointer(const WithThreadPointer&) = delete;
    WithThreadPointer& operator=(const WithThreadPointer&) = delete;

private:
    uint64_t saved_ = 0;
};

// One thing that was looked at while TPIDR_EL0 was not the root task's.
struct Checks {
    static constexpr unsigned kMax = 128;
    unsigned count = 0;
    const char* failed[kMax];
    unsigned failures = 0;
    void that(bool holds, const char* what) {
        ++count;
        if (!holds && failures < kMax) failed[failures++] = what;
    }
};
#define CHECK(condition) checks.that((condition), #condition)

void check_functions(Checks& checks);
void check_heap(Checks& checks);
void check_output(Checks& checks);
void check_thread_local(Checks& checks);

}  // namespace libc_test
