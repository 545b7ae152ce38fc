// Root looks after the supervisor, who looks after all others: restarts it when it ends, and ends it when it hangs
// (domain.h).
#include "console.h"
#include "domain.h"

namespace root {

using namespace kos::sel4;

namespace {

// Restarts: the first one at once, then after 20, 40, ... ms while they follow one another quickly.
struct {
    Word due = 0;   // in ticks; 0: none
    Word last = 0;  // when it was started last
    unsigned quick = 0;
    Domain* domain = nullptr;
} restart;

constexpr unsigned kMaxDoublings = 7;  // 1.3 s: meanwhile nobody restarts anybody
constexpr Word kQuickSeconds = 10;

// Signs of life.
struct {
    uint32_t instance = 0;
    uint32_t question = 0;
    bool was_ready = false;
    Word alive_at = 0;    // ticks: when it answered last, became ready, or was first looked at
    unsigned silent = 0;  // looks since then
} watch;

constexpr Word kStartSeconds = 30;  // as long as the supervisor gives others

}  // namespace

void restart_later(Domain& domain) {
    Word const now = ticks();
    bool const is_quick = restart.last && now - restart.last < kQuickSeconds * ticks_per_second();
    restart.quick = is_quick ? restart.quick + 1 : 0;
    Word const doublings = restart.quick < kMaxDoublings ? restart.quick : kMaxDoublings;
    restart.domain = &domain;
    restart.due = now + (restart.quick ? ticks_per_second() / 100 << doublings : 0);
    restart_due();
}

bool restart_due() {
    if (restart.due == 0 || restart.due > ticks()) return restart.due == 0;
    restart.due = 0;
    restart.last = ticks();
    start(*restart.domain);
    return true;
}

Domain* supervisor() {
    for (Domain& domain : the_system.domains) {
        if (domain.spec && domain.spec->rights & kos::manifest::kRightControl) return &domain;
    }
    return nullptr;
}

void watch_supervisor() {
    Domain* const domain = supervisor();
    if (!domain || (domain->state != KOS_DOMAIN_STARTING && domain->state != KOS_DOMAIN_READY)) return;
    kos_life_t& life = life_of(*domain);
    Word const now = ticks();
    bool const is_new = watch.instance != domain->instance;
    bool const is_ready = domain->state == KOS_DOMAIN_READY;
    bool const has_answered = is_ready && __atomic_load_n(&life.answer, __ATOMIC_ACQUIRE) == watch.question;
    if (is_new) watch.question = 0;
    bool const has_moved = is_new || has_answered || is_ready != watch.was_ready;
    if (has_moved) watch.alive_at = now;
    watch.silent = has_moved ? 0 : watch.silent + 1;
    watch.instance = domain->instance;
    watch.was_ready = is_ready;
    Word const limit =
        is_ready ? ticks_per_second() / 1000 * domain->spec->watchdog_ms : ticks_per_second() * kStartSeconds;
    // Looked twice: when the whole machine stood still, it had no chance to answer.
    if (watch.silent >= 2 && now - watch.alive_at >= limit) {
        end_hung(*domain);
    } else if (is_new || has_answered) {
        __atomic_store_n(&life.question, ++watch.question, __ATOMIC_RELEASE);
        signal(domain->signal_health);
    }
}

}  // namespace root
