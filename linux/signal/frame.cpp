// Signal frames: written at a handler's begin, read (as hostile input) at its end.
#include "signal/frame.h"

#include "shim/layout.h"

#include <string.h>

namespace kos::lx {

namespace {

constexpr uint64_t kConditionFlags = 0xf000'0000;  // N, Z, C, V: all of pstate that is the program's

struct FrameRecord {
    uint64_t x29, x30;
};

template <class T>
void put(std::byte* to, T value) {
    memcpy(to, &value, sizeof value);
}
template <class T>
T get(const std::byte* from) {
    T value;
    memcpy(&value, from, sizeof value);
    return value;
}

// Which of siginfo's unions is meant.
enum class InfoKind : uint8_t { kSender, kTimer, kQueue, kChild, kFault, kPoll };

InfoKind kind_of(int signal, int code) {
    if (code == kSI_TIMER) return InfoKind::kTimer;
    if (code == kSI_SIGIO) return InfoKind::kPoll;
    if (code < 0) return code == kSI_TKILL ? InfoKind::kSender : InfoKind::kQueue;
    if (code == kSI_USER || code == kSI_KERNEL) return InfoKind::kSender;
    switch (signal) {
        case kSIGCHLD: return InfoKind::kChild;
        case kSIGSEGV:
        case kSIGBUS:
        case kSIGILL:
        case kSIGFPE:
        case kSIGTRAP:
        case kSIGSYS: return InfoKind::kFault;
        default: return InfoKind::kPoll;  // F_SETSIG: POLL_*
    }
}

// Which address the frame begins at, for a stack that ends at `top`.
uint64_t frame_address(uint64_t top) {
    return (((top & ~uint64_t{15}) - sizeof(FrameRecord)) & ~uint64_t{15}) - kFrameBytes;
}

bool contains(const SignalState& state, uint64_t sp) {
    return sp > state.alternate_stack && sp - state.alternate_stack <= state.alternate_bytes;
}

}  // namespace

void encode_signal_info(const SignalInfo& info, std::byte (&bytes)[kSigInfoBytes]) {
    memset(bytes, 0, sizeof bytes);
    put(bytes, info.signal);
    put(bytes + 4, info.error);
    put(bytes + 8, info.code);
    switch (kind_of(info.signal, info.code)) {
        case InfoKind::kSender:
            put(bytes + 16, info.pid);
            put(bytes + 20, info.uid);
            break;
        case InfoKind::kTimer:
        case InfoKind::kQueue:
            put(bytes + 16, info.pid);
            put(bytes + 20, info.uid);
            put(bytes + 24, info.value);
            break;
        case InfoKind::kChild:
            put(bytes + 16, info.pid);
            put(bytes + 20, info.uid);
            put(bytes + 24, info.status);
            put(bytes + 32, info.user_time);
            put(bytes + 40, info.system_time);
            break;
        case InfoKind::kFault: put(bytes + 16, info.address); break;
        case InfoKind::kPoll:
            put(bytes + 16, int64_t{info.band});
            put(bytes + 24, info.fd);
            break;
    }
}

SignalInfo decode_signal_info(const std::byte (&bytes)[kSigInfoBytes]) {
    SignalInfo info;
    info.signal = get<int32_t>(bytes);
    info.error = get<int32_t>(bytes + 4);
    info.code = get<int32_t>(bytes + 8);
    switch (kind_of(info.signal, info.code)) {
        case InfoKind::kSender:
        case InfoKind::kTimer:
        case InfoKind::kQueue:
            info.pid = get<int32_t>(bytes + 16);
            info.uid = get<uint32_t>(bytes + 20);
            info.value = get<uint64_t>(bytes + 24);
            break;
        case InfoKind::kChild:
            info.pid = get<int32_t>(bytes + 16);
            info.uid = get<uint32_t>(bytes + 20);
            info.status = get<int32_t>(bytes + 24);
            info.user_time = get<int64_t>(bytes + 32);
            info.system_time = get<int64_t>(bytes + 40);
            break;
        case InfoKind::kFault: info.address = get<uint64_t>(bytes + 16); break;
        case InfoKind::kPoll:
            info.band = static_cast<int32_t>(get<int64_t>(bytes + 16));
            info.fd = get<int32_t>(bytes + 24);
            break;
    }
    return info;
}

bool is_on_alternate_stack(const SignalState& state, uint64_t sp) {
    return !(state.alternate_flags & (kSS_AUTODISARM | kSS_DISABLE)) && contains(state, sp);
}

SignalStack alternate_stack(const SignalState& state) {
    return {state.alternate_stack, state.alternate_flags, 0, state.alternate_bytes};
}

Status set_alternate_stack(SignalState& state, const SignalStack& stack, uint64_t sp) {
    if (is_on_alternate_stack(state, sp)) return Errno::kEPERM;
    uint32_t const mode = stack.flags & ~kSS_AUTODISARM;
    if (mode != 0 && mode != kSS_DISABLE && mode != kSS_ONSTACK) return Errno::kEINVAL;
    if (mode == kSS_DISABLE) {
        state.alternate_stack = state.alternate_bytes = 0;
        state.alternate_flags = stack.flags;
        return {};
    }
    if (stack.bytes < kMinimumStack) return Errno::kENOMEM;
    state.alternate_stack = stack.address;
    state.alternate_bytes = stack.bytes;
    state.alternate_flags = stack.flags & kSS_AUTODISARM;
    return {};
}

Status enter_handler(Thread& thread, const SignalInfo& info, const SignalAction& action, SignalSet mask) {
    SignalState& state = thread.signals;
    Registers& registers = thread.registers;
    AddressSpace& memory = *thread.process.memory;

    bool const is_on = is_on_alternate_stack(state, registers.sp);
    bool const switches = action.flags & kSA_ONSTACK && !is_on && !(state.alternate_flags & kSS_DISABLE);
    uint64_t const top = switches ? state.alternate_stack + state.alternate_bytes : registers.sp;
    uint64_t const address = frame_address(top);
    if (address >= top) return Errno::kEFAULT;
    // Overflows the alternate stack, which is in use or begins here.
    if ((is_on || switches) && !contains(state, address)) return Errno::kEFAULT;

    SignalFrame frame;
    encode_signal_info(info, frame.info);
    frame.stack = alternate_stack(state);
    frame.mask = mask;
    bool const is_memory_fault =
        (info.signal == kSIGSEGV || info.signal == kSIGBUS) && info.code > 0 && info.code < kSI_KERNEL;
    frame.context.fault_address = is_memory_fault ? info.address : 0;
    memcpy(frame.context.x, registers.x, sizeof frame.context.x);
    frame.context.sp = registers.sp;
    frame.context.pc = registers.pc;
    frame.context.pstate = registers.pstate;
    KOS_TRY_STATUS(memory.copy_out(address, &frame, sizeof frame));
    uint64_t const record_address = address + kFrameBytes;
    FrameRecord const record{registers.x[29], registers.x[30]};
    KOS_TRY_STATUS(memory.copy_out(record_address, &record, sizeof record));

    if (state.alternate_flags & kSS_AUTODISARM) {
        state.alternate_stack = state.alternate_bytes = 0;
        state.alternate_flags = kSS_DISABLE;
    }
    registers.x[0] = static_cast<uint64_t>(info.signal);
    registers.x[1] = address;
    registers.x[2] = address + kContextOffset;
    registers.x[16] = action.handler;
    registers.x[17] = address + kReservedOffset;
    registers.x[29] = record_address;
    registers.x[30] = action.flags & kSA_RESTORER ? action.restorer : memory.shim + kShimSignalReturn;
    registers.sp = address;
    registers.pc = memory.shim + kShimSignalEntry;
    registers.pstate &= kConditionFlags;
    return {};
}

Status begin_signal_return(Thread& thread) {
    Registers& registers = thread.registers;
    AddressSpace& memory = *thread.process.memory;
    if (registers.sp % 16 != 0 || registers.sp > kUserEnd) return Errno::kEFAULT;
    // Records of __reserved, one after the other; a handler may have put others before it.
    uint64_t const start = registers.sp + kReservedOffset;
    for (uint64_t offset = 0; offset + sizeof(FpsimdContext) <= kReservedBytes;) {
        struct {
            uint32_t magic, size;
        } head;
        KOS_TRY_STATUS(memory.copy_in(&head, start + offset, sizeof head));
        if (head.magic == FpsimdContext{}.magic) {
            if (head.size != sizeof(FpsimdContext)) return Errno::kEFAULT;
            registers.x[17] = start + offset;
            registers.pc = memory.shim + kShimSignalExit;
            return {};
        }
        if (head.magic == 0 || head.size < sizeof head || head.size % 16 != 0) return Errno::kEFAULT;
        if (head.size > kReservedBytes) return Errno::kEFAULT;
        offset += head.size;
    }
    return Errno::kEFAULT;
}

Status finish_signal_return(Thread& thread) {
    Registers& registers = thread.registers;
    if (registers.sp % 16 != 0 || registers.sp > kUserEnd) return Errno::kEFAULT;
    SignalFrame frame;
    // Without the FP state, which is back already.
    constexpr size_t kBytes = offsetof(SignalFrame, context) + offsetof(SignalContext, fpsimd);
    KOS_TRY_STATUS(thread.process.memory->copy_in(&frame, registers.sp, kBytes));
    memcpy(registers.x, frame.context.x, sizeof registers.x);
    registers.sp = frame.context.sp;
    registers.pc = frame.context.pc;
    registers.pstate = frame.context.pstate & kConditionFlags;
    set_blocked(thread, frame.mask);
    // As on Linux, a bad stack here is no reason to fail.
    (void)set_alternate_stack(thread.signals, frame.stack, registers.sp).ok();
    return {};
}

}  // namespace kos::lx
