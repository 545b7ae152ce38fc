// A thread's general registers, as the exception entry code stores them and as messages use them.
#pragma once

#include "core/types.h"

namespace keel {

struct UserContext {
    Word x[31];
    Word sp;
    Word pc;     // where the thread continues
    Word spsr;
    Word fault_pc;  // the instruction that entered the kernel: where the thread restarts
    Word tpidr;
    Word tpidrro;

    // Roles of registers in a system call; the numbers are the ABI's (sel4/syscalls.h).
    Word& cap_or_badge() { return x[0]; }
    Word& message_tag() { return x[1]; }
    Word& message_word(unsigned i) { return x[2 + i]; }  // i < kRegisterMessageWords
    Word reply_cap() const { return x[6]; }
    Word syscall_number() const { return x[7]; }
    Word send_destination() const { return x[8]; }  // of NBSendRecv
};

// Offsets for entry.S, checked here.
constexpr unsigned kContextSp = 31 * 8;
constexpr unsigned kContextPc = 32 * 8;
constexpr unsigned kContextSpsr = 33 * 8;
constexpr unsigned kContextFaultPc = 34 * 8;
constexpr unsigned kContextTpidr = 35 * 8;
constexpr unsigned kContextTpidrro = 36 * 8;

}  // namespace keel
