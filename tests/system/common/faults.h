// Ways for a thread to go wrong. None of these returns.
#pragma once

#include <kos/app.h>
#include <kos/dev.h>

#include <stdint.h>

enum FaultKind {
    kFaultNullWrite,
    kFaultJump,         // to where nothing is
    kFaultStack,        // overflow
    kFaultInstruction,  // that is none
    kFaultPrivileged,   // instruction of the kernel
    kFaultCode,         // write to the program's code
    kFaultExecute,      // data as code
    kFaultAssert,
    kFaultExit,        // with an error
    kFaultReadOnly,    // write to the startup block
    kFaultCapability,  // a system call with a capability address that it does not have
    kFaultKinds,
    kFaultHang = 64,
};

// By a pointer that the compiler cannot see through: it would warn, or make a loop of it.
static __attribute__((noinline, unused)) uint64_t use_stack(uint64_t depth) {
    static uint64_t (*volatile again)(uint64_t) = use_stack;
    volatile unsigned char frame[512];
    for (unsigned i = 0; i < sizeof frame; ++i) frame[i] = (unsigned char)depth;
    return again(depth + 1) + frame[depth % sizeof frame];
}

static __attribute__((unused)) _Noreturn void go_wrong(uint64_t kind) {
    static uint32_t data = 0xd65f03c0;  // ret
    switch (kind) {
        case kFaultNullWrite:
            *(volatile uint64_t*)(kind & 0) = 1;  // NOLINT(clang-analyzer-core.NullDereference): as asked
            break;
        case kFaultJump: ((void (*)(void))(uintptr_t)0xdead0000)(); break;
        case kFaultStack: use_stack(0); break;
        case kFaultInstruction: __asm__ volatile("udf #0"); break;
        case kFaultPrivileged: __asm__ volatile("msr vbar_el1, xzr"); break;
        case kFaultCode: *(volatile uint32_t*)(uintptr_t)0x400000 = 0; break;
        case kFaultExecute: ((void (*)(void))(uintptr_t)&data)(); break;
        case kFaultAssert: kos_assert(!"asked for"); break;
        case kFaultExit: kos_app_exit(3);
        case kFaultReadOnly: *(volatile uint32_t*)(uintptr_t)kos_app_startup() = 0; break;
        case kFaultCapability: {
            // Twice: the server loop's call-backs leave the last one to the loop.
            kos_interrupt_t const nowhere = {(kos_slot_t)1 << 40, 0, 0}, neither = {(kos_slot_t)1 << 41, 0, 0};
            kos_dev_interrupt_acknowledge(&nowhere);
            kos_dev_interrupt_acknowledge(&neither);
            break;
        }
        default: break;
    }
    for (;;) __asm__ volatile("");
}
