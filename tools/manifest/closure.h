// Which domain can reach which: the take-grant closure of a system.
//
// A domain reaches another directly if it has a connection to one of its ports, a ring from or to it, or a device page
// with it; who has the right "control" reaches everybody. Over a port with tokens = true, capabilities travel in both
// directions, so whatever one side has, the other can get: all domains that such ports join hold everything together,
// and each reaches what any of them reaches directly. A server that has such a port, or kernel objects, can put
// capabilities into the answers of its other ports as well: their clients reach what it reaches. What a server does for
// its clients by itself is not counted; that is its own code.
#ifndef KOS_TOOLS_MANIFEST_CLOSURE_H_
#define KOS_TOOLS_MANIFEST_CLOSURE_H_

#include <string>
#include <vector>

#include "model.h"

namespace kos::compiler {

struct Reach {
    bool reached = false;
    bool direct = false;
    std::string way;  // "web <-> store (tokens over \"store\"), store -> pump (port \"pump\")"
};

// reach[from][to], indices into System::domains; nobody reaches itself.
using Closure = std::vector<std::vector<Reach>>;
Closure closure_of(const System& system);

// The domains that share everything they hold, by tokens; each with at least two members, in order.
std::vector<std::vector<uint32_t>> token_islands(const System& system);

}  // namespace kos::compiler

#endif
