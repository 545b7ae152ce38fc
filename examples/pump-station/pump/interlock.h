// The safety rule: when the motor may run, and when the relief valve is closed. Pure: time and readings in, decisions
// out.
//
// The motor runs only while the last good reading is at most kStaleMs old and says kLowMm or more (once
// stopped, kLowEndMm or more), and the float switch agrees. The valve is closed only while such a reading says less
// than kHighMm (once open, less than kHighEndMm), and the switch agrees.
#pragma once

#include "../common/stamp.h"

#include <stdint.h>

enum { kStaleMs = 500, kLowMm = 250, kLowEndMm = 300, kHighMm = 850, kHighEndMm = 720, kAheadMs = 100 };

typedef enum { kVerdictRun, kVerdictLow, kVerdictStale, kVerdictSwitch } verdict_t;

typedef struct {
    stamp_key_t key;
    uint64_t time_ms;  // of the last good reading, 0: none yet
    int32_t level_mm;
    uint8_t float_low, float_high;  // as the actuators told last
    uint8_t relieves;               // the valve is open because of the level
    uint8_t is_low;                 // stopped for want of water
    uint32_t accepted, refused;
} interlock_t;

// A reading, whoever sends it. Refused, and counted, if the stamp is wrong, if it is not newer than the last one, or
// from the future (kAheadMs).
void interlock_reading(interlock_t* lock, int32_t level_mm, uint64_t time_ms, uint64_t stamp, uint64_t now_ms);
verdict_t interlock_verdict(interlock_t* lock, uint64_t now_ms);
int interlock_closes_valve(interlock_t* lock, uint64_t now_ms);
