// Faults of threads: delivery to handlers and what their replies change.
#pragma once

#include "core/abi.h"
#include "core/objects.h"

namespace keel {

Fault cap_fault(CPtr address, bool receiving, const LookupFailure& failure);
// Delivers the fault to the thread's handler; without one the thread stops.
void raise_fault(Tcb& tcb, const Fault& fault);

bool has_timeout_handler(const Tcb& tcb);
void raise_timeout(Tcb& tcb, Word badge);

// Writes the faulting thread's message into the receiver's registers and buffer; returns its length.
unsigned write_fault_message(Tcb& faulter, Tcb& receiver, IpcBuffer* buffer);
// The handler's reply to a fault; false if the thread stays stopped.
bool apply_fault_reply(Tcb& handler, Tcb& faulter);

}  // namespace keel
