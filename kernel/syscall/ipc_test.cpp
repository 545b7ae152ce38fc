// Tests of messages through endpoints: words, badges, capabilities, order, non-blocking calls.
#include "testing/ipc_test.h"

#include "core/derivation.h"
#include "core/ipc.h"
#include "core/thread.h"

namespace keel {
namespace {

using namespace testing;

class Ipc : public IpcTest {
protected:
    Ipc() : server_(make_thread(20)) {}

    // Where the server wants the capability of a message.
    CPtr receive_slot(CPtr at) {
        buffer(*server_).receiveCNode = kRootCNode;
        buffer(*server_).receiveIndex = at;
        buffer(*server_).receiveDepth = 64;
        return at;
    }

    Made<Tcb> server_;
};

TEST_F(Ipc, WordsTravelInBothOrders) {
    for (bool receiver_first : {true, false}) {
        for (unsigned length : {0u, 1u, 3u, 4u, 5u, 60u, 119u, 120u}) {
            SCOPED_TRACE(::testing::Message() << length << " words, receiver first: " << receiver_first);
            Message const message{77, numbers(length)};
            if (receiver_first) {
                receive_as(*server_, endpoint_.cptr, reply_.cptr);
                send_as(*client_, endpoint_.cptr, message);
            } else {
                send_as(*client_, endpoint_.cptr, message);
                EXPECT_EQ(client_->state, ThreadState::kBlockedOnSend);
                receive_as(*server_, endpoint_.cptr, reply_.cptr);
            }
            expect_message(*server_, 0, 77, numbers(length));
            EXPECT_EQ(caps_of(*server_), 0u);
            EXPECT_EQ(client_->state, ThreadState::kRunning);
            EXPECT_EQ(endpoint_->state(), EndpointState::kIdle);
            expect_sound();
        }
    }
}

TEST_F(Ipc, ALengthAboveTheMaximumIsCut) {
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    run(*client_);
    for (unsigned i = 0; i < 120; ++i) buffer(*client_).msg[i] = i;
    client_->context.x[0] = endpoint_.cptr;
    client_->context.x[1] = 127;
    client_->context.x[7] = static_cast<Word>(seL4_SysSend);
    enter_syscall();
    EXPECT_EQ(length_of(*server_), 120u);
    EXPECT_EQ(buffer(*server_).msg[119], 119u);
}

TEST_F(Ipc, WithoutBufferOnlyTheRegistersTravel) {
    Slot const with_buffer = server_->slots[kSlotBuffer];
    server_->slots[kSlotBuffer] = Slot{};
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    send_as(*client_, endpoint_.cptr, {1, numbers(20)});
    EXPECT_EQ(length_of(*server_), 4u);
    server_->slots[kSlotBuffer] = with_buffer;
    // A sender that has none cannot send more either.
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    Slot const clients = client_->slots[kSlotBuffer];
    client_->slots[kSlotBuffer] = Slot{};
    send_as(*client_, endpoint_.cptr, {1, numbers(20)});
    EXPECT_EQ(length_of(*server_), 4u);
    client_->slots[kSlotBuffer] = clients;
}

TEST_F(Ipc, ABufferMayLieAnywhereInItsFrame) {
    server_->buffer_address = UserAddr{0x10000c00};
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    send_as(*client_, endpoint_.cptr, {1, numbers(6)});
    auto const page = raw(server_->slots[kSlotBuffer].cap.frame_base());
    EXPECT_EQ(reinterpret_cast<seL4_IPCBuffer*>(page + 0xc00)->msg[5], 105u);
    // Read-only or device memory is no buffer to receive in.
    for (bool device : {false, true}) {
        Cap& frame = server_->slots[kSlotBuffer].cap;
        Cap const before = frame;
        frame = Cap::frame(before.frame_base(), FrameSize::k4KiB, device, device ? kAllRights : Rights{2});
        EXPECT_EQ(ipc_buffer(*server_, true), nullptr);
        EXPECT_EQ(ipc_buffer(*server_, false) == nullptr, device);
        frame = before;
    }
}

TEST_F(Ipc, TheBadgeIsThatOfTheSendersCapability) {
    CPtr const badged = copy(endpoint_.cptr, kAllRights, 0x1234567890abcdef);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    send_as(*client_, badged);
    EXPECT_EQ(badge_of(*server_), 0x1234567890abcdefu);
    send_as(*client_, badged);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    EXPECT_EQ(badge_of(*server_), 0x1234567890abcdefu);
}

TEST_F(Ipc, SendersAreServedByPriorityThenByArrival) {
    std::vector<Made<Tcb>> senders;
    for (unsigned priority : {5u, 9u, 5u, 7u, 9u}) senders.push_back(make_thread(priority));
    for (unsigned i = 0; i < senders.size(); ++i) send_as(*senders[i], copy(endpoint_.cptr, kAllRights, i + 1));
    std::vector<Word> order;
    for (unsigned i = 0; i < senders.size(); ++i) {
        receive_as(*server_, endpoint_.cptr, reply_.cptr);
        order.push_back(badge_of(*server_));
    }
    EXPECT_EQ(order, (std::vector<Word>{2, 5, 4, 1, 3}));
}

TEST_F(Ipc, APriorityChangeMovesTheWaiter) {
    auto const first = make_thread(5), second = make_thread(5);
    send_as(*first, copy(endpoint_.cptr, kAllRights, 1));
    send_as(*second, copy(endpoint_.cptr, kAllRights, 2));
    set_priority(*second, 6);
    expect_sound(false);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    EXPECT_EQ(badge_of(*server_), 2u);
}

// --- Calls that do not wait
// ------------------------------------------------------------------------------------------------

TEST_F(Ipc, ANonBlockingSendIsDropped) {
    syscall_as(*client_, seL4_SysNBSend, endpoint_.cptr, {1, {2}});
    EXPECT_EQ(current(), client_.get());
    EXPECT_EQ(endpoint_->state(), EndpointState::kIdle);
    // Also if others wait to send.
    auto const sender = make_thread(5);
    send_as(*sender, endpoint_.cptr);
    syscall_as(*client_, seL4_SysNBSend, endpoint_.cptr, {1, {2}});
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    EXPECT_EQ(endpoint_->state(), EndpointState::kIdle);
}

TEST_F(Ipc, ANonBlockingReceiveGetsBadgeZero) {
    syscall_as(*server_, seL4_SysNBRecv, endpoint_.cptr, {}, reply_.cptr);
    EXPECT_EQ(current(), server_.get());
    EXPECT_EQ(badge_of(*server_), 0u);
    EXPECT_EQ(reply_->tcb, nullptr);
    auto const sender = make_thread(5);
    send_as(*sender, copy(endpoint_.cptr, kAllRights, 9), {4, {5}});
    syscall_as(*server_, seL4_SysNBRecv, endpoint_.cptr, {}, reply_.cptr);
    expect_message(*server_, 9, 4, {5});
    syscall_as(*server_, seL4_SysNBWait, endpoint_.cptr);
    EXPECT_EQ(badge_of(*server_), 0u);
}

TEST_F(Ipc, SendAndReceiveInOne) {
    auto const second = make_endpoint();
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    auto const own_reply = make_reply();
    syscall_as(*client_, seL4_SysNBSendRecv, second.cptr, {6, {7, 8}}, own_reply.cptr, endpoint_.cptr);
    expect_message(*server_, 0, 6, {7, 8});
    EXPECT_EQ(client_->state, ThreadState::kBlockedOnReceive);
    EXPECT_EQ(client_->reply, own_reply.get());
    expect_sound();
    // Nobody there: the message is lost, the receive phase happens all the same.
    syscall_as(*server_, seL4_SysNBSendWait, endpoint_.cptr, {1, {}}, 0, endpoint_.cptr);
    EXPECT_EQ(server_->state, ThreadState::kBlockedOnReceive);
    EXPECT_EQ(server_->reply, nullptr);
    expect_sound();
}

// --- Rights
// ------------------------------------------------------------------------------------------------------------------

TEST_F(Ipc, WithoutTheRightToSend) {
    CPtr const receive_only = copy(endpoint_.cptr, {2}, 0);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    call_as(*client_, receive_only);
    EXPECT_EQ(label_of(*client_), Word{seL4_InvalidCapability});
    EXPECT_EQ(words_of(*client_), (std::vector<Word>{0}));
    send_as(*client_, receive_only);
    EXPECT_EQ(current(), client_.get()) << "a send is silent";
    EXPECT_EQ(server_->state, ThreadState::kBlockedOnReceive);
}

TEST_F(Ipc, WithoutTheRightToReceive) {
    CPtr const send_only = copy(endpoint_.cptr, {1}, 0);
    receive_as(*server_, send_only, reply_.cptr);
    EXPECT_EQ(server_->state, ThreadState::kInactive) << "a fault, and no handler";
}

TEST_F(Ipc, WithoutGrantACallerIsNotAnswered) {
    for (bool receiver_first : {true, false}) {
        SCOPED_TRACE(receiver_first);
        auto const caller = make_thread(9);
        CPtr const no_grant = copy(endpoint_.cptr, {1}, 3);
        if (receiver_first) receive_as(*server_, endpoint_.cptr, reply_.cptr);
        call_as(*caller, no_grant, {1, {2}});
        if (!receiver_first) receive_as(*server_, endpoint_.cptr, reply_.cptr);
        expect_message(*server_, 3, 1, {2});
        EXPECT_EQ(caller->state, ThreadState::kInactive);
        EXPECT_EQ(reply_->tcb, nullptr);
        expect_sound();
    }
}

TEST_F(Ipc, GrantReplyIsEnoughForACallButNotForCaps) {
    CPtr const grant_reply = copy(endpoint_.cptr, {1 | 8}, 0);
    receive_slot(500);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    call_as(*client_, grant_reply, {1, {}, {kVSpace}});
    EXPECT_EQ(client_->state, ThreadState::kBlockedOnReply);
    EXPECT_EQ(caps_of(*server_), 0u);
    EXPECT_TRUE(cap(500).is_null());
}

// --- Capabilities
// ------------------------------------------------------------------------------------------------------------

TEST_F(Ipc, ACapabilityIsCopied) {
    auto const notification = make_notification();
    receive_slot(500);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    send_as(*client_, endpoint_.cptr, {1, {}, {notification.cptr}});
    EXPECT_EQ(caps_of(*server_), 1u);
    EXPECT_EQ(unwrapped_of(*server_), 0u);
    EXPECT_EQ(cap(500).notification(), notification.get());
    EXPECT_TRUE(is_parent_of(slot(notification.cptr), slot(500)));
    expect_sound();
}

TEST_F(Ipc, OnlyOneCapabilityIsCopied) {
    auto const notification = make_notification();
    receive_slot(500);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    send_as(*client_, endpoint_.cptr, {1, {}, {notification.cptr, notification.cptr, endpoint_.cptr}});
    EXPECT_EQ(caps_of(*server_), 1u);
    EXPECT_FALSE(cap(500).is_null());
}

TEST_F(Ipc, CapabilitiesToTheEndpointBecomeBadges) {
    auto const notification = make_notification();
    CPtr const seven = copy(endpoint_.cptr, kAllRights, 7), eight = copy(endpoint_.cptr, {1}, 8);
    receive_slot(500);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    send_as(*client_, endpoint_.cptr, {1, {}, {seven, notification.cptr, eight}});
    EXPECT_EQ(caps_of(*server_), 3u);
    EXPECT_EQ(unwrapped_of(*server_), 5u);
    EXPECT_EQ(buffer(*server_).caps_or_badges[0], 7u);
    EXPECT_EQ(buffer(*server_).caps_or_badges[2], 8u);
    EXPECT_EQ(cap(500).notification(), notification.get());
}

TEST_F(Ipc, WithoutAnEmptyReceiveSlotNothingIsCopied) {
    auto const notification = make_notification();
    for (Word depth : {Word{0}, Word{65}, Word{10}}) {
        receive_slot(500);
        buffer(*server_).receiveDepth = depth;
        receive_as(*server_, endpoint_.cptr, reply_.cptr);
        send_as(*client_, endpoint_.cptr, {1, {}, {notification.cptr}});
        EXPECT_EQ(caps_of(*server_), 0u) << depth;
    }
    receive_slot(notification.cptr);
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    send_as(*client_, endpoint_.cptr, {1, {}, {notification.cptr}});
    EXPECT_EQ(caps_of(*server_), 0u);
    expect_sound();
}

TEST_F(Ipc, WhatCannotBeDerivedDoesNotTravel) {
    CPtr const control = add(Cap::irq_control());
    CPtr const table = add(Cap::page_table(allocate_object(12)));
    CPtr const untyped = make_untyped(12, false);
    copy(untyped);
    for (CPtr cptr : {control, table, untyped, free_slot()}) {
        receive_slot(500);
        receive_as(*server_, endpoint_.cptr, reply_.cptr);
        send_as(*client_, endpoint_.cptr, {1, {1}, {cptr}});
        EXPECT_EQ(caps_of(*server_), 0u) << cptr;
        EXPECT_EQ(words_of(*server_), (std::vector<Word>{1}));
        EXPECT_TRUE(cap(500).is_null());
    }
}

TEST_F(Ipc, ACapabilityThatIsNotThereFaultsTheSender) {
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    send_as(*client_, endpoint_.cptr, {1, {}, {bit(40)}});
    EXPECT_EQ(client_->state, ThreadState::kInactive);
    EXPECT_EQ(server_->state, ThreadState::kBlockedOnReceive);
    auto const other = make_thread(9);
    syscall_as(*other, seL4_SysNBSend, endpoint_.cptr, {1, {}, {bit(40)}});
    EXPECT_EQ(other->state, ThreadState::kRunning) << "without waiting: silent";
    EXPECT_EQ(server_->state, ThreadState::kBlockedOnReceive);
}

// The sender waits; meanwhile its capability goes away.
TEST_F(Ipc, ACapabilityThatVanishesWhileTheSenderWaits) {
    auto const notification = make_notification();
    CPtr const doomed = copy(notification.cptr);
    receive_slot(500);
    send_as(*client_, endpoint_.cptr, {1, {42}, {doomed}});
    remove_cap(slot(doomed));
    receive_as(*server_, endpoint_.cptr, reply_.cptr);
    expect_message(*server_, 0, 1, {42});
    EXPECT_EQ(caps_of(*server_), 0u);
}

TEST_F(Ipc, AReplyCarriesACapabilityOnlyWithGrant) {
    auto const notification = make_notification();
    for (bool grant : {true, false}) {
        SCOPED_TRACE(grant);
        CPtr const reply = copy(reply_.cptr);
        if (!grant) slot(reply).cap = Cap::reply(reply_.get(), false);
        buffer(*client_).receiveCNode = kRootCNode;
        buffer(*client_).receiveIndex = 600 + grant;
        buffer(*client_).receiveDepth = 64;
        receive_as(*server_, endpoint_.cptr, reply_.cptr);
        call_as(*client_, endpoint_.cptr);
        reply_as(*server_, reply, {3, {4}, {notification.cptr}});
        expect_message(*client_, 0, 3, {4});
        EXPECT_EQ(caps_of(*client_), grant ? 1u : 0u);
        EXPECT_EQ(cap(600 + grant).is_null(), !grant);
    }
}

}  // namespace
}  // namespace keel
