// What the TCB methods do: registers, spaces, priorities, suspending and resuming in every state.
#include "stubs.h"

namespace {

constexpr CPtr kSelf = seL4_CapInitThreadTCB;

// In the order of seL4_UserContext: x0..x8, x16..x18, x29, x30, then x9..x15, x19..x28.
constexpr int kRegisterOrder[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  16, 17, 18, 29, 30, 9, 10,
                                  11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28};
constexpr Word kGeneralRegisters = 31;
constexpr Word kFirstGeneral = 3;  // after pc, sp, spsr

seL4_UserContext registers_of(CPtr tcb) {
    seL4_UserContext context{};
    EXPECT_OK(tcb_read_registers(tcb, Suspend::kNo, seL4_UserContext_Words, context));
    return context;
}

// Starts a thread at the test's priority in stub_pattern_loop and waits until it loops there.
void start_pattern(Thread& thread, Word seed) {
    EXPECT_OK(thread.start([seed] { stub_pattern_loop(nullptr, seed); }));
    while (registers_of(thread.tcb()).pc != address_of(stub_pattern_loop_at)) {
        yield();
    }
}

void expect_pattern(const seL4_UserContext& context, Word seed, int line) {
    const Word* general = &context.pc + kFirstGeneral;
    for (Word i = 1; i < kGeneralRegisters; ++i) {  // x0 holds something else
        Word expected = seed + static_cast<Word>(kRegisterOrder[i]);
        kos::roottask::testing::check(general[i] == expected, __FILE__, line, "register", general[i], "expected",
                                      expected);
    }
}

}  // namespace

KOS_TEST(tcb_new_thread_registers) {
    seL4_UserContext context = registers_of(t.make(seL4_TCBObject));
    const Word* fields = &context.pc;
    for (Word i = 0; i < seL4_UserContext_Words; ++i) {
        EXPECT_EQ(fields[i], i == 2 ? user_spsr() : 0u);
    }
}

KOS_TEST(tcb_read_registers_of_a_running_thread) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, spinner_options()));
    start_pattern(thread, 0x1111000000000000);
    seL4_UserContext context = registers_of(thread.tcb());
    expect_pattern(context, 0x1111000000000000, __LINE__);
    EXPECT_EQ(context.tpidr_el0, reinterpret_cast<Word>(thread.buffer()));
    EXPECT_EQ(context.spsr & 0x1f, 0u);
    // Fewer registers: the answer is as long as asked for.
    for (Word count : {Word{1}, Word{4}, Word{5}, Word{17}, Word{36}}) {
        Result answer = tcb_read_registers(thread.tcb(), Suspend::kNo, count, context);
        EXPECT_EQ(answer.message.length(), count);
        EXPECT_EQ(answer.word(0), address_of(stub_pattern_loop_at));
    }
    // And it still runs.
    seL4_UserContext moved = registers_of(thread.tcb());
    moved.x1 = 1;
    EXPECT_OK(tcb_write_registers(thread.tcb(), Resume::kNo, 5, moved));
    yield();
    EXPECT_EQ(registers_of(thread.tcb()).x1, 1u);
}

KOS_TEST(tcb_read_registers_can_suspend) {
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, spinner_options()));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    wait_for_increase(count, 0);
    seL4_UserContext context{};
    EXPECT_OK(tcb_read_registers(thread.tcb(), Suspend::kYes, 1, context));
    Word before = count.get();
    yield();
    EXPECT_EQ(count.get(), before);
    EXPECT_OK(tcb_resume(thread.tcb()));
    wait_for_increase(count, before);
}

KOS_TEST(tcb_write_registers_reaches_the_processor) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, spinner_options()));
    seL4_UserContext context{};
    Word* general = &context.pc + kFirstGeneral;
    constexpr Word kSeed = 0x2222000000000000;
    for (Word i = 0; i < kGeneralRegisters; ++i) {
        general[i] = kSeed + static_cast<Word>(kRegisterOrder[i]);
    }
    context.pc = address_of(stub_pattern_loop_at);
    context.sp = 0x123450;
    context.spsr = ~Word{0};
    context.tpidr_el0 = 0x777;
    context.tpidrro_el0 = 0x888;
    EXPECT_OK(tcb_write_registers(thread.tcb(), Resume::kYes, seL4_UserContext_Words, context));
    for (int i = 0; i < 3; ++i) {
        yield();
    }
    seL4_UserContext after = registers_of(thread.tcb());
    expect_pattern(after, kSeed, __LINE__);
    EXPECT_EQ(after.x0, kSeed);
    EXPECT_EQ(after.sp, 0x123450u);
    EXPECT_EQ(after.spsr, 0xf0000000 | user_spsr());  // only the condition flags are the writer's choice
    EXPECT_EQ(after.tpidr_el0, 0x777u);
    EXPECT_EQ(after.tpidrro_el0, 0x888u);
}

KOS_TEST(tcb_write_registers_without_resume) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    Shared<Word> ran;
    EXPECT_OK(thread.prepare([&] { ran.set(1); }));
    EXPECT_EQ(ran.get(), 0u);
    EXPECT_OK(tcb_resume(thread.tcb()));
    EXPECT_EQ(ran.get(), 1u);
}

KOS_TEST(tcb_copy_registers_frame_and_integer) {
    Thread source;
    ASSERT_TRUE(t.create(source, spinner_options()));
    constexpr Word kSeed = 0x3333000000000000;
    start_pattern(source, kSeed);
    seL4_UserContext original = registers_of(source.tcb());
    const Word* from = &original.pc;
    for (int mask = 0; mask < 4; ++mask) {
        bool frame = (mask & 1) != 0;
        bool integer = (mask & 2) != 0;
        CPtr target = t.make(seL4_TCBObject);
        EXPECT_OK(tcb_copy_registers(target, source.tcb(), {.frame = frame, .integer = integer}));
        seL4_UserContext copied = registers_of(target);
        const Word* to = &copied.pc;
        for (Word i = 0; i < seL4_UserContext_FrameWords + 17; ++i) {
            bool taken = i < seL4_UserContext_FrameWords ? frame : integer;
            // The program counter restarts where the source would continue.
            EXPECT_EQ(to[i], taken ? from[i] : (i == 2 ? user_spsr() : 0u));
        }
        EXPECT_EQ(copied.tpidrro_el0, 0u);
    }
}

KOS_TEST(tcb_copy_registers_suspends_and_resumes) {
    Thread source;
    Thread target;
    Shared<Word> count;
    ASSERT_TRUE(t.create(source, spinner_options()));
    ASSERT_TRUE(t.create(target, spinner_options()));
    EXPECT_OK(source.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    wait_for_increase(count, 0);
    EXPECT_OK(tcb_copy_registers(target.tcb(), source.tcb(),
                                 {.suspend_source = Suspend::kYes, .frame = true, .integer = true}));
    Word before = count.get();
    yield();
    EXPECT_EQ(count.get(), before);
    EXPECT_OK(tcb_copy_registers(target.tcb(), source.tcb(),
                                 {.resume_target = Resume::kYes, .frame = true, .integer = true}));
    wait_for_increase(count, before);  // the target goes on with the source's loop
}

KOS_TEST(tcb_set_space_changes_the_cspace) {
    TestCNode node = make_cnode(t, 4);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 0x40);
    constexpr Word kGuard = 0xabc;
    constexpr Word kGuardBits = 60;
    EXPECT_OK(cnode_copy(node.at(3), root_slot(badged)));
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    // With a guard the index is at the low end of the address, as in the root task.
    EXPECT_OK(tcb_set_space(thread.tcb(), kNullCap,
                            {node.cap, kGuard << 6 | (kGuardBits & 63), seL4_CapInitThreadVSpace, 0}));
    EXPECT_OK(thread.start([] { signal(Word{kGuard} << 4 | 3); }));
    EXPECT_EQ(nb_wait(notification).badge, 0x40u);
}

KOS_TEST(tcb_set_ipc_buffer_of_the_running_thread) {
    // The words of a long message come from wherever the buffer is now.
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, page, kFreeVirtual));
    seL4_IPCBuffer* old = ipc_buffer();
    auto* moved = reinterpret_cast<seL4_IPCBuffer*>(kFreeVirtual + 0x400);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread server;
    Shared<Word> seen;
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain}));
    EXPECT_OK(server.start([&] { seen.set(recv(endpoint, reply_object).word(10)); }));
    EXPECT_OK(tcb_set_ipc_buffer(kSelf, reinterpret_cast<Word>(moved), page));
    old->msg[10] = 1;
    moved->msg[10] = 2;
    nb_send(endpoint, Tag::make(0, 11));
    // Back: the frame is an extra capability and so is read from the buffer of now.
    moved->caps_or_badges[0] = seL4_CapInitThreadIPCBuffer;
    Message answer = call(kSelf, Tag::make(seL4_TCBSetIPCBuffer, 1, 1), Words{{reinterpret_cast<Word>(old)}});
    EXPECT_EQ(answer.label(), 0u);
    EXPECT_EQ(seen.get(), 2u);
}

KOS_TEST(tcb_set_tls_base) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, spinner_options()));
    start_pattern(thread, 1);
    EXPECT_OK(tcb_set_tls_base(thread.tcb(), 0x123456789abcdef0));
    yield();
    EXPECT_EQ(registers_of(thread.tcb()).tpidr_el0, 0x123456789abcdef0u);
    // Of the running thread itself: at once.
    Word own = reinterpret_cast<Word>(ipc_buffer());
    EXPECT_OK(tcb_set_tls_base(kSelf, own));
    EXPECT_EQ(reinterpret_cast<Word>(ipc_buffer()), own);
}

KOS_TEST(tcb_priority_decides_who_runs) {
    Thread thread;
    Shared<Word> ran;
    ASSERT_TRUE(t.create(thread, {.priority = kBelowMain}));
    EXPECT_OK(thread.start([&] { ran.set(1); }));
    EXPECT_EQ(ran.get(), 0u);
    EXPECT_OK(tcb_set_priority(thread.tcb(), kSelf, kAboveMain));
    EXPECT_EQ(ran.get(), 1u);
}

KOS_TEST(tcb_lowering_its_own_priority) {
    Thread thread;
    Shared<Word> ran;
    ASSERT_TRUE(t.create(thread, {.priority = kBelowMain}));
    EXPECT_OK(thread.start([&] { ran.set(1); }));
    EXPECT_OK(tcb_set_priority(kSelf, kSelf, kBelowMain - 1));
    EXPECT_EQ(ran.get(), 1u);
    EXPECT_OK(tcb_set_priority(kSelf, kSelf, kMainPriority));
}

KOS_TEST(tcb_mc_priority_of_a_thread_limits_it) {
    Thread thread;
    Shared<Word> high;
    Shared<Word> low;
    CPtr victim = t.make(seL4_TCBObject);
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .mcp = 70}));
    CPtr tcb = thread.tcb();
    EXPECT_OK(thread.start([&, tcb, victim] {
        high.set(tcb_set_priority(victim, tcb, 71).error);
        low.set(tcb_set_priority(victim, tcb, 70).error);
    }));
    EXPECT_EQ(high.get(), Word{seL4_RangeError});
    EXPECT_EQ(low.get(), Word{seL4_NoError});
}

KOS_TEST(tcb_set_sched_params_starts_a_thread) {
    Thread thread;
    Shared<Word> ran;
    ASSERT_TRUE(t.create(thread, {.priority = kBelowMain, .passive = true}));
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    EXPECT_OK(sched_control_configure(t.sched_control(), context, {.budget_us = 5000, .period_us = 5000}));
    EXPECT_OK(thread.start([&] { ran.set(1); }));
    EXPECT_EQ(ran.get(), 0u);
    EXPECT_OK(tcb_set_sched_params(thread.tcb(), kSelf, {.mcp = 0, .priority = kAboveMain, .sched_context = context}));
    EXPECT_EQ(ran.get(), 1u);
}

KOS_TEST(tcb_failed_set_sched_params_changes_nothing) {
    Thread thread;
    Shared<Word> ran;
    ASSERT_TRUE(t.create(thread, {.priority = kBelowMain}));
    EXPECT_OK(thread.start([&] { ran.set(1); }));
    EXPECT_INVALID_CAPABILITY(tcb_set_sched_params(thread.tcb(), kSelf,
                                                   {.mcp = 255,
                                                    .priority = kAboveMain,
                                                    .sched_context = thread.sched_context(),
                                                    .fault_endpoint = thread.tcb()}),
                              3);
    EXPECT_EQ(ran.get(), 0u);
}

KOS_TEST(tcb_suspend_and_resume_a_running_thread) {
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, spinner_options()));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    wait_for_increase(count, 0);
    for (int i = 0; i < 3; ++i) {
        EXPECT_OK(tcb_suspend(thread.tcb()));
        EXPECT_OK(tcb_suspend(thread.tcb()));
        Word before = count.get();
        yield();
        EXPECT_EQ(count.get(), before);
        EXPECT_OK(tcb_resume(thread.tcb()));
        EXPECT_OK(tcb_resume(thread.tcb()));
        wait_for_increase(count, before);
    }
}

KOS_TEST(tcb_suspend_itself) {
    Thread thread;
    Shared<Word> step;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    CPtr tcb = thread.tcb();
    EXPECT_OK(thread.start([&, tcb] {
        step.set(1);
        tcb_suspend(tcb);
        step.set(2);
    }));
    EXPECT_EQ(step.get(), 1u);
    // The call never ended, so a resume makes it again, and the thread stops again.
    EXPECT_OK(tcb_resume(tcb));
    EXPECT_EQ(step.get(), 1u);
    seL4_UserContext context = registers_of(tcb);
    context.pc += 4;
    EXPECT_OK(tcb_write_registers(tcb, Resume::kYes, 1, context));
    EXPECT_EQ(step.get(), 2u);
}

KOS_TEST(tcb_suspend_a_waiting_thread_restarts_its_call) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread receiver;
    Thread sender;
    Thread waiter;
    Shared<Word> received;
    Shared<Word> signalled;
    for (Thread* thread : {&receiver, &sender, &waiter}) {
        ASSERT_TRUE(t.create(*thread, {.priority = kAboveMain}));
    }
    EXPECT_OK(receiver.start([&] { received.set(recv(endpoint, reply_object).words[0]); }));
    EXPECT_OK(tcb_suspend(receiver.tcb()));
    nb_send(endpoint, Tag::make(0, 1), Words{{1}});  // nobody there
    EXPECT_OK(tcb_resume(receiver.tcb()));
    nb_send(endpoint, Tag::make(0, 1), Words{{2}});
    EXPECT_EQ(received.get(), 2u);

    EXPECT_OK(sender.start([&] { send(endpoint, Tag::make(0, 1), Words{{3}}); }));
    EXPECT_OK(tcb_suspend(sender.tcb()));
    EXPECT_EQ(nb_recv(endpoint, reply_object).length(), 0u);
    EXPECT_OK(tcb_resume(sender.tcb()));
    EXPECT_EQ(nb_recv(endpoint, reply_object).words[0], 3u);

    EXPECT_OK(waiter.start([&] { signalled.set(wait(notification).badge); }));
    EXPECT_OK(tcb_suspend(waiter.tcb()));
    signal(t.mint(notification, 4));
    EXPECT_FALSE(waiter.finished());
    EXPECT_OK(tcb_resume(waiter.tcb()));
    EXPECT_EQ(signalled.get(), 4u);
}

KOS_TEST(tcb_suspend_a_calling_thread) {
    // Waiting for a reply: the reply object is emptied, and the call is made again after the resume.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread caller;
    Shared<Word> answer;
    ASSERT_TRUE(t.create(caller, {.priority = kAboveMain}));
    EXPECT_OK(caller.start([&] { answer.set(call(endpoint, Tag::make(0, 1), Words{{5}}).words[0]); }));
    EXPECT_EQ(nb_recv(endpoint, reply_object).words[0], 5u);
    EXPECT_OK(tcb_suspend(caller.tcb()));
    reply(reply_object, Tag::make(0, 1), Words{{6}});
    EXPECT_FALSE(caller.finished());
    EXPECT_OK(tcb_resume(caller.tcb()));
    EXPECT_EQ(nb_recv(endpoint, reply_object).words[0], 5u);
    reply(reply_object, Tag::make(0, 1), Words{{7}});
    EXPECT_EQ(answer.get(), 7u);
}

KOS_TEST(tcb_resume_a_waiting_thread_puts_it_at_the_end) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread first;
    Thread second;
    Shared<Word> received[2];
    ASSERT_TRUE(t.create(first, {.priority = kAboveMain}));
    ASSERT_TRUE(t.create(second, {.priority = kAboveMain}));
    EXPECT_OK(first.start([&] { received[0].set(wait(endpoint).words[0]); }));
    EXPECT_OK(second.start([&] { received[1].set(wait(endpoint).words[0]); }));
    EXPECT_OK(tcb_resume(first.tcb()));  // restarts its wait
    nb_send(endpoint, Tag::make(0, 1), Words{{1}});
    EXPECT_EQ(received[1].get(), 1u);
    EXPECT_EQ(received[0].get(), 0u);
    nb_send(endpoint, Tag::make(0, 1), Words{{2}});
    EXPECT_EQ(received[0].get(), 2u);
}

KOS_TEST(tcb_write_registers_of_a_waiting_thread) {
    // The thread is taken out of the queue when the new registers set it going.
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread thread;
    Shared<Word> ran;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_OK(thread.start([&] { wait(endpoint); }));
    EXPECT_OK(thread.start([&] { ran.set(1); }));
    EXPECT_EQ(ran.get(), 1u);
}

KOS_TEST(tcb_delete_the_last_capability_stops_the_thread) {
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, spinner_options()));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    wait_for_increase(count, 0);
    CPtr copy = t.copy(thread.tcb());
    EXPECT_OK(cnode_delete(root_slot(thread.tcb())));
    Word before = count.get();
    wait_for_increase(count, before);
    EXPECT_OK(cnode_delete(root_slot(copy)));
    before = count.get();
    yield();
    EXPECT_EQ(count.get(), before);
}
