// Tests of fastpath.h: in every case, taken or not, the fast paths leave the same state as the ordinary way.
#include <sstream>

#include "core/notification.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "testing/invariants.h"
#include "testing/ipc_test.h"

namespace keel {
namespace {

using namespace testing;

// What varies between the cases. Each value is one of `choices`.
struct Variation {
    enum Field {
        kLength,
        kCaps,
        kLabel,
        kRights,
        kServerPriority,
        kServerActive,
        kSecondServer,
        kThirdThread,
        kReplyObject,
        kBound,
        kDomain,
        kVSpace,
        kSenderWaits,
        kDeepChain,
        kBadAddress,
        kFields
    };
    static constexpr unsigned kChoices[kFields] = {7, 2, 2, 5, 3, 2, 2, 4, 2, 3, 2, 2, 2, 2, 4};
    unsigned value[kFields];
    unsigned operator[](Field field) const { return value[field]; }

    // Mostly the common case, so that the fast path is taken often and left for one or two reasons.
    static Variation random(Random& random) {
        Variation result{};
        for (unsigned i = 0; i < kFields; ++i)
            result.value[i] =
                random.chance(i == kLength ? 80 : 12) ? static_cast<unsigned>(random.below(kChoices[i])) : 0;
        return result;
    }
    std::string text() const {
        std::string result;
        for (unsigned v : value) result += std::to_string(v) + ' ';
        return result;
    }
};

class Scenario : public IpcTest {
public:
    Scenario(const Variation& v, bool fast) : v_(v) {
        server_ = make_passive(v[Variation::kServerPriority] == 0 ? 10 : v[Variation::kServerPriority] == 1 ? 11 : 9);
        if (v[Variation::kServerActive]) give_context(*server_);
        if (v[Variation::kSecondServer]) {
            second_ = make_passive(10);
            second_reply_ = make_reply();
        }
        if (v[Variation::kThirdThread]) third_ = make_thread(7 + v[Variation::kThirdThread]);
        prepare();
        use_fast_paths_ = fast;
    }

    // The client calls, the server answers and waits again, with the state after each.
    std::string run_all() {
        std::string result;
        run(*client_);
        syscall(seL4_SysCall, address(), message());
        result += state("call");
        // As always when nobody forces it, the current thread is one of the highest that are ready.
        if (current() == server_.get()) {
            syscall(seL4_SysReplyRecv, address(), message(), reply_.cptr);
            result += state("reply");
        }
        EXPECT_EQ(find_violations(inventory(), false), "") << v_.text();
        return result;
    }

private:
    void TestBody() override {}

    void give_context(Tcb& tcb) {
        Made<SchedContext> const sc = make_context(5000, 0);
        sc->tcb = &tcb;
        tcb.sched_context = sc.get();
    }

    void prepare() {
        if (v_[Variation::kDomain]) set_domain(*server_, 1);
        if (v_[Variation::kVSpace]) server_->slots[kSlotVSpace].cap.clear_mapping();
        if (v_[Variation::kBound]) {
            notification_ = make_notification();
            bind_notification(*server_, *notification_);
        }
        client_cap_ = endpoint_.cptr;
        static constexpr Word kRights[] = {15, 1 | 8, 1 | 4, 1, 2};
        if (v_[Variation::kRights]) client_cap_ = copy(endpoint_.cptr, {kRights[v_[Variation::kRights]]}, 77);
        if (v_[Variation::kDeepChain]) make_caller_below();
        if (!v_[Variation::kSenderWaits])
            receive_as(*server_, endpoint_.cptr, v_[Variation::kReplyObject] ? 0 : reply_.cptr);
        if (second_.object) receive_as(*second_, endpoint_.cptr, second_reply_.cptr);
        if (v_[Variation::kSenderWaits]) send_as(*make_thread(7), endpoint_.cptr, {1, {2}});
        if (v_[Variation::kBound] == 2) signal(*notification_, 5);
    }

    // The client is itself a passive server of somebody.
    void make_caller_below() {
        auto const endpoint = make_endpoint();
        auto const reply = make_reply();
        auto const passive = passive_server(10, endpoint.cptr, reply.cptr);
        call_as(*client_, endpoint.cptr);
        client_ = passive;
    }

    CPtr address() {
        switch (v_[Variation::kBadAddress]) {
            case 1: return kOwnVSpace;
            case 2: return bit(40);
            case 3: return empty_;
            default: return current() == client_.get() ? client_cap_ : endpoint_.cptr;
        }
    }
    Message message() {
        static constexpr unsigned kLengths[] = {0, 1, 2, 3, 4, 5, 9};
        Message result{v_[Variation::kLabel] ? 0x123456789u : 0, numbers(kLengths[v_[Variation::kLength]])};
        if (v_[Variation::kCaps]) result.caps = {client_cap_};
        return result;
    }

    std::string state(const char* after) {
        std::ostringstream out;
        Inventory const all = inventory();
        auto const number = [](const auto& set, const auto* object) {
            int index = 0;
            for (auto const* member : set) {
                if (member == object) return index;
                ++index;
            }
            return -1;
        };
        // In the order in which they were made, which is that of their slots.
        std::vector<Tcb*> threads;
        std::vector<Reply*> replies;
        std::vector<SchedContext*> contexts;
        for (CPtr cptr = 0; cptr < next_free(); ++cptr) {
            if (cap(cptr).is(CapType::kThread)) threads.push_back(cap(cptr).thread());
            if (cap(cptr).is(CapType::kReply)) replies.push_back(cap(cptr).reply());
            if (cap(cptr).is(CapType::kSchedContext)) contexts.push_back(cap(cptr).sched_context());
        }
        out << after << ": current " << number(threads, current()) << " context " << number(contexts, cpu().current_sc);
        for (Tcb* tcb : threads) {
            out << "\nthread " << int(tcb->state) << " sc " << number(contexts, tcb->sched_context) << " reply "
                << number(replies, tcb->reply) << " ready " << tcb->in_ready_queue << " waits "
                << (tcb->wait_object != nullptr) << " pc " << tcb->context.pc << " fault " << int(tcb->fault.type)
                << " x";
            for (unsigned i = 0; i < 9; ++i) out << ' ' << tcb->context.x[i];
            if (tcb->state == ThreadState::kBlockedOnReceive) out << " grant " << tcb->wait_can_grant;
        }
        for (Reply* reply : replies)
            out << "\nreply " << number(threads, reply->tcb) << ' ' << number(replies, reply->prev) << ' '
                << number(replies, reply->next) << ' ' << number(contexts, reply->owner);
        for (SchedContext* sc : contexts)
            out << "\ncontext " << number(threads, sc->tcb) << ' ' << number(replies, sc->reply);
        std::vector<Tcb*> queue;
        std::string problems;
        check_wait_queue(endpoint_->head(), queue, problems);
        out << "\nendpoint " << int(endpoint_->state()) << problems;
        for (Tcb* tcb : queue) out << ' ' << number(threads, tcb);
        if (notification_.object) out << "\nnotification " << int(notification_->state);
        out << '\n';
        return out.str();
    }

    static constexpr CPtr kOwnVSpace = 2;
    Variation v_;
    CPtr empty_ = free_slot();
    CPtr client_cap_ = 0;
    Made<Tcb> server_{}, second_{}, third_{};
    Made<Reply> second_reply_{};
    Made<Notification> notification_{};
};

TEST(FastPath, SameStateAsTheOrdinaryWay) {
    Random random(5);
    for (unsigned i = 0; i < 4000; ++i) {
        Variation const variation = Variation::random(random);
        std::string const slow = Scenario(variation, false).run_all();
        std::string const fast = Scenario(variation, true).run_all();
        ASSERT_EQ(fast, slow) << "case " << i << ": " << variation.text();
        ASSERT_FALSE(::testing::Test::HasFailure()) << "case " << i;
    }
}

// The signal that wakes nobody.
TEST(FastPath, Signals) {
    for (unsigned state = 0; state < 4; ++state) {
        std::string results[2];
        for (int64_t number : {seL4_SysSend, seL4_SysCall}) {
            class Signals : public IpcTest {
            public:
                std::string run_with(unsigned state, int64_t number) {
                    auto const notification = make_notification();
                    CPtr const cptr = copy(notification.cptr, kAllRights, 4);
                    auto const other = make_thread(20);
                    if (state == 1) signal(*notification, 3);
                    if (state == 2) syscall_as(*other, seL4_SysWait, notification.cptr);
                    if (state == 3) {
                        bind_notification(*other, *notification);
                        receive_as(*other, endpoint_.cptr, reply_.cptr);
                    }
                    syscall_as(*client_, number, cptr);
                    EXPECT_EQ(find_violations(inventory(), true), "");
                    return std::to_string(int(notification->state)) + ' ' + std::to_string(notification->badge) + ' ' +
                           std::to_string(int(other->state)) + ' ' + std::to_string(badge_of(*other)) + ' ' +
                           std::to_string(current() == client_.get());
                }

            private:
                void TestBody() override {}
            } signals;
            results[number == seL4_SysCall] = signals.run_with(state, number);
        }
        EXPECT_EQ(results[0], results[1]) << state;
    }
}

}  // namespace
}  // namespace keel
