// The boot sequence: from the loader's hand-over to the first instruction of the initial thread.
#include "arch/boot.h"
#include "arch/console.h"
#include "arch/smp.h"
#include "arch/time.h"
#include "arch/trap.h"
#include "arch/vspace.h"
#include "core/scheduler.h"
#include "init/hand_over.h"
#include "init/root_task.h"

namespace keel {

Kernel kernel;

namespace {

[[noreturn]] void reject(const HandOver& hand_over, const char* reason) {
    print("\nKEEL FAULT: the loader's hand-over is wrong: ", reason, "\n  image ", Hex{hand_over.image.start}, "..",
          Hex{hand_over.image.end}, " offset ", Hex{hand_over.image_offset}, " entry ", Hex{hand_over.entry},
          " device tree ", Hex{hand_over.device_tree.start}, "..", Hex{hand_over.device_tree.end}, "\n");
    halt_machine();
}

// All RAM but the kernel, the device tree and the user image. The device tree stays where it is; its last 16 bytes may
// be shared with free memory only in whole untyped objects.
RangeList free_ram(const HandOver& hand_over) {
    RangeList free;
    free.append(board_ram());
    free.remove(kernel_image_range());
    free.remove(hand_over.device_tree);
    free.remove(hand_over.image);
    return free;
}

void init_schedulers() {
    // One domain for ever until user level writes another schedule.
    kernel.domain_schedule[0] = {0, kForever};
    for (Cpu& cpu : kernel.cpus) {
        cpu.domain_left = kForever;
        cpu.reprogram_timer = true;
        cpu.action = SchedulerAction::kChoose;
    }
}

}  // namespace

extern "C" [[noreturn]] void keel_boot(Word image_start, Word image_end, Word image_offset, Word entry, Word tree_start,
                                       Word tree_size) {
    Cpu& cpu = kernel.cpus[0];
    init_core(cpu);
    HandOver const hand_over{
        {image_start, image_end}, image_offset, entry, {tree_start, tree_start == 0 ? 0 : tree_start + tree_size}};
    const char* const error = find_hand_over_error(hand_over, board_ram(), kernel_image_range(), raw(kUserTop));
    if (error) reject(hand_over, error);

    init_shared_hardware();
    reserve_kernel_irqs();
    init_schedulers();
    cpu.now = counter();
    Tcb& root = create_root_task(hand_over, free_ram(hand_over), user_device_ranges());
    lock_kernel(cpu);
    start_other_cores();
    cpu.now = counter();
    ready_enqueue_first(root);
    if constexpr (kDebugBuild) print("Keel: ", Decimal{kMaxCores}, " core(s), debug; entering the initial thread\n");
    start_core(cpu);
}

}  // namespace keel
