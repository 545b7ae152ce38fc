// What must hold whenever the kernel is not at work: links between objects agree from both ends, queues hold what the
// states of their members say, nothing points to an object that no capability names.
#pragma once

#include <string>

#include "testing/inventory.h"

namespace keel::testing {

// One line per violation; empty if all is well. `at_rest`: schedule() has run, so that every thread that can run is in
// a queue or is the current one.
std::string find_violations(const Inventory& inventory, bool at_rest);

// The same for a wait queue alone: ring structure, order, membership. Appends to `problems`.
void check_wait_queue(Tcb* head, std::vector<Tcb*>& members, std::string& problems);

}  // namespace keel::testing
