// The report of a system, for a reader and for diff: every domain, object, right, address, byte and connection, in an
// order that depends on the description alone.
#ifndef KOS_TOOLS_MANIFEST_REPORT_H_
#define KOS_TOOLS_MANIFEST_REPORT_H_

#include <string>

#include "model.h"

namespace kos::compiler {

// Markdown. Precondition: the checks have found no error.
// {"network": true, "forwards": [{"protocol": "tcp", "port": 80, "domain": "web"}]}: whether there is a network, and
// the ports of the device's address that lead to a domain.
std::string network_json(const System& system);
std::string report_of(const System& system);

}  // namespace kos::compiler

#endif
