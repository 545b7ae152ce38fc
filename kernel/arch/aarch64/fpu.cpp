// Floating point registers: who owns them, and moving them to and from memory. Eager: a thread that may use the FPU has
// its values in the registers whenever it runs, so no thread ever sees another's. See arch/switch.h.
#include "arch/fpu.h"

#include "arch/smp.h"
#include "arch/switch.h"

namespace keel {

void fpu_take(Cpu& cpu, Tcb& next) {
    if (cpu.arch.fpu_owner) keel_fpu_save(&cpu.arch.fpu_owner->fpu);
    keel_fpu_load(&next.fpu);
    cpu.arch.fpu_owner = &next;
}

extern "C" Tcb* keel_take_fpu_and_leave(Cpu* cpu, Tcb* to) {
    fpu_take(*cpu, *to);
    unlock_kernel(*cpu);
    return to;
}

void fpu_release(Tcb& tcb) {
    Cpu& self = this_cpu();
    if (self.arch.fpu_owner == &tcb) {
        keel_fpu_save(&tcb.fpu);
        self.arch.fpu_owner = nullptr;
    } else if constexpr (kSmp) {
        smp_release_fpu(self, tcb);
    }
}

}  // namespace keel
