// The node "network" of a manifest. Used by manifest.cpp only.
#pragma once

#include "node_reader.h"

namespace kos::manifest {

// Reads links, rules and the uplink, if there are any. Precondition: domains and rings have been read.
bool read_network(NodeReader& nodes, Manifest& manifest);

}  // namespace kos::manifest
