// The kernel system test: runs every registered test in the root task and sends the verdict.
//
// The tests are in the *_test.cpp files of this folder, by area. Called by the runner, on any kernel of the ABI.
#include <kos/roottask/testing.h>

void kos_main(kos::roottask::RootTask& root) {
    kos::roottask::run_tests(root);
    for (;;) {
        kos::sel4::tcb_suspend(seL4_CapInitThreadTCB);
    }
}
