// Root's own threads (threads.h).
#include "threads.h"

#include "console.h"

namespace root {

using namespace kos::sel4;

CPtr service_endpoint;
CPtr faults_endpoint;
Incident incident;

namespace {

constexpr size_t kStackBytes = 32 * 1024;

struct alignas(4096) ThreadMemory {
    uint8_t buffer[KOS_PAGE_BYTES];  // message buffer, the thread's own frame
    uint8_t guard[KOS_PAGE_BYTES];   // not used; keeps an overrun of the stack away from the buffer
    uint8_t stack[kStackBytes];
};
ThreadMemory service_memory, faults_memory, ticker_memory, watch_memory;

OwnThread service, faults, ticker, watch;

CPtr keeper_endpoint, keeper_reply;
CPtr service_reply, faults_reply;
CPtr faults_to_service, ticker_to_service;
CPtr ticker_wake;
CPtr service_loan;
bool ticker_awake;
bool watch_is_due;

constexpr Word kServicePriority = 253;
constexpr Word kEventPriority = 254;

// At the keeper: service waits again; its faults and time-outs; it asks for time of its own.
constexpr Word kReportBadge = 1;
constexpr Word kServiceFaultBadge = 2;
constexpr Word kOwnTimeBadge = 3;
CPtr keeper_report, keeper_own_time;
CPtr service_fault;
// Set by the keeper while service runs on its loan; service gives it back at the end of the request.
bool is_service_on_loan;
bool is_service_running;   // before, the initial thread does its work
bool was_service_stopped;  // told by watch

// How often watch looks, and how many looks there are to one at the supervisor; 0: there is none to look at.
Word watch_period_us = 50000;
Word looks_at_supervisor;

CPtr mint(CPtr from, seL4_CapRights_t rights, Word badge) {
    CPtr const slot = new_slot();
    if (!cnode_mint(path(slot), path(from), rights, badge).ok()) panic("cannot mint a capability of root's own");
    return slot;
}

OwnThread make_own_thread(ThreadMemory& memory, void (*run)(), Word priority, const SchedContextParams& time,
                          CPtr fault_endpoint) {
    return root::make_own_thread(run, {memory.stack, kStackBytes}, memory.buffer, {0, priority, time, fault_endpoint});
}

// --- service: on the caller's time

Tag serve(const Message& message, Words& answer) {
    if (message.badge == kFromFaults) return Tag::make(handle_incident(), 0);
    if (message.badge == kFromTicker) {
        end_late_calls();
        sweep();
        if (__atomic_exchange_n(&watch_is_due, false, __ATOMIC_ACQ_REL)) watch_supervisor();
        bool const restarted = restart_due();
        return Tag::make(is_settled() && restarted ? 0 : 1, 0);
    }
    Domain* const domain = find((message.badge & ~kFromDomain) >> 8);
    Word const thread = message.badge & 0xff;
    if (!domain || thread >= KOS_MAX_THREADS) return Tag::make(KOS_STATUS_BAD_REQUEST, 4);
    if (message.label() == KOS_ROOT_FAULT_NEXT) {
        Word length = 4;
        kos_status_t const status = next_fault(*domain, answer, length);
        return Tag::make(status, length);
    }
    return Tag::make(handle_request(*domain, thread, message, answer), 4);
}

void run_service() {
    is_service_running = true;
    // Passive from here on: the keeper takes the time away that service started with.
    Message message = nb_send_recv(keeper_report, Tag::make(0, 0), Words{}, service_endpoint, service_reply);
    for (;;) {
        Words answer{};
        Tag const tag = serve(message, answer);
        if (__atomic_exchange_n(&was_service_stopped, false, __ATOMIC_ACQ_REL)) {
            log(Level::kWarning, Text().add("a domain took away the time that it had lent to root"));
        }
        if (__atomic_load_n(&is_service_on_loan, __ATOMIC_ACQUIRE)) {
            // On the loan the answer does not take the time away, so it can be reported as free afterwards.
            reply(service_reply, tag, answer);
            message = nb_send_recv(keeper_report, Tag::make(0, 0), Words{}, service_endpoint, service_reply);
        } else {
            message = reply_recv(service_endpoint, service_reply, tag, answer);
        }
    }
}

// --- faults: on time of its own

void run_faults() {
    Message message = recv(faults_endpoint, faults_reply);
    for (;;) {
        incident.badge = message.badge;
        incident.label = message.label();
        incident.is_report = message.badge & kReportMark;
        incident.badge &= ~kReportMark;
        incident.length = message.length();
        for (Word i = 0; i < kIncidentWords; ++i) incident.words[i] = i < message.length() ? message.word(i) : 0;
        Message const answer = call(faults_to_service, Tag::make(0, 0));
        switch (answer.label()) {
            case kResume: message = reply_recv(faults_endpoint, faults_reply, Tag::make(0, 0)); break;
            case kAnswerOk: message = reply_recv(faults_endpoint, faults_reply, Tag::make(KOS_STATUS_OK, 4)); break;
            default: message = recv(faults_endpoint, faults_reply); break;
        }
    }
}

// --- ticker: once per period of its time, while there is something to settle

void run_ticker() {
    for (;;) {
        wait(ticker_wake);
        for (;;) {
            yield();  // to the next period
            __atomic_store_n(&ticker_awake, false, __ATOMIC_RELEASE);
            if (call(ticker_to_service, Tag::make(0, 0)).label() == 0) break;
        }
    }
}

// --- keeper: lends service time when a caller's has ended in the middle of a request

// Told by the registers, as in time.cpp: a message overwrites x0 with its badge, and none is a capability of root's.
bool service_waits() {
    constexpr Word kUpToX7 = 11;
    seL4_UserContext context{};
    if (!tcb_read_registers(service.tcb, Suspend::kNo, kUpToX7, context).ok()) return false;
    auto const number = static_cast<int64_t>(context.x7);
    return (number == seL4_SysReplyRecv || number == seL4_SysNBSendRecv) && context.x0 == service_endpoint;
}

// Whatever time service has, and whoever's it is: it goes home with the answer.
void take_service_time() {
    tcb_set_sched_params(service.tcb, seL4_CapInitThreadTCB,
                         {kKeeperPriority, kServicePriority, kNullCap, service_fault});
    __atomic_store_n(&is_service_on_loan, false, __ATOMIC_RELEASE);
}

void lend_service_time() {
    take_service_time();
    __atomic_store_n(&is_service_on_loan, true, __ATOMIC_RELEASE);
    if (!sched_context_bind(service_loan, service.tcb).ok()) panic("cannot lend time to root's service thread");
    reply(keeper_reply, Tag::make(0, 0));
}

// --- watch: looks whether service and the supervisor go on

// Service without time and not waiting: a domain with kernel_objects has deleted, on another core, the context on which
// service worked for it.
void revive_service() {
    if (service_waits() || !sched_context_bind(service_loan, service.tcb).ok()) return;
    __atomic_store_n(&is_service_on_loan, true, __ATOMIC_RELEASE);
    // Between the two looks it had time, and came to the end of its request: nobody has taken anything away.
    if (service_waits()) return take_service_time();
    __atomic_store_n(&was_service_stopped, true, __ATOMIC_RELEASE);
}

void run_watch() {
    for (Word looks = 0;;) {
        yield();  // to the next period
        revive_service();
        if (looks_at_supervisor == 0 || ++looks < looks_at_supervisor) continue;
        looks = 0;
        // The ticker's time is enough to end a domain and start it again, this thread's is not.
        __atomic_store_n(&watch_is_due, true, __ATOMIC_RELEASE);
        wake_ticker();
    }
}

// --- keeper, once more

void run_keeper() {
    for (;;) {
        Message const message = recv(keeper_endpoint, keeper_reply);
        if (message.badge == kReportBadge) {
            // Service waits in its endpoint: the time that it has is taken back.
            take_service_time();
            // Unless a caller was waiting already: then service is in the middle of the next request, and that caller's
            // time was not lent for it, because service had some. If it has come only now, its time was.
            if (!service_waits() && sched_context_bind(service_loan, service.tcb).ok()) {
                __atomic_store_n(&is_service_on_loan, true, __ATOMIC_RELEASE);
            }
            continue;
        }
        if (message.badge != kOwnTimeBadge && message.label() != seL4_Fault_Timeout) {
            print_directly("root: error: fault in root itself\n");
            log(Level::kError, Text()
                                   .add("fault ")
                                   .add(message.label())
                                   .add(" at ")
                                   .hex(message.word(0))
                                   .add(" address ")
                                   .hex(message.word(1)));
            panic("root's service thread has faulted");
        }
        lend_service_time();
    }
}

}  // namespace

OwnThread make_own_thread(void (*run)(), std::span<uint8_t> stack, uint8_t* buffer, const OwnThreadOptions& options) {
    OwnThread thread;
    thread.tcb = new_object(seL4_TCBObject);
    thread.sched_context = new_object(seL4_SchedContextObject, seL4_MinSchedContextBits);
    CPtr const control = boot_info->schedcontrol.start + options.core;
    seL4_UserContext context{};
    context.pc = reinterpret_cast<Word>(run);
    context.sp = reinterpret_cast<Word>(stack.data() + stack.size());
    context.tpidr_el0 = reinterpret_cast<Word>(buffer);
    bool const done =
        tcb_configure(thread.tcb, {top_cnode, 0, seL4_CapInitThreadVSpace, 0}, context.tpidr_el0,
                      buffer ? image_frame(buffer) : kNullCap)
            .ok() &&
        sched_control_configure(control, thread.sched_context, options.time).ok() &&
        tcb_set_sched_params(thread.tcb, seL4_CapInitThreadTCB,
                             {kKeeperPriority, options.priority, thread.sched_context, options.fault_endpoint})
            .ok() &&
        tcb_write_registers(thread.tcb, Resume::kNo, seL4_UserContext_Words, context).ok();
    if (!done) panic("cannot make a thread of root's own");
    return thread;
}

void wake_ticker() {
    if (__atomic_exchange_n(&ticker_awake, true, __ATOMIC_ACQ_REL)) return;
    signal(ticker_wake);
}

void use_own_time() {
    if (!is_service_running || __atomic_load_n(&is_service_on_loan, __ATOMIC_ACQUIRE)) return;
    call(keeper_own_time, Tag::make(0, 0));
}

void stop_own_threads() {
    for (CPtr const tcb : {watch.tcb, ticker.tcb, faults.tcb, CPtr{seL4_CapInitThreadTCB}, service.tcb}) {
        if (tcb) tcb_suspend(tcb);
    }
}

void make_endpoints() {
    service_endpoint = new_object(seL4_EndpointObject);
    faults_endpoint = new_object(seL4_EndpointObject);
    keeper_endpoint = new_object(seL4_EndpointObject);
    ticker_wake = new_object(seL4_NotificationObject);
    service_reply = new_object(seL4_ReplyObject);
    faults_reply = new_object(seL4_ReplyObject);
    keeper_reply = new_object(seL4_ReplyObject);
    constexpr seL4_CapRights_t kCall = seL4_CanWrite | seL4_CanGrantReply;
    faults_to_service = mint(service_endpoint, kCall, kFromFaults);
    ticker_to_service = mint(service_endpoint, kCall, kFromTicker);
    keeper_report = mint(keeper_endpoint, seL4_CanWrite, kReportBadge);
    keeper_own_time = mint(keeper_endpoint, kCall, kOwnTimeBadge);
    service_fault = mint(keeper_endpoint, kCall, kServiceFaultBadge);
}

void run_threads() {
    // Round robin: a full budget never times out. Faults destroy domains and restart one, which takes what it takes.
    SchedContextParams const time{.budget_us = 10000, .period_us = 10000};
    service = make_own_thread(service_memory, run_service, kServicePriority, time, service_fault);
    if (!tcb_set_timeout_endpoint(service.tcb, service_fault).ok()) panic("no time-out endpoint for service");
    faults = make_own_thread(faults_memory, run_faults, kEventPriority, time, service_fault);
    ticker = make_own_thread(ticker_memory, run_ticker, kEventPriority, {.budget_us = 4000, .period_us = 10000},
                             service_fault);
    service_loan = new_object(seL4_SchedContextObject, seL4_MinSchedContextBits);
    SchedContextParams const loan{.budget_us = 10000, .period_us = 10000};
    if (!sched_control_configure(boot_info->schedcontrol.start, service_loan, loan).ok()) panic("no loan for service");
    tcb_resume(service.tcb);
    tcb_resume(faults.tcb);
    tcb_resume(ticker.tcb);
    if (const Domain* const watched = supervisor(); watched && watched->spec->watchdog_ms) {
        Word const look_us = Word{watched->spec->watchdog_ms} * 1000 / 2;
        if (look_us < watch_period_us) watch_period_us = look_us;
        looks_at_supervisor = look_us / watch_period_us;
    }
    watch = make_own_thread(watch_memory, run_watch, kEventPriority, {.budget_us = 100, .period_us = watch_period_us},
                            service_fault);
    tcb_resume(watch.tcb);
    run_keeper();
    __builtin_unreachable();
}

}  // namespace root
