#include "service.h"

#include "../common/request.h"

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
    if (caller.token != 0 || request.token != 0 || request.payload_bytes != 0) return KOS_STATUS_BAD_REQUEST;
    if (caller.domain >= KOS_MAX_DOMAINS) return KOS_STATUS_BAD_REQUEST;
    const uint64_t word = request.has_words != 0 ? request.words[0] : 0;
    const bool takes_word = request.label == KOS_TIMER_ALARM || request.label == KOS_TIMER_SET_WALL;
    if (request.has_words != 0 && request.words[1] != 0) return KOS_STATUS_BAD_REQUEST;
    if (!takes_word && word != 0) return KOS_STATUS_BAD_REQUEST;
    switch (request.label) {
        case KOS_TIMER_ALARM: return alarm(caller.domain, request.param, word, now);
        case KOS_TIMER_SLEEP: return sleep(caller, request.param, now);
        case KOS_TIMER_WALL:
            if (request.param != 0) return KOS_STATUS_BAD_REQUEST;
            if (wall_.changes == 0) return KOS_STATUS_UNAVAILABLE;
            answer.has_words = 1;
            answer.words[0] = wall_.zero_ns;
            answer.words[1] = wall_.changes;
            return KOS_STATUS_OK;
        case KOS_TIMER_SET_WALL:
            if ((setters_ >> caller.domain & 1) == 0) return KOS_STATUS_UNAUTHORIZED;
            if (word > now) return KOS_STATUS_INVALID_ARGUMENT;
            set_wall(request.param, word);
            return KOS_STATUS_OK;
        case KOS_TIMER_STATUS:
            if (request.param != 0) return KOS_STATUS_BAD_REQUEST;
            answer.param = alarms_.count();
            answer.has_words = 1;
            answer.words[0] = sleepers_.count();
            answer.words[1] = host_.alterations();
            return KOS_STATUS_OK;
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

bool Service::queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size, uint64_t now) {
    uint64_t words[2];
    if (label != KOS_TIMER_ALARM || size != sizeof words || caller.domain >= KOS_MAX_DOMAINS) return false;
    __builtin_memcpy(words, bytes, sizeof words);
    return kos_status_is_ok(alarm(caller.domain, words[0], words[1], now));
}

kos_status_t Service::alarm(unsigned domain, uint64_t bit, uint64_t time, uint64_t now) {
    if (bit >= Alarms::kBits) return KOS_STATUS_INVALID_ARGUMENT;
    alarms_.set(domain, static_cast<unsigned>(bit), time);
    expire(now);
    return KOS_STATUS_OK;
}

kos_status_t Service::sleep(const kos_caller_t& caller, uint64_t time, uint64_t now) {
    if (time <= now) return KOS_STATUS_OK;
    expire(now);
    const unsigned place = sleepers_.find_place(caller.domain);
    if (place == Sleepers::kMost || !host_.defer(place)) return KOS_STATUS_FULL;
    sleepers_.add(place, caller.domain, time);
    host_.arm(alarms_.next() < sleepers_.next() ? alarms_.next() : sleepers_.next());
    return KOS_STATUS_NO_REPLY;
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
