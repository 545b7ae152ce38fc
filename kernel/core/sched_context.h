// Scheduling contexts: budgets, replenishments, and who runs on whose time.
#pragma once

#include "arch/time.h"
#include "core/abi.h"
#include "core/cpu.h"

namespace keel {

// --- Replenishments. Times are absolute; the list is ordered by time and its amounts add up to the budget. ----------
inline Refill& refill_head(SchedContext& sc) { return sc.refills()[sc.refill_head]; }
inline bool refill_ready(SchedContext& sc, Ticks now) { return refill_head(sc).time <= now + time_limits.kernel_wcet; }
// The head replenishment still gives useful time after `used` of it.
inline bool refill_sufficient(SchedContext& sc, Ticks used) {
    return refill_head(sc).amount >= used + time_limits.min_budget;
}
// Starts over with the whole budget now. `period` 0: round robin.
void refill_reset(SchedContext& sc, Ticks budget, Ticks period, unsigned max_refills, Ticks now);
// New parameters for a context in use: what has been used keeps being paid back.
void refill_update(SchedContext& sc, Ticks budget, Ticks period, unsigned max_refills, Ticks now);
// `used` has been consumed: it returns one period after it became available.
void refill_charge(SchedContext& sc, Ticks used);
// Round robin: the turn is over, the whole budget is there again.
void refill_end_turn(SchedContext& sc);
// The context resumes after a pause: its available time starts now, not in the past.
void refill_unblock(SchedContext& sc, Ticks now);

// Longest period, microseconds: sums of a time and a few periods stay far from overflow.
Word max_period_us();
// Configured, and its head replenishment can be used now.
bool is_released(SchedContext& sc);

// --- Binding -------------------------------------------------------------------------------------------------------
void bind_thread(SchedContext& sc, Tcb& tcb);
void unbind_thread(SchedContext& sc, Tcb& tcb);
void bind_notification(SchedContext& sc, Notification& notification);
void unbind_notification(SchedContext& sc);
// Gives the context to `to`; whoever had it becomes passive.
void donate(SchedContext& sc, Tcb& to);
// If the thread is runnable and its context has no budget now, it waits in the release queue.
void resume_context(SchedContext& sc);
// The context gives time on another core from now on; its thread, which is in no queue, moves along.
void move_context(SchedContext& sc, unsigned core);
void postpone(SchedContext& sc);

// A thread that is passive but for the context lent to it by a notification gives that back when it waits.
void return_lent_context(Notification* notification, Tcb& tcb);
// A thread that is woken by a notification with a context of its own borrows that context.
void lend_context(Notification& notification, Tcb& tcb);

// Microseconds consumed since the last question.
Word take_consumed_us(SchedContext& sc);
// The thread that yielded to this context gets its answer.
void complete_yield(Tcb& yielder);
void cancel_yield(Tcb& yielder);

void destroy_sched_context(SchedContext& sc);

}  // namespace keel
