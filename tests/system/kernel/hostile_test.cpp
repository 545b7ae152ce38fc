// Programs that do everything wrong: random registers, every method on every object with random arguments, message
// buffers that are not there. The kernel answers, or reports a fault, and everything else goes on.
#include "faults.h"
#include "stubs.h"

namespace {

constexpr CPtr kRoot = seL4_CapInitThreadCNode;

// A small generator with a fixed seed: each run is the same.
class Random {
public:
    explicit Random(Word seed) : state_(seed) {}
    Word next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_ * 0x2545f4914f6cdd1dull;
    }
    Word below(Word limit) { return next() % limit; }
    // A word of the kind that programs pass: small, an address, a power of two or its neighbour, or anything.
    Word argument() {
        switch (below(8)) {
            case 0: return 0;
            case 1: return below(16);
            case 2: return below(4096);
            case 3: return kFreeVirtual + below(1 << 22);
            case 4: return Word{1} << below(64);
            case 5: return (Word{1} << below(64)) - 1;
            case 6: return ~below(300);
            default: return next();
        }
    }

private:
    Word state_;
};

// Numbers that debug kernels have (some stop the machine) are left out.
Word random_syscall(Random& random) {
    Word number = random.below(4) == 0 ? random.argument() : ~random.below(11);
    auto value = static_cast<int64_t>(number);
    return value <= -12 && value >= -64 ? 0 : number;
}

// Objects that may be ruined, in a CNode of their own, 16 slots, addressed by 4 bits.
struct Victims {
    TestCNode node;
    static constexpr Word kCount = 16;
};

Victims make_victims(TestContext& t) {
    Victims victims{make_cnode(t, 4)};
    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    EXPECT_OK(asid_pool_assign(seL4_CapInitThreadASIDPool, vspace));
    CPtr context = t.make(seL4_SchedContextObject, 8);
    EXPECT_OK(sched_control_configure(t.sched_control(), context, {.budget_us = 1000, .period_us = 100000}));
    CPtr objects[] = {t.make(seL4_UntypedObject, 16),    t.make(seL4_TCBObject),
                      t.make(seL4_EndpointObject),       t.make(seL4_NotificationObject),
                      t.make(seL4_CapTableObject, 4),    context,
                      t.make(seL4_ReplyObject),          vspace,
                      t.make(seL4_ARM_SmallPageObject),  t.make(seL4_ARM_LargePageObject),
                      t.make(seL4_ARM_PageTableObject),  t.mint(t.make(seL4_EndpointObject), 7),
                      t.make(seL4_SchedContextObject, 7)};
    Word index = 1;
    for (CPtr object : objects) {
        EXPECT_OK(cnode_copy(victims.node.at(index), root_slot(object)).error == seL4_NoError
                      ? Result{}
                      : cnode_move(victims.node.at(index), root_slot(object)));
        ++index;
    }
    return victims;
}

}  // namespace

KOS_TEST(hostile_random_system_calls) {
    // A thread with a small CSpace makes system calls with random registers; the handler puts it on its feet again.
    constexpr Word kCalls = 4000;
    Victims victims = make_victims(t);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread thread;
    // A guard in front of the index, so that not everything is found.
    Spaces spaces{victims.node.cap, seL4_CNode_CapData_new(0, 58).words[0], seL4_CapInitThreadVSpace, 0};
    ASSERT_TRUE(t.create(thread, {.priority = kBelowMain,
                                  .fault_endpoint = t.mint(endpoint, 1),
                                  .budget = {.budget_us = 1000, .period_us = 1000},
                                  .spaces = spaces}));
    Random random(12345);
    Shared<Word> done;
    Word registers[9] = {};
    auto body = [&] {
        for (;;) {
            for (Word& x : registers) {
                x = random.argument();
            }
            registers[0] = random.below(2) == 0 ? random.below(20) : random.argument();
            registers[6] = random.below(20);
            registers[7] = random_syscall(random);
            for (Word& cap : ipc_buffer()->caps_or_badges) {
                cap = random.below(20);
            }
            done.add(1);
            stub_svc(registers);
        }
    };
    EXPECT_OK(thread.start(body));
    Word restarts = 0;
    while (done.get() < kCalls) {
        Word before = done.get();
        EXPECT_OK(tcb_set_priority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, kBelowMain));
        yield();
        EXPECT_OK(tcb_set_priority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, kMainPriority));
        bool faulted = nb_recv(endpoint, reply_object).badge != 0;
        if (faulted || done.get() == before) {
            // A fault, or blocked for good: start the next call.
            ++restarts;
            EXPECT_OK(tcb_suspend(thread.tcb()));
            EXPECT_OK(thread.start(body));
        }
    }
    EXPECT_GT(restarts, 100u);
    thread.stop();
}

KOS_TEST(hostile_every_label_on_every_object) {
    Random random(777);
    constexpr Word kLabels = 70;
    for (int round = 0; round < 3; ++round) {
        Victims victims = make_victims(t);
        CPtr slots[Victims::kCount];
        for (Word i = 0; i < Victims::kCount; ++i) {
            // A way to each that survives what is done to the CNode.
            slots[i] = t.slot();
            (void)cnode_copy(root_slot(slots[i]), victims.node.at(i));
        }
        for (Word label = 0; label < kLabels; ++label) {
            // The methods of the debug API, which stop seL4 itself when their arguments are wrong.
            if (has_debug_api() && label >= seL4_TCBSetTLSBase && label < seL4_TCBSetTLSBase + label_shift) {
                continue;
            }
            for (CPtr object : slots) {
                // Invoking an endpoint or a reply object sends a message: not what is meant here.
                Words words;
                for (Word i = 0; i < 12; ++i) {
                    Word value = random.argument();
                    if (i < kRegisterWords) {
                        words.w[i] = value;
                    } else {
                        ipc_buffer()->msg[i] = value;
                    }
                }
                for (Word& cap : ipc_buffer()->caps_or_badges) {
                    cap = slots[random.below(Victims::kCount)];
                }
                if (object == slots[3] || object == slots[12]) {
                    nb_send(object, Tag::make(label, random.below(12), random.below(4)), words);
                    continue;
                }
                Message answer = call(object, Tag::make(label, random.below(12), random.below(4)), words);
                EXPECT_LE(answer.label(), Word{seL4_NotEnoughMemory});
            }
        }
    }
}

KOS_TEST(hostile_message_buffer_not_mapped) {
    // The kernel uses the frame that the thread was given, mapped or not.
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread sender;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
    EXPECT_OK(tcb_set_ipc_buffer(sender.tcb(), 0xffffffffffff0000, page));
    EXPECT_OK(sender.start([&] { send(endpoint, Tag::make(1, 120, 3), Words{{1, 2, 3, 4}}); }));
    Message message = recv(endpoint, reply_object);
    EXPECT_EQ(message.length(), 120u);
    EXPECT_EQ(message.word(100), 0u);  // a new page is empty
}

KOS_TEST(hostile_message_buffer_frame_deleted) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread sender;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
    EXPECT_OK(tcb_set_ipc_buffer(sender.tcb(), 0x400, page));
    EXPECT_OK(cnode_revoke(root_slot(page)));  // takes the thread's copy
    EXPECT_OK(sender.start([&] { send(endpoint, Tag::make(1, 120, 3), Words{{1, 2, 3, 4}}); }));
    Message message = recv(endpoint, reply_object);
    EXPECT_EQ(message.length(), 4u);
    EXPECT_EQ(message.tag.extra_caps(), 0u);
}

KOS_TEST(hostile_invocation_without_a_buffer) {
    // Arguments beyond the registers, and capabilities, are missing then.
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .no_ipc_buffer = true}));
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    Word x[9] = {
        untyped, Tag::make(seL4_UntypedRetype, 6, 1).word, seL4_EndpointObject, 0, 0, 0, 0, static_cast<Word>(-1), 0};
    EXPECT_OK(thread.start([&] { stub_svc(x); }));
    EXPECT_EQ(x[1] >> seL4_MessageInfo_LabelShift, Word{seL4_TruncatedMessage});
}

KOS_TEST(hostile_messages_of_maximal_length_and_capabilities) {
    Random random(99);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread sender;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
    EXPECT_OK(sender.start([&] {
        for (;;) {
            for (Word& cap : ipc_buffer()->caps_or_badges) {
                cap = random.below(100);
            }
            send(endpoint, Tag{random.next() | 0x7f}, Words{{1, 2, 3, 4}});
        }
    }));
    for (int i = 0; i < 300; ++i) {
        ipc_buffer()->receiveCNode = random.below(2) == 0 ? kRoot : random.argument();
        ipc_buffer()->receiveIndex = random.argument() | (Word{1} << 40);  // never a slot of the root CNode
        ipc_buffer()->receiveDepth = random.argument();
        Message message = recv(endpoint, reply_object);
        EXPECT_EQ(message.length(), Word{seL4_MsgMaxLength});
        EXPECT_LE(message.tag.extra_caps(), 3u);
    }
    ipc_buffer()->receiveCNode = kNullCap;
}

KOS_TEST(hostile_thread_without_spaces) {
    // A TCB that was never configured: it faults, with nobody to tell, and that is all.
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    EXPECT_OK(sched_control_configure(t.sched_control(), context, {.budget_us = 1000, .period_us = 1000}));
    EXPECT_OK(tcb_set_sched_params(tcb, seL4_CapInitThreadTCB,
                                   {.mcp = 255, .priority = kAboveMain, .sched_context = context}));
    EXPECT_OK(tcb_resume(tcb));
    EXPECT_OK(tcb_suspend(tcb));
    // With a handler that is a fault like others.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    EXPECT_OK(tcb_set_sched_params(
        tcb, seL4_CapInitThreadTCB,
        {.mcp = 255, .priority = kAboveMain, .sched_context = context, .fault_endpoint = t.mint(endpoint, 4)}));
    EXPECT_OK(tcb_resume(tcb));
    MessageCopy fault = nb_recv(endpoint, reply_object);
    EXPECT_EQ(fault.badge, 4u);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
    EXPECT_EQ(fault.word(seL4_VMFault_PrefetchFault), 1u);
}

KOS_TEST(hostile_program_counters_and_stacks) {
    for (Word pc : {Word{0}, Word{1}, Word{0xffffff8040000000}, ~Word{0} - 3, Word{1} << 63, Word{1} << 47,
                    Word{1} << 55, kFreeVirtual}) {
        FaultingThread faulting;
        ASSERT_TRUE(faulting.create(t));
        seL4_UserContext context{};
        context.pc = pc;
        context.sp = ~Word{0};
        EXPECT_OK(tcb_write_registers(faulting.thread().tcb(), Resume::kYes, 3, context));
        MessageCopy fault = faulting.take();
        EXPECT_EQ(fault.badge, FaultingThread::kBadge);
        EXPECT_TRUE(fault.label() == seL4_Fault_VMFault || fault.label() == seL4_Fault_UserException);
    }
}

KOS_TEST(hostile_status_words) {
    // No status word takes a thread out of user level or turns its interrupts off.
    for (Word spsr : {~Word{0}, Word{0x3c5}, Word{0x1}, Word{0x4}, Word{0x5}, Word{0x9}, Word{0xd}, Word{0x10},
                      Word{0x3c0}, Word{1} << 21, Word{1} << 20}) {
        FaultingThread faulting;
        ASSERT_TRUE(faulting.create(t));
        seL4_UserContext context{};
        context.pc = address_of(stub_read_midr);
        context.spsr = spsr;
        EXPECT_OK(tcb_write_registers(faulting.thread().tcb(), Resume::kYes, 3, context));
        MessageCopy fault = faulting.take();
        EXPECT_EQ(fault.label(), Word{seL4_Fault_UserException});
        EXPECT_EQ(fault.word(seL4_UserException_SPSR) & ~Word{0xf0000000}, user_spsr());
    }
}

KOS_TEST(debug_calls_work_or_are_unknown) {
    // Only debug kernels have them; elsewhere they are system calls that nobody knows.
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    Word type_of_tcb = 0;
    Word type_of_nothing = 99;
    CPtr empty = t.slot();
    EXPECT_OK(faulting.thread().start([&] {
        type_of_tcb = debug_cap_identify(seL4_CapInitThreadTCB);
        type_of_nothing = debug_cap_identify(empty);
        debug_name_thread(seL4_CapInitThreadTCB, "a name");
    }));
    MessageCopy fault = faulting.take();
    if (fault.badge != 0) {
        EXPECT_EQ(fault.label(), Word{seL4_Fault_UnknownSyscall});
        EXPECT_EQ(fault.word(seL4_UnknownSyscall_Syscall), static_cast<Word>(seL4_SysDebugCapIdentify));
    } else {
        EXPECT_TRUE(faulting.thread().finished());
        EXPECT_NE(type_of_tcb, 0u);
        EXPECT_EQ(type_of_nothing, 0u);
    }
}
