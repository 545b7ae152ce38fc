/*
 * See image_writer.h.
 */
#include "image_writer.h"

#include <cstring>

#include "elf_file.h"
#include "verify.h"

namespace kos::mkimage {
namespace {

using namespace kos::boot;

template <size_t kSize>
void copy_text(char (&field)[kSize], const std::string& text, const char* what) {
    if (text.size() >= kSize || text.find('\0') != std::string::npos) {
        throw Error(std::string(what) + " is longer than " + std::to_string(kSize - 1) + " characters");
    }
    std::memcpy(field, text.data(), text.size());
}

// File names may be long; the header's name is for messages only.
std::string short_name(const std::string& name) { return name.substr(0, sizeof(ImageEntry::name) - 1); }

size_t round_up(size_t size, size_t alignment) { return (size + alignment - 1) / alignment * alignment; }

// What the root task says that it checks by itself. A file that the loader would refuse is hashed as a whole.
Range deferred_range(const Buffer& root_task) {
    const Result<ElfFile> elf = check_elf(root_task, "root task", kRootTaskLimits);
    return elf.ok() ? elf.value().deferred : Range{};
}

void add_part(Buffer& image, PartType type, const std::string& name, const Buffer& part, ImageEntry& entry) {
    image.resize(round_up(image.size(), kImagePartAlignment));
    entry.type = static_cast<uint32_t>(type);
    entry.offset = image.size();
    entry.size = part.size();
    copy_text(entry.name, short_name(name), "name of a part");
    const Range deferred = type == PartType::kRootTask ? deferred_range(part) : Range{};
    entry.deferred_offset = deferred.offset;
    entry.deferred_size = deferred.size;
    hash_part(part, deferred, entry.hash);
    image.insert(image.end(), part.begin(), part.end());
}

// Signs the first `signed_size` bytes; the signature follows them.
void sign(Buffer& image, size_t signed_size, const SigningKey& key) {
    uint8_t signature[kSignatureBytes];
    key.sign(std::span(image).first(signed_size), signature);
    std::memcpy(image.data() + signed_size, signature, sizeof(signature));
}

}  // namespace

Buffer write_image(const ImageContents& contents, const SigningKey& key) {
    constexpr uint32_t kEntryCount = 2;
    ImageHeader header{};
    ImageEntry entries[kEntryCount]{};
    constexpr size_t kSignedSize = sizeof(header) + sizeof(entries);

    Buffer image(kSignedSize + kSignatureBytes);
    add_part(image, PartType::kKernel, contents.kernel_name, contents.kernel, entries[0]);
    add_part(image, PartType::kRootTask, contents.root_task_name, contents.root_task, entries[1]);
    image.resize(round_up(image.size() + sizeof(kImageEndMark), kImagePartAlignment));
    std::memcpy(image.data() + image.size() - sizeof(kImageEndMark), &kImageEndMark, sizeof(kImageEndMark));

    header.magic = kImageMagic;
    header.version = kImageVersion;
    header.header_size = kSignedSize + kSignatureBytes;
    header.image_size = image.size();
    header.slot = static_cast<uint32_t>(contents.slot);
    header.core_count = contents.core_count;
    header.entry_count = kEntryCount;
    std::memcpy(header.signer, key.public_key(), sizeof(header.signer));
    copy_text(header.bootargs, contents.bootargs, "--bootargs");
    std::memcpy(image.data(), &header, sizeof(header));
    std::memcpy(image.data() + sizeof(header), entries, sizeof(entries));

    sign(image, kSignedSize, key);
    return image;
}

Buffer sign_again(const Buffer& image, const SigningKey& key) {
    ImageHeader header{};
    if (image.size() < sizeof(header)) {
        throw Error("boot image is truncated");
    }
    std::memcpy(&header, image.data(), sizeof(header));
    if (header.header_size > image.size() || header.header_size < sizeof(header) + kSignatureBytes) {
        throw Error("boot image has no place for a signature: header of " + std::to_string(header.header_size) +
                    " bytes");
    }
    Buffer result = image;
    std::memcpy(result.data() + offsetof(ImageHeader, signer), key.public_key(), kPublicKeyBytes);
    sign(result, header.header_size - kSignatureBytes, key);
    return result;
}

}  // namespace kos::mkimage
