// The kernel benchmark: a root task that counts the instructions of kernel operations and checks that each worked.
//
// The rows are in the *_rows.cpp files. Parameters: rows=PREFIX or row=NAME (only these), passes=N (per row, default 2000).
// Called by ./kos bench, on any kernel of the ABI, under QEMU's -icount shift=0.
#include "bench.h"

void kos_main(kos::roottask::RootTask& root) {
    using namespace kos::bench;
    Bench bench(root);
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
