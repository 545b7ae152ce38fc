// Program files for host tests: an ELF file put together from what a test says, right or wrong.
#pragma once

#include "testing/files.h"

#include <stdint.h>
#include <string.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kos::lx::testing {

struct ElfImage {
    struct Segment {
        uint64_t address, file_bytes, memory_bytes;
        uint32_t flags;  // PF_R 4, PF_W 2, PF_X 1
    };
    uint16_t type = 2;  // ET_EXEC; 3: ET_DYN
    uint64_t entry = 0x400000;
    std::vector<Segment> segments;
    uint64_t misplaced = 0;                  // bytes by which the file offsets are wrong
    std::optional<std::string> interpreter;  // with its zero, if it shall have one

    // A byte of the file as it shall be, whatever else is said.
    void raw(size_t offset, uint8_t value) { patches_.emplace_back(offset, value); }
    // What the file has at `offset` of a segment.
    uint8_t byte_of(size_t segment, size_t offset) const { return static_cast<uint8_t>(segment * 16 + offset % 7 + 1); }

    std::vector<uint8_t> bytes() const {
        constexpr size_t kHeader = 64, kProgramHeader = 56;
        size_t const count = segments.size() + (interpreter ? 1 : 0);
        std::vector<uint8_t> file(kHeader + count * kProgramHeader);
        memcpy(file.data(), "\177ELF\2\1\1", 7);
        put(file, 16, type, 2);
        put(file, 18, 183, 2);
        put(file, 20, 1, 4);
        put(file, 24, entry, 8);
        put(file, 32, kHeader, 8);
        put(file, 52, kHeader, 2);
        put(file, 54, kProgramHeader, 2);
        put(file, 56, count, 2);
        size_t at = kHeader;
        if (interpreter) {
            size_t const place = file.size();
            file.insert(file.end(), interpreter->begin(), interpreter->end());
            header(file, at, 3, 4, place, 0, interpreter->size(), interpreter->size());
            at += kProgramHeader;
        }
        for (size_t i = 0; i < segments.size(); ++i, at += kProgramHeader) {
            const Segment& one = segments[i];
            size_t const start = page_up(file.size()) + one.address % kPageBytes;
            file.resize(start + one.file_bytes);
            for (size_t b = 0; b < one.file_bytes; ++b) file[start + b] = byte_of(i, b);
            header(file, at, 1, one.flags, start + misplaced, one.address, one.file_bytes, one.memory_bytes);
        }
        for (auto const& [offset, value] : patches_) {
            if (offset < file.size()) file[offset] = value;
        }
        return file;
    }

private:
    static void put(std::vector<uint8_t>& file, size_t offset, uint64_t value, size_t size) {
        memcpy(file.data() + offset, &value, size);
    }
    static void header(std::vector<uint8_t>& file, size_t at, uint32_t kind, uint32_t flags, uint64_t offset,
                       uint64_t address, uint64_t file_bytes, uint64_t memory_bytes) {
        put(file, at, kind, 4);
        put(file, at + 4, flags, 4);
        put(file, at + 8, offset, 8);
        put(file, at + 16, address, 8);
        put(file, at + 32, file_bytes, 8);
        put(file, at + 40, memory_bytes, 8);
    }
    std::vector<std::pair<size_t, uint8_t>> patches_;
};

// A file with these bytes and permissions, in place of what was there.
inline void write_program(FileWorld& world, const std::string& path, const std::vector<uint8_t>& bytes, Mode mode) {
    auto file = world.open(path, kO_RDWR | kO_CREAT | kO_TRUNC);
    if (!file.ok()) abort();
    LocalBuffer buffer(const_cast<uint8_t*>(bytes.data()), bytes.size());
    while (buffer.remaining()) {
        if (!(*file)->write_at(buffer, buffer.done()).ok()) abort();
    }
    file = Errno::kENOENT;  // closed: what is open for writing is not executed
    AttributeChange change;
    change.has_mode = true;
    change.mode = mode;
    if (!world.find(path).inode()->change(change).ok()) abort();
}

}  // namespace kos::lx::testing
