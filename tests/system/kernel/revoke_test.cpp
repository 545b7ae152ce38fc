// Deletion of very many capabilities and big objects, and that a thread of higher priority gets to run meanwhile.
#include "support.h"

namespace {

constexpr CPtr kRoot = seL4_CapInitThreadCNode;
constexpr Word kManyCaps = 12000;

// A thread above the others that wakes once a period and counts how often it did.
struct Ticker {
    Thread thread;
    Shared<Word> ticks;
    Shared<uint64_t> longest_gap_us;
    Shared<Word> stop;
};

constexpr Word kTickPeriodUs = 250;

bool start_ticker(TestContext& t, Ticker& ticker) {
    if (!t.create(ticker.thread, {.priority = 200, .budget = {.budget_us = 50, .period_us = kTickPeriodUs}})) {
        return false;
    }
    return ticker.thread
        .start([&] {
            uint64_t last = now_us();
            while (ticker.stop.get() == 0) {
                yield();
                uint64_t now = now_us();
                if (now - last > ticker.longest_gap_us.get()) {
                    ticker.longest_gap_us.set(now - last);
                }
                last = now;
                ticker.ticks.add(1);
            }
        })
        .ok();
}

// Runs `work` and checks that the ticker went on: a work of many periods must not shut it out. Slow hosts make both
// slower alike, so the bound is a share and no time.
template <typename Work>
void expect_preemptible(TestContext& t, const char* what, const Work& work) {
    Ticker ticker;
    ASSERT_TRUE(start_ticker(t, ticker));
    Word ticks_before = ticker.ticks.get();
    uint64_t begin = now_us();
    work();
    uint64_t took = now_us() - begin;
    Word ticks = ticker.ticks.get() - ticks_before;
    ticker.stop.set(1);
    print("{}: {} us, {} ticks, longest gap {} us\n", what, took, ticks, ticker.longest_gap_us.get());
    if (took > 10 * kTickPeriodUs) {
        EXPECT_GE(ticks, 1 + took / kTickPeriodUs / 10);
    }
    ticker.thread.stop();
}

}  // namespace

KOS_TEST(revoke_many_copies) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr copies = t.slots(kManyCaps);
    for (CPtr slot = copies; slot < copies + kManyCaps; ++slot) {
        if (!cnode_mint(root_slot(slot), root_slot(endpoint), seL4_AllRights, slot).ok()) {
            EXPECT_EQ(slot, 0u);
        }
    }
    expect_preemptible(t, "revoke of 12000 badged copies", [&] { EXPECT_OK(cnode_revoke(root_slot(endpoint))); });
    for (CPtr slot = copies; slot < copies + kManyCaps; slot += 97) {
        EXPECT_FALSE(holds_cap(t, slot));
    }
    EXPECT_TRUE(holds_cap(t, endpoint));
}

KOS_TEST(revoke_deep_tree) {
    // Untyped memory in untyped memory, eleven levels, with objects and copies at each: as deep as it gets.
    CPtr top = t.make(seL4_UntypedObject, 22);
    CPtr parent = top;
    CPtr first = t.slots(1);
    Word made = 0;
    for (Word bits = 21; bits >= 12; --bits) {
        CPtr children = t.slots(1);
        EXPECT_OK(untyped_retype(parent, seL4_UntypedObject, bits, {kRoot, 0, 0, children, 1}));
        CPtr objects = t.slots(128);
        EXPECT_OK(untyped_retype(parent, seL4_EndpointObject, 0, {kRoot, 0, 0, objects, 128}));
        for (Word i = 0; i < 128; ++i) {
            CPtr badged = t.mint(objects + i, i + 1);
            for (int k = 0; k < 6; ++k) {
                t.copy(badged);
            }
            made += 8;
        }
        parent = children;
    }
    EXPECT_GE(made, 10000u);
    expect_preemptible(t, "revoke of a deep tree of 10240 capabilities",
                       [&] { EXPECT_OK(cnode_revoke(root_slot(top))); });
    EXPECT_FALSE(holds_cap(t, parent));
    EXPECT_OK(untyped_retype(top, seL4_UntypedObject, 22, {kRoot, 0, 0, first, 1}));
}

KOS_TEST(delete_big_cnode) {
    constexpr Word kRadix = 14;
    CPtr node = t.make(seL4_CapTableObject, kRadix);
    CPtr memory = t.make(seL4_UntypedObject, 20);
    for (Word at = 0; at < (Word{1} << kRadix); at += SEL4_RETYPE_FAN_OUT_LIMIT) {
        EXPECT_OK(untyped_retype(memory, seL4_EndpointObject, 0, {node, 0, 0, at, SEL4_RETYPE_FAN_OUT_LIMIT}));
    }
    expect_preemptible(t, "deletion of a CNode of 16384 objects", [&] { EXPECT_OK(cnode_delete(root_slot(node))); });
    EXPECT_FALSE(holds_cap(t, node));
    EXPECT_OK(cnode_copy(root_slot(t.slot()), root_slot(memory)));  // no child is left
}

KOS_TEST(retype_of_used_memory_is_preemptible) {
    // Memory is cleared when it is used again after a revoke.
    constexpr Word kBits = 24;
    CPtr memory = t.make(seL4_UntypedObject, kBits);
    CPtr to = t.slots(8);
    EXPECT_OK(untyped_retype(memory, seL4_ARM_LargePageObject, 0, {kRoot, 0, 0, to, 8}));
    EXPECT_OK(cnode_revoke(root_slot(memory)));
    expect_preemptible(t, "reset of 16 MiB", [&] {
        EXPECT_OK(untyped_retype(memory, seL4_EndpointObject, 0, {kRoot, 0, 0, to, 1}));
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
