// Threads that are moved, stopped, looked at and cut off from memory at any moment by another node, in a random order
// with fixed seeds. What they compute must not notice.
#include "fpu.h"
#include "sleeper.h"

namespace {

#define SKIP_ON_ONE_NODE()    \
    if (t.nodes() == 1) {     \
        KOS_SKIP("one node"); \
    }

class Random {
public:
    explicit Random(Word seed) : state_(seed) {}
    Word below(Word limit) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return (state_ * 0x2545f4914f6cdd1d >> 20) % limit;
    }

private:
    Word state_;
};

// An emulator with more nodes than processors takes long for whatever needs several at once.
Word fewer_on_many_nodes(TestContext& t, Word count) { return t.nodes() > 2 ? count / 3 : count; }

constexpr SchedContextParams kFullTime{.budget_us = 5000, .period_us = 5000};
// Most of the time nobody runs: the nodes have time to answer each other.
constexpr SchedContextParams kPartTime{.budget_us = 1000, .period_us = 8000};

Result move_to(TestContext& t, CPtr sched_context, const SchedContextParams& params, Word node) {
    return sched_control_configure(t.sched_control(node), sched_context, params);
}

void await_rounds(const Shared<Word>& rounds, Word more) {
    Word goal = rounds.get() + more;
    while (rounds.get() < goal) {
        yield();
    }
}

}  // namespace

KOS_TEST(smp_move_with_vector_registers) {
    SKIP_ON_ONE_NODE();
    // On every node a thread that holds a pattern, and one that does so while it is moved around.
    FpuHolder settled[SEL4_SMP_MAX_NODES] = {FpuHolder(101), FpuHolder(102), FpuHolder(103), FpuHolder(104)};
    FpuHolder moving(105);
    BareThread settlers[SEL4_SMP_MAX_NODES];
    BareThread mover;
    for (Word node = 1; node < t.nodes(); ++node) {
        ASSERT_TRUE(settlers[node].create(t, {.priority = 50, .node = node, .budget = {2000, 2000}}));
        EXPECT_OK(settlers[node].start(fpu_hold_forever, reinterpret_cast<Word>(&settled[node])));
    }
    ASSERT_TRUE(mover.create(t, {.priority = 50, .node = 1, .budget = {2000, 2000}}));
    EXPECT_OK(mover.start(fpu_hold_forever, reinterpret_cast<Word>(&moving)));
    Random random(1);
    for (Word i = 0; i < fewer_on_many_nodes(t, 24); ++i) {
        Word node = 1 + random.below(t.nodes() - 1);
        EXPECT_OK(move_to(t, mover.sched_context(), kFullTime, random.below(4) == 0 ? 0 : node));
        EXPECT_OK(move_to(t, mover.sched_context(), kFullTime, node));
        await_rounds(moving.rounds, 1 + random.below(3));
        ASSERT_TRUE(moving.errors.get() == 0);
    }
    moving.stop.set(1);
    EXPECT_TRUE(is_done(mover.wait_for_fault()));
    for (Word node = 1; node < t.nodes(); ++node) {
        await_rounds(settled[node].rounds, 3);
        settled[node].stop.set(1);
        EXPECT_TRUE(is_done(settlers[node].wait_for_fault()));
        EXPECT_EQ(settled[node].errors.get(), 0u);
    }
}

KOS_TEST(smp_no_store_after_the_right_is_gone) {
    SKIP_ON_ONE_NODE();
    // When Map or Unmap returns, no core writes any more.
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr view = t.copy(page);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    ASSERT_OK(map_page(t.arena(), kVSpace, view, kFreeVirtual + kPage, seL4_CanRead));
    const auto& stored = *reinterpret_cast<const Shared<Word>*>(kFreeVirtual + kPage);
    constexpr Word kWriters = 2;
    BareThread writers[kWriters];
    for (Word i = 0; i < kWriters; ++i) {
        ASSERT_TRUE(writers[i].create(t, {.node = i == 0 ? 1 : t.nodes() - 1, .budget = {2000, 2000}}));
        EXPECT_OK(writers[i].start(bare_store_forever, kFreeVirtual, i << 32));
    }
    for (Word round = 0; round < fewer_on_many_nodes(t, 9); ++round) {
        Word before = stored.get();
        while (stored.get() == before) {
        }
        switch (round % 3) {
            case 0: EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_CanRead)); break;
            case 1: EXPECT_OK(page_unmap(page)); break;
            default: EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_NoRights)); break;
        }
        Word last = stored.get();
        spin_us(2000);
        EXPECT_EQ(stored.get(), last);
        for (BareThread& writer : writers) {
            MessageCopy fault = writer.wait_for_fault();
            EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
            EXPECT_EQ(fault.word(seL4_VMFault_Addr), kFreeVirtual);
        }
        EXPECT_EQ(stored.get(), last);
        EXPECT_OK(page_map(page, kVSpace, kFreeVirtual));
        for (BareThread& writer : writers) {
            writer.answer();
        }
    }
}

KOS_TEST(smp_vspaces_come_and_go_on_all_nodes) {
    SKIP_ON_ONE_NODE();
    // Each node gets VSpaces one after another, with the same addresses and, probably, the same identifiers.
    for (Word round = 0; round < fewer_on_many_nodes(t, 3); ++round) {
        CPtr vspaces[SEL4_SMP_MAX_NODES] = {};
        CPtr pages[SEL4_SMP_MAX_NODES] = {};
        BareThread readers[SEL4_SMP_MAX_NODES];
        for (Word node = 0; node < t.nodes(); ++node) {
            vspaces[node] = make_bare_vspace(t);
            pages[node] = t.make(seL4_ARM_SmallPageObject);
            ASSERT_OK(map_page(t.arena(), kVSpace, pages[node], kFreeVirtual));
            word_at(kFreeVirtual) = round * 100 + node;
            EXPECT_OK(page_unmap(pages[node]));
            ASSERT_OK(map_page(t.arena(), vspaces[node], pages[node], kFreeVirtual, seL4_CanRead));
            ASSERT_TRUE(readers[node].create(t, {.vspace = vspaces[node], .priority = kBelowMain, .node = node}));
            EXPECT_OK(readers[node].start(bare_read, kFreeVirtual));
        }
        for (Word node = 0; node < t.nodes(); ++node) {
            EXPECT_TRUE(is_done(readers[node].wait_for_fault()));
            EXPECT_EQ(readers[node].registers().x0, round * 100 + node);
        }
        // Each looks into its neighbour's, from where it is.
        for (Word node = 0; node < t.nodes(); ++node) {
            Word other = (node + 1) % t.nodes();
            EXPECT_OK(tcb_set_space(readers[node].tcb(), readers[node].fault_endpoint(),
                                    {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = vspaces[other]}));
            EXPECT_OK(readers[node].start(bare_read, kFreeVirtual));
            EXPECT_TRUE(is_done(readers[node].wait_for_fault()));
            EXPECT_EQ(readers[node].registers().x0, round * 100 + other);
        }
        for (Word node = 0; node < t.nodes(); ++node) {
            EXPECT_OK(cnode_revoke(root_slot(vspaces[node])));
            EXPECT_OK(cnode_delete(root_slot(vspaces[node])));
        }
    }
}

KOS_TEST(smp_random_operations_on_running_threads) {
    SKIP_ON_ONE_NODE();
    constexpr Word kWorkers = 6;
    const Word count = t.nodes() > 2 ? 3 : kWorkers;
    const Word steps = fewer_on_many_nodes(t, 120);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr notifications = t.make_many(seL4_NotificationObject, 0, 2);
    Shared<Word> stop;
    Shared<Word> wrong;
    Shared<Word> served;
    Shared<Word> rounds[kWorkers];
    Shared<Word> answered[kWorkers];
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kBelowMain, .node = 1}));
    EXPECT_OK(server.start([&] {
        Word value = recv(endpoint, reply_object).words[0];
        for (;;) {
            served.add(1);
            value = reply_recv(endpoint, reply_object, Tag::make(0, 1), Words{{value + 1}}).words[0];
        }
    }));
    Thread workers[kWorkers];
    for (Word w = 0; w < count; ++w) {
        ASSERT_TRUE(t.create(workers[w], {.priority = 40 + w, .node = w % t.nodes(), .budget = kPartTime}));
        EXPECT_OK(workers[w].start([&, w] {
            for (Word i = 0; stop.get() == 0; ++i) {
                FpuBlock before = FpuBlock::pattern(w * 100000 + i);
                FpuBlock after{};
                fpu_over_system_call(&before, &after, notifications + i % 2, 0,
                                     static_cast<Word>(i % 3 == 0 ? -5 : -11));
                wrong.add(before.differences(after));
                if (i % 4 == 0) {
                    wrong.add(call(endpoint, Tag::make(0, 1), Words{{i}}).words[0] == i + 1 ? 0 : 1);
                    answered[w].add(1);
                }
                rounds[w].add(1);
                spin_us(300);  // not everybody in the kernel all the time
            }
        }));
    }
    Random random(42);
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t, 4000));
    bool suspended[kWorkers] = {};
    for (Word step = 0; step < steps; ++step) {
        Word w = random.below(count);
        CPtr tcb = workers[w].tcb();
        seL4_UserContext context{};
        switch (random.below(8)) {
            case 0:
            case 1: EXPECT_OK(move_to(t, workers[w].sched_context(), kPartTime, random.below(t.nodes()))); break;
            case 2:
                EXPECT_OK(tcb_suspend(tcb));
                suspended[w] = true;
                break;
            case 3:
                EXPECT_OK(tcb_resume(tcb));
                suspended[w] = false;
                break;
            case 4: EXPECT_OK(tcb_set_priority(tcb, seL4_CapInitThreadTCB, 30 + random.below(30))); break;
            case 5:
                EXPECT_OK(tcb_read_registers(tcb, Suspend::kNo, seL4_UserContext_Words, context));
                EXPECT_EQ(context.tpidr_el0, reinterpret_cast<Word>(workers[w].buffer()));
                break;
            case 6: (void)nb_wait(notifications + random.below(2)); break;
            default: sleeper.sleep(); break;
        }
    }
    // All of them go on, wherever they were left.
    for (Word w = 0; w < count; ++w) {
        EXPECT_OK(move_to(t, workers[w].sched_context(), kPartTime, w % t.nodes()));
        if (suspended[w]) {
            EXPECT_OK(tcb_resume(workers[w].tcb()));
        }
        EXPECT_OK(tcb_set_priority(workers[w].tcb(), seL4_CapInitThreadTCB, 40));
    }
    for (Word w = 0; w < count; ++w) {
        Word before = rounds[w].get();
        while (rounds[w].get() == before) {
            sleeper.sleep();
        }
    }
    stop.set(1);
    Word total = 0;
    for (Word w = 0; w < count; ++w) {
        workers[w].join();
        total += answered[w].get();
    }
    EXPECT_EQ(wrong.get(), 0u);
    // A call that was cut off by a suspension is made again.
    EXPECT_GE(served.get(), total);
}
