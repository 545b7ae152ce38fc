/*
 * The loader's ELF file: reads it, notes the key and the image in it, and writes both as one ELF or raw file.
 */
#ifndef KOS_TOOLS_MKIMAGE_LOADER_FILE_H_
#define KOS_TOOLS_MKIMAGE_LOADER_FILE_H_

#include <span>

#include "files.h"
#include "image_format.h"

namespace kos::mkimage {

using tools::Buffer;
using tools::Error;

class LoaderFile {
public:
    // A loader as the build made it, or with an image that mkimage attached. Throws Error for any other file.
    explicit LoaderFile(const Buffer& elf);

    // The attached image. Throws Error if there is none.
    Buffer image() const;

    // Puts the boot image behind the loader and notes size and key. `development` makes the loader warn.
    void attach(std::span<const uint8_t> image, const uint8_t (&public_key)[boot::kPublicKeyBytes], bool development);

    // The raw arm64 Image: the first byte is the loader's first byte.
    const Buffer& raw() const { return memory_; }
    // An ELF file of one segment with the same bytes, and one for the zeroed data.
    Buffer elf() const;

private:
    struct Zeroed {
        uint64_t address;
        uint64_t size;
    };

    void read_segments(const Buffer& elf);
    void find_info();

    uint64_t base_ = 0;  // also the entry point: the arm64 Image header begins with a branch
    Zeroed zeroed_{};
    size_t info_offset_ = 0;  // into memory_
    boot::LoaderInfo info_{};
    Buffer memory_;  // what lies at base_
};

}  // namespace kos::mkimage

#endif
