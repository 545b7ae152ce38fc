#include "directory.h"

#include <string_view>

namespace kos::directory {

Directory::Directory(std::span<const kos_startup_introduction_t> introductions, SavedState& saved, Callers& callers)
    : introductions_(introductions), saved_(saved), callers_(callers) {
    if (!saved_.load(&state_)) state_ = {};
    for (const auto& entry : introductions_) {
        if (std::string_view(entry.name) == "appman") appman_ = entry.server;
    }
}

// The entry by which `client` may look `port` up.
const kos_startup_introduction_t* Directory::find(uint32_t port, uint16_t client) const {
    for (const auto& entry : introductions_) {
        if (entry.port == port && entry.client == client && entry.slot != 0) return &entry;
    }
    return nullptr;
}

bool Directory::serves(uint16_t domain, uint32_t port) const {
    for (const auto& entry : introductions_) {
        if (entry.port == port) return entry.server == domain;
    }
    return false;
}

Answer Directory::call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now) {
    if (caller.token != 0 || request.token != 0 || request.payload_bytes != 0) return {KOS_STATUS_BAD_REQUEST};
    const uint64_t argument = request.has_words != 0 ? request.words[0] : 0;
    if (request.has_words != 0 && request.words[1] != 0) return {KOS_STATUS_BAD_REQUEST};
    if (request.param == 0 || request.param >= KOS_MAX_PORTS) return {KOS_STATUS_INVALID_ARGUMENT};
    const auto port = static_cast<uint32_t>(request.param);
    const bool takes_argument = request.label == KOS_DIR_REQUEST || request.label == KOS_DIR_SUBSCRIBE;
    if (!takes_argument && argument != 0) return {KOS_STATUS_BAD_REQUEST};
    switch (request.label) {
        case KOS_DIR_BIND: return {set_bound(caller.domain, port, true)};
        case KOS_DIR_UNBIND: return {set_bound(caller.domain, port, false)};
        case KOS_DIR_QUERY:
            if (find(port, caller.domain) == nullptr) return {KOS_STATUS_UNAUTHORIZED};
            if (!is_bound(port)) return {KOS_STATUS_NOT_FOUND};
            return {KOS_STATUS_OK};
        case KOS_DIR_REQUEST: return this->request(caller, port, argument, now);
        case KOS_DIR_SUBSCRIBE: return subscribe(caller, port, argument);
        default: return {KOS_STATUS_BAD_REQUEST};
    }
}

bool Directory::queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size) {
    uint32_t number = 0;
    if (size != sizeof number) return false;
    __builtin_memcpy(&number, bytes, sizeof number);
    switch (label) {
        case KOS_DIR_BIND: return kos_status_is_ok(set_bound(caller.domain, number, true));
        case KOS_DIR_UNBIND: return kos_status_is_ok(set_bound(caller.domain, number, false));
        case KOS_DIR_DOMAIN_DOWN:
            if (appman_ == 0 || caller.domain != appman_ || number == 0 || number >= KOS_MAX_DOMAINS) return false;
            domain_down(static_cast<uint16_t>(number));
            return true;
        default: return false;
    }
}

kos_status_t Directory::set_bound(uint16_t domain, uint32_t port, bool bound) {
    if (port == 0 || port >= KOS_MAX_PORTS || !serves(domain, port)) return KOS_STATUS_UNAUTHORIZED;
    if (is_bound(port) != bound) change(port, bound);
    return KOS_STATUS_OK;
}

void Directory::change(uint32_t port, bool bound) {
    state_.bound[port / 64] ^= uint64_t{1} << port % 64;
    ++state_.changes[port];
    // Before anybody is told: what has been said must hold after a restart.
    saved_.store(state_);
    for (unsigned i = 0; i < kMostWaiters; ++i) {
        Waiter& waiter = waiters_[i];
        if (!waiter.used || waiter.port != port) continue;
        if (waiter.is_subscriber) {
            waiter.used = false;
            callers_.answer(i, {KOS_STATUS_OK, state_.changes[port], bound ? 1u : 0u, 0, true});
        } else if (bound) {
            waiter.used = false;
            callers_.answer(i, {KOS_STATUS_OK, 0, 0, waiter.token});
        }
    }
}

Answer Directory::request(const kos_caller_t& caller, uint32_t port, uint64_t deadline, uint64_t now) {
    const kos_startup_introduction_t* entry = find(port, caller.domain);
    if (entry == nullptr) return {KOS_STATUS_UNAUTHORIZED};
    if (is_bound(port)) return {KOS_STATUS_OK, 0, 0, entry->slot};
    if (deadline == 0) return {KOS_STATUS_NOT_FOUND};
    if (deadline <= now) return {KOS_STATUS_TIMEOUT};
    expire(now);
    return wait({true, false, caller.domain, port, deadline, entry->slot});
}

Answer Directory::subscribe(const kos_caller_t& caller, uint32_t port, uint64_t known) {
    if (find(port, caller.domain) == nullptr) return {KOS_STATUS_UNAUTHORIZED};
    if (known != state_.changes[port]) {
        return {KOS_STATUS_OK, state_.changes[port], is_bound(port) ? 1u : 0u, 0, true};
    }
    return wait({true, true, caller.domain, port, UINT64_MAX, 0});
}

Answer Directory::wait(const Waiter& waiter) {
    unsigned of_domain = 0;
    unsigned free = kMostWaiters;
    for (unsigned i = 0; i < kMostWaiters; ++i) {
        if (!waiters_[i].used) free = i;
        if (waiters_[i].used && waiters_[i].domain == waiter.domain) ++of_domain;
    }
    if (free == kMostWaiters || of_domain >= kMostWaitersOfDomain || !callers_.defer(free)) return {KOS_STATUS_FULL};
    waiters_[free] = waiter;
    return {KOS_STATUS_NO_REPLY};
}

void Directory::expire(uint64_t now) {
    for (unsigned i = 0; i < kMostWaiters; ++i) {
        Waiter& waiter = waiters_[i];
        if (!waiter.used || waiter.deadline > now || waiter.deadline == UINT64_MAX) continue;
        waiter.used = false;
        callers_.answer(i, {KOS_STATUS_TIMEOUT});
    }
}

uint64_t Directory::next_deadline() const {
    uint64_t next = UINT64_MAX;
    for (const Waiter& waiter : waiters_) {
        if (waiter.used && waiter.deadline < next) next = waiter.deadline;
    }
    return next;
}

void Directory::domain_down(uint16_t domain) {
    // Its own calls first: nobody waits for them any more.
    for (unsigned i = 0; i < kMostWaiters; ++i) {
        Waiter& waiter = waiters_[i];
        if (!waiter.used || waiter.domain != domain) continue;
        waiter.used = false;
        callers_.answer(i, {KOS_STATUS_PEER_GONE});
    }
    for (const auto& entry : introductions_) {
        if (entry.server == domain && entry.port < KOS_MAX_PORTS && is_bound(entry.port)) change(entry.port, false);
    }
}

}  // namespace kos::directory
