/*
 * What has changed of domains, and who waits to be told (the request `watch`).
 *
 * Its memory does not depend on what clients do: a number for each domain, one bit and one mask for each client. Nobody
 * is waited for: who waits gets a signal, and asks.
 */
#ifndef KOS_SERVICES_APPMAN_CHANGES_H_
#define KOS_SERVICES_APPMAN_CHANGES_H_

#include "supervisor.h"

namespace kos::appman {

class Changes {
public:
    // `instance`: of appman itself, so that nobody takes numbers of its predecessor for its own. Who waited there is
    // not known: everybody is told.
    explicit Changes(uint32_t instance)
        : first_(uint64_t{instance} << 32 | 1), last_(first_), due_(instance > 1 ? ~DomainMask{0} : 0) {
        for (uint64_t& number : changed_) number = first_;
    }

    // Compares all domains with what they were when it looked last.
    void look(const Supervisor& supervisor);
    // The number of the last change.
    uint64_t last() const { return last_; }
    // Whether the domain has changed since the number was the last one. Of a number that never was: yes.
    bool is_after(unsigned domain, uint64_t since) const {
        return since < first_ || since > last_ || changed_[domain] > since;
    }

    // `client` waits for the next change of one of `domains`, instead of for what it waited for until now.
    void wait(unsigned client, DomainMask domains) {
        if (client >= KOS_MAX_DOMAINS) return;
        waits_for_[client] = domains;
        due_ &= ~bit(client);
    }
    // The clients for whom a change has come since they began to wait.
    DomainMask take_due() {
        const DomainMask due = due_;
        due_ = 0;
        return due;
    }

private:
    struct Seen {
        kos_appman_state state = KOS_APPMAN_STOPPED;
        uint32_t instance = 0, restarts = 0;
        uint8_t reason = 0;
        bool operator==(const Seen&) const = default;
    };
    const uint64_t first_;
    uint64_t last_;
    uint64_t changed_[KOS_MAX_DOMAINS];
    Seen seen_[KOS_MAX_DOMAINS];
    DomainMask waits_for_[KOS_MAX_DOMAINS] = {};
    DomainMask due_;
};

}  // namespace kos::appman

#endif
