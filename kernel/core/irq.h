// Interrupts as capabilities see them: one handler capability each, one notification to signal.
#pragma once

#include "core/cpu.h"

namespace keel {

// A handler capability for the interrupt exists or the kernel uses it itself.
bool is_irq_taken(Word index);
void claim_irq(Word index);
// The last handler capability is gone: nobody hears the interrupt any more.
void release_irq(Word index);
// Takes long if many threads wait for the notification and this is its last capability. kPreempted: call again.
Progress forget_irq_notification(Word index);
// An interrupt that belongs to user level has arrived and is masked until acknowledged: its notification is signalled.
void deliver_irq(Word index);

}  // namespace keel
