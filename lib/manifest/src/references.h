// What must hold between the nodes of a manifest. Used by manifest.cpp only.
#pragma once

#include "node_reader.h"

namespace kos::manifest {

// Interrupts and device pages are exclusive, rings within their bits, groups a forest. Fills in members and parents of
// groups; group_nodes[n] is the node of group n.
bool check_references(NodeReader& nodes, Manifest& manifest, const int* group_nodes);

}  // namespace kos::manifest
