/*
 * Layout of a boot image: what `tools/mkimage` writes and the loader reads. Little endian, no padding.
 *
 *   offset 0                     ImageHeader
 *   sizeof(ImageHeader)          entry_count x ImageEntry
 *   header_size - 64             Ed25519 signature over everything before it
 *   4 KiB aligned                the parts, in the order of their entries
 *   image_size - 8               kImageEndMark
 *
 * The signature covers the header, the header holds a SHA-256 of each part. Of a root task one range may be left out of
 * it: pages of images, which root itself checks before it gives them away. This file has no code; the checks are in
 * image.h. It also has the block of the loader in which mkimage notes the image and the key.
 */
#ifndef KOS_BOOT_IMAGE_FORMAT_H_
#define KOS_BOOT_IMAGE_FORMAT_H_

#include <stddef.h>
#include <stdint.h>

namespace kos::boot {

constexpr uint64_t kImageMagic = 0x544f4f42'2d534f4bull;    // "KOS-BOOT"
constexpr uint64_t kImageEndMark = 0x444e452d'2d534f4bull;  // "KOS--END"
constexpr uint32_t kImageVersion = 2;
constexpr uint32_t kImageMaxEntries = 16;
constexpr uint32_t kImagePartAlignment = 4096;
constexpr size_t kPublicKeyBytes = 32;  // Ed25519, RFC 8032
constexpr size_t kSignatureBytes = 64;  // Ed25519, RFC 8032
constexpr size_t kHashBytes = 32;       // SHA-256, FIPS 180-4
constexpr size_t kBootargsBytes = 256;

// Which of two update slots the image was made for. Slots are chosen by the update service; the loader only checks
// that the value is one of these.
enum class Slot : uint32_t { kNone = 0, kA = 1, kB = 2 };

enum class PartType : uint32_t { kKernel = 1, kRootTask = 2 };

struct ImageHeader {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size;  // bytes, entries and signature included
    uint64_t image_size;   // bytes, parts and end mark included
    uint32_t flags;        // none defined: zero
    uint32_t slot;         // Slot
    uint32_t core_count;   // cores that the kernel is built for
    uint32_t entry_count;
    uint8_t signer[kPublicKeyBytes];  // public key that the signature was made for
    char bootargs[kBootargsBytes];    // NUL-terminated; empty: leave the machine's /chosen/bootargs alone
    uint8_t reserved[56];             // zero
};
static_assert(sizeof(ImageHeader) == 384);

struct ImageEntry {
    uint32_t type;             // PartType
    uint32_t flags;            // none defined: zero
    uint64_t offset;           // from the start of the image, multiple of kImagePartAlignment
    uint64_t size;             // bytes, not zero
    char name[40];             // NUL-terminated, for messages
    uint8_t hash[kHashBytes];  // of the part without the range that follows
    uint64_t deferred_offset;  // from the start of the part, a multiple of kImagePartAlignment; 0 if there is none
    uint64_t deferred_size;    // bytes, the same; must be what the root task's ELF file says (elf_file.h)
    uint8_t reserved[16];      // zero
};
static_assert(sizeof(ImageEntry) == 128);

constexpr uint64_t kLoaderInfoMagic = 0x4f464e49'2d534f4bull;  // "KOS-INFO"
constexpr uint32_t kLoaderInfoVersion = 1;
constexpr uint32_t kLoaderInfoDevelopmentKey = 1u << 0;  // flags: public_key is a development key

// Lies in the loader's section ".loader_info". The linker fills the first half, mkimage the second.
struct LoaderInfo {
    uint64_t magic;
    uint32_t version;
    uint32_t flags;
    uint64_t link_base;      // physical address of the loader's first byte
    uint64_t image_address;  // physical address of the boot image
    uint64_t image_limit;    // physical address that the boot image must not reach
    uint64_t image_size;     // bytes that mkimage put there
    uint8_t public_key[kPublicKeyBytes];
};
static_assert(sizeof(LoaderInfo) == 80);

}  // namespace kos::boot

#endif
