// The kernel's objects as they lie in memory that user level paid for. Layout and invariants only; behaviour is in
// the file named after each object.
#pragma once

#include "arch/context.h"
#include "arch/fpu.h"
#include "core/cap.h"

namespace keel {

// --- Waiting queues ------------------------------------------------------------------------------------------------
// Endpoints and notifications keep waiting threads by priority, first come first served within one. A queue is a ring
// of groups, one per priority, highest first; a group is a ring of threads of that priority. The thread that heads a
// group links the groups. Insertion looks at no more than one thread per priority, so it is bounded by 256 steps.
// The links mean something only while the thread waits.
struct WaitLinks {
    Tcb* next = nullptr;  // in the ring of this thread's group
    Tcb* prev = nullptr;
    Tcb* next_group = nullptr;  // meaningful in group heads only
    Tcb* prev_group = nullptr;
    bool group_head = false;
};

enum class EndpointState : uint8_t { kIdle = 0, kSending = 1, kReceiving = 2 };

struct Endpoint {
    Word head_and_state;  // first waiting thread | EndpointState; all waiters do the same
    Tcb* canceller;       // thread whose CancelBadgedSends was interrupted here; it knows where (Tcb::cancel_next)
    EndpointState state() const { return static_cast<EndpointState>(head_and_state & 3); }
    Tcb* head() const { return reinterpret_cast<Tcb*>(head_and_state & ~Word{3}); }
    void set(Tcb* head, EndpointState state) {
        head_and_state = reinterpret_cast<Word>(head) | static_cast<Word>(head ? state : EndpointState::kIdle);
    }
};
static_assert(sizeof(Endpoint) == 16);

enum class NotificationState : uint8_t { kIdle = 0, kWaiting = 1, kActive = 2 };

struct Notification {
    Word badge;                   // accumulated; meaningful while kActive
    Tcb* head;                    // waiting threads, while kWaiting
    Tcb* bound_tcb;               // may receive this notification while it waits on an endpoint
    SchedContext* sched_context;  // lent to a passive thread that is woken
    NotificationState state;
    uint8_t reserved[31];
};
static_assert(sizeof(Notification) == 64);

// A reply object: while its caller waits, the right to answer; while a scheduling context travels with the call, a
// frame of that context's call stack.
struct Reply {
    Tcb* tcb;             // the waiting caller, or the thread that waits to receive with this object
    Reply* prev;          // the call beneath this one, from which the caller itself got its scheduling context
    Reply* next;          // the call above this one
    SchedContext* owner;  // set in the top frame only: the scheduling context that returns with this reply
};
static_assert(sizeof(Reply) == 32);

// One replenishment: `amount` of time that may be used from `time` on.
struct Refill {
    Ticks time;
    Ticks amount;
};

struct SchedContext {
    Ticks period;    // 0: round robin, the budget returns at once
    Ticks budget;    // 0: not configured, gives no time
    Ticks consumed;  // since last asked
    Word badge;
    Tcb* tcb;      // the thread that runs on this context now
    Reply* reply;  // top of the call stack through which it was lent
    Notification* notification;
    Tcb* yielding_from;  // thread that called YieldTo on this context and waits for the result
    uint32_t core;
    uint32_t sporadic;
    uint32_t refill_max;
    uint32_t refill_head;
    uint32_t refill_count;
    uint32_t reserved;
    Word reserved2;

    Refill* refills() { return reinterpret_cast<Refill*>(this + 1); }
};
static_assert(sizeof(SchedContext) == 96);
static_assert(sizeof(Refill) == 16);

// --- Threads -------------------------------------------------------------------------------------------------------
enum class ThreadState : uint8_t {
    kInactive,
    kRunning,
    kRestart,  // runs, but first executes the interrupted instruction again
    kBlockedOnReceive,
    kBlockedOnSend,
    kBlockedOnReply,
    kBlockedOnNotification,
    kIdle,
};

enum class FaultType : uint8_t {
    kNone = 0,
    kCap = 1,
    kUnknownSyscall = 2,
    kUserException = 3,
    kTimeout = 5,
    kVm = 6,
};

// Why a capability address did not lead to a capability; words as in the manual, "Lookup Failure Description".
struct LookupFailure {
    enum Kind : Word { kNone = 0, kInvalidRoot = 1, kMissingCapability = 2, kDepthMismatch = 3, kGuardMismatch = 4 };
    // Not initialised by default, as in Fault: most of these are never looked at.
    Word kind;
    Word bits_left;
    Word detail[2];

    static constexpr LookupFailure invalid_root() { return {kInvalidRoot, 0, {0, 0}}; }
    static constexpr LookupFailure missing(Word bits_left) { return {kMissingCapability, bits_left, {0, 0}}; }
    static constexpr LookupFailure depth_mismatch(Word bits_left, Word resolved) {
        return {kDepthMismatch, bits_left, {resolved, 0}};
    }
    static constexpr LookupFailure guard_mismatch(Word bits_left, Word guard, Word guard_size) {
        return {kGuardMismatch, bits_left, {guard, guard_size}};
    }
};

struct Fault {
    FaultType type;
    // kCap: address, in receive phase; kUnknownSyscall: number; kUserException: number, code;
    // kVm: address, status, instruction; kTimeout: badge of the scheduling context.
    Word word[3];
    LookupFailure lookup;  // kCap only
};

enum TcbSlot : unsigned { kSlotCSpace, kSlotVSpace, kSlotBuffer, kSlotFaultHandler, kSlotTimeoutHandler, kTcbSlots };

struct alignas(32) Tcb {
    UserContext context;  // first: the exception entry code stores the registers here
    FpuContext fpu;
    Slot slots[kTcbSlots];

    ThreadState state;
    uint8_t priority;
    uint8_t max_controlled_priority;
    uint8_t domain;
    bool fpu_disabled;
    bool in_ready_queue;
    bool in_release_queue;

    // What a blocked thread waits for and with which rights.
    bool wait_can_grant;
    bool wait_can_grant_reply;
    bool wait_is_call;
    uint16_t core;  // where it runs: follows the scheduling context
    Word wait_badge;
    void* wait_object;  // Endpoint or Notification
    Reply* reply;       // object it waits to be answered through, or offered to a caller

    // An interrupted CancelBadgedSends of this thread: where it goes on.
    Endpoint* cancel_endpoint;
    Tcb* cancel_next;
    Word cancel_badge;
    // An interrupted cache maintenance of this thread: the physical address that it began with, how many bytes are
    // done.
    Word cache_start;
    Word cache_done;

    SchedContext* sched_context;
    SchedContext* yielding_to;
    bool yield_is_call;  // the yielder wants an answer
    Notification* bound_notification;
    UserAddr buffer_address;
    Fault fault;

    WaitLinks wait;
    Tcb* ready_next;
    Tcb* ready_prev;
    // Node of the release queue, a balanced tree by time of the next replenishment (core/release_queue.h).
    Tcb* release_left;
    Tcb* release_right;
    Tcb* release_parent;
    Word release_sequence;
    uint8_t release_height;

    char name[32];  // debug kernels; always terminated
    Tcb* debug_next;
    Tcb* debug_prev;

    bool is_runnable() const { return state == ThreadState::kRunning || state == ThreadState::kRestart; }
    bool is_stopped() const {
        return state == ThreadState::kInactive || state == ThreadState::kBlockedOnReceive ||
               state == ThreadState::kBlockedOnSend || state == ThreadState::kBlockedOnReply ||
               state == ThreadState::kBlockedOnNotification;
    }
};
static_assert(sizeof(Tcb) <= 2048);
static_assert(offsetof(Tcb, context) == 0);

}  // namespace keel
