// Choosing the thread that runs: ready queues by domain and priority, time accounting, domain schedule.
//
// The running thread is not in a ready queue; a thread in a queue is runnable and has a scheduling context with budget
// at hand, one whose budget returns later waits in the release queue.
#pragma once

#include "arch/time.h"
#include "core/cpu.h"

namespace keel {

// Runnable, with an active scheduling context whose budget is not being waited for.
inline bool is_schedulable(const Tcb& tcb) {
    return tcb.is_runnable() && tcb.sched_context && tcb.sched_context->refill_max > 0 && !tcb.in_release_queue;
}

void ready_enqueue_first(Tcb& tcb);
void ready_enqueue_last(Tcb& tcb);
void ready_dequeue(Tcb& tcb);
void release_enqueue(Tcb& tcb);
void release_dequeue(Tcb& tcb);

// Takes the thread out of whichever queue it is in; it is not about to be switched to either.
void forget_schedule(Tcb& tcb);

inline unsigned home_core(const Tcb& tcb) { return kSmp ? tcb.core : 0; }

// The thread has become able to run: it runs next if its priority is higher than the current thread's.
void make_ready(Tcb& tcb);
// The current thread may not be the right one any more.
void reschedule(Cpu& cpu);

// Highest priority with a ready thread, -1 if there is none.
inline int highest_ready(const Cpu& cpu, unsigned domain) {
    Word const words = cpu.ready_words[domain];
    if (words == 0) return -1;
    int const word = 63 - __builtin_clzll(words);
    return word * 64 + 63 - __builtin_clzll(cpu.ready_bits[domain][word]);
}

// At kernel entry: takes the time and accounts what has passed to the current context and domain.
inline void update_time(Cpu& cpu) {
    Ticks const now = counter();
    Ticks const passed = now - cpu.now;
    cpu.now = now;
    if (cpu.current_sc) cpu.consumed += passed;
    if (kNumDomains > 1 && cpu.domain_left != kForever)
        cpu.domain_left = passed < cpu.domain_left ? cpu.domain_left - passed : 0;
}
// Charges the time consumed so far to the current scheduling context.
void commit_time(Cpu& cpu);
// False if the current context has used up its budget or the domain its time: the thread has then been preempted and
// executes its system call again later.
bool check_budget(Cpu& cpu);
// Uses up `amount` of the current context's budget and ends the current thread's turn.
void charge_budget(Cpu& cpu, Ticks amount, bool may_fault);

// Before the kernel is left: wakes threads whose budget has returned, chooses the thread that runs, loads its
// context, sets the timer. Afterwards cpu.current runs (or is the idle thread).
void schedule(Cpu& cpu);

// Domain schedule: continue with the entry at `index`.
void start_domain_schedule(Cpu& cpu, unsigned index);

}  // namespace keel
