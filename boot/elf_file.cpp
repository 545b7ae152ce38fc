/*
 * See elf_file.h.
 */
#include "elf_file.h"

#include <elf.h>
#include <string.h>

namespace kos::boot {
namespace {

// In static memory: failures keep a pointer to it.
constexpr char kKernel[] = "kernel";

constexpr uint64_t page_down(uint64_t address) { return address & ~(kPageBytes - 1); }
constexpr uint64_t page_up(uint64_t address) { return page_down(address + kPageBytes - 1); }

Status check_header(Bytes file, const char* subject, const Elf64_Ehdr& header) {
    uint32_t magic = 0;
    uint32_t expected_magic = 0;
    memcpy(&magic, header.e_ident, sizeof(magic));
    memcpy(&expected_magic, ELFMAG, sizeof(expected_magic));
    if (magic != expected_magic) {
        return Failure{BootError::kElfMagic, subject, magic, expected_magic};
    }
    const uint64_t layout = header.e_ident[EI_CLASS] | header.e_ident[EI_DATA] << 8 | header.e_ident[EI_VERSION] << 16;
    const uint64_t expected_layout = ELFCLASS64 | ELFDATA2LSB << 8 | EV_CURRENT << 16;
    if (layout != expected_layout) {
        return Failure{BootError::kElfClass, subject, layout, expected_layout};
    }
    if (header.e_machine != EM_AARCH64) {
        return Failure{BootError::kElfMachine, subject, header.e_machine, EM_AARCH64};
    }
    if (header.e_type != ET_EXEC) {
        return Failure{BootError::kElfType, subject, header.e_type, ET_EXEC};
    }
    const uint64_t table_size = uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
    if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > file.size() ||
        table_size > file.size() - header.e_phoff) {
        return Failure{BootError::kElfProgramHeaders, subject, header.e_phoff, file.size()};
    }
    return kOk;
}

Result<ElfSegment> check_segment(Bytes file, const char* subject, AddressLimits limits, const Elf64_Phdr& program) {
    if (program.p_filesz > program.p_memsz) {
        return Failure{BootError::kElfSegmentSize, subject, program.p_filesz, program.p_memsz};
    }
    if (program.p_offset > file.size() || program.p_filesz > file.size() - program.p_offset) {
        return Failure{BootError::kElfSegmentFileBounds, subject, program.p_offset + program.p_filesz, file.size()};
    }
    if (program.p_vaddr < limits.start || program.p_vaddr > limits.end ||
        program.p_memsz > limits.end - program.p_vaddr || program.p_paddr + program.p_memsz < program.p_paddr) {
        return Failure{BootError::kElfSegmentAddress, subject, program.p_vaddr, program.p_memsz};
    }
    ElfSegment segment;
    segment.virtual_address = program.p_vaddr;
    segment.physical_address = program.p_paddr;
    segment.memory_size = program.p_memsz;
    segment.contents = file.subspan(program.p_offset, program.p_filesz);
    segment.writable = (program.p_flags & PF_W) != 0;
    segment.executable = (program.p_flags & PF_X) != 0;
    return segment;
}

Status check_overlap(const ElfFile& elf, const char* subject, const ElfSegment& segment) {
    for (uint32_t i = 0; i < elf.segment_count; ++i) {
        const ElfSegment& other = elf.segments[i];
        if (segment.virtual_address < other.virtual_address + other.memory_size &&
            other.virtual_address < segment.virtual_address + segment.memory_size) {
            return Failure{BootError::kElfSegmentOverlap, subject, segment.virtual_address,
                           other.virtual_address + other.memory_size};
        }
    }
    return kOk;
}

Status check_deferred_range(Bytes file, const char* subject, const ElfFile& elf) {
    const Range& range = elf.deferred;
    const Failure failure{BootError::kElfDeferred, subject, range.offset, range.size};
    if (range.offset % kPageBytes != 0 || range.size % kPageBytes != 0 || range.size == 0 ||
        range.offset > file.size() || range.size > file.size() - range.offset) {
        return failure;
    }
    for (uint32_t i = 0; i < elf.segment_count; ++i) {
        const ElfSegment& segment = elf.segments[i];
        const auto start = static_cast<uint64_t>(segment.contents.data() - file.data());
        const uint64_t end = start + segment.contents.size();
        if (range.offset >= end || range.offset + range.size <= start) {
            continue;
        }
        const bool inside = range.offset >= start && range.offset + range.size <= end;
        if (!inside || segment.writable || segment.executable) {
            return failure;
        }
    }
    return kOk;
}

bool entry_is_executable(const ElfFile& elf) {
    for (uint32_t i = 0; i < elf.segment_count; ++i) {
        const ElfSegment& segment = elf.segments[i];
        if (segment.executable && elf.entry >= segment.virtual_address &&
            elf.entry - segment.virtual_address < segment.memory_size) {
            return true;
        }
    }
    return false;
}

}  // namespace

uint64_t ElfFile::virtual_start() const {
    uint64_t start = UINT64_MAX;
    for (uint32_t i = 0; i < segment_count; ++i) {
        start = segments[i].virtual_address < start ? segments[i].virtual_address : start;
    }
    return page_down(start);
}

uint64_t ElfFile::virtual_end() const {
    uint64_t end = 0;
    for (uint32_t i = 0; i < segment_count; ++i) {
        const uint64_t segment_end = segments[i].virtual_address + segments[i].memory_size;
        end = segment_end > end ? segment_end : end;
    }
    return page_up(end);
}

Result<ElfFile> check_elf(Bytes file, const char* subject, AddressLimits limits) {
    Elf64_Ehdr header;
    if (file.size() < sizeof(header)) {
        return Failure{BootError::kElfTruncated, subject, file.size(), sizeof(header)};
    }
    memcpy(&header, file.data(), sizeof(header));
    KOS_BOOT_TRY(check_header(file, subject, header));

    ElfFile elf;
    elf.entry = header.e_entry;
    for (uint32_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr program;
        memcpy(&program, file.data() + header.e_phoff + i * sizeof(program), sizeof(program));
        if (program.p_type == kElfDeferredType) {
            elf.deferred = {program.p_offset, program.p_filesz};
            continue;
        }
        if (program.p_type != PT_LOAD || program.p_memsz == 0) {
            continue;
        }
        if (elf.segment_count == kElfMaxSegments) {
            return Failure{BootError::kElfTooManySegments, subject, kElfMaxSegments + 1, kElfMaxSegments};
        }
        const Result<ElfSegment> segment = check_segment(file, subject, limits, program);
        KOS_BOOT_TRY(segment);
        KOS_BOOT_TRY(check_overlap(elf, subject, segment.value()));
        elf.segments[elf.segment_count++] = segment.value();
    }
    if (elf.segment_count == 0) {
        return Failure{BootError::kElfNoSegments, subject};
    }
    if (!entry_is_executable(elf)) {
        return Failure{BootError::kElfEntry, subject, elf.entry};
    }
    if (!(elf.deferred == Range{})) {
        KOS_BOOT_TRY(check_deferred_range(file, subject, elf));
    }
    return elf;
}

Status check_deferred(const ElfFile& root_task, const Range& left_out) {
    if (left_out == Range{} || left_out == root_task.deferred) {
        return kOk;
    }
    return Failure{BootError::kElfDeferredOther, "root task", left_out.offset, root_task.deferred.offset};
}

Status check_kernel_base(const ElfFile& kernel, uint64_t virtual_base, uint64_t physical_base) {
    const uint64_t virtual_start = kernel.virtual_start();
    if (virtual_start != virtual_base) {
        return Failure{BootError::kKernelVirtualBase, kKernel, virtual_start, virtual_base};
    }
    const uint64_t offset = virtual_base - physical_base;
    for (uint32_t i = 0; i < kernel.segment_count; ++i) {
        const ElfSegment& segment = kernel.segments[i];
        const uint64_t segment_offset = segment.virtual_address - segment.physical_address;
        const bool first = segment.virtual_address - virtual_start < kPageBytes;
        if (first && segment_offset != offset) {
            return Failure{BootError::kKernelPhysicalBase, kKernel, virtual_start - segment_offset, physical_base};
        }
        if (segment_offset != offset) {
            return Failure{BootError::kKernelOffset, kKernel, segment_offset, offset};
        }
    }
    const uint64_t size = kernel.virtual_end() - virtual_start;
    if (size > kKernelMaxBytes) {
        return Failure{BootError::kKernelTooLarge, kKernel, size, kKernelMaxBytes};
    }
    return kOk;
}

}  // namespace kos::boot
