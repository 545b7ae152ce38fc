// What the initial thread is given: bootinfo, the fixed slots, untyped memory, device tree.
#include <kos/roottask/bootargs.h>
#include <kos/roottask/testing.h>

using namespace kos::sel4;
using namespace kos::roottask;

KOS_TEST(bootinfo_regions) {
    const seL4_BootInfo& info = *root_task().boot_info;
    EXPECT_EQ(info.nodeID, 0u);
    EXPECT_EQ(info.initThreadCNodeSizeBits, Word{SEL4_ROOT_CNODE_SIZE_BITS});
    print("bootargs: {}\n", bootargs());
}

KOS_TEST(thread_runs_and_joins) {
    Thread thread;
    Shared<Word> sum;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_OK(thread.start([&] { sum.add(42); }));
    thread.join();
    EXPECT_EQ(sum.get(), 42u);
}

KOS_TEST(address_space_runs) {
    AddressSpace space;
    ASSERT_OK(space.create(t.arena()));
    Thread thread;
    Shared<Word> sum;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain,
                                  .spaces = {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = space.vspace()}}));
    EXPECT_OK(thread.start([&] { sum.add(42); }));
    thread.join();
    EXPECT_EQ(sum.get(), 42u);
}
