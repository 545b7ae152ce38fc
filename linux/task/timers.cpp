// Interval timers and POSIX timers.
#include "task/timers.h"

#include "signal/signals.h"
#include "task/relations.h"
#include "task/system.h"

namespace kos::lx {

namespace {

// CPU time is looked at no more often than this, and periods are no shorter than that.
constexpr Nanoseconds kShortestLook = 1'000'000, kShortestPeriod = 10'000, kOneSecond = 1'000'000'000;

}  // namespace

Nanoseconds AlarmClock::now() const {
    Timers& timers = process_.system.timers;
    switch (kind_) {
        case Kind::kRealtime: return timers.realtime();
        case Kind::kProcessCpu: return cpu_time(process_);
        case Kind::kThreadCpu: {
            Thread* const thread = process_.find_thread(tid_);
            return thread && thread->machine ? thread->machine->cpu_time() : 0;
        }
        case Kind::kMonotonic: break;
    }
    return timers.now();
}

void AlarmClock::schedule() {
    Timers& timers = process_.system.timers;
    Nanoseconds const left_now = target_ > now() ? target_ - now() : 0;
    Nanoseconds when = target_;
    if (kind_ != Kind::kMonotonic) {
        Nanoseconds wait = left_now;
        if (kind_ == Kind::kProcessCpu || kind_ == Kind::kThreadCpu) {
            size_t const threads = process_.threads.empty() ? 1 : process_.threads.size();
            wait = left_now / static_cast<Nanoseconds>(threads);
            if (wait < kShortestLook) wait = kShortestLook;
        }
        when = wait > kNever - 1 - timers.now() ? kNever - 1 : timers.now() + wait;
    }
    timers.set(*this, when);
    if (kind_ == Kind::kRealtime && !on_set_.is_waiting()) timers.realtime_set.add(on_set_);
}

bool AlarmClock::OnSet::woken(uint32_t) {
    if (clock_.is_running_) clock_.schedule();
    return true;
}

void AlarmClock::set(Nanoseconds target, Nanoseconds interval) {
    target_ = target;
    interval_ = interval;
    is_running_ = true;
    schedule();
}

void AlarmClock::stop() {
    is_running_ = false;
    interval_ = 0;
    cancel();
    on_set_.leave();
}

Nanoseconds AlarmClock::left() const {
    if (!is_running_) return 0;
    Nanoseconds const present = now();
    if (target_ > present) return target_ - present;
    // Due, or its signal has not been taken yet: the rest of the present period.
    return interval_ ? interval_ - (present - target_) % interval_ : 1;
}

void AlarmClock::expired() {
    if (!is_running_) return;
    if (now() < target_) {
        schedule();
        return;
    }
    if (!interval_) is_running_ = false;
    fire();
}

uint64_t AlarmClock::next() {
    if (!interval_ || !is_running_) return 0;
    Nanoseconds const present = now();
    uint64_t const missed = present > target_ ? static_cast<uint64_t>((present - target_) / interval_) : 0;
    Nanoseconds ahead = 0;
    if (__builtin_mul_overflow(static_cast<Nanoseconds>(missed + 1), interval_, &ahead) ||
        __builtin_add_overflow(target_, ahead, &target_)) {
        target_ = kNever - 1;
    }
    if (interval_ < kShortestPeriod && target_ < present + kShortestPeriod) target_ = present + kShortestPeriod;
    schedule();
    return missed;
}

void IntervalTimer::fire() {
    send_signal(process(), kernel_signal(signal_));
    next();
}

void CpuLimit::fire() {
    const ResourceLimit& limit = process().limits[kRLIMIT_CPU];
    uint64_t const used = static_cast<uint64_t>(now()) / kOneSecond;
    bool const is_over = used >= limit.most && limit.most > 0;
    send_signal(process(), kernel_signal(is_over ? kSIGKILL : kSIGXCPU));
    if (!is_over) set(now() + kOneSecond, 0);
}

void cpu_limit_changed(Process& process) {
    uint64_t const seconds = process.limits[kRLIMIT_CPU].now;
    bool const is_unlimited = seconds > static_cast<uint64_t>(kNever / kOneSecond - 1);
    if (is_unlimited && !process.signals.timers) return;
    CpuLimit& limit = timers_of(process).cpu_limit;
    if (is_unlimited) {
        limit.stop();
    } else {
        limit.set(seconds ? static_cast<Nanoseconds>(seconds) * kOneSecond : kOneSecond, 0);
    }
}

void PosixTimer::fire() {
    if (!signal) {
        next();
        return;
    }
    SignalInfo info;
    info.signal = signal;
    info.code = kSI_TIMER;
    info.pid = id;
    info.value = value;
    Thread* const thread = thread_id ? process().find_thread(thread_id) : nullptr;
    if (thread_id && !thread) return;
    const PendingSignals& pending = thread ? thread->signals.pending : process().signals.pending;
    size_t const before = pending.queue.size();
    is_queued = true;
    Status const sent = thread ? queue_signal(*thread, info) : queue_signal(process(), info);
    // Ignored, or one of its kind was there already, or too many: it counts as missed.
    if (!sent.ok() || pending.queue.size() == before) taken();
}

void PosixTimer::set_by_program(Nanoseconds time, Nanoseconds period, bool is_absolute) {
    is_queued = false;
    overrun = 0;
    if (!time) {
        stop();
        return;
    }
    Nanoseconds target = time;
    if (!is_absolute && __builtin_add_overflow(now(), time, &target)) target = kNever - 1;
    set(target, period);
}

void PosixTimer::taken() {
    is_queued = false;
    uint64_t const missed = next();
    overrun = missed > INT32_MAX ? INT32_MAX : static_cast<int32_t>(missed);
}

AllTimers::AllTimers(Process& process)
    : real(process, AlarmClock::Kind::kMonotonic, kSIGALRM),
      virtual_time(process, AlarmClock::Kind::kProcessCpu, kSIGVTALRM),
      profiling(process, AlarmClock::Kind::kProcessCpu, kSIGPROF),
      cpu_limit(process) {}

AllTimers& timers_of(Process& process) {
    if (!process.signals.timers) process.signals.timers = std::make_unique<AllTimers>(process);
    return static_cast<AllTimers&>(*process.signals.timers);
}

bool timer_signal_taken(Process& process, SignalInfo& info) {
    if (!process.signals.timers) return true;  // sigqueue(3) may have said so
    auto& timers = timers_of(process).posix;
    auto const found = timers.find(info.pid);
    if (found == timers.end() || !found->second->is_queued || found->second->signal != info.signal) return true;
    found->second->taken();
    info.uid = static_cast<uint32_t>(found->second->overrun);
    return true;
}

void timers_at_exec(Process& process) {
    if (process.signals.timers) timers_of(process).posix.clear();
}

}  // namespace kos::lx
