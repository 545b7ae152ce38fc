// timerfd. A timer with an interval is not started again when it expires but when it is next looked at, which counts
// what it has missed: so a short interval costs nothing while nobody reads.
#include "vfs/timerfd.h"

#include "vfs/anonymous.h"

#include <stdio.h>

namespace kos::lx {

namespace {

Nanoseconds add_limited(Nanoseconds a, Nanoseconds b) {
    Nanoseconds sum;
    return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? kNever - 1 : 0) : sum;
}

}  // namespace

Result<Ref<TimerFile>> TimerFile::create(Timers& timers, int clock, uint32_t open_flags) {
    switch (clock) {
        case kCLOCK_REALTIME:
        case kCLOCK_MONOTONIC:
        case kCLOCK_BOOTTIME:
        case kCLOCK_REALTIME_ALARM:
        case kCLOCK_BOOTTIME_ALARM: return Ref<TimerFile>(new TimerFile(timers, clock, open_flags));
        default: return Errno::kEINVAL;
    }
}

TimerFile::TimerFile(Timers& timers, int clock, uint32_t open_flags)
    : timers_(timers),
      clock_(clock),
      alarm_(*this),
      clock_set_(*this),
      attributes_(anonymous_attributes(kAnonymousDevice, 0600)) {
    flags = kO_RDWR | (open_flags & kO_NONBLOCK);
}

TimerFile::~TimerFile() = default;

void TimerFile::Alarm::expired() {
    file_.has_expired_ = true;
    ++file_.expirations_;
    file_.queue_.wake(kPOLLIN | kPOLLRDNORM);
}

bool TimerFile::ClockSet::woken(uint32_t) {
    if (file_.cancels_on_set_) {
        file_.is_cancelled_ = true;
        file_.queue_.wake(kPOLLIN | kPOLLRDNORM);
    }
    if (file_.alarm_.is_set()) file_.start();
    return true;
}

void TimerFile::start() {
    Nanoseconds when = next_;
    if (follows_realtime_) when = add_limited(when, -timers_.source().realtime_offset());
    timers_.set(alarm_, when < 0 ? 0 : when);
}

TimerFile::Setting TimerFile::set(const Setting& setting, uint32_t setting_flags) {
    Setting const before = get();
    alarm_.cancel();
    clock_set_.leave();
    has_expired_ = false;
    is_cancelled_ = false;
    expirations_ = 0;
    interval_ = setting.interval;
    setting_flags_ = setting_flags;
    bool const is_absolute = setting_flags & kTFD_TIMER_ABSTIME;
    follows_realtime_ = is_absolute && is_realtime();
    cancels_on_set_ = follows_realtime_ && setting_flags & kTFD_TIMER_CANCEL_ON_SET;
    if (follows_realtime_) timers_.realtime_set.add(clock_set_);
    next_ = setting.value;
    if (next_ == 0) return before;
    if (!is_absolute) next_ = add_limited(timers_.now(), setting.value);
    start();
    return before;
}

void TimerFile::catch_up() {
    if (!has_expired_ || interval_ == 0 || next_ == 0) return;
    Nanoseconds const now = follows_realtime_ ? timers_.realtime() : timers_.now();
    has_expired_ = false;
    // The one that expired is counted already.
    Nanoseconds const passed = now > next_ ? (now - next_) / interval_ : 0;
    expirations_ += static_cast<uint64_t>(passed);
    next_ = add_limited(next_, add_limited(passed * interval_, interval_));
    start();
}

TimerFile::Setting TimerFile::get() {
    catch_up();
    Setting setting;
    setting.interval = interval_;
    if (alarm_.is_set()) {
        Nanoseconds const left = alarm_.when() - timers_.now();
        setting.value = left > 0 ? left : 1;  // set, so not 0
    }
    return setting;
}

Result<size_t> TimerFile::read(IoBuffer& to) {
    if (to.remaining() < sizeof expirations_) return Errno::kEINVAL;
    if (is_cancelled_) {
        is_cancelled_ = false;
        has_expired_ = false;
        expirations_ = 0;
        return Errno::kECANCELED;
    }
    if (expirations_ == 0) return Errno::kEAGAIN;
    catch_up();
    KOS_TRY_STATUS(out_whole(to, &expirations_, sizeof expirations_));
    expirations_ = 0;
    return sizeof expirations_;
}

uint32_t TimerFile::poll() { return expirations_ || is_cancelled_ ? kPOLLIN : 0; }

std::string TimerFile::details() const {
    char text[160];
    snprintf(text, sizeof text, "clockid: %d\nticks: %llu\nsettime flags: %02o\nit_interval: (%lld, %lld)\n", clock_,
             static_cast<unsigned long long>(expirations_), setting_flags_,
             static_cast<long long>(interval_ / 1'000'000'000), static_cast<long long>(interval_ % 1'000'000'000));
    return text;
}

}  // namespace kos::lx
