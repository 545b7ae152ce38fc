// The kernel lock and requests between cores; see arch/smp.h.
//
// A request is made by the holder of the lock, one at a time, and served by the target in its wait for the lock. Every
// core gets there: a core at user level or idle is interrupted, and one that has just given up the lock takes the
// interrupt as soon as it is at user level. So the holder may wait without a bound of its own.
#include "arch/smp.h"

#include "arch/irq.h"
#include "arch/switch.h"
#include "arch/time.h"
#include "core/sched_context.h"
#include "core/scheduler.h"

namespace keel {

namespace {

// Ticket lock: fair, so no core waits for more than the others' turns.
struct TicketLock {
    alignas(64) uint32_t next;
    alignas(64) uint32_t owner;
};
TicketLock kernel_lock;

enum Request : Word {
    kStall = 1 << 0,
    kDropVspace = 1 << 1,
    kReleaseFpu = 1 << 2,
    kMaskIrq = 1 << 3,
};

// Arguments of the request being made; protected by the lock.
struct {
    Word vspace_root;
    Word irq;
    bool masked;
} argument;

void save_fpu(Cpu& cpu) {
    if (!cpu.arch.fpu_owner) return;
    keel_fpu_save(&cpu.arch.fpu_owner->fpu);
    cpu.arch.fpu_owner = nullptr;
}

void stall_current(Cpu& cpu) {
    Tcb& tcb = *cpu.current;
    save_live_registers(tcb);
    if (cpu.arch.fpu_owner == &tcb) save_fpu(cpu);
    // What it entered the kernel for has not been done.
    tcb.context.pc = tcb.context.fault_pc;
    cpu.arch.stalled = true;
}

// On the target, which waits for the lock; the holder waits for it.
void serve_requests(Cpu& cpu) {
    // Acquire: pairs with the release in `request`; the argument is complete.
    Word const requests = __atomic_load_n(&cpu.arch.requests, __ATOMIC_ACQUIRE);
    if (requests & kStall) stall_current(cpu);
    if (requests & kDropVspace && cpu.arch.vspace_root == argument.vspace_root) {
        load_vspace(cpu, empty_vspace);
        instruction_barrier();
    }
    if (requests & kReleaseFpu) save_fpu(cpu);
    if (requests & kMaskIrq) mask_irq(irq_index(cpu.id, argument.irq), argument.masked);
    // Release: what was done here is visible to the holder when it sees the 0.
    __atomic_store_n(&cpu.arch.requests, 0, __ATOMIC_RELEASE);
}

void spin_once() {
    if (is_machine_stopping()) stop_core();
    asm volatile("yield" ::: "memory");
}

void request(Cpu& target, Word what) {
    __atomic_store_n(&target.arch.requests, what, __ATOMIC_RELEASE);
    send_ipi(target.id);
    while (__atomic_load_n(&target.arch.requests, __ATOMIC_ACQUIRE) != 0) spin_once();
}

}  // namespace

void smp_lock(Cpu& cpu) {
    uint32_t const ticket = __atomic_fetch_add(&kernel_lock.next, 1, __ATOMIC_RELAXED);
    // Acquire: pairs with the release in smp_unlock.
    while (__atomic_load_n(&kernel_lock.owner, __ATOMIC_ACQUIRE) != ticket) {
        if (cpu.arch.requests != 0) serve_requests(cpu);
        spin_once();
    }
}

void smp_unlock() {
    uint32_t const next = kernel_lock.owner + 1;
    __atomic_store_n(&kernel_lock.owner, next, __ATOMIC_RELEASE);
}

void smp_request_reschedule(Cpu& target) { send_ipi(target.id); }

void smp_stall(Cpu& self, Tcb& tcb) {
    for (Cpu& target : kernel.cpus) {
        if (target.id == self.id || target.current != &tcb) continue;
        request(target, kStall);
        // The thread is not that core's any more. Its time ends here, and if it can run on, it is in a queue like any
        // other that waits for a core.
        update_time(target);
        commit_time(target);
        target.current_sc = nullptr;
        target.current = &target.idle;
        reschedule(target);
        target.reprogram_timer = true;
        if (is_schedulable(tcb) && !tcb.in_ready_queue) {
            SchedContext& sc = *tcb.sched_context;
            if (refill_ready(sc, target.now) && refill_sufficient(sc, 0)) {
                ready_enqueue_first(tcb);
            } else {
                postpone(sc);
            }
        }
    }
}

void smp_drop_vspace(Cpu& self, Word root) {
    argument.vspace_root = root;
    for (Cpu& target : kernel.cpus) {
        if (target.id != self.id && target.arch.vspace_root == root) request(target, kDropVspace);
    }
}

void smp_release_fpu(Cpu& self, Tcb& tcb) {
    for (Cpu& target : kernel.cpus) {
        if (target.id == self.id || target.arch.fpu_owner != &tcb) continue;
        if (target.current == &tcb) {
            smp_stall(self, tcb);
        } else {
            request(target, kReleaseFpu);
        }
    }
}

void smp_mask_irq(unsigned core, Word irq, bool masked) {
    argument.irq = irq;
    argument.masked = masked;
    request(kernel.cpus[core], kMaskIrq);
}

}  // namespace keel
