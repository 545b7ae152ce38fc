#include "changes.h"

namespace kos::appman {

void Changes::look(const Supervisor& supervisor) {
    DomainMask changed = 0;
    for (unsigned domain = 1; domain < KOS_MAX_DOMAINS; ++domain) {
        const Seen now{supervisor.state(domain), supervisor.instance(domain), supervisor.restarts(domain),
                       supervisor.last_reason(domain)};
        if (now == seen_[domain]) continue;
        seen_[domain] = now;
        changed_[domain] = ++last_;
        changed |= bit(domain);
    }
    for (unsigned client = 1; client < KOS_MAX_DOMAINS && changed != 0; ++client) {
        if ((waits_for_[client] & changed) == 0) continue;
        waits_for_[client] = 0;
        due_ |= bit(client);
    }
}

}  // namespace kos::appman
