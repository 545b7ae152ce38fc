// The end of the kernel: a failed assertion or an exception inside it is our own bug. The record says what, where,
// which thread and through which calls (return addresses, for addr2line on the kernel's ELF); then the machine stops.
#include "arch/console.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/memory.h"
#include "arch/stack.h"
#include "core/assert.h"
#include "core/cpu.h"

namespace keel {

namespace {

constexpr unsigned kMaxChain = 32;

// 0 until a core has begun its record; others stop without one.
unsigned record_taken;

struct FrameRecord {
    const FrameRecord* caller;
    Word return_address;
};

bool begin_record() { return __atomic_exchange_n(&record_taken, 1, __ATOMIC_ACQ_REL) == 0; }

// User level may have left anything in x29, so records are followed only upwards and within this core's own stacks.
void print_chain(Word frame) {
    const CoreStack& stacks = keel_core_stacks[this_cpu().id];
    Word const low = reinterpret_cast<Word>(stacks.stack);
    Word const high = reinterpret_cast<Word>(&stacks + 1) - sizeof(FrameRecord);
    print("  chain:");
    for (unsigned i = 0; i < kMaxChain && frame >= low && frame <= high && is_aligned(frame, 4); i++) {
        const FrameRecord& record = *reinterpret_cast<const FrameRecord*>(frame);
        print(" ", Hex{record.return_address});
        Word const next = reinterpret_cast<Word>(record.caller);
        if (next <= frame) break;
        frame = next;
    }
    print("\n");
}

bool is_kernel_data(const void* pointer) {
    Word const address = reinterpret_cast<Word>(pointer);
    return is_aligned(address, 3) && address >= kWindowOffset && is_ram(to_physical(pointer));
}

void print_thread() {
    const Cpu& cpu = this_cpu();
    print("  core: ", Decimal{cpu.id}, "\n  thread: ");
    const Tcb* const tcb = cpu.current;
    if (!is_kernel_data(tcb)) {
        print("none (", Hex{reinterpret_cast<Word>(tcb)}, ")\n");
        return;
    }
    if (tcb == &cpu.idle) {
        print("idle\n");
        return;
    }
    print(Hex{reinterpret_cast<Word>(tcb)}, " \"");
    for (char c : tcb->name) {
        if (c == 0) break;
        console_put(c >= ' ' && c <= '~' ? c : '?');
    }
    const UserContext& context = tcb->context;
    print("\" pc ", Hex{context.pc}, " sp ", Hex{context.sp}, " x0 ", Hex{context.x[0]}, " x1 ", Hex{context.x[1]},
          " x7 ", Hex{context.x[7]}, "\n");
}

void print_registers(const UserContext& context) {
    for (unsigned i = 0; i < 31; i++)
        print(i % 4 == 0 ? "  x" : " x", Decimal{i}, " ", Hex{context.x[i]}, i % 4 == 3 ? "\n" : "");
    print(" sp ", Hex{context.sp}, "\n");
}

[[noreturn]] void stop_machine() {
    // The others notice when they come for the lock.
    if constexpr (kSmp) {
        for (unsigned core = 0; core < kMaxCores; core++) {
            if (core != this_cpu().id) send_ipi(core, kRequestIpi);
        }
    }
    stop_core();
}

}  // namespace

bool is_machine_stopping() { return __atomic_load_n(&record_taken, __ATOMIC_ACQUIRE) != 0; }

[[noreturn]] void stop_core() {
    // Interrupts are masked and stay pending, so this may spin through wfi; it never goes on.
    for (;;) wait_for_interrupt();
}

[[noreturn]] void halt_machine() {
    begin_record();
    stop_machine();
}

[[noreturn]] __attribute__((noinline)) void assertion_failed(const char* condition, const char* file, int line) {
    if (!begin_record()) stop_core();
    print("\nKEEL FAULT: assertion failed: ", condition, "\n  at: ", file, ":", Decimal{static_cast<Word>(line)}, "\n");
    print_thread();
    print_chain(reinterpret_cast<Word>(__builtin_frame_address(0)));
    stop_machine();
}

// From entry.S, on the exception stack. `kind` is the number of the vector.
extern "C" [[noreturn]] void keel_kernel_exception(Word kind, const UserContext* context, Word esr, Word far) {
    if (!begin_record()) stop_core();
    print("\nKEEL FAULT: exception in the kernel, vector ", Decimal{kind}, " esr ", Hex{esr}, " far ", Hex{far},
          "\n  at: ", Hex{context->pc}, " spsr ", Hex{context->spsr}, "\n");
    print_thread();
    print_registers(*context);
    print("  called from: ", Hex{context->x[30]}, "\n");
    print_chain(context->x[29]);
    stop_machine();
}

}  // namespace keel
