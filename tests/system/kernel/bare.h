// Threads that have nothing but registers: no stack, and no more memory than a test maps for them (bare.S).
#pragma once

#include "memory_access.h"

extern "C" {

extern char bare_page[];  // the page that all of the following are in

// Each runs with the registers that the test gives and, unless it goes on forever, ends in brk #0xd0.
void bare_read();     // x0 = word at x0
void bare_write();    // word at x0 = x1
void bare_call();     // x0 = function at x0
void bare_jump();     // to x0, never comes back
void bare_syscall();  // svc
extern char bare_syscall_after[];
void bare_done();  // nothing

void bare_signal_and_spin();  // signals the notification x0 once
void bare_spin();             // does nothing forever
void bare_count();            // adds 1 to the word at x0, forever
void bare_copy_forever();     // word at x1 = word at x0, forever
void bare_store_forever();    // word at x0 = ++x1, forever
void bare_serve();            // the same svc forever: ReplyRecv answers with what it received
void bare_yield();            // Yield forever

}  // extern "C"

// Where and how it runs.
struct BareOptions {
    CPtr vspace = kVSpace;
    CPtr cspace = seL4_CapInitThreadCNode;
    Word priority = kAboveMain;
    Word buffer = 0;  // address of the message buffer, in the frame below
    CPtr buffer_frame = kNullCap;
    bool passive = false;
    Word node = 0;
    SchedContextParams budget{.budget_us = 10000, .period_us = 10000};
    Word cspace_data = 0;
};

// A thread of which the test gets every fault. By default it runs above the test: what it does is done when start()
// returns.
class BareThread {
public:
    static constexpr Word kBadge = 0xba;
    static constexpr Word kDone = 0xd0;  // of the brk

    bool create(TestContext& t, const BareOptions& options = {}) {
        tcb_ = t.make(seL4_TCBObject);
        endpoint_ = t.make(seL4_EndpointObject);
        reply_ = t.make(seL4_ReplyObject);
        Spaces spaces{options.cspace, options.cspace_data, options.vspace, 0};
        Result result = tcb_configure(tcb_, spaces, options.buffer, options.buffer_frame);
        if (result.ok() && !options.passive) {
            sched_context_ = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
            result = sched_control_configure(t.sched_control(options.node), sched_context_, options.budget);
        }
        fault_endpoint_ = t.mint(endpoint_, kBadge);
        if (result.ok()) {
            result = tcb_set_sched_params(tcb_, seL4_CapInitThreadTCB,
                                          {.mcp = 0,
                                           .priority = options.priority,
                                           .sched_context = sched_context_,
                                           .fault_endpoint = fault_endpoint_});
        }
        EXPECT_OK(result);
        return result.ok();
    }

    Result start(void (*function)(), Word x0 = 0, Word x1 = 0) {
        seL4_UserContext context{};
        context.pc = address_of(function);
        context.x0 = x0;
        context.x1 = x1;
        return start(context);
    }
    Result start(const seL4_UserContext& context) {
        return tcb_write_registers(tcb_, Resume::kYes, seL4_UserContext_Words, context);
    }
    // Starts with one svc: x0..x8 as in `r`.
    Result start_syscall(const SyscallRegisters& r) {
        seL4_UserContext context{};
        context.pc = address_of(bare_syscall);
        context.x0 = r.x0;
        context.x1 = r.x1;
        context.x2 = r.x2;
        context.x3 = r.x3;
        context.x4 = r.x4;
        context.x5 = r.x5;
        context.x6 = r.x6;
        context.x7 = r.x7;
        context.x8 = r.x8;
        return start(context);
    }

    // The fault that is waiting (badge 0: none), or the next one.
    MessageCopy take() { return nb_recv(endpoint_, reply_); }
    MessageCopy wait_for_fault() { return recv(endpoint_, reply_); }
    // Lets it repeat what faulted.
    void answer() { reply(reply_, Tag{}); }

    seL4_UserContext registers() {
        seL4_UserContext context{};
        EXPECT_OK(tcb_read_registers(tcb_, Suspend::kNo, seL4_UserContext_Words, context));
        return context;
    }

    CPtr tcb() const { return tcb_; }
    CPtr sched_context() const { return sched_context_; }
    CPtr fault_endpoint() const { return fault_endpoint_; }
    CPtr endpoint() const { return endpoint_; }
    CPtr reply_object() const { return reply_; }

private:
    CPtr tcb_ = kNullCap;
    CPtr sched_context_ = kNullCap;
    CPtr endpoint_ = kNullCap;
    CPtr fault_endpoint_ = kNullCap;
    CPtr reply_ = kNullCap;
};

// The immediate of the brk that stopped a thread of the program image; ~0 if it was another fault.
inline Word brk_of(const MessageCopy& fault) {
    constexpr Word kDebugException = 4;  // what kernels with the debug API report instead; word 0 is the address
    constexpr Word kBrkClass = 0x3c;
    Word number = fault.word(seL4_UserException_Number);
    if (fault.label() == seL4_Fault_UserException && number >> 26 == kBrkClass) {
        return number & 0xffff;
    }
    if (has_debug_api() && fault.label() == kDebugException) {
        return *reinterpret_cast<const uint32_t*>(fault.word(0)) >> 5 & 0xffff;
    }
    return ~Word{0};
}

inline bool is_done(const MessageCopy& fault) { return brk_of(fault) == BareThread::kDone; }

// A VSpace with the page of the bare functions only, at its usual address.
inline CPtr make_bare_vspace(TestContext& t) {
    CPtr vspace = assigned_vspace(t);
    EXPECT_OK(map_page(t.arena(), vspace, t.copy(image_frame(bare_page)), address_of(bare_page), seL4_CanRead));
    return vspace;
}
