// Restart of the machine (restart.h), and what happens when root cannot go on.
//
// Root has one way to restart the machine: PSCI, through the kernel's capability to secure monitor calls. Keel gives
// it; an seL4 that was built without KernelAllowSMCCalls does not. There a panic leaves the domains that run to
// themselves, without anybody who restarts them, and only a hardware watchdog that a domain feeds brings the machine
// back.
#include "restart.h"

#include "console.h"
#include "threads.h"

#include <board.h>

namespace root {

using namespace kos::sel4;

namespace {

// ARM DEN 0022 (PSCI), 5.1.
constexpr Word kPsciVersion = 0x84000000;
constexpr Word kPsciSystemReset = 0x84000009;

bool monitor_call(Word function) {
    seL4_ARM_SMCContext call{};
    call.x0 = function;
    seL4_ARM_SMCContext answer{};
    return smc_call(seL4_CapSMC, call, answer).ok();
}

}  // namespace

kos_status_t restart_machine() {
    if (!monitor_call(kPsciVersion)) return KOS_STATUS_UNAVAILABLE;
    print_directly("root: restarts the machine\n");
    monitor_call(kPsciSystemReset);
    return KOS_STATUS_UNAVAILABLE;
}

void panic(const char* what, const char* detail) {
    print_directly("root: panic: ");
    print_directly(what);
    print_directly(detail);
    print_directly("\n");
    constexpr Word kDelayMs = KOS_BOARD_RESTART_AFTER_PANIC_MS;
    // Asked first, so that nobody waits for a restart that does not come.
    bool const can_restart = kDelayMs != 0 && monitor_call(kPsciVersion);
    if (!can_restart) print_directly("root: stays like this until the machine is reset\n");
    if (can_restart) {
        // A machine that fails on each start shall not do so as fast as it can.
        Word const end = ticks() + ticks_per_second() / 1000 * kDelayMs;
        while (ticks() < end) {
            for (unsigned i = 0; i < 10000; ++i) asm volatile("");
        }
        restart_machine();
    }
    stop_own_threads();
    for (;;) tcb_suspend(seL4_CapInitThreadTCB);
}

}  // namespace root
