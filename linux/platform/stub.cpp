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
    return offset >= kShimCall && offset < kShimCallEnd;
}

KosThread::Stub KosThread::leave_stub() {
    if (!thread_.process.memory || !thread_.process.memory->shim) return Stub::kNone;
    AddressSpace& memory = *thread_.process.memory;
    Registers& registers = thread_.registers;
    uint64_t const pc = registers.pc, offset = pc - memory.shim;
    bool const is_in_shim = is_in_shim_call(pc);
    uint64_t const stub = memory.stub_at(is_in_shim ? registers.x[30] : pc);
    if (!stub || (is_in_shim && registers.x[30] != stub + kStubReturn * 4)) return Stub::kNone;
    uint64_t const behind = behind_call(memory, stub);
    if (!behind) return Stub::kNone;
    uint64_t const word = is_in_shim ? kStubReturn : (pc - stub) / 4;
    bool const is_after = is_in_shim ? offset > kShimCallDone && offset != kShimTrap : word >= kStubReturn;

    // By what has been stored; what has been loaded again is still there as well.
    auto const restore = [&](unsigned number, int64_t at) {
        return memory.copy_in(&registers.x[number], registers.sp + static_cast<uint64_t>(at), sizeof(uint64_t)).ok();
    };
    Registers const before = registers;
    bool is_whole = true;
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
    context_.pc = thread_.registers.pc;
    context_.sp = thread_.registers.sp;
    context_.spsr = thread_.registers.pstate;
    context_.x0 = thread_.registers.x[0];
    doing_ = Doing::kCall;
    thread_.registers.pc += 4;
    return true;
}

}  // namespace kos::lx
