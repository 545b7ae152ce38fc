// Tests of reply objects: answers, call chains, lending of time, and what happens when a link of the chain goes away.
#include "core/derivation.h"
#include "core/destroy.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "testing/ipc_test.h"

namespace keel {
namespace {

using namespace testing;

class ReplyObject : public IpcTest {
protected:
    // A chain of calls from the client through passive servers; the last one runs.
    struct Link {
        Made<Endpoint> endpoint;
        Made<Reply> reply;
        Made<Tcb> server;
    };
    std::vector<Link> make_chain(unsigned length) {
        std::vector<Link> chain;
        for (unsigned i = 0; i < length; ++i) {
            auto const endpoint = make_endpoint();
            auto const reply = make_reply();
            chain.push_back({endpoint, reply, passive_server(20 + i, endpoint.cptr, reply.cptr)});
        }
        Tcb* caller = client_.get();
        for (Link& link : chain) {
            call_as(*caller, link.endpoint.cptr, {1, {2}});
            EXPECT_EQ(current(), link.server.get());
            caller = link.server.get();
        }
        sc_ = current()->sched_context;
        expect_sound();
        return chain;
    }

    SchedContext* sc_ = nullptr;
};

TEST_F(ReplyObject, ACallIsAnswered) {
    for (bool fast : {false, true}) {
        use_fast_paths_ = fast;
        auto const server = make_thread(20);
        receive_as(*server, endpoint_.cptr, reply_.cptr);
        call_as(*client_, endpoint_.cptr, {5, numbers(3)});
        expect_message(*server, 0, 5, numbers(3));
        EXPECT_EQ(client_->state, ThreadState::kBlockedOnReply);
        EXPECT_EQ(reply_->tcb, client_.get());
        expect_sound();
        reply_receive_as(*server, endpoint_.cptr, reply_.cptr, {6, numbers(7, 50)});
        expect_message(*client_, 0, 6, numbers(7, 50));
        EXPECT_EQ(client_->state, ThreadState::kRunning);
        EXPECT_EQ(server->state, ThreadState::kBlockedOnReceive);
        expect_sound();
        suspend(*server);
    }
}

TEST_F(ReplyObject, APassiveServerRunsOnItsClientsTime) {
    for (bool fast : {false, true}) {
        use_fast_paths_ = fast;
        auto const server = passive_server(20, endpoint_.cptr, reply_.cptr);
        SchedContext* const sc = client_->sched_context;
        call_as(*client_, endpoint_.cptr, {5, {1, 2}});
        EXPECT_EQ(current(), server.get());
        EXPECT_EQ(server->sched_context, sc);
        EXPECT_EQ(client_->sched_context, nullptr);
        EXPECT_EQ(sc->reply, reply_.get());
        EXPECT_EQ(reply_->owner, sc);
        expect_sound();
        reply_receive_as(*server, endpoint_.cptr, reply_.cptr, {6, {3}});
        EXPECT_EQ(current(), client_.get());
        expect_message(*client_, 0, 6, {3});
        EXPECT_EQ(client_->sched_context, sc);
        EXPECT_EQ(server->sched_context, nullptr);
        EXPECT_EQ(sc->reply, nullptr);
        expect_sound();
        suspend(*server);
    }
}

TEST_F(ReplyObject, WithoutAReplyObjectNothingIsLent) {
    auto const server = passive_server(20, endpoint_.cptr, 0);
    call_as(*client_, endpoint_.cptr, {5, {1}});
    expect_message(*server, 0, 5, {1});
    EXPECT_EQ(client_->state, ThreadState::kInactive);
    EXPECT_NE(client_->sched_context, nullptr);
    EXPECT_EQ(server->sched_context, nullptr);
    expect_sound();
}

TEST_F(ReplyObject, ASendLendsNothingASendAndReceiveDoes) {
    auto const server = passive_server(20, endpoint_.cptr, reply_.cptr);
    send_as(*client_, endpoint_.cptr, {5, {1}});
    EXPECT_EQ(current(), client_.get());
    EXPECT_EQ(server->sched_context, nullptr);
    suspend(*server);
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    auto const other = make_endpoint();
    syscall_as(*client_, seL4_SysNBSendWait, other.cptr, {5, {2}}, 0, endpoint_.cptr);
    EXPECT_EQ(current(), server.get());
    expect_message(*server, 0, 5, {2});
    EXPECT_EQ(client_->sched_context, nullptr);
    EXPECT_EQ(client_->state, ThreadState::kBlockedOnReceive);
    expect_sound();
}

TEST_F(ReplyObject, AnAnswerToNobodyIsNothing) {
    call_as(*client_, reply_.cptr, {1, {2}});
    EXPECT_EQ(current(), client_.get());
    EXPECT_EQ(label_of(*client_), 0u);
    EXPECT_EQ(length_of(*client_), 0u);
    auto const server = make_thread(9);
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    send_as(*client_, reply_.cptr);
    EXPECT_EQ(server->state, ThreadState::kBlockedOnReceive) << "one that waits to receive is not answered";
    expect_sound();
}

TEST_F(ReplyObject, IsUsedOnce) {
    auto const server = make_thread(20);
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    call_as(*client_, endpoint_.cptr);
    reply_as(*server, reply_.cptr, {1, {7}});
    reply_as(*server, reply_.cptr, {2, {8}});
    expect_message(*client_, 0, 1, {7});
}

TEST_F(ReplyObject, ReceivingWithItAgainDropsItsCaller) {
    auto const server = make_thread(20);
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    call_as(*client_, endpoint_.cptr);
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    EXPECT_EQ(client_->state, ThreadState::kInactive);
    EXPECT_EQ(reply_->tcb, server.get());
    expect_sound();
}

TEST_F(ReplyObject, TakingItFromAnotherReceiver) {
    auto const first = make_thread(20), second = make_thread(21);
    receive_as(*first, endpoint_.cptr, reply_.cptr);
    receive_as(*second, endpoint_.cptr, reply_.cptr);
    EXPECT_EQ(first->state, ThreadState::kInactive);
    EXPECT_EQ(reply_->tcb, second.get());
    expect_sound();
}

TEST_F(ReplyObject, AChainUnwindsInOrder) {
    for (bool fast : {false, true}) {
        use_fast_paths_ = fast;
        auto chain = make_chain(4);
        for (unsigned i = 4; i-- > 0;) {
            reply_receive_as(*chain[i].server, chain[i].endpoint.cptr, chain[i].reply.cptr, {i, {i}});
            Tcb* const caller = i == 0 ? client_.get() : chain[i - 1].server.get();
            ASSERT_EQ(current(), caller);
            expect_message(*caller, 0, i, {i});
            EXPECT_EQ(caller->sched_context, sc_);
            expect_sound();
        }
        EXPECT_EQ(sc_->reply, nullptr);
    }
}

TEST_F(ReplyObject, TheTopOfTheChainIsDeleted) {
    auto chain = make_chain(3);
    EXPECT_EQ(delete_cap(slot(chain[2].reply.cptr)), Progress::kDone);
    forbid(chain[2].reply.get());
    schedule_now();
    EXPECT_EQ(chain[1].server->sched_context, sc_) << "time returns to the caller";
    EXPECT_EQ(chain[1].server->state, ThreadState::kInactive);
    EXPECT_EQ(chain[2].server->sched_context, nullptr);
    EXPECT_EQ(sc_->reply, chain[1].reply.get());
    expect_sound();
}

// Manual, "Scheduling Context Donation": the thread leaves the chain, the context stays where it is.
TEST_F(ReplyObject, TheMiddleOfTheChainIsDeleted) {
    auto chain = make_chain(3);
    EXPECT_EQ(delete_cap(slot(chain[1].reply.cptr)), Progress::kDone);
    forbid(chain[1].reply.get());
    EXPECT_EQ(chain[0].server->state, ThreadState::kInactive);
    EXPECT_EQ(chain[0].server->sched_context, nullptr);
    EXPECT_EQ(chain[2].server->sched_context, sc_);
    expect_sound(false);
    reply_as(*chain[2].server, chain[2].reply.cptr, {1, {}});
    EXPECT_EQ(current(), chain[1].server.get());
    EXPECT_EQ(chain[1].server->sched_context, sc_);
    expect_sound();
}

TEST_F(ReplyObject, EachCallerOfTheChainIsSuspended) {
    for (unsigned victim = 0; victim < 3; ++victim) {
        SCOPED_TRACE(victim);
        auto chain = make_chain(3);
        Tcb& tcb = victim == 0 ? *client_ : *chain[victim - 1].server;
        suspend(tcb);
        EXPECT_EQ(tcb.state, ThreadState::kInactive);
        EXPECT_EQ(chain[2].server->sched_context, sc_);
        expect_sound(false);
        // The answer to it goes nowhere.
        reply_as(*chain[2].server, chain[victim].reply.cptr, {1, {}});
        EXPECT_EQ(tcb.state, ThreadState::kInactive);
        expect_sound();
        for (Link& link : chain) suspend(*link.server);
        suspend(*client_);
        if (sc_->tcb) unbind_thread(*sc_, *sc_->tcb);
        bind_thread(*sc_, *client_);
        resume(*client_);
        schedule_now();
    }
}

TEST_F(ReplyObject, EachThreadOfTheChainIsDestroyed) {
    for (unsigned victim = 0; victim < 3; ++victim) {
        SCOPED_TRACE(victim);
        auto const client = make_thread(15);
        client_ = client;
        auto chain = make_chain(3);
        EXPECT_EQ(delete_cap(slot(chain[victim].server.cptr)), Progress::kDone);
        schedule_now();
        forbid(chain[victim].server.get());
        expect_sound();
        for (Link& link : chain) {
            if (link.server.get() != chain[victim].server.get()) suspend(*link.server);
        }
        suspend(*client);
        schedule_now();
        expect_sound();
    }
}

// The context of a chain is unbound: the servers lose their time, the answers still arrive.
TEST_F(ReplyObject, AnswersWithoutTime) {
    auto chain = make_chain(2);
    unbind_thread(*sc_, *chain[1].server);
    sc_->reply->owner = nullptr;
    sc_->reply = nullptr;
    schedule_now();
    auto const helper = make_thread(5);
    reply_as(*helper, chain[1].reply.cptr, {1, {2}});
    EXPECT_EQ(chain[0].server->state, ThreadState::kRunning);
    EXPECT_EQ(chain[0].server->sched_context, nullptr);
    expect_message(*chain[0].server, 0, 1, {2});
    expect_sound();
}

// A client that used up its budget in the server is woken when it is back.
TEST_F(ReplyObject, AnAnswerWithoutBudgetWaitsForIt) {
    auto const client = make_thread(10, 1000, 10000);
    auto const server = passive_server(20, endpoint_.cptr, reply_.cptr);
    call_as(*client, endpoint_.cptr);
    pass(990);
    tick();
    EXPECT_TRUE(server->in_release_queue);
    EXPECT_NE(current(), server.get());
    pass(9010);
    tick();
    EXPECT_EQ(current(), server.get());
    expect_sound();
}

TEST_F(ReplyObject, DonationDuringAWaitingCall) {
    // The call waits in the queue; its time travels when the passive server comes to fetch it.
    call_as(*client_, endpoint_.cptr, {3, {4}});
    EXPECT_EQ(client_->state, ThreadState::kBlockedOnSend);
    auto const server = make_passive(20);
    server->state = ThreadState::kRunning;
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    EXPECT_EQ(server->sched_context, reply_->owner);
    expect_message(*server, 0, 3, {4});
    EXPECT_EQ(client_->state, ThreadState::kBlockedOnReply);
}

}  // namespace
}  // namespace keel
