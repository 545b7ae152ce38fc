// SHA-256 (FIPS 180-4), for the loader, root and the host tools that write what these check.
//
// On the device it is OpenSSL's code from Debian's libcrypto, by the processor's SHA-256 instructions where
// sha256_use_instructions() has said that there are some (a twentieth of the instructions), else by its portable code.
// On the host it is libsodium's. Neither libsodium's nor OpenSSL's names are seen outside.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace kos {

constexpr size_t kSha256Bytes = 32;

// Of several pieces, one after the other.
class Sha256 {
public:
    Sha256();
    void add(const void* data, size_t bytes);
    void finish(uint8_t (&hash)[kSha256Bytes]);  // once, at the end

private:
    alignas(8) unsigned char state_[128];
};

void sha256(const void* data, size_t bytes, uint8_t (&hash)[kSha256Bytes]);

// Whether every core that will call has SHA256H and its relatives: field SHA2 of ID_AA64ISAR0_EL1 is not 0 (Arm DDI
// 0487, D19.2.61). User level cannot read that register: the loader does, and leaves kSha256Property in the device
// tree's /chosen for root. Nothing is assumed before the first call. Of no effect on the host.
void sha256_use_instructions(bool are_there);

constexpr char kSha256Property[] = "kos,sha256-instructions";

}  // namespace kos
