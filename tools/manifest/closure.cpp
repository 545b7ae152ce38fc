// See closure.h.
#include "closure.h"

#include <algorithm>

#include "checks.h"

namespace kos::compiler {
namespace {

// The first way found counts; ways are looked for in a fixed order.
using Ways = std::vector<std::vector<std::string>>;
const std::vector<NetRule> kNoRules;

Ways direct_ways(const System& system) {
    const size_t count = system.domains.size();
    Ways ways(count, std::vector<std::string>(count));
    const auto add = [&](size_t from, size_t to, const std::string& by) {
        if (from != to && ways[from][to].empty()) {
            ways[from][to] = system.domains[from].name.value + " -> " + system.domains[to].name.value + " (" + by + ")";
        }
    };
    for (const Connection& connection : system.connections) {
        const std::string& port = system.domains[connection.server].serves[connection.port].name.value;
        add(connection.client, connection.server, "port " + in_quotes(port));
    }
    for (size_t i = 0; i < count; ++i) {
        for (const RingTo& ring : system.domains[i].rings) {
            const int to = find_domain(system, ring.to.value);
            if (to >= 0) {
                add(i, static_cast<size_t>(to), "ring " + in_quotes(ring.name.value));
                add(static_cast<size_t>(to), i, "ring " + in_quotes(ring.name.value));
            }
        }
        for (const NetRule& rule : system.domains[i].network ? system.domains[i].network->rules : kNoRules) {
            const int to = rule.is_inbound ? -1 : find_domain(system, rule.peers.empty() ? "" : rule.peers[0].domain);
            if (to >= 0) {
                add(i, static_cast<size_t>(to), "network, " + rule.protocol);
            }
        }
        for (size_t k = 0; k < count; ++k) {
            for (const Device& device : system.domains[i].devices) {
                for (const Device& other : system.domains[k].devices) {
                    if (device.shared && other.shared && device.address.value == other.address.value) {
                        add(i, k, "shared device " + in_quotes(device.name.value));
                    }
                }
            }
        }
    }
    for (size_t i = 0; i < count; ++i) {
        for (size_t k = 0; k < count && system.domains[i].has_right("control"); ++k) {
            add(i, k, "right \"control\"");
        }
    }
    return ways;
}

// port[a][b]: name of a port with tokens between the two, empty if there is none. Symmetric.
Ways token_ports(const System& system) {
    const size_t count = system.domains.size();
    Ways ports(count, std::vector<std::string>(count));
    for (const Connection& connection : system.connections) {
        const ServedPort& port = system.domains[connection.server].serves[connection.port];
        const Domain& server = system.domains[connection.server];
        if (server.is_core && port.name.value == "directory") {
            continue;
        }
        // Over a queue no capability travels.
        if (port.tokens && !system.domains[connection.client].uses[connection.use].send_only &&
            ports[connection.client][connection.server].empty()) {
            ports[connection.client][connection.server] = port.name.value;
            ports[connection.server][connection.client] = port.name.value;
        }
    }
    return ports;
}

// gives[a][b]: name of a port over which a can hand capabilities to b; empty: there is none. Besides ports with tokens:
// a server whose answers may carry capabilities can put them into each of its answers, and one that makes reply objects
// of its own (kernel_objects) into any.
Ways gives_over(const System& system) {
    Ways gives = token_ports(system);
    for (const Connection& connection : system.connections) {
        const Domain& server = system.domains[connection.server];
        const std::string& port = server.serves[connection.port].name.value;
        const bool is_trusted = server.is_core && port == "directory";
        const bool is_able =
            server.kernel_objects.value != 0 || std::any_of(server.serves.begin(), server.serves.end(),
                                                            [](const ServedPort& served) { return served.tokens; });
        const bool is_asked = !system.domains[connection.client].uses[connection.use].send_only;
        if (is_able && is_asked && !is_trusted && gives[connection.server][connection.client].empty()) {
            gives[connection.server][connection.client] = port;
        }
    }
    return gives;
}

// Breadth first from `start`: the domains from which capabilities can come there, in the order of discovery, and to
// whom each gives its own.
std::vector<uint32_t> island_of(const Ways& gives, uint32_t start, std::vector<uint32_t>& from) {
    std::vector<uint32_t> members = {start};
    std::vector<bool> seen(gives.size());
    seen[start] = true;
    for (size_t next = 0; next < members.size(); ++next) {
        for (uint32_t i = 0; i < gives.size(); ++i) {
            if (!seen[i] && !gives[i][members[next]].empty()) {
                seen[i] = true;
                from[i] = members[next];
                members.push_back(i);
            }
        }
    }
    return members;
}

}  // namespace

Closure closure_of(const System& system) {
    const Ways direct = direct_ways(system);
    const Ways gives = gives_over(system);
    // Whether both sides can, or only the one that answers.
    const auto over = [&](uint32_t to, uint32_t by) {
        const bool is_mutual = !gives[to][by].empty();
        return system.domains[to].name.value + (is_mutual ? " <-> " : " <- ") + system.domains[by].name.value +
               (is_mutual ? " (tokens over " : " (answers over ") + in_quotes(gives[by][to]) + ")";
    };
    const auto count = static_cast<uint32_t>(system.domains.size());
    Closure closure(count, std::vector<Reach>(count));
    for (uint32_t start = 0; start < count; ++start) {
        std::vector<uint32_t> from(count);
        for (const uint32_t member : island_of(gives, start, from)) {
            std::string way;
            for (uint32_t at = member; at != start; at = from[at]) {
                way = over(from[at], at) + ", " + way;
            }
            for (uint32_t to = 0; to < count; ++to) {
                Reach& reach = closure[start][to];
                if (to != start && !reach.reached && !direct[member][to].empty()) {
                    reach = {true, member == start, way + direct[member][to]};
                }
            }
        }
        // Who gets what another domain has can act in its name, also where the connection is the other's.
        for (uint32_t to = 0; to < count; ++to) {
            if (!closure[start][to].reached && !gives[to][start].empty()) {
                closure[start][to] = {true, true, over(start, to)};
            }
        }
    }
    return closure;
}

std::vector<std::vector<uint32_t>> token_islands(const System& system) {
    const Ways ports = token_ports(system);
    std::vector<std::vector<uint32_t>> islands;
    std::vector<bool> done(system.domains.size());
    for (uint32_t i = 0; i < system.domains.size(); ++i) {
        if (done[i]) {
            continue;
        }
        std::vector<uint32_t> from(system.domains.size());
        std::vector<uint32_t> members = island_of(ports, i, from);
        std::sort(members.begin(), members.end());
        for (const uint32_t member : members) {
            done[member] = true;
        }
        if (members.size() > 1) {
            islands.push_back(std::move(members));
        }
    }
    return islands;
}

void check_denies(const System& system, Diagnostics& diagnostics) {
    const Closure closure = closure_of(system);
    for (const Deny& deny : system.denies) {
        bool known = true;
        for (const Text* name : {&deny.from, &deny.to}) {
            if (!name->value.empty() && !system.is_incomplete && find_domain(system, name->value) < 0) {
                diagnostics.error(name->place, "the domain " + in_quotes(name->value) + " is unknown",
                                  "one of " + joined(domain_names(system)));
            }
            known = known && find_domain(system, name->value) >= 0;
        }
        if (!known) {
            continue;
        }
        if (deny.from.value == deny.to.value) {
            diagnostics.error(deny.to.place, "[[deny]] keeps " + deny.from.value + " from itself", "two domains");
            continue;
        }
        const Reach& reach = closure[static_cast<size_t>(find_domain(system, deny.from.value))]
                                    [static_cast<size_t>(find_domain(system, deny.to.value))];
        if (reach.reached) {
            diagnostics.error(deny.from.place, deny.from.value + " can reach " + deny.to.value + ": " + reach.way,
                              "no way from " + deny.from.value + " to " + deny.to.value);
        }
    }
}

}  // namespace kos::compiler
