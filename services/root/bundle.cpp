// Reads the bundle (bundle.h). Offsets and sizes are checked here, once.
#include "bundle.h"

#include "bundle_format.h"

#include <sodium/crypto_hash_sha256.h>
#include <sodium/crypto_sign_ed25519.h>

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

bool hash_matches[kMaxEntries];

const Header* header() {
    // The kernel maps the image by whole pages; without a bundle there is nothing behind root.
    if (!image_frame(__bundle_start)) return nullptr;
    auto* const found = reinterpret_cast<const Header*>(__bundle_start);
    bool const is_valid = found->magic == kMagic && found->version == kVersion && found->entry_count >= 2 &&
                          found->entry_count <= kMaxEntries && found->size_bytes <= kMaxBytes &&
                          found->size_bytes >= sizeof(Header) + found->entry_count * sizeof(Entry) &&
                          image_frame(__bundle_start + found->size_bytes - 1);
    return is_valid ? found : nullptr;
}

const Entry* entry(unsigned i) {
    auto* const found = reinterpret_cast<const Entry*>(__bundle_start + sizeof(Header)) + i;
    bool const is_inside = found->offset % kAlignment == 0 && found->offset <= header()->size_bytes &&
                           found->size_bytes <= header()->size_bytes - found->offset;
    return is_inside ? found : nullptr;
}

const uint8_t* bytes(const Entry& of) { return reinterpret_cast<const uint8_t*>(__bundle_start) + of.offset; }

// What is signed begins with a context that no other signature of the key begins with. libsodium wants it in one piece.
bool is_signed(const uint8_t* manifest, size_t size, const Signature& signature) {
    size_t const context = sizeof kSignatureContext;
    auto* const message = static_cast<uint8_t*>(new_memory(context + size));
    __builtin_memcpy(message, kSignatureContext, context);
    __builtin_memcpy(message + context, manifest, size);
    uint8_t key[32];
    for (unsigned i = 0; i < sizeof key; ++i) key[i] = kos_manifest_key[i];
    return __builtin_memcmp(key, signature.public_key, sizeof key) == 0 &&
           crypto_sign_ed25519_verify_detached(signature.signature, message, context + size, key) == 0;
}

}  // namespace

const void* find_manifest(size_t& size, bool& development_key, const char*& reason) {
    reason = "there is no bundle behind root, or its header is damaged";
    if (!header()) return nullptr;
    const Entry* const manifest = entry(0);
    const Entry* const signature = entry(1);
    reason = "the bundle does not begin with a manifest and its signature";
    if (!manifest || !signature || manifest->kind != static_cast<uint32_t>(Kind::kManifest) ||
        signature->kind != static_cast<uint32_t>(Kind::kSignature) || signature->size_bytes != sizeof(Signature) ||
        manifest->size_bytes > kMaxManifestBytes) {
        return nullptr;
    }
    reason = "the manifest's signature is wrong: altered, or signed with another key";
    if (!is_signed(bytes(*manifest), manifest->size_bytes, *reinterpret_cast<const Signature*>(bytes(*signature)))) {
        return nullptr;
    }
    development_key = kos_manifest_key_is_development != 0;
    size = manifest->size_bytes;
    return bytes(*manifest);
}

void hash_programs() {
    for (unsigned i = 2; i < header()->entry_count; ++i) {
        const Entry* const program = entry(i);
        if (!program) continue;
        if (program->kind != static_cast<uint32_t>(Kind::kProgram) &&
            program->kind != static_cast<uint32_t>(Kind::kImage))
            continue;
        uint8_t hash[crypto_hash_sha256_BYTES];
        crypto_hash_sha256(hash, bytes(*program), program->size_bytes);
        hash_matches[i] = __builtin_memcmp(hash, program->sha256, sizeof hash) == 0;
    }
}

namespace {

const uint8_t* find_file(Kind kind, const uint8_t* sha256, Word& size_bytes) {
    for (unsigned i = 2; i < header()->entry_count; ++i) {
        const Entry* const program = entry(i);
        if (hash_matches[i] && program->kind == static_cast<uint32_t>(kind) &&
            __builtin_memcmp(program->sha256, sha256, sizeof program->sha256) == 0) {
            size_bytes = program->size_bytes;
            return bytes(*program);
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

}  // namespace root
