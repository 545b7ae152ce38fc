// Writes a checked System as the flattened device tree of docs/manifest.md. The same System gives the same bytes.
#ifndef KOS_TOOLS_MANIFEST_EMIT_H_
#define KOS_TOOLS_MANIFEST_EMIT_H_

#include "files.h"
#include "model.h"

namespace kos::compiler {

// Preconditions: the checks have found no error, every domain has its program. Throws tools::Error if libfdt fails or
// the decoder of root refuses the result.
tools::Buffer emit_manifest(const System& system);

}  // namespace kos::compiler

#endif
