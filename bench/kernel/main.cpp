// The kernel benchmark: a root task that counts the instructions of kernel operations and checks that each worked.
//
// The rows are in the *_rows.cpp files. Parameters: rows=PREFIX or row=NAME (only these), passes=N (per row, default
// 2000). Called by ./kos bench, on any kernel of the ABI, under QEMU's -icount shift=0.
#include "bench.h"

namespace {

// From the loader's last instructions to the root task's first. The loader left the time in the compare value of the
// physical timer; at a resolution of one tick.
void boot_row(kos::bench::Bench& bench, uint64_t start_ticks) {
    uint64_t handed_over = 0;
    asm volatile("mrs %0, cntp_cval_el0" : "=r"(handed_over));
    bench.row("boot/kernel", [&](kos::bench::Row& row) {
        if (row.check(handed_over != 0 && handed_over < start_ticks, "the loader left the time of the hand-over")) {
            row.result_exact((start_ticks - handed_over) * kos::bench::instructions_per_tick());
        }
    });
}

}  // namespace

void kos_main(kos::roottask::RootTask& root) {
    using namespace kos::bench;
    Bench bench(root);
    boot_row(bench, root.start_ticks);
    call_rows(bench);
    signal_rows(bench);
    fault_rows(bench);
    thread_rows(bench);
    memory_rows(bench);
    revoke_rows(bench);
    interrupt_rows(bench);
    bench.finish();
    for (;;) {
        kos::sel4::tcb_suspend(seL4_CapInitThreadTCB);
    }
}
