// Timers in order of their time.
#include "time/clock.h"

namespace kos::lx {

void Timer::cancel() {
    if (!timers_) return;
    timers_->set_.erase(place_);
    // An alarm that comes for nothing costs less than setting it anew each time.
    timers_ = nullptr;
}

void Timers::set(Timer& timer, Nanoseconds when) {
    timer.cancel();
    if (when == kNever) return;
    timer.place_ = set_.emplace(when, &timer);
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
