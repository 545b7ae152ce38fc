/*
 * The text of each BootError. Called by the loader's main(), mkimage and the tests; see failure.h.
 */
#include "failure.h"

namespace kos::boot {
namespace {

// Appends to a fixed buffer; what does not fit is cut off.
class LineWriter {
 public:
  explicit LineWriter(char (&line)[kFailureLineBytes]) : line_(line) { line_[0] = '\0'; }

  void text(const char* string) {
    for (; *string != '\0' && length_ + 1 < kFailureLineBytes; ++string) {
      // Names come from the image: keep the promise of one line on a terminal.
      const bool printable = *string >= ' ' && *string <= '~';
      line_[length_++] = printable ? *string : '?';
    }
    line_[length_] = '\0';
  }

  void number(uint64_t value, unsigned base) {
    char digits[20];
    size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    if (base == 16) {
      text("0x");
    }
    for (; count > 0; --count) {
      const char digit[2] = {digits[count - 1], '\0'};
      text(digit);
    }
  }

 private:
  char* line_;
  size_t length_ = 0;
};

enum class Numbers : uint8_t { kNone, kHexFound, kHexBoth, kDecimalFound, kDecimalBoth };

struct Text {
  const char* what;
  Numbers numbers;
};

// Exhaustive on purpose: a new BootError without a text does not compile (-Werror=switch).
Text text_of(BootError error) {
  switch (error) {
    case BootError::kImageAbsent: return {"no boot image attached to this loader (run mkimage)", Numbers::kNone};
    case BootError::kImageBadMagic: return {"not a boot image: wrong magic number", Numbers::kHexBoth};
    case BootError::kImageBadVersion: return {"unknown format version", Numbers::kDecimalBoth};
    case BootError::kImageHeaderSize: return {"header size does not fit the number of parts", Numbers::kDecimalBoth};
    case BootError::kImageEntryCount: return {"bad number of parts", Numbers::kDecimalBoth};
    case BootError::kImageFlags: return {"unknown header flags", Numbers::kHexFound};
    case BootError::kImageReserved: return {"reserved header bytes are not zero, first at offset", Numbers::kDecimalFound};
    case BootError::kImageSlot: return {"unknown slot", Numbers::kDecimalFound};
    case BootError::kImageCoreCount: return {"bad number of cores", Numbers::kDecimalBoth};
    case BootError::kImageBootargs: return {"boot arguments are not terminated", Numbers::kNone};
    case BootError::kImageTruncated: return {"truncated: fewer bytes than its size says", Numbers::kDecimalBoth};
    case BootError::kImageTooLarge: return {"too large for the loader's window", Numbers::kDecimalBoth};
    case BootError::kImageNoEndMark: return {"truncated or damaged: no end mark", Numbers::kHexBoth};
    case BootError::kImageSigner: return {"signed with another key than this loader trusts", Numbers::kHexBoth};
    case BootError::kImageSignature: return {"signature is wrong: header damaged or not authentic", Numbers::kNone};
    case BootError::kPartType: return {"unknown type of part", Numbers::kDecimalFound};
    case BootError::kPartFlags: return {"unknown flags of part", Numbers::kHexFound};
    case BootError::kPartName: return {"name of part is empty or not terminated, part", Numbers::kDecimalFound};
    case BootError::kPartAlignment: return {"part is not page aligned, offset", Numbers::kHexFound};
    case BootError::kPartBounds: return {"part ends outside the image", Numbers::kHexBoth};
    case BootError::kPartOverlap: return {"part begins before the end of what precedes it", Numbers::kHexBoth};
    case BootError::kPartDuplicate: return {"second part of the same type", Numbers::kDecimalFound};
    case BootError::kPartMissing: return {"missing in the image", Numbers::kNone};
    case BootError::kPartHash: return {"hash does not match: damaged or changed", Numbers::kNone};
    case BootError::kElfTruncated: return {"too short for an ELF header", Numbers::kDecimalBoth};
    case BootError::kElfMagic: return {"not an ELF file", Numbers::kHexBoth};
    case BootError::kElfClass: return {"not a 64-bit little-endian ELF file of version 1", Numbers::kHexBoth};
    case BootError::kElfMachine: return {"built for another machine than AArch64", Numbers::kDecimalBoth};
    case BootError::kElfType: return {"not an executable linked to a fixed address", Numbers::kDecimalBoth};
    case BootError::kElfProgramHeaders: return {"program headers are malformed or outside the file", Numbers::kHexBoth};
    case BootError::kElfNoSegments: return {"no loadable segments, or too many", Numbers::kDecimalBoth};
    case BootError::kElfSegmentFileBounds: return {"segment ends outside the file", Numbers::kHexBoth};
    case BootError::kElfSegmentSize: return {"segment is larger in the file than in memory", Numbers::kHexBoth};
    case BootError::kElfSegmentAddress: return {"segment ends outside the permitted addresses", Numbers::kHexBoth};
    case BootError::kElfSegmentOverlap: return {"segments overlap", Numbers::kHexBoth};
    case BootError::kElfEntry: return {"entry point lies in no executable segment", Numbers::kHexFound};
    case BootError::kKernelVirtualBase: return {"linked at the wrong virtual address", Numbers::kHexBoth};
    case BootError::kKernelPhysicalBase: return {"linked at the wrong physical address", Numbers::kHexBoth};
    case BootError::kKernelOffset: return {"segments differ in virtual minus physical address", Numbers::kHexBoth};
    case BootError::kKernelTooLarge: return {"spans more memory than the loader maps", Numbers::kHexBoth};
    case BootError::kNoRoom: return {"does not fit below the loader, end address", Numbers::kHexBoth};
    case BootError::kDeviceTreeAbsent: return {"none found, neither in x0 nor at the start of RAM", Numbers::kHexBoth};
    case BootError::kDeviceTreeInvalid: return {"invalid, libfdt error", Numbers::kDecimalFound};
    case BootError::kDeviceTreeTooLarge: return {"too large", Numbers::kDecimalBoth};
    case BootError::kMemoryTooSmall: return {"not enough memory, KiB", Numbers::kDecimalBoth};
    case BootError::kCoresMissing: return {"machine has fewer cores than the kernel needs", Numbers::kDecimalBoth};
    case BootError::kCoreNotListed: return {"boot core is not in the device tree, MPIDR", Numbers::kHexFound};
    case BootError::kCoreMethod: return {"cannot be started by PSCI, MPIDR", Numbers::kHexFound};
    case BootError::kCoreStart: return {"core did not start, MPIDR and PSCI status", Numbers::kHexBoth};
    case BootError::kPsciAbsent: return {"no usable PSCI node, needed to start cores", Numbers::kDecimalFound};
    case BootError::kCount: break;
  }
  return {"unknown error", Numbers::kNone};
}

}  // namespace

void describe(const Failure& failure, char (&line)[kFailureLineBytes]) {
  LineWriter writer(line);
  if (failure.subject != nullptr) {
    writer.text(failure.subject);
    writer.text(": ");
  }
  const Text text = text_of(failure.error);
  writer.text(text.what);
  if (text.numbers == Numbers::kNone) {
    return;
  }
  const bool hex = text.numbers == Numbers::kHexFound || text.numbers == Numbers::kHexBoth;
  const bool both = text.numbers == Numbers::kHexBoth || text.numbers == Numbers::kDecimalBoth;
  const unsigned base = hex ? 16 : 10;
  writer.text(": found ");
  writer.number(failure.found, base);
  if (both) {
    writer.text(", expected ");
    writer.number(failure.expected, base);
  }
}

}  // namespace kos::boot
