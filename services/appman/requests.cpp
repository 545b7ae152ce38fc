#include "requests.h"

#include <kos/ports.h>

namespace kos::appman {

// C programs know the same by kos/ports.h.
static_assert(sizeof(kos_appman_domain_t) == sizeof(kos_appman_entry_t));

kos_status_t Requests::call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer) {
    now_ = now;
    return dispatch(caller, request, answer);
}

idl::Result<unsigned> Requests::find(const Caller& caller, Verb verb, std::string_view name) const {
    unsigned domain = 0;
    for (unsigned i = 1; i < KOS_MAX_DOMAINS; ++i) {
        if (manifest_.domains[i].name != nullptr && name == manifest_.domains[i].name) domain = i;
    }
    // Who may not ask about a domain does not learn either whether there is one.
    if (!access_.may(caller.domain, verb, domain)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    if (domain == 0) return idl::Failure{KOS_STATUS_NOT_FOUND};
    return domain;
}

idl::Result<kos_appman_domain_t> Requests::status(const Caller& caller, std::string_view name) {
    const auto domain = find(caller, Verb::kStatus, name);
    if (!domain.ok()) return idl::Failure{domain.status()};
    return entry(*domain);
}

idl::Result<void> Requests::start(const Caller& caller, std::string_view name) {
    const auto domain = find(caller, Verb::kStart, name);
    return idl::Result<void>(domain.ok() ? supervisor_.start(*domain, now_) : domain.status());
}

idl::Result<void> Requests::stop(const Caller& caller, std::string_view name) {
    const auto domain = find(caller, Verb::kStop, name);
    return idl::Result<void>(domain.ok() ? supervisor_.stop(*domain) : domain.status());
}

idl::Result<void> Requests::restart(const Caller& caller, std::string_view name) {
    const auto domain = find(caller, Verb::kRestart, name);
    return idl::Result<void>(domain.ok() ? supervisor_.restart(*domain, now_) : domain.status());
}

idl::Result<idl::appman::ListAnswer> Requests::list(const Caller& caller, uint64_t first) {
    if (!access_.may_list(caller.domain)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    constexpr unsigned kMost = sizeof entries_ / sizeof entries_[0];
    uint64_t next = 0;
    unsigned count = 0;
    unsigned index = 0;
    for (unsigned domain = 1; domain < KOS_MAX_DOMAINS; ++domain) {
        if (manifest_.domains[domain].name == nullptr || index++ < first) continue;
        if (count == kMost) {
            next = first + count;
            break;
        }
        entries_[count++] = entry(domain);
    }
    return idl::appman::ListAnswer{next, {entries_, count}};
}

idl::Result<uint64_t> Requests::mode(const Caller& caller, std::string_view name) {
    if (name.empty()) {
        if (!access_.may_list(caller.domain)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
        return uint64_t{supervisor_.mode()};
    }
    for (unsigned mode = 0; mode < manifest_.mode_count; ++mode) {
        if (name != manifest_.modes[mode]) continue;
        if (!access_.may_switch(caller.domain, mode)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
        const kos_status_t switched = supervisor_.switch_mode(mode);
        if (!kos_status_is_ok(switched)) return idl::Failure{switched};
        return uint64_t{mode};
    }
    if (!access_.may_switch(caller.domain, 0)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    return idl::Failure{KOS_STATUS_NOT_FOUND};
}

idl::Result<kos_appman_accounts_t> Requests::accounts(const Caller& caller) {
    if (!access_.may_list(caller.domain)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    kos_appman_accounts_t found = {};
    const kos_status_t status = read_accounts_(found);
    if (!kos_status_is_ok(status)) return idl::Failure{status};
    return found;
}

DomainMask Requests::visible(unsigned caller) const {
    DomainMask result = 0;
    for (unsigned domain = 1; domain < KOS_MAX_DOMAINS; ++domain) {
        if (manifest_.domains[domain].name == nullptr) continue;
        if (access_.may_list(caller) || access_.may(caller, Verb::kStatus, domain)) result |= bit(domain);
    }
    return result;
}

idl::Result<idl::appman::WatchAnswer> Requests::watch(const Caller& caller, uint64_t since) {
    static_assert(sizeof entries_ / sizeof entries_[0] >= KOS_MAX_DOMAINS);
    const DomainMask may_see = visible(caller.domain);
    if (may_see == 0) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    changes_.look(supervisor_);
    unsigned count = 0;
    for (unsigned domain = 1; domain < KOS_MAX_DOMAINS; ++domain) {
        if ((may_see & bit(domain)) != 0 && changes_.is_after(domain, since)) entries_[count++] = entry(domain);
    }
    changes_.wait(caller.domain, may_see);
    return idl::appman::WatchAnswer{changes_.last(), {entries_, count}};
}

DomainMask Requests::take_due() {
    changes_.look(supervisor_);
    return changes_.take_due();
}

kos_appman_domain_t Requests::entry(unsigned domain) const {
    kos_appman_domain_t result = {};
    const std::string_view name = manifest_.domains[domain].name;
    __builtin_memcpy(result.name, name.data(), name.size() < KOS_MAX_NAME ? name.size() : size_t{KOS_MAX_NAME});
    result.domain = static_cast<uint16_t>(domain);
    result.state = static_cast<idl::appman::State>(supervisor_.state(domain));
    result.last_reason = static_cast<idl::appman::Reason>(supervisor_.last_reason(domain));
    result.instance = supervisor_.instance(domain);
    result.restarts = supervisor_.restarts(domain);
    return result;
}

}  // namespace kos::appman
