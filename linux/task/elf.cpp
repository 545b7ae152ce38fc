// Reads program headers and maps segments.
#include "task/elf.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

// Elf64_Ehdr and Elf64_Phdr as they lie in the file, little endian.
struct FileHeader {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_bytes, program_header_bytes, program_header_count, section_header_bytes, section_header_count,
        names_section;
};
static_assert(sizeof(FileHeader) == 64);
struct ProgramHeader {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, align;
};
static_assert(sizeof(ProgramHeader) == 56);

constexpr uint16_t kET_EXEC = 2, kET_DYN = 3, kEM_AARCH64 = 183;
constexpr uint32_t kPT_LOAD = 1, kPT_INTERP = 3, kPT_PHDR = 6, kPT_GNU_STACK = 0x6474e551;
constexpr uint32_t kPF_X = 1, kPF_W = 2, kPF_R = 4;
constexpr unsigned kHeadersMax = 64;
constexpr size_t kInterpreterMax = 256;

Status read_exactly(File& file, uint64_t offset, void* to, size_t bytes) {
    LocalBuffer buffer(to, bytes);
    while (buffer.remaining()) {
        KOS_TRY(size_t const now, file.read_at(buffer, offset + buffer.done()));
        if (now == 0) return Errno::kENOEXEC;
    }
    return {};
}

uint32_t protection_of(uint32_t flags) {
    return (flags & kPF_R ? kPROT_READ : 0) | (flags & kPF_W ? kPROT_WRITE : 0) | (flags & kPF_X ? kPROT_EXEC : 0);
}

bool is_sound(const ProgramHeader& header) {
    return header.file_bytes <= header.memory_bytes && header.memory_bytes < kUserEnd &&
           header.address < kUserEnd - header.memory_bytes && header.offset < uint64_t{INT64_MAX} - header.file_bytes &&
           header.address % kPageBytes == header.offset % kPageBytes;
}

Status add_header(File& file, const FileHeader& top, const ProgramHeader& header, ElfProgram& program) {
    switch (header.type) {
        case kPT_LOAD: {
            if (header.memory_bytes == 0) return {};
            if (!is_sound(header)) return Errno::kENOEXEC;
            bool const is_first = program.segments.empty();
            if (!is_first &&
                header.address < page_down(program.segments.back().address + program.segments.back().memory_bytes)) {
                return Errno::kENOEXEC;
            }
            program.segments.push_back(
                {header.address, header.offset, header.file_bytes, header.memory_bytes, protection_of(header.flags)});
            if (!program.headers && header.offset <= top.program_headers &&
                top.program_headers - header.offset < header.file_bytes) {
                program.headers = header.address + (top.program_headers - header.offset);
            }
            return {};
        }
        case kPT_INTERP: {
            if (header.file_bytes < 2 || header.file_bytes > kInterpreterMax) return Errno::kENOEXEC;
            std::string text(header.file_bytes, 0);
            KOS_TRY_STATUS(read_exactly(file, header.offset, text.data(), text.size()));
            if (text.back() != 0) return Errno::kENOEXEC;
            program.interpreter = text.c_str();
            return {};
        }
        case kPT_PHDR: program.headers = header.address; return {};
        case kPT_GNU_STACK: program.has_executable_stack = header.flags & kPF_X; return {};
        default: return {};
    }
}

// The part of a segment behind the file's bytes: the rest of its page is zeroed, further pages are anonymous.
Status map_zeros(AddressSpace& memory, const ElfProgram::Segment& segment, uint64_t base) {
    uint64_t const file_end = base + segment.address + segment.file_bytes;
    uint64_t const end = page_up(base + segment.address + segment.memory_bytes);
    uint64_t const first = segment.file_bytes ? page_up(file_end) : page_down(file_end);
    if (segment.file_bytes && segment.protection & kPROT_WRITE && first > file_end) {
        KOS_TRY_STATUS(memory.zero(file_end, first - file_end));
    }
    if (end <= first) return {};
    auto const mapped =
        memory.map(first, end - first, segment.protection, kMAP_PRIVATE | kMAP_ANONYMOUS | kMAP_FIXED, nullptr, 0);
    return mapped.ok() ? Status() : Status(mapped.error());
}

}  // namespace

Result<ElfProgram> read_elf(File& file) {
    FileHeader top;
    KOS_TRY_STATUS(read_exactly(file, 0, &top, sizeof top));
    bool const is_ours = memcmp(top.ident, "\177ELF\2\1\1", 7) == 0 && top.machine == kEM_AARCH64 &&
                         (top.type == kET_EXEC || top.type == kET_DYN) &&
                         top.program_header_bytes == sizeof(ProgramHeader) && top.program_header_count > 0 &&
                         top.program_header_count <= kHeadersMax && top.program_headers < uint64_t{INT64_MAX} / 2;
    if (!is_ours) return Errno::kENOEXEC;
    ElfProgram program;
    program.entry = top.entry;
    program.is_movable = top.type == kET_DYN;
    program.header_count = top.program_header_count;
    for (unsigned i = 0; i < top.program_header_count; ++i) {
        ProgramHeader header;
        KOS_TRY_STATUS(read_exactly(file, top.program_headers + i * sizeof header, &header, sizeof header));
        KOS_TRY_STATUS(add_header(file, top, header, program));
    }
    if (program.segments.empty()) return Errno::kENOEXEC;
    return program;
}

Status map_elf(AddressSpace& memory, const Ref<File>& file, const ElfProgram& program, uint64_t base) {
    for (const ElfProgram::Segment& segment : program.segments) {
        if (segment.file_bytes) {
            uint64_t const start = page_down(base + segment.address);
            uint64_t const lead = base + segment.address - start;
            auto const mapped = memory.map(start, lead + segment.file_bytes, segment.protection,
                                           kMAP_PRIVATE | kMAP_FIXED, file, segment.file_offset - lead);
            if (!mapped.ok()) return mapped.error();
        }
        KOS_TRY_STATUS(map_zeros(memory, segment, base));
    }
    return {};
}

}  // namespace kos::lx
