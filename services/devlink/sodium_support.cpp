/*
 * What libsodium's Ed25519 needs of the rest of libsodium. Its own versions live in an object file together with memory
 * locking and random sources, which need system calls that KOS does not have.
 */
#include <stddef.h>
#include <stdint.h>

extern "C" {

void sodium_memzero(void* const memory, const size_t size_bytes) {
    __builtin_memset(memory, 0, size_bytes);
    // The bytes may be looked at from here on, for all that the compiler knows.
    asm volatile("" : : "r"(memory) : "memory");
}

// 0 if they are equal, else -1; takes as long either way.
int sodium_memcmp(const void* const left, const void* const right, size_t size_bytes) {
    const auto* const a = static_cast<const volatile uint8_t*>(left);
    const auto* const b = static_cast<const volatile uint8_t*>(right);
    uint8_t differences = 0;
    for (size_t i = 0; i < size_bytes; ++i) differences = static_cast<uint8_t>(differences | (a[i] ^ b[i]));
    return differences == 0 ? 0 : -1;
}

int sodium_is_zero(const unsigned char* const bytes, const size_t size_bytes) {
    uint8_t any = 0;
    for (size_t i = 0; i < size_bytes; ++i) any = static_cast<uint8_t>(any | bytes[i]);
    return any == 0 ? 1 : 0;
}

// Verifying draws no random numbers; signing does, which nobody here calls.
void randombytes_buf(void*, size_t) { __builtin_trap(); }
}
