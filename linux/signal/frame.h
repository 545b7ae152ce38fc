// The signal frame on a program's stack, exactly as arm64's Linux lays it out: asm/{sigcontext,ucontext}.h and
// asm-generic/siginfo.h of linux-libc-dev; the frame record behind it is the AAPCS64's.
#pragma once

#include "mm/address_space.h"
#include "signal/signals.h"
#include "task/registers.h"

#include <stddef.h>

namespace kos::lx {

struct SignalStack {  // stack_t
    uint64_t address = 0;
    uint32_t flags = 0;
    uint32_t padding = 0;
    uint64_t bytes = 0;
};

struct FpsimdContext {
    uint32_t magic = 0x46508001;
    uint32_t size = 528;
    uint32_t fpsr = 0, fpcr = 0;
    uint64_t registers[64] = {};  // q0 to q31
};

struct SignalContext {  // struct sigcontext without the end of __reserved
    uint64_t fault_address = 0;
    uint64_t x[31] = {};
    uint64_t sp = 0, pc = 0, pstate = 0;
    uint64_t padding = 0;
    FpsimdContext fpsimd;
    uint32_t end_magic = 0, end_size = 0;
};

struct SignalFrame {
    std::byte info[kSigInfoBytes] = {};
    // struct ucontext
    uint64_t flags = 0, link = 0;
    SignalStack stack;
    SignalSet mask = 0;
    std::byte mask_padding[120] = {};
    uint64_t padding = 0;
    SignalContext context;
};

constexpr uint64_t kReservedBytes = 4096;  // of sigcontext
constexpr uint64_t kContextOffset = kSigInfoBytes;
constexpr uint64_t kMachineContextOffset = kContextOffset + 176;
constexpr uint64_t kReservedOffset = kMachineContextOffset + 288;
constexpr uint64_t kFrameBytes = kReservedOffset + kReservedBytes;
static_assert(offsetof(SignalFrame, stack) == kContextOffset + 16);
static_assert(offsetof(SignalFrame, mask) == kContextOffset + 40);
static_assert(offsetof(SignalFrame, context) == kMachineContextOffset);
static_assert(offsetof(SignalContext, x) == 8 && offsetof(SignalContext, sp) == 256);
static_assert(offsetof(SignalContext, pc) == 264 && offsetof(SignalContext, pstate) == 272);
static_assert(offsetof(SignalFrame, context) + offsetof(SignalContext, fpsimd) == kReservedOffset);
static_assert(kReservedOffset % 16 == 0 && kFrameBytes == 4688 && sizeof(FpsimdContext) == 528);

constexpr uint32_t kSS_ONSTACK = 1, kSS_DISABLE = 2, kSS_AUTODISARM = 1u << 31;
constexpr uint64_t kMinimumStack = 5120;  // MINSIGSTKSZ

// The address lies on the thread's alternate stack, which is in use then.
bool is_on_alternate_stack(const SignalState& state, uint64_t sp);
// sigaltstack(2)'s rules; kEINVAL, kENOMEM, kEPERM (it is in use).
Status set_alternate_stack(SignalState& state, const SignalStack& stack, uint64_t sp);
SignalStack alternate_stack(const SignalState& state);

// The thread, whose registers are loaded, begins `action`'s handler; `mask` is what the handler's end gives back.
// kEFAULT: no room on the stack.
Status enter_handler(Thread& thread, const SignalInfo& info, const SignalAction& action, SignalSet mask);
// rt_sigreturn(2): sends the thread to the shim, which loads the FP registers. kEFAULT: no frame at sp.
Status begin_signal_return(Thread& thread);
// kCallSignalFinish: registers, mask, alternate stack as in the frame at sp, which may contain anything.
Status finish_signal_return(Thread& thread);

}  // namespace kos::lx
