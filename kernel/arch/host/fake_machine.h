// The machine below the kernel on the host, as the tests see and move it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/fpu.h"
#include "arch/irq.h"
#include "core/cpu.h"

namespace keel::host {

struct SentSgi {
    Word irq;
    Word targets;
};

struct CacheCall {
    unsigned operation;
    Word start;
    Word size;
};

struct FakeMachine {
    Cpu* core = nullptr;  // the core that the test acts as
    Ticks time = 0;
    Ticks deadline = 0;  // as the kernel set it last

    // Preemption points: the answer is yes at the questions that `preempt_at` counts down to, then never again; or
    // always while an interrupt waits.
    uint64_t preemption_questions = 0;
    uint64_t preempt_at = 0;  // 0: never; else the n-th question from now

    // Interrupt controller.
    Word waiting_irq = kNoIrq;
    Word active_irq = kNoIrq;  // taken and not completed: no other one gets through
    bool masked[kNumIrqs] = {};
    bool edge[kNumIrqs] = {};
    unsigned completed[kNumIrqs] = {};
    unsigned acknowledged[kNumIrqs] = {};
    std::vector<SentSgi> sgis;
    std::vector<unsigned> ipis;

    // FPU registers of each core, and what the TLB and the caches were asked for.
    FpuContext fpu_registers[kMaxCores] = {};
    unsigned tlb_address_invalidations = 0;
    unsigned tlb_asid_invalidations = 0;
    std::vector<CacheCall> cache_calls;
    Word bytes_cleared = 0;

    std::string console;
    std::vector<Word> monitor_calls;
};

extern FakeMachine machine;

}  // namespace keel::host
