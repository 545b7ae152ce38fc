// See sha256.h.
#include "sha256.h"

#include <sodium/crypto_hash_sha256.h>

#include <new>

namespace kos {
namespace {

using State = crypto_hash_sha256_state;
State* state_of(unsigned char* bytes) { return std::launder(reinterpret_cast<State*>(bytes)); }

}  // namespace

// libsodium's functions cannot fail: they always return 0.
Sha256::Sha256() {
    static_assert(sizeof(State) <= sizeof(state_) && alignof(State) <= 8);
    crypto_hash_sha256_init(new (state_) State);
}
void Sha256::add(const void* data, size_t bytes) {
    crypto_hash_sha256_update(state_of(state_), static_cast<const unsigned char*>(data), bytes);
}
void Sha256::finish(uint8_t (&hash)[kSha256Bytes]) { crypto_hash_sha256_final(state_of(state_), hash); }

void sha256(const void* data, size_t bytes, uint8_t (&hash)[kSha256Bytes]) {
    crypto_hash_sha256(hash, static_cast<const unsigned char*>(data), bytes);
}

void sha256_use_instructions(bool) {}

}  // namespace kos
