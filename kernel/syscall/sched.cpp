// Invocations of SchedContext, SchedControl and DomainSet capabilities.
#include "arch/smp.h"
#include "core/ipc.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

constexpr unsigned kMinRefills = 2;
constexpr Word kLastDomainSchedule = kNumDomainSchedules - 2;

Outcome bind(Invocation& inv, SchedContext& sc) {
    if (!inv.extra[0]) return inv.truncated();
    Cap const& cap = inv.extra[0]->cap;
    switch (cap.type()) {
        case CapType::kThread: {
            Tcb& tcb = *cap.thread();
            if (sc.tcb || tcb.sched_context) return inv.illegal_operation();
            if (is_blocked(tcb) && !is_released(sc)) return inv.illegal_operation();
            bind_thread(sc, tcb);
            return Outcome::kDone;
        }
        case CapType::kNotification:
            if (sc.notification || cap.notification()->sched_context) return inv.illegal_operation();
            bind_notification(sc, *cap.notification());
            return Outcome::kDone;
        default: return inv.invalid_capability(1);
    }
}

Outcome unbind_object(Invocation& inv, SchedContext& sc) {
    if (!inv.extra[0]) return inv.truncated();
    Cap const& cap = inv.extra[0]->cap;
    switch (cap.type()) {
        case CapType::kThread:
            if (sc.tcb != cap.thread() || sc.tcb == inv.cpu.current) return inv.illegal_operation();
            stall_if_running_elsewhere(inv.cpu, *sc.tcb);
            unbind_thread(sc, *sc.tcb);
            return Outcome::kDone;
        case CapType::kNotification:
            if (sc.notification != cap.notification()) return inv.illegal_operation();
            unbind_notification(sc);
            return Outcome::kDone;
        default: return inv.invalid_capability(1);
    }
}

Outcome unbind(Invocation& inv, SchedContext& sc) {
    if (sc.tcb == inv.cpu.current) return inv.illegal_operation();
    if (sc.tcb) {
        stall_if_running_elsewhere(inv.cpu, *sc.tcb);
        unbind_thread(sc, *sc.tcb);
    }
    unbind_notification(sc);
    if (sc.reply) {
        sc.reply->owner = nullptr;
        sc.reply = nullptr;
    }
    return Outcome::kDone;
}

Outcome yield_to(Invocation& inv, SchedContext& sc) {
    Tcb* const target = sc.tcb;
    Tcb& caller = inv.caller;
    if (!target || target == inv.cpu.current) return inv.illegal_operation();
    if (target->priority > caller.max_controlled_priority) return inv.illegal_operation();
    if (caller.yielding_to) cancel_yield(caller);

    if (sc.yielding_from) complete_yield(*sc.yielding_from);
    stall_if_running_elsewhere(inv.cpu, *target);
    resume_context(sc);
    if (is_schedulable(*target)) {
        refill_unblock(sc, inv.cpu.now);
        if (sc.core == inv.cpu.id && target->priority >= caller.priority) {
            // The answer comes when the caller runs again.
            caller.yielding_to = &sc;
            caller.yield_is_call = inv.is_call;
            sc.yielding_from = &caller;
            ready_dequeue(*target);
            ready_enqueue_first(caller);
            ready_enqueue_first(*target);
            reschedule(inv.cpu);
            return Outcome::kReplied;
        }
        ready_dequeue(*target);
        ready_enqueue_first(*target);
        notify_core(*target);
    }
    return inv.reply(take_consumed_us(sc));
}

struct Parameters {
    Ticks budget;
    Ticks period;  // 0: round robin
    unsigned refills;
    Word badge;
    bool sporadic;
};

void configure_context(Cpu& cpu, SchedContext& sc, unsigned core, const Parameters& parameters) {
    sc.badge = parameters.badge;
    sc.sporadic = parameters.sporadic;
    Tcb* const tcb = sc.tcb;
    if (tcb) {
        stall_if_running_elsewhere(cpu, *tcb);
        forget_schedule(*tcb);
        if (cpu.current_sc == &sc) commit_time(cpu);
    }
    // A thread that runs or waits for budget keeps owing what it used; for any other the context starts afresh.
    bool const in_use = tcb && tcb->is_runnable() && sc.refill_max > 0;
    move_context(sc, core);
    if (in_use)
        refill_update(sc, parameters.budget, parameters.period, parameters.refills, cpu.now);
    else
        refill_reset(sc, parameters.budget, parameters.period, parameters.refills, cpu.now);
    if (!tcb) return;
    resume_context(sc);
    if (tcb == cpu.current) {
        cpu.reprogram_timer = true;
        reschedule(cpu);
    } else if (is_schedulable(*tcb)) {
        make_ready(*tcb);
    }
}

}  // namespace

Outcome invoke_sched_context(Invocation& inv) {
    SchedContext& sc = *inv.cap.sched_context();
    switch (inv.label) {
        case seL4_SchedContextBind: return bind(inv, sc);
        case seL4_SchedContextUnbind: return unbind(inv, sc);
        case seL4_SchedContextUnbindObject: return unbind_object(inv, sc);
        case seL4_SchedContextConsumed: return inv.reply(take_consumed_us(sc));
        case seL4_SchedContextYieldTo: return yield_to(inv, sc);
        default: return inv.illegal_operation();
    }
}

Outcome invoke_sched_control(Invocation& inv) {
    if (inv.label != seL4_SchedControlConfigureFlags) return inv.illegal_operation();
    if (inv.length < 5 || !inv.extra[0]) return inv.truncated();
    Word const budget_us = inv.arg(0);
    Word const period_us = inv.arg(1);
    Word const extra_refills = inv.arg(2);
    Word const max = max_period_us();
    if (budget_us > max || budget_us < SEL4_MIN_BUDGET_US) return inv.range_error(SEL4_MIN_BUDGET_US, max);
    if (period_us > max || period_us < SEL4_MIN_BUDGET_US) return inv.range_error(SEL4_MIN_BUDGET_US, max);
    if (budget_us > period_us) return inv.range_error(SEL4_MIN_BUDGET_US, period_us);
    Cap const& target = inv.extra[0]->cap;
    if (!target.is(CapType::kSchedContext)) return inv.invalid_capability(1);
    Word const max_extra = seL4_MaxExtraRefills(target.sched_context_bits());
    if (extra_refills > max_extra) return inv.range_error(0, max_extra);
    bool const round_robin = budget_us == period_us;
    configure_context(inv.cpu, *target.sched_context(), static_cast<unsigned>(inv.cap.sched_control_core()),
                      {us_to_ticks(budget_us), round_robin ? 0 : us_to_ticks(period_us),
                       round_robin ? kMinRefills : kMinRefills + static_cast<unsigned>(extra_refills), inv.arg(3),
                       (inv.arg(4) & seL4_SchedContext_Sporadic) != 0});
    return Outcome::kDone;
}

Outcome invoke_domain_control(Invocation& inv) {
    switch (inv.label) {
        case seL4_DomainSetSet: {
            if (inv.length < 1) return inv.truncated();
            Word const domain = inv.arg(0);
            if (domain >= kNumDomains) return inv.invalid_argument(0);
            if (!inv.extra[0]) return inv.truncated();
            if (!inv.extra[0]->cap.is(CapType::kThread)) return inv.invalid_argument(1);
            set_domain(*inv.extra[0]->cap.thread(), static_cast<unsigned>(domain));
            return Outcome::kDone;
        }
        case seL4_DomainScheduleConfigure: {
            if (inv.length < 3) return inv.truncated();
            Word const index = inv.arg(0);
            Word const domain = inv.arg(1);
            Ticks const duration = inv.arg(2);
            if (index > kLastDomainSchedule) return inv.range_error(0, kLastDomainSchedule);
            if (domain >= kNumDomains) return inv.range_error(0, kNumDomains - 1);
            if (duration > low_mask(56)) return inv.invalid_argument(2);
            if (duration == 0 && domain != 0) return inv.invalid_argument(1);
            if (duration == 0 && index == kernel.domain_start) return inv.invalid_argument(2);
            kernel.domain_schedule[index] = {domain, duration};
            return Outcome::kDone;
        }
        case seL4_DomainScheduleSetStart: {
            if (inv.length < 1) return inv.truncated();
            Word const index = inv.arg(0);
            if (index >= kNumDomainSchedules) return inv.range_error(0, kNumDomainSchedules - 1);
            if (kernel.domain_schedule[index].duration == 0) return inv.invalid_argument(0);
            kernel.domain_start = static_cast<unsigned>(index);
            start_domain_schedule(inv.cpu, kernel.domain_start);
            reschedule(inv.cpu);
            return Outcome::kDone;
        }
        default: return inv.illegal_operation();
    }
}

}  // namespace keel
