// The fixed names of the fuzzer's world: slots, capability addresses, virtual addresses, priorities.
//
// Three kinds of threads: the supervisor (the initial thread, lowest priority), the driver (makes up operations and
// carries them out) and the workers (each runs one short program at a time and then stops at a breakpoint).
//
// The driver's CSpace, outside of the world and never destroyed by it:
//
//   gate (radix 6, guard 3 bits) --- kGateWorld ---> world CNode (radix 8)         short way to a slot
//                                --- kGateDetour --> detour CNode --> world CNode  long way to the same slot
//                                --- kGateRoots ---> roots CNode: CNode capabilities, as roots of CNode operations
//                                --- others: capabilities that operations may name only where they do no harm
//
// Nothing here has state. Included by every file of the fuzzer.
#pragma once

#include <kos/sel4/sel4.h>

namespace fuzz {

using kos::sel4::CPtr;
using kos::sel4::Word;

// --- Threads

inline constexpr Word kSupervisorPriority = 1;
inline constexpr Word kDriverPriority = 100;
inline constexpr Word kWorkers = 8;

// Far longer than a run: no thread is ever stopped by time.
inline constexpr Word kBudgetUs = 3'000'000'000;

// --- Slots of the world CNode when a world is new. What is not listed is empty.

inline constexpr Word kWorldRadix = 8;
inline constexpr Word kWorldSlots = Word{1} << kWorldRadix;

inline constexpr Word kSlotUntyped = 1;  // 2^17, 2^16, 2^15, 2^13, 2^12 bytes
inline constexpr Word kSlotEndpoint = 8;
inline constexpr Word kEndpoints = 8;
inline constexpr Word kSlotBadgedEndpoint = 16;
inline constexpr Word kSlotNotification = 24;
inline constexpr Word kNotifications = 6;
inline constexpr Word kSlotBadgedNotification = 30;
inline constexpr Word kSlotReply = 40;
inline constexpr Word kReplies = 8;
inline constexpr Word kSlotSchedContext = 48;
inline constexpr Word kSlotSpareSchedContext = 56;
inline constexpr Word kSpareSchedContexts = 2;
inline constexpr Word kSlotThread = 60;
inline constexpr Word kThreads = kWorkers + 2;  // the last two are never configured
inline constexpr Word kSlotFrame = 72;
inline constexpr Word kFrames = 12;
inline constexpr Word kSlotPageTable = 84;
inline constexpr Word kPageTables = 8;
inline constexpr Word kSlotVspace = 92;  // assigned, assigned, not assigned
inline constexpr Word kVspaces = 3;
inline constexpr Word kSlotCodeFrame = 95;
inline constexpr Word kSlotSmallCnode = 98;
inline constexpr Word kSlotWorldPlain = 99;  // the world CNode itself, without a guard
inline constexpr Word kSlotWorldGuarded = 100;
inline constexpr Word kSlotDetour = 101;
inline constexpr Word kSlotIrqHandler = 104;
inline constexpr Word kIrqHandlers = 3;
inline constexpr Word kSlotLargeFrame = 108;  // only in some worlds
inline constexpr Word kSlotScratch = kWorldSlots - 1;

// --- Slots of the gate

inline constexpr Word kGateRadix = 6;
inline constexpr Word kGateGuardBits = 3;
inline constexpr Word kGateGuard = 0b101;

inline constexpr Word kGateWorld = 1;
inline constexpr Word kGateDetour = 2;
inline constexpr Word kGateRoots = 4;
// At least two bits away from the ones above, so that an address with one wrong bit does not reach them.
inline constexpr Word kGateIrqControl = 24;
inline constexpr Word kGateAsidControl = 25;
inline constexpr Word kGateSchedControl = 26;
inline constexpr Word kGateOtherSchedControl = 46;  // of the last core; only where there are several
inline constexpr Word kGateDomain = 27;
inline constexpr Word kGateRootVspace = 28;
inline constexpr Word kGateWorkerVspace = 29;
inline constexpr Word kGateAsidPool = 30;
inline constexpr Word kGateDriver = 31;        // the driver's TCB
inline constexpr Word kGateFaults = 40;        // the supervisor's endpoint, for fault handlers: write and grant
inline constexpr Word kGateControl = 41;       // where the driver waits for the supervisor
inline constexpr Word kGateDriverFaults = 44;  // as kGateFaults, with the driver's badge
inline constexpr Word kGateDevice = 42;        // device untyped memory
inline constexpr Word kGateCodeFrame = 43;
inline constexpr Word kGateBuffers = 48;  // frames of the workers' message buffers

// --- Slots of the roots CNode

inline constexpr Word kRootsRadix = 3;
inline constexpr Word kRootWorldPlain = 0;
inline constexpr Word kRootWorldGuarded = 1;
inline constexpr Word kRootDetour = 2;
inline constexpr Word kRootSmall = 3;

// --- Guards. Like all words that a worker can see, the addresses have bits 27 and 28 of both halves clear (random.h).

inline constexpr Word kPrefixBits = kGateGuardBits + kGateRadix;
inline constexpr Word kWorldGuardBits = 64 - kPrefixBits - kWorldRadix;
inline constexpr Word kWorldGuard = 0x2000'0000'0041;
inline constexpr Word kDetourRadix = 4;
inline constexpr Word kDetourGuardBits = 2;
inline constexpr Word kDetourGuard = 0b10;
inline constexpr Word kDetourIndex = 3;
inline constexpr Word kInnerGuardBits = 64 - kPrefixBits - kDetourGuardBits - kDetourRadix - kWorldRadix;
inline constexpr Word kInnerGuard = 0x100'0000'0041;
inline constexpr Word kRootsGuardBits = 64 - kPrefixBits - kRootsRadix;
inline constexpr Word kRootsGuard = 0x4'0000'0000'0021;
// Of the CSpace roots of workers: the world CNode directly, or by the detour.
inline constexpr Word kDirectGuardBits = 64 - kWorldRadix;
inline constexpr Word kDirectGuard = 0x40'0000'0000'0042;
inline constexpr Word kNestedGuardBits = 64 - kDetourRadix - kInnerGuardBits - kWorldRadix;
inline constexpr Word kNestedGuard = Word{1} << (kNestedGuardBits - 1) | 1;

constexpr Word guard_data(Word guard, Word bits) { return guard << seL4_CNode_GuardSizeBits | bits; }

// --- Capability addresses

constexpr CPtr gate_cap(Word index) { return kGateGuard << (64 - kGateGuardBits) | index << (64 - kPrefixBits); }
constexpr CPtr root_cap(Word index) { return gate_cap(kGateRoots) | kRootsGuard << kRootsRadix | index; }

// How a thread names slots of the world.
enum class Space : Word { kDriver, kDriverDetour, kWorkerDirect, kWorkerNested };

constexpr CPtr inner_cap(Word slot) {
    return kDetourIndex << (kInnerGuardBits + kWorldRadix) | kInnerGuard << kWorldRadix | slot;
}

constexpr CPtr world_cap(Space space, Word slot) {
    switch (space) {
        case Space::kDriver: return gate_cap(kGateWorld) | kWorldGuard << kWorldRadix | slot;
        case Space::kDriverDetour:
            return gate_cap(kGateDetour) | kDetourGuard << (kDetourRadix + kInnerGuardBits + kWorldRadix) |
                   inner_cap(slot);
        case Space::kWorkerDirect: return kDirectGuard << kWorldRadix | slot;
        case Space::kWorkerNested: return kNestedGuard << (64 - kNestedGuardBits) | inner_cap(slot);
    }
    return 0;
}

// --- Virtual addresses of the workers' address space

inline constexpr Word kCodeAddress = 0x400000;
inline constexpr Word kBufferAddress = 0x500000;
inline constexpr Word kPageBytes = 4096;
constexpr Word buffer_address(Word worker) { return kBufferAddress + worker * kPageBytes; }

// Programs of the workers, in worker_code.S: kProgramBytes each.
inline constexpr Word kProgramBytes = 128;
enum class Program : Word {
    kSyscall,           // svc
    kTwice,             // svc twice with the registers that the first left
    kTwo,               // svc, then another with x0..x3, x6, x7 = x20..x25
    kThree,             // as kTwo, then another with x0, x1, x6, x7 = x26, x27, x28, x19
    kLoad,              // x9 = [x19]
    kStore,             // [x19] = x20
    kLoadSyscallStore,  // x9 = [x19], svc, [x19] = x20
    kBranch,            // to x19
    kFloat,             // x9 = d0, d0 = x19, svc, x10 = d0
    kThreadRegisters,   // x9 = tpidr_el0 = x19, x10 = tpidrro_el0
    kUndefined,         // permanently undefined instruction
    kSystemRegister,    // read of midr_el1
    kCache,             // cache maintenance by address at x19 and x20
    kStack,             // x9 = [sp]
    kHypercall,         // hvc, undefined at EL0
    kPair,              // x9, x10 = [x19]; [x19 + 8] = x20, x21
    kImmediate,         // svc with an immediate operand
    kCounter,           // read of the virtual counter, which is not readable
    kVector,            // q0 = [x19], [x20] = q0
    kRepeat,            // svc, then six times another with x0, x1, x6, x7 = x20, x21, x24, x25
    kCount,
};
constexpr Word program_address(Program program) { return kCodeAddress + static_cast<Word>(program) * kProgramBytes; }

}  // namespace fuzz
