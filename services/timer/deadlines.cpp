#include "deadlines.h"

namespace kos::timer {

bool Alarms::open(void* memory, size_t bytes) {
    if (memory == nullptr || bytes < kBytes || reinterpret_cast<uintptr_t>(memory) % sizeof(uint64_t) != 0)
        return false;
    times_ = static_cast<uint64_t*>(memory);
    for (unsigned domain = 0; domain < KOS_MAX_DOMAINS; ++domain) find_earliest(domain);
    return true;
}

void Alarms::find_earliest(unsigned domain) {
    uint64_t earliest = kNever;
    for (unsigned bit = 0; bit < kBits; ++bit) {
        const uint64_t time = load(domain, bit);
        if (time != 0 && time < earliest) earliest = time;
    }
    earliest_[domain] = earliest;
}

void Alarms::set(unsigned domain, unsigned bit, uint64_t time) {
    store(domain, bit, time);
    find_earliest(domain);
}

uint64_t Alarms::next() const {
    uint64_t next = kNever;
    for (uint64_t time : earliest_) {
        if (time < next) next = time;
    }
    return next;
}

unsigned Alarms::count() const {
    unsigned count = 0;
    for (unsigned i = 0; i < KOS_MAX_DOMAINS * kBits; ++i) count += times_[i] != 0 ? 1 : 0;
    return count;
}

unsigned Sleepers::find_place(unsigned domain) const {
    unsigned free = kMost;
    unsigned of_domain = 0;
    for (unsigned place = 0; place < kMost; ++place) {
        if (times_[place] == 0) {
            free = place;
        } else if (domains_[place] == domain) {
            ++of_domain;
        }
    }
    return of_domain < kMostOfDomain ? free : kMost;
}

void Sleepers::add(unsigned place, unsigned domain, uint64_t time) {
    times_[place] = time == 0 ? 1 : time;
    domains_[place] = static_cast<uint8_t>(domain);
}

uint64_t Sleepers::next() const {
    uint64_t next = kNever;
    for (uint64_t time : times_) {
        if (time != 0 && time < next) next = time;
    }
    return next;
}

unsigned Sleepers::count() const {
    unsigned count = 0;
    for (uint64_t time : times_) count += time != 0 ? 1 : 0;
    return count;
}

}  // namespace kos::timer
