// See incoming.h.
#include "incoming.h"

#include "bundle_format.h"

#include <sodium/crypto_sign_ed25519.h>

#include <new>

namespace root {

using namespace kos::push;
using kos::bundle::kAlignment;
using kos::bundle::Kind;
using kos::bundle::kPageHashBytes;
using kos::bundle::pages_of;

namespace {

bool is_zero(const void* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (static_cast<const uint8_t*>(bytes)[i]) return false;
    }
    return true;
}

bool is_name(const char (&name)[32]) {
    size_t length = 0;
    while (length < sizeof name && name[length]) ++length;
    return length != 0 && length < sizeof name && is_zero(name + length, sizeof name - length);
}

bool is_file(const File& file, bool is_first) {
    Kind const kind = is_first ? Kind::kProgram : Kind::kImage;
    return file.kind == static_cast<uint32_t>(kind) && file.reserved == 0 && file.size_bytes != 0 &&
           file.size_bytes <= kos::bundle::kMaxBytes;
}

uint64_t list_pages(const File& file) { return pages_of(pages_of(file.size_bytes) * kPageHashBytes); }

}  // namespace

bool is_package(const SignedPackage& package, const uint8_t (&key)[32]) {
    const Package& what = package.package;
    if (__builtin_memcmp(what.context, kContext, sizeof kContext) != 0 || !is_name(what.domain) || what.sequence == 0 ||
        what.reserved != 0 || what.file_count == 0 || what.file_count > kMaxFiles) {
        return false;
    }
    for (uint32_t i = 0; i < kMaxFiles; ++i) {
        bool const fits = i < what.file_count ? is_file(what.files[i], i == 0) : is_zero(&what.files[i], sizeof(File));
        if (!fits) return false;
    }
    return crypto_sign_ed25519_verify_detached(package.signature, reinterpret_cast<const uint8_t*>(&what), sizeof what,
                                               key) == 0;
}

uint64_t staged_pages(const File& file) {
    bool const is_image = file.kind == static_cast<uint32_t>(Kind::kImage);
    return (is_image ? list_pages(file) : 0) + pages_of(file.size_bytes);
}

uint64_t contents_offset(const File& file) {
    return file.kind == static_cast<uint32_t>(Kind::kImage) ? list_pages(file) * kAlignment : 0;
}

bool Incoming::is_image() const { return file_->kind == static_cast<uint32_t>(Kind::kImage); }

void Incoming::begin(const File& file, uint8_t* to) {
    file_ = &file;
    memory_ = to;
    arrived_ = 0;
    list_bytes_ = is_image() ? pages_of(file.size_bytes) * kPageHashBytes : 0;
    total_ = is_image() ? list_bytes_ + pages_of(file.size_bytes) * kAlignment : file.size_bytes;
    new (hash_) kos::Sha256;
    if (is_image()) hash().add(&file.size_bytes, sizeof file.size_bytes);
}

uint64_t Incoming::reach(uint64_t count) const {
    uint64_t const end = arrived_ + (count < total_ - arrived_ ? count : total_ - arrived_);
    return end <= list_bytes_ ? end : contents_offset(*file_) + end - list_bytes_;
}

Incoming::Result Incoming::take(const uint8_t* from, uint64_t count) {
    if (!file_ || count == 0 || count > total_ - arrived_) return Result::kMisfit;
    if (!is_image()) return take_program(from, count);
    return arrived_ < list_bytes_ ? take_list(from, count) : take_pages(from, count);
}

// The list has to be right before any page counts. What begins anew begins with the first byte.
Incoming::Result Incoming::take_list(const uint8_t* from, uint64_t count) {
    if (count > list_bytes_ - arrived_) return Result::kMisfit;
    __builtin_memcpy(memory_ + arrived_, from, count);
    hash().add(memory_ + arrived_, count);
    arrived_ += count;
    if (arrived_ < list_bytes_) return Result::kMore;
    uint8_t found[kPageHashBytes];
    hash().finish(found);
    if (__builtin_memcmp(found, file_->sha256, sizeof found) == 0) return Result::kMore;
    begin(*file_, memory_);
    return Result::kWrong;
}

Incoming::Result Incoming::take_pages(const uint8_t* from, uint64_t count) {
    if (count % kAlignment != 0) return Result::kMisfit;
    for (uint64_t done = 0; done < count; done += kAlignment) {
        uint64_t const page = (arrived_ - list_bytes_) / kAlignment;
        uint8_t* const to = memory_ + contents_offset(*file_) + page * kAlignment;
        __builtin_memcpy(to, from + done, kAlignment);
        uint8_t found[kPageHashBytes];
        kos::sha256(to, kAlignment, found);
        if (__builtin_memcmp(found, memory_ + page * kPageHashBytes, sizeof found) != 0) return Result::kWrong;
        arrived_ += kAlignment;
    }
    return is_done() ? Result::kDone : Result::kMore;
}

Incoming::Result Incoming::take_program(const uint8_t* from, uint64_t count) {
    __builtin_memcpy(memory_ + arrived_, from, count);
    hash().add(memory_ + arrived_, count);
    arrived_ += count;
    if (!is_done()) return Result::kMore;
    // The domain gets whole pages, and somebody else's file may have been here.
    __builtin_memset(memory_ + total_, 0, pages_of(total_) * kAlignment - total_);
    uint8_t found[kPageHashBytes];
    hash().finish(found);
    if (__builtin_memcmp(found, file_->sha256, sizeof found) == 0) return Result::kDone;
    begin(*file_, memory_);
    return Result::kWrong;
}

}  // namespace root
