// Checking the kernel's invariants; see invariants.h.
#include "testing/invariants.h"

#include <algorithm>
#include <sstream>

#include "arch/irq.h"
#include "core/cpu.h"
#include "core/derivation.h"
#include "core/scheduler.h"

namespace keel::testing {

namespace {

class Checker {
public:
    Checker(const Inventory& inventory, bool at_rest) : all_(inventory), at_rest_(at_rest) {}

    std::string run() {
        for (Slot* slot : all_.slots) check_slot(*slot);
        for (Tcb* tcb : all_.threads) check_thread(*tcb);
        for (SchedContext* sc : all_.contexts) check_context(*sc);
        for (Reply* reply : all_.replies) check_reply(*reply);
        for (Endpoint* endpoint : all_.endpoints) check_endpoint(*endpoint);
        for (Notification* notification : all_.notifications) check_notification(*notification);
        for (Cpu& cpu : kernel.cpus) check_cpu(cpu);
        return problems_;
    }

private:
    template <typename... Parts>
    void problem(const Parts&... parts) {
        std::ostringstream line;
        (line << ... << parts) << '\n';
        problems_ += line.str();
    }
    template <typename... Parts>
    void require(bool condition, const Parts&... parts) {
        if (!condition) problem(parts...);
    }
    template <typename T>
    bool known(const std::set<T*>& set, T* object, const char* what) {
        if (set.contains(object)) return true;
        problem(what, ' ', object, " is not named by any capability");
        return false;
    }

    void check_slot(Slot& slot) {
        if (slot.cap.is_null()) {
            require(!slot.prev && !slot.next_and_flags, "empty slot ", &slot, " is linked");
            return;
        }
        if (slot.prev) require(slot.prev->next() == &slot, "slot ", &slot, " is not the next of its previous one");
        if (Slot* next = slot.next()) {
            require(next->prev == &slot, "slot ", &slot, " is not the previous of its next one");
            require(!next->cap.is_null(), "slot ", next, " is linked and empty");
        }
        // Of two families with the same badge the flags tell where one ends, so only neighbours can be compared.
        if (!slot.cap.is(CapType::kEndpoint) && !slot.cap.is(CapType::kNotification)) check_family(slot);
    }

    // The children of a slot are a run of neighbours behind it.
    void check_family(Slot& slot) {
        bool in_family = true;
        unsigned steps = 0;
        for (Slot* next = slot.next(); next && steps < 64; next = next->next(), ++steps) {
            bool const is_child = is_parent_of(slot, *next);
            require(in_family || !is_child, "child ", next, " of slot ", &slot, " is apart from its siblings");
            in_family = in_family && is_child;
        }
    }

    void check_thread(Tcb& tcb) {
        if (SchedContext* sc = tcb.sched_context; sc && known(all_.contexts, sc, "context"))
            require(sc->tcb == &tcb, "thread ", &tcb, "'s context belongs to ", sc->tcb);
        if (Notification* bound = tcb.bound_notification; bound && known(all_.notifications, bound, "notification"))
            require(bound->bound_tcb == &tcb, "thread ", &tcb, "'s notification is bound elsewhere");
        if (SchedContext* sc = tcb.yielding_to; sc && known(all_.contexts, sc, "context yielded to"))
            require(sc->yielding_from == &tcb, "thread ", &tcb, " yields to a context that does not know it");
        if (Endpoint* endpoint = tcb.cancel_endpoint; endpoint && known(all_.endpoints, endpoint, "endpoint"))
            require(endpoint->canceller == &tcb, "thread ", &tcb, " cancels at an endpoint that does not know it");
        check_reply_link(tcb);
        check_waiting(tcb);
        check_queues(tcb);
    }

    void check_reply_link(Tcb& tcb) {
        bool const may_have = tcb.state == ThreadState::kBlockedOnReply || tcb.state == ThreadState::kBlockedOnReceive;
        require(may_have || !tcb.reply, "thread ", &tcb, " has a reply object in state ", int(tcb.state));
        require(tcb.state != ThreadState::kBlockedOnReply || tcb.reply, "thread ", &tcb, " waits for no reply object");
        if (tcb.reply && known(all_.replies, tcb.reply, "reply"))
            require(tcb.reply->tcb == &tcb, "thread ", &tcb, "'s reply object belongs to another");
    }

    void check_waiting(Tcb& tcb) {
        switch (tcb.state) {
            case ThreadState::kBlockedOnSend:
            case ThreadState::kBlockedOnReceive: {
                auto* const endpoint = static_cast<Endpoint*>(tcb.wait_object);
                if (!known(all_.endpoints, endpoint, "endpoint waited for")) break;
                require(is_in(endpoint->head(), tcb), "thread ", &tcb, " is not in its endpoint's queue");
                auto const state =
                    tcb.state == ThreadState::kBlockedOnSend ? EndpointState::kSending : EndpointState::kReceiving;
                require(endpoint->state() == state, "thread ", &tcb, " waits on an endpoint of the other kind");
                break;
            }
            case ThreadState::kBlockedOnNotification: {
                auto* const notification = static_cast<Notification*>(tcb.wait_object);
                if (!known(all_.notifications, notification, "notification waited for")) break;
                require(is_in(notification->head, tcb), "thread ", &tcb, " is not in its notification's queue");
                break;
            }
            default: require(!tcb.wait_object, "thread ", &tcb, " waits in state ", int(tcb.state)); break;
        }
    }

    static bool is_in(Tcb* head, Tcb& tcb) {
        std::vector<Tcb*> members;
        std::string ignored;
        check_wait_queue(head, members, ignored);
        return std::find(members.begin(), members.end(), &tcb) != members.end();
    }

    void check_queues(Tcb& tcb) {
        require(!(tcb.in_ready_queue && tcb.in_release_queue), "thread ", &tcb, " is in two queues");
        if (tcb.in_ready_queue)
            require(is_schedulable(tcb), "ready thread ", &tcb, " cannot run, state ", int(tcb.state));
        if (tcb.in_release_queue) {
            require(tcb.is_runnable(), "thread ", &tcb, " waits for time in state ", int(tcb.state));
            require(tcb.sched_context, "thread ", &tcb, " waits for time without a context");
        }
        if (at_rest_ && is_schedulable(tcb) && !tcb.in_ready_queue)
            require(is_current(tcb), "thread ", &tcb, " could run and is forgotten");
    }
    static bool is_current(Tcb& tcb) {
        return std::any_of(std::begin(kernel.cpus), std::end(kernel.cpus),
                           [&](Cpu& cpu) { return cpu.current == &tcb; });
    }

    void check_context(SchedContext& sc) {
        if (sc.tcb && known(all_.threads, sc.tcb, "thread of a context"))
            require(sc.tcb->sched_context == &sc, "context ", &sc, "'s thread runs on another");
        if (sc.tcb && kSmp) require(sc.tcb->core == sc.core, "context ", &sc, "'s thread is on another core");
        if (sc.notification && known(all_.notifications, sc.notification, "notification of a context"))
            require(sc.notification->sched_context == &sc, "context ", &sc, "'s notification has another");
        if (sc.yielding_from && known(all_.threads, sc.yielding_from, "thread that yields"))
            require(sc.yielding_from->yielding_to == &sc, "context ", &sc, " is not yielded to");
        if (sc.reply && known(all_.replies, sc.reply, "call stack")) {
            require(sc.reply->owner == &sc, "context ", &sc, "'s call stack is another's");
            require(!sc.reply->next, "context ", &sc, "'s call stack has something above its top");
        }
        if (sc.refill_max > 0) check_refills(sc);
    }

    void check_refills(SchedContext& sc) {
        require(sc.refill_count >= 1 && sc.refill_count <= sc.refill_max, "context ", &sc, " has ", sc.refill_count,
                " of ", sc.refill_max, " refills");
        if (sc.refill_count < 1 || sc.refill_count > sc.refill_max || sc.refill_head >= sc.refill_max) return;
        Ticks sum = 0;
        Ticks last = 0;
        for (unsigned i = 0; i < sc.refill_count; ++i) {
            Refill const& refill = sc.refills()[(sc.refill_head + i) % sc.refill_max];
            sum += refill.amount;
            require(i == 0 || refill.time >= last, "context ", &sc, "'s refills are not in order");
            last = refill.time;
        }
        require(sum == sc.budget, "context ", &sc, "'s refills add up to ", sum, ", not ", sc.budget);
    }

    void check_reply(Reply& reply) {
        if (reply.tcb && known(all_.threads, reply.tcb, "thread of a reply"))
            require(reply.tcb->reply == &reply, "reply ", &reply, "'s thread has another");
        if (reply.owner && known(all_.contexts, reply.owner, "context of a reply"))
            require(reply.owner->reply == &reply, "reply ", &reply, " is not on top of its context's stack");
        if (reply.prev && known(all_.replies, reply.prev, "call beneath"))
            require(reply.prev->next == &reply, "reply ", &reply, " is not above the one beneath it");
        if (reply.next && known(all_.replies, reply.next, "call above"))
            require(reply.next->prev == &reply, "reply ", &reply, " is not beneath the one above it");
        bool const on_stack = reply.owner || reply.prev || reply.next;
        require(!on_stack || (reply.tcb && reply.tcb->state == ThreadState::kBlockedOnReply), "reply ", &reply,
                " is on a stack without a waiting caller");
    }

    void check_endpoint(Endpoint& endpoint) {
        std::vector<Tcb*> members;
        check_wait_queue(endpoint.head(), members, problems_);
        require(members.empty() == (endpoint.state() == EndpointState::kIdle), "endpoint ", &endpoint, " in state ",
                int(endpoint.state()), " has ", members.size(), " waiting");
        for (Tcb* tcb : members) {
            if (known(all_.threads, tcb, "thread that waits"))
                require(tcb->wait_object == &endpoint, "thread ", tcb, " waits elsewhere");
        }
        Tcb* const canceller = endpoint.canceller;
        if (!canceller || !known(all_.threads, canceller, "thread that cancels")) return;
        require(canceller->cancel_endpoint == &endpoint, "endpoint ", &endpoint, "'s canceller is busy elsewhere");
        require(!canceller->cancel_next || is_in(endpoint.head(), *canceller->cancel_next), "thread ", canceller,
                " goes on cancelling at a thread that does not wait");
    }

    void check_notification(Notification& notification) {
        std::vector<Tcb*> members;
        check_wait_queue(notification.head, members, problems_);
        require(members.empty() == (notification.state != NotificationState::kWaiting), "notification ", &notification,
                " in state ", int(notification.state), " has ", members.size(), " waiting");
        for (Tcb* tcb : members) {
            if (known(all_.threads, tcb, "thread that waits"))
                require(tcb->wait_object == &notification && tcb->state == ThreadState::kBlockedOnNotification,
                        "thread ", tcb, " waits elsewhere");
        }
        if (notification.bound_tcb && known(all_.threads, notification.bound_tcb, "bound thread"))
            require(notification.bound_tcb->bound_notification == &notification, "notification ", &notification,
                    " is bound to a thread that does not know it");
        if (notification.sched_context && known(all_.contexts, notification.sched_context, "context"))
            require(notification.sched_context->notification == &notification, "notification ", &notification,
                    "'s context has another");
    }

    void check_cpu(Cpu& cpu) {
        if (!cpu.current) return;  // a core that the test has not started
        for (unsigned domain = 0; domain < kNumDomains; ++domain) {
            for (unsigned priority = 0; priority < kNumPriorities; ++priority) check_ready(cpu, domain, priority);
            Word words = 0;
            for (unsigned i = 0; i < 4; ++i) words |= Word{cpu.ready_bits[domain][i] != 0} << i;
            require(words == cpu.ready_words[domain], "core ", cpu.id, ": summary of ready bits");
        }
        check_release(cpu);
        if (cpu.current_sc) known(all_.contexts, cpu.current_sc, "context of the core");
        if (cpu.candidate) known(all_.threads, cpu.candidate, "candidate");
        if (!at_rest_) return;
        require(!cpu.candidate && cpu.action == SchedulerAction::kResume, "core ", cpu.id, " has to schedule");
        require(cpu.current_sc == cpu.current->sched_context, "core ", cpu.id, " accounts time to another context");
        if (cpu.current == &cpu.idle) {
            require(highest_ready(cpu, cpu.domain) < 0, "core ", cpu.id, " idles while threads are ready");
            return;
        }
        if (!known(all_.threads, cpu.current, "current thread")) return;
        require(is_schedulable(*cpu.current), "the current thread cannot run");
        require(!cpu.current->in_ready_queue, "the current thread is in a queue");
        require(home_core(*cpu.current) == cpu.id, "the current thread belongs to another core");
    }

    void check_ready(Cpu& cpu, unsigned domain, unsigned priority) {
        ReadyQueue const& queue = cpu.ready[domain][priority];
        bool const marked = cpu.ready_bits[domain][priority / 64] >> (priority % 64) & 1;
        require(marked == (queue.head != nullptr), "core ", cpu.id, ": ready bit of priority ", priority);
        Tcb* last = nullptr;
        for (Tcb* tcb = queue.head; tcb; last = tcb, tcb = tcb->ready_next) {
            if (!known(all_.threads, tcb, "ready thread")) return;
            require(tcb->in_ready_queue && tcb->ready_prev == last, "ready thread ", tcb, " is badly linked");
            require(tcb->priority == priority && tcb->domain == domain && home_core(*tcb) == cpu.id, "ready thread ",
                    tcb, " is in the wrong queue");
        }
        require(queue.tail == last, "core ", cpu.id, ": tail of priority ", priority);
    }

    void check_release(Cpu& cpu) {
        unsigned queued = 0;
        for (Tcb* tcb : all_.threads) queued += tcb->in_release_queue && home_core(*tcb) == cpu.id;
        require((cpu.release.first() != nullptr) == (queued != 0), "core ", cpu.id, ": release queue");
        if (Tcb* first = cpu.release.first(); first && known(all_.threads, first, "first to be released"))
            require(first->in_release_queue, "first to be released is not in the queue");
    }

    const Inventory& all_;
    bool at_rest_;
    std::string problems_;
};

}  // namespace

std::string find_violations(const Inventory& inventory, bool at_rest) { return Checker(inventory, at_rest).run(); }

void check_wait_queue(Tcb* head, std::vector<Tcb*>& members, std::string& problems) {
    constexpr unsigned kBound = 100000;
    unsigned steps = 0;
    Tcb* group = head;
    while (group && steps < kBound) {
        if (!group->wait.group_head) problems += "wait queue: a group without a head\n";
        if (group->wait.next_group->wait.prev_group != group) problems += "wait queue: ring of groups is broken\n";
        Tcb* tcb = group;
        do {
            members.push_back(tcb);
            if (tcb->priority != group->priority) problems += "wait queue: two priorities in a group\n";
            if (tcb != group && tcb->wait.group_head) problems += "wait queue: two heads in a group\n";
            if (tcb->wait.next->wait.prev != tcb) problems += "wait queue: ring of a group is broken\n";
            tcb = tcb->wait.next;
        } while (tcb != group && ++steps < kBound);
        Tcb* const next = group->wait.next_group;
        if (next != head && next->priority >= group->priority) problems += "wait queue: groups are out of order\n";
        group = next == head ? nullptr : next;
    }
    if (steps >= kBound) problems += "wait queue: does not end\n";
}

}  // namespace keel::testing
