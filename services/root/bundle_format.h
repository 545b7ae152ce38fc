// Layout of the bundle: manifest, signature and programs as one read-only segment behind root. tools/manifest writes
// it, root reads it.
//
//   offset 0                       Header
//   sizeof(Header)                 entry_count x Entry
//   4 KiB aligned                  the files, in the order of their entries
//
// The first entry is the manifest (FDT), the second its signature, then come the programs and the images (read-only
// files for domains that get them by pages), each distinct one once, in the order of their hashes. Little endian, no
// padding; what lies between a file and the next page boundary is zero.
//
// The segment begins at the first page boundary behind the memory of root's other segments; root.ld calls that address
// `__bundle_start`. Root trusts nothing in it before the signature is checked: the signature covers the manifest, the
// manifest names each program and image by its Entry::sha256. Root's public key is in root itself, at
// `kos_manifest_key`, where tools/manifest puts it; the boot image's signature covers it like all of root.
#pragma once

#include <stdint.h>

namespace kos::bundle {

constexpr uint64_t kMagic = 0x314c444e'42534f4bull;  // "KOSBNDL1"
constexpr uint32_t kVersion = 1;
constexpr uint32_t kAlignment = 4096;
constexpr uint32_t kMaxEntries = 2 + 128;   // manifest, signature, one program for each domain, images
constexpr uint32_t kMaxBytes = 384u << 20;  // whole bundle
constexpr uint32_t kMaxManifestBytes = 1u << 20;

enum class Kind : uint32_t { kManifest = 1, kSignature = 2, kProgram = 3, kImage = 4 };

struct Header {
    uint64_t magic;
    uint32_t version;
    uint32_t entry_count;  // 2..kMaxEntries
    uint64_t size_bytes;   // whole bundle, a multiple of kAlignment
    uint8_t reserved[40];  // zero
};
static_assert(sizeof(Header) == 64);

struct Entry {
    uint32_t kind;        // Kind
    uint32_t reserved;    // zero
    uint64_t offset;      // from the start of the bundle, a multiple of kAlignment
    uint64_t size_bytes;  // not zero
    char name[32];        // zero-terminated, for messages: "manifest", "signature", the file's name without ".elf"
    uint8_t sha256[32];   // of the file; of an image: of its page hashes, see below
    uint8_t padding[8];   // zero
};
static_assert(sizeof(Entry) == 96);

// An image is checked page by page, when a page is first given away: at the boot only the list of its hashes is read.
// Behind the image's pages (the last one filled up with zeros), at the next page boundary, the SHA-256 of each of them.
// The entry's sha256 is that of the size (8 bytes, little endian) and this list.
constexpr uint64_t kPageHashBytes = 32;
constexpr uint64_t pages_of(uint64_t bytes) { return bytes / kAlignment + (bytes % kAlignment != 0); }
constexpr uint64_t image_bytes(uint64_t bytes) { return pages_of(bytes) * (kAlignment + kPageHashBytes); }

// What is signed: kSignatureContext (with its final zero), then the manifest. Other signatures of the same key (boot
// images) begin differently, so that none can be taken for the other.
constexpr char kSignatureContext[] = "KOS manifest 1";

constexpr uint32_t kSignatureDevelopment = 1u << 0;  // Signature::flags: made with a development key

struct Signature {
    uint8_t public_key[32];  // Ed25519 (RFC 8032) of the signer; must be the one in root
    uint8_t signature[64];
    uint32_t flags;     // kSignatureDevelopment; others zero. Not signed: root goes by its own note about its key
    uint32_t reserved;  // zero
};
static_assert(sizeof(Signature) == 104);

// In root, written by tools/manifest into section .rodata (so: initialised, and volatile or in assembly, lest the
// compiler takes the zeros for the truth):
//   uint8_t kos_manifest_key[32]               public key
//   uint8_t kos_manifest_key_is_development    1: root warns on every boot
constexpr char kKeySymbol[] = "kos_manifest_key";
constexpr char kKeyIsDevelopmentSymbol[] = "kos_manifest_key_is_development";
constexpr char kStartSymbol[] = "__bundle_start";

}  // namespace kos::bundle
