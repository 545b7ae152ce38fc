// The end of a domain, and what appman is told about domains (domain.h).
#include "console.h"
#include "domain.h"
#include "push.h"
#include "threads.h"
#include "tokens.h"

namespace root {

using namespace kos::sel4;

namespace {

// At most one of each kind per domain, so that no event is ever lost for want of room.
struct Pending {
    bool ready = false;
    bool ended = false;
    uint32_t ready_instance = 0;
    uint32_t ended_instance = 0;
    kos_exit_reason reason = KOS_EXIT_NONE;
};
Pending pending[KOS_MAX_DOMAINS];

bool is_log(const Domain& domain) {
    uint32_t const port = kos::manifest::find_port(the_system.manifest, "log");
    return port && the_system.manifest.ports[port].server == domain.number;
}

// The ring bit of root's own ring at the log service: behind its other rings.
CPtr log_signal(const Domain& domain) {
    static CPtr minted;
    if (minted) return minted;
    unsigned rings = 0;
    for (uint32_t i = 0; i < the_system.manifest.ring_count; ++i) {
        const auto& ring = the_system.manifest.rings[i];
        rings += ring.producer == domain.number || ring.consumer == domain.number;
    }
    minted = new_slot();
    Word const badge = KOS_BADGE_NOTIFICATION | 1ull << (KOS_SIGNAL_RING_0 + rings % KOS_SIGNAL_RING_COUNT);
    if (!cnode_mint(path(minted), path(domain.notification), seL4_CanWrite, badge).ok()) return kNullCap;
    return minted;
}

void signal_control() {
    for (const Domain& domain : the_system.domains) {
        if (domain.spec && domain.spec->rights & kos::manifest::kRightControl) signal(domain.signal_events);
    }
}

}  // namespace

void tell_ready(Domain& domain) {
    if (domain.state != KOS_DOMAIN_STARTING) return;
    domain.state = KOS_DOMAIN_READY;
    if (is_log(domain)) log_to_service(log_signal(domain));
    Pending& events = pending[domain.number];
    events.ready = true;
    events.ready_instance = domain.instance;
    signal_control();
}

bool next_event(Event& event) {
    for (Word number = 1; number < KOS_MAX_DOMAINS; ++number) {
        Pending& events = pending[number];
        if (events.ended && !(events.ready && events.ready_instance <= events.ended_instance)) {
            events.ended = false;
            event = {KOS_EVENT_ENDED, number, Word{events.ended_instance} << 32 | events.reason};
            return true;
        }
        if (events.ready) {
            events.ready = false;
            event = {KOS_EVENT_READY, number, Word{events.ready_instance} << 32};
            return true;
        }
    }
    return false;
}

void destroy(Domain& domain, kos_exit_reason reason) {
    if (domain.state == KOS_DOMAIN_STOPPED || domain.state == KOS_DOMAIN_FAILED) return;
    use_own_time();
    if (is_log(domain)) log_to_service(kNullCap);
    for (Word n = 0; n < KOS_MAX_THREADS; ++n) {
        if (domain.threads[n].state != Thread::State::kNone || domain.threads[n].stack_base) {
            tcb_suspend(thread_cap(domain.number, n, kThreadTcb));
        }
    }
    revoke_grants(domain);
    // Whoever was being served is told; whoever waits in the endpoint waits for the next instance.
    for (Word i = 0; i < domain.spec->replies; ++i) {
        // Not blocking: of a domain whose start has failed there may be none.
        nb_send(domain_cap(domain.number, kSlotReplies + i), Tag::make(KOS_STATUS_PEER_GONE, 4));
    }
    revoke_tokens_of(domain.number);
    Result const revoked = cnode_revoke(path(domain.untyped));
    if (!revoked.ok()) panic("the kernel refuses to revoke a domain's memory: ", domain.spec->name);
    judge_version(domain, reason);
    drop_deadlines(domain);
    for (Thread& thread : domain.threads) thread = Thread{};
    domain.thread_count = 0;
    domain.used_bytes = 0;
    bool const is_failure = reason != KOS_EXIT_DONE && reason != KOS_EXIT_KILLED;
    domain.state = is_failure ? KOS_DOMAIN_FAILED : KOS_DOMAIN_STOPPED;
    domain.end_reason = reason;
    leave_streams(domain);
    sweep();
    Pending& events = pending[domain.number];
    events.ended = true;
    events.ended_instance = domain.instance;
    events.reason = reason;
    signal_control();
}

}  // namespace root
