#include "requests.h"

#include "../common/request.h"

namespace kos::appman {

kos_status_t Requests::call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer) {
    const bool has_foreign_parts = caller.token != 0 || request.token != 0 || !service::has_no_words(request);
    if (has_foreign_parts || request.payload_bytes > KOS_MAX_NAME) return KOS_STATUS_BAD_REQUEST;
    const std::string_view name(static_cast<const char*>(request.payload), request.payload_bytes);
    if (request.label == KOS_APPMAN_LIST) {
        if (!name.empty()) return KOS_STATUS_BAD_REQUEST;
        return list(caller, request.param, answer);
    }
    if (request.param != 0) return KOS_STATUS_BAD_REQUEST;
    if (request.label == KOS_APPMAN_MODE) return mode(caller, name, answer);

    Verb verb = Verb::kStatus;
    switch (request.label) {
        case KOS_APPMAN_STATUS: break;
        case KOS_APPMAN_START: verb = Verb::kStart; break;
        case KOS_APPMAN_STOP: verb = Verb::kStop; break;
        case KOS_APPMAN_RESTART: verb = Verb::kRestart; break;
        default: return KOS_STATUS_BAD_REQUEST;
    }
    unsigned domain = 0;
    for (unsigned i = 1; i < KOS_MAX_DOMAINS; ++i) {
        if (manifest_.domains[i].name != nullptr && name == manifest_.domains[i].name) domain = i;
    }
    // Who may not ask about a domain does not learn either whether there is one.
    if (!access_.may(caller.domain, verb, domain)) return KOS_STATUS_UNAUTHORIZED;
    if (domain == 0) return KOS_STATUS_NOT_FOUND;
    switch (verb) {
        case Verb::kStatus:
            entries_[0] = entry(domain);
            answer.payload = entries_;
            answer.payload_bytes = sizeof entries_[0];
            return KOS_STATUS_OK;
        case Verb::kStart: return supervisor_.start(domain, now);
        case Verb::kStop: return supervisor_.stop(domain);
        case Verb::kRestart: return supervisor_.restart(domain, now);
    }
    return KOS_STATUS_BAD_REQUEST;
}

kos_status_t Requests::list(const kos_caller_t& caller, uint64_t first, kos_msg_t& answer) {
    if (!access_.may_list(caller.domain)) return KOS_STATUS_UNAUTHORIZED;
    constexpr unsigned kMost = sizeof entries_ / sizeof entries_[0];
    unsigned count = 0;
    unsigned index = 0;
    for (unsigned domain = 1; domain < KOS_MAX_DOMAINS; ++domain) {
        if (manifest_.domains[domain].name == nullptr || index++ < first) continue;
        if (count == kMost) {
            answer.param = first + count;
            break;
        }
        entries_[count++] = entry(domain);
    }
    answer.payload = entries_;
    answer.payload_bytes = static_cast<uint32_t>(count * sizeof entries_[0]);
    return KOS_STATUS_OK;
}

kos_status_t Requests::mode(const kos_caller_t& caller, std::string_view name, kos_msg_t& answer) {
    if (name.empty()) {
        if (!access_.may_list(caller.domain)) return KOS_STATUS_UNAUTHORIZED;
        answer.param = supervisor_.mode();
        return KOS_STATUS_OK;
    }
    for (unsigned mode = 0; mode < manifest_.mode_count; ++mode) {
        if (name != manifest_.modes[mode]) continue;
        if (!access_.may_switch(caller.domain, mode)) return KOS_STATUS_UNAUTHORIZED;
        answer.param = mode;
        return supervisor_.switch_mode(mode);
    }
    if (!access_.may_switch(caller.domain, 0)) return KOS_STATUS_UNAUTHORIZED;
    return KOS_STATUS_NOT_FOUND;
}

kos_appman_entry_t Requests::entry(unsigned domain) const {
    kos_appman_entry_t result = {};
    const std::string_view name = manifest_.domains[domain].name;
    __builtin_memcpy(result.name, name.data(), name.size() < KOS_MAX_NAME ? name.size() : size_t{KOS_MAX_NAME});
    result.domain = static_cast<uint16_t>(domain);
    result.state = static_cast<uint8_t>(supervisor_.state(domain));
    result.last_reason = supervisor_.last_reason(domain);
    result.instance = supervisor_.instance(domain);
    result.restarts = supervisor_.restarts(domain);
    return result;
}

}  // namespace kos::appman
