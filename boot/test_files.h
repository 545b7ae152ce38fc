/*
 * Small ELF files and boot images for the host tests of the loader's checks, valid unless a test damages them.
 */
#ifndef KOS_BOOT_TEST_FILES_H_
#define KOS_BOOT_TEST_FILES_H_

#include <elf.h>
#include <sodium/crypto_sign_ed25519.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "image_format.h"
#include "verify.h"

namespace kos::boot::test {

using Buffer = std::vector<uint8_t>;

constexpr uint64_t kKernelVirtual = 0xffffff80'40000000;
constexpr uint64_t kKernelPhysical = 0x40000000;
constexpr uint64_t kRootVirtual = 0x400000;

template <typename T>
void put(Buffer& buffer, size_t offset, const T& value) {
    if (buffer.size() < offset + sizeof(value)) {
        buffer.resize(offset + sizeof(value));
    }
    std::memcpy(buffer.data() + offset, &value, sizeof(value));
}

struct ElfBuilder {
    Elf64_Ehdr header{};
    std::vector<Elf64_Phdr> programs;
    size_t file_size = 0x3000;

    ElfBuilder(uint64_t virtual_address, uint64_t physical_address) {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_EXEC;
        header.e_machine = EM_AARCH64;
        header.e_entry = virtual_address + 0x10;
        header.e_phoff = sizeof(header);
        header.e_phentsize = sizeof(Elf64_Phdr);
        add(virtual_address, physical_address, 0x1000, 0x1800, PF_R | PF_X);
    }

    Elf64_Phdr& add(uint64_t virtual_address, uint64_t physical_address, uint64_t in_file, uint64_t in_memory,
                    uint32_t flags) {
        Elf64_Phdr program{};
        program.p_type = PT_LOAD;
        program.p_flags = flags;
        program.p_offset = 0x1000;
        program.p_vaddr = virtual_address;
        program.p_paddr = physical_address;
        program.p_filesz = in_file;
        program.p_memsz = in_memory;
        return programs.emplace_back(program);
    }

    Buffer build() const {
        Buffer file(file_size, 0xaa);
        Elf64_Ehdr finished = header;
        if (finished.e_phnum == 0) {
            finished.e_phnum = static_cast<uint16_t>(programs.size());
        }
        put(file, 0, finished);
        for (size_t i = 0; i < programs.size(); ++i) {
            put(file, sizeof(header) + i * sizeof(Elf64_Phdr), programs[i]);
        }
        return file;
    }
};

inline Buffer kernel_file() { return ElfBuilder(kKernelVirtual, kKernelPhysical).build(); }
inline Buffer root_file() { return ElfBuilder(kRootVirtual, kRootVirtual).build(); }

struct KeyPair {
    uint8_t public_key[kPublicKeyBytes];
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];

    explicit KeyPair(uint8_t number) {
        const uint8_t seed[crypto_sign_ed25519_SEEDBYTES] = {number};
        crypto_sign_ed25519_seed_keypair(public_key, secret, seed);
    }
};

// An image whose header and entries can be changed before it is signed. Written here once more, and not with mkimage's
// writer: if both misread the format, a test should notice.
struct ImageBuilder {
    ImageHeader header{};
    std::vector<ImageEntry> entries;
    Buffer parts;
    uint64_t end_mark = kImageEndMark;

    ImageBuilder() {
        header.magic = kImageMagic;
        header.version = kImageVersion;
        header.core_count = 1;
        add(PartType::kKernel, "kernel.elf", kernel_file());
        add(PartType::kRootTask, "root.elf", root_file());
        header.entry_count = static_cast<uint32_t>(entries.size());
        header.header_size =
            static_cast<uint32_t>(sizeof(header) + entries.size() * sizeof(ImageEntry) + kSignatureBytes);
        header.image_size = 4096 + parts.size() + sizeof(end_mark);
    }

    void add(PartType type, const char* name, const Buffer& part) {
        ImageEntry entry{};
        entry.type = static_cast<uint32_t>(type);
        entry.offset = 4096 + parts.size();
        entry.size = part.size();
        std::strncpy(entry.name, name, sizeof(entry.name) - 1);
        hash_part(part, {entry.deferred_offset, entry.deferred_size}, entry.hash);
        entries.push_back(entry);
        parts.insert(parts.end(), part.begin(), part.end());
        parts.resize((parts.size() + 4095) / 4096 * 4096);
    }

    Buffer build(const KeyPair& key) const {
        Buffer image(4096);
        ImageHeader finished = header;
        std::memcpy(finished.signer, key.public_key, sizeof(finished.signer));
        put(image, 0, finished);
        for (size_t i = 0; i < entries.size(); ++i) {
            put(image, sizeof(header) + i * sizeof(ImageEntry), entries[i]);
        }
        const size_t signed_size = sizeof(header) + entries.size() * sizeof(ImageEntry);
        uint8_t signature[kSignatureBytes];
        crypto_sign_ed25519_detached(signature, nullptr, image.data(), signed_size, key.secret);
        put(image, signed_size, signature);
        image.insert(image.end(), parts.begin(), parts.end());
        put(image, image.size(), end_mark);
        return image;
    }
};

// The error of a result that must have failed; names what was found in the output of a failing test.
template <typename R>
int error_of(const R& result) {
    return result.ok() ? -1 : static_cast<int>(result.failure().error);
}

}  // namespace kos::boot::test

#define EXPECT_BOOT_ERROR(result, expected) \
    EXPECT_EQ(kos::boot::test::error_of(result), static_cast<int>(kos::boot::BootError::expected))
#define ASSERT_BOOT_OK(result)                                 \
    do {                                                       \
        char kos_line[kos::boot::kFailureLineBytes] = "";      \
        if (!(result).ok()) {                                  \
            kos::boot::describe((result).failure(), kos_line); \
        }                                                      \
        ASSERT_TRUE((result).ok()) << kos_line;                \
    } while (false)

#endif
