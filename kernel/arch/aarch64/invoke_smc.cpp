// The SMC capability: calls of the secure monitor on behalf of user level.
#include <sel4/abi.h>

#include "arch/monitor.h"
#include "syscall/invocation.h"

namespace keel {

Outcome invoke_smc(Invocation& inv) {
    if (inv.label != seL4_ARMSMCCall) return inv.illegal_operation();
    if (inv.length < kMonitorWords) return inv.truncated();
    Word words[kMonitorWords];
    for (unsigned i = 0; i < kMonitorWords; i++) words[i] = inv.arg(i);
    // A badged capability is good for one function only.
    Word const function = inv.cap.badge();
    if (function != 0 && function != words[0]) return inv.illegal_operation();
    call_monitor(words);
    return inv.reply(words, kMonitorWords);
}

}  // namespace keel
