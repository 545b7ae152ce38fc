// Reads the bundle (bundle.h): what bundle_file.h finds, against root's key and the hashes.
#include "bundle.h"

#include "bundle_file.h"

#include <sha256.h>

extern "C" {
extern const char __bundle_start[];
// Written by the manifest compiler into the linked file; volatile keeps the compiler from believing the zeros.
extern const volatile uint8_t kos_manifest_key[32];
extern const volatile uint8_t kos_manifest_key_is_development;
[[gnu::section(".rodata.kos_manifest_key")]] const volatile uint8_t kos_manifest_key[32] = {};
[[gnu::section(".rodata.kos_manifest_key")]] const volatile uint8_t kos_manifest_key_is_development = 0;
}

namespace root {

using namespace kos::bundle;

namespace {

BundleFile bundle;
bool hash_matches[kMaxEntries];
uint64_t checked_pages[kMaxBytes / kAlignment / 64];  // of the bundle: pages of images that are what they should be

void read_key(uint8_t (&key)[32]) {
    for (unsigned i = 0; i < sizeof key; ++i) key[i] = kos_manifest_key[i];
}

}  // namespace

bool development_key(uint8_t (&key)[32]) {
    read_key(key);
    return kos_manifest_key_is_development != 0;
}

const void* find_manifest(size_t& size, bool& is_development, const char*& reason) {
    reason = "there is no bundle behind root, or its header is damaged";
    if (!bundle.open(__bundle_start, [](const void* address) { return image_frame(address) != 0; })) return nullptr;
    reason = "the bundle does not begin with a manifest and its signature";
    const Entry* manifest = nullptr;
    const Signature* signature = nullptr;
    if (!bundle.find_manifest(manifest, signature)) return nullptr;
    reason = "the manifest's signature is wrong: altered, or signed with another key";
    uint8_t key[32];
    read_key(key);
    auto* const message = static_cast<uint8_t*>(new_memory(sizeof kSignatureContext + manifest->size_bytes));
    if (!is_signed(bundle.bytes(*manifest), manifest->size_bytes, *signature, key, message)) return nullptr;
    is_development = kos_manifest_key_is_development != 0;
    size = manifest->size_bytes;
    return bundle.bytes(*manifest);
}

void hash_programs() {
    for (unsigned i = 0; i < bundle.entries(); ++i) {
        const Entry* const file = bundle.file(i);
        if (!file) continue;
        uint8_t hash[kos::kSha256Bytes];
        if (file->kind == static_cast<uint32_t>(Kind::kImage)) {
            hash_of_image(bundle.bytes(*file), file->size_bytes, hash);
        } else {
            kos::sha256(bundle.bytes(*file), file->size_bytes, hash);
        }
        hash_matches[i] = __builtin_memcmp(hash, file->sha256, sizeof hash) == 0;
    }
}

namespace {

const uint8_t* find_file(Kind kind, const uint8_t* sha256, Word& size_bytes) {
    for (unsigned i = 0; i < bundle.entries(); ++i) {
        const Entry* const file = bundle.file(i);
        if (file && hash_matches[i] && file->kind == static_cast<uint32_t>(kind) &&
            __builtin_memcmp(file->sha256, sha256, sizeof file->sha256) == 0) {
            size_bytes = file->size_bytes;
            return bundle.bytes(*file);
        }
    }
    return nullptr;
}

}  // namespace

const uint8_t* find_program(const uint8_t* sha256, Word& size_bytes) {
    return find_file(Kind::kProgram, sha256, size_bytes);
}

const uint8_t* find_image(const uint8_t* sha256, Word& size_bytes) {
    return find_file(Kind::kImage, sha256, size_bytes);
}

bool check_image_page(const uint8_t* image, Word size_bytes, Word index) {
    Word const page = static_cast<Word>(image - reinterpret_cast<const uint8_t*>(__bundle_start)) / kAlignment + index;
    uint64_t const bit = uint64_t{1} << page % 64;
    if (checked_pages[page / 64] & bit) return true;
    if (!is_page_of_image(image, size_bytes, index)) return false;
    checked_pages[page / 64] |= bit;
    return true;
}

}  // namespace root
