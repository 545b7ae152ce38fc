// The report of a system, for a reader and for diff: every domain, object, right, address, byte and connection, in an
// order that depends on the description alone.
#ifndef KOS_TOOLS_MANIFEST_REPORT_H_
#define KOS_TOOLS_MANIFEST_REPORT_H_

#include <string>

#include "model.h"

namespace kos::compiler {

// Markdown. Precondition: the checks have found no error.
std::string report_of(const System& system);

}  // namespace kos::compiler

#endif
