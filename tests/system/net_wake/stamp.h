// What is in each datagram of this test. The program sends it, the peer completes it and sends it back.
#pragma once

#include <stdint.h>

enum { kPort = 9 };

struct stamp {
    uint64_t number;
    uint64_t us;     // since boot, when the peer has seen it
    uint64_t wakes;  // how often the peer was woken before
};
