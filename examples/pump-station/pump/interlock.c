// The rule of interlock.h.
#include "interlock.h"

void interlock_reading(interlock_t* lock, int32_t level_mm, uint64_t time_ms, uint64_t stamp, uint64_t now_ms) {
    if (stamp != stamp_of(lock->key, level_mm, time_ms) || time_ms <= lock->time_ms || time_ms > now_ms + kAheadMs) {
        ++lock->refused;
        return;
    }
    lock->time_ms = time_ms;
    lock->level_mm = level_mm;
    ++lock->accepted;
}

static int is_stale(const interlock_t* lock, uint64_t now_ms) {
    return lock->time_ms == 0 || now_ms > lock->time_ms + kStaleMs;
}

verdict_t interlock_verdict(interlock_t* lock, uint64_t now_ms) {
    if (is_stale(lock, now_ms)) return kVerdictStale;
    lock->is_low = lock->level_mm < (lock->is_low ? kLowEndMm : kLowMm);
    if (lock->is_low) return kVerdictLow;
    return lock->float_low ? kVerdictSwitch : kVerdictRun;
}

int interlock_closes_valve(interlock_t* lock, uint64_t now_ms) {
    if (is_stale(lock, now_ms)) return 0;
    if (lock->level_mm >= kHighMm || lock->float_high) lock->relieves = 1;
    if (lock->level_mm < kHighEndMm && !lock->float_high) lock->relieves = 0;
    return !lock->relieves;
}
