// Program files: static and dynamic ELF for AArch64, checked once (ELF-64, "Object file type version 1.5"; ABI for the
// Arm 64-bit architecture).
#pragma once

#include "mm/address_space.h"
#include "vfs/file.h"

#include <string>
#include <vector>

namespace kos::lx {

struct ElfProgram {
    struct Segment {
        uint64_t address, file_offset, file_bytes, memory_bytes;
        uint32_t protection;
    };
    std::vector<Segment> segments;  // PT_LOAD, by address, at least one
    uint64_t entry = 0;
    bool is_movable = false;  // ET_DYN: addresses are relative to a base of our choice
    uint64_t headers = 0;     // address of the program headers (AT_PHDR); 0: not in memory
    uint16_t header_count = 0;
    std::string interpreter;  // PT_INTERP; empty: none
    bool has_executable_stack = false;

    uint64_t begin() const { return page_down(segments.front().address); }
    uint64_t end() const { return page_up(segments.back().address + segments.back().memory_bytes); }
};

// kENOEXEC: not a program for this machine, or damaged. kEIO and the like from the file.
Result<ElfProgram> read_elf(File& file);

// Maps the segments, moved by `base`.
Status map_elf(AddressSpace& memory, const Ref<File>& file, const ElfProgram& program, uint64_t base);

}  // namespace kos::lx
