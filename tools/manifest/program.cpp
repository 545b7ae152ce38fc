// See program.h.
#include "program.h"

#include <elf.h>
#include <kos/abi.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "bundle.h"
#include "elf_file.h"
#include "failure.h"
#include "files.h"

namespace kos::compiler {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kPage = KOS_PAGE_BYTES;
constexpr uint64_t kStart = 0x10000;   // below: nothing, so that null pointers fault
constexpr uint64_t kEnd = 0x10000000;  // root maps everything else above
constexpr uint64_t kMaxProgramBytes = 32 << 20;

uint64_t page_down(uint64_t address) { return address / kPage * kPage; }
uint64_t page_up(uint64_t address) { return page_down(address + kPage - 1); }

std::string hex(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

// Precondition: check_elf() has accepted the file.
ProgramMistake check_headers(const Program& program) {
    Elf64_Ehdr header;
    std::memcpy(&header, program.contents.data(), sizeof(header));
    for (uint32_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        std::memcpy(&segment, program.contents.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type == PT_INTERP || segment.p_type == PT_DYNAMIC) {
            return {"the program is dynamically linked", "a static one"};
        }
        if (segment.p_type == PT_TLS && segment.p_memsz) {
            const bool inside = segment.p_offset <= program.contents.size() &&
                                segment.p_filesz <= program.contents.size() - segment.p_offset &&
                                segment.p_filesz <= segment.p_memsz && segment.p_memsz <= kPage &&
                                segment.p_align <= kPage && segment.p_vaddr >= program.start &&
                                segment.p_vaddr <= program.end && segment.p_filesz <= program.end - segment.p_vaddr;
            if (!inside) {
                return {"the thread-local data has " + std::to_string(segment.p_memsz) + " bytes at " +
                            hex(segment.p_vaddr),
                        "at most a page, inside the program"};
            }
        }
        if (segment.p_type == PT_LOAD && segment.p_memsz != 0 &&
            (segment.p_vaddr % kPage != 0 || (segment.p_filesz != 0 && segment.p_offset % kPage != 0))) {
            return {"a segment begins at " + hex(segment.p_vaddr) + " (offset " + hex(segment.p_offset) + ")",
                    "segments that begin at a page"};
        }
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0 && (segment.p_flags & PF_X) != 0) {
            return {"the segment at " + hex(segment.p_vaddr) + " is writable and executable", "one or the other"};
        }
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0 && segment.p_memsz != segment.p_filesz) {
            return {"the read-only segment at " + hex(segment.p_vaddr) + " has zeroed memory",
                    "none behind its contents"};
        }
    }
    return {};
}

// Cuts off what root does not load, symbols and debug information above all: the loader and root hash all that is left
// on every boot. Precondition: check_headers() has accepted the file.
void strip(Program& program) {
    Elf64_Ehdr header;
    std::memcpy(&header, program.contents.data(), sizeof(header));
    uint64_t end = header.e_phoff + uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
    for (uint32_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        std::memcpy(&segment, program.contents.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type == PT_LOAD || segment.p_type == PT_TLS) {
            end = std::max(end, segment.p_offset + segment.p_filesz);
        }
    }
    header.e_shoff = 0;
    header.e_shnum = header.e_shstrndx = 0;
    std::memcpy(program.contents.data(), &header, sizeof(header));
    program.contents.resize(std::min<uint64_t>(end, program.contents.size()));
}

// The first of the folders that has the file; empty: none.
std::string find_file(const std::vector<std::string>& folders, const std::string& name) {
    for (const std::string& folder : folders) {
        std::error_code code;
        const fs::path candidate = (fs::path(folder) / name).lexically_normal();
        if (fs::is_regular_file(candidate, code)) {
            return candidate.string();
        }
    }
    return "";
}

}  // namespace

ProgramMistake check_program(Program& program) {
    if (program.contents.size() > kMaxProgramBytes) {
        return {"the program has " + std::to_string(program.contents.size()) + " bytes",
                "at most " + std::to_string(kMaxProgramBytes)};
    }
    const auto elf = boot::check_elf(program.contents, "program", {kStart, kEnd});
    if (!elf.ok()) {
        char line[boot::kFailureLineBytes];
        boot::describe(elf.failure(), line);
        return {line, "a static AArch64 ELF file from " + hex(kStart) + " to " + hex(kEnd)};
    }
    program.start = elf.value().virtual_start();
    program.end = elf.value().virtual_end();
    if (const ProgramMistake mistake = check_headers(program); !mistake.found.empty()) {
        return mistake;
    }
    for (uint32_t i = 0; i < elf.value().segment_count; ++i) {
        const boot::ElfSegment& segment = elf.value().segments[i];
        const uint64_t bytes =
            page_up(segment.virtual_address + segment.memory_size) - page_down(segment.virtual_address);
        for (uint32_t k = 0; k < i; ++k) {
            const boot::ElfSegment& other = elf.value().segments[k];
            if (segment.virtual_address < page_up(other.virtual_address + other.memory_size) &&
                other.virtual_address < page_up(segment.virtual_address + segment.memory_size)) {
                return {"the segments at " + hex(other.virtual_address) + " and " + hex(segment.virtual_address) +
                            " share a page",
                        "pages of their own"};
            }
        }
        (segment.writable ? program.writable_bytes : program.read_only_bytes) += bytes;
    }
    strip(program);
    crypto_hash_sha256(program.sha256.data(), program.contents.data(), program.contents.size());
    return {};
}

void load_programs(System& system, const Folders& folders, Diagnostics& diagnostics) {
    for (Domain& domain : system.domains) {
        if (domain.binary.value.empty()) {
            continue;  // reported
        }
        std::vector<std::string> searched = {domain.folder};
        searched.insert(searched.end(), folders.programs.begin(), folders.programs.end());
        const std::string path = find_file(searched, domain.binary.value);
        if (path.empty()) {
            diagnostics.error(domain.binary.place, "there is no program " + in_quotes(domain.binary.value),
                              "a file in " + joined(searched));
            continue;
        }
        Program program;
        program.path = path;
        try {
            program.contents = tools::read_file(path);
        } catch (const tools::Error& error) {
            diagnostics.error(domain.binary.place, error.what(), "a program");
            continue;
        }
        if (const ProgramMistake mistake = check_program(program); !mistake.found.empty()) {
            diagnostics.error(domain.binary.place, domain.binary.value + ": " + mistake.found, mistake.expected);
            continue;
        }
        domain.program = std::move(program);
    }
}

void load_images(System& system, const Folders& folders, Diagnostics& diagnostics) {
    for (Domain& domain : system.domains) {
        std::vector<std::string> searched = {domain.folder};
        searched.insert(searched.end(), folders.images.begin(), folders.images.end());
        for (ImageFile& image : domain.images) {
            image.path = find_file(searched, image.file.value);
            if (image.path.empty()) {
                diagnostics.error(image.file.place, "there is no image " + in_quotes(image.file.value),
                                  "a file in " + joined(searched));
                continue;
            }
            try {
                image.contents = tools::read_file(image.path);
            } catch (const tools::Error& error) {
                diagnostics.error(image.file.place, error.what(), "a file");
                continue;
            }
            if (image.contents.empty()) {
                diagnostics.error(image.file.place, "the image " + in_quotes(image.file.value) + " is empty",
                                  "a file with contents");
            }
            hash_image(image);
        }
    }
}

}  // namespace kos::compiler
