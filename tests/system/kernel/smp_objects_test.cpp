// Several nodes: threads run at the same time, messages and signals cross, scheduling contexts move threads, and what
// is done to a thread, a mapping or an object takes effect on the node where it is in use.
#include "faults.h"
#include "fpu.h"
#include "stubs.h"

namespace {

constexpr CPtr kSelf = seL4_CapInitThreadTCB;
constexpr Word kLow = 20;  // below the test: such a thread on the test's node gets nothing while the test spins

#define SKIP_ON_ONE_NODE(t)   \
    if ((t).nodes() == 1) {   \
        KOS_SKIP("one node"); \
    }

ThreadOptions on_node(Word node, Word priority = kLow) { return {.priority = priority, .node = node}; }

// Spins, without giving the processor away, until the value is reached; the test's time limit is the limit.
void spin_until(const Shared<Word>& value, Word wanted) {
    while (value.get() < wanted) {
        asm volatile("yield");
    }
}

Result move_to(TestContext& t, const Thread& thread, Word node) {
    return sched_control_configure(t.sched_control(node), thread.sched_context(),
                                   {.budget_us = 100000, .period_us = 100000});
}

}  // namespace

KOS_TEST(smp_objects_context_moves_a_blocked_thread) {
    SKIP_ON_ONE_NODE(t);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 1);
    Thread thread;
    Shared<Word> rounds;
    ASSERT_TRUE(t.create(thread, on_node(0, kAboveMain)));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            wait(notification);
            rounds.add(1);
        }
    }));
    for (Word i = 0; i < 8; ++i) {
        EXPECT_OK(move_to(t, thread, i % t.nodes()));
        signal(badged);
        spin_until(rounds, i + 1);
    }
}

KOS_TEST(smp_objects_new_context_on_another_node) {
    SKIP_ON_ONE_NODE(t);
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, on_node(0)));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    spin_us(1000);
    EXPECT_EQ(count.get(), 0u);
    EXPECT_OK(sched_context_unbind(thread.sched_context()));
    CPtr other = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    EXPECT_OK(sched_control_configure(t.sched_control(t.nodes() - 1), other, {.budget_us = 10000, .period_us = 10000}));
    EXPECT_OK(sched_context_bind(other, thread.tcb()));
    spin_until(count, 1);
}

KOS_TEST(smp_objects_unmapping_reaches_other_nodes) {
    SKIP_ON_ONE_NODE(t);
    // A thread elsewhere reads a page in a loop. Whatever is done to the mapping, it never sees the old page again.
    CPtr first = t.make(seL4_ARM_SmallPageObject);
    CPtr second = t.make(seL4_ARM_SmallPageObject);
    auto* word = reinterpret_cast<volatile Word*>(kFreeVirtual);
    ASSERT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, second, kFreeVirtual));
    *word = 2;
    EXPECT_OK(page_unmap(second));
    ASSERT_OK(page_map(first, seL4_CapInitThreadVSpace, kFreeVirtual));
    *word = 1;
    CPtr faults = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread reader;
    Shared<Word> rounds;
    Shared<Word> seen;
    ThreadOptions options = on_node(1);
    options.fault_endpoint = faults;
    ASSERT_TRUE(t.create(reader, options));
    EXPECT_OK(reader.start([&] {
        for (;;) {
            seen.set(stub_read_word(kFreeVirtual));
            rounds.add(1);
        }
    }));
    spin_until(rounds, 10);
    EXPECT_EQ(seen.get(), 1u);
    EXPECT_OK(page_unmap(first));
    MessageCopy fault = recv(faults, reply_object);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
    EXPECT_EQ(fault.word(seL4_VMFault_Addr), kFreeVirtual);
    EXPECT_OK(page_map(first, seL4_CapInitThreadVSpace, kFreeVirtual));
    reply(reply_object, Tag{});
    spin_until(rounds, rounds.get() + 10);
    // Replaced by another page while it is being read.
    EXPECT_OK(page_map(second, seL4_CapInitThreadVSpace, kFreeVirtual));
    spin_until(rounds, rounds.get() + 2);
    EXPECT_EQ(seen.get(), 2u);
    // Made unreadable.
    EXPECT_OK(page_map(second, seL4_CapInitThreadVSpace, kFreeVirtual, seL4_NoRights));
    EXPECT_EQ(recv(faults, reply_object).label(), Word{seL4_Fault_VMFault});
}

KOS_TEST(smp_objects_page_table_unmapped_under_other_nodes) {
    SKIP_ON_ONE_NODE(t);
    CPtr table = t.make(seL4_ARM_PageTableObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(page_table_map(table, seL4_CapInitThreadVSpace, kFreeVirtual));
    ASSERT_OK(page_map(page, seL4_CapInitThreadVSpace, kFreeVirtual));
    CPtr faults = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread reader;
    Shared<Word> rounds;
    ThreadOptions options = on_node(t.nodes() - 1);
    options.fault_endpoint = faults;
    ASSERT_TRUE(t.create(reader, options));
    EXPECT_OK(reader.start([&] {
        for (;;) {
            stub_read_word(kFreeVirtual);
            rounds.add(1);
        }
    }));
    spin_until(rounds, 10);
    EXPECT_OK(cnode_delete(root_slot(table)));
    EXPECT_EQ(recv(faults, reply_object).label(), Word{seL4_Fault_VMFault});
}

KOS_TEST(smp_objects_vector_registers_follow_a_thread) {
    SKIP_ON_ONE_NODE(t);
    // One thread moves from node to node, and waits for a signal at each, while others use the registers there.
    constexpr Word kMoves = 12;
    CPtr notification = t.make(seL4_NotificationObject);
    Thread moving;
    Thread others[SEL4_SMP_MAX_NODES];
    Shared<Word> wrong;
    Shared<Word> rounds;
    Shared<Word> finished;
    auto check_over = [&](Word seed, CPtr cap, int syscall) {
        FpuBlock before = FpuBlock::pattern(seed);
        FpuBlock after{};
        fpu_over_system_call(&before, &after, cap, 0, static_cast<Word>(static_cast<int64_t>(syscall)));
        wrong.add(before.differences(after));
    };
    for (Word node = 1; node < t.nodes(); ++node) {
        ASSERT_TRUE(t.create(others[node], on_node(node)));
        EXPECT_OK(others[node].start([&, node] {
            for (Word i = 0; finished.get() == 0; ++i) {
                check_over(node * 1000 + i, notification, seL4_SysYield);
            }
        }));
    }
    ASSERT_TRUE(t.create(moving, on_node(0, kAboveMain)));
    EXPECT_OK(moving.start([&] {
        for (Word i = 0; i < kMoves; ++i) {
            check_over(i + 1, notification, seL4_SysWait);
            rounds.add(1);
        }
    }));
    CPtr badged = t.mint(notification, 1);
    for (Word i = 0; i < kMoves; ++i) {
        EXPECT_OK(move_to(t, moving, i % t.nodes()));
        signal(badged);
        spin_until(rounds, i + 1);
    }
    finished.set(1);
    moving.join();
    for (Word node = 1; node < t.nodes(); ++node) {
        others[node].join();
    }
    EXPECT_EQ(wrong.get(), 0u);
}

KOS_TEST(smp_objects_everybody_in_the_kernel_at_once) {
    SKIP_ON_ONE_NODE(t);
    // Each node works on objects of its own and on a shared endpoint; at the end everything adds up.
    constexpr Word kRounds = 100;
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, SEL4_SMP_MAX_NODES);
    CPtr untypeds = t.make_many(seL4_UntypedObject, 14, SEL4_SMP_MAX_NODES);
    CPtr slots = t.slots(16 * SEL4_SMP_MAX_NODES);
    Thread workers[SEL4_SMP_MAX_NODES];
    Shared<Word> refused;
    Shared<Word> answers;
    Thread server;
    ASSERT_TRUE(t.create(server, on_node(0, kAboveMain)));
    EXPECT_OK(server.start([&] {
        Word value = recv(endpoint, replies).words[0];
        for (;;) {
            value = reply_recv(endpoint, replies, Tag::make(0, 1), Words{{value}}).words[0];
        }
    }));
    for (Word node = 1; node < t.nodes(); ++node) {
        ASSERT_TRUE(t.create(workers[node], on_node(node)));
        EXPECT_OK(workers[node].start([&, node] {
            CPtr own = slots + 16 * node;
            for (Word i = 0; i < kRounds; ++i) {
                refused.add(
                    untyped_retype(untypeds + node, seL4_EndpointObject, 0, {seL4_CapInitThreadCNode, 0, 0, own, 8})
                        .error);
                refused.add(cnode_mint(root_slot(own + 8), root_slot(own), seL4_AllRights, i + 1).error);
                refused.add(cnode_copy(root_slot(own + 9), root_slot(endpoint)).error);
                answers.add(call(own + 9, Tag::make(0, 1), Words{{i}}).words[0]);
                signal(notification);
                refused.add(cnode_delete(root_slot(own + 9)).error);
                refused.add(cnode_revoke(root_slot(untypeds + node)).error);
            }
        }));
    }
    for (Word node = 1; node < t.nodes(); ++node) {
        workers[node].join();
    }
    EXPECT_EQ(refused.get(), 0u);
    EXPECT_EQ(answers.get(), kRounds * (kRounds - 1) / 2 * (t.nodes() - 1));
}

KOS_TEST(smp_objects_timeout_fault_across_nodes) {
    SKIP_ON_ONE_NODE(t);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread thread;
    ThreadOptions options = on_node(1);
    options.budget = {.budget_us = 1000, .period_us = 20000, .badge = 0x44};
    ASSERT_TRUE(t.create(thread, options));
    EXPECT_OK(tcb_set_timeout_endpoint(thread.tcb(), t.mint(endpoint, 6)));
    EXPECT_OK(thread.start([] {
        for (;;) {
        }
    }));
    for (int i = 0; i < 3; ++i) {
        Message fault = recv(endpoint, reply_object);
        EXPECT_EQ(fault.badge, 6u);
        EXPECT_EQ(fault.label(), Word{seL4_Fault_Timeout});
        EXPECT_EQ(fault.words[0], 0x44u);
        reply(reply_object, Tag{});
    }
}

KOS_TEST(smp_objects_yield_to_a_thread_elsewhere) {
    SKIP_ON_ONE_NODE(t);
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, on_node(1)));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    spin_until(count, 1);
    EXPECT_OK(sched_context_yield_to(thread.sched_context()));  // comes back at once
    spin_until(count, count.get() + 1);
}

KOS_TEST(smp_objects_endpoint_deleted_under_waiters_elsewhere) {
    SKIP_ON_ONE_NODE(t);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr faults = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread threads[SEL4_SMP_MAX_NODES];
    for (Word node = 0; node < t.nodes(); ++node) {
        ThreadOptions options = on_node(node, kAboveMain);
        options.fault_endpoint = t.mint(faults, node + 1);
        ASSERT_TRUE(t.create(threads[node], options));
        EXPECT_OK(threads[node].start([&] { wait(endpoint); }));
    }
    spin_us(1000);
    EXPECT_OK(cnode_delete(root_slot(endpoint)));
    Word seen = 0;
    for (Word i = 0; i < t.nodes(); ++i) {
        Message fault = recv(faults, reply_object);
        EXPECT_EQ(fault.label(), Word{seL4_Fault_CapFault});
        seen |= Word{1} << fault.badge;
    }
    EXPECT_EQ(seen, (Word{1} << (t.nodes() + 1)) - 2);
}
