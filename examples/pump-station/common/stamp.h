// The stamp of a reading: SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) under a key
// that the transmitter and the interlock share. Who is between them cannot make one.
#pragma once

#include <stdint.h>

typedef struct {
    uint64_t low, high;
} stamp_key_t;

// Of the parameters `key_low` and `key_high` of the domain.
stamp_key_t stamp_key(void);
uint64_t stamp_of(stamp_key_t key, int32_t level_mm, uint64_t time_ms);
// SipHash-2-4 of whole words.
uint64_t stamp_hash(stamp_key_t key, const uint64_t* words, unsigned count);
