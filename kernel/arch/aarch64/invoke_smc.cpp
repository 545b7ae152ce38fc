// The SMC capability: calls of the secure monitor on behalf of user level (SMC Calling Convention, ARM DEN 0028).
#include <sel4/abi.h>

#include "syscall/invocation.h"

namespace keel {

namespace {

constexpr unsigned kSmcWords = 8;

void call_monitor(Word (&words)[kSmcWords]) {
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

}  // namespace

Outcome invoke_smc(Invocation& inv) {
    if (inv.label != seL4_ARMSMCCall) return inv.illegal_operation();
    if (inv.length < kSmcWords) return inv.truncated();
    Word words[kSmcWords];
    for (unsigned i = 0; i < kSmcWords; i++) words[i] = inv.arg(i);
    // A badged capability is good for one function only.
    Word const function = inv.cap.badge();
    if (function != 0 && function != words[0]) return inv.illegal_operation();
    call_monitor(words);
    return inv.reply(words, kSmcWords);
}

}  // namespace keel
