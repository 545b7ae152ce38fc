// See sha256.h. The linker takes two objects of libcrypto: SHA-256 and its blocks in assembly. What they want beyond
// memcpy and memset is here.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sha256.h"

#include <openssl/sha.h>

// NOLINTBEGIN(readability-identifier-naming): OpenSSL's names
extern "C" {

// What OpenSSL has found out about the processor; its own object for that asks an operating system. Bit 4 is
// ARMV8_SHA256 of OpenSSL's arm_arch.h; bit 0 is ARMV7_NEON, which every AArch64 processor has.
unsigned OPENSSL_armcap_P = 1u << 0;

// Nothing that is hashed here is secret.
void OPENSSL_cleanse(void* bytes, size_t size) { __builtin_memset(bytes, 0, size); }
}
// NOLINTEND(readability-identifier-naming)

namespace kos {
namespace {

SHA256_CTX* state_of(unsigned char* bytes) { return reinterpret_cast<SHA256_CTX*>(bytes); }

}  // namespace

// OpenSSL's functions cannot fail: they always return 1.
Sha256::Sha256() {
    static_assert(sizeof(SHA256_CTX) <= sizeof(state_) && alignof(SHA256_CTX) <= 8);
    SHA256_Init(state_of(state_));
}
void Sha256::add(const void* data, size_t bytes) { SHA256_Update(state_of(state_), data, bytes); }
void Sha256::finish(uint8_t (&hash)[kSha256Bytes]) { SHA256_Final(hash, state_of(state_)); }

void sha256(const void* data, size_t bytes, uint8_t (&hash)[kSha256Bytes]) {
    Sha256 state;
    state.add(data, bytes);
    state.finish(hash);
}

void sha256_use_instructions(bool are_there) {
    constexpr unsigned kSha256Instructions = 1u << 4;
    OPENSSL_armcap_P = are_there ? OPENSSL_armcap_P | kSha256Instructions : OPENSSL_armcap_P & ~kSha256Instructions;
}

}  // namespace kos
