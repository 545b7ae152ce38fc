// The few symbols that libsodium and libfdt expect from a C library or from parts of themselves that need an operating
// system. The string functions come from musl. Called by the libraries only.
#include "boot.h"

extern "C" {

// The packaged objects are compiled with stack protection. The value is fixed: it catches bugs, not attackers.
uintptr_t __stack_chk_guard = 0x00af'0d0a'ff5e'c19b;

[[noreturn]] void __stack_chk_fail() { root::panic("stack overrun in a library"); }
[[noreturn]] void abort() { root::panic("a library gave up"); }

// libsodium's own versions live in an object that also wants memory locking and a random source. Nothing here is secret
// (root only verifies), so these need be correct, not constant in time.
int sodium_memcmp(const void* left, const void* right, size_t size) {
    return __builtin_memcmp(left, right, size) == 0 ? 0 : -1;
}

int sodium_is_zero(const unsigned char* bytes, size_t size) {
    uint8_t bits = 0;
    for (size_t i = 0; i < size; ++i) bits |= bytes[i];
    return bits == 0 ? 1 : 0;
}

void sodium_memzero(void* bytes, size_t size) { __builtin_memset(bytes, 0, size); }
}
