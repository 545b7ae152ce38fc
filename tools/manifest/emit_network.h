// The node "network" of the device tree. Used by emit.cpp only.
#ifndef KOS_TOOLS_MANIFEST_EMIT_NETWORK_H_
#define KOS_TOOLS_MANIFEST_EMIT_NETWORK_H_

#include "fdt_writer.h"
#include "model.h"

namespace kos::compiler {

// Writes nothing if the system has no network. Precondition: plan_network() has found no error.
void emit_network(FdtWriter& writer, const System& system);

}  // namespace kos::compiler

#endif
