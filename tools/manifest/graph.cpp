// See graph.h.
#include "graph.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "checks.h"
#include "files.h"

extern char** environ;

namespace kos::compiler {
namespace {

using tools::Error;

// By what the domain is: a driver has devices, core services come with KOS, the rest are applications.
const char* colour_of(const Domain& domain) {
    if (!domain.devices.empty()) {
        return "#f7d7b5";
    }
    return domain.is_core ? "#cfe3f5" : "#d5ecd0";
}

// A file of its own that is gone afterwards.
class ScratchFile {
public:
    explicit ScratchFile(const std::string& contents) : name_("/tmp/kos-graph.XXXXXX") {
        const int descriptor = ::mkstemp(name_.data());
        if (descriptor < 0) {
            throw Error("cannot create " + name_ + ": " + std::strerror(errno));
        }
        ::close(descriptor);
        tools::write_file(name_, {reinterpret_cast<const uint8_t*>(contents.data()), contents.size()});
    }
    ~ScratchFile() { ::unlink(name_.c_str()); }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    const std::string& name() const { return name_; }

private:
    std::string name_;
};

}  // namespace

std::string graph_of(const System& system) {
    std::ostringstream out;
    out << "digraph system {\n"
           "  graph [rankdir=LR, fontname=\"sans-serif\", label=\""
        << system.name.value << ", generation " << system.generation.value << "\"];\n"
        << "  node [shape=box, style=filled, fontname=\"sans-serif\"];\n"
           "  edge [fontname=\"sans-serif\", fontsize=10];\n";
    // Names are made of letters, digits and underscores; nothing needs an escape.
    for (const Domain& domain : system.domains) {
        out << "  \"" << domain.name.value << "\" [fillcolor=\"" << colour_of(domain) << "\", label=\""
            << domain.name.value << "\\n"
            << domain.priority.value << (domain.passive.value ? " passive" : "");
        for (const Device& device : domain.devices) {
            out << "\\n" << device.name.value;
        }
        if (domain.mode_mask != (1u << system.modes.size()) - 1) {
            out << "\\n(" << mode_names(system, domain.mode_mask) << ")";
        }
        out << "\"];\n";
    }
    for (const Connection& connection : system.connections) {
        const Domain& client = system.domains[connection.client];
        const Domain& server = system.domains[connection.server];
        const ServedPort& port = server.serves[connection.port];
        const UsedPort& use = client.uses[connection.use];
        if (use.is_implicit) {
            continue;  // everybody has it; the report lists it
        }
        out << "  \"" << client.name.value << "\" -> \"" << server.name.value << "\" [label=\"" << port.name.value
            << "\"" << (use.send_only ? ", arrowhead=open" : "")
            << (port.tokens && !use.send_only ? ", dir=both, arrowtail=odiamond" : "") << "];\n";
    }
    for (const Domain& domain : system.domains) {
        for (const RingTo& ring : domain.rings) {
            if (ring.is_generated) {
                continue;  // drawn as one line
            }
            out << "  \"" << domain.name.value << "\" -> \"" << ring.to.value << "\" [label=\"" << ring.name.value
                << "\", penwidth=3, color=\"#5577aa\"];\n";
        }
    }
    for (const Domain& domain : system.domains) {
        if (domain.network && find_domain(system, "netrouter") >= 0) {
            out << "  \"" << domain.name.value << "\" -> \"netrouter\" [label=\"network\", dir=both, penwidth=3, "
                << "color=\"#55aa77\"];\n";
        }
    }
    for (const Deny& deny : system.denies) {
        out << "  \"" << deny.from.value << "\" -> \"" << deny.to.value
            << "\" [style=dashed, color=\"#bb2222\", arrowhead=tee, constraint=false];\n";
    }
    out << "}\n";
    return out.str();
}

void draw_graph(const std::string& graph, const std::string& path) {
    const ScratchFile input(graph);
    const ScratchFile output("");
    const std::string to = "-o" + output.name();
    char program[] = "dot";
    char format[] = "-Tsvg";
    std::string from = input.name();
    std::string result = to;
    char* const arguments[] = {program, format, result.data(), from.data(), nullptr};
    pid_t child = 0;
    if (const int status = ::posix_spawnp(&child, program, nullptr, nullptr, arguments, environ); status != 0) {
        throw Error(status == ENOENT ? "--graph: graphviz's dot is not installed (Debian package graphviz)"
                                     : std::string("--graph: cannot start dot: ") + std::strerror(status));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            throw Error(std::string("--graph: cannot wait for dot: ") + std::strerror(errno));
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw Error(WIFEXITED(status) && WEXITSTATUS(status) == 127
                        ? "--graph: graphviz's dot is not installed (Debian package graphviz)"
                        : "--graph: dot failed");
    }
    tools::write_file(path, tools::read_file(output.name()));
}

}  // namespace kos::compiler
