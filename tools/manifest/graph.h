// The picture of a system: domains as boxes, connections and rings as arrows, what [[deny]] keeps apart dashed.
#ifndef KOS_TOOLS_MANIFEST_GRAPH_H_
#define KOS_TOOLS_MANIFEST_GRAPH_H_

#include <string>

#include "model.h"

namespace kos::compiler {

// In graphviz's language.
std::string graph_of(const System& system);

// Has graphviz's dot draw the graph into `path` (SVG). Throws tools::Error, also if dot is not installed.
void draw_graph(const std::string& graph, const std::string& path);

}  // namespace kos::compiler

#endif
