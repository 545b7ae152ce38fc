// Internal assertions: always on, also in release. A failed one is a bug of the kernel; the fault record says what,
// where, which thread and through which calls, and the machine stops.
#pragma once

namespace keel {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace keel

#define KEEL_ASSERT(condition) \
    (__builtin_expect(!!(condition), 1) ? (void)0 : ::keel::assertion_failed(#condition, __FILE__, __LINE__))
