// Scheduling contexts; see sched_context.h.
#include "core/sched_context.h"

#include "arch/fpu.h"
#include "arch/smp.h"
#include "core/abi.h"
#include "core/assert.h"
#include "core/ipc.h"
#include "core/scheduler.h"
#include "core/thread.h"

namespace keel {

namespace {

unsigned slot_after(const SchedContext& sc, unsigned index) { return index + 1 == sc.refill_max ? 0 : index + 1; }

Refill& refill_tail(SchedContext& sc) {
    Word const index = sc.refill_head + sc.refill_count - 1;
    return sc.refills()[index >= sc.refill_max ? index - sc.refill_max : index];
}

Refill pop_refill(SchedContext& sc) {
    Refill const refill = refill_head(sc);
    sc.refill_head = slot_after(sc, sc.refill_head);
    --sc.refill_count;
    return refill;
}

// Adds a replenishment at the end; joins it with the last one where they touch or where there is no room, by delaying
// the joined one, never by giving time earlier.
void push_refill(SchedContext& sc, Refill refill) {
    if (sc.refill_count > 0) {
        Refill& tail = refill_tail(sc);
        if (tail.time + tail.amount >= refill.time) {
            tail.amount += refill.amount;
            return;
        }
        if (sc.refill_count == sc.refill_max) {
            tail.time = refill.time - tail.amount;
            tail.amount += refill.amount;
            return;
        }
    }
    ++sc.refill_count;
    refill_tail(sc) = refill;
}

// A head too small to be useful waits for the next replenishment and joins it.
void join_small_head(SchedContext& sc) {
    while (sc.refill_count > 1 && refill_head(sc).amount < time_limits.min_budget) {
        Refill const small = pop_refill(sc);
        refill_head(sc).time -= small.amount;
        refill_head(sc).amount += small.amount;
    }
}

void set_core(Tcb& tcb, unsigned core) {
    if constexpr (kSmp) {
        if (tcb.core == core) return;
        fpu_release(tcb);
        tcb.core = static_cast<uint16_t>(core);
    }
}

}  // namespace

Word max_period_us() { return max_us(); }

bool is_released(SchedContext& sc) { return sc.refill_max > 0 && refill_ready(sc, this_cpu().now); }

void refill_reset(SchedContext& sc, Ticks budget, Ticks period, unsigned max_refills, Ticks now) {
    sc.budget = budget;
    sc.period = period;
    sc.refill_max = max_refills;
    sc.refill_head = 0;
    sc.refill_count = 1;
    refill_head(sc) = {now, budget};
    if (period == 0) push_refill(sc, {now + budget + 1, 0});
}

void refill_update(SchedContext& sc, Ticks budget, Ticks period, unsigned max_refills, Ticks now) {
    Refill head = refill_head(sc);
    if (head.time <= now + time_limits.kernel_wcet) head.time = now;
    bool const was_round_robin = sc.period == 0;
    if (was_round_robin) head.amount = sc.budget;
    sc.budget = budget;
    sc.period = period;
    sc.refill_max = max_refills;
    sc.refill_head = 0;
    sc.refill_count = 1;
    if (period == 0) {
        refill_reset(sc, budget, 0, max_refills, now);
        return;
    }
    Ticks const owed = head.amount < budget ? budget - head.amount : 0;
    refill_head(sc) = {head.time, budget - owed};
    if (owed > 0) push_refill(sc, {head.time + period, owed});
    join_small_head(sc);
}

void refill_charge(SchedContext& sc, Ticks used) {
    if (sc.period == 0) {
        // Round robin has two replenishments that stay in their places: the rest of the turn, and what was used.
        Refill* const turn = sc.refills();
        Ticks const moved = used < turn[0].amount ? used : turn[0].amount;
        turn[0].amount -= moved;
        turn[1].amount += moved;
        return;
    }
    // Replenishments that were used up whole return a period later.
    while (used > 0 && refill_head(sc).amount <= used) {
        used -= refill_head(sc).amount;
        if (sc.refill_count == 1) {
            refill_head(sc).time += sc.period;
            if (refill_head(sc).amount == 0) break;
        } else {
            Refill whole = pop_refill(sc);
            whole.time += sc.period;
            push_refill(sc, whole);
        }
        // After a very long pause of the whole machine there is nothing to be gained by going round again.
        if (used > sc.budget) used = sc.budget;
    }
    if (used > 0) {
        Refill& head = refill_head(sc);
        Refill const part{head.time + sc.period, used};
        head.time += used;
        head.amount -= used;
        push_refill(sc, part);
    }
    join_small_head(sc);
}

void refill_end_turn(SchedContext& sc) {
    refill_head(sc).amount += refill_tail(sc).amount;
    refill_tail(sc).amount = 0;
}

void refill_unblock(SchedContext& sc, Ticks now) {
    if (sc.period == 0 || sc.refill_max == 0 || !refill_ready(sc, now)) return;
    refill_head(sc).time = now;
    this_cpu().reprogram_timer = true;
    while (sc.refill_count > 1) {
        Refill const head = refill_head(sc);
        unsigned const next = slot_after(sc, sc.refill_head);
        if (sc.refills()[next].time > head.time + head.amount) break;
        pop_refill(sc);
        refill_head(sc).time = head.time;
        refill_head(sc).amount += head.amount;
    }
}

void bind_thread(SchedContext& sc, Tcb& tcb) {
    sc.tcb = &tcb;
    tcb.sched_context = &sc;
    set_core(tcb, sc.core);
    if (sc.sporadic && &sc != this_cpu().current_sc) refill_unblock(sc, this_cpu().now);
    resume_context(sc);
    if (is_schedulable(tcb)) {
        ready_enqueue_first(tcb);
        reschedule(this_cpu());
        notify_core(tcb);
    }
}

void move_context(SchedContext& sc, unsigned core) {
    sc.core = core;
    if (sc.tcb) set_core(*sc.tcb, core);
}

void unbind_thread(SchedContext& sc, Tcb& tcb) {
    Cpu& cpu = this_cpu();
    if (&tcb == cpu.current) reschedule(cpu);
    forget_schedule(tcb);
    tcb.sched_context = nullptr;
    sc.tcb = nullptr;
}

void bind_notification(SchedContext& sc, Notification& notification) {
    notification.sched_context = &sc;
    sc.notification = &notification;
}

void unbind_notification(SchedContext& sc) {
    if (!sc.notification) return;
    sc.notification->sched_context = nullptr;
    sc.notification = nullptr;
}

void donate(SchedContext& sc, Tcb& to) {
    Cpu& cpu = this_cpu();
    if (Tcb* from = sc.tcb) {
        // A server that is answered for by someone else may be running on another core.
        stall_if_running_elsewhere(cpu, *from);
        forget_schedule(*from);
        from->sched_context = nullptr;
        if (from == cpu.current || from == cpu.candidate) reschedule(cpu);
    }
    sc.tcb = &to;
    to.sched_context = &sc;
    set_core(to, sc.core);
}

void postpone(SchedContext& sc) {
    ready_dequeue(*sc.tcb);
    if (!sc.tcb->in_release_queue) release_enqueue(*sc.tcb);
}

void resume_context(SchedContext& sc) {
    Tcb* const tcb = sc.tcb;
    if (!tcb || !is_schedulable(*tcb)) return;
    if (!refill_ready(sc, this_cpu().now) || !refill_sufficient(sc, 0)) postpone(sc);
}

void return_lent_context(Notification* notification, Tcb& tcb) {
    if (!notification) return;
    SchedContext* const sc = notification->sched_context;
    if (!sc || sc != tcb.sched_context) return;
    tcb.sched_context = nullptr;
    sc->tcb = nullptr;
    Cpu& cpu = this_cpu();
    if (&tcb == cpu.current) reschedule(cpu);
}

void lend_context(Notification& notification, Tcb& tcb) {
    SchedContext* const sc = notification.sched_context;
    if (!sc || sc->tcb || tcb.sched_context) return;
    donate(*sc, tcb);
    refill_unblock(*sc, this_cpu().now);
    resume_context(*sc);
}

Word take_consumed_us(SchedContext& sc) {
    Word const us = ticks_to_us(sc.consumed);
    sc.consumed = 0;
    return us;
}

void complete_yield(Tcb& yielder) {
    SchedContext& sc = *yielder.yielding_to;
    Word const consumed = take_consumed_us(sc);
    cancel_yield(yielder);
    if (yielder.yield_is_call) reply_to_call(yielder, &consumed, 1);
}

void cancel_yield(Tcb& yielder) {
    if (!yielder.yielding_to) return;
    yielder.yielding_to->yielding_from = nullptr;
    yielder.yielding_to = nullptr;
}

void destroy_sched_context(SchedContext& sc) {
    if (sc.yielding_from) complete_yield(*sc.yielding_from);
    if (Tcb* tcb = sc.tcb) {
        stall_if_running_elsewhere(this_cpu(), *tcb);
        unbind_thread(sc, *tcb);
    }
    unbind_notification(sc);
    if (sc.reply) {
        sc.reply->owner = nullptr;
        sc.reply = nullptr;
    }
    // No core accounts time to it any more.
    for (Cpu& cpu : kernel.cpus) {
        if (cpu.current_sc != &sc) continue;
        cpu.current_sc = nullptr;
        cpu.consumed = 0;
        cpu.reprogram_timer = true;
        reschedule(cpu);
    }
    sc.refill_max = 0;
    sc.sporadic = 0;
}

}  // namespace keel
