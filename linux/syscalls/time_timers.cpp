// setitimer(2) and timer_create(2).
#include "syscalls/time_timers.h"

#include "syscalls/time.h"
#include "task/system.h"
#include "task/timers.h"

namespace kos::lx {

namespace {

struct IntervalValue {  // struct itimerval: microseconds
    int64_t interval_seconds, interval_microseconds, seconds, microseconds;
};
struct TimerValue {  // struct itimerspec
    Timespec interval, value;
};

Result<AlarmClock*> interval_timer(Call& call) {
    AllTimers& timers = timers_of(call.process());
    switch (call.argument_as<int>(0)) {
        case 0: return &timers.real;
        case 1: return &timers.virtual_time;
        case 2: return &timers.profiling;
        default: return Errno::kEINVAL;
    }
}

IntervalValue value_of(const AlarmClock& timer) {
    // Never 0 while it runs: that would mean that it does not.
    Nanoseconds const left = timer.left() && timer.left() < 1000 ? 1000 : timer.left();
    Nanoseconds const interval = timer.interval();
    return {interval / kSecond, interval % kSecond / 1000, left / kSecond, left % kSecond / 1000};
}

Result<Nanoseconds> from_microseconds(int64_t seconds, int64_t microseconds) {
    if (microseconds < 0 || microseconds >= 1'000'000) return Errno::kEINVAL;
    return nanoseconds_of({seconds, microseconds * 1000});
}

Result<PosixTimer*> posix_timer(Call& call) {
    auto& timers = timers_of(call.process()).posix;
    auto const found = timers.find(call.argument_as<int>(0));
    if (found == timers.end()) return Errno::kEINVAL;
    return found->second.get();
}

TimerValue value_of(const PosixTimer& timer) {
    return {timespec_of(timer.interval()),
            timespec_of(timer.signal == 0 && !timer.interval() && timer.left() == 1 ? 0 : timer.left())};
}

struct Event {  // struct sigevent
    uint64_t value = 0;
    int32_t signal = kSIGALRM, notify = 0, thread = 0;
    int32_t padding[11] = {};
};
static_assert(sizeof(Event) == 64);

}  // namespace

Result<int64_t> getitimer(Call& call) {
    KOS_TRY(AlarmClock* const timer, interval_timer(call));
    KOS_TRY_STATUS(call.write_user(call.argument(1), value_of(*timer)));
    return 0;
}

Result<int64_t> setitimer(Call& call) {
    IntervalValue wanted{};
    // Linux takes no structure for zeroes.
    if (uint64_t const address = call.argument(1)) {
        KOS_TRY(wanted, call.read_user<IntervalValue>(address));
    }
    KOS_TRY(Nanoseconds const value, from_microseconds(wanted.seconds, wanted.microseconds));
    KOS_TRY(Nanoseconds const interval, from_microseconds(wanted.interval_seconds, wanted.interval_microseconds));
    KOS_TRY(AlarmClock* const timer, interval_timer(call));
    IntervalValue const old = value_of(*timer);
    if (value) {
        timer->set(later(timer->now(), value), interval);
    } else {
        timer->stop();
    }
    if (uint64_t const address = call.argument(2)) KOS_TRY_STATUS(call.write_user(address, old));
    return 0;
}

Result<int64_t> timer_create(Call& call) {
    constexpr int32_t kSIGEV_SIGNAL = 0, kSIGEV_NONE = 1, kSIGEV_THREAD = 2, kSIGEV_THREAD_ID = 4;
    Process& process = call.process();
    int const clock = call.argument_as<int>(0);
    using Kind = AlarmClock::Kind;
    Kind kind = Kind::kMonotonic;
    int of_tid = 0;
    KOS_TRY_STATUS(clock_now(call.thread, clock));
    switch (clock) {
        case kCLOCK_MONOTONIC:
        case kCLOCK_BOOTTIME:
        case kCLOCK_BOOTTIME_ALARM: break;
        case kCLOCK_REALTIME:
        case kCLOCK_REALTIME_ALARM:
        case kCLOCK_TAI: kind = Kind::kRealtime; break;
        case kCLOCK_PROCESS_CPUTIME_ID: kind = Kind::kProcessCpu; break;
        case kCLOCK_THREAD_CPUTIME_ID:
            kind = Kind::kThreadCpu;
            of_tid = call.thread.tid;
            break;
        default: {
            if (clock >= 0) return Errno::kEOPNOTSUPP;
            int const number = ~(clock >> 3);
            kind = clock & 4 ? Kind::kThreadCpu : Kind::kProcessCpu;
            if (clock & 4) of_tid = number ? number : call.thread.tid;
            if (!(clock & 4) && number && number != process.pid) return Errno::kEOPNOTSUPP;
        }
    }
    Event event;
    bool const has_event = call.argument(1) != 0;
    if (has_event) {
        KOS_TRY(event, call.read_user<Event>(call.argument(1)));
    }
    int thread_id = 0;
    switch (event.notify) {
        case kSIGEV_NONE: event.signal = 0; break;
        case kSIGEV_THREAD_ID: {
            Thread* const thread = process.find_thread(event.thread);
            if (!thread) return Errno::kEINVAL;
            thread_id = thread->tid;
            break;
        }
        case kSIGEV_SIGNAL:
        case kSIGEV_THREAD: break;
        default: return Errno::kEINVAL;
    }
    if (event.notify != kSIGEV_NONE && (event.signal < 1 || event.signal > kSignals)) return Errno::kEINVAL;

    AllTimers& timers = timers_of(process);
    if (timers.posix.size() >= AllTimers::kPosixTimersMax) return Errno::kEAGAIN;
    int id = timers.last_id;
    do {
        id = id == INT32_MAX ? 0 : id + 1;
    } while (timers.posix.count(id));
    KOS_TRY_STATUS(call.write_user(call.argument(2), int32_t{id}));
    timers.last_id = id;
    auto timer = std::make_unique<PosixTimer>(process, kind, of_tid, id);
    timer->signal = event.signal;
    timer->thread_id = thread_id;
    timer->value = has_event ? event.value : static_cast<uint64_t>(id);
    timers.posix.emplace(id, std::move(timer));
    return 0;
}

Result<int64_t> timer_gettime(Call& call) {
    KOS_TRY(PosixTimer* const timer, posix_timer(call));
    KOS_TRY_STATUS(call.write_user(call.argument(1), value_of(*timer)));
    return 0;
}

Result<int64_t> timer_getoverrun(Call& call) {
    KOS_TRY(PosixTimer* const timer, posix_timer(call));
    return timer->overrun;
}

Result<int64_t> timer_settime(Call& call) {
    constexpr uint32_t kTIMER_ABSTIME = 1;
    if (!call.argument(2)) return Errno::kEINVAL;
    KOS_TRY(TimerValue const wanted, call.read_user<TimerValue>(call.argument(2)));
    KOS_TRY(Nanoseconds const value, nanoseconds_of(wanted.value));
    KOS_TRY(Nanoseconds const interval, nanoseconds_of(wanted.interval));
    KOS_TRY(PosixTimer* const timer, posix_timer(call));
    TimerValue const old = value_of(*timer);
    timer->set_by_program(value, interval, call.argument(1) & kTIMER_ABSTIME);
    if (uint64_t const address = call.argument(3)) KOS_TRY_STATUS(call.write_user(address, old));
    return 0;
}

Result<int64_t> timer_delete(Call& call) {
    KOS_TRY(PosixTimer* const timer, posix_timer(call));
    timers_of(call.process()).posix.erase(timer->id);
    return 0;
}

}  // namespace kos::lx
