/*
 * The loader's ELF file: reads it, notes the key and the image in it, and writes both as one ELF or raw file.
 */
#ifndef KOS_TOOLS_MKIMAGE_LOADER_FILE_H_
#define KOS_TOOLS_MKIMAGE_LOADER_FILE_H_

#include <span>

#include "files.h"
#include "image_format.h"

namespace kos::mkimage {

class LoaderFile {
 public:
  // Throws Error if the file is not a loader that this mkimage knows.
  explicit LoaderFile(const Buffer& elf);

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

  uint64_t base_ = 0;
  uint64_t entry_ = 0;
  Zeroed zeroed_{};
  size_t info_offset_ = 0;  // into memory_
  boot::LoaderInfo info_{};
  Buffer memory_;  // what lies at base_
};

}  // namespace kos::mkimage

#endif
