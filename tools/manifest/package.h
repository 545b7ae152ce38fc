// A package: what replaces one application on a running device (services/root/push_format.h).
#ifndef KOS_TOOLS_MANIFEST_PACKAGE_H_
#define KOS_TOOLS_MANIFEST_PACKAGE_H_

#include <span>
#include <string>

#include "files.h"
#include "keys.h"
#include "model.h"

namespace kos::compiler {

// The signed package for `domain`, followed by its files as a device takes them: the program; of each image the hashes
// of its pages, then its pages. `manifest`: what emit_manifest() made of `system`, whose images are hashed. Throws
// tools::Error.
tools::Buffer make_package(std::span<const uint8_t> manifest, const System& system, const std::string& domain,
                           const tools::SigningKey& key, uint64_t sequence);

}  // namespace kos::compiler

#endif
