/*
 * The generator of random bytes: a key that is replaced by its own output with every request (fast key erasure), so
 * that who learns the state learns nothing about what was given out before. No I/O.
 *
 * Output: HChaCha20 (draft-irtf-cfrg-xchacha-03, section 2.2) of the key and a counter, 32 bytes at a time. Seeds are
 * mixed into the key by SHA-512: a source that is bad or hostile takes nothing away from what was there. Both from
 * libsodium.
 */
#ifndef KOS_SERVICES_ENTROPY_GENERATOR_H_
#define KOS_SERVICES_ENTROPY_GENERATOR_H_

#include <stddef.h>
#include <stdint.h>
#include <span>

namespace kos::entropy {

constexpr size_t kKeyBytes = 32;
// Fewer bytes from a source do not make a seed, but are mixed in all the same.
constexpr size_t kSeedBytes = 32;

enum Source : uint64_t {
    kRoot = 1,    // boot entropy
    kDevice = 2,  // the port "rng"
    kSaved = 4,   // what an earlier instance left
};

class Generator {
public:
    // Mixes bytes of `source` in. Never blocks, never fails.
    void mix(Source source, std::span<const uint8_t> bytes);

    bool is_seeded() const { return seeds_ != 0; }
    uint64_t seeds() const { return seeds_; }      // how often whole seeds have been mixed in
    uint64_t sources() const { return sources_; }  // Source bits of those

    // Fills `out`. False, and nothing is written, before the first seed.
    [[nodiscard]] bool get(std::span<uint8_t> out);

private:
    uint8_t key_[kKeyBytes] = {};
    uint64_t seeds_ = 0;
    uint64_t sources_ = 0;
};

// Overwrites a secret in a way that the compiler does not leave out.
void erase(std::span<uint8_t> secret);

}  // namespace kos::entropy

#endif
