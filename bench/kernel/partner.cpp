// Creating partners and bringing them into a row's state (partner.h).
#include "partner.h"

namespace kos::bench {

using namespace sel4;

roottask::ThreadOptions thread_options(Bench& bench, Where where, Word priority) {
    roottask::ThreadOptions options;
    options.priority = priority;
    options.budget = kLongBudget;
    if (where == Where::kOtherVspace) {
        options.spaces.vspace_root = bench.other_vspace();
    }
    return options;
}

bool Partner::create(Bench& bench, Row& row, const PartnerState& state) {
    return row.check_ok(thread_.create(row.arena(), thread_options(bench, state.where, kAbovePriority)),
                        "the partner can be created");
}

bool Partner::settle(Row& row, const PartnerState& state) {
    if (state.schedule == Schedule::kPassive &&
        !row.check_ok(sched_context_unbind(thread_.sched_context()), "the partner becomes passive")) {
        return false;
    }
    if (state.fpu == Fpu::kOff &&
        !row.check_ok(tcb_set_flags(thread_.tcb(), 0, seL4_TCBFlag_fpuDisabled), "the partner's FPU is disabled")) {
        return false;
    }
    return row.check_ok(tcb_set_priority(thread_.tcb(), seL4_CapInitThreadTCB, state.priority),
                        "the partner gets its priority");
}

}  // namespace kos::bench
