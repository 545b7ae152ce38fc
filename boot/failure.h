/*
 * Everything that can be wrong with a boot image or a machine, and the one line that says so.
 *
 * A check returns a Failure (or a Result holding one); the loader prints it and powers off, mkimage prints it and exits
 * with status 1. Portable: loader, mkimage and host tests.
 */
#ifndef KOS_BOOT_FAILURE_H_
#define KOS_BOOT_FAILURE_H_

#include <stddef.h>
#include <stdint.h>

namespace kos::boot {

enum class BootError : uint8_t {
    // Boot image
    kImageAbsent,
    kImageBadMagic,
    kImageBadVersion,
    kImageHeaderSize,
    kImageEntryCount,
    kImageFlags,
    kImageReserved,
    kImageSlot,
    kImageCoreCount,
    kImageBootargs,
    kImageTruncated,
    kImageTooLarge,
    kImageNoEndMark,
    kImageSigner,
    kImageSignature,
    // Its parts
    kPartType,
    kPartFlags,
    kPartReserved,
    kPartName,
    kPartAlignment,
    kPartBounds,
    kPartOverlap,
    kPartDuplicate,
    kPartMissing,
    kPartDeferred,
    kPartHash,
    // ELF files
    kElfTruncated,
    kElfMagic,
    kElfClass,
    kElfMachine,
    kElfType,
    kElfProgramHeaders,
    kElfNoSegments,
    kElfTooManySegments,
    kElfSegmentFileBounds,
    kElfSegmentSize,
    kElfSegmentAddress,
    kElfSegmentOverlap,
    kElfEntry,
    kElfDeferred,
    kElfDeferredOther,
    kKernelVirtualBase,
    kKernelPhysicalBase,
    kKernelOffset,
    kKernelTooLarge,
    // Memory
    kNoRoom,
    // Machine
    kDeviceTreeAbsent,
    kDeviceTreeInvalid,
    kDeviceTreeTooLarge,
    kMemoryTooSmall,
    kCoresMissing,
    kCoreNotListed,
    kCoreMethod,
    kCoreStart,
    kPsciAbsent,
};

// One thing that is wrong. `subject` (or null) is a string that outlives the Failure; what `found` and `expected` mean
// depends on the error and is spelled out by describe().
struct Failure {
    BootError error;
    const char* subject = nullptr;
    uint64_t found = 0;
    uint64_t expected = 0;
};

// Longest line that describe() writes, terminating NUL included.
constexpr size_t kFailureLineBytes = 192;

// Writes the failure as one line without line end, e.g. "root task: hash does not match: damaged or changed".
void describe(const Failure& failure, char (&line)[kFailureLineBytes]);

}  // namespace kos::boot

#endif
