// Floating-point and SIMD registers belong to a thread: they survive whatever else runs, and nobody sees another's.
#include "fpu.h"
#include "sleeper.h"

namespace {

constexpr Word kHeldTwice = 0xd1;  // of the brk
constexpr Word kFpuTrap = 0x07;    // exception class: access to SIMD or floating point
constexpr Word kFpuDisabled = seL4_TCBFlag_fpuDisabled;

// Starts a bare thread that holds the holder's pattern.
void hold(BareThread& thread, FpuHolder& holder, int system_call = 0, CPtr on = kNullCap) {
    seL4_UserContext context{};
    context.pc = address_of(fpu_hold_forever);
    context.x0 = reinterpret_cast<Word>(&holder);
    context.x1 = static_cast<Word>(int64_t{system_call});
    context.x2 = on;
    EXPECT_OK(thread.start(context));
}

void serve(BareThread& thread, void (*function)(), CPtr endpoint, CPtr reply_object, const FpuBlock* block = nullptr) {
    seL4_UserContext context{};
    context.pc = address_of(function);
    context.x0 = reinterpret_cast<Word>(block);
    context.x1 = endpoint;
    context.x6 = reply_object;
    EXPECT_OK(thread.start(context));
}

// What a thread above the test finds in its registers.
FpuBlock stored_by(BareThread& thread) {
    FpuBlock found = FpuBlock::pattern(99);
    EXPECT_OK(thread.start(fpu_store_and_stop, reinterpret_cast<Word>(&found)));
    EXPECT_TRUE(is_done(thread.take()));
    return found;
}

// Lets the holders run until each has made so many rounds, then stops them.
void run_and_stop(Sleeper& sleeper, FpuHolder* holders, BareThread* threads, size_t count, Word rounds) {
    bool enough = false;
    while (!enough) {
        sleeper.sleep();
        enough = true;
        for (size_t i = 0; i < count; ++i) {
            enough = enough && (holders[i].rounds.get() >= rounds || holders[i].errors.get() != 0);
        }
    }
    for (size_t i = 0; i < count; ++i) {
        holders[i].stop.set(1);
    }
    for (size_t i = 0; i < count; ++i) {
        EXPECT_TRUE(is_done(threads[i].wait_for_fault()));
        EXPECT_EQ(holders[i].errors.get(), 0u);
        EXPECT_EQ(holders[i].found.differences(holders[i].expected), 0u);
    }
}

}  // namespace

KOS_TEST(fpu_new_thread_has_zeroes) {
    FpuBlock dirt = FpuBlock::pattern(1);
    BareThread filler;
    ASSERT_TRUE(filler.create(t));
    for (int i = 0; i < 3; ++i) {
        EXPECT_OK(filler.start(fpu_load_and_stop, reinterpret_cast<Word>(&dirt)));
        EXPECT_TRUE(is_done(filler.take()));
        BareThread thread;
        ASSERT_TRUE(thread.create(t));
        EXPECT_EQ(stored_by(thread).differences(FpuBlock{}), 0u);
        EXPECT_EQ(stored_by(filler).differences(dirt), 0u);
    }
}

KOS_TEST(fpu_new_thread_in_used_memory_has_zeroes) {
    // A thread fills its registers and is deleted; the next thread's object is in the same memory.
    CPtr memory = t.make(seL4_UntypedObject, tcb_bits());
    CPtr tcb = t.slot();
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr context_object = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    ASSERT_OK(sched_control_configure(t.sched_control(), context_object, {.budget_us = 10000, .period_us = 10000}));
    FpuBlock block;
    const FpuBlock zero{};
    for (Word round = 0; round < 6; ++round) {
        bool fill = round % 2 == 0;
        block = FpuBlock::pattern(round);
        ASSERT_OK(untyped_retype(memory, seL4_TCBObject, 0, {seL4_CapInitThreadCNode, 0, 0, tcb, 1}));
        ASSERT_OK(tcb_configure(tcb, {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = kVSpace}, 0, kNullCap));
        ASSERT_OK(tcb_set_sched_params(
            tcb, seL4_CapInitThreadTCB,
            {.mcp = 0, .priority = kAboveMain, .sched_context = context_object, .fault_endpoint = endpoint}));
        seL4_UserContext context{};
        context.pc = address_of(fill ? fpu_load_and_stop : fpu_store_and_stop);
        context.x0 = reinterpret_cast<Word>(&block);
        EXPECT_OK(tcb_write_registers(tcb, Resume::kYes, seL4_UserContext_Words, context));
        EXPECT_TRUE(is_done(nb_recv(endpoint, reply_object)));
        if (!fill) {
            EXPECT_EQ(block.differences(zero), 0u);
        }
        EXPECT_OK(cnode_revoke(root_slot(memory)));
    }
}

KOS_TEST(fpu_caller_keeps_its_registers) {
    // A system call that lets another thread run, seen from the thread that makes it.
    FpuBlock mine = FpuBlock::pattern(5);
    FpuBlock theirs = FpuBlock::pattern(6);
    FpuBlock found{};
    BareThread thread;
    ASSERT_TRUE(thread.create(t));
    seL4_UserContext context{};
    context.pc = address_of(fpu_load_and_stop);
    context.x0 = reinterpret_cast<Word>(&theirs);
    ASSERT_OK(tcb_write_registers(thread.tcb(), Resume::kNo, seL4_UserContext_Words, context));
    fpu_over_system_call(&mine, &found, thread.tcb(), Tag::make(seL4_TCBResume, 0).word,
                         static_cast<Word>(int64_t{seL4_SysCall}));
    EXPECT_TRUE(is_done(thread.take()));
    EXPECT_EQ(found.differences(mine), 0u);
    EXPECT_EQ(stored_by(thread).differences(theirs), 0u);
}

KOS_TEST(fpu_round_robin) {
    constexpr size_t kCount = 4;
    FpuHolder holders[kCount] = {FpuHolder(11), FpuHolder(12), FpuHolder(13), FpuHolder(14)};
    BareThread threads[kCount];
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t));
    for (size_t i = 0; i < kCount; ++i) {
        ASSERT_TRUE(threads[i].create(
            t, {.priority = kBelowMain, .budget = {.budget_us = 500 + 100 * i, .period_us = 500 + 100 * i}}));
        hold(threads[i], holders[i]);
    }
    run_and_stop(sleeper, holders, threads, kCount, 2000);
}

KOS_TEST(fpu_preempted_by_priority) {
    // The upper ones get a little of every period and preempt those below in the middle of whatever they do.
    constexpr size_t kCount = 4;
    FpuHolder holders[kCount] = {FpuHolder(21), FpuHolder(22), FpuHolder(23), FpuHolder(24)};
    BareThread threads[kCount];
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t));
    for (size_t i = 0; i < kCount; ++i) {
        SchedContextParams budget{.budget_us = 300, .period_us = 1500 + 400 * i};
        if (i == 0) {
            budget = {.budget_us = 5000, .period_us = 5000};
        }
        ASSERT_TRUE(threads[i].create(t, {.priority = kBelowMain - 10 + i, .budget = budget}));
        hold(threads[i], holders[i]);
    }
    run_and_stop(sleeper, holders, threads, kCount, 300);
}

KOS_TEST(fpu_yielding_threads) {
    constexpr size_t kCount = 3;
    FpuHolder holders[kCount] = {FpuHolder(31), FpuHolder(32), FpuHolder(33)};
    BareThread threads[kCount];
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t));
    for (size_t i = 0; i < kCount; ++i) {
        ASSERT_TRUE(threads[i].create(t, {.priority = kBelowMain}));
        hold(threads[i], holders[i], seL4_SysYield);
    }
    run_and_stop(sleeper, holders, threads, kCount, 1000);
}

KOS_TEST(fpu_clients_and_servers) {
    // Two clients call a server that overwrites the registers, one that leaves them alone, and one without access, by
    // turns of the scheduler; active and passive.
    FpuHolder holders[4] = {FpuHolder(41), FpuHolder(42), FpuHolder(43), FpuHolder(44)};
    BareThread clients[4];
    BareThread servers[3];
    FpuBlock dirt = FpuBlock::pattern(45);
    CPtr endpoints = t.make_many(seL4_EndpointObject, 0, 3);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, 3);
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t));
    for (Word i = 0; i < 3; ++i) {
        ASSERT_TRUE(servers[i].create(t, {.priority = kAboveMain}));
        serve(servers[i], i == 0 ? fpu_serve : fpu_serve_without, endpoints + i, replies + i, &dirt);
        if (i == 2) {
            EXPECT_OK(tcb_set_flags(servers[i].tcb(), 0, kFpuDisabled));
        }
        if (i != 1) {
            EXPECT_OK(sched_context_unbind(servers[i].sched_context()));  // passive from now on
        }
    }
    for (Word i = 0; i < 4; ++i) {
        ASSERT_TRUE(clients[i].create(
            t, {.priority = kBelowMain, .budget = {.budget_us = 600 + 100 * i, .period_us = 600 + 100 * i}}));
        hold(clients[i], holders[i], seL4_SysCall, endpoints + i % 3);
    }
    run_and_stop(sleeper, holders, clients, 4, 500);
    for (BareThread& server : servers) {
        EXPECT_EQ(server.take().badge, 0u);
    }
}

KOS_TEST(fpu_disabled_is_a_user_exception) {
    FpuBlock block = FpuBlock::pattern(51);
    BareThread thread;
    ASSERT_TRUE(thread.create(t));
    EXPECT_OK(tcb_set_flags(thread.tcb(), 0, kFpuDisabled));
    EXPECT_OK(thread.start(fpu_load_and_stop, reinterpret_cast<Word>(&block)));
    MessageCopy fault = thread.take();
    EXPECT_EQ(fault.label(), Word{seL4_Fault_UserException});
    EXPECT_EQ(fault.word(seL4_UserException_FaultIP), address_of(fpu_load_and_stop));
    EXPECT_EQ(fault.word(seL4_UserException_Number) >> 26, kFpuTrap);
    EXPECT_EQ(fault.word(seL4_UserException_Code), 0u);
    thread.answer();  // the same instruction again
    fault = thread.take();
    EXPECT_EQ(fault.word(seL4_UserException_FaultIP), address_of(fpu_load_and_stop));
    // With access it goes on where it was.
    EXPECT_OK(tcb_set_flags(thread.tcb(), kFpuDisabled, 0));
    thread.answer();
    EXPECT_TRUE(is_done(thread.take()));
    EXPECT_EQ(stored_by(thread).differences(block), 0u);
}

KOS_TEST(fpu_disabled_traps_every_kind_of_access) {
    BareThread thread;
    ASSERT_TRUE(thread.create(t));
    EXPECT_OK(tcb_set_flags(thread.tcb(), 0, kFpuDisabled));
    void (*const functions[])() = {[] { asm volatile("fmov d0, x0"); },
                                   [] {
                                       asm volatile("movi v0.16b, #0" : : : "v0");
                                   },
                                   [] {
                                       asm volatile("ldr q5, [x0]" : : : "v5");
                                   },
                                   [] { asm volatile("str s9, [x0]"); },
                                   [] { asm volatile("mrs x0, fpcr"); },
                                   [] { asm volatile("msr fpsr, x0"); },
                                   [] { asm volatile("fcmp d1, d2"); },
                                   [] {
                                       asm volatile("dup v1.2d, x3" : : : "v1");
                                   }};
    for (void (*function)() : functions) {
        EXPECT_OK(thread.start(function, reinterpret_cast<Word>(&thread)));
        MessageCopy fault = thread.take();
        EXPECT_EQ(fault.label(), Word{seL4_Fault_UserException});
        EXPECT_EQ(fault.word(seL4_UserException_FaultIP), address_of(function));
        EXPECT_EQ(fault.word(seL4_UserException_Number) >> 26, kFpuTrap);
    }
}

KOS_TEST(fpu_registers_survive_being_disabled) {
    FpuBlock block = FpuBlock::pattern(61);
    FpuBlock other = FpuBlock::pattern(62);
    FpuBlock found{};
    BareThread thread;
    BareThread second;
    ASSERT_TRUE(thread.create(t));
    ASSERT_TRUE(second.create(t));
    EXPECT_OK(thread.start(fpu_load_then_store, reinterpret_cast<Word>(&block), reinterpret_cast<Word>(&found)));
    EXPECT_EQ(brk_of(thread.take()), kHeldTwice);
    EXPECT_OK(tcb_set_flags(thread.tcb(), 0, kFpuDisabled));
    EXPECT_OK(second.start(fpu_load_and_stop, reinterpret_cast<Word>(&other)));
    EXPECT_TRUE(is_done(second.take()));
    seL4_UserContext context = thread.registers();
    context.pc = address_of(fpu_load_then_store_again);
    EXPECT_OK(tcb_write_registers(thread.tcb(), Resume::kNo, 1, context));
    thread.answer();
    EXPECT_EQ(thread.take().word(seL4_UserException_Number) >> 26, kFpuTrap);
    EXPECT_OK(tcb_set_flags(thread.tcb(), kFpuDisabled, 0));
    thread.answer();
    EXPECT_TRUE(is_done(thread.take()));
    EXPECT_EQ(found.differences(block), 0u);
}

KOS_TEST(fpu_disabled_by_the_thread_itself) {
    BareThread thread;
    ASSERT_TRUE(thread.create(t));
    EXPECT_OK(thread.start_syscall({.x0 = thread.tcb(),
                                    .x1 = Tag::make(shifted_label(seL4_TCBSetFlags), 2).word,
                                    .x2 = 0,
                                    .x3 = kFpuDisabled,
                                    .x7 = static_cast<Word>(int64_t{seL4_SysCall})}));
    EXPECT_TRUE(is_done(thread.take()));
    EXPECT_EQ(thread.registers().x2, kFpuDisabled);
    FpuBlock block{};
    EXPECT_OK(thread.start(fpu_load_and_stop, reinterpret_cast<Word>(&block)));
    EXPECT_EQ(thread.take().word(seL4_UserException_Number) >> 26, kFpuTrap);
    // And back.
    EXPECT_OK(thread.start_syscall({.x0 = thread.tcb(),
                                    .x1 = Tag::make(shifted_label(seL4_TCBSetFlags), 2).word,
                                    .x2 = kFpuDisabled,
                                    .x3 = 0,
                                    .x7 = static_cast<Word>(int64_t{seL4_SysCall})}));
    EXPECT_TRUE(is_done(thread.take()));
    EXPECT_OK(thread.start(fpu_load_and_stop, reinterpret_cast<Word>(&block)));
    EXPECT_TRUE(is_done(thread.take()));
}

KOS_TEST(fpu_disabled_while_it_computes) {
    // Access is taken from a thread that was preempted in the middle of using it, and given back.
    FpuHolder holder(71);
    BareThread thread;
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t, 8000));
    ASSERT_TRUE(thread.create(t, {.priority = kBelowMain}));
    hold(thread, holder);
    for (int i = 0; i < 5; ++i) {
        Word rounds = holder.rounds.get();
        while (holder.rounds.get() == rounds) {
            sleeper.sleep();
        }
        EXPECT_OK(tcb_set_flags(thread.tcb(), 0, kFpuDisabled));
        rounds = holder.rounds.get();
        MessageCopy fault = thread.wait_for_fault();
        EXPECT_EQ(fault.word(seL4_UserException_Number) >> 26, kFpuTrap);
        EXPECT_LE(holder.rounds.get(), rounds + 1);
        EXPECT_OK(tcb_set_flags(thread.tcb(), kFpuDisabled, 0));
        thread.answer();
    }
    run_and_stop(sleeper, &holder, &thread, 1, holder.rounds.get() + 10);
}

KOS_TEST(fpu_registers_survive_suspension_and_register_access) {
    FpuBlock block = FpuBlock::pattern(81);
    FpuBlock other = FpuBlock::pattern(82);
    FpuBlock found{};
    BareThread thread;
    BareThread second;
    ASSERT_TRUE(thread.create(t));
    ASSERT_TRUE(second.create(t));
    EXPECT_OK(thread.start(fpu_load_and_stop, reinterpret_cast<Word>(&block)));
    EXPECT_TRUE(is_done(thread.take()));
    EXPECT_OK(tcb_suspend(thread.tcb()));
    EXPECT_OK(second.start(fpu_load_and_stop, reinterpret_cast<Word>(&other)));
    EXPECT_TRUE(is_done(second.take()));
    // None of the ways of setting registers sets these.
    EXPECT_OK(tcb_copy_registers(thread.tcb(), second.tcb(), {.frame = true, .integer = true}));
    EXPECT_OK(thread.start(fpu_store_and_stop, reinterpret_cast<Word>(&found)));
    EXPECT_TRUE(is_done(thread.take()));
    EXPECT_EQ(found.differences(block), 0u);
    EXPECT_EQ(stored_by(second).differences(other), 0u);
}

KOS_TEST(fpu_owner_deleted) {
    // The last user of the unit is deleted, then others use it.
    FpuBlock block = FpuBlock::pattern(91);
    for (int i = 0; i < 5; ++i) {
        BareThread thread;
        ASSERT_TRUE(thread.create(t));
        EXPECT_OK(thread.start(fpu_load_and_stop, reinterpret_cast<Word>(&block)));
        EXPECT_TRUE(is_done(thread.take()));
        EXPECT_OK(cnode_revoke(root_slot(thread.tcb())));
        EXPECT_OK(cnode_delete(root_slot(thread.tcb())));
        BareThread next;
        ASSERT_TRUE(next.create(t));
        EXPECT_EQ(stored_by(next).differences(FpuBlock{}), 0u);
    }
}
