// What must hold between the domains of a system. Each function reports all that it finds; none depends on the success
// of an earlier one, except that resolve_connections() and
// plan_network() come first.
#ifndef KOS_TOOLS_MANIFEST_CHECKS_H_
#define KOS_TOOLS_MANIFEST_CHECKS_H_

#include <set>
#include <string>
#include <vector>

#include "model.h"

namespace kos::compiler {

// Numbers the ports, finds the server of each used port, adds the connections to the directory.
void resolve_connections(System& system, Diagnostics& diagnostics);
// Rules and addresses of the network; adds the rings and parameters of its links.
void plan_network(System& system, Diagnostics& diagnostics);
// Adds the rings of streams; after the network, whose rings the startup block has first.
void plan_streams(System& system, Diagnostics& diagnostics);
// Calls go to servers of higher priority or passive ones, and never in a circle.
void check_calls(const System& system, Diagnostics& diagnostics);
// Servers before those that wait for them; among those that are free, in the order of system.toml.
void find_start_order(System& system, Diagnostics& diagnostics);
// Budgets, cores, what a passive server may have.
void check_time(const System& system, Diagnostics& diagnostics);
// Quotas, RAM, capability slots, numbers of objects.
void check_memory(const System& system, Diagnostics& diagnostics);
// Device pages, interrupts, [[share]], rings.
void check_devices(System& system, Diagnostics& diagnostics);
void check_rights(const System& system, Diagnostics& diagnostics);
void check_groups(const System& system, Diagnostics& diagnostics);
// [[deny]] against the closure (closure.h).
void check_denies(const System& system, Diagnostics& diagnostics);

// All of the above.
void check_system(System& system, Diagnostics& diagnostics);

// Index of the domain of that name, -1 if there is none.
int find_domain(const System& system, const std::string& name);
std::vector<std::string> domain_names(const System& system);
// "normal, reserve"
std::string mode_names(const System& system, uint32_t mask);

// Least memory that a domain can be made of, in parts (docs/manifest.md, "Memory").
struct MemoryPart {
    const char* what;
    uint64_t bytes;
};
std::vector<MemoryPart> least_memory(const System& system, const Domain& domain);
uint64_t sum_of(const std::vector<MemoryPart>& parts);

// Share of a core that root keeps for itself, and of RAM, in percent and bytes.
constexpr uint64_t kRootCorePercent = 10;
constexpr uint64_t kRootMemoryBytes = 64 << 20;

// CPU time of all threads of the domain that have time of their own, in millionths of a core.
uint64_t utilisation_ppm(const Domain& domain);
// Capability slots that root fills in the domain's CSpace, tokens included.
uint64_t slots_used(const System& system, const Domain& domain);

}  // namespace kos::compiler

#endif
