// Tests of syscall.cpp: phases of system calls.
#include <sel4/abi.h>

#include "testing/kernel_test.h"

namespace keel {
namespace {

using testing::KernelTest;

class Syscall : public KernelTest {};

TEST_F(Syscall, CallOfAnEmptySlotIsAnError) {
    auto tcb = make_thread(10);
    syscall_as(*tcb, seL4_SysCall, free_slot());
    EXPECT_EQ(current(), tcb.get());
    EXPECT_EQ(label_of(*tcb), Word{seL4_InvalidCapability});
    EXPECT_EQ(words_of(*tcb), std::vector<Word>{0});
    expect_sound();
}

}  // namespace
}  // namespace keel
