// CPU time: scheduling contexts of threads, loans, the sweep that puts things right after somebody died, deadlines of
// calls (domain.h). docs/design/core.md, "CPU time and passive servers", says why.
#include "console.h"
#include "threads.h"

namespace root {

using namespace kos::sel4;

namespace {

// A loan is a scheduling context of root's for a thread that lost its caller's in the middle of a request.
// Enough that no domain can use them up by calling many passive servers with little time.
constexpr unsigned kLoans = 2 * KOS_MAX_DOMAINS;
constexpr Word kLoanBadge = 1 << 16;  // + index; a thread's own context has its domain and number instead

struct Loan {
    CPtr sched_context = 0;
    bool out = false;
    Word idle_since = 0;  // ticks; 0: its thread has not looked idle
    uint16_t domain = 0;
    uint8_t thread = 0;
};
Loan loans[kLoans];
unsigned deadlines;

// As ReadRegisters orders them: enough to reach x7.
constexpr Word kRegisters = 11;

enum class Doing { kServing, kIdle, kCalling };

// A thread that was stopped right before it receives looks like one that is receiving, and would stand still without
// its loan. So it has to look idle for so long; servers of libkos give theirs back at once (KOS_REPORT_RETURN).
constexpr Word kIdlePartOfSecond = 10;

bool is_idle_long(Loan& loan) {
    Word const now = ticks();
    if (loan.idle_since == 0) loan.idle_since = now;
    return now - loan.idle_since >= ticks_per_second() / kIdlePartOfSecond;
}

// What a thread does, by the registers of its last system call. The kernel overwrites x0 and x1 when a message or an
// answer arrives, and no badge or null equals the capability that it was waiting with.
Doing what_does(CPtr tcb) {
    seL4_UserContext context{};
    if (!tcb_read_registers(tcb, Suspend::kNo, kRegisters, context).ok()) return Doing::kServing;
    auto const number = static_cast<int64_t>(context.x7);
    bool const receives =
        number == seL4_SysRecv || number == seL4_SysReplyRecv || number == seL4_SysNBSendRecv || number == seL4_SysWait;
    bool const is_own = context.x0 == KOS_SLOT_PORT || context.x0 == KOS_SLOT_PROGRAMS ||
                        context.x0 == KOS_SLOT_NOTIFICATION ||
                        context.x0 == Word{KOS_TOP_ENTRY_PROGRAMS} << KOS_TOP_ENTRY_SHIFT;
    if (receives && is_own) return Doing::kIdle;
    if (number == seL4_SysCall && context.x0 != 0) return Doing::kCalling;
    return Doing::kServing;
}

// A server on a loan runs as high as its clients: who calls it with hardly any time, from above it, could otherwise be
// back in its endpoint between its answer and the moment at which it receives, before everybody who waits there, and
// again on a loan.
Word priority_on_loan(const Domain& domain) {
    const Manifest& manifest = the_system.manifest;
    uint32_t priority = domain.spec->priority;
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        const auto& connection = manifest.connections[i];
        if (connection.send_only || manifest.ports[connection.port].server != domain.number) continue;
        uint32_t const of_client = manifest.domains[connection.client].priority;
        if (of_client > priority) priority = of_client;
    }
    return priority;
}

bool lend(Domain& domain, Word thread) {
    for (unsigned i = 0; i < kLoans; ++i) {
        Loan& loan = loans[i];
        if (loan.out) continue;
        CPtr const tcb = thread_cap(domain.number, thread, kThreadTcb);
        SchedContextParams params{};
        params.budget_us = domain.spec->request_budget_us;
        params.period_us = 2 * params.budget_us;
        params.badge = kLoanBadge + i;
        CPtr const control = boot_info->schedcontrol.start + domain.spec->core;
        if (!sched_control_configure(control, loan.sched_context, params).ok()) return false;
        if (!sched_context_bind(loan.sched_context, tcb).ok()) return false;  // it has time already
        tcb_set_priority(tcb, seL4_CapInitThreadTCB, priority_on_loan(domain));
        loan.out = true;
        loan.idle_since = 0;
        loan.domain = domain.number;
        loan.thread = static_cast<uint8_t>(thread);
        tell_loan(domain, thread, true);
        return true;
    }
    return false;
}

void end_loan(Loan& loan) {
    loan.out = false;
    const Domain* const domain = find(loan.domain);
    if (!domain) return;
    // If it is still there.
    tcb_set_priority(thread_cap(domain->number, loan.thread, kThreadTcb), seL4_CapInitThreadTCB,
                     domain->spec->priority);
    tell_loan(*domain, loan.thread, false);
}

// Takes a loan back, wherever it has gone: answers pass it on to callers that were passive servers themselves.
void take_back(Loan& loan) {
    use_own_time();
    sched_context_unbind(loan.sched_context);
    end_loan(loan);
}

// An active thread lost its scheduling context to a server below it: a new one in place of the old. Whoever has the old
// one loses it and is found by the next sweep.
bool replace_time(Domain& domain, Word thread) {
    use_own_time();
    cnode_revoke(path(thread_cap(domain.number, thread, kThreadTimeUntyped)));
    return give_time(domain, thread);
}

bool has_own_time(const Domain& domain, const Thread& thread) {
    return !thread.passive || domain.state == KOS_DOMAIN_STARTING;
}

void look_at(Domain& domain, Word number) {
    Thread& thread = domain.threads[number];
    CPtr const tcb = thread_cap(domain.number, number, kThreadTcb);
    Doing const doing = what_does(tcb);
    if (doing == Doing::kIdle) {
        for (Loan& loan : loans) {
            bool const is_its = loan.out && loan.domain == domain.number && loan.thread == number;
            if (!loan.out || (is_its && !is_idle_long(loan))) continue;
            if (!sched_context_unbind_object(loan.sched_context, tcb).ok()) continue;
            // On another core a caller may have come in between; then it needs the time after all.
            if (what_does(tcb) != Doing::kIdle && sched_context_bind(loan.sched_context, tcb).ok()) continue;
            end_loan(loan);
        }
        return;
    }
    for (Loan& loan : loans) {
        if (loan.out && loan.domain == domain.number && loan.thread == number) loan.idle_since = 0;
    }
    if (doing == Doing::kCalling) return;
    if (!lend(domain, number)) return;
    if (!has_own_time(domain, thread)) return;
    for (Loan& loan : loans) {
        if (loan.out && loan.domain == domain.number && loan.thread == number) take_back(loan);
    }
    replace_time(domain, number);
}

}  // namespace

void prepare_loans() {
    for (Loan& loan : loans) loan.sched_context = new_object(seL4_SchedContextObject, seL4_MinSchedContextBits);
}

unsigned loans_out() {
    unsigned count = 0;
    for (const Loan& loan : loans) count += loan.out;
    return count;
}

bool give_time(Domain& domain, Word thread) {
    CPtr const untyped = thread_cap(domain.number, thread, kThreadTimeUntyped);
    CPtr const sched_context = thread_cap(domain.number, thread, kThreadTime);
    Word const slot = kSlotThreads + thread * kThreadSlots + kThreadTime;
    cnode_revoke(path(untyped));
    RetypeWindow const window{top_cnode, domain.number + Word{1}, kTopBits, slot, 1};
    if (!untyped_retype(untyped, seL4_SchedContextObject, kos::manifest::kThreadTimeBits, window).ok()) return false;
    SchedContextParams params{};
    params.budget_us = domain.spec->budget_us;
    params.period_us = domain.spec->period_us;
    params.extra_refills = seL4_MaxExtraRefills(kos::manifest::kThreadTimeBits);
    params.badge = Word{domain.number} << 8 | thread;
    CPtr const control = boot_info->schedcontrol.start + domain.spec->core;
    return sched_control_configure(control, sched_context, params).ok() &&
           sched_context_bind(sched_context, thread_cap(domain.number, thread, kThreadTcb)).ok();
}

void watch_time(Domain& domain, Word thread) {
    CPtr const fault = thread_cap(domain.number, thread, kThreadFault);
    if (!tcb_set_timeout_endpoint(thread_cap(domain.number, thread, kThreadTcb), fault).ok()) {
        log(Level::kError, Text().add("no time-out endpoint for ").add(domain.spec->name));
    }
}

// A caller may have been waiting: then the thread is in the middle of a request already, which its own time was not
// lent for.
void lend_if_serving(Domain& domain, Word thread) {
    if (what_does(thread_cap(domain.number, thread, kThreadTcb)) != Doing::kIdle) lend(domain, thread);
}

// The next request must not begin with what is left of this loan: a whole one, if a caller was waiting.
bool return_loan(Domain& domain, Word thread) {
    CPtr const tcb = thread_cap(domain.number, thread, kThreadTcb);
    for (Loan& loan : loans) {
        if (!loan.out || loan.domain != domain.number || loan.thread != thread) continue;
        if (!sched_context_unbind_object(loan.sched_context, tcb).ok()) return true;  // it is further down the chain
        end_loan(loan);
        lend_if_serving(domain, thread);
        return true;
    }
    return false;
}

void make_passive(Domain& domain, Word thread) {
    CPtr const sched_context = thread_cap(domain.number, thread, kThreadTime);
    watch_time(domain, thread);
    bool done = sched_context_unbind_object(sched_context, thread_cap(domain.number, thread, kThreadTcb)).ok();
    // The main thread's time is for signals from now on.
    done = done && (thread != 0 || sched_context_bind(sched_context, domain.notification).ok());
    if (!done) log(Level::kError, Text().add("cannot make a server passive: ").add(domain.spec->name));
    lend_if_serving(domain, thread);
}

namespace {

// Takes the scheduling context of that badge away from a thread.
void release_time(Word badge, CPtr tcb) {
    if (badge >= kLoanBadge) {
        if (badge - kLoanBadge < kLoans) sched_context_unbind_object(loans[badge - kLoanBadge].sched_context, tcb);
        return;
    }
    const Domain* const owner = find(badge >> 8);
    if (owner && (badge & 0xff) < KOS_MAX_THREADS) {
        sched_context_unbind_object(thread_cap(owner->number, badge & 0xff, kThreadTime), tcb);
    }
}

// A thread whose call is answered with a scheduling context that is used up has a time-out at once, and whoever lets it
// go on makes it execute the svc again, with the answer's registers. Its program counter is moved on instead. The call
// has been answered if x0 is 0, the badge of answers: it was the capability, and a call of slot 0 is nothing to
// anybody.
void step_over_answered_call(const Domain& domain, CPtr tcb) {
    seL4_UserContext context{};
    if (!tcb_read_registers(tcb, Suspend::kNo, kRegisters, context).ok()) return;
    bool const is_answered = static_cast<int64_t>(context.x7) == seL4_SysCall && context.x0 == 0;
    if (!is_answered || !is_system_call(domain, context.pc)) return;
    context.pc += 4;
    tcb_write_registers(tcb, Resume::kNo, 1, context);
}

}  // namespace

void lend_after_timeout(Domain& domain, Word thread, Word badge, bool& hung) {
    CPtr const tcb = thread_cap(domain.number, thread, kThreadTcb);
    step_over_answered_call(domain, tcb);
    // A loan that a caller in the chain above has nearly used up is no reason to blame this one: it gets one of its
    // own.
    bool const is_loan = badge >= kLoanBadge && badge - kLoanBadge < kLoans;
    hung = is_loan && loans[badge - kLoanBadge].domain == domain.number && loans[badge - kLoanBadge].thread == thread;
    if (hung) return;
    // Its own time, for signals: it goes on in its next period.
    if (badge == (Word{domain.number} << 8 | thread)) return;
    release_time(badge, tcb);  // it goes back to its owner with the answer
    hung = !lend(domain, thread);
}

void sweep() {
    for (Domain& domain : the_system.domains) {
        bool const runs = domain.spec && (domain.state == KOS_DOMAIN_READY || domain.state == KOS_DOMAIN_STARTING);
        if (!runs) continue;
        for (Word n = 0; n < KOS_MAX_THREADS; ++n) {
            if (domain.threads[n].state == Thread::State::kRunning) look_at(domain, n);
        }
    }
    // A loan whose thread is gone with its domain is bound to nobody.
    for (Loan& loan : loans) {
        if (!loan.out) continue;
        const Domain* const domain = find(loan.domain);
        bool const is_gone = !domain || domain->threads[loan.thread].state != Thread::State::kRunning;
        if (is_gone) take_back(loan);
    }
}

bool is_settled() { return loans_out() == 0 && deadlines == 0; }

void take_time(Domain& domain, Word thread) {
    cnode_revoke(path(thread_cap(domain.number, thread, kThreadTimeUntyped)));
    sweep();
}

// --- Deadlines of calls

kos_status_t set_deadline(Domain& domain, Word number, Word ticks, Word cookie) {
    Thread& thread = domain.threads[number];
    if (thread.passive) return KOS_STATUS_UNAVAILABLE;
    drop_deadline(thread);
    deadlines += ticks != 0;
    thread.deadline_ticks = ticks;
    thread.deadline_cookie = cookie;
    return KOS_STATUS_OK;
}

namespace {

// false: the thread is not in a call, yet.
bool end_call(Domain& domain, Word number) {
    CPtr const tcb = thread_cap(domain.number, number, kThreadTcb);
    tcb_suspend(tcb);
    if (what_does(tcb) == Doing::kCalling) {
        seL4_UserContext context{};
        tcb_read_registers(tcb, Suspend::kNo, kRegisters + 1, context);
        context.pc += 4;  // behind the svc
        context.x0 = 0;
        context.x1 = Tag::make(KOS_STATUS_TIMEOUT, 4).word;
        context.x2 = context.x3 = context.x4 = context.x5 = 0;
        replace_time(domain, number);
        tcb_write_registers(tcb, Resume::kYes, kRegisters + 1, context);
        sweep();
        return true;
    }
    tcb_resume(tcb);
    return false;
}

}  // namespace

void drop_deadline(Thread& thread) {
    deadlines -= thread.deadline_ticks != 0;
    thread.deadline_ticks = 0;
}

void drop_deadlines(Domain& domain) {
    for (Thread& thread : domain.threads) drop_deadline(thread);
}

void end_late_calls() {
    if (deadlines == 0) return;
    Word const now = ticks();
    for (Domain& domain : the_system.domains) {
        if (!domain.spec) continue;
        for (Word n = 0; n < KOS_MAX_THREADS; ++n) {
            Thread& thread = domain.threads[n];
            if (thread.deadline_ticks == 0 || thread.deadline_ticks > now) continue;
            // It may not have come to its call yet, or may have had its answer: the deadline stays until the thread
            // takes it back, or else it would wait without one.
            if (thread.state != Thread::State::kRunning || end_call(domain, n)) drop_deadline(thread);
        }
    }
}

}  // namespace root
