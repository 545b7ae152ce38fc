// See checks.h.
#include "checks.h"

namespace kos::compiler {

void check_system(System& system, Diagnostics& diagnostics) {
    resolve_connections(system, diagnostics);
    check_calls(system, diagnostics);
    find_start_order(system, diagnostics);
}

}  // namespace kos::compiler
