// Deletion of very many capabilities and big objects, and that a thread of higher priority gets to run meanwhile.
#include "support.h"

namespace {

constexpr CPtr kRoot = seL4_CapInitThreadCNode;
constexpr Word kManyCaps = 12000;

// A thread above the others that wakes once a period and counts how often it did.
struct Ticker {
    Thread thread;
    Shared<Word> ticks;
    Shared<Word> stop;
};

constexpr Word kTickPeriodUs = 250;

bool start_ticker(TestContext& t, Ticker& ticker) {
    if (!t.create(ticker.thread, {.priority = 200, .budget = {.budget_us = 50, .period_us = kTickPeriodUs}})) {
        return false;
    }
    return ticker.thread
        .start([&] {
            while (ticker.stop.get() == 0) {
                yield();
                ticker.ticks.add(1);
            }
        })
        .ok();
}

// Repeats `prepare` and `work`, one long invocation, until the ticker ran several times during a single one. A kernel
// that does not preempt lets it run once, at the end. The host may be busy with other things than the ticker's timer,
// so one round proves nothing; and how long the work takes is the host's and the kernel's business, so the ticker's
// period follows from that.
template <typename Prepare, typename Work>
void expect_preemptible(TestContext& t, const Prepare& prepare, const Work& work) {
    constexpr int kRounds = 30;
    constexpr Word kEnough = 3;
    constexpr Word kTicksPerWork = 16;
    constexpr Word kShortestPeriodUs = 60;
    Ticker ticker;
    ASSERT_TRUE(start_ticker(t, ticker));
    Word most = 0;
    for (int round = 0; round < kRounds && most < kEnough; ++round) {
        prepare();
        Word before = ticker.ticks.get();
        uint64_t start_us = now_us();
        work();
        Word ticks = ticker.ticks.get() - before;
        Word period_us = (now_us() - start_us) / kTicksPerWork;
        most = ticks > most ? ticks : most;
        period_us = period_us < kShortestPeriodUs ? kShortestPeriodUs : period_us;
        if (ticks < kEnough && period_us < kTickPeriodUs) {
            EXPECT_OK(sched_control_configure(t.sched_control(), ticker.thread.sched_context(),
                                              {.budget_us = period_us / 2, .period_us = period_us}));
        }
    }
    EXPECT_GE(most, kEnough);
    ticker.stop.set(1);
    ticker.thread.stop();
}

}  // namespace

KOS_TEST(revoke_many_copies) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr copies = t.slots(kManyCaps);
    expect_preemptible(
        t,
        [&] {
            for (CPtr slot = copies; slot < copies + kManyCaps; ++slot) {
                if (!cnode_mint(root_slot(slot), root_slot(endpoint), seL4_AllRights, slot).ok()) {
                    EXPECT_EQ(slot, 0u);
                }
            }
        },
        [&] { EXPECT_OK(cnode_revoke(root_slot(endpoint))); });
    for (CPtr slot = copies; slot < copies + kManyCaps; slot += 97) {
        EXPECT_FALSE(holds_cap(t, slot));
    }
    EXPECT_TRUE(holds_cap(t, endpoint));
}

KOS_TEST(revoke_deep_tree) {
    // Untyped memory in untyped memory, ten levels, with objects, badges and copies at each: as deep as it gets.
    constexpr Word kTop = 22;
    constexpr Word kObjects = 128;
    constexpr Word kCopies = 6;
    CPtr top = t.make(seL4_UntypedObject, kTop);
    CPtr first = t.slots((kTop - 12) * (1 + kObjects * (2 + kCopies)));
    CPtr last_untyped = kNullCap;
    expect_preemptible(
        t,
        [&] {
            CPtr parent = top;
            CPtr next = first;
            for (Word bits = kTop - 1; bits >= 12; --bits) {
                CPtr child = next++;
                EXPECT_OK(untyped_retype(parent, seL4_UntypedObject, bits, {kRoot, 0, 0, child, 1}));
                CPtr objects = next;
                next += kObjects;
                EXPECT_OK(untyped_retype(parent, seL4_EndpointObject, 0, {kRoot, 0, 0, objects, kObjects}));
                for (Word i = 0; i < kObjects; ++i) {
                    CPtr badged = next++;
                    cnode_mint(root_slot(badged), root_slot(objects + i), seL4_AllRights, i + 1);
                    for (Word k = 0; k < kCopies; ++k) {
                        cnode_copy(root_slot(next++), root_slot(badged));
                    }
                }
                parent = child;
            }
            last_untyped = parent;
            EXPECT_TRUE(holds_cap(t, next - 1));
        },
        [&] { EXPECT_OK(cnode_revoke(root_slot(top))); });
    EXPECT_FALSE(holds_cap(t, last_untyped));
    EXPECT_OK(untyped_retype(top, seL4_UntypedObject, kTop, {kRoot, 0, 0, first, 1}));
}

KOS_TEST(delete_big_cnode) {
    constexpr Word kRadix = 14;
    CPtr big = t.make(seL4_UntypedObject, kRadix + seL4_SlotBits);
    CPtr memory = t.make(seL4_UntypedObject, 20);
    CPtr node = t.slot();
    expect_preemptible(
        t,
        [&] {
            EXPECT_OK(untyped_retype(big, seL4_CapTableObject, kRadix, {kRoot, 0, 0, node, 1}));
            for (Word at = 0; at < (Word{1} << kRadix); at += SEL4_RETYPE_FAN_OUT_LIMIT) {
                EXPECT_OK(untyped_retype(memory, seL4_EndpointObject, 0, {node, 0, 0, at, SEL4_RETYPE_FAN_OUT_LIMIT}));
            }
        },
        [&] { EXPECT_OK(cnode_delete(root_slot(node))); });
    EXPECT_FALSE(holds_cap(t, node));
    EXPECT_OK(cnode_copy(root_slot(t.slot()), root_slot(memory)));  // no child is left
}

KOS_TEST(retype_of_used_memory_is_preemptible) {
    // Memory is cleared when it is used again after a revoke.
    constexpr Word kBits = 24;
    CPtr memory = t.make(seL4_UntypedObject, kBits);
    CPtr to = t.slots(8);
    expect_preemptible(
        t,
        [&] {
            EXPECT_OK(cnode_revoke(root_slot(memory)));
            EXPECT_OK(untyped_retype(memory, seL4_ARM_LargePageObject, 0, {kRoot, 0, 0, to, 8}));
            EXPECT_OK(cnode_revoke(root_slot(memory)));
        },
        // All of it is used again, so all of it is cleared, whether at once or piece by piece.
        [&] {
            EXPECT_OK(untyped_retype(memory, seL4_ARM_LargePageObject, 0, {kRoot, 0, 0, to, 8}));
        });
}

KOS_TEST(revoke_continues_after_preemption_by_a_thread_that_deletes) {
    // The preempting thread takes away what the revoke is about to visit.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr copies = t.slots(4000);
    for (CPtr slot = copies; slot < copies + 4000; ++slot) {
        cnode_copy(root_slot(slot), root_slot(endpoint));
    }
    Thread thread;
    Shared<Word> stop;
    ASSERT_TRUE(t.create(thread, {.priority = 200, .budget = {.budget_us = 500, .period_us = 1000}}));
    EXPECT_OK(thread.start([&] {
        for (CPtr slot = copies + 3999; slot > copies && stop.get() == 0; --slot) {
            cnode_delete(root_slot(slot));
            if (slot % 16 == 0) {
                yield();
            }
        }
    }));
    EXPECT_OK(cnode_revoke(root_slot(endpoint)));
    stop.set(1);
    for (CPtr slot = copies; slot < copies + 4000; slot += 13) {
        EXPECT_FALSE(holds_cap(t, slot));
    }
    thread.stop();
}

KOS_TEST(revoke_with_blocked_threads) {
    // Revoking the memory of threads in every blocked state.
    CPtr memory = t.make(seL4_UntypedObject, 18);
    ObjectAllocator own(memory, t.slots(128), 128);
    CPtr endpoint = own.make(seL4_EndpointObject);
    CPtr other = t.make(seL4_EndpointObject);
    CPtr notification = own.make(seL4_NotificationObject);
    CPtr reply_object = own.make(seL4_ReplyObject);
    Thread threads[6];
    for (Thread& thread : threads) {
        bool runs = &thread == &threads[4];
        ASSERT_OK(thread.create(own, {.priority = runs ? kMainPriority : kAboveMain}));
    }
    EXPECT_OK(threads[0].start([&] { send(endpoint, Tag::make(0, 0)); }));
    EXPECT_OK(threads[1].start([&] { call(other, Tag::make(0, 0)); }));
    EXPECT_OK(threads[2].start([&] { wait(notification); }));
    EXPECT_OK(threads[3].start([&] {
        recv(endpoint, reply_object);  // takes the message of 0
        recv(other, reply_object);     // has the caller 1
        for (;;) {
            wait(notification);
        }
    }));
    EXPECT_OK(threads[4].start([&] {
        for (;;) {
            yield();
        }
    }));
    EXPECT_OK(threads[5].start([&] { send(other, Tag::make(0, 0)); }));
    yield();
    EXPECT_OK(cnode_revoke(root_slot(memory)));
    for (Thread& thread : threads) {
        EXPECT_FALSE(holds_cap(t, thread.tcb()));
    }
    // The endpoint that stays is clean.
    EXPECT_EQ(nb_wait(other).badge, 0u);
    EXPECT_OK(untyped_retype(memory, seL4_UntypedObject, 17, {kRoot, 0, 0, t.slots(2), 2}));
}
