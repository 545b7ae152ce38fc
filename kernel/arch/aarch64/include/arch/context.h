// A thread's general registers, as the exception entry code stores them and as messages use them.
#pragma once

#include "arch/entry_offsets.h"
#include "core/types.h"

namespace keel {

struct UserContext {
    Word x[31];
    Word sp;
    Word pc;  // where the thread continues
    Word spsr;
    Word fault_pc;  // the instruction that entered the kernel: where the thread restarts
    Word tpidr;     // the last two are current only while the thread does not run, see arch/switch.h
    Word tpidrro;

    // Roles of registers in a system call; the numbers are the ABI's (sel4/syscalls.h).
    Word& cap_or_badge() { return x[0]; }
    Word& message_tag() { return x[1]; }
    Word& message_word(unsigned i) { return x[2 + i]; }  // i < kRegisterMessageWords
    Word reply_cap() const { return x[6]; }
    Word syscall_number() const { return x[7]; }
    Word send_destination() const { return x[8]; }  // of NBSendRecv
};

// entry.S pairs sp with x30 and pc with spsr.
static_assert(offsetof(UserContext, sp) == KEEL_CONTEXT_SP);
static_assert(offsetof(UserContext, pc) == KEEL_CONTEXT_PC);
static_assert(offsetof(UserContext, spsr) == KEEL_CONTEXT_SPSR);
static_assert(offsetof(UserContext, fault_pc) == KEEL_CONTEXT_FAULT_PC);
static_assert(offsetof(UserContext, tpidr) == KEEL_CONTEXT_TPIDR);
static_assert(offsetof(UserContext, tpidrro) == KEEL_CONTEXT_TPIDRRO);

}  // namespace keel
