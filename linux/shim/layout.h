// What the server knows of the shim: offsets of its entries from AddressSpace::shim, and the calls of its own.
#pragma once

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

// Code and the vDSO's headers; behind it, one page of data that the server writes and programs read.
constexpr uint64_t kShimCodeBytes = 0x2000, kShimBytes = 0x3000;

// Calls beyond Linux's numbers, for the shim alone. Programs may make them too: they give nothing that rt_sigreturn
// does not give.
constexpr unsigned kPrivateCalls = 0x10000, kPrivateCallsEnd = 0x10010;
constexpr unsigned kCallSignalFinish = 0x10001;  // no arguments: the frame is at sp
constexpr unsigned kCallCloneSaved = 0x10002, kCallCloneLoaded = 0x10003;  // no arguments

}  // namespace kos::lx
