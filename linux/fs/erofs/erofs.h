// EROFS: the read-only file system of root images, as erofs-utils 1.5 (Debian 12) makes them.
//
// Served: 4 KiB blocks; compact and extended inodes; flat, inline and chunk-based data; LZ4 and LZ4HC compressed data
// with full and compact indexes, big physical clusters and inline tails (ztailpacking). Not served: extended attributes
// (skipped), several devices, fragments, other block sizes and compressors (refused when mounted).
//
// Who made the image may be hostile: what is wrong in it is kEIO where it is met and harms nobody else.
//
// Format: erofs.docs.kernel.org, "On-disk format" (core, chunk-based, compressed), and docs.kernel.org
// filesystems/erofs.
#pragma once

#include "mm/frame.h"
#include "vfs/inode.h"

#include <memory>

namespace kos::lx {

// Checks the superblock (with its checksum). kEINVAL: no EROFS, cut off, or a feature that is not served; kEIO,
// kENOMEM. Pages that lie in the image as the program sees them are the image's own frames; others (tails, compressed
// data) are made in frames of `frames` and kept while there are enough of them.
Result<Ref<FileSystem>> make_erofs(std::unique_ptr<Image> image, FrameSource& frames);

}  // namespace kos::lx
