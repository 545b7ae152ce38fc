#include "supervisor.h"

namespace kos::appman {
namespace {

// Calls each(domain) for the bits of a mask, lowest first.
template <typename Each>
void for_each_domain(DomainMask mask, Each each) {
    for (; mask != 0; mask &= mask - 1) each(static_cast<unsigned>(__builtin_ctzll(mask)));
}

uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }
uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

// Who is restarted when `member` fails.
DomainMask affected(const GroupRule& rule, DomainMask member) {
    if (rule.strategy == manifest::Strategy::kOneForAll) return rule.domains;
    if (rule.strategy == manifest::Strategy::kOneForOne) return member;
    DomainMask set = 0;
    for (unsigned i = 0; i < rule.member_count; ++i) {
        if (set != 0 || (rule.members[i] & member) != 0) set |= rule.members[i];
    }
    return set;
}

}  // namespace

void Supervisor::begin(uint64_t now) {
    saved_ = {};
    changed_ = true;
    run(now);
}

void Supervisor::take_over(const Snapshot& snapshot, const DomainStatus* statuses, uint64_t now) {
    saved_ = snapshot;
    changed_ = true;
    if (saved_.mode >= rules_.mode_count) saved_.mode = 0;
    const DomainMask ran = saved_.running;
    saved_.running = 0;
    DomainMask replaced = 0;
    for_each_domain(rules_.present, [&](unsigned domain) {
        const DomainStatus& status = statuses[domain];
        if (status.state != KOS_DOMAIN_STARTING && status.state != KOS_DOMAIN_READY) return;
        // The predecessor has started it and did not live to note it: what was to go down has gone down.
        if (saved_.instance[domain] != status.instance) replaced |= bit(domain);
        saved_.instance[domain] = status.instance;
        saved_.running |= bit(domain);
        domains_[domain].state = KOS_APPMAN_STARTING;
        domains_[domain].deadline = now + rules_.start_timeout_ticks;
        if (status.state == KOS_DOMAIN_READY) set_ready(domain, now);
    });
    const DomainMask same = saved_.running & ~replaced;
    for_each_domain(rules_.present, [&](unsigned domain) { saved_.hold[domain] &= same; });
    saved_.going_down &= same;
    if ((saved_.finished & rules_.present) != 0) {
        for_each_domain(saved_.finished & rules_.present & ~saved_.running,
                        [&](unsigned domain) { domains_[domain].state = KOS_APPMAN_DONE; });
    }
    // Who ran when the predecessor last looked and no longer does has ended meanwhile: as if the event came now.
    for_each_domain(ran & ~saved_.running & rules_.present, [&](unsigned domain) {
        const bool was_to_end = (snapshot.going_down & bit(domain)) != 0;
        domains_[domain].state = KOS_APPMAN_READY;
        down(domain, statuses[domain].reason, !was_to_end, now);
    });
    run(now);
}

void Supervisor::set_ready(unsigned domain, uint64_t now) {
    Domain& d = domains_[domain];
    d.state = KOS_APPMAN_READY;
    d.deadline = UINT64_MAX;
    d.is_asked = false;
    const uint64_t watchdog = rules_.domains[domain].watchdog_ticks;
    d.ask_at = watchdog == 0 ? UINT64_MAX : now + watchdog / 2;
}

void Supervisor::ready(unsigned domain, uint32_t instance, uint64_t now) {
    if (!is_present(domain) || instance != saved_.instance[domain]) return;
    if (domains_[domain].state == KOS_APPMAN_STARTING) set_ready(domain, now);
}

void Supervisor::ended(unsigned domain, uint32_t instance, uint8_t reason, uint64_t now) {
    if (!is_present(domain) || instance != saved_.instance[domain] || !is_running(domain)) return;
    down(domain, reason, (saved_.going_down & bit(domain)) == 0, now);
}

// `domain` has ended. `failed`: by itself, not because it was told to.
void Supervisor::down(unsigned domain, uint8_t reason, bool failed, uint64_t now) {
    Domain& d = domains_[domain];
    d = Domain{.state = KOS_APPMAN_STOPPED, .question = d.question};
    saved_.last_reason[domain] = reason;
    saved_.running &= ~bit(domain);
    saved_.going_down &= ~bit(domain);
    for_each_domain(rules_.present, [&](unsigned other) { saved_.hold[other] &= ~bit(domain); });
    changed_ = true;
    actions_.domain_down(domain, saved_.instance[domain]);
    if (!failed) return;
    actions_.report(Incident::kEnded, domain, reason);
    if (!is_wanted(domain)) return;
    const manifest::Restart restart = rules_.domains[domain].restart;
    const bool is_regular = reason == KOS_EXIT_DONE;
    if (restart == manifest::Restart::kTemporary || (restart == manifest::Restart::kTransient && is_regular)) {
        saved_.finished |= bit(domain);
        d.state = KOS_APPMAN_DONE;
        return;
    }
    failure(rules_.domains[domain].group, bit(domain), now);
}

// A member of `group` has failed; `member` is the domains that it stands for.
void Supervisor::failure(unsigned group, DomainMask member, uint64_t now) {
    const GroupRule& rule = rules_.groups[group];
    uint64_t* const history = saved_.history[group];
    // The restart that has to be older than the period, so that one more is within the intensity.
    const uint64_t limiting = rule.intensity == 0 ? 0 : history[rule.intensity - 1];
    const bool is_above = rule.intensity == 0 || (limiting != 0 && limiting + rule.period_ticks > now);
    if (is_above && group != kRootGroup) {
        escalate(group, member, now);
        return;
    }
    unsigned recent = 0;
    while (recent < kMaxIntensity && history[recent] != 0 && history[recent] + rule.period_ticks > now) ++recent;
    uint64_t at = now;
    if (rule.back_off_count != 0) {
        at += rule.back_off_ticks[recent < rule.back_off_count ? recent : rule.back_off_count - 1];
    }
    if (is_above) {
        // There is nobody above the root group: the restart waits until it is within the intensity.
        at = later(at, limiting + rule.period_ticks);
        actions_.report(Incident::kDelayed, static_cast<unsigned>(__builtin_ctzll(member)), at - now);
    }
    for (unsigned i = kMaxIntensity - 1; i > 0; --i) history[i] = history[i - 1];
    history[0] = at == 0 ? 1 : at;

    restart_set(affected(rule, member), at);
}

void Supervisor::escalate(unsigned group, DomainMask member, uint64_t now) {
    const GroupRule& rule = rules_.groups[group];
    const auto domain = static_cast<unsigned>(__builtin_ctzll(member));
    actions_.report(Incident::kEscalated, domain, group);
    // Whatever is done now is a new beginning for this group.
    forget_history(group);
    if (rule.escalation == manifest::Escalation::kMode && saved_.mode != rule.escalation_mode) {
        if (kos_status_is_ok(switch_mode(rule.escalation_mode))) {
            restart_set(affected(rule, member), now);
            return;
        }
    }
    if (rule.escalation == manifest::Escalation::kReboot) {
        actions_.report(Incident::kReboot, domain, group);
        const kos_status_t status = actions_.reboot();
        // Still here: the machine cannot be restarted. The group above is the next best.
        actions_.report(Incident::kRefused, domain, status);
    }
    failure(rule.parent, rule.domains, now);
}

void Supervisor::forget_history(unsigned group) {
    uint64_t groups = rules_.groups[group].groups | uint64_t{1} << group;
    for (unsigned i = 0; i < kMaxGroups; ++i) {
        if ((groups >> i & 1) == 0) continue;
        for (uint64_t& time : saved_.history[i]) time = 0;
    }
}

// All of `set` go down; nobody of them is started before all are down and `not_before` has come.
void Supervisor::restart_set(DomainMask set, uint64_t not_before) {
    changed_ = true;
    set &= rules_.present;
    const DomainMask running = set & saved_.running;
    for_each_domain(set, [&](unsigned domain) {
        const bool is_temporary = rules_.domains[domain].restart == manifest::Restart::kTemporary;
        if (is_temporary) {
            // Goes down with the others and is not started again.
            if ((running & bit(domain)) != 0) saved_.finished |= bit(domain);
            return;
        }
        saved_.finished &= ~bit(domain);
        saved_.hold[domain] |= running;
        saved_.not_before[domain] = later(saved_.not_before[domain], not_before);
        if (is_wanted(domain)) ++saved_.restarts[domain];
    });
    saved_.going_down |= running;
}

kos_status_t Supervisor::start(unsigned domain, uint64_t now) {
    if (!is_present(domain)) return KOS_STATUS_NOT_FOUND;
    if (!in_mode(domain)) return KOS_STATUS_CONFLICT;
    saved_.off &= ~bit(domain);
    saved_.finished &= ~bit(domain);
    saved_.not_before[domain] = now;
    changed_ = true;
    return KOS_STATUS_OK;
}

kos_status_t Supervisor::stop(unsigned domain) {
    if (!is_present(domain)) return KOS_STATUS_NOT_FOUND;
    saved_.off |= bit(domain);
    changed_ = true;
    return KOS_STATUS_OK;
}

kos_status_t Supervisor::restart(unsigned domain, uint64_t now) {
    if (!is_present(domain)) return KOS_STATUS_NOT_FOUND;
    if (!in_mode(domain) || (saved_.off & bit(domain)) != 0) return KOS_STATUS_CONFLICT;
    saved_.finished &= ~bit(domain);
    saved_.not_before[domain] = now;
    if (is_running(domain)) {
        saved_.going_down |= bit(domain);
        ++saved_.restarts[domain];
    }
    changed_ = true;
    return KOS_STATUS_OK;
}

kos_status_t Supervisor::switch_mode(unsigned mode) {
    if (mode >= rules_.mode_count) return KOS_STATUS_NOT_FOUND;
    if (mode == saved_.mode) return KOS_STATUS_OK;
    for_each_domain(rules_.present, [&](unsigned domain) {
        // Who was not part of the old mode starts afresh in the new one; all others stay as they are.
        if (in_mode(domain)) return;
        saved_.finished &= ~bit(domain);
        saved_.not_before[domain] = 0;
    });
    saved_.mode = mode;
    changed_ = true;
    actions_.report(Incident::kMode, 0, mode);
    return KOS_STATUS_OK;
}

bool Supervisor::dependencies_ready(unsigned domain) const {
    bool is_ready = true;
    for_each_domain(rules_.domains[domain].depends, [&](unsigned server) {
        // Nobody waits for what is not going to run.
        if (is_wanted(server) && domains_[server].state != KOS_APPMAN_READY) is_ready = false;
    });
    return is_ready;
}

// Somebody who depends on `domain` is going down and not down yet.
bool Supervisor::is_needed_while_stopping(unsigned domain) const {
    bool is_needed = false;
    for_each_domain(saved_.going_down & saved_.running, [&](unsigned other) {
        if ((rules_.domains[other].depends & bit(domain)) != 0) is_needed = true;
    });
    return is_needed;
}

// Brings states in line with what is wanted. True if something changed.
bool Supervisor::settle(uint64_t) {
    bool did_change = false;
    for_each_domain(rules_.present, [&](unsigned domain) {
        Domain& d = domains_[domain];
        const bool wanted = is_wanted(domain);
        const kos_appman_state before = d.state;
        if (!is_running(domain)) {
            d.state = wanted ? KOS_APPMAN_WAITING : KOS_APPMAN_STOPPED;
            if ((saved_.finished & bit(domain)) != 0 && in_mode(domain)) d.state = KOS_APPMAN_DONE;
        } else if (!wanted && (saved_.going_down & bit(domain)) == 0) {
            saved_.going_down |= bit(domain);
            changed_ = did_change = true;
        }
        if (d.state != before) did_change = true;
    });
    return did_change;
}

bool Supervisor::kill(unsigned domain, uint8_t reason, bool failed, uint64_t now) {
    const kos_status_t status = actions_.kill(domain, reason);
    if (!kos_status_is_ok(status)) {
        actions_.report(Incident::kRefused, domain, status);
        domains_[domain].deadline = now + rules_.retry_ticks;
        return false;
    }
    down(domain, reason, failed, now);
    return true;
}

bool Supervisor::stop_due(uint64_t now) {
    bool did_change = false;
    for (unsigned i = rules_.order_count; i-- > 0;) {
        const unsigned domain = rules_.order[i];
        Domain& d = domains_[domain];
        if (!is_running(domain)) continue;
        const bool goes_down = (saved_.going_down & bit(domain)) != 0;
        if (d.state == KOS_APPMAN_STOPPING) {
            if (now < d.deadline) continue;
            actions_.report(Incident::kNotEnded, domain, 0);
            did_change |= kill(domain, KOS_EXIT_KILLED, false, now);
        } else if (goes_down && !is_needed_while_stopping(domain)) {
            d.deadline = now;
            d.ask_at = UINT64_MAX;
            const bool can_be_asked = d.state == KOS_APPMAN_READY && rules_.domains[domain].shutdown_ticks != 0;
            d.state = KOS_APPMAN_STOPPING;
            did_change = true;
            if (can_be_asked) {
                d.deadline = now + rules_.domains[domain].shutdown_ticks;
                actions_.request_stop(domain);
            } else {
                kill(domain, KOS_EXIT_KILLED, false, now);
            }
        } else if (d.state == KOS_APPMAN_STARTING && !goes_down && now >= d.deadline) {
            actions_.report(Incident::kNotReady, domain, 0);
            did_change |= kill(domain, KOS_EXIT_HUNG, true, now);
        } else if (d.state == KOS_APPMAN_READY && !goes_down) {
            check_health(domain, now);
            did_change |= !is_running(domain);
        }
    }
    return did_change;
}

void Supervisor::check_health(unsigned domain, uint64_t now) {
    Domain& d = domains_[domain];
    const uint64_t watchdog = rules_.domains[domain].watchdog_ticks;
    if (watchdog == 0 || now < d.ask_at) return;
    if (d.is_asked) {
        uint32_t alive = 0;
        const bool is_answered = actions_.answer(domain, &alive) == d.question;
        if (!is_answered && alive == d.alive) {
            // A supervisor that comes late itself blames nobody: whoever did not let it run did not let others run
            // either.
            const uint64_t late = now - d.ask_at;
            if (late > watchdog / 4) d.asked_at = later(d.asked_at + late, now - watchdog / 2);
            if (now - d.asked_at < watchdog) {
                d.ask_at = earlier(d.asked_at + watchdog, now + watchdog / 4 + 1);
                return;
            }
            actions_.report(Incident::kHung, domain, 0);
            // Root may refuse: then again a little later.
            if (!kill(domain, KOS_EXIT_HUNG, true, now)) d.ask_at = now + rules_.retry_ticks;
            return;
        }
    }
    ++d.question;
    (void)actions_.answer(domain, &d.alive);
    d.is_asked = true;
    d.asked_at = now;
    d.ask_at = now + watchdog / 2 + 1;
    actions_.ask(domain, d.question);
}

bool Supervisor::start_due(uint64_t now) {
    bool did_change = false;
    for (unsigned i = 0; i < rules_.order_count; ++i) {
        const unsigned domain = rules_.order[i];
        Domain& d = domains_[domain];
        if (d.state != KOS_APPMAN_WAITING || saved_.hold[domain] != 0 || now < saved_.not_before[domain]) continue;
        if (!dependencies_ready(domain)) continue;
        did_change = changed_ = true;
        uint32_t instance = 0;
        const kos_status_t status = actions_.start(domain, saved_.mode, &instance);
        if (kos_status_is_ok(status)) {
            saved_.instance[domain] = instance;
            saved_.running |= bit(domain);
            d.state = KOS_APPMAN_STARTING;
            d.deadline = now + rules_.start_timeout_ticks;
            continue;
        }
        actions_.report(Incident::kStartFailed, domain, status);
        const bool lacks_memory = status == KOS_STATUS_NOT_ENOUGH_MEMORY;
        // Not at once again, whatever the group's back-off says: nothing has changed meanwhile.
        saved_.not_before[domain] = now + rules_.retry_ticks;
        down(domain, lacks_memory ? KOS_EXIT_MEMORY : KOS_EXIT_IMAGE, true, now);
        // That may have changed the mode and with it who is wanted.
        return true;
    }
    return did_change;
}

void Supervisor::run(uint64_t now) {
    // Ends: a domain that cannot be started or killed is tried again later only. The bound is for our own mistakes.
    for (unsigned round = 0; round < 4 * KOS_MAX_DOMAINS; ++round) {
        bool did_change = settle(now);
        did_change |= stop_due(now);
        did_change |= settle(now);
        did_change |= start_due(now);
        if (!did_change) return;
    }
}

uint64_t Supervisor::next_wake() const {
    uint64_t wake = UINT64_MAX;
    for_each_domain(rules_.present, [&](unsigned domain) {
        const Domain& d = domains_[domain];
        if (d.state == KOS_APPMAN_STOPPING) wake = earlier(wake, d.deadline);
        // Who is to go down and waits for those who depend on it is woken by their end.
        const bool goes_down = (saved_.going_down & bit(domain)) != 0;
        if (d.state == KOS_APPMAN_STARTING && !goes_down) wake = earlier(wake, d.deadline);
        if (d.state == KOS_APPMAN_READY && !goes_down) wake = earlier(wake, d.ask_at);
        if (d.state == KOS_APPMAN_WAITING && saved_.hold[domain] == 0 && dependencies_ready(domain)) {
            wake = earlier(wake, saved_.not_before[domain]);
        }
    });
    return wake;
}

}  // namespace kos::appman
