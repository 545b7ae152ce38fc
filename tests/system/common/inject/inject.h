// Orders to a service that was linked with inject.c: how it goes wrong. Sent with kInjectLabel through any of its
// ports.
#pragma once

#include <stdint.h>

enum { kInjectLabel = 0xffe0 };  // no interface has it

enum inject_order {
    kInjectNow = 1,     // words[0]: enum fault_kind; in the middle of this request
    kInjectOwn = 2,     // words[0]: enum fault_kind; answered, then on the domain's own time, in `signalled`
    kInjectThread = 3,  // words[0]: enum fault_kind; answered, then in a thread of its own
    kInjectAtRequest =
        4,              // words[0]: n, words[1]: enum fault_kind; answered, then right before its n-th request to root
    kInjectSpin = 5,    // words[0]: microseconds of CPU time to use up -> OK
    kInjectMemory = 6,  // maps memory until there is no more, and keeps it -> words[0]: pages
    kInjectFlood = 7,   // words[0]: messages; so many to root, and to each port that it uses -> words[0]: sent
    kInjectDeaf = 8,    // from now on it does not end when it is asked to
    kInjectKill = 9,    // words[0]: domain; has root kill it, which only the supervisor may
    kInjectUnacked = 10,  // words[0]: enum fault_kind; answered, then at the next interrupt, which nobody acknowledges
    kInjectStorm =
        13,  // words[0]: 1: from now on interrupts are acknowledged, but nobody looks at the device; 0: again
    kInjectState = 11,     // -> words[0]: instance, words[1]: requests to root so far
    kInjectMemoryOf = 12,  // words[0]: domain -> words[0]: bytes of memory that it uses; only the supervisor knows
};
