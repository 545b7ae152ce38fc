/*
 * See image.h. The header is copied once to the stack and only the copy is used.
 */
#include "image.h"

#include <string.h>

namespace kos::boot {
namespace {

constexpr char kSubject[] = "boot image";

Failure image_failure(BootError error, uint64_t found = 0, uint64_t expected = 0) {
    return {error, kSubject, found, expected};
}

struct Tables {
    ImageHeader header;
    ImageEntry entries[kImageMaxEntries];
};

bool is_terminated(const char* text, size_t size) { return memchr(text, '\0', size) != nullptr; }

const char* subject_of(PartType type) { return type == PartType::kKernel ? "kernel" : "root task"; }

// First 8 bytes of a key as they are written in hexadecimal: enough to tell keys apart in a message.
uint64_t key_prefix(const uint8_t (&key)[kPublicKeyBytes]) {
    uint64_t prefix = 0;
    for (size_t i = 0; i < sizeof(prefix); ++i) {
        prefix = prefix << 8 | key[i];
    }
    return prefix;
}

Status check_sizes(Bytes bytes, const ImageHeader& header) {
    if (header.magic != kImageMagic) {
        return image_failure(BootError::kImageBadMagic, header.magic, kImageMagic);
    }
    if (header.version != kImageVersion) {
        return image_failure(BootError::kImageBadVersion, header.version, kImageVersion);
    }
    if (header.entry_count == 0 || header.entry_count > kImageMaxEntries) {
        return image_failure(BootError::kImageEntryCount, header.entry_count, kImageMaxEntries);
    }
    const uint64_t header_size = sizeof(ImageHeader) + header.entry_count * sizeof(ImageEntry) + kSignatureBytes;
    if (header.header_size != header_size) {
        return image_failure(BootError::kImageHeaderSize, header.header_size, header_size);
    }
    if (header.image_size > bytes.size()) {
        return image_failure(BootError::kImageTruncated, bytes.size(), header.image_size);
    }
    if (header.image_size < header_size + sizeof(kImageEndMark)) {
        return image_failure(BootError::kImageTruncated, header.image_size, header_size + sizeof(kImageEndMark));
    }
    return kOk;
}

Status check_end_mark(Bytes bytes, const ImageHeader& header) {
    uint64_t end_mark = 0;
    memcpy(&end_mark, bytes.data() + header.image_size - sizeof(end_mark), sizeof(end_mark));
    if (end_mark != kImageEndMark) {
        return image_failure(BootError::kImageNoEndMark, end_mark, kImageEndMark);
    }
    return kOk;
}

Status check_signature(Bytes bytes, const ImageHeader& header, const uint8_t (&trusted_key)[kPublicKeyBytes]) {
    const size_t signed_size = header.header_size - kSignatureBytes;
    uint8_t signature[kSignatureBytes];
    memcpy(signature, bytes.data() + signed_size, sizeof(signature));
    if (memcmp(header.signer, trusted_key, sizeof(header.signer)) != 0) {
        return image_failure(BootError::kImageSigner, key_prefix(header.signer), key_prefix(trusted_key));
    }
    if (!ed25519_matches(bytes.first(signed_size), signature, trusted_key)) {
        return image_failure(BootError::kImageSignature);
    }
    return kOk;
}

Status check_fields(const ImageHeader& header, uint32_t max_cores) {
    if (header.flags != 0) {
        return image_failure(BootError::kImageFlags, header.flags);
    }
    if (header.slot > static_cast<uint32_t>(Slot::kB)) {
        return image_failure(BootError::kImageSlot, header.slot, static_cast<uint32_t>(Slot::kB));
    }
    if (header.core_count == 0 || header.core_count > max_cores) {
        return image_failure(BootError::kImageCoreCount, header.core_count, max_cores);
    }
    if (!is_terminated(header.bootargs, sizeof(header.bootargs))) {
        return image_failure(BootError::kImageBootargs);
    }
    for (size_t i = 0; i < sizeof(header.reserved); ++i) {
        if (header.reserved[i] != 0) {
            return image_failure(BootError::kImageReserved, offsetof(ImageHeader, reserved) + i);
        }
    }
    return kOk;
}

// `previous_end` is the end of the preceding part, or of the header.
Status check_entry(const ImageEntry& entry, uint32_t index, uint64_t previous_end, uint64_t parts_end) {
    if (!is_terminated(entry.name, sizeof(entry.name)) || entry.name[0] == '\0') {
        return image_failure(BootError::kPartName, index);
    }
    if (entry.flags != 0) {
        return image_failure(BootError::kPartFlags, entry.flags);
    }
    if (entry.offset % kImagePartAlignment != 0) {
        return image_failure(BootError::kPartAlignment, entry.offset);
    }
    if (entry.offset < previous_end) {
        return image_failure(BootError::kPartOverlap, entry.offset, previous_end);
    }
    if (entry.size == 0 || entry.offset > parts_end || entry.size > parts_end - entry.offset) {
        return image_failure(BootError::kPartBounds, entry.offset + entry.size, parts_end);
    }
    const Range deferred{entry.deferred_offset, entry.deferred_size};
    const bool may_defer = entry.type == static_cast<uint32_t>(PartType::kRootTask);
    if (!(deferred == Range{}) &&
        (!may_defer || deferred.offset % kImagePartAlignment != 0 || deferred.size % kImagePartAlignment != 0 ||
         deferred.size == 0 || deferred.offset > entry.size || deferred.size > entry.size - deferred.offset)) {
        return image_failure(BootError::kPartDeferred, deferred.offset, deferred.size);
    }
    for (const uint8_t byte : entry.reserved) {
        if (byte != 0) {
            return image_failure(BootError::kPartReserved, index);
        }
    }
    return kOk;
}

Status add_part(Bytes bytes, const ImageEntry& entry, Image& image) {
    Bytes* slot = nullptr;
    const auto type = static_cast<PartType>(entry.type);
    switch (type) {
        case PartType::kKernel: slot = &image.kernel; break;
        case PartType::kRootTask: slot = &image.root_task; break;
    }
    if (slot == nullptr) {
        return image_failure(BootError::kPartType, entry.type);
    }
    if (!slot->empty()) {
        return image_failure(BootError::kPartDuplicate, entry.type);
    }
    *slot = bytes.subspan(entry.offset, entry.size);
    const Range deferred{entry.deferred_offset, entry.deferred_size};
    if (!part_matches(*slot, deferred, entry.hash)) {
        return Failure{BootError::kPartHash, subject_of(type)};
    }
    if (type == PartType::kRootTask) {
        image.deferred = deferred;
    }
    return kOk;
}

}  // namespace

Result<Image> check_image(Bytes bytes, uint32_t max_cores, const uint8_t (&trusted_key)[kPublicKeyBytes]) {
    Tables tables;
    if (bytes.size() < sizeof(tables.header)) {
        return image_failure(BootError::kImageTruncated, bytes.size(), sizeof(tables.header));
    }
    memcpy(&tables.header, bytes.data(), sizeof(tables.header));
    const ImageHeader& header = tables.header;
    KOS_BOOT_TRY(check_sizes(bytes, header));
    KOS_BOOT_TRY(check_end_mark(bytes, header));
    KOS_BOOT_TRY(check_signature(bytes, header, trusted_key));
    KOS_BOOT_TRY(check_fields(header, max_cores));

    memcpy(tables.entries, bytes.data() + sizeof(header), header.entry_count * sizeof(ImageEntry));
    Image image;
    image.core_count = header.core_count;
    image.slot = static_cast<Slot>(header.slot);
    memcpy(image.bootargs, header.bootargs, sizeof(image.bootargs));
    const uint64_t parts_end = header.image_size - sizeof(kImageEndMark);
    uint64_t previous_end = header.header_size;
    for (uint32_t i = 0; i < header.entry_count; ++i) {
        const ImageEntry& entry = tables.entries[i];
        KOS_BOOT_TRY(check_entry(entry, i, previous_end, parts_end));
        KOS_BOOT_TRY(add_part(bytes, entry, image));
        previous_end = entry.offset + entry.size;
    }
    if (image.kernel.empty()) {
        return Failure{BootError::kPartMissing, subject_of(PartType::kKernel)};
    }
    if (image.root_task.empty()) {
        return Failure{BootError::kPartMissing, subject_of(PartType::kRootTask)};
    }
    return image;
}

}  // namespace kos::boot
