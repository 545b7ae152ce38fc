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

// How the two numbers of a Failure are written: a label for each, null for one that is not written.
struct Text {
    const char* what;
    unsigned base = 10;
    const char* found = nullptr;
    const char* expected = nullptr;
};

constexpr Text only(const char* what) { return {what}; }
constexpr Text decimal(const char* what, const char* found = "found", const char* expected = "expected") {
    return {what, 10, found, expected};
}
constexpr Text hex(const char* what, const char* found = "found", const char* expected = "expected") {
    return {what, 16, found, expected};
}

// Exhaustive on purpose: an enumerator without a text does not compile (-Werror=switch).
Text text_of(BootError error) {
    switch (error) {
        case BootError::kImageAbsent: return only("none attached to this loader (run mkimage)");
        case BootError::kImageBadMagic: return hex("not a boot image: wrong magic number");
        case BootError::kImageBadVersion: return decimal("unknown format version");
        case BootError::kImageHeaderSize: return decimal("header size does not fit the number of parts");
        case BootError::kImageEntryCount: return decimal("bad number of parts", "found", "at most");
        case BootError::kImageFlags: return hex("unknown header flags", "found", nullptr);
        case BootError::kImageReserved: return decimal("reserved header byte is not zero", "offset", nullptr);
        case BootError::kImageSlot: return decimal("unknown slot", "found", "at most");
        case BootError::kImageCoreCount: return decimal("bad number of cores", "found", "at most");
        case BootError::kImageBootargs: return only("boot arguments are not terminated");
        case BootError::kImageTruncated: return decimal("truncated: fewer bytes than it says");
        case BootError::kImageTooLarge: return decimal("too large for the loader's window", "found", "at most");
        case BootError::kImageNoEndMark: return hex("truncated or damaged: no end mark");
        case BootError::kImageSigner: return hex("signed with a key that this loader does not trust", "key", "trusted");
        case BootError::kImageSignature: return only("signature is wrong: header damaged or not authentic");
        case BootError::kPartType: return decimal("unknown type of part", "found", nullptr);
        case BootError::kPartFlags: return hex("unknown flags of a part", "found", nullptr);
        case BootError::kPartReserved: return decimal("reserved byte of a part is not zero", "part", nullptr);
        case BootError::kPartName: return decimal("name of a part is empty or not terminated", "part", nullptr);
        case BootError::kPartAlignment: return hex("part is not page aligned", "offset", nullptr);
        case BootError::kPartBounds: return hex("part is empty or ends outside the image", "ends at", "at most");
        case BootError::kPartOverlap: return hex("part overlaps what precedes it", "begins at", "at least");
        case BootError::kPartDuplicate: return decimal("second part of the same type", "type", nullptr);
        case BootError::kPartMissing: return only("missing in the image");
        case BootError::kPartDeferred: return hex("range without a hash is malformed", "begins at", "size");
        case BootError::kPartHash: return only("hash does not match: damaged or changed");
        case BootError::kElfTruncated: return decimal("too short for an ELF header", "found", "at least");
        case BootError::kElfMagic: return hex("not an ELF file: wrong magic number");
        case BootError::kElfClass: return hex("not a 64-bit little-endian ELF file of version 1");
        case BootError::kElfMachine: return decimal("built for another machine than AArch64");
        case BootError::kElfType: return decimal("not an executable linked to a fixed address");
        case BootError::kElfProgramHeaders:
            return hex("program headers are malformed or outside the file", "begin at", "file size");
        case BootError::kElfNoSegments: return only("nothing to load");
        case BootError::kElfTooManySegments: return decimal("too many segments", "found", "at most");
        case BootError::kElfSegmentFileBounds: return hex("segment ends outside the file", "ends at", "file size");
        case BootError::kElfSegmentSize: return hex("segment is larger in the file than in memory", "file", "memory");
        case BootError::kElfSegmentAddress:
            return hex("segment lies outside the permitted addresses", "begins at", "size");
        case BootError::kElfSegmentOverlap: return hex("segments overlap", "begins at", "other ends at");
        case BootError::kElfEntry: return hex("entry point lies in no executable segment", "entry", nullptr);
        case BootError::kElfDeferred:
            return hex("range to be checked later is not of one read-only segment", "begins at", "size");
        case BootError::kElfDeferredOther:
            return hex("range without a hash is not the one to be checked later", "found", "expected");
        case BootError::kKernelVirtualBase: return hex("linked at the wrong virtual address");
        case BootError::kKernelPhysicalBase: return hex("linked at the wrong physical address");
        case BootError::kKernelOffset: return hex("segments differ in virtual minus physical address");
        case BootError::kKernelTooLarge: return hex("spans more memory than the loader maps", "found", "at most");
        case BootError::kNoRoom: return hex("no room below the loader", "ends at", "at most");
        case BootError::kDeviceTreeAbsent: return hex("none found", "x0", "start of RAM");
        case BootError::kDeviceTreeInvalid: return decimal("invalid", "libfdt error", nullptr);
        case BootError::kDeviceTreeTooLarge: return decimal("too large", "found", "at most");
        case BootError::kMemoryTooSmall: return decimal("too small for this board's kernels, KiB", "found", "at least");
        case BootError::kCoresMissing: return decimal("fewer than the kernel is built for");
        case BootError::kCoreNotListed: return hex("boot core is not in the device tree", "MPIDR", nullptr);
        case BootError::kCoreMethod: return hex("cannot be started by PSCI", "MPIDR", nullptr);
        case BootError::kCoreStart: return hex("did not start", "MPIDR", "PSCI error");
        case BootError::kPsciAbsent: return only("no PSCI node that the loader can use to start cores");
    }
    return {"unknown error"};
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
    const char* labels[] = {text.found, text.expected};
    const uint64_t values[] = {failure.found, failure.expected};
    for (size_t i = 0; i < 2; ++i) {
        if (labels[i] != nullptr) {
            writer.text(i == 0 ? ": " : ", ");
            writer.text(labels[i]);
            writer.text(" ");
            writer.number(values[i], text.base);
        }
    }
}

}  // namespace kos::boot
