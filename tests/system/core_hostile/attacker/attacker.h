// Parts of the attacker.
#pragma once

#include <stdint.h>

void attack_memory(uint64_t which);

// xorshift: a seed gives the same attack again.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
    uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    uint64_t below(uint64_t end) { return next() % end; }

private:
    uint64_t state_;
};
