// Connections, calls, start order. See checks.h.
#include <kos/abi.h>

#include <algorithm>

#include "checks.h"

namespace kos::compiler {
namespace {

constexpr char kDirectory[] = "directory";
constexpr char kLog[] = "log";

struct PortRef {
    uint32_t domain = 0;
    uint32_t port = 0;
};

// The servers of each port; more than one is an error, and the first counts.
std::map<std::string, PortRef> number_ports(System& system, Diagnostics& diagnostics) {
    std::map<std::string, PortRef> ports;
    uint32_t number = 0;
    for (uint32_t i = 0; i < system.domains.size(); ++i) {
        for (uint32_t k = 0; k < system.domains[i].serves.size(); ++k) {
            ServedPort& port = system.domains[i].serves[k];
            const auto [entry, is_new] = ports.try_emplace(port.name.value, PortRef{i, k});
            if (!is_new) {
                const Domain& other = system.domains[entry->second.domain];
                diagnostics.error(port.name.place,
                                  "the port " + in_quotes(port.name.value) + " is served by " + other.name.value +
                                      " and " + system.domains[i].name.value,
                                  "one server");
                continue;
            }
            port.number = ++number;
            if (number == KOS_MAX_PORTS) {
                diagnostics.error(port.name.place,
                                  "there are more than " + std::to_string(KOS_MAX_PORTS - 1) + " ports",
                                  "at most " + std::to_string(KOS_MAX_PORTS - 1));
            }
        }
    }
    return ports;
}

// Every server binds its ports in the directory and every client asks it, so nobody has to say so.
void add_directory(System& system, const std::map<std::string, PortRef>& ports) {
    const auto directory = ports.find(kDirectory);
    if (directory == ports.end()) {
        return;
    }
    for (uint32_t i = 0; i < system.domains.size(); ++i) {
        Domain& domain = system.domains[i];
        const bool is_named = std::any_of(domain.uses.begin(), domain.uses.end(),
                                          [](const UsedPort& use) { return use.port.value == kDirectory; });
        if (i == directory->second.domain || is_named || (domain.uses.empty() && domain.serves.empty())) {
            continue;
        }
        UsedPort use;
        use.port = {kDirectory, domain.app};
        use.is_implicit = true;
        domain.uses.push_back(std::move(use));
    }
}

void connect(System& system, uint32_t client, uint32_t index, const PortRef& ref, bool has_directory,
             Diagnostics& diagnostics) {
    const Domain& domain = system.domains[client];
    const Domain& server = system.domains[ref.domain];
    const UsedPort& use = domain.uses[index];
    if (ref.domain == client) {
        diagnostics.error(use.port.place, domain.name.value + " uses its own port " + in_quotes(use.port.value),
                          "a port of another domain");
        return;
    }
    if (const uint32_t missing = domain.mode_mask & ~server.mode_mask; missing != 0) {
        diagnostics.error(use.port.place,
                          domain.name.value + " uses the port " + in_quotes(use.port.value) + " of " +
                              server.name.value + ", which does not run in " + mode_names(system, missing),
                          "a server in every mode of " + domain.name.value);
    }
    if (use.send_only && !server.serves[ref.port].queue) {
        diagnostics.error(use.port.place,
                          domain.name.value + " uses the port " + in_quotes(use.port.value) + " with send_only",
                          "a port with queue = true");
    }
    if (system.connections.size() == KOS_MAX_CONNECTIONS) {
        diagnostics.error(use.port.place, "there are more than " + std::to_string(KOS_MAX_CONNECTIONS) + " connections",
                          "at most " + std::to_string(KOS_MAX_CONNECTIONS));
        return;
    }
    const bool early = use.early.value_or(!has_directory || use.port.value == kDirectory || use.port.value == kLog);
    system.connections.push_back({client, ref.domain, ref.port, index, early});
}

void warn_of_unused_ports(const System& system, Diagnostics& diagnostics) {
    for (uint32_t i = 0; i < system.domains.size(); ++i) {
        const Domain& domain = system.domains[i];
        for (uint32_t k = 0; k < domain.serves.size() && !domain.is_core && !system.is_incomplete; ++k) {
            if (domain.serves[k].number == 0) {
                continue;  // reported: it has another server
            }
            const bool is_used = std::any_of(
                system.connections.begin(), system.connections.end(),
                [&](const Connection& connection) { return connection.server == i && connection.port == k; });
            if (!is_used) {
                diagnostics.warning(
                    domain.serves[k].name.place,
                    "nobody uses the port " + in_quotes(domain.serves[k].name.value) + " of " + domain.name.value,
                    "a client");
            }
        }
    }
}

std::vector<std::string> port_names(const std::map<std::string, PortRef>& ports) {
    std::vector<std::string> names;
    for (const auto& [name, ref] : ports) {
        names.push_back(name);
    }
    return names;
}

// Depth-first search for circles along `next`; calls `found` with each circle, once for each edge that closes one.
class CircleFinder {
public:
    using Edges = std::vector<std::vector<const Connection*>>;
    explicit CircleFinder(const Edges& edges) : edges_(edges), state_(edges.size(), State::kNew) {}

    template <typename Found>
    void run(Found found) {
        for (uint32_t i = 0; i < edges_.size(); ++i) {
            visit(i, found);
        }
    }

private:
    enum class State { kNew, kOpen, kDone };

    template <typename Found>
    void visit(uint32_t node, Found& found) {
        if (state_[node] != State::kNew) {
            return;
        }
        state_[node] = State::kOpen;
        path_.push_back(node);
        for (const Connection* edge : edges_[node]) {
            if (state_[edge->server] == State::kOpen) {
                const auto start = std::find(path_.begin(), path_.end(), edge->server);
                found(std::vector<uint32_t>(start, path_.end()), *edge);
            } else {
                visit(edge->server, found);  // at most KOS_MAX_DOMAINS deep
            }
        }
        path_.pop_back();
        state_[node] = State::kDone;
    }

    const Edges& edges_;
    std::vector<State> state_;
    std::vector<uint32_t> path_;
};

std::string circle_text(const System& system, const std::vector<uint32_t>& circle) {
    std::vector<std::string> names;
    for (const uint32_t index : circle) {
        names.push_back(system.domains[index].name.value);
    }
    names.push_back(names.front());
    return joined(names, " -> ");
}

}  // namespace

int find_domain(const System& system, const std::string& name) {
    for (size_t i = 0; i < system.domains.size(); ++i) {
        if (system.domains[i].name.value == name) {
            return static_cast<int>(i);
        }
    }
    return -1;
}

std::vector<std::string> domain_names(const System& system) {
    std::vector<std::string> names;
    for (const Domain& domain : system.domains) {
        names.push_back(domain.name.value);
    }
    return names;
}

std::string mode_names(const System& system, uint32_t mask) {
    std::vector<std::string> names;
    for (size_t i = 0; i < system.modes.size(); ++i) {
        if ((mask >> i & 1) != 0) {
            names.push_back(system.modes[i].value);
        }
    }
    return joined(names);
}

void resolve_connections(System& system, Diagnostics& diagnostics) {
    const std::map<std::string, PortRef> ports = number_ports(system, diagnostics);
    add_directory(system, ports);
    for (uint32_t i = 0; i < system.domains.size(); ++i) {
        for (uint32_t k = 0; k < system.domains[i].uses.size(); ++k) {
            const UsedPort& use = system.domains[i].uses[k];
            const auto found = ports.find(use.port.value);
            if (found == ports.end() && (use.is_optional || system.is_incomplete)) {
                continue;
            }
            if (found == ports.end()) {
                diagnostics.error(use.port.place,
                                  system.domains[i].name.value + " uses the port " + in_quotes(use.port.value) +
                                      ", which nobody serves",
                                  "one of " + joined(port_names(ports)));
                continue;
            }
            connect(system, i, k, found->second, ports.count(kDirectory) != 0, diagnostics);
        }
    }
    warn_of_unused_ports(system, diagnostics);
}

void check_calls(const System& system, Diagnostics& diagnostics) {
    CircleFinder::Edges edges(system.domains.size());
    for (const Connection& connection : system.connections) {
        const Domain& client = system.domains[connection.client];
        const Domain& server = system.domains[connection.server];
        const UsedPort& use = client.uses[connection.use];
        if (use.send_only) {
            continue;
        }
        edges[connection.client].push_back(&connection);
        // The Linux personality is passive for its programs alone: it serves ports on time of its own.
        const bool is_passive = server.passive.value && server.kernel_objects.value == 0;
        if (!is_passive && server.priority.value <= client.priority.value) {
            diagnostics.error(use.port.place,
                              client.name.value + " (priority " + std::to_string(client.priority.value) + ") calls " +
                                  server.name.value + " (priority " + std::to_string(server.priority.value) +
                                  ", not passive) through the port " + in_quotes(use.port.value),
                              "a server of higher priority, or a passive one");
        }
    }
    CircleFinder(edges).run([&](const std::vector<uint32_t>& circle, const Connection& closing) {
        diagnostics.error(system.domains[closing.client].uses[closing.use].port.place,
                          "calls go in a circle: " + circle_text(system, circle),
                          "none (each would wait for the next); a port with queue = true can be used with send_only");
    });
}

void find_start_order(System& system, Diagnostics& diagnostics) {
    std::vector<std::vector<const Connection*>> waits(system.domains.size());
    for (const Connection& connection : system.connections) {
        if (system.domains[connection.client].uses[connection.use].wait) {
            waits[connection.client].push_back(&connection);
        }
    }
    bool has_circle = false;
    CircleFinder(waits).run([&](const std::vector<uint32_t>& circle, const Connection& closing) {
        has_circle = true;
        diagnostics.error(system.domains[closing.client].uses[closing.use].port.place,
                          "each waits for the next to start: " + circle_text(system, circle),
                          "no circle (wait = false for one of them)");
    });
    system.start_order.clear();
    std::vector<bool> started(system.domains.size());
    while (!has_circle && system.start_order.size() < system.domains.size()) {
        for (uint32_t i = 0; i < system.domains.size(); ++i) {
            const bool ready = std::all_of(waits[i].begin(), waits[i].end(),
                                           [&](const Connection* wait) { return started[wait->server]; });
            if (!started[i] && ready) {
                started[i] = true;
                system.start_order.push_back(i);
                break;
            }
        }
    }
}

}  // namespace kos::compiler
