// Calls of the secure monitor (SMC Calling Convention, ARM DEN 0028).
#pragma once

#include "core/types.h"

namespace keel {

constexpr unsigned kMonitorWords = 8;

// Passes the words in x0-x7 and puts back what the monitor leaves there.
inline void call_monitor(Word (&words)[kMonitorWords]) {
    register Word x0 asm("x0") = words[0];
    register Word x1 asm("x1") = words[1];
    register Word x2 asm("x2") = words[2];
    register Word x3 asm("x3") = words[3];
    register Word x4 asm("x4") = words[4];
    register Word x5 asm("x5") = words[5];
    register Word x6 asm("x6") = words[6];
    register Word x7 asm("x7") = words[7];
    // Version 1.0 of the convention lets the monitor change x0-x17; results are in x0-x3 (later versions: x0-x7).
    asm volatile("smc #0"
                 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)
                 :
                 : "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory", "cc");
    words[0] = x0;
    words[1] = x1;
    words[2] = x2;
    words[3] = x3;
    words[4] = x4;
    words[5] = x5;
    words[6] = x6;
    words[7] = x7;
}

}  // namespace keel
