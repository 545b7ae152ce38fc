// For the tests of what root reads: a program, and a bundle of a manifest, its signature and that program.
#pragma once

#include "bundle_file.h"
#include "program_file.h"

#include <sodium.h>

#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace root::test {

using Buffer = std::vector<uint8_t>;

// An ELF file with a page of code at 0x400000 and data with zeros behind them at 0x401000, to be changed before use.
struct ElfFile {
    ElfFile() {
        std::memcpy(header.e_ident, "\177ELF\2\1\1", 7);
        header.e_type = ET_EXEC;
        header.e_machine = EM_AARCH64;
        header.e_entry = 0x400000;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Segment);
        Segment code{};
        code.p_type = PT_LOAD;
        code.p_flags = PF_R | PF_X;
        code.p_offset = 0x1000;
        code.p_vaddr = 0x400000;
        code.p_filesz = code.p_memsz = 0x800;
        Segment data = code;
        data.p_flags = PF_R | PF_W;
        data.p_offset = 0x2000;
        data.p_vaddr = 0x401000;
        data.p_filesz = 0x10;
        data.p_memsz = 0x4000;
        segments = {code, data};
    }
    Buffer file() const {
        Buffer result(bytes);
        Elf64_Ehdr written = header;
        written.e_phnum = static_cast<uint16_t>(segments.size());
        std::memcpy(result.data(), &written, sizeof written);
        std::memcpy(result.data() + sizeof written, segments.data(), segments.size() * sizeof(Segment));
        const uint32_t svc = 0xd4000001;
        std::memcpy(result.data() + 0x1000, &svc, sizeof svc);
        return result;
    }
    Segment& code() { return segments[0]; }
    Segment& data() { return segments[1]; }

    Elf64_Ehdr header{};
    std::vector<Segment> segments;
    size_t bytes = 0x2010;
};

inline Program program_of(const Buffer& file) { return {file.data(), file.size()}; }

// Memory with a bundle: aligned to a page, exactly as large, all that there is to be read.
class Memory {
public:
    explicit Memory(size_t bytes) : bytes_(bytes), base_(static_cast<uint8_t*>(::operator new(bytes, kAlign))) {
        std::memset(base_, 0, bytes);
        readable_begin() = base_;
        readable_end() = base_ + bytes;
    }
    ~Memory() { ::operator delete(base_, kAlign); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    uint8_t* data() { return base_; }
    size_t size() const { return bytes_; }
    // For BundleFile: the memory made last, by whole pages as the kernel maps it.
    static bool is_readable(const void* address) {
        const auto* const byte = static_cast<const uint8_t*>(address);
        return byte >= readable_begin() && byte < readable_end();
    }

private:
    static constexpr std::align_val_t kAlign{kos::bundle::kAlignment};
    static uint8_t*& readable_begin() {
        static uint8_t* begin;
        return begin;
    }
    static uint8_t*& readable_end() {
        static uint8_t* end;
        return end;
    }
    size_t bytes_;
    uint8_t* base_;
};

struct Key {
    Key() {
        const uint8_t seed[crypto_sign_SEEDBYTES] = {1};
        crypto_sign_seed_keypair(public_key, secret, seed);
    }
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

// What is_signed() wants in one piece.
inline Buffer signed_message(const uint8_t* manifest, size_t bytes) {
    Buffer message(sizeof kos::bundle::kSignatureContext + bytes);
    std::memcpy(message.data(), kos::bundle::kSignatureContext, sizeof kos::bundle::kSignatureContext);
    std::memcpy(message.data() + sizeof kos::bundle::kSignatureContext, manifest, bytes);
    return message;
}

inline Buffer bundle_of(const Buffer& manifest, const Buffer& program, const Key& key) {
    using namespace kos::bundle;
    Signature signature{};
    std::memcpy(signature.public_key, key.public_key, sizeof key.public_key);
    const Buffer message = signed_message(manifest.data(), manifest.size());
    crypto_sign_detached(signature.signature, nullptr, message.data(), message.size(), key.secret);
    const auto* const bytes = reinterpret_cast<const uint8_t*>(&signature);
    const Buffer parts[] = {manifest, Buffer(bytes, bytes + sizeof signature), program};
    Header header{};
    header.magic = kMagic;
    header.version = kVersion;
    header.entry_count = 3;
    Buffer result(kAlignment);
    for (uint32_t i = 0; i < 3; ++i) {
        Entry entry{};
        entry.kind = i + 1;
        entry.offset = result.size();
        entry.size_bytes = parts[i].size();
        crypto_hash_sha256(entry.sha256, parts[i].data(), parts[i].size());
        std::memcpy(result.data() + sizeof header + i * sizeof entry, &entry, sizeof entry);
        result.insert(result.end(), parts[i].begin(), parts[i].end());
        result.resize((result.size() + kAlignment - 1) / kAlignment * kAlignment);
    }
    header.size_bytes = result.size();
    std::memcpy(result.data(), &header, sizeof header);
    return result;
}

}  // namespace root::test
