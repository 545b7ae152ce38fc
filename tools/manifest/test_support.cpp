// See test_support.h.
#include "test_support.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "bundle_format.h"

namespace kos::compiler::test {

namespace fs = std::filesystem;

Workplace::Workplace() : before_(fs::current_path().string()) {
    std::string name = testing::TempDir() + "kos-manifest.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("cannot create " + name);
    }
    folder_ = name;
    fs::current_path(folder_);
}

Workplace::~Workplace() {
    fs::current_path(before_);
    fs::remove_all(folder_);
}

void put_file(const std::string& name, const tools::Buffer& contents) {
    if (const fs::path folder = fs::path(name).parent_path(); !folder.empty()) {
        fs::create_directories(folder);
    }
    tools::write_file(name, contents);
}

void put_file(const std::string& name, const std::string& text) {
    put_file(name, tools::Buffer(text.begin(), text.end()));
}

std::string text_of(const std::string& file) {
    const tools::Buffer contents = tools::read_file(file);
    return {contents.begin(), contents.end()};
}

Folders folders() { return {{"core"}, {"programs"}, {}, {}}; }

tools::Buffer ElfParts::file() const {
    tools::Buffer result(bytes, 0xd5);
    Elf64_Ehdr written = header;
    written.e_phnum = static_cast<uint16_t>(segments.size());
    if (!symbols.empty()) {
        std::string names(1, '\0');
        std::vector<Elf64_Sym> table(1);
        for (const auto& [name, value] : symbols) {
            Elf64_Sym symbol{};
            symbol.st_name = static_cast<uint32_t>(names.size());
            symbol.st_shndx = SHN_ABS;
            symbol.st_value = value;
            table.push_back(symbol);
            names += name + '\0';
        }
        Elf64_Shdr sections[3]{};
        const auto append = [&](const void* data, size_t size) {
            const auto* from = static_cast<const uint8_t*>(data);
            const size_t at = result.size();
            result.insert(result.end(), from, from + size);
            return at;
        };
        sections[1].sh_type = SHT_SYMTAB;
        sections[1].sh_link = 2;
        sections[1].sh_size = table.size() * sizeof(Elf64_Sym);
        sections[1].sh_offset = append(table.data(), sections[1].sh_size);
        sections[2].sh_type = SHT_STRTAB;
        sections[2].sh_size = names.size();
        sections[2].sh_offset = append(names.data(), names.size());
        written.e_shentsize = sizeof(Elf64_Shdr);
        written.e_shnum = 3;
        written.e_shoff = append(sections, sizeof(sections));
    }
    std::memcpy(result.data(), &written, std::min(sizeof(written), result.size()));
    for (size_t i = 0; i < segments.size(); ++i) {
        const size_t at = sizeof(written) + i * sizeof(Elf64_Phdr);
        if (at + sizeof(Elf64_Phdr) <= result.size()) {
            std::memcpy(result.data() + at, &segments[i], sizeof(Elf64_Phdr));
        }
    }
    return result;
}

ElfParts good_elf() {
    ElfParts elf;
    std::memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
    elf.header.e_ident[EI_CLASS] = ELFCLASS64;
    elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
    elf.header.e_ident[EI_VERSION] = EV_CURRENT;
    elf.header.e_type = ET_EXEC;
    elf.header.e_machine = EM_AARCH64;
    elf.header.e_version = EV_CURRENT;
    elf.header.e_entry = 0x400000;
    elf.header.e_phoff = sizeof(Elf64_Ehdr);
    elf.header.e_phentsize = sizeof(Elf64_Phdr);
    Elf64_Phdr code{};
    code.p_type = PT_LOAD;
    code.p_flags = PF_R | PF_X;
    code.p_offset = 0x1000;
    code.p_vaddr = code.p_paddr = 0x400000;
    code.p_filesz = code.p_memsz = 0x800;
    code.p_align = 0x1000;
    Elf64_Phdr data = code;
    data.p_flags = PF_R | PF_W;
    data.p_offset = 0x2000;
    data.p_vaddr = data.p_paddr = 0x401000;
    data.p_filesz = 0x10;
    data.p_memsz = 0x4000;
    elf.segments = {code, data};
    return elf;
}

ElfParts program_elf(const std::string& mistake) {
    ElfParts elf = good_elf();
    Elf64_Phdr& code = elf.segments[0];
    Elf64_Phdr& data = elf.segments[1];
    if (mistake == "truncated") {
        elf.bytes = 40;
    } else if (mistake == "x86") {
        elf.header.e_machine = EM_X86_64;
    } else if (mistake == "position_independent") {
        elf.header.e_type = ET_DYN;
    } else if (mistake == "dynamic") {
        Elf64_Phdr dynamic = code;
        dynamic.p_type = PT_DYNAMIC;
        elf.segments.push_back(dynamic);
    } else if (mistake == "writable_code") {
        code.p_flags |= PF_W;
    } else if (mistake == "unaligned") {
        data.p_vaddr += 0x100;
        data.p_paddr += 0x100;
        data.p_offset += 0x100;
    } else if (mistake == "shared_page") {
        data.p_vaddr = data.p_paddr = 0x400000;
        data.p_memsz = data.p_filesz = 0;
        code.p_filesz = code.p_memsz = 0x1001;
        Elf64_Phdr second = code;
        second.p_vaddr = second.p_paddr = 0x402000;
        second.p_filesz = second.p_memsz = 0x10;
        Elf64_Phdr first = code;
        first.p_memsz = first.p_filesz = 0x1800;
        second.p_vaddr = second.p_paddr = 0x401800;
        elf.segments = {first, second};
    } else if (mistake == "read_only_zeros") {
        data.p_flags = PF_R;
    } else if (mistake == "too_high") {
        data.p_vaddr = data.p_paddr = 0x10000000;
    } else if (mistake == "no_entry") {
        elf.header.e_entry = 0x401000;
    } else if (mistake == "large_tls") {
        Elf64_Phdr tls = data;
        tls.p_type = PT_TLS;
        tls.p_memsz = 0x2000;
        elf.segments.push_back(tls);
    } else if (mistake == "large_data") {
        data.p_memsz = 0x80000;
    } else if (mistake != "good") {
        throw std::runtime_error("no such program: " + mistake);
    }
    return elf;
}

ElfParts root_elf() {
    ElfParts elf = good_elf();
    elf.symbols = {{bundle::kKeySymbol, kRootKey},
                   {bundle::kKeyIsDevelopmentSymbol, kRootKey + 32},
                   {bundle::kStartSymbol, kRootEnd}};
    return elf;
}

}  // namespace kos::compiler::test
