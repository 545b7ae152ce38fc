// Kernel domains: a thread runs only in its domain's turns, whatever its priority.
#include "support.h"

namespace {

constexpr CPtr kDomain = seL4_CapDomain;

bool has_domains() { return root_task().boot_info->numNodes == 1; }

Word us_to_duration(Word us) { return us_to_ticks(us); }

// Back to the schedule of one entry, that of domain 0.
void restore_schedule() {
    EXPECT_OK(domain_schedule_configure(kDomain, 0, 0, us_to_duration(1000000)));
    EXPECT_OK(domain_schedule_set_start(kDomain, 0));
    for (Word i = 1; i < 4; ++i) {
        EXPECT_OK(domain_schedule_configure(kDomain, i, 0, 0));
    }
}

}  // namespace

KOS_TEST(domain_without_a_turn_never_runs) {
    if (!has_domains()) {
        KOS_SKIP("this configuration has one domain");
    }
    Thread thread;
    Shared<Word> ran;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_OK(domain_set(kDomain, 1, thread.tcb()));
    EXPECT_OK(thread.start([&] { ran.set(1); }));
    spin_us(20000);
    EXPECT_EQ(ran.get(), 0u);
    EXPECT_OK(domain_set(kDomain, 0, thread.tcb()));
    yield();  // the change alone does not reschedule
    EXPECT_EQ(ran.get(), 1u);
}

KOS_TEST(domain_schedule_gives_turns) {
    if (!has_domains()) {
        KOS_SKIP("this configuration has one domain");
    }
    EXPECT_TRUE(eventually([&](Word scale) {
        const Word turn_us = 4000 * scale;
        Thread threads[2];
        Shared<Word> counts[2];
        for (Word i = 0; i < 2; ++i) {
            t.create(threads[i], {.priority = 5 + i});  // priorities do not matter between domains
            EXPECT_OK(domain_set(kDomain, i + 1, threads[i].tcb()));
            EXPECT_OK(threads[i].start([&, i] {
                for (;;) {
                    counts[i].add(1);
                }
            }));
        }
        EXPECT_OK(domain_schedule_configure(kDomain, 1, 1, us_to_duration(turn_us)));
        EXPECT_OK(domain_schedule_configure(kDomain, 2, 2, us_to_duration(turn_us * 3)));
        EXPECT_OK(domain_schedule_configure(kDomain, 3, 0, 0));
        EXPECT_OK(domain_schedule_configure(kDomain, 0, 0, us_to_duration(turn_us)));
        EXPECT_OK(domain_schedule_set_start(kDomain, 0));
        // The test's own turns are seen by the other domains' progress between two looks at it.
        Word turns = 0;
        Word seen = 0;
        uint64_t begin = now_us();
        uint64_t now = begin;
        while (now < begin + 50 * turn_us) {
            Word both = counts[0].get() + counts[1].get();
            turns += both != seen ? 1 : 0;
            seen = both;
            now = now_us();
        }
        restore_schedule();
        Word cycles = (now - begin) / (5 * turn_us);
        EXPECT_LE(turns, cycles + 2);
        // Nobody else runs once the schedule is back.
        seen = counts[0].get() + counts[1].get();
        spin_us(5 * turn_us);
        EXPECT_EQ(counts[0].get() + counts[1].get(), seen);
        // Three times as long.
        return turns >= cycles / 3 && counts[0].get() > 0 && counts[1].get() > counts[0].get();
    }));
}

KOS_TEST(domain_messages_cross) {
    if (!has_domains()) {
        KOS_SKIP("this configuration has one domain");
    }
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain}));
    EXPECT_OK(domain_set(kDomain, 3, server.tcb()));
    EXPECT_OK(server.start([&] {
        Word value = recv(endpoint, reply_object).words[0];
        for (;;) {
            value = reply_recv(endpoint, reply_object, Tag::make(0, 1), Words{{value + 1}}).words[0];
        }
    }));
    EXPECT_OK(domain_schedule_configure(kDomain, 1, 3, us_to_duration(2000)));
    EXPECT_OK(domain_schedule_configure(kDomain, 0, 0, us_to_duration(2000)));
    EXPECT_OK(domain_schedule_set_start(kDomain, 0));
    for (Word i = 0; i < 5; ++i) {
        EXPECT_EQ(call(endpoint, Tag::make(0, 1), Words{{i}}).words[0], i + 1);
    }
    restore_schedule();
}

KOS_TEST(domain_of_the_running_thread) {
    if (!has_domains()) {
        KOS_SKIP("this configuration has one domain");
    }
    EXPECT_OK(domain_schedule_configure(kDomain, 1, 2, us_to_duration(2000)));
    EXPECT_OK(domain_schedule_configure(kDomain, 0, 0, us_to_duration(2000)));
    EXPECT_OK(domain_schedule_set_start(kDomain, 0));
    EXPECT_OK(domain_set(kDomain, 2, seL4_CapInitThreadTCB));
    uint64_t end = now_us() + 10000;
    while (now_us() < end) {
    }
    EXPECT_OK(domain_set(kDomain, 0, seL4_CapInitThreadTCB));
    restore_schedule();
}

KOS_TEST(domain_set_start_jumps) {
    if (!has_domains()) {
        KOS_SKIP("this configuration has one domain");
    }
    // Two schedules in one table, separated by an end marker; the start says which one runs.
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, {.priority = 5}));
    EXPECT_OK(domain_set(kDomain, 1, thread.tcb()));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    EXPECT_OK(domain_schedule_configure(kDomain, 1, 0, 0));
    EXPECT_OK(domain_schedule_configure(kDomain, 2, 0, us_to_duration(2000)));
    EXPECT_OK(domain_schedule_configure(kDomain, 3, 1, us_to_duration(2000)));
    EXPECT_OK(domain_schedule_configure(kDomain, 4, 0, 0));
    spin_us(10000);
    EXPECT_EQ(count.get(), 0u);
    EXPECT_OK(domain_schedule_set_start(kDomain, 2));
    spin_us(20000);
    EXPECT_GT(count.get(), 0u);
    restore_schedule();
    Word before = count.get();
    spin_us(10000);
    EXPECT_EQ(count.get(), before);
}
