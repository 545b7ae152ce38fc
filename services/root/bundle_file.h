// The parts of a bundle (bundle_format.h), offsets and sizes checked here once. Nothing is said about what the parts
// contain. Pure: no kernel, no state; used by bundle.cpp, host tests and fuzzing.
#pragma once

#include "bundle_format.h"

#include <stdint.h>

namespace root {

class BundleFile {
public:
    // Whether a byte can be read; asked for the first page and for the last byte of the bundle.
    using IsReadable = bool (*)(const void* address);

    // Looks at `start`, which is aligned to bundle_format.h's kAlignment. False if there is no bundle, or its header is
    // damaged; there are no entries then.
    bool open(const void* start, IsReadable is_readable);

    unsigned entries() const { return header_ ? header_->entry_count : 0; }
    // null if it reaches beyond the bundle, or there is no such entry.
    const kos::bundle::Entry* entry(unsigned i) const;
    const uint8_t* bytes(const kos::bundle::Entry& of) const { return start_ + of.offset; }

    // Manifest and signature; false if they are not where they belong, or have an impossible size.
    bool find_manifest(const kos::bundle::Entry*& manifest, const kos::bundle::Signature*& signature) const;
    // A program or an image (Entry::kind), an image with its list of hashes; null if entry i is neither.
    const kos::bundle::Entry* file(unsigned i) const;

private:
    const uint8_t* start_ = nullptr;
    const kos::bundle::Header* header_ = nullptr;
};

// What Entry::sha256 of an image must be. `image`: its first byte in the bundle, as file() has found it.
void hash_of_image(const uint8_t* image, uint64_t size, uint8_t (&hash)[32]);
// Whether page `index` (there is one) is what the image's list says.
bool is_page_of_image(const uint8_t* image, uint64_t size, uint64_t index);

// Whether the manifest is signed by `key`.
//
// `message`: sizeof kSignatureContext bytes more than the manifest. libsodium wants in one piece what is signed, which
// begins with a context that no other signature of the key begins with.
bool is_signed(const uint8_t* manifest, uint64_t bytes, const kos::bundle::Signature& signature, const uint8_t* key,
               uint8_t* message);

}  // namespace root
