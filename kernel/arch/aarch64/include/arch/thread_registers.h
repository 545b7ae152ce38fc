// The registers of a thread in the orders that the ABI lists them in, and the values they may take.
#pragma once

#include "arch/context.h"

namespace keel {

// Number of a register: 0..30 x0..x30, then these.
enum Register : uint8_t { kRegSp = 31, kRegPc, kRegSpsr, kRegFaultPc, kRegTpidr, kRegTpidrro };

struct RegisterList {
    uint8_t count;
    uint8_t reg[36];
};

// TCB_ReadRegisters and the reply to a timeout: pc is where the thread was interrupted.
inline constexpr RegisterList kUserRegisters = {
    36, {kRegFaultPc, kRegSp, kRegSpsr, 0,  1,  2,  3,  4,  5,  6,  7,  8,  16, 17, 18, 29, 30,        9,
         10,          11,     12,       13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, kRegTpidr, kRegTpidrro}};
inline constexpr unsigned kFrameRegisters = 17;
inline constexpr unsigned kGeneralRegisters = 34;
inline constexpr RegisterList kAllRegisters = {
    34, {kRegFaultPc, kRegSp, kRegSpsr, 0,  1,  2,  3,  4,  5,  6,  7,  8,  16, 17, 18, 29, 30,
         9,           10,     11,       12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28}};
// Unknown system call: x0..x7, the svc's address, sp, the address after it, spsr.
inline constexpr RegisterList kSyscallRegisters = {12, {0, 1, 2, 3, 4, 5, 6, 7, kRegFaultPc, kRegSp, kRegPc, kRegSpsr}};
inline constexpr RegisterList kSyscallReplyRegisters = kSyscallRegisters;
inline constexpr RegisterList kExceptionRegisters = {3, {kRegFaultPc, kRegSp, kRegSpsr}};

inline Word get_register(const UserContext& context, uint8_t reg) {
    return reinterpret_cast<const Word*>(&context)[reg];
}
// User level chooses condition flags only; it always runs at EL0 with interrupts on.
inline constexpr Word kSpsrConditionFlags = 0xf0000000;
inline constexpr Word kSpsrUser = 0x140;  // EL0t, FIQ and SError masked
// A value from user level; after a run of these, sanitise_registers.
inline void set_register(UserContext& context, uint8_t reg, Word value) {
    reinterpret_cast<Word*>(&context)[reg] = value;
}
inline void sanitise_registers(UserContext& context) {
    context.spsr = (context.spsr & kSpsrConditionFlags) | kSpsrUser;
}
inline void init_registers(UserContext& context) { context.spsr = kSpsrUser; }

static_assert(sizeof(UserContext) == 37 * 8);

}  // namespace keel
