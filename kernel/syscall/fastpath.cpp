// The fast paths: Call to a passive server, ReplyRecv back to its caller, Signal that wakes nobody.
//
// Each first checks, without changing anything, that the case is one of those; every other case takes the ordinary way
// through syscall.cpp, which gives the same result. No time is accounted: the scheduling context stays the same, it
// only moves to the other thread, so its time simply runs on.
#include "syscall/fastpath.h"

#include "arch/smp.h"
#include "arch/switch.h"
#include "arch/trap.h"
#include "arch/vspace.h"
#include "core/cspace.h"
#include "core/ipc.h"
#include "core/reply.h"
#include "core/scheduler.h"
#include "core/wait_queue.h"

namespace keel {

namespace {

// What of a short message's tag the receiver sees: label and length.
constexpr Word kLabelAndLength = ~Word{0xf80};

inline bool guard_matches(const Cap& node, CPtr address, unsigned bits) {
    unsigned const guard_size = node.cnode_guard_size();
    return guard_size == 0 || address << (kWordBits - bits) >> (kWordBits - guard_size) == node.cnode_guard();
}

const Cap* find_cap_below(const Cap* node, CPtr address, unsigned bits) {
    do {
        unsigned const level = node->cnode_guard_size() + node->cnode_radix();
        if (level > bits || !guard_matches(*node, address, bits)) return nullptr;
        bits -= level;
        node = &node->cnode_slots()[address >> bits & (bit(node->cnode_radix()) - 1)].cap;
    } while (bits != 0 && node->is(CapType::kCNode));
    return node;
}

// As lookup_slot for a system call, without the reason of a failure. Most CSpaces have one level.
inline const Cap* find_cap(const Tcb& tcb, CPtr address) {
    Cap const& root = tcb.slots[kSlotCSpace].cap;
    if (!root.is(CapType::kCNode)) return nullptr;
    unsigned const radix = root.cnode_radix();
    if (radix + root.cnode_guard_size() != kWordBits) return find_cap_below(&root, address, kWordBits);
    if (address >> radix != root.cnode_guard()) return nullptr;
    return &root.cnode_slots()[address & (bit(radix) - 1)].cap;
}

inline void copy_short_message(MessageTag tag, Tcb& from, Tcb& to, Word badge) {
    unsigned const length = tag.length();
    to.context.cap_or_badge() = badge;
    to.context.message_tag() = tag.word & kLabelAndLength;
    if (length == 0) return;
    to.context.message_word(0) = from.context.message_word(0);
    if (length == 1) return;
    to.context.message_word(1) = from.context.message_word(1);
    if (length == 2) return;
    to.context.message_word(2) = from.context.message_word(2);
    if (length == 3) return;
    to.context.message_word(3) = from.context.message_word(3);
}

// `next` may run now instead of the current thread: nobody who is ready beats it.
inline bool wins(const Cpu& cpu, const Tcb& next, const Tcb& current) {
    if (kNumDomains > 1 && next.domain != cpu.domain) return false;
    if (kSmp && next.core != cpu.id) return false;
    if (next.priority >= current.priority) return true;
    return static_cast<int>(next.priority) >= highest_ready(cpu, cpu.domain);
}

// The less common ends of the fast paths, tail calls so that the common ones need no stack frame: the server was not
// the only one that waited, or is not the only one to wait.
[[gnu::noinline]] Tcb* dequeue_and_leave(Cpu* cpu, Tcb* from, Tcb* server, Endpoint* endpoint) {
    endpoint->set(wait_queue_remove(server, *server), EndpointState::kReceiving);
    return switch_and_leave(*cpu, *from, *server);
}

[[gnu::noinline]] Tcb* enqueue_and_leave(Cpu* cpu, Tcb* server, Tcb* to, Endpoint* endpoint) {
    endpoint->set(wait_queue_insert(endpoint->head(), *server), EndpointState::kReceiving);
    return switch_and_leave(*cpu, *server, *to);
}

}  // namespace

extern "C" Tcb* keel_fastpath_call(Cpu* cpu, Tcb* caller) {
    MessageTag const tag{caller->context.message_tag()};
    if (!tag.fits_registers()) return keel_slow_syscall(cpu, caller);
    Cap const* const cap = find_cap(*caller, caller->context.cap_or_badge());
    if (!cap || !cap->is(CapType::kEndpoint)) return keel_slow_syscall(cpu, caller);
    Rights const rights = cap->rights();
    Endpoint& endpoint = *cap->endpoint();
    if (!rights.write() || !(rights.grant() || rights.grant_reply()) || endpoint.state() != EndpointState::kReceiving)
        return keel_slow_syscall(cpu, caller);
    Tcb& server = *endpoint.head();
    Reply* const reply = server.reply;
    if (!reply || server.sched_context || !wins(*cpu, server, *caller) ||
        !is_valid_vspace(server.slots[kSlotVSpace].cap))
        return keel_slow_syscall(cpu, caller);

    server.wait_object = nullptr;
    server.reply = nullptr;
    server.state = ThreadState::kRunning;
    // The caller waits for its reply; its context goes on top of the call stack and to the server.
    SchedContext& sc = *caller->sched_context;
    caller->state = ThreadState::kBlockedOnReply;
    caller->reply = reply;
    caller->sched_context = nullptr;
    reply->tcb = caller;
    Reply* const below = sc.reply;
    reply->prev = below;
    if (below) {
        below->next = reply;
        below->owner = nullptr;
    }
    reply->next = nullptr;
    reply->owner = &sc;
    sc.reply = reply;
    sc.tcb = &server;
    server.sched_context = &sc;
    copy_short_message(tag, *caller, server, cap->badge());
    if (!is_only_waiter(server)) return dequeue_and_leave(cpu, caller, &server, &endpoint);
    endpoint.head_and_state = 0;
    return switch_and_leave(*cpu, *caller, server);
}

extern "C" Tcb* keel_fastpath_reply_recv(Cpu* cpu, Tcb* server) {
    MessageTag const tag{server->context.message_tag()};
    if (!tag.fits_registers()) return keel_slow_syscall(cpu, server);
    Cap const* const cap = find_cap(*server, server->context.cap_or_badge());
    Cap const* const reply_cap = find_cap(*server, server->context.reply_cap());
    if (!cap || !reply_cap || !cap->is(CapType::kEndpoint) || !reply_cap->is(CapType::kReply))
        return keel_slow_syscall(cpu, server);
    Endpoint& endpoint = *cap->endpoint();
    Reply& reply = *reply_cap->reply();
    SchedContext* const sc = server->sched_context;
    Notification const* const bound = server->bound_notification;
    // The reply object holds the top of this very context's call stack, so its caller waits and is passive.
    if (!cap->rights().read() || endpoint.state() == EndpointState::kSending || reply.owner != sc || !reply.tcb ||
        (bound && bound->state == NotificationState::kActive))
        return keel_slow_syscall(cpu, server);
    Tcb& caller = *reply.tcb;
    if (caller.fault.type != FaultType::kNone || caller.sched_context || !wins(*cpu, caller, *server) ||
        !is_valid_vspace(caller.slots[kSlotVSpace].cap))
        return keel_slow_syscall(cpu, server);

    Reply* const below = reply.prev;
    sc->reply = below;
    if (below) {
        below->next = nullptr;
        below->owner = sc;
    }
    reply.prev = nullptr;
    reply.owner = nullptr;
    sc->tcb = &caller;
    caller.sched_context = sc;
    caller.reply = nullptr;
    caller.state = ThreadState::kRunning;
    copy_short_message(tag, *server, caller, 0);
    // The server waits for the next message with the same reply object.
    server->sched_context = nullptr;
    server->state = ThreadState::kBlockedOnReceive;
    server->wait_can_grant = cap->rights().grant();
    server->wait_object = &endpoint;
    server->reply = &reply;
    reply.tcb = server;
    if (endpoint.head_and_state != 0) return enqueue_and_leave(cpu, server, &caller, &endpoint);
    become_only_waiter(*server);
    endpoint.set(server, EndpointState::kReceiving);
    return switch_and_leave(*cpu, *server, caller);
}

bool signal_fast(Tcb& tcb) {
    Cap const* const cap = find_cap(tcb, tcb.context.cap_or_badge());
    if (!cap || !cap->is(CapType::kNotification) || !cap->rights().write()) return false;
    if (MessageTag{tcb.context.message_tag()}.extra_caps() != 0) return false;
    Notification& notification = *cap->notification();
    switch (notification.state) {
        case NotificationState::kActive: notification.badge |= cap->badge(); return true;
        case NotificationState::kIdle: {
            Tcb const* const bound = notification.bound_tcb;
            if (bound && bound->state == ThreadState::kBlockedOnReceive) return false;
            notification.badge = cap->badge();
            notification.state = NotificationState::kActive;
            return true;
        }
        case NotificationState::kWaiting: break;
    }
    return false;
}

}  // namespace keel
