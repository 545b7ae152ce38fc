// What is signed when an application is replaced on a running device (docs/adr/0011). tools/manifest writes it, root
// reads it (push.cpp). Little endian, no padding.
//
// A package names files by size and hash and contains none. They follow piece by piece, and root takes no byte that
// these hashes do not cover: of a program, its bytes; of an image first its page hashes, in the order of its pages
// (together with the size they give File::sha256, as in bundle_format.h), then its pages, the last one filled up with
// zeros.
#pragma once

#include <stdint.h>

namespace kos::push {

// Begins what is signed, so that no other signature of the same key can be taken for this one.
constexpr char kContext[16] = "KOS push 1";
constexpr uint32_t kMaxFiles = 4;  // the program, and at most three images

struct File {
    uint32_t kind;      // kos::bundle::Kind: kProgram or kImage
    uint32_t reserved;  // zero
    uint64_t size_bytes;
    uint8_t sha256[32];
};
static_assert(sizeof(File) == 48);

struct Package {
    char context[16];    // kContext
    char domain[32];     // name, filled up with zeros
    uint8_t system[32];  // system_digest() of the manifest that it was made for: must be that of the device's
    uint64_t sequence;   // not zero; greater than that of the domain's last package. Microseconds since 1970, by custom
    uint32_t file_count;
    uint32_t reserved;      // zero
    File files[kMaxFiles];  // the program, then the domain's images in the manifest's order; unused ones zero
};
static_assert(sizeof(Package) == 96 + 4 * sizeof(File));

struct SignedPackage {
    Package package;
    uint8_t
        signature[64];  // Ed25519 (RFC 8032), by the key that signed the manifest, which has to be a development key
};

}  // namespace kos::push
