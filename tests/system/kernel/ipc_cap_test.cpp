// Capability transfer: receive slots, unwrapping, what ends a transfer early, rights, and the derivation of what
// arrives.
#include "stubs.h"

namespace {

constexpr CPtr kRoot = seL4_CapInitThreadCNode;
constexpr Word kUntouched = 0xee00;

struct Transfer {
    Message message;
    Word badges[seL4_MsgMaxExtraCaps];
    bool sender_finished;
};

struct Receive {
    CPtr root;
    Word index;
    Word depth;
};

class Fixture {
public:
    explicit Fixture(TestContext& t)
        : t_(t), endpoint(t.make(seL4_EndpointObject)), reply_object(t.make(seL4_ReplyObject)), slot(t.slot()) {}

    // A thread sends `caps` through `via`; the test receives into `where`.
    Transfer send_caps(CPtr via, std::initializer_list<CPtr> caps, const Receive& where) {
        Thread sender;
        t_.create(sender, {.priority = kAboveMain});
        Word i = 0;
        for (CPtr cap : caps) {
            sender.buffer()->caps_or_badges[i++] = cap;
        }
        EXPECT_OK(sender.start([&] { send(via, Tag::make(7, 5, caps.size())); }));
        seL4_IPCBuffer* buffer = ipc_buffer();
        buffer->receiveCNode = where.root;
        buffer->receiveIndex = where.index;
        buffer->receiveDepth = where.depth;
        for (Word k = 0; k < seL4_MsgMaxExtraCaps; ++k) {
            buffer->caps_or_badges[k] = kUntouched + k;
        }
        Transfer result;
        result.message = nb_recv(endpoint, reply_object);
        for (Word k = 0; k < seL4_MsgMaxExtraCaps; ++k) {
            result.badges[k] = buffer->caps_or_badges[k];
        }
        buffer->receiveCNode = kNullCap;
        result.sender_finished = sender.finished();
        return result;
    }
    Transfer send_caps(CPtr via, std::initializer_list<CPtr> caps) { return send_caps(via, caps, {kRoot, slot, 64}); }

    void expect(const Transfer& result, Word extra_caps, Word unwrapped, bool held, int line) {
        using kos::roottask::testing::check;
        check(result.message.label() == 7, __FILE__, line, "label", result.message.label(), "expected", 7);
        check(result.message.length() == 5, __FILE__, line, "length", result.message.length(), "expected", 5);
        check(result.message.tag.extra_caps() == extra_caps, __FILE__, line, "extra caps",
              result.message.tag.extra_caps(), "expected", extra_caps);
        check(result.message.tag.caps_unwrapped() == unwrapped, __FILE__, line, "unwrapped",
              result.message.tag.caps_unwrapped(), "expected", unwrapped);
        check(holds_cap(t_, slot) == held, __FILE__, line, "slot is full", !held, "expected", held);
        check(result.sender_finished, __FILE__, line, "sender finished", false, "expected", true);
    }

private:
    TestContext& t_;

public:
    CPtr endpoint;
    CPtr reply_object;
    CPtr slot;
};

}  // namespace

KOS_TEST(ipc_caps_one) {
    Fixture f(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    f.expect(f.send_caps(f.endpoint, {page}), 1, 0, true, __LINE__);
    EXPECT_EQ(page_get_address(f.slot).word(0), page_get_address(page).word(0));  // the sender keeps its own
}

KOS_TEST(ipc_caps_none_sent) {
    Fixture f(t);
    f.expect(f.send_caps(f.endpoint, {}), 0, 0, false, __LINE__);
}

KOS_TEST(ipc_caps_only_one_slot) {
    Fixture f(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr tcb = t.make(seL4_TCBObject);
    f.expect(f.send_caps(f.endpoint, {page, tcb, tcb}), 1, 0, true, __LINE__);
    EXPECT_OK(page_get_address(f.slot));
}

KOS_TEST(ipc_caps_unwrapped) {
    Fixture f(t);
    CPtr first = t.mint(f.endpoint, 0x51);
    CPtr second = t.mint(f.endpoint, 0x52);
    Transfer result = f.send_caps(first, {second, f.endpoint, first});
    f.expect(result, 3, 7, false, __LINE__);
    EXPECT_EQ(result.message.badge, 0x51u);
    EXPECT_EQ(result.badges[0], 0x52u);
    EXPECT_EQ(result.badges[1], 0u);
    EXPECT_EQ(result.badges[2], 0x51u);
    // The rights of the unwrapped capability do not matter.
    result = f.send_caps(f.endpoint, {t.mint(f.endpoint, 9, seL4_NoRights)});
    f.expect(result, 1, 1, false, __LINE__);
    EXPECT_EQ(result.badges[0], 9u);
}

KOS_TEST(ipc_caps_unwrapped_and_transferred) {
    Fixture f(t);
    CPtr badged = t.mint(f.endpoint, 0x51);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    Transfer result = f.send_caps(f.endpoint, {badged, page, badged});
    f.expect(result, 3, 5, true, __LINE__);
    EXPECT_EQ(result.badges[0], 0x51u);
    EXPECT_EQ(result.badges[1], kUntouched + 1);
    EXPECT_EQ(result.badges[2], 0x51u);
    EXPECT_OK(cnode_delete(root_slot(f.slot)));
    result = f.send_caps(f.endpoint, {page, badged, page});
    f.expect(result, 2, 2, true, __LINE__);
    EXPECT_EQ(result.badges[1], 0x51u);
}

KOS_TEST(ipc_caps_other_endpoint_is_transferred) {
    Fixture f(t);
    CPtr other = t.mint(t.make(seL4_EndpointObject), 3);
    f.expect(f.send_caps(f.endpoint, {other}), 1, 0, true, __LINE__);
}

KOS_TEST(ipc_caps_without_grant) {
    Fixture f(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    for (seL4_CapRights_t rights : {seL4_CapRights_t{seL4_CanWrite}, seL4_CapRights_t{seL4_ReadWrite},
                                    seL4_CapRights_t{seL4_ReadWrite | seL4_CanGrantReply}}) {
        // Not even unwrapping; the words arrive.
        f.expect(f.send_caps(t.copy(f.endpoint, rights), {f.endpoint, page}), 0, 0, false, __LINE__);
    }
}

KOS_TEST(ipc_caps_no_receive_slot) {
    Fixture f(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    TestCNode node = make_cnode(t, 4);
    const Receive bad[] = {{kNullCap, f.slot, 64},
                           {t.slot(), f.slot, 64},
                           {page, f.slot, 64},
                           {kRoot, f.slot, 63},
                           {kRoot, f.slot, 0},
                           {kRoot, f.slot, 65},
                           {kRoot, kOutsideRootCNode, 64},
                           {node.cap, 3, 3},
                           {node.cap, 3, 5},
                           {kRoot, seL4_CapInitThreadTCB, 64}};
    for (const Receive& where : bad) {
        f.expect(f.send_caps(f.endpoint, {page}, where), 0, 0, false, __LINE__);
        // What comes before the failing one is still done.
        Transfer result = f.send_caps(f.endpoint, {t.mint(f.endpoint, 4), page, f.endpoint}, where);
        f.expect(result, 1, 1, false, __LINE__);
        EXPECT_EQ(result.badges[0], 4u);
        EXPECT_EQ(result.badges[2], kUntouched + 2);
    }
}

KOS_TEST(ipc_caps_into_another_cnode) {
    Fixture f(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    TestCNode node = make_cnode(t, 4);
    f.expect(f.send_caps(f.endpoint, {page}, {node.cap, 6, 4}), 1, 0, false, __LINE__);
    EXPECT_TRUE(holds_cap(t, node.at(6)));
}

KOS_TEST(ipc_caps_that_end_the_transfer) {
    Fixture f(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    EXPECT_OK(untyped_retype(untyped, seL4_EndpointObject, 0, {kRoot, 0, 0, t.slot(), 1}));
    // An empty slot, the null address, what has children, what cannot be copied.
    for (CPtr cap : {t.slot(), CPtr{kNullCap}, untyped, CPtr{seL4_CapIRQControl}, t.make(seL4_ARM_PageTableObject)}) {
        f.expect(f.send_caps(f.endpoint, {cap, page, f.endpoint}), 0, 0, false, __LINE__);
        f.expect(f.send_caps(f.endpoint, {f.endpoint, cap, f.endpoint}), 1, 1, false, __LINE__);
    }
}

KOS_TEST(ipc_caps_gone_while_the_sender_waits) {
    Fixture f(t);
    CPtr page = t.copy(t.make(seL4_ARM_SmallPageObject));
    Thread sender;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
    sender.buffer()->caps_or_badges[0] = page;
    EXPECT_OK(sender.start([&] { send(f.endpoint, Tag::make(7, 5, 1)); }));
    EXPECT_OK(cnode_delete(root_slot(page)));
    ipc_buffer()->receiveCNode = kRoot;
    ipc_buffer()->receiveIndex = f.slot;
    ipc_buffer()->receiveDepth = 64;
    Message message = nb_recv(f.endpoint, f.reply_object);
    ipc_buffer()->receiveCNode = kNullCap;
    EXPECT_EQ(message.tag.extra_caps(), 0u);
    EXPECT_EQ(message.length(), 5u);
}

KOS_TEST(ipc_caps_keep_their_rights_and_badge) {
    Fixture f(t);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr signalling = t.mint(notification, 0x70, seL4_CanWrite);
    f.expect(f.send_caps(f.endpoint, {signalling}), 1, 0, true, __LINE__);
    signal(f.slot);
    EXPECT_EQ(nb_wait(notification).badge, 0x70u);
    EXPECT_ERROR(tcb_bind_notification(t.make(seL4_TCBObject), f.slot), seL4_IllegalOperation);  // cannot read
}

KOS_TEST(ipc_caps_are_derived_from_the_senders) {
    Fixture f(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    f.expect(f.send_caps(f.endpoint, {page}), 1, 0, true, __LINE__);
    EXPECT_OK(cnode_revoke(root_slot(page)));
    EXPECT_FALSE(holds_cap(t, f.slot));
}

KOS_TEST(ipc_caps_by_call_and_nb_send) {
    Fixture f(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr slots = t.slots(2);
    Thread receiver;
    Word extra[2] = {};
    ASSERT_TRUE(t.create(receiver, {.priority = kAboveMain}));
    EXPECT_OK(receiver.start([&] {
        seL4_IPCBuffer* buffer = ipc_buffer();
        buffer->receiveCNode = kRoot;
        buffer->receiveDepth = 64;
        buffer->receiveIndex = slots;
        extra[0] = recv(f.endpoint, f.reply_object).tag.extra_caps();
        buffer->receiveIndex = slots + 1;
        extra[1] = reply_recv(f.endpoint, f.reply_object, Tag{}).tag.extra_caps();
    }));
    ipc_buffer()->caps_or_badges[0] = page;
    call(f.endpoint, Tag::make(0, 0, 1));
    ipc_buffer()->caps_or_badges[0] = page;
    nb_send(f.endpoint, Tag::make(0, 0, 1));
    EXPECT_EQ(extra[0], 1u);
    EXPECT_EQ(extra[1], 1u);
    EXPECT_TRUE(holds_cap(t, slots));
    EXPECT_TRUE(holds_cap(t, slots + 1));
}

KOS_TEST(ipc_caps_in_a_reply) {
    // The reply capability must have Grant; the receiver's right on the endpoint does not matter.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    const struct {
        seL4_CapRights_t receiver;
        seL4_CapRights_t reply;
        bool transferred;
    } cases[] = {{seL4_AllRights, seL4_AllRights, true},
                 {seL4_CanRead, seL4_AllRights, true},
                 {seL4_CanRead | seL4_CanGrantReply, seL4_AllRights, true},
                 {seL4_CanRead | seL4_CanGrant, seL4_AllRights, true},
                 {seL4_AllRights, seL4_CanWrite, false},
                 {seL4_AllRights, seL4_CanGrant, true}};
    for (const auto& test : cases) {
        CPtr receiving = t.copy(endpoint, test.receiver);
        CPtr reply_object = t.make(seL4_ReplyObject);
        CPtr answering = t.copy(reply_object, test.reply);
        CPtr slot = t.slot();
        Thread caller;
        Word extra = 99;
        ASSERT_TRUE(t.create(caller, {.priority = kAboveMain}));
        EXPECT_OK(caller.start([&, slot] {
            seL4_IPCBuffer* buffer = ipc_buffer();
            buffer->receiveCNode = kRoot;
            buffer->receiveIndex = slot;
            buffer->receiveDepth = 64;
            extra = call(endpoint, Tag::make(0, 0)).tag.extra_caps();
        }));
        recv(receiving, reply_object);
        ipc_buffer()->caps_or_badges[0] = page;
        reply(answering, Tag::make(0, 0, 1));
        EXPECT_TRUE(caller.finished());
        EXPECT_EQ(extra, test.transferred ? 1u : 0u);
        EXPECT_EQ(holds_cap(t, slot), test.transferred);
    }
}
