// Programs: finds them in the bundle, checks that they are what the manifest names, maps their segments (domain.h).
//
// The bundle is part of the signed boot image, yet nothing in it is used before its hash matches the manifest's, and
// every offset is checked against the entry's size: a wrong program costs its own domain, never root.
#include "bundle.h"
#include "domain.h"

#include <elf.h>

namespace root {

namespace {

using Header = Elf64_Ehdr;
using Segment = Elf64_Phdr;

constexpr Word kLowest = 0x10000;      // nothing at address 0
constexpr Word kHighest = 0x10000000;  // where root's own mappings begin
constexpr unsigned kMaxSegments = 8;

struct Program {
    const uint8_t* bytes;
    Word size;
    const Header& header() const { return *reinterpret_cast<const Header*>(bytes); }
    const Segment& segment(unsigned i) const { return reinterpret_cast<const Segment*>(bytes + header().e_phoff)[i]; }
};

bool is_program(const Program& program) {
    if (program.size < sizeof(Header)) return false;
    const Header& header = program.header();
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
    bool const is_wx = (segment.p_flags & PF_W) && (segment.p_flags & PF_X);
    return !is_wx && segment.p_offset % kPageBytes == segment.p_vaddr % kPageBytes;
}

// Whole pages of the file, shared by all instances.
bool map_read_only(Domain& domain, const Program& program, const Segment& segment) {
    Word const first = segment.p_vaddr & ~(kPageBytes - 1);
    Word const end = segment.p_vaddr + segment.p_memsz;
    const uint8_t* page = program.bytes + (segment.p_offset & ~(kPageBytes - 1));
    Word const attributes = segment.p_flags & PF_X ? kExecutable : kNormalMemory;
    for (Word address = first; address < end; address += kPageBytes, page += kPageBytes) {
        CPtr const frame = image_frame(page);
        if (!frame || !map_page(domain, frame, Copy::kYes, address, seL4_CanRead, attributes)) return false;
    }
    return true;
}

bool map_writable(Domain& domain, const Program& program, const Segment& segment) {
    Word const first = segment.p_vaddr & ~(kPageBytes - 1);
    Word const end = round_up(segment.p_vaddr + segment.p_memsz);
    Word const file_end = segment.p_vaddr + segment.p_filesz;
    Word slot = 0;
    if (!map_new_pages(domain, first, (end - first) / kPageBytes, seL4_ReadWrite, kNormalMemory, &slot)) return false;
    for (Word page = first; page < file_end; page += kPageBytes, ++slot) {
        Word const from = page < segment.p_vaddr ? segment.p_vaddr : page;
        Word const to = page + kPageBytes < file_end ? page + kPageBytes : file_end;
        auto* const copy = static_cast<uint8_t*>(map_scratch(domain_cap(domain.number, slot)));
        __builtin_memcpy(copy + (from - page), program.bytes + segment.p_offset + (from - segment.p_vaddr), to - from);
        unmap_scratch();
    }
    return true;
}

}  // namespace

BuildResult map_program(Domain& domain) {
    Program program{};
    program.bytes = find_program(domain.spec->program, program.size);
    if (!program.bytes || !is_program(program)) return KOS_EXIT_IMAGE;
    bool entry_is_code = false;
    domain.tls_memory_bytes = domain.tls_file_bytes = 0;
    for (unsigned i = 0; i < program.header().e_phnum; ++i) {
        const Segment& segment = program.segment(i);
        if (segment.p_type == PT_TLS && segment.p_memsz) {
            domain.tls_image = segment.p_vaddr;
            domain.tls_file_bytes = segment.p_filesz;
            domain.tls_memory_bytes = segment.p_memsz;
            domain.tls_align = segment.p_align;
        }
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
        if (!is_sound(program, segment)) return KOS_EXIT_IMAGE;
        // A read-only segment is mapped from the file: it has nothing behind it.
        bool const is_writable = segment.p_flags & PF_W;
        if (!is_writable && segment.p_filesz != segment.p_memsz) return KOS_EXIT_IMAGE;
        bool const done =
            is_writable ? map_writable(domain, program, segment) : map_read_only(domain, program, segment);
        if (!done) return KOS_EXIT_MEMORY;
        Word const entry = program.header().e_entry;
        if (segment.p_flags & PF_X && entry >= segment.p_vaddr && entry - segment.p_vaddr < segment.p_memsz) {
            entry_is_code = true;
        }
    }
    domain.entry = program.header().e_entry;
    return entry_is_code ? KOS_EXIT_NONE : KOS_EXIT_IMAGE;
}

bool is_system_call(const Domain& domain, Word pc) {
    constexpr uint32_t kSvc0 = 0xd4000001;
    Program program{};
    program.bytes = find_program(domain.spec->program, program.size);
    if (!program.bytes || pc % sizeof kSvc0) return false;
    for (unsigned i = 0; i < program.header().e_phnum; ++i) {
        const Segment& segment = program.segment(i);
        bool const is_code = segment.p_type == PT_LOAD && segment.p_flags & PF_X;
        if (!is_code || pc < segment.p_vaddr || pc - segment.p_vaddr >= segment.p_filesz) continue;
        uint32_t instruction = 0;
        __builtin_memcpy(&instruction, program.bytes + segment.p_offset + (pc - segment.p_vaddr), sizeof instruction);
        return instruction == kSvc0;
    }
    return false;
}

const char* check_programs() {
    for (const DomainSpec& spec : the_system.manifest.domains) {
        Word size = 0;
        if (spec.name && !find_program(spec.program, size)) return spec.name;
    }
    for (Word i = 0; i < the_system.manifest.image_count; ++i) {
        Word size = 0;
        const auto& image = the_system.manifest.images[i];
        if (!find_image(image.file, size)) return image.name;
    }
    return nullptr;
}

}  // namespace root
