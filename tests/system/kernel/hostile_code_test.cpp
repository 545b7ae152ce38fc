// Threads that execute what they should not: privileged registers and instructions, the kernel's memory, random words
// as code. Each faults or does nothing; the kernel and everybody else go on.
#include "fpu.h"
#include "sleeper.h"

namespace {

constexpr uint32_t kStop = 0xd4201a00;  // brk #0xd0
constexpr uint32_t kMrs = 0xd5300000;   // mrs x0, op0=2: | op0[19] op1[18:16] CRn[15:12] CRm[11:8] op2[7:5]
constexpr uint32_t kMsr = 0xd5100000;
constexpr uint32_t kMrsExtended = 0xd5380000;  // op0=3
constexpr uint32_t kMsrExtended = 0xd5180000;

class Random {
public:
    explicit Random(Word seed) : state_(seed) {}
    Word next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_ * 0x2545f4914f6cdd1d;
    }
    Word below(Word limit) { return (next() >> 20) % limit; }

private:
    Word state_;
};

// A page of code in an address space with nothing else, and a thread to run it: without capabilities.
class Cell {
public:
    bool create(TestContext& t, Word priority = kAboveMain) {
        CPtr page = t.make(seL4_ARM_SmallPageObject);
        CPtr copy = t.copy(page);
        CPtr vspace = assigned_vspace(t);
        cnode_ = t.make(seL4_CapTableObject, 1);
        Result result = map_page(t.arena(), kVSpace, page, kFreeVirtual);
        if (result.ok()) {
            result = map_page(t.arena(), vspace, copy, kFreeVirtual, seL4_ReadWrite);
        }
        EXPECT_OK(result);
        page_ = page;
        // A guard that no small number matches, so that system calls find nothing.
        return thread.create(t, {.vspace = vspace,
                                 .cspace = cnode_,
                                 .priority = priority,
                                 .cspace_data = seL4_CNode_CapData_new(0x5a5a5a5, 58).words[0]});
    }
    volatile uint32_t* code() { return reinterpret_cast<volatile uint32_t*>(kFreeVirtual); }
    void publish() { EXPECT_OK(page_cache(page_, CacheOperation::kUnifyInstruction, 0, kPage)); }
    Result run(Word offset = 0) {
        seL4_UserContext context{};
        context.pc = kFreeVirtual + offset;
        context.sp = kFreeVirtual + kPage;
        return thread.start(context);
    }
    // Runs one instruction; the fault that comes of it (that of the stop instruction if it did nothing wrong).
    MessageCopy run_one(uint32_t instruction) {
        code()[0] = instruction;
        code()[1] = kStop;
        publish();
        EXPECT_OK(run());
        return thread.take();
    }

    BareThread thread;

private:
    CPtr page_ = kNullCap;
    CPtr cnode_ = kNullCap;
};

bool is_exception_at_start(const MessageCopy& fault) {
    return fault.label() == seL4_Fault_UserException && fault.word(seL4_UserException_FaultIP) == kFreeVirtual;
}

// op0..op2 as the instructions encode them, without the base (Arm ARM, C5.3).
constexpr uint32_t system_register(uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2) {
    return op1 << 16 | crn << 12 | crm << 8 | op2 << 5;
}

}  // namespace

KOS_TEST(hostile_system_registers) {
    // Every register of op0 = 2 and 3 that belongs to EL1 and above, read and written: refused. Those of EL0 (op1 = 3)
    // are allowed or refused one by one, but do nothing to others either.
    Cell cell;
    ASSERT_TRUE(cell.create(t));
    Word allowed = 0;
    Word count = 0;
    for (uint32_t op1 : {0u, 4u, 5u, 6u, 7u}) {
        for (uint32_t crn : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 9u, 10u, 12u, 13u, 14u}) {
            for (uint32_t crm : {0u, 1u, 2u, 3u}) {
                for (uint32_t op2 : {0u, 1u, 2u}) {
                    uint32_t fields = system_register(op1, crn, crm, op2);
                    for (uint32_t base : {kMrsExtended, kMsrExtended}) {
                        ++count;
                        allowed += is_exception_at_start(cell.run_one(base | fields)) ? 0 : 1;
                    }
                }
            }
        }
    }
    EXPECT_EQ(allowed, 0u);
    EXPECT_GT(count, 1000u);
    // Debug registers (op0 = 2).
    for (uint32_t crm = 0; crm < 8; ++crm) {
        for (uint32_t op2 : {2u, 4u, 5u, 6u, 7u}) {
            EXPECT_TRUE(is_exception_at_start(cell.run_one(kMrs | system_register(0, 0, crm, op2))));
            EXPECT_TRUE(is_exception_at_start(cell.run_one(kMsr | system_register(0, 0, crm, op2))));
        }
    }
}

KOS_TEST(hostile_privileged_instructions) {
    Cell cell;
    ASSERT_TRUE(cell.create(t));
    for (uint32_t instruction : {
             0xd4000002u,  // hvc #0
             0xd4000003u,  // smc #0
             0xd4400000u,  // hlt #0
             0xd4a00001u,  // dcps1
             0xd69f03e0u,  // eret
             0xd6bf03e0u,  // drps
             0xd50342dfu,  // msr daifset, #2
             0xd50342ffu,  // msr daifclr, #2
             0xd50041bfu,  // msr spsel, #1
             0xd508871fu,  // tlbi vmalle1
             0xd508831fu,  // tlbi vmalle1is
             0xd5087100u,  // ic ialluis
             0xd508751fu,  // ic iallu
             0xd5087640u,  // dc isw, x0
             0xd5087a40u,  // dc csw, x0
             0xd5087620u,  // dc ivac, x0
             0xd5087800u,  // at s1e1r, x0
             0x00000000u,  // udf
             0xffffffffu,
         }) {
        MessageCopy fault = cell.run_one(instruction);
        if (!is_exception_at_start(fault)) {
            EXPECT_EQ(instruction, 0u);  // says which
        }
    }
    // Harmless ones: hints, barriers, and writing the flags.
    for (uint32_t instruction : {0xd503201fu,     // nop
                                 0xd503203fu,     // yield
                                 0xd503209fu,     // sev
                                 0xd5033fdfu,     // isb
                                 0xd5033f9fu,     // dsb sy
                                 0xd51b4200u,     // msr nzcv, x0
                                 0xd53b4200u}) {  // mrs x0, nzcv
        EXPECT_TRUE(is_done(cell.run_one(instruction)));
    }
}

KOS_TEST(hostile_kernel_memory) {
    // From the first to the last address of the kernel's half, and the gap in between: no read, no write, no jump.
    BareThread thread;
    ASSERT_TRUE(thread.create(t));
    Random random(3);
    for (Word i = 0; i < 120; ++i) {
        Word address = i < 64   ? Word{1} << 63 >> (i % 17) | random.next() >> 17
                       : i < 90 ? 0xffffff8000000000 + (random.next() & 0x3fffffffff)
                                : 0xffffff8040000000 + (random.next() & 0x3fffff);
        address |= Word{1} << 63;
        address &= ~Word{7};
        EXPECT_OK(thread.start(bare_read, address));
        EXPECT_EQ(thread.take().label(), Word{seL4_Fault_VMFault});
        EXPECT_OK(thread.start(bare_write, address, 0xbad));
        EXPECT_EQ(thread.take().label(), Word{seL4_Fault_VMFault});
        EXPECT_OK(thread.start(bare_jump, address));
        MessageCopy fault = thread.take();
        EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
        EXPECT_EQ(fault.word(seL4_VMFault_PrefetchFault), 1u);
    }
}

KOS_TEST(hostile_random_instructions) {
    // Pages of random words, each run until it faults too often or gets lost in a loop.
    constexpr int kPages = 12;
    constexpr int kFaultsPerPage = 60;
    Cell cell;
    Sleeper sleeper;
    ASSERT_TRUE(sleeper.create(t, 4000));
    ASSERT_TRUE(cell.create(t, kBelowMain));
    FpuHolder bystander(7);
    BareThread holder;
    ASSERT_TRUE(holder.create(t, {.priority = kBelowMain, .budget = {1000, 1000}}));
    EXPECT_OK(holder.start(fpu_hold_forever, reinterpret_cast<Word>(&bystander)));
    Random random(20);
    Word faults = 0;
    for (int page = 0; page < kPages; ++page) {
        for (Word i = 0; i < kPage / 4; ++i) {
            // Half of them out of groups that decode to something.
            uint32_t word = static_cast<uint32_t>(random.next() >> 32);
            switch (random.below(6)) {
                case 0: word = (word & 0x000fffff) | 0xd5000000 | (word & 0x00200000); break;  // system
                case 1: word = (word & 0x00ffffff) | 0xf9000000; break;                        // loads and stores
                case 2: word = (word & 0x1fffffff) | 0x80000000; break;
                default: break;
            }
            cell.code()[i] = word;
        }
        cell.publish();
        Word offset = 0;
        for (int i = 0; i < kFaultsPerPage; ++i) {
            EXPECT_OK(cell.run(offset));
            sleeper.sleep();
            if (cell.thread.take().badge != 0) {
                ++faults;
            }
            EXPECT_OK(tcb_suspend(cell.thread.tcb()));
            offset = random.below(kPage / 4) * 4;
            if (i % 10 == 9) {
                EXPECT_EQ(bystander.errors.get(), 0u);
            }
        }
    }
    EXPECT_GT(faults, 100u);
    Word before = bystander.rounds.get();
    while (bystander.rounds.get() == before) {
        sleeper.sleep();
    }
    bystander.stop.set(1);
    EXPECT_TRUE(is_done(holder.wait_for_fault()));
    EXPECT_EQ(bystander.errors.get(), 0u);
    // It may have set the timer that user level can set.
    asm volatile("msr cntp_ctl_el0, xzr");
}

KOS_TEST(hostile_everything_deleted_under_a_thread) {
    // What a thread stands on is deleted while it is blocked; then it is woken.
    for (int what = 0; what < 4; ++what) {
        CPtr vspace = make_bare_vspace(t);
        CPtr cnode = t.make(seL4_CapTableObject, 2);
        CPtr notification = t.make(seL4_NotificationObject);
        CPtr buffer = t.make(seL4_ARM_SmallPageObject);
        EXPECT_OK(cnode_copy({cnode, 1, 2}, root_slot(notification)));
        BareThread thread;
        // 64 bits of address: the guard takes what the CNode does not.
        ASSERT_TRUE(thread.create(t, {.vspace = vspace,
                                      .cspace = cnode,
                                      .buffer = kFreeVirtual,
                                      .buffer_frame = buffer,
                                      .cspace_data = seL4_CNode_CapData_new(0, 62).words[0]}));
        EXPECT_OK(thread.start_syscall({.x0 = 1, .x7 = static_cast<Word>(int64_t{seL4_SysWait})}));
        EXPECT_EQ(thread.take().badge, 0u);
        CPtr target = what == 0 ? vspace : what == 1 ? cnode : what == 2 ? buffer : thread.sched_context();
        EXPECT_OK(cnode_revoke(root_slot(target)));
        EXPECT_OK(cnode_delete(root_slot(target)));
        signal(notification);
        MessageCopy fault = thread.take();
        if (what == 0) {
            EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
        } else if (what == 3) {
            EXPECT_EQ(fault.badge, 0u);  // it has no time to find out
        } else {
            EXPECT_TRUE(is_done(fault));
        }
    }
}

KOS_TEST(hostile_system_call_after_the_cspace_is_gone) {
    CPtr cnode = t.make(seL4_CapTableObject, 2);
    BareThread thread;
    ASSERT_TRUE(thread.create(t, {.cspace = cnode, .cspace_data = seL4_CNode_CapData_new(0, 62).words[0]}));
    EXPECT_OK(cnode_revoke(root_slot(cnode)));
    EXPECT_OK(cnode_delete(root_slot(cnode)));
    for (int64_t number = seL4_SysCall; number >= seL4_SysNBWait; --number) {
        EXPECT_OK(thread.start_syscall({.x0 = 1, .x6 = 2, .x7 = static_cast<Word>(number), .x8 = 3}));
        MessageCopy fault = thread.take();
        if (number == seL4_SysNBSend) {
            EXPECT_TRUE(is_done(fault));
            continue;
        }
        EXPECT_EQ(fault.label(), Word{seL4_Fault_CapFault});
        EXPECT_EQ(fault.word(seL4_CapFault_LookupFailureType), Word{seL4_InvalidRoot});
    }
}

KOS_TEST(hostile_buffer_that_the_thread_cannot_write) {
    // The frame is mapped read-only for the thread, and elsewhere too: the kernel writes the message all the same,
    // because the right is the frame capability's.
    CPtr frame = t.make(seL4_ARM_SmallPageObject);
    CPtr view = t.copy(frame, seL4_CanRead);
    ASSERT_OK(map_page(t.arena(), kVSpace, view, kFreeVirtual));
    CPtr endpoint = t.make(seL4_EndpointObject);
    BareThread thread;
    ASSERT_TRUE(thread.create(t, {.buffer = kFreeVirtual, .buffer_frame = frame}));
    EXPECT_OK(thread.start_syscall({.x0 = endpoint, .x7 = static_cast<Word>(int64_t{seL4_SysWait})}));
    for (Word i = 4; i < seL4_MsgMaxLength; ++i) {
        ipc_buffer()->msg[i] = i * 3;
    }
    send(endpoint, Tag::make(5, seL4_MsgMaxLength), Words{{1, 2, 3, 4}});
    EXPECT_TRUE(is_done(thread.take()));
    const auto& buffer = *reinterpret_cast<const seL4_IPCBuffer*>(kFreeVirtual);
    EXPECT_EQ(Tag{thread.registers().x1}.length(), Word{seL4_MsgMaxLength});
    for (Word i = 4; i < seL4_MsgMaxLength; ++i) {
        EXPECT_EQ(buffer.msg[i], i * 3);
    }
}

KOS_TEST(hostile_two_threads_with_one_buffer) {
    // Words of one thread's message may overwrite the other's; nothing else happens.
    CPtr frame = t.make(seL4_ARM_SmallPageObject);
    CPtr endpoint = t.make(seL4_EndpointObject);
    BareThread receiver;
    BareThread sender;
    ASSERT_TRUE(receiver.create(t, {.buffer = kFreeVirtual, .buffer_frame = frame}));
    ASSERT_TRUE(sender.create(t, {.buffer = kFreeVirtual, .buffer_frame = frame}));
    EXPECT_OK(receiver.start_syscall({.x0 = endpoint, .x7 = static_cast<Word>(int64_t{seL4_SysWait})}));
    EXPECT_OK(sender.start_syscall(
        {.x0 = endpoint, .x1 = Tag::make(9, 120, 3).word, .x7 = static_cast<Word>(int64_t{seL4_SysSend})}));
    EXPECT_TRUE(is_done(receiver.take()));
    EXPECT_TRUE(is_done(sender.take()));
    EXPECT_EQ(Tag{receiver.registers().x1}.length(), 120u);
    EXPECT_EQ(Tag{receiver.registers().x1}.extra_caps(), 0u);
}
