// The fake machine of the unit tests; see fake_machine.h. Called by the kernel through the arch/ headers.
#include "fake_machine.h"

#include <sanitizer/asan_interface.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "arch/asid.h"
#include "arch/cache.h"
#include "arch/console.h"
#include "arch/memory.h"
#include "arch/monitor.h"
#include "arch/smp.h"
#include "arch/switch.h"
#include "arch/time.h"
#include "arch/tlb.h"
#include "arch/trap.h"
#include "core/assert.h"
#include "core/entry.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"

namespace keel {

using host::machine;

namespace host {

FakeMachine machine;

}  // namespace host

Kernel kernel;
Word empty_vspace = 0x1000;  // no table of a test lies there

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "kernel assertion failed: %s (%s:%d)\n", condition, file, line);
    std::abort();
}

// --- Cores and time --------------------------------------------------------------------------------------------------
Cpu* current_cpu() { return machine.core; }
[[noreturn]] void stop_core() { std::abort(); }
[[noreturn]] void halt_machine() { std::abort(); }

Ticks counter() { return machine.time; }
void set_deadline(Ticks when) { machine.deadline = when; }

Ticks us_to_ticks(Word us) { return us * 125 / 2; }
Word ticks_to_us(Ticks ticks) { return ticks / 125 * 2 + ticks % 125 * 2 / 125; }
Word max_us() { return kForever / 500000; }
TimeLimits time_limits{us_to_ticks(kMinBudgetUs), us_to_ticks(kKernelWcetUs)};

namespace {

// On the target a core that waits for another is woken by an interrupt.
void wait_for_another_core() {
    if (machine.active_irq != kNoIrq)
        assertion_failed("an interrupt is active while its core waits", __FILE__, __LINE__);
}

}  // namespace

void request_reschedule(Cpu& target) { machine.ipis.push_back(target.id); }
void drop_vspace_elsewhere(Cpu& self, Word root) {
    for (Cpu& cpu : kernel.cpus) {
        if (cpu.id != self.id && cpu.arch.vspace_root == root) cpu.arch.vspace_root = empty_vspace;
    }
}

void smp_release_fpu(Cpu& self, Tcb& tcb) {
    for (Cpu& cpu : kernel.cpus) {
        if (cpu.id == self.id || cpu.arch.fpu_owner != &tcb) continue;
        wait_for_another_core();
        tcb.fpu = machine.fpu_registers[cpu.id];
        cpu.arch.fpu_owner = nullptr;
    }
}

// What arch/aarch64/smp.cpp does when the other core has let go of the thread.
void stall_if_running_elsewhere(Cpu& self, Tcb& tcb) {
    for (Cpu& target : kernel.cpus) {
        if (target.id == self.id || target.current != &tcb) continue;
        wait_for_another_core();
        tcb.context.pc = tcb.context.fault_pc;
        update_time(target);
        commit_time(target);
        target.current_sc = nullptr;
        target.current = &target.idle;
        reschedule(target);
        target.reprogram_timer = true;
        if (!is_schedulable(tcb) || tcb.in_ready_queue) continue;
        SchedContext& sc = *tcb.sched_context;
        if (refill_ready(sc, target.now) && refill_sufficient(sc, 0))
            ready_enqueue_first(tcb);
        else
            postpone(sc);
    }
}

// --- Interrupts ------------------------------------------------------------------------------------------------------
bool interrupt_pending() {
    ++machine.preemption_questions;
    if (machine.waiting_irq != kNoIrq) return true;
    return machine.preempt_at != 0 && --machine.preempt_at == 0;
}

Word take_irq() {
    Word const index = machine.waiting_irq;
    machine.waiting_irq = kNoIrq;
    machine.active_irq = index;
    return index;
}

void complete_irq(Word index) {
    machine.active_irq = kNoIrq;
    ++machine.completed[index];
}
void mask_irq(Word index, bool masked) { machine.masked[index] = masked; }
void set_irq_trigger(Word index, bool edge) { machine.edge[index] = edge; }
void set_irq_target(Word, unsigned) {}
void acknowledge_irq(Word index) {
    ++machine.acknowledged[index];
    machine.masked[index] = false;
}
void send_sgi(Word irq, Word target_mask) { machine.sgis.push_back({irq, target_mask}); }
void send_ipi(unsigned core) { machine.ipis.push_back(core); }

// --- Memory ----------------------------------------------------------------------------------------------------------
bool is_ram(PhysAddr) { return true; }
// Memory of destroyed objects may be out of bounds until it is cleared for new ones (testing/stress.h).
void clear_memory(void* start, Word size) {
    ASAN_UNPOISON_MEMORY_REGION(start, size);
    machine.bytes_cleared += size;
    std::memset(start, 0, size);
}
void clean_memory_to_ram(void*, Word) {}

void invalidate_address(Asid, Word) { ++machine.tlb_address_invalidations; }
void invalidate_asid(Asid) { ++machine.tlb_asid_invalidations; }
void cache_range(CacheOperation operation, Word start, Word size) {
    machine.cache_calls.push_back({static_cast<unsigned>(operation), start, size});
}

// --- FPU -------------------------------------------------------------------------------------------------------------
extern "C" void keel_fpu_save(FpuContext* to) { *to = machine.fpu_registers[machine.core->id]; }
extern "C" void keel_fpu_load(const FpuContext* from) { machine.fpu_registers[machine.core->id] = *from; }

// --- Console, monitor ------------------------------------------------------------------------------------------------
void console_put(char c) { machine.console += c; }
void print_piece(const char* text) { machine.console += text; }
void print_piece(Hex number) {
    char text[20];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number.value));
    machine.console += text;
}

// The fake monitor adds one to each word.
void call_monitor(Word (&words)[kMonitorWords]) {
    machine.monitor_calls.push_back(words[0]);
    for (Word& word : words) ++word;
}

// --- Entry: as in arch/aarch64/trap.cpp; the idle thread may come back, tests wait for nothing -----------------------
extern "C" Tcb* keel_slow_syscall(Cpu* cpu, Tcb* tcb) {
    on_syscall(*cpu, *tcb);
    schedule(*cpu);
    return cpu->current;
}

}  // namespace keel
