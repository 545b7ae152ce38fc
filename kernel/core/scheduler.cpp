// The scheduler; see scheduler.h.
#include "core/scheduler.h"

#include "arch/smp.h"
#include "arch/switch.h"
#include "arch/time.h"
#include "core/assert.h"
#include "core/sched_context.h"
#include "core/thread.h"

namespace keel {

namespace {

Cpu& home(const Tcb& tcb) { return kernel.cpus[kSmp ? tcb.core : 0]; }

void mark_ready(Cpu& cpu, unsigned domain, unsigned priority) {
    cpu.ready_bits[domain][priority / 64] |= bit(priority % 64);
    cpu.ready_words[domain] |= bit(priority / 64);
}

void clear_ready(Cpu& cpu, unsigned domain, unsigned priority) {
    Word& word = cpu.ready_bits[domain][priority / 64];
    word &= ~bit(priority % 64);
    if (word == 0) cpu.ready_words[domain] &= ~bit(priority / 64);
}

void notify_home(const Tcb& tcb) {
    if constexpr (kSmp) {
        Cpu& cpu = home(tcb);
        if (&cpu != &this_cpu()) request_reschedule(cpu);
    }
}

void next_domain(Cpu& cpu) {
    unsigned index = cpu.domain_index + 1;
    if (index >= kNumDomainSchedules || kernel.domain_schedule[index].duration == 0) index = kernel.domain_start;
    start_domain_schedule(cpu, index);
}

void choose_thread(Cpu& cpu) {
    if constexpr (kNumDomains > 1) {
        if (cpu.domain_left == 0) next_domain(cpu);
    }
    int const priority = highest_ready(cpu, cpu.domain);
    if (priority < 0) {
        cpu.current = &cpu.idle;
        return;
    }
    Tcb& tcb = *cpu.ready[cpu.domain][priority].head;
    ready_dequeue(tcb);
    cpu.current = &tcb;
}

// As many as user level likes may be due at once. Those that are left are the first of the queue still, so the deadline
// is in the past and the timer's interrupt comes as soon as interrupts are let through.
constexpr unsigned kMaxWakesAtOnce = 64;

[[gnu::noinline]] void wake_released(Cpu& cpu) {
    for (unsigned woken = 0; woken < kMaxWakesAtOnce; ++woken) {
        Tcb* const tcb = cpu.release.first();
        if (!tcb || !refill_ready(*tcb->sched_context, cpu.now)) break;
        release_dequeue(*tcb);
        make_ready(*tcb);
    }
}

// The thread that was running here goes on elsewhere: its context, or the one that it was lent last, is another core's.
void send_home(Tcb& tcb) {
    SchedContext& sc = *tcb.sched_context;
    if (!refill_ready(sc, this_cpu().now) || !refill_sufficient(sc, 0)) {
        postpone(sc);
    } else if (!tcb.in_ready_queue) {
        ready_enqueue_first(tcb);
        notify_home(tcb);
    }
}

void select_thread(Cpu& cpu) {
    Tcb& current = *cpu.current;
    bool const at_home = home_core(current) == cpu.id;
    bool const keeps_running = is_schedulable(current) && at_home;
    if (!at_home && is_schedulable(current)) send_home(current);
    Tcb* candidate = cpu.candidate;
    cpu.candidate = nullptr;
    if (candidate && !is_schedulable(*candidate)) candidate = nullptr;
    bool const domain_over = kNumDomains > 1 && cpu.domain_left == 0;
    if (candidate && !domain_over) {
        // The candidate beats everyone in the queues because it beats the thread that was running, ...
        bool wins = !keeps_running || candidate->priority > current.priority;
        // ... unless the current thread was not the highest (it blocked, or is idle).
        if (wins && (current.state == ThreadState::kIdle || candidate->priority < current.priority))
            wins = static_cast<int>(candidate->priority) >= highest_ready(cpu, cpu.domain);
        if (wins) {
            if (keeps_running && !current.in_ready_queue) ready_enqueue_first(current);
            cpu.current = candidate;
            return;
        }
    }
    if (keeps_running && !current.in_ready_queue) ready_enqueue_first(current);
    if (candidate) {
        if (candidate->priority == current.priority && keeps_running)
            ready_enqueue_last(*candidate);
        else
            ready_enqueue_first(*candidate);
    }
    choose_thread(cpu);
}

// The time from now on is accounted to the current thread's context.
void switch_sched_context(Cpu& cpu) {
    SchedContext* const next = cpu.current->sched_context;
    if (cpu.current_sc == next) return;
    commit_time(cpu);
    if (next && !next->sporadic) refill_unblock(*next, cpu.now);
    cpu.current_sc = next;
    cpu.reprogram_timer = true;
}

void set_next_deadline(Cpu& cpu) {
    Ticks deadline = kForever;
    if (cpu.current_sc) deadline = cpu.now + refill_head(*cpu.current_sc).amount - cpu.consumed;
    if (kNumDomains > 1 && cpu.domain_left != kForever && cpu.now + cpu.domain_left < deadline)
        deadline = cpu.now + cpu.domain_left;
    if (Tcb* tcb = cpu.release.first()) {
        Ticks const due = refill_head(*tcb->sched_context).time;
        if (due < deadline) deadline = due;
    }
    set_deadline(deadline);
}

}  // namespace

void ready_enqueue_first(Tcb& tcb) {
    if (tcb.in_ready_queue) return;
    Cpu& cpu = home(tcb);
    ReadyQueue& queue = cpu.ready[tcb.domain][tcb.priority];
    tcb.ready_prev = nullptr;
    tcb.ready_next = queue.head;
    (queue.head ? queue.head->ready_prev : queue.tail) = &tcb;
    queue.head = &tcb;
    tcb.in_ready_queue = true;
    mark_ready(cpu, tcb.domain, tcb.priority);
}

void ready_enqueue_last(Tcb& tcb) {
    if (tcb.in_ready_queue) return;
    Cpu& cpu = home(tcb);
    ReadyQueue& queue = cpu.ready[tcb.domain][tcb.priority];
    tcb.ready_next = nullptr;
    tcb.ready_prev = queue.tail;
    (queue.tail ? queue.tail->ready_next : queue.head) = &tcb;
    queue.tail = &tcb;
    tcb.in_ready_queue = true;
    mark_ready(cpu, tcb.domain, tcb.priority);
}

void ready_dequeue(Tcb& tcb) {
    if (!tcb.in_ready_queue) return;
    Cpu& cpu = home(tcb);
    ReadyQueue& queue = cpu.ready[tcb.domain][tcb.priority];
    (tcb.ready_prev ? tcb.ready_prev->ready_next : queue.head) = tcb.ready_next;
    (tcb.ready_next ? tcb.ready_next->ready_prev : queue.tail) = tcb.ready_prev;
    tcb.ready_next = tcb.ready_prev = nullptr;
    tcb.in_ready_queue = false;
    if (!queue.head) clear_ready(cpu, tcb.domain, tcb.priority);
}

void release_enqueue(Tcb& tcb) {
    Cpu& cpu = home(tcb);
    cpu.release.insert(tcb);
    tcb.in_release_queue = true;
    cpu.reprogram_timer = true;
    notify_home(tcb);
}

void release_dequeue(Tcb& tcb) {
    if (!tcb.in_release_queue) return;
    Cpu& cpu = home(tcb);
    if (cpu.release.first() == &tcb) cpu.reprogram_timer = true;
    cpu.release.remove(tcb);
    tcb.in_release_queue = false;
}

void forget_schedule(Tcb& tcb) {
    ready_dequeue(tcb);
    release_dequeue(tcb);
    Cpu& cpu = this_cpu();
    if (cpu.candidate == &tcb) {
        cpu.candidate = nullptr;
        cpu.action = SchedulerAction::kChoose;
    }
}

void make_ready(Tcb& tcb) {
    if (!tcb.sched_context || tcb.in_release_queue) return;
    Cpu& cpu = this_cpu();
    if (home_core(tcb) != cpu.id) {
        ready_enqueue_first(tcb);
        notify_home(tcb);
        return;
    }
    if (&tcb == cpu.candidate) return;
    if (tcb.domain != cpu.domain) {
        ready_enqueue_first(tcb);
        return;
    }
    if (cpu.action == SchedulerAction::kResume) {
        cpu.action = SchedulerAction::kSwitchTo;
        cpu.candidate = &tcb;
        return;
    }
    // A second candidate: the queues decide.
    reschedule(cpu);
    ready_enqueue_first(tcb);
}

void reschedule(Cpu& cpu) {
    if (cpu.action == SchedulerAction::kSwitchTo && cpu.candidate) {
        Tcb& candidate = *cpu.candidate;
        cpu.candidate = nullptr;
        if (is_schedulable(candidate)) ready_enqueue_first(candidate);
    }
    cpu.action = SchedulerAction::kChoose;
}

void commit_time(Cpu& cpu) {
    if (SchedContext* sc = cpu.current_sc; sc && sc->refill_max > 0 && cpu.consumed > 0) {
        refill_charge(*sc, cpu.consumed);
        sc->consumed += cpu.consumed;
    }
    cpu.consumed = 0;
}

bool check_budget(Cpu& cpu) {
    SchedContext* const sc = cpu.current_sc;
    if (sc && !refill_sufficient(*sc, cpu.consumed)) {
        charge_budget(cpu, cpu.consumed, true);
        return false;
    }
    if (kNumDomains > 1 && cpu.domain_left == 0) {
        reschedule(cpu);
        return false;
    }
    return true;
}

void charge_budget(Cpu& cpu, Ticks amount, bool may_fault) {
    SchedContext* const sc = cpu.current_sc;
    if (sc && sc->refill_max > 0) {
        if (sc->period == 0)
            refill_end_turn(*sc);
        else
            refill_charge(*sc, amount);
        sc->consumed += amount;
    }
    cpu.consumed = 0;
    if (is_schedulable(*cpu.current)) end_turn(*cpu.current, may_fault);
    reschedule(cpu);
    cpu.reprogram_timer = true;
}

void schedule(Cpu& cpu) {
    if (cpu.release.first()) wake_released(cpu);
    Tcb& before = *cpu.current;
    if (cpu.action != SchedulerAction::kResume) {
        select_thread(cpu);
        cpu.action = SchedulerAction::kResume;
        if (cpu.current != &before)
            switch_context(cpu, before, *cpu.current);
        else if (cpu.current != &cpu.idle)
            activate_vspace(cpu, *cpu.current);  // it may have been given another
    }
    switch_sched_context(cpu);
    if (cpu.reprogram_timer) {
        set_next_deadline(cpu);
        cpu.reprogram_timer = false;
    }
    activate(*cpu.current);
}

void start_domain_schedule(Cpu& cpu, unsigned index) {
    cpu.domain_index = index;
    cpu.domain = static_cast<unsigned>(kernel.domain_schedule[index].domain);
    cpu.domain_left = kernel.domain_schedule[index].duration;
    cpu.reprogram_timer = true;
}

}  // namespace keel
