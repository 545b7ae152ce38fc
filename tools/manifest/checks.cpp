// See checks.h.
#include "checks.h"

namespace kos::compiler {

void check_system(System& system, Diagnostics& diagnostics) {
    resolve_connections(system, diagnostics);
    plan_network(system, diagnostics);
    plan_streams(system, diagnostics);
    check_calls(system, diagnostics);
    find_start_order(system, diagnostics);
    check_time(system, diagnostics);
    check_memory(system, diagnostics);
    check_devices(system, diagnostics);
    check_rights(system, diagnostics);
    check_groups(system, diagnostics);
    check_denies(system, diagnostics);
}

}  // namespace kos::compiler
