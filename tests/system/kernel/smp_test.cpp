// Threads on several nodes: where they run, messages and signals between them, and control of a thread that is running
// elsewhere at that moment. What user level cannot ask is where it runs; the tests see it from who keeps whom from
// running.
#include "bare.h"
#include "sleeper.h"

namespace {

#define SKIP_ON_ONE_NODE()    \
    if (t.nodes() == 1) {     \
        KOS_SKIP("one node"); \
    }

// Waits until a thread makes progress, keeping this core busy: the thread, which must be below this one, runs on
// another.
void await_progress(const Shared<Word>& count) {
    Word before = count.get();
    while (count.get() == before) {
    }
}

// No progress from now on.
bool stands_still(const Shared<Word>& count) {
    Word before = count.get();
    spin_us(5000);
    return count.get() == before;
}

Result start_counting(Thread& thread, Shared<Word>& count) {
    Shared<Word>* counter = &count;
    return thread.start([counter] {
        for (;;) {
            counter->add(1);
        }
    });
}

}  // namespace

KOS_TEST(smp_a_thread_on_each_node) {
    SKIP_ON_ONE_NODE();
    Thread threads[SEL4_SMP_MAX_NODES];
    Shared<Word> counts[SEL4_SMP_MAX_NODES];
    for (Word node = 0; node < t.nodes(); ++node) {
        ASSERT_TRUE(t.create(threads[node], {.priority = kBelowMain, .node = node}));
        EXPECT_OK(start_counting(threads[node], counts[node]));
    }
    for (Word node = 1; node < t.nodes(); ++node) {
        await_progress(counts[node]);
    }
    EXPECT_EQ(counts[0].get(), 0u);  // this thread kept it from running
}

KOS_TEST(smp_bad_node) {
    SKIP_ON_ONE_NODE();
    // The number of control capabilities is the number of nodes.
    const seL4_SlotRegion& controls = root_task().boot_info->schedcontrol;
    EXPECT_EQ(controls.end - controls.start, t.nodes());
}

KOS_TEST(smp_signals_back_and_forth) {
    SKIP_ON_ONE_NODE();
    for (Word node = 1; node < t.nodes(); ++node) {
        CPtr there = t.make(seL4_NotificationObject);
        CPtr back = t.make(seL4_NotificationObject);
        CPtr badged_there = t.mint(there, 0x10);
        CPtr badged_back = t.mint(back, 0x20);
        Thread thread;
        Shared<Word> wrong;
        constexpr Word kRounds = 60;
        ASSERT_TRUE(t.create(thread, {.priority = kBelowMain, .node = node}));
        EXPECT_OK(thread.start([&] {
            for (Word i = 0; i < kRounds; ++i) {
                wrong.add(wait(there).badge == 0x10 ? 0 : 1);
                signal(badged_back);
            }
        }));
        for (Word i = 0; i < kRounds; ++i) {
            signal(badged_there);
            EXPECT_EQ(wait(back).badge, 0x20u);
        }
        thread.join();
        EXPECT_EQ(wrong.get(), 0u);
    }
}

KOS_TEST(smp_badges_of_signals_add_up) {
    SKIP_ON_ONE_NODE();
    // Every node signals its own bit many times; none is lost.
    CPtr notification = t.make(seL4_NotificationObject);
    Thread threads[SEL4_SMP_MAX_NODES];
    CPtr badged[SEL4_SMP_MAX_NODES];
    for (Word node = 0; node < t.nodes(); ++node) {
        badged[node] = t.mint(notification, Word{1} << node);
        CPtr cap = badged[node];
        ASSERT_TRUE(t.create(threads[node], {.priority = kBelowMain, .node = node}));
        EXPECT_OK(threads[node].start([cap] {
            for (int i = 0; i < 100; ++i) {
                signal(cap);
            }
        }));
    }
    Word seen = 0;
    while (seen != (Word{1} << t.nodes()) - 1) {
        seen |= wait(notification).badge;
    }
    for (Word node = 0; node < t.nodes(); ++node) {
        threads[node].join();
    }
}

KOS_TEST(smp_call_of_an_active_server) {
    SKIP_ON_ONE_NODE();
    for (Word node = 1; node < t.nodes(); ++node) {
        CPtr endpoint = t.make(seL4_EndpointObject);
        CPtr badged = t.mint(endpoint, 0x77);
        CPtr reply_object = t.make(seL4_ReplyObject);
        Thread server;
        ASSERT_TRUE(t.create(server, {.priority = kBelowMain, .node = node}));
        EXPECT_OK(server.start([&] {
            Message m = recv(endpoint, reply_object);
            for (;;) {
                m = reply_recv(endpoint, reply_object, Tag::make(m.label() + 1, m.length()),
                               Words{{m.words[0] * 2, m.badge, m.words[2], m.words[3]}});
            }
        }));
        for (Word i = 0; i < 40; ++i) {
            // Up to 60 words; those in the buffer come back as the server found them.
            for (Word w = 4; w < 60; ++w) {
                ipc_buffer()->msg[w] = i * 1000 + w;
            }
            Word length = i % 3 == 0 ? 2 : i % 3 == 1 ? 5 : 60;
            Message m = call(badged, Tag::make(i, length), Words{{i, 1, 2, 3}});
            EXPECT_EQ(m.label(), i + 1);
            EXPECT_EQ(m.length(), length);
            EXPECT_EQ(m.words[0], i * 2);
            EXPECT_EQ(m.words[1], 0x77u);
            for (Word w = 4; w < length; ++w) {
                if (ipc_buffer()->msg[w] != i * 1000 + w) {
                    EXPECT_EQ(ipc_buffer()->msg[w], i * 1000 + w);
                    break;
                }
            }
        }
    }
}

KOS_TEST(smp_send_blocks_and_is_received) {
    SKIP_ON_ONE_NODE();
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread threads[SEL4_SMP_MAX_NODES];
    for (Word node = 0; node < t.nodes(); ++node) {
        CPtr badged = t.mint(endpoint, 100 + node);
        ASSERT_TRUE(t.create(threads[node], {.priority = kBelowMain, .node = node}));
        EXPECT_OK(threads[node].start([badged] {
            for (Word i = 0; i < 10; ++i) {
                send(badged, Tag::make(i, 1), Words{{i * i}});
            }
        }));
    }
    Word next[SEL4_SMP_MAX_NODES] = {};
    for (Word i = 0; i < 10 * t.nodes(); ++i) {
        Message m = recv(endpoint, reply_object);
        Word node = m.badge - 100;
        ASSERT_TRUE(node < t.nodes());
        EXPECT_EQ(m.label(), next[node]);
        EXPECT_EQ(m.words[0], next[node] * next[node]);
        ++next[node];
    }
}

KOS_TEST(smp_capabilities_travel) {
    SKIP_ON_ONE_NODE();
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr gift = t.mint(t.make(seL4_NotificationObject), 0x9);
    CPtr received = t.slot();
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kBelowMain, .node = t.nodes() - 1}));
    EXPECT_OK(server.start([&] {
        ipc_buffer()->receiveCNode = seL4_CapInitThreadCNode;
        ipc_buffer()->receiveIndex = received;
        ipc_buffer()->receiveDepth = 64;
        Message m = recv(endpoint, reply_object);
        signal(received);
        reply(reply_object, Tag::make(m.tag.extra_caps(), 0));
    }));
    ipc_buffer()->caps_or_badges[0] = gift;
    Message m = call(endpoint, Tag::make(0, 0, 1));
    EXPECT_EQ(m.label(), 1u);
    EXPECT_EQ(nb_wait(gift).badge, 0x9u);
}

KOS_TEST(smp_passive_server_runs_on_the_callers_node) {
    SKIP_ON_ONE_NODE();
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Shared<Word> hold;
    Shared<Word> count;
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kBelowMain}));
    EXPECT_OK(server.start([&] {
        (void)nb_send_recv(endpoint, Tag{}, {}, endpoint, reply_object);
        for (;;) {
            while (hold.get() != 0) {
                count.add(1);
            }
            (void)reply_recv(endpoint, reply_object, Tag{});
        }
    }));
    // It runs once until it waits, then has no context of its own any more.
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t));
    sleeper.sleep();
    EXPECT_OK(sched_context_unbind(server.sched_context()));

    for (Word node = 1; node < t.nodes(); ++node) {
        hold.set(1);
        Thread client;
        ASSERT_TRUE(t.create(client, {.priority = kBelowMain, .node = node}));
        EXPECT_OK(client.start([&] { (void)call(endpoint, Tag{}); }));
        await_progress(count);  // on the client's node, as this one is busy
        hold.set(0);
        client.join();
    }
    // Called from here, it keeps a thread below it on this node from running.
    Thread below;
    Shared<Word> below_count;
    ASSERT_TRUE(t.create(below, {.priority = kBelowMain - 1}));
    Thread releaser;
    ASSERT_TRUE(t.create(releaser, {.priority = kBelowMain, .node = 1}));
    EXPECT_OK(start_counting(below, below_count));
    hold.set(1);
    Shared<Word> at_release;
    EXPECT_OK(releaser.start([&] {
        Word before = count.get();
        while (count.get() < before + 1000) {
        }
        at_release.set(below_count.get() + 1);
        hold.set(0);
    }));
    (void)call(endpoint, Tag{});
    releaser.join();
    EXPECT_EQ(at_release.get(), 1u);
}

KOS_TEST(smp_passive_servers_in_a_chain) {
    SKIP_ON_ONE_NODE();
    // client -> first -> second, from every node in turn: the context goes there and back. One client at a time: when
    // clients of different nodes wait for a passive server at once, seL4 16.0.0 leaves the server waiting for the node
    // to look at its queue.
    CPtr endpoints = t.make_many(seL4_EndpointObject, 0, 2);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, 2);
    CPtr ready = t.make(seL4_NotificationObject);
    Thread servers[2];
    for (Word i = 0; i < 2; ++i) {
        ASSERT_TRUE(t.create(servers[i], {.priority = kAboveMain + i, .node = t.nodes() - 1 - i}));
        EXPECT_OK(servers[i].start([&, i] {
            Message m = nb_send_recv(ready, Tag{}, {}, endpoints + i, replies + i);
            for (;;) {
                Word value = m.words[0] + 1;
                if (i == 0) {
                    value = call(endpoints + 1, Tag::make(0, 1), Words{{value}}).words[0];
                }
                m = reply_recv(endpoints + i, replies + i, Tag::make(0, 1), Words{{value}});
            }
        }));
        wait(ready);
    }
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t));
    sleeper.sleep();  // until both wait
    for (Thread& server : servers) {
        EXPECT_OK(sched_context_unbind(server.sched_context()));
    }
    for (Word node = 0; node < t.nodes(); ++node) {
        Thread client;
        Shared<Word> wrong;
        ASSERT_TRUE(t.create(client, {.priority = kBelowMain, .node = node}));
        EXPECT_OK(client.start([&] {
            for (Word i = 0; i < 20; ++i) {
                wrong.add(call(endpoints, Tag::make(0, 1), Words{{i}}).words[0] == i + 2 ? 0 : 1);
            }
        }));
        client.join();
        EXPECT_EQ(wrong.get(), 0u);
    }
}

KOS_TEST(smp_migration_by_the_control_of_another_node) {
    SKIP_ON_ONE_NODE();
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, {.priority = kBelowMain}));
    EXPECT_OK(start_counting(thread, count));
    EXPECT_TRUE(stands_still(count));
    constexpr SchedContextParams kParams{.budget_us = 10000, .period_us = 10000};
    for (Word round = 0; round < 3; ++round) {
        for (Word node = t.nodes() - 1; node < t.nodes(); --node) {
            EXPECT_OK(sched_control_configure(t.sched_control(node), thread.sched_context(), kParams));
            if (node == 0) {
                EXPECT_TRUE(stands_still(count));
            } else {
                await_progress(count);
            }
        }
    }
    // While it is suspended, and unbound.
    EXPECT_OK(tcb_suspend(thread.tcb()));
    EXPECT_OK(sched_control_configure(t.sched_control(1), thread.sched_context(), kParams));
    EXPECT_TRUE(stands_still(count));
    EXPECT_OK(tcb_resume(thread.tcb()));
    await_progress(count);
    EXPECT_OK(sched_context_unbind(thread.sched_context()));
    EXPECT_TRUE(stands_still(count));
    EXPECT_OK(sched_control_configure(t.sched_control(0), thread.sched_context(), kParams));
    EXPECT_OK(sched_context_bind(thread.sched_context(), thread.tcb()));
    EXPECT_TRUE(stands_still(count));
    EXPECT_OK(sched_context_unbind(thread.sched_context()));
    EXPECT_OK(sched_control_configure(t.sched_control(1), thread.sched_context(), kParams));
    EXPECT_OK(sched_context_bind(thread.sched_context(), thread.tcb()));
    await_progress(count);
}

KOS_TEST(smp_migration_of_the_test_itself) {
    SKIP_ON_ONE_NODE();
    // The initial thread visits the other nodes; a thread below it runs on the node that it left.
    constexpr SchedContextParams kParams{.budget_us = SEL4_BOOT_TIME_SLICE_US, .period_us = SEL4_BOOT_TIME_SLICE_US};
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, {.priority = kBelowMain}));
    EXPECT_OK(start_counting(thread, count));
    EXPECT_TRUE(stands_still(count));
    for (Word node = 1; node < t.nodes(); ++node) {
        EXPECT_OK(sched_control_configure(t.sched_control(node), seL4_CapInitThreadSC, kParams));
        await_progress(count);
    }
    EXPECT_OK(sched_control_configure(t.sched_control(0), seL4_CapInitThreadSC, kParams));
    EXPECT_TRUE(stands_still(count));
}

KOS_TEST(smp_priorities_on_another_node) {
    SKIP_ON_ONE_NODE();
    constexpr Word kNode = 1;
    Thread low;
    Thread high;
    Shared<Word> low_count;
    Shared<Word> high_count;
    ASSERT_TRUE(t.create(low, {.priority = 20, .node = kNode}));
    ASSERT_TRUE(t.create(high, {.priority = 30, .node = kNode}));
    EXPECT_OK(start_counting(low, low_count));
    await_progress(low_count);
    EXPECT_OK(start_counting(high, high_count));
    await_progress(high_count);
    EXPECT_TRUE(stands_still(low_count));
    EXPECT_OK(tcb_set_priority(low.tcb(), seL4_CapInitThreadTCB, 40));
    await_progress(low_count);
    EXPECT_TRUE(stands_still(high_count));
    EXPECT_OK(tcb_set_priority(low.tcb(), seL4_CapInitThreadTCB, 20));
    await_progress(high_count);
    EXPECT_TRUE(stands_still(low_count));
    // A signal from here wakes one above both.
    CPtr notification = t.make(seL4_NotificationObject);
    Shared<Word> woken;
    Thread top;
    ASSERT_TRUE(t.create(top, {.priority = 50, .node = kNode}));
    EXPECT_OK(top.start([&] {
        for (;;) {
            wait(notification);
            woken.add(1);
        }
    }));
    for (int i = 0; i < 10; ++i) {
        Word before = woken.get();
        signal(notification);
        while (woken.get() == before) {
        }
    }
    EXPECT_TRUE(stands_still(low_count));
}

KOS_TEST(smp_suspend_and_resume_a_running_thread) {
    SKIP_ON_ONE_NODE();
    for (Word node = 1; node < t.nodes(); ++node) {
        Thread thread;
        Shared<Word> count;
        ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .node = node}));
        EXPECT_OK(start_counting(thread, count));
        for (int i = 0; i < 5; ++i) {
            await_progress(count);
            EXPECT_OK(tcb_suspend(thread.tcb()));
            EXPECT_TRUE(stands_still(count));
            EXPECT_OK(tcb_resume(thread.tcb()));
        }
        await_progress(count);
    }
}

KOS_TEST(smp_registers_of_a_running_thread) {
    SKIP_ON_ONE_NODE();
    BareThread thread;
    Shared<Word> count;
    ASSERT_TRUE(thread.create(t, {.node = 1}));
    EXPECT_OK(thread.start(bare_count, reinterpret_cast<Word>(&count)));
    await_progress(count);
    for (int i = 0; i < 10; ++i) {
        seL4_UserContext context = thread.registers();
        EXPECT_GE(context.pc, address_of(bare_count));
        EXPECT_LE(context.pc, address_of(bare_count) + 12);
        EXPECT_EQ(context.x0, reinterpret_cast<Word>(&count));
    }
    await_progress(count);
    // Another program for a thread that is running.
    Shared<Word> other;
    EXPECT_OK(thread.start(bare_count, reinterpret_cast<Word>(&other)));
    await_progress(other);
    EXPECT_TRUE(stands_still(count));
    // Read with suspension.
    seL4_UserContext context{};
    EXPECT_OK(tcb_read_registers(thread.tcb(), Suspend::kYes, seL4_UserContext_Words, context));
    EXPECT_TRUE(stands_still(other));
    EXPECT_LE(context.x1, other.get() + 1);
}

KOS_TEST(smp_delete_what_a_running_thread_stands_on) {
    SKIP_ON_ONE_NODE();
    for (int what = 0; what < 4; ++what) {
        CPtr vspace = make_bare_vspace(t);
        CPtr page = t.make(seL4_ARM_SmallPageObject);
        CPtr view = t.copy(page);
        ASSERT_OK(map_page(t.arena(), vspace, page, kFreeVirtual));
        ASSERT_OK(map_page(t.arena(), kVSpace, view, kFreeVirtual, seL4_CanRead));
        const auto& count = *reinterpret_cast<const Shared<Word>*>(kFreeVirtual);
        CPtr cnode = t.make(seL4_CapTableObject, 2);
        BareThread thread;
        ASSERT_TRUE(thread.create(t, {.vspace = vspace, .cspace = cnode, .node = 1}));
        EXPECT_OK(thread.start(bare_count, kFreeVirtual));
        await_progress(count);
        CPtr target = what == 0 ? thread.tcb() : what == 1 ? thread.sched_context() : what == 2 ? vspace : cnode;
        EXPECT_OK(cnode_revoke(root_slot(target)));
        EXPECT_OK(cnode_delete(root_slot(target)));
        if (what == 2) {
            MessageCopy fault = thread.wait_for_fault();
            EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
        }
        if (what == 3) {
            await_progress(count);  // it needs none for what it does
        } else {
            EXPECT_TRUE(stands_still(count));
        }
        EXPECT_OK(page_unmap(view));
        if (what != 0) {
            EXPECT_OK(tcb_suspend(thread.tcb()));
        }
    }
}

KOS_TEST(smp_faults_are_handled_from_another_node) {
    SKIP_ON_ONE_NODE();
    for (Word node = 1; node < t.nodes(); ++node) {
        BareThread thread;
        ASSERT_TRUE(thread.create(t, {.priority = kBelowMain, .node = node}));
        for (Word i = 0; i < 10; ++i) {
            EXPECT_OK(thread.start(bare_read, kFreeVirtual + 8 * i));
            MessageCopy fault = thread.wait_for_fault();
            EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
            EXPECT_EQ(fault.word(seL4_VMFault_Addr), kFreeVirtual + 8 * i);
            // Repaired by other registers, then by a reply.
            seL4_UserContext context = thread.registers();
            context.pc = address_of(bare_done);
            EXPECT_OK(tcb_write_registers(thread.tcb(), Resume::kNo, 1, context));
            thread.answer();
            EXPECT_TRUE(is_done(thread.wait_for_fault()));
        }
    }
}

KOS_TEST(smp_budget_on_another_node) {
    SKIP_ON_ONE_NODE();
    // A tenth of the time, wherever the periods begin; more if the core itself was held up.
    EXPECT_TRUE(eventually([&](Word scale) {
        const Word budget_us = 3000 * scale;
        const Word period_us = 10 * budget_us;
        Thread thread;
        Shared<Word> count;
        t.create(thread, {.node = 1, .budget = {.budget_us = budget_us, .period_us = period_us}});
        EXPECT_OK(start_counting(thread, count));
        await_progress(count);
        EXPECT_OK(sched_context_consumed(thread.sched_context()));
        uint64_t begin = now_us();
        spin_us(4 * period_us);
        Result answer = sched_context_consumed(thread.sched_context());
        EXPECT_OK(answer);
        uint64_t periods = (now_us() - begin) / period_us + 2;
        return answer.word(0) > 0 && answer.word(0) <= periods * budget_us;
    }));
}

KOS_TEST(smp_bound_notification_of_a_thread_elsewhere) {
    SKIP_ON_ONE_NODE();
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 0x44);
    CPtr done = t.make(seL4_NotificationObject);
    Thread thread;
    Shared<Word> badge;
    ASSERT_TRUE(t.create(thread, {.node = 1}));
    EXPECT_OK(tcb_bind_notification(thread.tcb(), notification));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            badge.set(recv(endpoint, reply_object).badge);
            signal(done);
        }
    }));
    for (int i = 0; i < 10; ++i) {
        signal(badged);
        wait(done);
        EXPECT_EQ(badge.exchange(0), 0x44u);
        send(endpoint, Tag{});
        wait(done);
        EXPECT_EQ(badge.exchange(7), 0u);
    }
}
