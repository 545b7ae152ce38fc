// Unknown system calls and user exceptions: the messages, and what replies do to the thread's registers.
#include "faults.h"
#include "stubs.h"

namespace {

constexpr Word kConditionFlags = 0xf0000000;

seL4_UserContext registers_of(FaultingThread& faulting) {
    seL4_UserContext context{};
    EXPECT_OK(tcb_read_registers(faulting.thread().tcb(), Suspend::kNo, seL4_UserContext_Words, context));
    return context;
}

void check_unknown_syscall(const MessageCopy& fault, const Word (&x)[9], Word sp, int line) {
    using kos::roottask::testing::check;
    const Word expected[] = {
        x[0],        x[1], x[2], x[3], x[4], x[5], x[6], x[7], address_of(stub_svc_at), sp, address_of(stub_svc_after),
        user_spsr(), x[7]};
    check(fault.label() == seL4_Fault_UnknownSyscall, __FILE__, line, "label", fault.label(), "expected",
          Word{seL4_Fault_UnknownSyscall});
    check(fault.length() == seL4_UnknownSyscall_Length, __FILE__, line, "length", fault.length(), "expected",
          Word{seL4_UnknownSyscall_Length});
    for (Word i = 0; i < seL4_UnknownSyscall_Length; ++i) {
        check(fault.word(i) == expected[i], __FILE__, line, "word", fault.word(i), "expected", expected[i]);
    }
}

// Starts a thread that makes one system call with these registers.
bool start_svc(TestContext& t, FaultingThread& faulting, Word (&x)[9]) {
    return faulting.create(t) && faulting.thread().start([&x] { stub_svc(x); }).ok();
}

void expect_exception(TestContext& t, void (*function)(), Word number, int line) {
    using kos::roottask::testing::check;
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(faulting.thread().start([&] { function(); }));
    Word sp = registers_of(faulting).sp;
    MessageCopy fault = faulting.take();
    const Word expected[] = {address_of(function), sp, user_spsr(), number, 0};
    check(fault.label() == seL4_Fault_UserException, __FILE__, line, "label", fault.label(), "expected",
          Word{seL4_Fault_UserException});
    check(fault.length() == seL4_UserException_Length, __FILE__, line, "length", fault.length(), "expected",
          Word{seL4_UserException_Length});
    for (Word i = 0; i < seL4_UserException_Length; ++i) {
        check(fault.word(i) == expected[i], __FILE__, line, "word", fault.word(i), "expected", expected[i]);
    }
}

}  // namespace

KOS_TEST(unknown_syscall_message) {
    // 32-bit forms of valid numbers, positive ones, and numbers far beyond the last.
    for (Word number : {Word{0}, Word{1}, Word{0xffffffff}, Word{0xfffffff5}, Word{1000}, ~Word{0} - 99, Word{1} << 63,
                        Word{0x7fffffffffffffff}}) {
        Word x[9] = {10, 11, 12, 13, 14, 15, 16, number, 18};
        FaultingThread faulting;
        ASSERT_TRUE(start_svc(t, faulting, x));
        check_unknown_syscall(faulting.take(), x, registers_of(faulting).sp, __LINE__);
        seL4_UserContext context = registers_of(faulting);
        EXPECT_EQ(context.pc, address_of(stub_svc_at));
        EXPECT_EQ(context.x8, 18u);
    }
}

KOS_TEST(unknown_syscall_reply_without_words_repeats_it) {
    Word x[9] = {10, 11, 12, 13, 14, 15, 16, 1000, 18};
    FaultingThread faulting;
    ASSERT_TRUE(start_svc(t, faulting, x));
    check_unknown_syscall(faulting.take(), x, registers_of(faulting).sp, __LINE__);
    faulting.answer();
    check_unknown_syscall(faulting.take(), x, registers_of(faulting).sp, __LINE__);
}

KOS_TEST(unknown_syscall_reply_writes_as_many_registers_as_words) {
    Word x[9] = {10, 11, 12, 13, 14, 15, 16, 1000, 18};
    FaultingThread faulting;
    ASSERT_TRUE(start_svc(t, faulting, x));
    Word sp = registers_of(faulting).sp;
    check_unknown_syscall(faulting.take(), x, sp, __LINE__);
    faulting.answer(0, {100, 101, 102});
    Word changed[9] = {100, 101, 102, 13, 14, 15, 16, 1000, 18};
    check_unknown_syscall(faulting.take(), changed, sp, __LINE__);
    faulting.answer(0, {1, 2, 3, 4, 5, 6, 7, 1001});
    Word all[9] = {1, 2, 3, 4, 5, 6, 7, 1001, 18};
    check_unknown_syscall(faulting.take(), all, sp, __LINE__);
}

KOS_TEST(unknown_syscall_reply_continues_after_the_call) {
    Word x[9] = {10, 11, 12, 13, 14, 15, 16, 1000, 18};
    FaultingThread faulting;
    ASSERT_TRUE(start_svc(t, faulting, x));
    (void)faulting.take();
    faulting.answer(0, {20, 21, 22, 23, 24, 25, 26, 27, address_of(stub_svc_after)});
    EXPECT_TRUE(faulting.thread().finished());
    for (Word i = 0; i < 8; ++i) {
        EXPECT_EQ(x[i], 20 + i);
    }
    EXPECT_EQ(x[8], 18u);  // x8 is not part of the message
}

KOS_TEST(unknown_syscall_reply_all_words) {
    Word x[9] = {10, 11, 12, 13, 14, 15, 16, 1000, 18};
    FaultingThread faulting;
    ASSERT_TRUE(start_svc(t, faulting, x));
    (void)faulting.take();
    Word sp = registers_of(faulting).sp;
    // Stack pointer and status are written; only the condition flags of the status can be chosen.
    faulting.answer(0, {0, 1, 2, 3, 4, 5, 6, 1001, address_of(stub_svc_at), sp - 64, 0xdead, ~Word{0}, 77, 88});
    MessageCopy fault = faulting.take();
    EXPECT_EQ(fault.word(seL4_UnknownSyscall_SP), sp - 64);
    EXPECT_EQ(fault.word(seL4_UnknownSyscall_SPSR), kConditionFlags | user_spsr());
    seL4_UserContext context = registers_of(faulting);
    EXPECT_EQ(context.sp, sp - 64);
    EXPECT_EQ(context.spsr, kConditionFlags | user_spsr());
    EXPECT_EQ(context.x8, 18u);
    EXPECT_NE(context.x30, 0xdeadu);
    faulting.answer(0, {0, 1, 2, 3, 4, 5, 6, 1001, address_of(stub_svc_at), sp, 0, 0x3c5});  // EL1: masked
    EXPECT_EQ(faulting.take().word(seL4_UnknownSyscall_SPSR), user_spsr());
}

KOS_TEST(unknown_syscall_reply_with_a_label_stops_the_thread) {
    Word x[9] = {10, 11, 12, 13, 14, 15, 16, 1000, 18};
    FaultingThread faulting;
    ASSERT_TRUE(start_svc(t, faulting, x));
    (void)faulting.take();
    faulting.answer(1, {200, 201});
    EXPECT_EQ(faulting.take().badge, 0u);
    EXPECT_EQ(registers_of(faulting).x0, 200u);
    EXPECT_EQ(registers_of(faulting).pc, address_of(stub_svc_at));
    EXPECT_OK(tcb_resume(faulting.thread().tcb()));
    EXPECT_EQ(faulting.take().word(0), 200u);
}

KOS_TEST(unknown_syscall_write_registers_then_empty_reply) {
    Word x[9] = {10, 11, 12, 13, 14, 15, 16, 1000, 18};
    FaultingThread faulting;
    ASSERT_TRUE(start_svc(t, faulting, x));
    (void)faulting.take();
    seL4_UserContext context = registers_of(faulting);
    context.pc += 4;
    context.x0 = 77;
    EXPECT_OK(tcb_write_registers(faulting.thread().tcb(), Resume::kNo, 4, context));
    faulting.answer();
    EXPECT_TRUE(faulting.thread().finished());
    EXPECT_EQ(x[0], 77u);
    EXPECT_EQ(x[1], 11u);
}

KOS_TEST(system_calls_preserve_other_registers) {
    // Of the registers that a call does not return something in, none changes.
    CPtr notification = t.make(seL4_NotificationObject);
    Word x[9] = {notification, 0, 12, 13, 14, 15, 16, static_cast<Word>(-10), 18};
    stub_svc(x);  // NBWait: badge 0
    EXPECT_EQ(x[0], 0u);
    EXPECT_EQ(x[6], 16u);
    EXPECT_EQ(x[7], static_cast<Word>(-10));
    EXPECT_EQ(x[8], 18u);
    Word y[9] = {notification, 0, 12, 13, 14, 15, 16, static_cast<Word>(-5), 18};
    stub_svc(y);  // Send: nothing comes back
    EXPECT_EQ(y[0], notification);
    EXPECT_EQ(y[1], 0u);
    for (Word i = 2; i < 7; ++i) {
        EXPECT_EQ(y[i], 10 + i);
    }
}

KOS_TEST(system_call_ignores_the_immediate) {
    CPtr notification = t.mint(t.make(seL4_NotificationObject), 3);
    signal(notification);
    register Word x0 asm("x0") = notification;
    register Word x7 asm("x7") = static_cast<Word>(-10);
    asm volatile("svc #0x1234" : "+r"(x0), "+r"(x7) : : "x1", "x2", "x3", "x4", "x5", "x6", "memory");
    Word badge = x0;
    EXPECT_EQ(badge, 3u);
}

KOS_TEST(user_exception_undefined_instruction) { expect_exception(t, stub_undefined, 0x02000000, __LINE__); }
KOS_TEST(user_exception_breakpoint) {
    if (has_debug_api()) {
        KOS_SKIP("this kernel reports breakpoints as debug exceptions");
    }
    expect_exception(t, stub_brk, 0xf2000077, __LINE__);
}

KOS_TEST(user_exception_privileged_register) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(faulting.thread().start([] { stub_read_midr(); }));
    MessageCopy fault = faulting.take();
    EXPECT_EQ(fault.label(), Word{seL4_Fault_UserException});
    EXPECT_EQ(fault.word(seL4_UserException_FaultIP), address_of(stub_read_midr));
}

KOS_TEST(user_exception_virtual_counter_is_not_exported) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(faulting.thread().start([] { stub_read_cntvct(); }));
    MessageCopy fault = faulting.take();
    EXPECT_EQ(fault.label(), Word{seL4_Fault_UserException});
    EXPECT_EQ(fault.word(seL4_UserException_FaultIP), address_of(stub_read_cntvct));
    EXPECT_EQ(fault.word(seL4_UserException_Number) >> 26, 0x18u);  // a trapped system register
}

KOS_TEST(user_exception_hypervisor_and_monitor_calls) {
    for (void (*function)() :
         {+[] { asm volatile("hvc #0"); }, +[] { asm volatile("smc #0"); }, +[] { asm volatile("eret"); },
          +[] { asm volatile("msr daifset, #15"); }, +[] { asm volatile("tlbi vmalle1"); }}) {
        FaultingThread faulting;
        ASSERT_TRUE(faulting.create(t));
        EXPECT_OK(faulting.thread().start([function] { function(); }));
        EXPECT_EQ(faulting.take().label(), Word{seL4_Fault_UserException});
    }
}

KOS_TEST(user_exception_program_counter_alignment) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    Word odd = address_of(stub_brk) + 1;
    EXPECT_OK(faulting.thread().start([odd] { stub_jump(odd); }));
    MessageCopy fault = faulting.take();
    EXPECT_EQ(fault.label(), Word{seL4_Fault_UserException});
    EXPECT_EQ(fault.word(seL4_UserException_FaultIP), odd);
    EXPECT_EQ(fault.word(seL4_UserException_Number), 0x8a000000u);
}

KOS_TEST(user_exception_reply) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    EXPECT_OK(faulting.thread().start([] { stub_undefined(); }));
    Word sp = faulting.take().word(seL4_UserException_SP);
    faulting.answer();  // again
    EXPECT_EQ(faulting.take().word(seL4_UserException_FaultIP), address_of(stub_undefined));
    faulting.answer(0, {address_of(stub_read_midr)});
    EXPECT_EQ(faulting.take().word(seL4_UserException_FaultIP), address_of(stub_read_midr));
    // Words beyond the third are ignored.
    faulting.answer(0, {address_of(stub_undefined), sp - 16, kConditionFlags | 0x3c5, 8, 9});
    MessageCopy fault = faulting.take();
    EXPECT_EQ(fault.word(seL4_UserException_FaultIP), address_of(stub_undefined));
    EXPECT_EQ(fault.word(seL4_UserException_SP), sp - 16);
    EXPECT_EQ(fault.word(seL4_UserException_SPSR), kConditionFlags | user_spsr());
    // A label stops the thread, after the registers were written.
    faulting.answer(1, {address_of(stub_read_midr), sp, 0});
    EXPECT_EQ(faulting.take().badge, 0u);
    EXPECT_EQ(registers_of(faulting).pc, address_of(stub_read_midr));
    EXPECT_OK(tcb_resume(faulting.thread().tcb()));
    EXPECT_EQ(faulting.take().word(seL4_UserException_FaultIP), address_of(stub_read_midr));
    faulting.answer(0, {address_of(stub_read_midr) + 4});  // the return
    EXPECT_TRUE(faulting.thread().finished());
}

KOS_TEST(user_level_cache_maintenance_is_allowed) {
    Word line = 0;
    Word value = 0;
    asm volatile("mrs %0, ctr_el0" : "=r"(line));
    EXPECT_NE(line, 0u);
    asm volatile("mrs %0, dczid_el0" : "=r"(value));
    asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb\n\tdc cvac, %0\n\tdc civac, %0"
                 :
                 : "r"(&line)
                 : "memory");
    EXPECT_NE(line, 0u);
}
