// See bundle_file.h.
#include "bundle_file.h"

#include <sha256.h>
#include <sodium/crypto_sign_ed25519.h>

namespace root {

using namespace kos::bundle;

bool BundleFile::open(const void* start, IsReadable is_readable) {
    start_ = static_cast<const uint8_t*>(start);
    header_ = nullptr;
    // The kernel maps root's image by whole pages; without a bundle there is nothing behind it.
    if (!is_readable(start_)) return false;
    auto* const found = reinterpret_cast<const Header*>(start_);
    bool const is_valid = found->magic == kMagic && found->version == kVersion && found->entry_count >= 2 &&
                          found->entry_count <= kMaxEntries && found->size_bytes <= kMaxBytes &&
                          found->size_bytes >= sizeof(Header) + found->entry_count * sizeof(Entry) &&
                          is_readable(start_ + found->size_bytes - 1);
    if (is_valid) header_ = found;
    return is_valid;
}

const Entry* BundleFile::entry(unsigned i) const {
    if (i >= entries()) return nullptr;
    auto* const found = reinterpret_cast<const Entry*>(start_ + sizeof(Header)) + i;
    bool const is_inside = found->offset % kAlignment == 0 && found->offset <= header_->size_bytes &&
                           found->size_bytes <= header_->size_bytes - found->offset;
    return is_inside ? found : nullptr;
}

bool BundleFile::find_manifest(const Entry*& manifest, const Signature*& signature) const {
    const Entry* const first = entry(0);
    const Entry* const second = entry(1);
    if (!first || !second || first->kind != static_cast<uint32_t>(Kind::kManifest) ||
        second->kind != static_cast<uint32_t>(Kind::kSignature) || second->size_bytes != sizeof(Signature) ||
        first->size_bytes > kMaxManifestBytes) {
        return false;
    }
    manifest = first;
    signature = reinterpret_cast<const Signature*>(bytes(*second));
    return true;
}

const Entry* BundleFile::file(unsigned i) const {
    const Entry* const found = entry(i);
    if (!found || i < 2) return nullptr;
    bool const is_file =
        found->kind == static_cast<uint32_t>(Kind::kProgram) || found->kind == static_cast<uint32_t>(Kind::kImage);
    if (!is_file) return nullptr;
    if (found->kind == static_cast<uint32_t>(Kind::kImage) &&
        image_bytes(found->size_bytes) > header_->size_bytes - found->offset) {
        return nullptr;
    }
    return found;
}

void hash_of_image(const uint8_t* image, uint64_t size, uint8_t (&hash)[32]) {
    kos::Sha256 state;
    state.add(&size, sizeof size);
    state.add(image + pages_of(size) * kAlignment, pages_of(size) * kPageHashBytes);
    state.finish(hash);
}

bool is_page_of_image(const uint8_t* image, uint64_t size, uint64_t index) {
    uint8_t hash[kPageHashBytes];
    kos::sha256(image + index * kAlignment, kAlignment, hash);
    const uint8_t* const expected = image + pages_of(size) * kAlignment + index * kPageHashBytes;
    return __builtin_memcmp(hash, expected, sizeof hash) == 0;
}

bool is_signed(const uint8_t* manifest, uint64_t bytes, const Signature& signature, const uint8_t* key,
               uint8_t* message) {
    __builtin_memcpy(message, kSignatureContext, sizeof kSignatureContext);
    __builtin_memcpy(message + sizeof kSignatureContext, manifest, bytes);
    return __builtin_memcmp(key, signature.public_key, sizeof signature.public_key) == 0 &&
           crypto_sign_ed25519_verify_detached(signature.signature, message, sizeof kSignatureContext + bytes, key) ==
               0;
}

}  // namespace root
