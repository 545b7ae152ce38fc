// Virtual memory faults: the message for each kind of access, and that a reply repeats the access.
#include "faults.h"
#include "stubs.h"

namespace {

constexpr Word kUnmapped = 0x30000000;

void expect_vm_fault(const MessageCopy& fault, Word ip, Word address, Word prefetch, Word status, int line) {
    using kos::roottask::testing::check;
    const Word expected[] = {ip, address, prefetch, status};
    check(fault.badge == FaultingThread::kBadge, __FILE__, line, "badge", fault.badge, "expected",
          FaultingThread::kBadge);
    check(fault.label() == seL4_Fault_VMFault, __FILE__, line, "label", fault.label(), "expected",
          Word{seL4_Fault_VMFault});
    check(fault.length() == seL4_VMFault_Length, __FILE__, line, "length", fault.length(), "expected",
          Word{seL4_VMFault_Length});
    for (Word i = 0; i < seL4_VMFault_Length; ++i) {
        check(fault.word(i) == expected[i], __FILE__, line, "word", fault.word(i), "expected", expected[i]);
    }
}

}  // namespace

KOS_TEST(vm_fault_messages) {
    struct Case {
        void (*run)(Word address);
        Word ip;
        Word address;
        Word prefetch;
        Word status;
    };
    const Case cases[] = {
        {[](Word a) { stub_read_word(a); }, address_of(stub_read_word), kUnmapped, 0, 0x92000006},
        {[](Word a) { stub_write_word(a); }, address_of(stub_write_word), kUnmapped + 8, 0, 0x92000046},
        {[](Word a) { stub_read_word(a); }, address_of(stub_read_word), 8, 0, 0x92000006},
        {[](Word a) { stub_read_word(a); }, address_of(stub_read_word), Word{9} << 39, 0, 0x92000004},
        {[](Word a) { stub_read_word(a); }, address_of(stub_read_word), Word{9} << 30, 0, 0x92000005},
        {[](Word a) { stub_read_word(a); }, address_of(stub_read_word), Word{1} << 63, 0, 0x92000004},
        {[](Word a) { stub_read_word(a); }, address_of(stub_read_word), Word{1} << 48, 0, 0x92000004},
        {[](Word a) { stub_jump(a); }, kUnmapped + 4, kUnmapped + 4, 1, 0x82000006},
        {[](Word a) { stub_jump(a); }, 0, 0, 1, 0x82000006},
    };
    for (const Case& c : cases) {
        FaultingThread faulting;
        ASSERT_TRUE(faulting.create(t));
        EXPECT_OK(faulting.thread().start([c] { c.run(c.address); }));
        expect_vm_fault(faulting.take(), c.ip, c.address, c.prefetch, c.status, __LINE__);
    }
}

KOS_TEST(vm_fault_kernel_addresses) {
    // The kernel's own addresses are never readable; whether a translation exists does not show through the reply.
    for (Word address : {Word{0xffffff8040000000}, Word{0xffffffffffffff00}, Word{0xffffff8000000000}}) {
        FaultingThread faulting;
        ASSERT_TRUE(faulting.create(t));
        EXPECT_OK(faulting.thread().start([address] { stub_read_word(address); }));
        MessageCopy fault = faulting.take();
        EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
        EXPECT_EQ(fault.word(seL4_VMFault_Addr), address);
        EXPECT_EQ(fault.word(seL4_VMFault_FSR) >> 26, 0x24u);
    }
}

KOS_TEST(vm_fault_alignment) {
    Word odd = image_start() + 1;
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(faulting.thread().start([odd] { stub_read_exclusive(odd); }));
    expect_vm_fault(faulting.take(), address_of(stub_read_exclusive), odd, 0, 0x92000021, __LINE__);
}

KOS_TEST(vm_fault_is_repaired_by_mapping) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    Shared<Word> seen;
    EXPECT_OK(faulting.thread().start([&] {
        stub_write_word(kFreeVirtual + 16);
        seen.set(stub_read_word(kFreeVirtual + 16));
    }));
    expect_vm_fault(faulting.take(), address_of(stub_write_word), kFreeVirtual + 16, 0, 0x92000046, __LINE__);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, page, kFreeVirtual, seL4_CanRead));
    faulting.answer(12, {1, 2, 3, 4, 5});  // neither label nor words matter
    expect_vm_fault(faulting.take(), address_of(stub_write_word), kFreeVirtual + 16, 0, 0x9200004f, __LINE__);
    ASSERT_OK(page_map(page, seL4_CapInitThreadVSpace, kFreeVirtual));
    faulting.answer();
    EXPECT_TRUE(faulting.thread().finished());
    EXPECT_EQ(seen.get(), kFreeVirtual + 16);
}

KOS_TEST(vm_fault_without_a_handler_stops_the_thread) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_OK(thread.start([] { stub_read_word(kUnmapped); }));
    EXPECT_FALSE(thread.finished());
    seL4_UserContext context{};
    EXPECT_OK(tcb_read_registers(thread.tcb(), Suspend::kNo, 3, context));
    EXPECT_EQ(context.pc, address_of(stub_read_word));
    // It can be set going again.
    context.pc += 4;
    EXPECT_OK(tcb_write_registers(thread.tcb(), Resume::kYes, 1, context));
    EXPECT_TRUE(thread.finished());
}

KOS_TEST(fault_suspended_thread_leaves_the_queue) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(faulting.thread().start([] { stub_read_word(kUnmapped); }));
    EXPECT_OK(tcb_suspend(faulting.thread().tcb()));
    EXPECT_EQ(faulting.take().badge, 0u);
    EXPECT_OK(tcb_resume(faulting.thread().tcb()));  // and faults again
    EXPECT_EQ(faulting.take().label(), Word{seL4_Fault_VMFault});
}

KOS_TEST(fault_reply_object_deleted) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(faulting.thread().start([] { stub_read_word(kUnmapped); }));
    EXPECT_EQ(faulting.take().label(), Word{seL4_Fault_VMFault});
    EXPECT_OK(cnode_delete(root_slot(faulting.reply_object())));
    CPtr other = t.make(seL4_ReplyObject);
    EXPECT_EQ(nb_recv(faulting.endpoint(), other).badge, 0u);
    EXPECT_OK(tcb_resume(faulting.thread().tcb()));
    EXPECT_EQ(nb_recv(faulting.endpoint(), other).label(), Word{seL4_Fault_VMFault});
}

KOS_TEST(fault_reply_after_suspend_is_ignored) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(faulting.thread().start([] { stub_undefined(); }));
    EXPECT_EQ(faulting.take().label(), Word{seL4_Fault_UserException});
    EXPECT_OK(tcb_suspend(faulting.thread().tcb()));
    faulting.answer(0, {address_of(stub_undefined) + 4});
    EXPECT_FALSE(faulting.thread().finished());
    EXPECT_OK(tcb_resume(faulting.thread().tcb()));
    EXPECT_EQ(faulting.take().word(seL4_UserException_FaultIP), address_of(stub_undefined));
}

KOS_TEST(fault_endpoint_revoked) {
    // The thread holds a copy of the handler's capability; without it the fault has nowhere to go.
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(cnode_revoke(root_slot(faulting.endpoint())));
    EXPECT_OK(faulting.thread().start([] { stub_read_word(kUnmapped); }));
    EXPECT_EQ(faulting.take().badge, 0u);
    EXPECT_FALSE(faulting.thread().finished());
}

KOS_TEST(fault_queue_keeps_order) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread threads[4];
    for (Word i = 0; i < 4; ++i) {
        ASSERT_TRUE(t.create(threads[i], {.priority = kAboveMain, .fault_endpoint = t.mint(endpoint, i + 1)}));
        EXPECT_OK(threads[i].start([i] { stub_read_word(kUnmapped + 8 * i); }));
    }
    for (Word i = 0; i < 4; ++i) {
        MessageCopy fault = nb_recv(endpoint, reply_object);
        EXPECT_EQ(fault.badge, i + 1);
        EXPECT_EQ(fault.word(seL4_VMFault_Addr), kUnmapped + 8 * i);
    }
}
