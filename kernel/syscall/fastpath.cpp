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

// Length in [6:0] and extra capabilities in [8:7] of a message tag: at most the words that travel in registers.
constexpr Word kShortMessage = 0x1ff;
bool is_short(MessageTag tag) { return (tag.word & kShortMessage) <= kRegisterMessageWords; }
constexpr Word kLabelAndLength = ~Word{0xf80};

// As lookup_slot for a system call, without the reason of a failure.
inline const Cap* find_cap(const Tcb& tcb, CPtr address) {
    Cap const* node = &tcb.slots[kSlotCSpace].cap;
    if (!node->is(CapType::kCNode)) return nullptr;
    unsigned bits = kWordBits;
    do {
        unsigned const guard_size = node->cnode_guard_size();
        unsigned const radix = node->cnode_radix();
        if (guard_size + radix > bits) return nullptr;
        if (guard_size && address << (kWordBits - bits) >> (kWordBits - guard_size) != node->cnode_guard())
            return nullptr;
        bits -= guard_size + radix;
        node = &node->cnode_slots()[address >> bits & (bit(radix) - 1)].cap;
    } while (bits != 0 && node->is(CapType::kCNode));
    return node;
}

inline void copy_short_message(MessageTag tag, Tcb& from, Tcb& to, Word badge) {
    Word const length = tag.word & kShortMessage;
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
inline bool wins(const Cpu& cpu, const Tcb& next, const Tcb& current, bool current_is_highest) {
    if (kNumDomains > 1 && next.domain != cpu.domain) return false;
    if (kSmp && next.core != cpu.id) return false;
    if (current_is_highest && next.priority >= current.priority) return true;
    return static_cast<int>(next.priority) >= highest_ready(cpu, cpu.domain);
}

inline void remove_head(Endpoint& endpoint, Tcb& head) {
    if (head.wait.next == &head && head.wait.next_group == &head)
        endpoint.head_and_state = 0;
    else
        endpoint.set(wait_queue_remove(&head, head), EndpointState::kReceiving);
}

inline void append_receiver(Endpoint& endpoint, Tcb& tcb) {
    if (endpoint.head_and_state == 0) {
        tcb.wait.next = tcb.wait.prev = &tcb;
        tcb.wait.next_group = tcb.wait.prev_group = &tcb;
        tcb.wait.group_head = true;
        endpoint.set(&tcb, EndpointState::kReceiving);
    } else {
        endpoint.set(wait_queue_insert(endpoint.head(), tcb), EndpointState::kReceiving);
    }
}

inline Tcb* run(Cpu& cpu, Tcb& from, Tcb& to) {
    cpu.current = &to;
    switch_context(cpu, from, to);
    unlock_kernel(cpu);
    return &to;
}

}  // namespace

extern "C" Tcb* keel_fastpath_call(Cpu* cpu, Tcb* caller) {
    MessageTag const tag{caller->context.message_tag()};
    Cap const* const cap = find_cap(*caller, caller->context.cap_or_badge());
    if (!is_short(tag) || !cap || !cap->is(CapType::kEndpoint)) return keel_slow_syscall(cpu, caller);
    Rights const rights = cap->rights();
    Endpoint& endpoint = *cap->endpoint();
    if (!rights.write() || !(rights.grant() || rights.grant_reply()) ||
        endpoint.state() != EndpointState::kReceiving)
        return keel_slow_syscall(cpu, caller);
    Tcb& server = *endpoint.head();
    Reply* const reply = server.reply;
    if (!reply || server.sched_context || !wins(*cpu, server, *caller, true) ||
        !is_valid_vspace(server.slots[kSlotVSpace].cap))
        return keel_slow_syscall(cpu, caller);

    remove_head(endpoint, server);
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
    return run(*cpu, *caller, server);
}

extern "C" Tcb* keel_fastpath_reply_recv(Cpu* cpu, Tcb* server) {
    MessageTag const tag{server->context.message_tag()};
    Cap const* const cap = find_cap(*server, server->context.cap_or_badge());
    Cap const* const reply_cap = find_cap(*server, server->context.reply_cap());
    if (!is_short(tag) || !cap || !reply_cap || !cap->is(CapType::kEndpoint) || !reply_cap->is(CapType::kReply))
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
    if (caller.fault.type != FaultType::kNone || caller.sched_context || !wins(*cpu, caller, *server, false) ||
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
    append_receiver(endpoint, *server);
    return run(*cpu, *server, caller);
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
