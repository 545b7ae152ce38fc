// See program_file.h.
#include "program_file.h"

#include <kos/abi.h>

namespace root {

namespace {

constexpr uint64_t kLowest = 0x10000;      // nothing at address 0
constexpr uint64_t kHighest = 0x10000000;  // where root's own mappings begin
constexpr unsigned kMaxSegments = 8;

bool has_header(const Program& program) {
    if (!program.bytes || program.size < sizeof(Elf64_Ehdr)) return false;
    const Elf64_Ehdr& header = program.header();
    bool const is_ours = __builtin_memcmp(header.e_ident, "\177ELF\2\1\1", 7) == 0 && header.e_type == ET_EXEC &&
                         header.e_machine == EM_AARCH64 && header.e_phentsize == sizeof(Segment);
    if (!is_ours || header.e_phnum == 0 || header.e_phnum > kMaxSegments) return false;
    if (header.e_phoff % 8 != 0 || header.e_phoff > program.size) return false;
    return header.e_phnum * sizeof(Segment) <= program.size - header.e_phoff;
}

bool is_sound(const Program& program, const Segment& segment) {
    if (segment.p_offset > program.size || segment.p_filesz > program.size - segment.p_offset) return false;
    if (segment.p_filesz > segment.p_memsz) return false;
    if (segment.p_vaddr < kLowest || segment.p_vaddr >= kHighest) return false;
    if (segment.p_memsz > kHighest - segment.p_vaddr) return false;
    // A read-only segment is mapped from the file: it has nothing behind it.
    bool const is_writable = segment.p_flags & PF_W;
    if (!is_writable && segment.p_filesz != segment.p_memsz) return false;
    bool const is_wx = is_writable && (segment.p_flags & PF_X);
    return !is_wx && segment.p_offset % KOS_PAGE_BYTES == segment.p_vaddr % KOS_PAGE_BYTES;
}

// Where `address` is in the file, if it is in the file's part of a code segment that has `bytes` more bytes there.
const uint8_t* find_code(const Program& program, uint64_t address, uint64_t bytes) {
    for (unsigned i = 0; i < program.segments(); ++i) {
        const Segment& segment = program.segment(i);
        if (!is_loaded(segment) || !(segment.p_flags & PF_X) || address < segment.p_vaddr) continue;
        uint64_t const offset = address - segment.p_vaddr;
        if (offset >= segment.p_filesz || segment.p_filesz - offset < bytes) continue;
        return program.bytes + segment.p_offset + offset;
    }
    return nullptr;
}

}  // namespace

bool is_program(const Program& program) {
    if (!has_header(program)) return false;
    for (unsigned i = 0; i < program.segments(); ++i) {
        const Segment& segment = program.segment(i);
        if (is_loaded(segment) && !is_sound(program, segment)) return false;
    }
    return find_code(program, program.header().e_entry, 1) != nullptr;
}

bool has_instruction(const Program& program, uint64_t address, uint32_t instruction) {
    if (address % sizeof instruction) return false;
    const uint8_t* const code = find_code(program, address, sizeof instruction);
    return code && __builtin_memcmp(code, &instruction, sizeof instruction) == 0;
}

}  // namespace root
