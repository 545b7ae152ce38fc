// Every documented error of the TCB methods.
#include "support.h"

namespace {

constexpr CPtr kRoot = seL4_CapInitThreadCNode;
constexpr CPtr kVSpace = seL4_CapInitThreadVSpace;
constexpr CPtr kSelf = seL4_CapInitThreadTCB;
constexpr Spaces kSpaces{kRoot, 0, kVSpace, 0};

CPtr untyped_with_child(TestContext& t) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    EXPECT_OK(untyped_retype(untyped, seL4_EndpointObject, 0, {kRoot, 0, 0, t.slot(), 1}));
    return untyped;
}

CPtr device_page(TestContext& t) {
    constexpr Word kVirtioPhysical = 0x0a000000;
    const seL4_BootInfo& info = *root_task().boot_info;
    CPtr made = t.slot();
    for (Word i = 0; i < info.untyped.end - info.untyped.start; ++i) {
        if (info.untypedList[i].isDevice != 0 && info.untypedList[i].paddr == kVirtioPhysical) {
            EXPECT_OK(untyped_retype(info.untyped.start + i, seL4_ARM_SmallPageObject, 0, {kRoot, 0, 0, made, 1}));
        }
    }
    return made;
}

}  // namespace

KOS_TEST(tcb_error_label_and_length) {
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    for (Word label :
         {Word{0}, Word{seL4_UntypedRetype}, Word{seL4_CNodeRevoke}, Word{seL4_SchedContextBind}, Word{10000}}) {
        EXPECT_ERROR(invoke(tcb, label, {kRoot, kVSpace, page}, {0, 0, 0, 0, 0, 0}), seL4_IllegalOperation);
    }
    auto expect_truncated = [&](Word label, std::initializer_list<CPtr> caps, std::initializer_list<Word> words) {
        Result answer = invoke(tcb, label, caps, words);
        kos::roottask::testing::check(answer.error == seL4_TruncatedMessage, __FILE__, __LINE__, "label", label,
                                      "expected a truncated message, not", answer.error);
    };
    expect_truncated(seL4_TCBReadRegisters, {}, {0});
    expect_truncated(seL4_TCBWriteRegisters, {}, {0});
    expect_truncated(seL4_TCBWriteRegisters, {}, {0, 1});
    expect_truncated(seL4_TCBWriteRegisters, {}, {0, 2, 5});
    expect_truncated(seL4_TCBWriteRegisters, {}, {0, 37, 5});
    expect_truncated(seL4_TCBCopyRegisters, {}, {0});
    expect_truncated(seL4_TCBCopyRegisters, {kSelf}, {});
    expect_truncated(seL4_TCBConfigure, {kRoot, kVSpace}, {0, 0, 0});
    expect_truncated(seL4_TCBConfigure, {kRoot, kVSpace, page}, {0, 0});
    expect_truncated(seL4_TCBSetPriority, {kSelf}, {});
    expect_truncated(seL4_TCBSetPriority, {}, {1});
    expect_truncated(seL4_TCBSetMCPriority, {kSelf}, {});
    expect_truncated(seL4_TCBSetMCPriority, {}, {1});
    expect_truncated(seL4_TCBSetSchedParams, {kSelf, 0, 0}, {1});
    expect_truncated(seL4_TCBSetSchedParams, {kSelf, 0}, {1, 1});
    expect_truncated(seL4_TCBSetTimeoutEndpoint, {}, {});
    expect_truncated(seL4_TCBSetIPCBuffer, {page}, {});
    expect_truncated(seL4_TCBSetIPCBuffer, {}, {0});
    expect_truncated(seL4_TCBSetSpace, {0, kRoot}, {0, 0});
    expect_truncated(seL4_TCBSetSpace, {0, kRoot, kVSpace}, {0});
    expect_truncated(seL4_TCBBindNotification, {}, {});
    expect_truncated(seL4_TCBSetTLSBase, {}, {});
    expect_truncated(seL4_TCBSetFlags, {}, {0});
}

KOS_TEST(tcb_error_registers) {
    CPtr tcb = t.make(seL4_TCBObject);
    seL4_UserContext context{};
    for (Word count : {Word{0}, Word{37}, ~Word{0}}) {
        EXPECT_RANGE_ERROR(tcb_read_registers(tcb, Suspend::kNo, count, context), 1, seL4_UserContext_Words);
    }
    EXPECT_ERROR(tcb_read_registers(kSelf, Suspend::kNo, 1, context), seL4_IllegalOperation);
    EXPECT_ERROR(tcb_write_registers(kSelf, Resume::kNo, 1, context), seL4_IllegalOperation);
    EXPECT_OK(tcb_write_registers(tcb, Resume::kNo, 0, context));
    for (CPtr wrong : {t.make(seL4_EndpointObject), t.slot(), CPtr{kRoot}}) {
        EXPECT_INVALID_CAPABILITY(tcb_copy_registers(tcb, wrong, {.frame = true}), 1);
    }
}

KOS_TEST(tcb_error_spaces) {
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr unassigned = t.make(seL4_ARM_VSpaceObject);
    CPtr empty = t.slot();
    CPtr untyped = untyped_with_child(t);
    constexpr Word kAddress = 0x1000;
    const struct {
        Spaces spaces;
        seL4_Error error;
    } cases[] = {
        {{endpoint, 0, kVSpace, 0}, seL4_IllegalOperation}, {{empty, 0, kVSpace, 0}, seL4_IllegalOperation},
        {{kNullCap, 0, kVSpace, 0}, seL4_IllegalOperation}, {{kRoot, 0, endpoint, 0}, seL4_IllegalOperation},
        {{kRoot, 0, empty, 0}, seL4_IllegalOperation},      {{kRoot, 0, unassigned, 0}, seL4_IllegalOperation},
        {{kRoot, 48, kVSpace, 0}, seL4_IllegalOperation},  // guard and radix take more than a word
        {{kRoot, 63, kVSpace, 0}, seL4_IllegalOperation},   {{untyped, 0, kVSpace, 0}, seL4_RevokeFirst},
        {{kRoot, 0, untyped, 0}, seL4_RevokeFirst},
    };
    for (const auto& c : cases) {
        EXPECT_ERROR(tcb_configure(tcb, c.spaces, kAddress, page), c.error);
        EXPECT_ERROR(tcb_set_space(tcb, endpoint, c.spaces), c.error);
    }
    EXPECT_OK(tcb_configure(tcb, {kRoot, 47, kVSpace, 99}, kAddress, page));
    // The fault endpoint: the right type, and the rights that a call needs.
    CPtr notification = t.make(seL4_NotificationObject);
    for (CPtr wrong : {notification, tcb, t.copy(endpoint, seL4_CanWrite),
                       t.copy(endpoint, seL4_CanRead | seL4_CanGrant | seL4_CanGrantReply)}) {
        EXPECT_INVALID_CAPABILITY(tcb_set_space(tcb, wrong, kSpaces), 1);
        EXPECT_INVALID_CAPABILITY(tcb_set_timeout_endpoint(tcb, wrong), 1);
        EXPECT_INVALID_CAPABILITY(tcb_set_sched_params(tcb, kSelf, {.fault_endpoint = wrong}), 3);
    }
    for (CPtr right : {endpoint, kNullCap, empty, t.copy(endpoint, seL4_CanWrite | seL4_CanGrant),
                       t.copy(endpoint, seL4_CanWrite | seL4_CanGrantReply)}) {
        EXPECT_OK(tcb_set_space(tcb, right, kSpaces));
        EXPECT_OK(tcb_set_timeout_endpoint(tcb, right));
        EXPECT_OK(tcb_set_sched_params(tcb, kSelf, {.fault_endpoint = right}));
    }
}

KOS_TEST(tcb_error_last_capability_to_a_space) {
    // A thread's slot that holds the last capability to a CNode is not replaced: that would destroy the CNode.
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr node = t.make(seL4_CapTableObject, 4);
    EXPECT_OK(tcb_set_space(tcb, kNullCap, {node, 0, kVSpace, 0}));
    EXPECT_OK(tcb_set_space(tcb, kNullCap, {node, 0, kVSpace, 0}));
    EXPECT_OK(cnode_delete(root_slot(node)));
    EXPECT_ERROR(tcb_set_space(tcb, kNullCap, kSpaces), seL4_IllegalOperation);
    EXPECT_ERROR(tcb_configure(tcb, kSpaces, 0x1000, page), seL4_IllegalOperation);
    EXPECT_OK(cnode_delete(root_slot(tcb)));
}

KOS_TEST(tcb_error_ipc_buffer) {
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr endpoint = t.make(seL4_EndpointObject);
    auto expect_both = [&](Word address, CPtr frame, seL4_Error error, int line) {
        kos::roottask::testing::check_error(tcb_set_ipc_buffer(tcb, address, frame), error, __FILE__, line,
                                            "SetIPCBuffer");
        kos::roottask::testing::check_error(tcb_configure(tcb, kSpaces, address, frame), error, __FILE__, line,
                                            "Configure");
    };
    for (Word address : {Word{0x401}, Word{0x200}, Word{0x1fff}, Word{8}}) {
        expect_both(address, page, seL4_AlignmentError, __LINE__);
    }
    for (CPtr wrong : {endpoint, kNullCap, t.slot(), CPtr{kRoot}, device_page(t), t.make(seL4_UntypedObject, 12)}) {
        expect_both(0x1000, wrong, seL4_IllegalOperation, __LINE__);
        expect_both(0x1001, wrong, seL4_IllegalOperation, __LINE__);  // the type is looked at first
    }
    expect_both(0x1000, untyped_with_child(t), seL4_RevokeFirst, __LINE__);
    // Any part of any page will do; address 0 is no buffer, whatever the frame.
    expect_both(0x1400, page, seL4_NoError, __LINE__);
    expect_both(0x200400, t.make(seL4_ARM_LargePageObject), seL4_NoError, __LINE__);
    expect_both(~Word{0} << seL4_IPCBufferSizeBits, page, seL4_NoError, __LINE__);
    expect_both(0x1000, t.copy(page, seL4_CanRead), seL4_NoError, __LINE__);
    for (CPtr any : {page, endpoint, kNullCap}) {
        expect_both(0, any, seL4_NoError, __LINE__);
    }
}

KOS_TEST(tcb_error_priority) {
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr authority = t.make(seL4_TCBObject);
    EXPECT_OK(tcb_set_mc_priority(authority, kSelf, 50));
    for (Word priority : {Word{256}, Word{1} << 32, ~Word{0}}) {
        EXPECT_RANGE_ERROR(tcb_set_priority(tcb, kSelf, priority), 0, 255);
        EXPECT_RANGE_ERROR(tcb_set_mc_priority(tcb, kSelf, priority), 0, 255);
        EXPECT_RANGE_ERROR(tcb_set_sched_params(tcb, kSelf, {.mcp = priority, .priority = 1}), 0, 255);
        EXPECT_RANGE_ERROR(tcb_set_sched_params(tcb, kSelf, {.mcp = 1, .priority = priority}), 0, 255);
    }
    EXPECT_RANGE_ERROR(tcb_set_priority(tcb, authority, 51), 0, 50);
    EXPECT_RANGE_ERROR(tcb_set_mc_priority(tcb, authority, 51), 0, 50);
    EXPECT_RANGE_ERROR(tcb_set_sched_params(tcb, authority, {.mcp = 51, .priority = 50}), 0, 50);
    EXPECT_RANGE_ERROR(tcb_set_sched_params(tcb, authority, {.mcp = 50, .priority = 51}), 0, 50);
    EXPECT_OK(tcb_set_priority(tcb, authority, 50));
    EXPECT_OK(tcb_set_mc_priority(tcb, authority, 50));
    EXPECT_OK(tcb_set_sched_params(tcb, authority, {.mcp = 50, .priority = 50}));
    // A priority above the thread's own limit is allowed; the limit is for what it gives to others.
    EXPECT_OK(tcb_set_sched_params(tcb, kSelf, {.mcp = 10, .priority = 200}));
    for (CPtr wrong : {t.make(seL4_EndpointObject), t.slot(), CPtr{kRoot}}) {
        EXPECT_INVALID_CAPABILITY(tcb_set_priority(tcb, wrong, 1), 1);
        EXPECT_INVALID_CAPABILITY(tcb_set_mc_priority(tcb, wrong, 1), 1);
        EXPECT_INVALID_CAPABILITY(tcb_set_sched_params(tcb, wrong, {.mcp = 1, .priority = 1}), 1);
    }
}

KOS_TEST(tcb_error_sched_context) {
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr other = t.make(seL4_TCBObject);
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    CPtr second = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    auto with = [&](CPtr thread, CPtr sched_context, Word priority = 5) {
        return tcb_set_sched_params(thread, kSelf, {.mcp = 5, .priority = priority, .sched_context = sched_context});
    };
    for (CPtr wrong : {t.make(seL4_EndpointObject), tcb, CPtr{kRoot}}) {
        EXPECT_INVALID_CAPABILITY(with(tcb, wrong), 2);
    }
    EXPECT_OK(with(tcb, t.slot()));  // an empty slot is none
    EXPECT_OK(with(tcb, context));
    EXPECT_OK(with(tcb, context));                              // the one it has
    EXPECT_ERROR(with(tcb, second), seL4_IllegalOperation);     // the thread has another
    EXPECT_ERROR(with(other, context), seL4_IllegalOperation);  // the context has another
    EXPECT_OK(with(tcb, kNullCap));                             // takes it away
    EXPECT_OK(with(other, context));
    // The running thread keeps what it has.
    EXPECT_ERROR(tcb_set_sched_params(kSelf, kSelf, {.mcp = 255, .priority = kMainPriority}), seL4_IllegalOperation);
    EXPECT_ERROR(tcb_set_sched_params(kSelf, kSelf, {.mcp = 255, .priority = kMainPriority, .sched_context = second}),
                 seL4_IllegalOperation);
    EXPECT_OK(tcb_set_sched_params(kSelf, kSelf,
                                   {.mcp = 255, .priority = kMainPriority, .sched_context = seL4_CapInitThreadSC}));
    // Limits are checked before the contexts, those before the fault endpoint.
    EXPECT_ERROR(with(tcb, tcb, 300), seL4_RangeError);
    EXPECT_INVALID_CAPABILITY(
        tcb_set_sched_params(tcb, kSelf, {.mcp = 5, .priority = 5, .sched_context = tcb, .fault_endpoint = tcb}), 2);
}

KOS_TEST(tcb_error_blocked_thread_and_context_that_cannot_run) {
    // A blocked thread takes no context that has not been configured.
    Thread thread;
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr empty_context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_OK(thread.start([&] { wait(endpoint); }));
    EXPECT_OK(sched_context_unbind(thread.sched_context()));
    EXPECT_ERROR(
        tcb_set_sched_params(thread.tcb(), kSelf, {.mcp = 5, .priority = kAboveMain, .sched_context = empty_context}),
        seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_bind(empty_context, thread.tcb()), seL4_IllegalOperation);
    EXPECT_OK(sched_context_bind(thread.sched_context(), thread.tcb()));
}

KOS_TEST(tcb_error_bind_notification) {
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr other = t.make(seL4_TCBObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr second = t.make(seL4_NotificationObject);
    for (CPtr wrong : {t.make(seL4_EndpointObject), t.slot(), t.copy(second, seL4_CanWrite)}) {
        EXPECT_ERROR(tcb_bind_notification(tcb, wrong), seL4_IllegalOperation);
    }
    EXPECT_ERROR(tcb_unbind_notification(tcb), seL4_IllegalOperation);
    EXPECT_OK(tcb_bind_notification(tcb, t.copy(notification, seL4_CanRead)));
    EXPECT_ERROR(tcb_bind_notification(tcb, notification), seL4_IllegalOperation);
    EXPECT_ERROR(tcb_bind_notification(other, notification), seL4_IllegalOperation);
    EXPECT_ERROR(tcb_bind_notification(tcb, second), seL4_IllegalOperation);
    EXPECT_OK(tcb_unbind_notification(tcb));
    EXPECT_ERROR(tcb_unbind_notification(tcb), seL4_IllegalOperation);
    // Not while somebody waits on it.
    Thread waiter;
    ASSERT_TRUE(t.create(waiter, {.priority = kAboveMain}));
    EXPECT_OK(waiter.start([&] { wait(second); }));
    EXPECT_ERROR(tcb_bind_notification(tcb, second), seL4_IllegalOperation);
    signal(second);
    EXPECT_OK(tcb_bind_notification(tcb, second));
}

KOS_TEST(tcb_flags) {
    CPtr tcb = t.make(seL4_TCBObject);
    const struct {
        Word clear;
        Word set;
        Word result;
    } cases[] = {{0, 0, 0}, {0, 1, 1}, {0, ~Word{0}, 1}, {1, 1, 1},
                 {2, 0, 1}, {1, 0, 0}, {~Word{0}, 0, 0}, {~Word{0}, ~Word{0}, 1}};
    for (const auto& c : cases) {
        Result answer = tcb_set_flags(tcb, c.clear, c.set);
        EXPECT_OK(answer);
        EXPECT_EQ(answer.message.length(), 1u);
        EXPECT_EQ(answer.word(0), c.result);  // clear first, then set; unknown bits do not stay
    }
}
