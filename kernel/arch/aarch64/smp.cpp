// The kernel lock and requests between cores; see arch/smp.h.
//
// A core that waits spins for a short while and then sleeps until it is woken (wait_until, wake), because the core that
// it waits for may be a virtual one that shares a processor with it.
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
// Who drew a ticket, so that it can be woken when it is its turn.
unsigned ticket_core[kMaxCores];

enum Request : Word {
    kStall = 1 << 0,
    kDropVspace = 1 << 1,
    kReleaseFpu = 1 << 2,
    kMaskIrq = 1 << 3,
    kSetIrqTrigger = 1 << 4,
};

// Arguments of the request being made; protected by the lock.
struct {
    Cpu* holder;
    Word vspace_root;
    Word irq;
    bool flag;  // masked; edge-triggered
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

void wake(Cpu& target);

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
    if (requests & kMaskIrq) mask_irq(irq_index(cpu.id, argument.irq), argument.flag);
    if (requests & kSetIrqTrigger) set_irq_trigger(irq_index(cpu.id, argument.irq), argument.flag);
    Cpu& holder = *argument.holder;
    // Release: what was done here is visible to the holder when it sees the 0.
    __atomic_store_n(&cpu.arch.requests, 0, __ATOMIC_RELEASE);
    wake(holder);
}

constexpr unsigned kSpins = 500;

// Returns when `happened` is true; serves requests meanwhile if the core does not hold the lock.
template <typename Happened>
void wait_until(Cpu& cpu, bool serves, Happened happened) {
    for (unsigned spins = 0; !happened(); spins++) {
        if (is_machine_stopping()) stop_core();
        if (serves && cpu.arch.requests != 0) serve_requests(cpu);
        if (spins < kSpins) {
            asm volatile("yield" ::: "memory");
            continue;
        }
        // Sequentially consistent, as the fence in `wake`: either that core sees `sleeping`, or this one sees here what
        // that core did before. A request comes with its own interrupt.
        __atomic_store_n(&cpu.arch.sleeping, true, __ATOMIC_SEQ_CST);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (!happened()) wait_for_interrupt();
        __atomic_store_n(&cpu.arch.sleeping, false, __ATOMIC_RELAXED);
        clear_ipi(kWakeIpi);
        spins = 0;  // another interrupt may be pending, which lets every sleep end at once
    }
}

// After something happened that `target` may be waiting for.
void wake(Cpu& target) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&target.arch.sleeping, __ATOMIC_RELAXED)) send_ipi(target.id, kWakeIpi);
}

void request(Cpu& self, Cpu& target, Word what) {
    argument.holder = &self;
    // Release: pairs with the acquire in serve_requests.
    __atomic_store_n(&target.arch.requests, what, __ATOMIC_RELEASE);
    send_ipi(target.id, kRequestIpi);
    wait_until(self, false, [&] { return __atomic_load_n(&target.arch.requests, __ATOMIC_ACQUIRE) == 0; });
}

}  // namespace

void smp_lock(Cpu& cpu) {
    uint32_t const ticket = __atomic_fetch_add(&kernel_lock.next, 1, __ATOMIC_RELAXED);
    // Acquire: pairs with the release in smp_unlock.
    auto const is_mine = [&] { return __atomic_load_n(&kernel_lock.owner, __ATOMIC_ACQUIRE) == ticket; };
    if (is_mine()) return;
    __atomic_store_n(&ticket_core[ticket % kMaxCores], cpu.id, __ATOMIC_RELAXED);
    wait_until(cpu, true, is_mine);
}

void smp_unlock() {
    uint32_t const next = kernel_lock.owner + 1;
    __atomic_store_n(&kernel_lock.owner, next, __ATOMIC_RELEASE);
    // If the core that drew the next ticket has not written its number yet, it is not asleep either.
    wake(kernel.cpus[__atomic_load_n(&ticket_core[next % kMaxCores], __ATOMIC_RELAXED)]);
}

void smp_request_reschedule(Cpu& target) { send_ipi(target.id, kRequestIpi); }

void smp_stall(Cpu& self, Tcb& tcb) {
    for (Cpu& target : kernel.cpus) {
        if (target.id == self.id || target.current != &tcb) continue;
        request(self, target, kStall);
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
        if (target.id != self.id && target.arch.vspace_root == root) request(self, target, kDropVspace);
    }
}

void smp_release_fpu(Cpu& self, Tcb& tcb) {
    for (Cpu& target : kernel.cpus) {
        if (target.id == self.id || target.arch.fpu_owner != &tcb) continue;
        if (target.current == &tcb) {
            smp_stall(self, tcb);
        } else {
            request(self, target, kReleaseFpu);
        }
    }
}

void smp_mask_irq(unsigned core, Word irq, bool masked) {
    argument.irq = irq;
    argument.flag = masked;
    request(this_cpu(), kernel.cpus[core], kMaskIrq);
}

void smp_set_irq_trigger(unsigned core, Word irq, bool edge) {
    argument.irq = irq;
    argument.flag = edge;
    request(this_cpu(), kernel.cpus[core], kSetIrqTrigger);
}

}  // namespace keel
