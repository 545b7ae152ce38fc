// Time limits and temporary signal masks.
#include "syscalls/waiting.h"

#include "task/system.h"

namespace kos::lx {

Result<Nanoseconds> time_of(const Timespec& timespec) {
    if (timespec.seconds < 0 || timespec.nanoseconds < 0 || timespec.nanoseconds >= 1'000'000'000)
        return Errno::kEINVAL;
    Nanoseconds total;
    if (__builtin_mul_overflow(timespec.seconds, Nanoseconds{1'000'000'000}, &total) ||
        __builtin_add_overflow(total, timespec.nanoseconds, &total)) {
        return kNever - 1;
    }
    return total;
}

Result<Nanoseconds> read_time(Call& call, uint64_t address) {
    KOS_TRY(Timespec const timespec, call.read_user<Timespec>(address));
    return time_of(timespec);
}

Nanoseconds after(Nanoseconds now, Nanoseconds span) {
    Nanoseconds sum;
    return __builtin_add_overflow(now, span, &sum) || sum == kNever ? kNever - 1 : sum;
}

Status begin_signal_mask(Call& call, uint64_t address, uint64_t bytes) {
    if (address == 0) return {};
    if (bytes != sizeof(SignalSet)) return Errno::kEINVAL;
    KOS_TRY(SignalSet mask, call.read_user<SignalSet>(address));
    mask &= ~(signal_bit(kSIGKILL) | signal_bit(kSIGSTOP));
    SignalState& signals = call.thread.signals;
    if (!signals.has_saved_mask) {
        signals.has_saved_mask = true;
        signals.saved_mask = signals.blocked;
    }
    signals.blocked = mask;
    return {};
}

Result<int64_t> end_signal_mask(Call& call, Result<int64_t> result) {
    SignalState& signals = call.thread.signals;
    if (!signals.has_saved_mask) return result;
    switch (result.error()) {
        case Errno::kRetry:
        case Errno::kRestart:
        case Errno::kRestartNoHandler:
        case Errno::kEINTR: return result;
        default: break;
    }
    signals.blocked = signals.saved_mask;
    signals.has_saved_mask = false;
    return result;
}

}  // namespace kos::lx
