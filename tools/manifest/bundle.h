// The bundle (services/root/bundle_format.h) and the system image: root's ELF file with the bundle behind it.
#ifndef KOS_TOOLS_MANIFEST_BUNDLE_H_
#define KOS_TOOLS_MANIFEST_BUNDLE_H_

#include <span>
#include <string>

#include "files.h"
#include "keys.h"
#include "model.h"

namespace kos::compiler {

// Fills in the page hashes and the hash of an image with contents (bundle_format.h).
void hash_image(ImageFile& image);

// All of these throw tools::Error.

// Manifest, signature and programs. `is_development` goes into the signature's flags.
tools::Buffer make_bundle(std::span<const uint8_t> manifest, const System& system, const tools::SigningKey& key,
                          bool is_development);

// Root's ELF file with the bundle as one more read-only segment, and the key in root's symbols.
tools::Buffer attach_bundle(const tools::Buffer& root, std::span<const uint8_t> bundle, const tools::SigningKey& key,
                            bool is_development);

// The same image, signed with another key: changes the signature and root's key, nothing else.
tools::Buffer sign_again(const tools::Buffer& image, const tools::SigningKey& key, bool is_development);

// The bundle in an image that attach_bundle made, checked as root checks it. `key` of 32 bytes or empty: root's own.
std::span<const uint8_t> find_bundle(const tools::Buffer& image);
void verify_bundle(std::span<const uint8_t> bundle, std::span<const uint8_t> public_key);
std::span<const uint8_t> key_in_root(const tools::Buffer& image);

}  // namespace kos::compiler

#endif
