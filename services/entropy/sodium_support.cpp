/*
 * What libsodium's hash needs of the rest of libsodium. Its own version lives in an object file together with memory
 * locking, which needs system calls that KOS does not have.
 */
#include <stddef.h>

extern "C" void sodium_memzero(void* const memory, const size_t size_bytes) {
    __builtin_memset(memory, 0, size_bytes);
    // The bytes may be looked at from here on, for all that the compiler knows.
    asm volatile("" : : "r"(memory) : "memory");
}
