// Reads the tables [network] of app.toml and system.toml. Used by load.cpp and load_app.cpp only.
#ifndef KOS_TOOLS_MANIFEST_LOAD_NETWORK_H_
#define KOS_TOOLS_MANIFEST_LOAD_NETWORK_H_

#include "model.h"
#include "table.h"

namespace kos::compiler {

// `replacement`: the [[app]] of system.toml, whose network replaces single keys, and all entries of allow or listen.
void read_app_network(Diagnostics& diagnostics, Table& top, Table& replacement, Domain& domain);
void read_system_network(Diagnostics& diagnostics, Table& top, System& system);

}  // namespace kos::compiler

#endif
