#include "generator.h"

#include <sodium/crypto_core_hchacha20.h>
#include <sodium/crypto_hash_sha512.h>

namespace kos::entropy {
namespace {

constexpr size_t kBlockBytes = crypto_core_hchacha20_OUTPUTBYTES;
static_assert(kBlockBytes == kKeyBytes && crypto_core_hchacha20_KEYBYTES == kKeyBytes);

// Block `number` of the stream of `key`.
void block(const uint8_t* key, uint64_t number, uint8_t* out) {
    uint8_t input[crypto_core_hchacha20_INPUTBYTES] = {};
    __builtin_memcpy(input, &number, sizeof number);
    // With its standard constant; it cannot fail.
    (void)crypto_core_hchacha20(out, input, key, nullptr);
}

}  // namespace

void erase(std::span<uint8_t> secret) {
    __builtin_memset(secret.data(), 0, secret.size());
    // The bytes may be looked at from here on, for all that the compiler knows.
    asm volatile("" : : "r"(secret.data()) : "memory");
}

void Generator::mix(Source source, std::span<const uint8_t> bytes) {
    // Key, source and length come first: no two sequences of seeds give the same input.
    uint8_t hash[crypto_hash_sha512_BYTES];
    uint8_t input[kKeyBytes + 2 * sizeof(uint64_t) + 64];
    size_t done = 0;
    do {
        const size_t part = bytes.size() - done < 64 ? bytes.size() - done : 64;
        const uint64_t head[2] = {source, part};
        __builtin_memcpy(input, key_, kKeyBytes);
        __builtin_memcpy(input + kKeyBytes, head, sizeof head);
        if (part != 0) __builtin_memcpy(input + kKeyBytes + sizeof head, bytes.data() + done, part);
        (void)crypto_hash_sha512(hash, input, kKeyBytes + sizeof head + part);
        __builtin_memcpy(key_, hash, kKeyBytes);
        done += part;
    } while (done < bytes.size());
    erase(hash);
    erase(input);
    if (bytes.size() < kSeedBytes) return;
    ++seeds_;
    sources_ |= source;
}

bool Generator::get(std::span<uint8_t> out) {
    if (!is_seeded()) return false;
    uint8_t last[kBlockBytes];
    uint64_t number = 1;  // block 0 is the next key
    for (size_t done = 0; done < out.size(); ++number) {
        const size_t left = out.size() - done;
        if (left >= kBlockBytes) {
            block(key_, number, out.data() + done);
            done += kBlockBytes;
        } else {
            block(key_, number, last);
            __builtin_memcpy(out.data() + done, last, left);
            done += left;
        }
    }
    block(key_, 0, last);
    __builtin_memcpy(key_, last, kKeyBytes);
    erase(last);
    return true;
}

}  // namespace kos::entropy
