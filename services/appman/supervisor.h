/*
 * The supervisor: a state machine over all domains. Events and time go in, orders to root come out (Actions).
 *
 * No I/O and no clock of its own; every method takes the time. Decides when domains are started, stopped, killed and
 * restarted, and with whom. Restart rules are OTP's: strategies, intensity within a period, escalation to the group
 * above.
 *
 *   STOPPED ──wanted──▶ WAITING ──dependencies ready, back-off over──▶ STARTING ──ready──▶ READY
 *      ▲                   ▲                                              │                  │
 *      └──not wanted──  (down)  ◀──────────── ended ─────── STOPPING ◀────┴── to go down ────┘
 *
 * DONE is a domain that has ended by itself and is not restarted (transient, temporary).
 */
#ifndef KOS_SERVICES_APPMAN_SUPERVISOR_H_
#define KOS_SERVICES_APPMAN_SUPERVISOR_H_

#include <kos/abi.h>
#include <kos/ports.h>
#include <kos/status.h>

#include <stdint.h>

#include "rules.h"

namespace kos::appman {

// What happened, for the log.
enum class Incident : uint8_t {
    kEnded,
    kHung,
    kStartFailed,
    kNotReady,
    kNotEnded,
    kEscalated,
    kDelayed,
    kMode,
    kReboot,
    kRefused
};

class Actions {
public:
    // Starts a domain. On success *instance is the number of the new instance.
    virtual kos_status_t start(unsigned domain, unsigned mode, uint32_t* instance) = 0;
    // Destroys it; done when it returns OK. `reason`: KOS_EXIT_KILLED or KOS_EXIT_HUNG.
    virtual kos_status_t kill(unsigned domain, uint8_t reason) = 0;
    virtual void request_stop(unsigned domain) = 0;
    // Health: puts the question and signals it; reads the answer and the counter of signs of life.
    virtual void ask(unsigned domain, uint32_t question) = 0;
    virtual uint32_t answer(unsigned domain, uint32_t* alive) = 0;
    // The domain has ended: the directory forgets it.
    virtual void domain_down(unsigned domain, uint32_t instance) = 0;
    // Does not return if it can be done.
    virtual kos_status_t reboot() = 0;
    // `number`: reason of the end, group, mode or status, as the incident says.
    virtual void report(Incident incident, unsigned domain, uint64_t number) = 0;

protected:
    ~Actions() = default;
};

// State of a domain as root tells it to a new appman.
struct DomainStatus {
    kos_domain_state state = KOS_DOMAIN_STOPPED;
    uint32_t instance = 0;
    uint8_t reason = KOS_EXIT_NONE;  // of the last end
};

// What a new appman has to know of its predecessor.
struct Snapshot {
    uint32_t mode = 0;
    DomainMask off = 0;       // stopped by request
    DomainMask finished = 0;  // ended by themselves for good
    DomainMask going_down = 0;
    DomainMask running = 0;
    DomainMask hold[KOS_MAX_DOMAINS] = {};
    uint64_t not_before[KOS_MAX_DOMAINS] = {};
    uint32_t instance[KOS_MAX_DOMAINS] = {};
    uint32_t restarts[KOS_MAX_DOMAINS] = {};
    uint8_t last_reason[KOS_MAX_DOMAINS] = {};
    // Times of the last restarts of each group, the latest one at index 0; 0: none.
    uint64_t history[kMaxGroups + 1][kMaxIntensity] = {};
};

class Supervisor {
public:
    Supervisor(const Rules& rules, Actions& actions) : rules_(rules), actions_(actions) {}

    // First of all: nothing runs yet, or, with the predecessor's snapshot, everything goes on as it is. `statuses` by
    // domain.
    void begin(uint64_t now);
    void take_over(const Snapshot& snapshot, const DomainStatus* statuses, uint64_t now);

    // Events of root. Those of an instance other than the present one are ignored.
    void ready(unsigned domain, uint32_t instance, uint64_t now);
    void ended(unsigned domain, uint32_t instance, uint8_t reason, uint64_t now);

    // Requests. CONFLICT: not part of the mode, or stopped by request. NOT_FOUND: no such domain or mode.
    kos_status_t start(unsigned domain, uint64_t now);
    kos_status_t stop(unsigned domain);
    kos_status_t restart(unsigned domain, uint64_t now);
    kos_status_t switch_mode(unsigned mode);

    // Does everything that is due. To be called after events, requests, and when next_wake() has come.
    void run(uint64_t now);
    uint64_t next_wake() const;  // UINT64_MAX: only events

    unsigned mode() const { return saved_.mode; }
    kos_appman_state state(unsigned domain) const { return domains_[domain].state; }
    uint32_t instance(unsigned domain) const { return saved_.instance[domain]; }
    uint32_t restarts(unsigned domain) const { return saved_.restarts[domain]; }
    uint8_t last_reason(unsigned domain) const { return saved_.last_reason[domain]; }

    // To be stored when `take_changed` says so.
    const Snapshot& snapshot() const { return saved_; }
    bool take_changed() {
        const bool changed = changed_;
        changed_ = false;
        return changed;
    }

private:
    struct Domain {
        kos_appman_state state = KOS_APPMAN_STOPPED;
        uint64_t deadline = UINT64_MAX;  // STARTING: to be ready; STOPPING: to have ended
        uint64_t ask_at = UINT64_MAX;    // READY: next question
        uint64_t asked_at = 0;
        uint32_t question = 0;
        uint32_t alive = 0;
        bool is_asked = false;  // a question is open
    };

    bool is_present(unsigned domain) const { return domain < KOS_MAX_DOMAINS && (rules_.present & bit(domain)) != 0; }
    bool in_mode(unsigned domain) const { return (rules_.domains[domain].mode_mask >> saved_.mode & 1) != 0; }
    bool is_wanted(unsigned domain) const {
        return in_mode(domain) && ((saved_.off | saved_.finished) & bit(domain)) == 0;
    }
    bool is_running(unsigned domain) const {
        const kos_appman_state state = domains_[domain].state;
        return state == KOS_APPMAN_STARTING || state == KOS_APPMAN_READY || state == KOS_APPMAN_STOPPING;
    }
    bool dependencies_ready(unsigned domain) const;
    bool is_needed_while_stopping(unsigned domain) const;

    void set_ready(unsigned domain, uint64_t now);
    void down(unsigned domain, uint8_t reason, bool failed, uint64_t now);
    void failure(unsigned group, DomainMask member, uint64_t now);
    void escalate(unsigned group, DomainMask member, uint64_t now);
    void restart_set(DomainMask set, uint64_t not_before);
    void forget_history(unsigned group);
    bool settle(uint64_t now);
    bool stop_due(uint64_t now);
    bool start_due(uint64_t now);
    bool kill(unsigned domain, uint8_t reason, bool failed, uint64_t now);
    void check_health(unsigned domain, uint64_t now);

    const Rules& rules_;
    Actions& actions_;
    Domain domains_[KOS_MAX_DOMAINS];
    Snapshot saved_;
    bool changed_ = false;
};

}  // namespace kos::appman

#endif
