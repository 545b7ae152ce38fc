// What program and peer say to each other.
#pragma once

#include <stdint.h>

enum { kPort = 9, kFloodPort = 5000, kStreamPort = 80, kFloodBytes = 1400 };
enum kind { kDatagrams, kBeginnings, kEchoes };

// From the program to the peer: flood me. From the peer to the program, until it says something else: that is over.
struct order {
    uint32_t kind, number;
    uint32_t packets_per_s, ms;
    uint64_t offered, refused;  // by the peer; refused: there was no room in the ring
};
