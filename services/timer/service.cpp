#include "service.h"

namespace kos::timer {
namespace {

constexpr uint64_t kNsPerSecond = 1000000000;

}  // namespace

Service::Service(Alarms& alarms, SavedWall& saved, Host& host, uint64_t hz, uint64_t setters)
    : alarms_(alarms), saved_(saved), host_(host), hz_(hz), setters_(setters) {
    if (!saved_.load(&wall_)) wall_ = {};
}

uint64_t Service::to_ns(uint64_t ticks) const { return ticks / hz_ * kNsPerSecond + ticks % hz_ * kNsPerSecond / hz_; }

kos_status_t Service::call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer) {
    now_ = now;
    return dispatch(caller, request, answer);
}

bool Service::queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size, uint64_t now) {
    now_ = now;
    is_queued_ok_ = false;
    return accepts(caller) && dispatch_queued(caller, label, bytes, size) && is_queued_ok_;
}

idl::Result<void> Service::alarm(const Caller& caller, uint64_t bit, uint64_t time) {
    if (bit >= Alarms::kBits) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
    alarms_.set(caller.domain, static_cast<unsigned>(bit), time);
    expire(now_);
    return {};
}

void Service::queue_alarm(const Caller& caller, uint64_t bit, uint64_t time) {
    is_queued_ok_ = alarm(caller, bit, time).ok();
}

idl::Result<void> Service::sleep(const Caller& caller, uint64_t time) {
    if (time <= now_) return {};
    expire(now_);
    const unsigned place = sleepers_.find_place(caller.domain);
    if (place == Sleepers::kMost || !host_.defer(place)) return idl::Failure{KOS_STATUS_FULL};
    sleepers_.add(place, caller.domain, time);
    host_.arm(alarms_.next() < sleepers_.next() ? alarms_.next() : sleepers_.next());
    return idl::Failure{KOS_STATUS_NO_REPLY};
}

idl::Result<idl::timer::WallAnswer> Service::wall(const Caller&) {
    if (wall_.changes == 0) return idl::Failure{KOS_STATUS_UNAVAILABLE};
    return idl::timer::WallAnswer{0, wall_.zero_ns, wall_.changes};
}

idl::Result<void> Service::set_wall(const Caller& caller, uint64_t ns, uint64_t time) {
    if ((setters_ >> caller.domain & 1) == 0) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    if (time > now_) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
    set_wall(ns, time);
    return {};
}

idl::Result<idl::timer::StatusAnswer> Service::status(const Caller&) {
    return idl::timer::StatusAnswer{alarms_.count(), sleepers_.count(), host_.alterations()};
}

void Service::expire(uint64_t now) {
    sleepers_.expire(now, [this](unsigned place) { host_.wake(place); });
    alarms_.expire(now, [this](unsigned domain) { host_.signal(domain); });
    host_.arm(alarms_.next() < sleepers_.next() ? alarms_.next() : sleepers_.next());
}

void Service::set_wall(uint64_t ns, uint64_t ticks) {
    wall_.zero_ns = ns - to_ns(ticks);
    ++wall_.changes;
    saved_.store(wall_);
}

}  // namespace kos::timer
