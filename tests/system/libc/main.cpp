// The C library on the device: runs its functions with a thread pointer as in a domain, then reports what was wrong.
#include <kos/roottask/testing.h>

#include "fake.h"

namespace {

alignas(64) unsigned char area[4096];

void run(void (*body)(libc_test::Checks&)) {
    libc_test::Checks checks;
    {
        libc_test::WithThreadPointer const pointer(area, 0);
        body(checks);
    }
    EXPECT_NE(checks.count, 0u);
    for (unsigned i = 0; i < checks.failures; ++i) kos::roottask::testing::fail(__FILE__, __LINE__, checks.failed[i]);
}

}  // namespace

KOS_TEST(area_fits) { EXPECT_LE(kos_tls_bytes(&libc_test::startup()), sizeof area); }
KOS_TEST(functions) { run(libc_test::check_functions); }
KOS_TEST(heap) { run(libc_test::check_heap); }
KOS_TEST(output) { run(libc_test::check_output); }
// Twice: the second set-up, as for a restarted thread, brings the initial values back.
KOS_TEST(thread_local_variables) {
    run(libc_test::check_thread_local);
    run(libc_test::check_thread_local);
}

void kos_main(kos::roottask::RootTask& root) {
    kos::roottask::run_tests(root);
    for (;;) {
        kos::sel4::tcb_suspend(seL4_CapInitThreadTCB);
    }
}
