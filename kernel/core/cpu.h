// The state of one core and of the whole kernel. All of it is protected by the kernel lock (arch/smp.h), except what
// is marked otherwise.
#pragma once

#include "arch/cpu.h"
#include "core/config.h"
#include "core/objects.h"
#include "core/release_queue.h"

namespace keel {

struct ReadyQueue {
    Tcb* head;
    Tcb* tail;
};

// What the scheduler has to do before the kernel is left.
enum class SchedulerAction : uint8_t { kResume, kSwitchTo, kChoose };

struct alignas(64) Cpu {
    ArchCpu arch;  // first: the exception entry code reads it
    unsigned id;

    Tcb* current;
    SchedContext* current_sc;  // the context whose time runs; null while idle
    Tcb* candidate;            // kSwitchTo
    SchedulerAction action;
    bool reprogram_timer;

    Ticks now;       // time of this kernel entry
    Ticks consumed;  // by current_sc, not charged yet

    // Domains.
    unsigned domain;
    unsigned domain_index;
    Ticks domain_left;  // kForever: the schedule never changes

    // Threads that can run, by domain and priority; a set bit says that the queue is not empty.
    Word ready_words[kNumDomains];
    Word ready_bits[kNumDomains][4];
    ReadyQueue ready[kNumDomains][256];

    ReleaseQueue release;  // threads whose context waits for its next replenishment

    Tcb idle;
};

struct DomainSlot {
    Word domain;
    Ticks duration;  // 0: end of the schedule
};

struct Kernel {
    Cpu cpus[kMaxCores];
    DomainSlot domain_schedule[kNumDomainSchedules];
    unsigned domain_start;
    Slot irq_slots[kNumIrqs];  // notification that each interrupt signals
    uint8_t irq_state[kNumIrqs];
    Tcb* debug_threads;
};

extern Kernel kernel;

inline Cpu& this_cpu() { return *current_cpu(); }

}  // namespace keel
