// Programs: finds them in the bundle, or among what was pushed, checks that they are what the manifest or the package
// names, maps their segments (domain.h).
//
// The bundle is part of the signed boot image, yet nothing in it is used before its hash matches the manifest's, and
// every offset is checked against the entry's size: a wrong program costs its own domain, never root.
#include "bundle.h"
#include "domain.h"
#include "program_file.h"
#include "push.h"

namespace root {

namespace {

// Whole pages of the file, shared by all instances.
bool map_read_only(Domain& domain, const Program& program, const Segment& segment) {
    Word const first = segment.p_vaddr & ~(kPageBytes - 1);
    Word const end = segment.p_vaddr + segment.p_memsz;
    const uint8_t* page = program.bytes + (segment.p_offset & ~(kPageBytes - 1));
    Word const attributes = segment.p_flags & PF_X ? kExecutable : kNormalMemory;
    for (Word address = first; address < end; address += kPageBytes, page += kPageBytes) {
        CPtr const frame = file_frame(page);
        if (segment.p_flags & PF_X) unify_file_page(page);
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

Program program_of(const Domain& domain) {
    FileRef const file = program_file(domain);
    return {file.bytes, file.size};
}

}  // namespace

BuildResult map_program(Domain& domain) {
    Program const program = program_of(domain);
    if (!is_program(program)) return KOS_EXIT_IMAGE;
    domain.tls_memory_bytes = domain.tls_file_bytes = 0;
    for (unsigned i = 0; i < program.segments(); ++i) {
        const Segment& segment = program.segment(i);
        if (segment.p_type == PT_TLS && segment.p_memsz) {
            // Only told to the domain itself.
            domain.tls_image = segment.p_vaddr;
            domain.tls_file_bytes = segment.p_filesz;
            domain.tls_memory_bytes = segment.p_memsz;
            domain.tls_align = segment.p_align;
        }
        if (!is_loaded(segment)) continue;
        bool const done =
            segment.p_flags & PF_W ? map_writable(domain, program, segment) : map_read_only(domain, program, segment);
        if (!done) return KOS_EXIT_MEMORY;
    }
    domain.entry = program.header().e_entry;
    return KOS_EXIT_NONE;
}

bool is_system_call(const Domain& domain, Word pc) {
    constexpr uint32_t kSvc0 = 0xd4000001;
    Program const program = program_of(domain);
    return is_program(program) && has_instruction(program, pc, kSvc0);
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
