// What lies around the thread pointer (TPIDR_EL0) of each thread: the area that musl's objects expect below it, the
// program's thread-local variables above it. Used by start-up and by kos_thread_create.
//
//   below   kBelow bytes: first our own words (ThreadWords), then musl's thread descriptor, zero except for its locale
//   0..15   reserved by the AArch64 TLS ABI, variant I
//   above   a copy of the program's PT_TLS segment, at the next multiple of its alignment
//
// Source of the layout above: ELF for the Arm 64-bit Architecture, "TLS". Source of the offsets below: the code of
// Debian 12's musl 1.2.3 (the system test `libc` compares them with what musl's own functions answer).
#pragma once

#include <kos/abi.h>

#include <stddef.h>

namespace kos::runtime {

// Our own words of a thread, right below musl's descriptor.
struct ThreadWords {
    uint64_t number;   // of the thread in this domain; 0 is the main thread
    uint64_t pointer;  // for thread.cpp: the kos_thread_t of this thread
};

inline constexpr size_t kMuslDescriptorBytes = 200;
inline constexpr size_t kMuslLocaleOffset = 152;  // of the descriptor
inline constexpr size_t kMuslErrnoOffset = 36;    // unused: errno.cpp replaces its accessor
inline constexpr size_t kBelow = 224;             // both, a multiple of 16

inline ThreadWords* thread_words(uint64_t thread_pointer) {
    return reinterpret_cast<ThreadWords*>(thread_pointer - kBelow);
}

#ifdef KOS_SEL4_FAKE
uint64_t thread_pointer();  // the test's
#else
inline uint64_t thread_pointer() {
    uint64_t pointer;
    asm("mrs %0, tpidr_el0" : "=r"(pointer));
    return pointer;
}
#endif

inline unsigned thread_number() { return static_cast<unsigned>(thread_words(thread_pointer())->number); }

}  // namespace kos::runtime

extern "C" {

// Size of the area of one thread, to be 16-byte aligned.
size_t kos_tls_bytes(const kos_startup_t* startup);

// Fills `area` for thread `number`; the answer is the value of its thread pointer. Call it again before a thread is
// restarted at its entry: all its thread-local variables have their initial values then.
uint64_t kos_tls_setup(void* area, const kos_startup_t* startup, unsigned number);

// For the main thread, before anything else runs: takes a static area, or a mapping from root if that is too small, and
// sets the register.
void kos_tls_setup_main(const kos_startup_t* startup);
}
