// See bundle.h.
#include "bundle.h"

#include <elf.h>
#include <kos/manifest/manifest.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include "bundle_format.h"
#include "elf_file.h"
#include "failure.h"

namespace kos::compiler {
namespace {

using tools::Buffer;
using tools::Error;
using tools::SigningKey;

constexpr uint64_t kPage = bundle::kAlignment;
uint64_t page_up(uint64_t value) { return (value + kPage - 1) / kPage * kPage; }

std::string hex(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

Buffer signed_text(std::span<const uint8_t> manifest) {
    Buffer text(bundle::kSignatureContext, bundle::kSignatureContext + sizeof(bundle::kSignatureContext));
    text.insert(text.end(), manifest.begin(), manifest.end());
    return text;
}

bundle::Signature sign(std::span<const uint8_t> manifest, const SigningKey& key, bool is_development) {
    bundle::Signature signature{};
    std::copy(std::begin(key.public_key()), std::end(key.public_key()), signature.public_key);
    key.sign(signed_text(manifest), signature.signature);
    signature.flags = is_development ? bundle::kSignatureDevelopment : 0;
    return signature;
}

void append(Buffer& to, const void* data, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    to.insert(to.end(), bytes, bytes + size);
}

bundle::Entry entry_for(bundle::Kind kind, const std::string& name, std::span<const uint8_t> file) {
    bundle::Entry entry{};
    entry.kind = static_cast<uint32_t>(kind);
    entry.size_bytes = file.size();
    std::copy_n(name.begin(), std::min(name.size(), sizeof(entry.name) - 1), entry.name);
    crypto_hash_sha256(entry.sha256, file.data(), file.size());
    return entry;
}

// The program headers and symbols of an ELF file whose headers boot::check_elf() has accepted.
class ElfImage {
public:
    explicit ElfImage(const Buffer& file) : file_(file) {
        const auto checked = boot::check_elf(file_, "root", boot::kRootTaskLimits);
        if (!checked.ok()) {
            char line[boot::kFailureLineBytes];
            boot::describe(checked.failure(), line);
            throw Error(line);
        }
        elf_ = checked.value();
        std::memcpy(&header_, file_.data(), sizeof(header_));
    }

    const Elf64_Ehdr& header() const { return header_; }
    uint64_t end() const { return elf_.virtual_end(); }
    Elf64_Phdr program(uint32_t index) const {
        Elf64_Phdr program;
        std::memcpy(&program, file_.data() + header_.e_phoff + index * sizeof(program), sizeof(program));
        return program;
    }

    // The address of a symbol; false if there is none of the name.
    bool find_symbol(const char* name, uint64_t& address) const {
        for (uint32_t i = 0; i < header_.e_shnum; ++i) {
            const Elf64_Shdr symbols = section(i);
            if (symbols.sh_type != SHT_SYMTAB || symbols.sh_link >= header_.e_shnum) {
                continue;
            }
            const Elf64_Shdr texts = section(symbols.sh_link);
            for (uint64_t k = 0; k < symbols.sh_size / sizeof(Elf64_Sym); ++k) {
                Elf64_Sym symbol;
                copy(symbols.sh_offset + k * sizeof(symbol), &symbol, sizeof(symbol));
                if (symbol.st_shndx != SHN_UNDEF && has_text(texts, symbol.st_name, name)) {
                    address = symbol.st_value;
                    return true;
                }
            }
        }
        return false;
    }

    // Where in the file the `size` bytes at `address` are.
    uint64_t file_offset(const char* what, uint64_t address, uint64_t size) const {
        for (uint32_t i = 0; i < header_.e_phnum; ++i) {
            const Elf64_Phdr segment = program(i);
            if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && size <= segment.p_filesz &&
                address - segment.p_vaddr <= segment.p_filesz - size) {
                return segment.p_offset + (address - segment.p_vaddr);
            }
        }
        throw Error(std::string("root: ") + what + " at " + hex(address) + " is not in the file (zeroed data?)");
    }

private:
    void copy(uint64_t offset, void* to, size_t size) const {
        if (offset > file_.size() || size > file_.size() - offset) {
            throw Error("root: ELF file is truncated");
        }
        std::memcpy(to, file_.data() + offset, size);
    }
    Elf64_Shdr section(uint32_t index) const {
        Elf64_Shdr result;
        copy(header_.e_shoff + uint64_t{index} * sizeof(result), &result, sizeof(result));
        return result;
    }
    bool has_text(const Elf64_Shdr& texts, uint64_t offset, const char* name) const {
        const size_t size = std::strlen(name) + 1;
        const uint64_t at = texts.sh_offset + offset;
        return offset <= texts.sh_size && at <= file_.size() && size <= file_.size() - at &&
               std::memcmp(file_.data() + at, name, size) == 0;
    }

    const Buffer& file_;
    boot::ElfFile elf_;
    Elf64_Ehdr header_{};
};

uint64_t key_offset(const ElfImage& elf, const char* symbol, uint64_t size) {
    uint64_t address = 0;
    if (!elf.find_symbol(symbol, address)) {
        throw Error(std::string("root: no symbol ") + symbol + ": not built from services/root, or stripped");
    }
    return elf.file_offset(symbol, address, size);
}

void put_key(Buffer& image, const SigningKey& key, bool is_development) {
    const ElfImage elf(image);
    const uint64_t at = key_offset(elf, bundle::kKeySymbol, sizeof(key.public_key()));
    const uint64_t flag_at = key_offset(elf, bundle::kKeyIsDevelopmentSymbol, 1);
    std::copy(std::begin(key.public_key()), std::end(key.public_key()), image.begin() + static_cast<ptrdiff_t>(at));
    image[flag_at] = is_development ? 1 : 0;
}

bundle::Header header_of(std::span<const uint8_t> bytes) {
    bundle::Header header;
    if (bytes.size() < sizeof(header)) {
        throw Error("bundle: truncated");
    }
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.magic != bundle::kMagic || header.version != bundle::kVersion) {
        throw Error("bundle: no bundle of version " + std::to_string(bundle::kVersion));
    }
    if (header.entry_count < 2 || header.entry_count > bundle::kMaxEntries || header.size_bytes != bytes.size()) {
        throw Error("bundle: header does not fit the segment");
    }
    return header;
}

struct File {
    bundle::Entry entry;
    std::span<const uint8_t> contents;
};

File file_of(std::span<const uint8_t> bytes, const bundle::Header& header, uint32_t index) {
    File file{};
    if (index >= header.entry_count || bytes.size() < sizeof(header) + (index + 1) * sizeof(file.entry)) {
        throw Error("bundle: truncated");
    }
    std::memcpy(&file.entry, bytes.data() + sizeof(header) + index * sizeof(file.entry), sizeof(file.entry));
    if (file.entry.offset % kPage != 0 || file.entry.offset > bytes.size() ||
        file.entry.size_bytes > bytes.size() - file.entry.offset) {
        throw Error("bundle: entry " + std::to_string(index) + " lies outside");
    }
    file.contents = bytes.subspan(file.entry.offset, file.entry.size_bytes);
    return file;
}

}  // namespace

void hash_image(ImageFile& image) {
    std::vector<uint8_t> padded = image.contents;
    padded.resize(page_up(padded.size()));
    const uint64_t pages = padded.size() / kPage, size = image.contents.size();
    image.page_hashes.resize(pages * bundle::kPageHashBytes);
    for (uint64_t i = 0; i < pages; ++i) {
        crypto_hash_sha256(image.page_hashes.data() + i * bundle::kPageHashBytes, padded.data() + i * kPage, kPage);
    }
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, reinterpret_cast<const uint8_t*>(&size), sizeof(size));
    crypto_hash_sha256_update(&state, image.page_hashes.data(), image.page_hashes.size());
    crypto_hash_sha256_final(&state, image.sha256.data());
}

Buffer make_bundle(std::span<const uint8_t> manifest, const System& system, const SigningKey& key,
                   bool is_development) {
    const bundle::Signature signature = sign(manifest, key, is_development);
    // By hash: the order does not depend on the names of apps.
    std::map<std::array<uint8_t, 32>, const Program*> programs;
    for (const Domain& domain : system.domains) {
        programs.emplace(domain.program->sha256, &*domain.program);
    }
    std::map<std::array<uint8_t, 32>, const ImageFile*> images;
    for (const Domain& domain : system.domains) {
        for (const ImageFile& image : domain.images) {
            images.emplace(image.sha256, &image);
        }
    }
    std::vector<bundle::Entry> entries;
    std::vector<std::span<const uint8_t>> files, page_hashes;
    const auto add = [&](bundle::Kind kind, const std::string& name, std::span<const uint8_t> file) {
        entries.push_back(entry_for(kind, name, file));
        files.push_back(file);
        page_hashes.push_back({});
    };
    add(bundle::Kind::kManifest, "manifest", manifest);
    add(bundle::Kind::kSignature, "signature", {reinterpret_cast<const uint8_t*>(&signature), sizeof(signature)});
    for (const auto& [hash, program] : programs) {
        add(bundle::Kind::kProgram, std::filesystem::path(program->path).stem().string(), program->contents);
    }
    for (const auto& [hash, image] : images) {
        add(bundle::Kind::kImage, std::filesystem::path(image->path).stem().string(), image->contents);
        std::copy(hash.begin(), hash.end(), entries.back().sha256);
        page_hashes.back() = image->page_hashes;
    }
    if (entries.size() > bundle::kMaxEntries) {
        throw Error("the bundle has " + std::to_string(entries.size()) + " files, at most " +
                    std::to_string(bundle::kMaxEntries) + " are expected");
    }

    bundle::Header header{};
    header.magic = bundle::kMagic;
    header.version = bundle::kVersion;
    header.entry_count = static_cast<uint32_t>(entries.size());
    uint64_t offset = page_up(sizeof(header) + entries.size() * sizeof(bundle::Entry));
    for (bundle::Entry& entry : entries) {
        entry.offset = offset;
        const bool is_image = entry.kind == static_cast<uint32_t>(bundle::Kind::kImage);
        offset += page_up(is_image ? bundle::image_bytes(entry.size_bytes) : entry.size_bytes);
    }
    header.size_bytes = offset;
    if (offset > bundle::kMaxBytes) {
        throw Error("the bundle has " + std::to_string(offset) + " bytes, at most " +
                    std::to_string(bundle::kMaxBytes) + " are expected");
    }
    Buffer result;
    result.reserve(offset);
    append(result, &header, sizeof(header));
    append(result, entries.data(), entries.size() * sizeof(bundle::Entry));
    for (size_t i = 0; i < entries.size(); ++i) {
        result.resize(entries[i].offset);
        append(result, files[i].data(), files[i].size());
        if (!page_hashes[i].empty()) {
            result.resize(page_up(result.size()));
            append(result, page_hashes[i].data(), page_hashes[i].size());
        }
    }
    result.resize(offset);
    return result;
}

// The range of images, which lie together behind everything else in the bundle: root checks each page before it gives
// it away, and their hashes against the manifest, so the loader need not (boot/elf_file.h).
Elf64_Phdr images_in(std::span<const uint8_t> bundle_bytes, uint64_t file_offset) {
    const bundle::Header header = header_of(bundle_bytes);
    Elf64_Phdr range{};
    range.p_type = boot::kElfDeferredType;
    for (uint32_t i = 0; i < header.entry_count; ++i) {
        const File file = file_of(bundle_bytes, header, i);
        if (file.entry.kind != static_cast<uint32_t>(bundle::Kind::kImage)) continue;
        if (range.p_filesz == 0) range.p_offset = file_offset + file.entry.offset;
        range.p_filesz =
            file_offset + file.entry.offset + page_up(bundle::image_bytes(file.entry.size_bytes)) - range.p_offset;
    }
    return range;
}

// The program headers move to the end of the file, because there need not be room for one more behind the ELF header.
// They are not part of a segment, so nothing that is loaded moves.
Buffer attach_bundle(const Buffer& root, std::span<const uint8_t> bundle_bytes, const SigningKey& key,
                     bool is_development) {
    const ElfImage elf(root);
    uint64_t start = 0;
    if (elf.find_symbol(bundle::kStartSymbol, start) && start != elf.end()) {
        throw Error(std::string("root: ") + bundle::kStartSymbol + " is " + hex(start) +
                    ", but its last segment ends at " + hex(elf.end()));
    }
    start = elf.end();
    uint64_t delta = 0;  // physical minus virtual, as the last segment has it
    for (uint32_t i = 0; i < elf.header().e_phnum; ++i) {
        const Elf64_Phdr segment = elf.program(i);
        if (segment.p_type == PT_LOAD && segment.p_memsz != 0) {
            delta = segment.p_paddr - segment.p_vaddr;
        }
    }
    Buffer image = root;
    image.resize(page_up(image.size()));
    Elf64_Phdr added{};
    added.p_type = PT_LOAD;
    added.p_flags = PF_R;
    added.p_offset = image.size();
    added.p_vaddr = start;
    added.p_paddr = start + delta;
    added.p_filesz = bundle_bytes.size();
    added.p_memsz = bundle_bytes.size();
    added.p_align = kPage;
    image.insert(image.end(), bundle_bytes.begin(), bundle_bytes.end());

    Elf64_Ehdr header = elf.header();
    const uint64_t table = image.size();
    for (uint32_t i = 0; i < header.e_phnum; ++i) {
        const Elf64_Phdr segment = elf.program(i);
        append(image, &segment, sizeof(segment));
    }
    uint16_t count = header.e_phnum;
    if (const Elf64_Phdr images = images_in(bundle_bytes, added.p_offset); images.p_filesz != 0) {
        append(image, &images, sizeof(images));
        ++count;
    }
    append(image, &added, sizeof(added));
    header.e_phoff = table;
    header.e_phnum = static_cast<uint16_t>(count + 1);
    std::memcpy(image.data(), &header, sizeof(header));
    put_key(image, key, is_development);
    verify_bundle(find_bundle(image), key_in_root(image));
    return image;
}

std::span<const uint8_t> find_bundle(const Buffer& image) {
    const ElfImage elf(image);
    const Elf64_Phdr last = elf.program(elf.header().e_phnum - 1u);
    uint64_t start = 0;
    const bool known = !elf.find_symbol(bundle::kStartSymbol, start) || start == last.p_vaddr;
    if (last.p_type != PT_LOAD || last.p_flags != PF_R || !known) {
        throw Error("not a system image: no bundle behind root");
    }
    return std::span<const uint8_t>(image).subspan(last.p_offset, last.p_filesz);
}

std::span<const uint8_t> key_in_root(const Buffer& image) {
    const ElfImage elf(image);
    return std::span<const uint8_t>(image).subspan(key_offset(elf, bundle::kKeySymbol, tools::kPublicKeyBytes),
                                                   tools::kPublicKeyBytes);
}

void verify_bundle(std::span<const uint8_t> bytes, std::span<const uint8_t> public_key) {
    const bundle::Header header = header_of(bytes);
    const File manifest = file_of(bytes, header, 0);
    const File signature_file = file_of(bytes, header, 1);
    bundle::Signature signature;
    if (manifest.entry.kind != static_cast<uint32_t>(bundle::Kind::kManifest) ||
        signature_file.entry.kind != static_cast<uint32_t>(bundle::Kind::kSignature) ||
        signature_file.contents.size() != sizeof(signature)) {
        throw Error("bundle: manifest and signature are not the first two entries");
    }
    std::memcpy(&signature, signature_file.contents.data(), sizeof(signature));
    if (!std::equal(public_key.begin(), public_key.end(), std::begin(signature.public_key),
                    std::end(signature.public_key))) {
        throw Error("bundle: signed by another key than root's");
    }
    const Buffer text = signed_text(manifest.contents);
    if (crypto_sign_ed25519_verify_detached(signature.signature, text.data(), text.size(), public_key.data()) != 0) {
        throw Error("bundle: the manifest's signature is wrong: altered");
    }
    for (uint32_t i = 0; i < header.entry_count; ++i) {
        const File file = file_of(bytes, header, i);
        uint8_t hash[32];
        if (file.entry.kind == static_cast<uint32_t>(bundle::Kind::kImage)) {
            ImageFile image;
            image.contents.assign(file.contents.begin(), file.contents.end());
            hash_image(image);
            const uint64_t at = file.entry.offset + page_up(file.entry.size_bytes);
            const bool has_list = at <= bytes.size() && image.page_hashes.size() <= bytes.size() - at &&
                                  std::equal(image.page_hashes.begin(), image.page_hashes.end(),
                                             bytes.begin() + static_cast<ptrdiff_t>(at));
            if (!has_list) {
                throw Error("bundle: entry " + std::to_string(i) + " does not have its pages' hashes: damaged");
            }
            std::copy(image.sha256.begin(), image.sha256.end(), hash);
        } else {
            crypto_hash_sha256(hash, file.contents.data(), file.contents.size());
        }
        if (std::memcmp(hash, file.entry.sha256, sizeof(hash)) != 0) {
            throw Error("bundle: entry " + std::to_string(i) + " does not have its hash: damaged");
        }
    }
}

namespace {

// Root would not start such a system.
void check_development(std::span<const uint8_t> tree) {
    const auto manifest = std::make_unique<manifest::Manifest>();
    if (!manifest::read(tree.data(), tree.size(), *manifest).ok()) {
        throw Error("the image's manifest is not one that root accepts");
    }
    for (const manifest::Domain& domain : manifest->domains) {
        if ((domain.rights & manifest::kRightDevelopment) == 0) continue;
        throw Error(std::string("the domain ") + domain.name +
                    " has the right \"development\"; expected an image without it (without core:devlink) to be signed");
    }
}

}  // namespace

Buffer sign_again(const Buffer& image, const SigningKey& key, bool is_development) {
    const std::span<const uint8_t> old = find_bundle(image);
    verify_bundle(old, key_in_root(image));
    const bundle::Header header = header_of(old);
    if (!is_development) check_development(file_of(old, header, 0).contents);
    const bundle::Signature signature = sign(file_of(old, header, 0).contents, key, is_development);
    const File file = file_of(old, header, 1);
    bundle::Entry entry = file.entry;
    crypto_hash_sha256(entry.sha256, reinterpret_cast<const uint8_t*>(&signature), sizeof(signature));

    Buffer result = image;
    uint8_t* const to = result.data() + (old.data() - image.data());
    std::memcpy(to + file.entry.offset, &signature, sizeof(signature));
    std::memcpy(to + sizeof(header) + sizeof(entry), &entry, sizeof(entry));
    put_key(result, key, is_development);
    verify_bundle(find_bundle(result), key_in_root(result));
    return result;
}

}  // namespace kos::compiler
