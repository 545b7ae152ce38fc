// What the server knows of the shim: offsets of its entries from AddressSpace::shim, and the calls of its own.
#pragma once

#include "shim/answers.h"

#include <stdint.h>

namespace kos::lx {

// A handler begins here: x0 to x2 its arguments, x16 its address, x17 the frame's fpsimd_context. Stores q0-q31, fpsr
// and fpcr there and goes on at x16; changes nothing else.
constexpr uint64_t kShimSignalEntry = 0x1000;
// rt_sigreturn(2) goes on here: loads q0-q31, fpsr and fpcr from the fpsimd_context at x17 and calls kCallSignalFinish,
// with sp as it was.
constexpr uint64_t kShimSignalExit = 0x1100;
// Where handlers without SA_RESTORER return to: calls rt_sigreturn(2).
constexpr uint64_t kShimSignalReturn = 0x1200;

// The first instruction of a program: clears the floating-point registers and goes on at x16.
constexpr uint64_t kShimStart = 0x1300;
// clone(2): stores the floating-point registers at x17, then calls kCallCloneSaved; a new thread begins at
// kShimCloneChild, which loads them from x17 and calls kCallCloneLoaded.
constexpr uint64_t kShimCloneSave = 0x1400;
constexpr uint64_t kShimCloneChild = 0x1500;

// --- System calls whose svc was rewritten (mm/call_stubs.h): a stub stores x16 and x30 below the stack pointer and
// comes here by blr x16. Everything else is as the program had it.
constexpr uint64_t kShimCall = 0x1800;                                 // the first instruction stores x7 and x17
constexpr uint64_t kShimCallMore = 0x1b80, kShimCallMoreEnd = 0x1c80;  // here x9 to x13 have been stored, too
constexpr uint64_t kShimCallDone = 0x1d00;  // behind its first instruction x0 is the result, and the rest is restored
constexpr uint64_t kShimTrap = 0x1d0c;      // svc with the number in x7; the one behind it goes back to restoring
constexpr uint64_t kShimCallEnd = 0x1d14;
// Calls by message (answers.h). x0 to x5 are stored behind the third instruction; at kShimGateBack the answer has come.
constexpr uint64_t kShimGate = 0x1e00, kShimGateStored = 0x1e0c, kShimGateBack = 0x1e40, kShimGateEnd = 0x1e70;
constexpr uint64_t kShimGateTrap = 0x1e5c;  // from here on the answer is that a trap goes on with the call
// The gate: one page of each program, in which x0 is loaded with the address of a capability that nobody can read.
constexpr uint64_t kGate = SHIM_GATE, kGateCall = 5 * 4, kGateBack = 6 * 4, kGateBytes = 7 * 4;
constexpr unsigned kCallWords = 4;
constexpr bool is_called_by_message(uint64_t number) {
    enum : bool { call = true, events = true, message = true, futex = true, clock = true };
    enum : bool { yield = false, pid = false, tid = false };
    switch (number) {
#define KOS_ANSWER(at, what) \
    case at: return what;
        KOS_SHIM_ANSWERS(KOS_ANSWER)
#undef KOS_ANSWER
        default: return false;
    }
}
// Where the registers of the program are, from its stack pointer. No stack has anything there (AAPCS64: no red zone).
constexpr int64_t kSavedX16 = -16, kSavedX30 = -8, kSavedX7 = -32, kSavedX17 = -24, kSavedX9 = -48, kSavedX11 = -64,
                  kSavedX13 = -80;
constexpr int64_t kSavedX1 = -48, kSavedX3 = -64, kSavedX5 = -80, kSavedX0 = -72;  // of calls by message
// What the shim uses there, and what a call that takes memory away must leave to who looks for it.
constexpr uint64_t kShimStackBytes = 128;

// Code and the vDSO's headers; behind it, pages of data that the server writes and programs read: vdso_data.h, and the
// numbers of futex waiters (task/futex.h).
constexpr uint64_t kShimCodeBytes = 0x2000, kShimFutexes = 0x3000, kShimBytes = 0x4000;

// Calls beyond Linux's numbers, for the shim alone. Programs may make them too: they give nothing that rt_sigreturn
// does not give.
constexpr unsigned kPrivateCalls = 0x10000, kPrivateCallsEnd = 0x10010;
constexpr unsigned kCallSignalFinish = 0x10001;                            // no arguments: the frame is at sp
constexpr unsigned kCallCloneSaved = 0x10002, kCallCloneLoaded = 0x10003;  // no arguments
// The second part of a call by message that sleeps, or at whose end a signal is delivered: its result is the argument.
constexpr unsigned kCallGoOn = 0x10004, kCallFinish = 0x10005;

}  // namespace kos::lx
