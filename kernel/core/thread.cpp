// Threads; see thread.h.
#include "core/thread.h"

#include "arch/smp.h"
#include "arch/thread_registers.h"
#include "core/endpoint.h"
#include "core/fault.h"
#include "core/sched_context.h"
#include "core/scheduler.h"

namespace keel {

void init_thread(Tcb& tcb) {
    tcb.state = ThreadState::kInactive;
    init_registers(tcb.context);
    if constexpr (kSmp) tcb.core = static_cast<uint16_t>(this_cpu().id);
    if constexpr (kNumDomains > 1) tcb.domain = static_cast<uint8_t>(this_cpu().domain);
    remember_debug_thread(tcb);
}

void suspend(Tcb& tcb) {
    cancel_ipc(tcb);
    if (tcb.state == ThreadState::kRunning) tcb.context.fault_pc = tcb.context.pc;
    set_state(tcb, ThreadState::kInactive);
    forget_schedule(tcb);
    cancel_yield(tcb);
    forget_cancellation(tcb);
    tcb.cache_done = 0;
}

void resume(Tcb& tcb) {
    if (!tcb.is_stopped()) return;
    cancel_ipc(tcb);
    set_state(tcb, ThreadState::kRestart);
    SchedContext* const sc = tcb.sched_context;
    if (sc && sc->refill_max > 0) {
        if (sc->sporadic && sc != this_cpu().current_sc) refill_unblock(*sc, this_cpu().now);
        resume_context(*sc);
    }
    if (is_schedulable(tcb)) make_ready(tcb);
}

void set_priority(Tcb& tcb, uint8_t priority) {
    switch (tcb.state) {
        case ThreadState::kRunning:
        case ThreadState::kRestart: {
            bool const queued = tcb.in_ready_queue;
            Cpu& cpu = this_cpu();
            if (queued || &tcb == cpu.current || &tcb == cpu.candidate) {
                ready_dequeue(tcb);
                tcb.priority = priority;
                ready_enqueue_first(tcb);
                reschedule(cpu);
            } else {
                tcb.priority = priority;
            }
            notify_core(tcb);
            break;
        }
        case ThreadState::kBlockedOnReceive:
        case ThreadState::kBlockedOnSend:
        case ThreadState::kBlockedOnNotification: requeue_waiting(tcb, priority); break;
        default: tcb.priority = priority; break;
    }
}

void set_domain(Tcb& tcb, unsigned domain) {
    // On several cores: what runs elsewhere must not get into a queue beside that.
    stall_if_running_elsewhere(this_cpu(), tcb);
    ready_dequeue(tcb);
    tcb.domain = static_cast<uint8_t>(domain);
    if (is_schedulable(tcb)) ready_enqueue_first(tcb);
    if (&tcb == this_cpu().current) reschedule(this_cpu());
}

void end_turn(Tcb& tcb, bool may_fault) {
    SchedContext& sc = *tcb.sched_context;
    if (may_fault && sc.period != 0 && has_timeout_handler(tcb)) {
        raise_timeout(tcb, sc.badge);
    } else if (refill_ready(sc, this_cpu().now) && refill_sufficient(sc, 0)) {
        ready_enqueue_last(tcb);
    } else {
        postpone(sc);
    }
}

void notify_core(const Tcb& tcb) {
    if constexpr (kSmp) {
        if (tcb.core != this_cpu().id) request_reschedule(kernel.cpus[tcb.core]);
    }
}

void remember_debug_thread(Tcb& tcb) {
    if constexpr (kDebugBuild) {
        tcb.debug_prev = nullptr;
        tcb.debug_next = kernel.debug_threads;
        if (kernel.debug_threads) kernel.debug_threads->debug_prev = &tcb;
        kernel.debug_threads = &tcb;
    }
}

void forget_debug_thread(Tcb& tcb) {
    if constexpr (kDebugBuild) {
        (tcb.debug_prev ? tcb.debug_prev->debug_next : kernel.debug_threads) = tcb.debug_next;
        if (tcb.debug_next) tcb.debug_next->debug_prev = tcb.debug_prev;
    }
}

}  // namespace keel
