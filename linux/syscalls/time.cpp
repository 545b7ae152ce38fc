// Clocks and sleeping; the table of all calls about time.
#include "syscalls/time.h"

#include "syscalls/families.h"
#include "syscalls/time_timers.h"
#include "task/relations.h"
#include "task/system.h"

#include <stddef.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr int64_t kSecondsMax = kNever / kSecond - 1;
constexpr uint32_t kTIMER_ABSTIME = 1;
constexpr Nanoseconds kCoarse = 4'000'000;  // a tick of Debian's kernel

struct Timeval {
    int64_t seconds, microseconds;
};
struct Timezone {
    int32_t minutes_west, daylight_saving;
};
Timezone timezone_of_domain{0, 0};

bool is_cpu_clock(int clock) {
    return clock < 0 || clock == kCLOCK_PROCESS_CPUTIME_ID || clock == kCLOCK_THREAD_CPUTIME_ID;
}

bool is_realtime(int clock) {
    return clock == kCLOCK_REALTIME || clock == kCLOCK_REALTIME_COARSE || clock == kCLOCK_REALTIME_ALARM ||
           clock == kCLOCK_TAI;
}

// The timer of the call goes off at `when`, whatever was agreed before.
void sleep_until(Call& call, Nanoseconds when) {
    call.progress.deadline = when;
    call.progress.is_timed_out = false;
    call.process().system.timers.set(call.progress.timer, when);
}

// Of a CPU clock: when to look again. Never more often than each millisecond.
Nanoseconds next_look(Process& process, Nanoseconds left) {
    Nanoseconds const share = left / static_cast<Nanoseconds>(process.threads.empty() ? 1 : process.threads.size());
    return later(process.system.timers.now(), share > 1'000'000 ? share : 1'000'000);
}

// Sleeps until the clock shows words[0], set at the first execution. Writes what is left if a signal comes.
Result<int64_t> sleep(Call& call, int clock, bool is_absolute, uint64_t left_address) {
    Timers& timers = call.process().system.timers;
    Nanoseconds const target = static_cast<Nanoseconds>(call.progress.words[0]);
    KOS_TRY(Nanoseconds const now, clock_now(call.thread, clock));
    if (now >= target) return 0;
    if (is_cpu_clock(clock)) {
        sleep_until(call, next_look(call.process(), target - now));
    } else if (is_realtime(clock) && is_absolute) {
        sleep_until(call, monotonic_of_realtime(timers, target));
        call.wait_for(timers.realtime_set);
    } else {
        sleep_until(call, target);
    }
    Errno const error = call.sleep(Call::Interrupted::kRestartNoHandler);
    if (error == Errno::kETIMEDOUT) return 0;
    if (error == Errno::kRestartNoHandler && !is_absolute && left_address) {
        Timespec const left = timespec_of(target - now);
        KOS_TRY_STATUS(call.write_user(left_address, left));
    }
    return error;
}

Result<int64_t> clock_nanosleep_on(Call& call, int clock, bool is_absolute, uint64_t time_address,
                                   uint64_t left_address) {
    // How long does not depend on how the clock is set.
    if (!is_absolute && is_realtime(clock)) clock = kCLOCK_MONOTONIC;
    if (!call.progress.is_again) {
        KOS_TRY(Nanoseconds const time, read_timespec(call, time_address));
        KOS_TRY(Nanoseconds const now, clock_now(call.thread, clock));
        call.progress.words[0] = static_cast<uint64_t>(is_absolute ? time : later(now, time));
    }
    return sleep(call, clock, is_absolute, left_address);
}

Result<int64_t> clock_gettime(Call& call) {
    KOS_TRY(Nanoseconds const now, clock_now(call.thread, call.argument_as<int>(0)));
    KOS_TRY_STATUS(call.write_user(call.argument(1), timespec_of(now)));
    return 0;
}

Result<int64_t> clock_getres(Call& call) {
    int const clock = call.argument_as<int>(0);
    KOS_TRY_STATUS(clock_now(call.thread, clock));
    bool const is_coarse = clock == kCLOCK_REALTIME_COARSE || clock == kCLOCK_MONOTONIC_COARSE;
    if (call.argument(1)) KOS_TRY_STATUS(call.write_user(call.argument(1), timespec_of(is_coarse ? kCoarse : 1)));
    return 0;
}

Status set_clock(Call& call, Nanoseconds time) {
    // As Linux: it shall not run over in the next thirty years.
    constexpr Nanoseconds kThirtyYears = Nanoseconds{30} * 365 * 24 * 3600 * kSecond;
    if (time > kNever - kThirtyYears) return Errno::kEINVAL;
    if (!call.process().credentials.has_capability(kCAP_SYS_TIME)) return Errno::kEPERM;
    call.process().system.timers.set_realtime(time);
    return {};
}

Result<int64_t> clock_settime(Call& call) {
    int const clock = call.argument_as<int>(0);
    KOS_TRY_STATUS(clock_now(call.thread, clock));
    if (clock != kCLOCK_REALTIME) return Errno::kEINVAL;
    KOS_TRY(Nanoseconds const time, read_timespec(call, call.argument(1)));
    KOS_TRY_STATUS(set_clock(call, time));
    return 0;
}

Result<int64_t> nanosleep(Call& call) {
    return clock_nanosleep_on(call, kCLOCK_MONOTONIC, false, call.argument(0), call.argument(1));
}

Result<int64_t> clock_nanosleep(Call& call) {
    int const clock = call.argument_as<int>(0);
    KOS_TRY_STATUS(clock_now(call.thread, clock));
    if (clock == kCLOCK_THREAD_CPUTIME_ID) return Errno::kEINVAL;
    if (clock == kCLOCK_MONOTONIC_RAW || clock == kCLOCK_REALTIME_COARSE || clock == kCLOCK_MONOTONIC_COARSE) {
        return Errno::kEOPNOTSUPP;
    }
    return clock_nanosleep_on(call, clock, call.argument(1) & kTIMER_ABSTIME, call.argument(2), call.argument(3));
}

Result<int64_t> gettimeofday(Call& call) {
    if (uint64_t const address = call.argument(0)) {
        Timespec const now = timespec_of(call.process().system.timers.realtime());
        KOS_TRY_STATUS(call.write_user(address, Timeval{now.seconds, now.nanoseconds / 1000}));
    }
    if (uint64_t const address = call.argument(1)) KOS_TRY_STATUS(call.write_user(address, timezone_of_domain));
    return 0;
}

Result<int64_t> settimeofday(Call& call) {
    Timeval time{};
    Timezone zone{};
    uint64_t const time_address = call.argument(0), zone_address = call.argument(1);
    if (time_address) {
        KOS_TRY(time, call.read_user<Timeval>(time_address));
        if (time.microseconds < 0 || time.microseconds >= 1'000'000) return Errno::kEINVAL;
    }
    if (zone_address) {
        KOS_TRY(zone, call.read_user<Timezone>(zone_address));
        if (zone.minutes_west > 15 * 60 || zone.minutes_west < -15 * 60) return Errno::kEINVAL;
    }
    if (!call.process().credentials.has_capability(kCAP_SYS_TIME)) return Errno::kEPERM;
    if (zone_address) timezone_of_domain = zone;
    if (time_address) {
        KOS_TRY(Nanoseconds const now, nanoseconds_of({time.seconds, time.microseconds * 1000}));
        KOS_TRY_STATUS(set_clock(call, now));
    }
    return 0;
}

Result<int64_t> times(Call& call) {
    constexpr Nanoseconds kTick = kSecond / 100;
    struct Tms {
        int64_t user, system, children_user, children_system;
    };
    if (uint64_t const address = call.argument(0)) {
        Tms const value{cpu_time(call.process()) / kTick, 0, call.process().children_time / kTick, 0};
        KOS_TRY_STATUS(call.write_user(address, value));
    }
    return call.process().system.timers.now() / kTick;
}

// struct timex, as far as it is filled in; 208 bytes.
struct Timex {
    uint32_t modes, padding0;
    int64_t offset, frequency, maximum_error, estimated_error;
    int32_t status, padding1;
    int64_t constant, precision, tolerance;
    int64_t seconds, microseconds;
    int64_t tick;
    int64_t pulses[8];  // of a pulse-per-second source: none
    int32_t tai, padding2[11];
};
static_assert(sizeof(Timex) == 208);
static_assert(offsetof(Timex, tai) == 160);

constexpr uint32_t kADJ_OFFSET = 1, kADJ_FREQUENCY = 2, kADJ_MAXERROR = 4, kADJ_ESTERROR = 8, kADJ_STATUS = 0x10,
                   kADJ_TIMECONST = 0x20, kADJ_TAI = 0x80, kADJ_SETOFFSET = 0x100, kADJ_MICRO = 0x1000,
                   kADJ_NANO = 0x2000, kADJ_TICK = 0x4000, kADJ_ADJTIME = 0x8000, kADJ_READONLY = 0x2000;
constexpr int32_t kSTA_PLL = 1, kSTA_UNSYNC = 0x40, kSTA_NANO = 0x2000, kSTA_READ_ONLY = 0xff00;
constexpr int64_t kTickMin = 9000, kTickMax = 11000, kFrequencyMax = 32'768'000, kConstantMax = 10;
constexpr int64_t kOffsetMax = kSecond / 2;

// What programs have set of the clock's discipline. Nothing here is ever slewed: an offset takes effect at once, and
// frequency and tick are kept and shown.
struct Discipline {
    int64_t frequency = 0, maximum_error = 16'000'000, estimated_error = 16'000'000, constant = 2, tick = 10'000;
    int32_t status = kSTA_UNSYNC, tai = 0;
};
Discipline discipline;

Status step_clock(Call& call, Nanoseconds by) {
    Nanoseconds now = 0;
    if (__builtin_add_overflow(call.process().system.timers.realtime(), by, &now) || now < 0) return Errno::kEINVAL;
    return set_clock(call, now);
}

Status keep_discipline(Call& call, const Timex& value) {
    uint32_t const modes = value.modes;
    if (modes & kADJ_TICK && (value.tick < kTickMin || value.tick > kTickMax)) return Errno::kEINVAL;
    if (modes & kADJ_STATUS) {
        discipline.status = (discipline.status & kSTA_READ_ONLY) | (value.status & ~kSTA_READ_ONLY);
    }
    if (modes & kADJ_NANO) discipline.status |= kSTA_NANO;
    if (modes & kADJ_MICRO) discipline.status &= ~kSTA_NANO;
    bool const is_nano = discipline.status & kSTA_NANO;
    if (modes & kADJ_FREQUENCY) discipline.frequency = std::clamp(value.frequency, -kFrequencyMax, kFrequencyMax);
    if (modes & kADJ_MAXERROR) discipline.maximum_error = value.maximum_error;
    if (modes & kADJ_ESTERROR) discipline.estimated_error = value.estimated_error;
    if (modes & kADJ_TIMECONST) {
        int64_t const constant = std::clamp<int64_t>(value.constant, 0, kConstantMax);
        discipline.constant = std::min(is_nano ? constant : constant + 4, kConstantMax);
    }
    if (modes & kADJ_TAI && value.constant >= 0) discipline.tai = static_cast<int32_t>(value.constant);
    if (modes & kADJ_TICK) discipline.tick = value.tick;
    if (!(modes & kADJ_OFFSET) || !(discipline.status & kSTA_PLL)) return {};
    int64_t const unit = is_nano ? 1 : 1000;
    return step_clock(call, std::clamp(value.offset, -kOffsetMax / unit, kOffsetMax / unit) * unit);
}

// adjtime(3): microseconds; what an earlier call wanted has happened already.
Status adjust_once(Call& call, const Timex& value) {
    if (!(value.modes & kADJ_OFFSET)) return Errno::kEINVAL;
    if (value.modes & kADJ_READONLY) return {};
    if (value.offset > kSecondsMax / 2 || value.offset < -kSecondsMax / 2) return Errno::kEINVAL;
    return step_clock(call, value.offset * 1000);
}

Status step_by_argument(Call& call, const Timex& value) {
    int64_t const unit = value.modes & kADJ_NANO ? 1 : 1000;
    if (value.microseconds < 0 || value.microseconds >= kSecond / unit) return Errno::kEINVAL;
    if (value.seconds > kSecondsMax / 2 || value.seconds < -kSecondsMax / 2) return Errno::kEINVAL;
    return step_clock(call, value.seconds * kSecond + value.microseconds * unit);
}

Result<int64_t> adjust(Call& call, uint64_t address) {
    constexpr int64_t kTIME_OK = 0, kTIME_ERROR = 5;
    KOS_TRY(Timex value, call.read_user<Timex>(address));
    uint32_t const modes = value.modes;
    bool const is_once = modes & kADJ_ADJTIME, only_reads = modes == 0 || (is_once && modes & kADJ_READONLY);
    if (!only_reads && !call.process().credentials.has_capability(kCAP_SYS_TIME)) return Errno::kEPERM;
    if (is_once) {
        KOS_TRY_STATUS(adjust_once(call, value));
    } else {
        if (modes & kADJ_SETOFFSET) KOS_TRY_STATUS(step_by_argument(call, value));
        KOS_TRY_STATUS(keep_discipline(call, value));
    }
    bool const is_nano = discipline.status & kSTA_NANO;
    Timespec const now = timespec_of(call.process().system.timers.realtime());
    value = {};
    value.modes = modes;
    value.frequency = discipline.frequency;
    value.maximum_error = discipline.maximum_error;
    value.estimated_error = discipline.estimated_error;
    value.status = discipline.status;
    value.constant = discipline.constant;
    value.precision = 1;
    value.tolerance = kFrequencyMax;
    value.seconds = now.seconds;
    value.microseconds = is_nano ? now.nanoseconds : now.nanoseconds / 1000;
    value.tick = discipline.tick;
    value.tai = discipline.tai;
    KOS_TRY_STATUS(call.write_user(address, value));
    return discipline.status & kSTA_UNSYNC ? kTIME_ERROR : kTIME_OK;
}

Result<int64_t> adjtimex(Call& call) { return adjust(call, call.argument(0)); }

Result<int64_t> clock_adjtime(Call& call) {
    int const clock = call.argument_as<int>(0);
    KOS_TRY_STATUS(clock_now(call.thread, clock));
    if (clock != kCLOCK_REALTIME) return Errno::kEOPNOTSUPP;
    return adjust(call, call.argument(1));
}

// Number, name, handler, support, what is missing.
constexpr const char* kCpuTimers = "CPU time is looked at from time to time: signals come up to some milliseconds late";
constexpr SystemCall kTable[] = {
    {101, "nanosleep", nanosleep, Support::kFull, ""},
    {102, "getitimer", getitimer, Support::kFull, ""},
    {103, "setitimer", setitimer, Support::kPartial, kCpuTimers},
    {107, "timer_create", timer_create, Support::kPartial, kCpuTimers},
    {108, "timer_gettime", timer_gettime, Support::kFull, ""},
    {109, "timer_getoverrun", timer_getoverrun, Support::kFull, ""},
    {110, "timer_settime", timer_settime, Support::kFull, ""},
    {111, "timer_delete", timer_delete, Support::kFull, ""},
    {112, "clock_settime", clock_settime, Support::kFull, ""},
    {113, "clock_gettime", clock_gettime, Support::kFull, ""},
    {114, "clock_getres", clock_getres, Support::kFull, ""},
    {115, "clock_nanosleep", clock_nanosleep, Support::kFull, ""},
    {153, "times", times, Support::kPartial, "all CPU time counts as user time"},
    {169, "gettimeofday", gettimeofday, Support::kFull, ""},
    {170, "settimeofday", settimeofday, Support::kFull, ""},
    {171, "adjtimex", adjtimex, Support::kPartial,
     "nothing is slewed: an offset takes effect at once; frequency, tick and TAI are kept and shown"},
    {266, "clock_adjtime", clock_adjtime, Support::kPartial, "as adjtimex"},
};

}  // namespace

Result<Nanoseconds> nanoseconds_of(const Timespec& time) {
    if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= kSecond) return Errno::kEINVAL;
    if (time.seconds > kSecondsMax) return kNever - 1;
    return time.seconds * kSecond + time.nanoseconds;
}

Result<Nanoseconds> read_timespec(Call& call, uint64_t address) {
    KOS_TRY(Timespec const time, call.read_user<Timespec>(address));
    return nanoseconds_of(time);
}

Nanoseconds monotonic_of_realtime(Timers& timers, Nanoseconds time) {
    Nanoseconds const offset = timers.source().realtime_offset();
    Nanoseconds result = 0;
    if (__builtin_sub_overflow(time, offset, &result)) return offset < 0 ? kNever - 1 : 0;
    return result < kNever - 1 ? result : kNever - 1;
}

Result<Nanoseconds> clock_now(Thread& thread, int clock) {
    Process& process = thread.process;
    Timers& timers = process.system.timers;
    switch (clock) {
        case kCLOCK_REALTIME:
        case kCLOCK_REALTIME_COARSE:
        case kCLOCK_REALTIME_ALARM:
        case kCLOCK_TAI: return timers.realtime();
        case kCLOCK_MONOTONIC:
        case kCLOCK_MONOTONIC_RAW:
        case kCLOCK_MONOTONIC_COARSE:
        case kCLOCK_BOOTTIME:
        case kCLOCK_BOOTTIME_ALARM: return timers.now();
        case kCLOCK_PROCESS_CPUTIME_ID: return cpu_time(process);
        case kCLOCK_THREAD_CPUTIME_ID: return thread.machine ? thread.machine->cpu_time() : 0;
        default: break;
    }
    // clock_getcpuclockid(3): ~number in the upper bits, 4: of a thread, 0 to 2: which time.
    if (clock >= 0 || (clock & 3) == 3) return Errno::kEINVAL;
    int const number = ~(clock >> 3);
    if (clock & 4) {
        Thread* const other = number == 0 ? &thread : process.system.find_thread(number);
        if (!other || &other->process != &process) return Errno::kEINVAL;
        return other->machine ? other->machine->cpu_time() : 0;
    }
    Process* const other = number == 0 ? &process : process.system.find_process(number);
    if (!other) return Errno::kEINVAL;
    return cpu_time(*other);
}

const std::span<const SystemCall> kTimeCalls = kTable;

}  // namespace kos::lx
