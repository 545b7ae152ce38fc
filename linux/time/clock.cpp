// Timers in order of their time.
#include "time/clock.h"

namespace kos::lx {

namespace {

using Node = std::multimap<Nanoseconds, Timer*>::node_type;

// Places of timers that were cancelled. Programs set and cancel the same few for every wait, and a place from the heap
// costs more than all the rest of that.
constexpr size_t kSpares = 8;
Node spares[kSpares];
size_t spare_count = 0;

}  // namespace

void Timer::cancel() {
    if (!timers_) return;
    Node node = timers_->set_.extract(place_);
    if (spare_count < kSpares) spares[spare_count++] = std::move(node);
    // An alarm that comes for nothing costs less than setting it anew each time.
    timers_ = nullptr;
}

void Timers::set(Timer& timer, Nanoseconds when) {
    timer.cancel();
    if (when == kNever) return;
    if (spare_count) {
        Node node = std::move(spares[--spare_count]);
        node.key() = when;
        node.mapped() = &timer;
        timer.place_ = set_.insert(std::move(node));
    } else {
        timer.place_ = set_.emplace(when, &timer);
    }
    timer.timers_ = this;
    if (!is_expiring_) update_alarm();
}

void Timers::set_realtime(Nanoseconds now) {
    source_.set_realtime_offset(now - source_.monotonic());
    realtime_set.wake();
}

void Timers::expire() {
    is_expiring_ = true;
    alarm_ = kNever;
    Nanoseconds const now = source_.monotonic();
    // A timer that sets itself to the past again waits for the next round.
    for (size_t left = set_.size(); left && !set_.empty() && set_.begin()->first <= now; --left) {
        Timer& timer = *set_.begin()->second;
        timer.cancel();
        timer.expired();
    }
    is_expiring_ = false;
    update_alarm();
}

void Timers::update_alarm() {
    Nanoseconds const first = set_.empty() ? kNever : set_.begin()->first;
    if (first >= alarm_) return;
    alarm_ = first;
    source_.set_alarm(first);
}

}  // namespace kos::lx
