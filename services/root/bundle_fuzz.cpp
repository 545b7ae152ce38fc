/*
 * Any bytes as the bundle behind root: what root finds in it lies inside it.
 */
#include "bundle_file.h"
#include "fuzz.h"
#include "test_files.h"

namespace kos::fuzz {
namespace {

const root::test::Key& key() {
    static const root::test::Key kKey;
    return kKey;
}

// As hash_programs() of root, and what follows.
void read_file(const root::BundleFile& bundle, const bundle::Entry& entry) {
    uint8_t hash[crypto_hash_sha256_BYTES];
    if (entry.kind == static_cast<uint32_t>(bundle::Kind::kImage)) {
        root::hash_of_image(bundle.bytes(entry), entry.size_bytes, hash);
        for (uint64_t i = 0; i < bundle::pages_of(entry.size_bytes); ++i) {
            (void)root::is_page_of_image(bundle.bytes(entry), entry.size_bytes, i);
        }
        return;
    }
    crypto_hash_sha256(hash, bundle.bytes(entry), entry.size_bytes);
    (void)root::is_program({bundle.bytes(entry), entry.size_bytes});
}

}  // namespace

void run(Bytes input) {
    if (input.size() < sizeof(bundle::Header)) return;  // a page is readable or not
    root::test::Memory memory(input.size());
    std::memcpy(memory.data(), input.data(), input.size());
    root::BundleFile bundle;
    if (!bundle.open(memory.data(), root::test::Memory::is_readable)) return;
    const bundle::Entry* manifest = nullptr;
    const bundle::Signature* signature = nullptr;
    if (bundle.find_manifest(manifest, signature)) {
        Buffer message(sizeof bundle::kSignatureContext + manifest->size_bytes);
        (void)root::is_signed(bundle.bytes(*manifest), manifest->size_bytes, *signature, key().public_key,
                              message.data());
    }
    for (unsigned i = 0; i < bundle.entries() + 2; ++i) {
        if (const bundle::Entry* const file = bundle.file(i)) read_file(bundle, *file);
    }
}

std::vector<Buffer> seeds() { return {root::test::bundle_of(Buffer(100, 0x4d), root::test::ElfFile().file(), key())}; }

}  // namespace kos::fuzz
