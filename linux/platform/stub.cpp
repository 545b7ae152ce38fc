// Threads that are on their way through a stub or the shim (mm/call_stubs.h): to whoever looks at their registers they
// are at the svc that the stub stands for, or behind it.
#include "mm/call_stubs.h"
#include "platform/thread.h"
#include "shim/layout.h"
#include "task/process.h"

#include <string.h>

namespace kos::lx {

namespace {

// Where the stub goes on: behind the call. 0: there is no such stub.
uint64_t behind_call(AddressSpace& memory, uint64_t stub) {
    constexpr uint32_t kFirst = 0xa93f'7bf0, kBranch = 0x1400'0000, kBranchKind = 0xfc00'0000;
    uint32_t words[kStubWords];
    if (!memory.copy_in(words, stub, sizeof words).ok()) return 0;
    uint32_t const last = words[kStubWords - 1];
    if (words[0] != kFirst || (last & kBranchKind) != kBranch) return 0;
    int64_t const bytes = static_cast<int64_t>(static_cast<int32_t>(last << 6) >> 6) * 4;
    return stub + (kStubWords - 1) * 4 + static_cast<uint64_t>(bytes);
}

}  // namespace

bool KosThread::is_in_shim_call(uint64_t pc) const {
    uint64_t const offset = pc - thread_.process.memory->shim;
    return (offset >= kShimCall && offset < kShimCallEnd) || (offset >= kShimGate && offset < kShimGateEnd) ||
           pc - kGate < kGateBytes;
}

// A call by message: before it, behind it, or on the way to a trap that goes on with it.
bool KosThread::restore_from_gate(bool& is_after) {
    Registers& registers = thread_.registers;
    AddressSpace& memory = *thread_.process.memory;
    uint64_t const pc = registers.pc, offset = pc - memory.shim;
    bool const is_in_gate = pc - kGate < kGateBytes;
    if (!is_in_gate && offset < kShimGateStored) {
        is_after = false;
        return true;
    }
    bool const has_answer = is_in_gate ? pc - kGate >= kGateBack : offset >= kShimGateBack;
    constexpr unsigned kLabelShift = 12;
    // Up to the third instruction behind the gate x1 is the answer's tag; then it is by where the thread is.
    bool const has_tag = is_in_gate || offset < kShimGateBack + 12;
    bool const has_trap = has_tag ? registers.x[1] >> kLabelShift != 0 : offset >= kShimGateTrap;
    auto const number = static_cast<uint32_t>(offset > kShimGateTrap && !is_in_gate ? registers.x[7] : registers.x[3]);
    is_after = has_answer && (!has_trap || number == kCallFinish);
    uint64_t saved[6];  // x5, x0, x3, x4, x1, x2
    if (!memory.copy_in(saved, registers.sp + static_cast<uint64_t>(kSavedX5), sizeof saved).ok()) return false;
    registers.x[0] = !is_after ? saved[1] : has_tag ? registers.x[2] : registers.x[0];
    registers.x[5] = saved[0];
    registers.x[3] = saved[2];
    registers.x[4] = saved[3];
    registers.x[1] = saved[4];
    registers.x[2] = saved[5];
    return true;
}

KosThread::Stub KosThread::leave_stub() {
    if (!thread_.process.memory || !thread_.process.memory->shim) return Stub::kNone;
    AddressSpace& memory = *thread_.process.memory;
    Registers& registers = thread_.registers;
    uint64_t const pc = registers.pc, offset = pc - memory.shim;
    // Whoever jumped there: what is loaded there is seen by nobody.
    if (pc - kGate < kGateBytes) registers.x[0] = 0;
    bool const is_in_shim = is_in_shim_call(pc);
    uint64_t const stub = memory.stub_at(is_in_shim ? registers.x[30] : pc);
    if (!stub || (is_in_shim && registers.x[30] != stub + kStubReturn * 4)) return Stub::kNone;
    uint64_t const behind = behind_call(memory, stub);
    if (!behind) return Stub::kNone;
    uint64_t const word = is_in_shim ? kStubReturn : (pc - stub) / 4;
    bool const is_finishing = offset == kShimTrap && registers.x[7] == kCallFinish;
    bool is_after = is_in_shim ? is_finishing || (offset > kShimCallDone && offset != kShimTrap) : word >= kStubReturn;

    // By what has been stored; what has been loaded again is still there as well.
    auto const restore = [&](unsigned number, int64_t at) {
        return memory.copy_in(&registers.x[number], registers.sp + static_cast<uint64_t>(at), sizeof(uint64_t)).ok();
    };
    Registers const before = registers;
    bool is_whole = true;
    if (is_in_shim && (offset < kShimCall || offset >= kShimCallEnd)) is_whole &= restore_from_gate(is_after);
    if (word != 0 && word != kStubWords - 1) is_whole &= restore(16, kSavedX16) && restore(30, kSavedX30);
    if (is_in_shim && offset != kShimCall) is_whole &= restore(7, kSavedX7) && restore(17, kSavedX17);
    if (is_in_shim && offset >= kShimCallMore && offset < kShimCallMoreEnd) {
        is_whole &= restore(9, kSavedX9) && restore(10, kSavedX9 + 8) && restore(11, kSavedX11) &&
                    restore(12, kSavedX11 + 8) && restore(13, kSavedX13);
    }
    if (!is_whole) {
        registers = before;
        return Stub::kNone;
    }
    registers.pc = is_after ? behind : behind - 4;
    return is_after ? Stub::kAfterCall : Stub::kBeforeCall;
}

bool KosThread::begin_call_instead() {
    load();
    if (!is_loaded_ || left_ != Stub::kBeforeCall) return false;
    take_into_call();
    return true;
}

void KosThread::take_into_call() {
    context_.pc = thread_.registers.pc;
    context_.sp = thread_.registers.sp;
    context_.spsr = thread_.registers.pstate;
    context_.x0 = thread_.registers.x[0];
    doing_ = Doing::kCall;
    thread_.registers.pc += 4;
}

}  // namespace kos::lx
