/*
 * See loader_file.h. The input comes from our own build; checks are there so that a wrong file is named as such.
 */
#include "loader_file.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace kos::mkimage {
namespace {

using namespace kos::boot;

// A loader and an image together; what fits the loader's window exactly is checked when it is known.
constexpr uint64_t kMaxBytes = 128 * 1024 * 1024;

template <typename T>
T read_at(const Buffer& file, uint64_t offset) {
    T value;
    if (offset > file.size() || sizeof(value) > file.size() - offset) {
        throw Error("loader: ELF file is truncated");
    }
    std::memcpy(&value, file.data() + offset, sizeof(value));
    return value;
}

void append(Buffer& file, const void* data, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    file.insert(file.end(), bytes, bytes + size);
}

}  // namespace

LoaderFile::LoaderFile(const Buffer& elf) {
    read_segments(elf);
    find_info();
}

void LoaderFile::read_segments(const Buffer& elf) {
    const auto header = read_at<Elf64_Ehdr>(elf, 0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_machine != EM_AARCH64 || header.e_phentsize != sizeof(Elf64_Phdr)) {
        throw Error("loader: not an AArch64 ELF file");
    }
    base_ = header.e_entry;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        const auto program = read_at<Elf64_Phdr>(elf, header.e_phoff + i * sizeof(Elf64_Phdr));
        if (program.p_type != PT_LOAD || program.p_memsz == 0) {
            continue;
        }
        if (program.p_filesz == 0) {
            zeroed_ = {program.p_paddr, program.p_memsz};
            continue;
        }
        if (program.p_paddr < base_ || program.p_paddr - base_ > kMaxBytes || program.p_filesz > kMaxBytes ||
            program.p_offset > elf.size() || program.p_filesz > elf.size() - program.p_offset) {
            throw Error("loader: unexpected segments");
        }
        const size_t offset = program.p_paddr - base_;
        memory_.resize(std::max(memory_.size(), offset + program.p_filesz));
        std::memcpy(memory_.data() + offset, elf.data() + program.p_offset, program.p_filesz);
    }
}

// By its magic number and not by its section, which the files that elf() writes do not have.
void LoaderFile::find_info() {
    bool found = false;
    for (size_t offset = 0; offset + sizeof(info_) <= memory_.size() && !found; offset += alignof(LoaderInfo)) {
        uint64_t magic = 0;
        std::memcpy(&magic, memory_.data() + offset, sizeof(magic));
        found = magic == kLoaderInfoMagic;
        info_offset_ = offset;
    }
    if (!found) {
        throw Error("loader: no information block: not built from boot/");
    }
    std::memcpy(&info_, memory_.data() + info_offset_, sizeof(info_));
    if (info_.version != kLoaderInfoVersion || info_.link_base != base_ || info_.image_address < base_ ||
        info_.image_address - base_ > kMaxBytes || info_.image_limit < info_.image_address) {
        throw Error("loader: information block does not fit this mkimage");
    }
}

Buffer LoaderFile::image() const {
    const uint64_t start = info_.image_address - base_;
    if (info_.image_size == 0 || start > memory_.size() || info_.image_size > memory_.size() - start) {
        throw Error("loader: no image attached");
    }
    const auto first = memory_.begin() + static_cast<ptrdiff_t>(start);
    return Buffer(first, first + static_cast<ptrdiff_t>(info_.image_size));
}

void LoaderFile::attach(std::span<const uint8_t> image, const uint8_t (&public_key)[kPublicKeyBytes],
                        bool development) {
    const uint64_t capacity = info_.image_limit - info_.image_address;
    if (image.size() > capacity) {
        throw Error("boot image of " + std::to_string(image.size()) + " bytes is too large, the loader has room for " +
                    std::to_string(capacity));
    }
    info_.flags = development ? kLoaderInfoDevelopmentKey : 0;
    info_.image_size = image.size();
    std::memcpy(info_.public_key, public_key, sizeof(info_.public_key));
    std::memcpy(memory_.data() + info_offset_, &info_, sizeof(info_));
    memory_.resize(info_.image_address - base_);
    memory_.insert(memory_.end(), image.begin(), image.end());
}

Buffer LoaderFile::elf() const {
    constexpr uint64_t kDataOffset = 4096;
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_AARCH64;
    header.e_version = EV_CURRENT;
    header.e_entry = base_;
    header.e_phoff = sizeof(header);
    header.e_ehsize = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;

    Elf64_Phdr programs[2]{};
    programs[0].p_type = PT_LOAD;
    programs[0].p_flags = PF_R | PF_W | PF_X;
    programs[0].p_offset = kDataOffset;
    programs[0].p_vaddr = base_;
    programs[0].p_paddr = base_;
    programs[0].p_filesz = memory_.size();
    programs[0].p_memsz = memory_.size();
    programs[0].p_align = kDataOffset;
    programs[1].p_type = PT_LOAD;
    programs[1].p_flags = PF_R | PF_W;
    programs[1].p_vaddr = zeroed_.address;
    programs[1].p_paddr = zeroed_.address;
    programs[1].p_memsz = zeroed_.size;
    programs[1].p_align = kDataOffset;

    Buffer file;
    append(file, &header, sizeof(header));
    append(file, programs, sizeof(programs));
    file.resize(kDataOffset);
    append(file, memory_.data(), memory_.size());
    return file;
}

}  // namespace kos::mkimage
