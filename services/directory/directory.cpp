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

namespace {

// Numbers that a port may have; what it is, and whose, is another question.
bool is_port(uint64_t port) { return port != 0 && port < KOS_MAX_PORTS; }

}  // namespace

kos_status_t Directory::call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer) {
    now_ = now;
    return dispatch(caller, request, answer);
}

bool Directory::queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size) {
    is_queued_ok_ = false;
    return dispatch_queued(caller, label, bytes, size) && is_queued_ok_;
}

idl::Result<void> Directory::bind(const Caller& caller, uint64_t port, uint64_t instance) {
    return idl::Result<void>(set_bound(caller.domain, port, instance));
}

idl::Result<void> Directory::unbind(const Caller& caller, uint64_t port) {
    return idl::Result<void>(set_unbound(caller.domain, port));
}

idl::Result<void> Directory::query(const Caller& caller, uint64_t port) {
    if (!is_port(port)) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
    const auto number = static_cast<uint32_t>(port);
    if (find(number, caller.domain) == nullptr) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    if (!is_bound(number)) return idl::Failure{KOS_STATUS_NOT_FOUND};
    return {};
}

void Directory::queue_bind(const Caller& caller, uint32_t port, uint32_t instance) {
    is_queued_ok_ = kos_status_is_ok(set_bound(caller.domain, port, instance)) != 0;
}

void Directory::queue_unbind(const Caller& caller, uint32_t port) {
    is_queued_ok_ = kos_status_is_ok(set_unbound(caller.domain, port)) != 0;
}

void Directory::domain_down(const Caller& caller, uint32_t domain, uint32_t instance) {
    if (appman_ == 0 || caller.domain != appman_ || domain == 0 || domain >= KOS_MAX_DOMAINS) return;
    end_of(static_cast<uint16_t>(domain), instance);
    is_queued_ok_ = true;
}

kos_status_t Directory::check(uint16_t domain, uint64_t port) const {
    if (!is_port(port)) return KOS_STATUS_INVALID_ARGUMENT;
    return serves(domain, static_cast<uint32_t>(port)) ? KOS_STATUS_OK : KOS_STATUS_UNAUTHORIZED;
}

kos_status_t Directory::set_bound(uint16_t domain, uint64_t port, uint64_t instance) {
    if (instance > UINT32_MAX) return KOS_STATUS_INVALID_ARGUMENT;
    const kos_status_t status = check(domain, port);
    if (!kos_status_is_ok(status)) return status;
    const auto number = static_cast<uint32_t>(port);
    const auto newer = static_cast<uint32_t>(instance);
    if (is_bound(number) && state_.instance[number] >= newer) return KOS_STATUS_OK;
    // Bound by an instance whose end is reported later: subscribers see both.
    if (is_bound(number)) change(number, false);
    state_.instance[number] = newer;
    change(number, true);
    return KOS_STATUS_OK;
}

kos_status_t Directory::set_unbound(uint16_t domain, uint64_t port) {
    const kos_status_t status = check(domain, port);
    if (kos_status_is_ok(status) && is_bound(static_cast<uint32_t>(port))) change(static_cast<uint32_t>(port), false);
    return status;
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
            callers_.answer(i, {.changes = state_.changes[port], .bound = bound});
        } else if (bound) {
            waiter.used = false;
            callers_.answer(i, {.connection = waiter.token});
        }
    }
}

idl::Result<Directory::Connection> Directory::request(const Caller& caller, uint64_t port, uint64_t deadline) {
    if (!is_port(port)) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
    const auto number = static_cast<uint32_t>(port);
    const kos_startup_introduction_t* entry = find(number, caller.domain);
    if (entry == nullptr) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    // Root's slot: sent again and again, libkos does not free it.
    if (is_bound(number)) return Connection(idl::AnyClient(entry->slot));
    if (deadline == 0) return idl::Failure{KOS_STATUS_NOT_FOUND};
    if (deadline <= now_) return idl::Failure{KOS_STATUS_TIMEOUT};
    expire(now_);
    return wait({true, false, caller.domain, number, deadline, entry->slot});
}

idl::Result<idl::directory::SubscribeAnswer> Directory::subscribe(const Caller& caller, uint64_t port, uint64_t known) {
    if (!is_port(port)) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
    const auto number = static_cast<uint32_t>(port);
    if (find(number, caller.domain) == nullptr) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    if (known != state_.changes[number]) {
        return idl::directory::SubscribeAnswer{state_.changes[number], is_bound(number)};
    }
    return wait({true, true, caller.domain, number, UINT64_MAX, 0});
}

idl::Failure Directory::wait(const Waiter& waiter) {
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
        callers_.answer(i, {.status = KOS_STATUS_TIMEOUT});
    }
}

uint64_t Directory::next_deadline() const {
    uint64_t next = UINT64_MAX;
    for (const Waiter& waiter : waiters_) {
        if (waiter.used && waiter.deadline < next) next = waiter.deadline;
    }
    return next;
}

void Directory::end_of(uint16_t domain, uint32_t instance) {
    // Its own calls first: nobody waits for them any more. The next instance, if it is that already, asks again.
    for (unsigned i = 0; i < kMostWaiters; ++i) {
        Waiter& waiter = waiters_[i];
        if (!waiter.used || waiter.domain != domain) continue;
        waiter.used = false;
        callers_.answer(i, {.status = KOS_STATUS_PEER_GONE});
    }
    for (const auto& entry : introductions_) {
        if (entry.server != domain || entry.port >= KOS_MAX_PORTS || !is_bound(entry.port)) continue;
        if (state_.instance[entry.port] <= instance) change(entry.port, false);
    }
}

}  // namespace kos::directory
