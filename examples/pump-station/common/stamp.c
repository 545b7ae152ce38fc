// SipHash-2-4 over words of 64 bits: names as in the paper.
#include "stamp.h"

static uint64_t rotated(uint64_t value, unsigned bits) { return value << bits | value >> (64 - bits); }

static void round_of(uint64_t v[4]) {
    v[0] += v[1], v[2] += v[3];
    v[1] = rotated(v[1], 13) ^ v[0], v[3] = rotated(v[3], 16) ^ v[2];
    v[0] = rotated(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = rotated(v[1], 17) ^ v[2], v[3] = rotated(v[3], 21) ^ v[0];
    v[2] = rotated(v[2], 32);
}

static void compress(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    round_of(v), round_of(v);
    v[0] ^= word;
}

uint64_t stamp_hash(stamp_key_t key, const uint64_t* words, unsigned count) {
    uint64_t v[4] = {key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d, key.low ^ 0x6c7967656e657261,
                     key.high ^ 0x7465646279746573};
    for (unsigned i = 0; i < count; ++i) compress(v, words[i]);
    compress(v, (uint64_t)(count * 8 & 0xff) << 56);  // the length, behind the last whole word
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 4; ++i) round_of(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t stamp_of(stamp_key_t key, int32_t level_mm, uint64_t time_ms) {
    uint64_t const words[] = {(uint32_t)level_mm, time_ms};
    return stamp_hash(key, words, 2);
}
