// Numbers that assembly and C++ share; context.h and stack.h check them against the structures.
#ifndef KEEL_ARCH_ENTRY_OFFSETS_H
#define KEEL_ARCH_ENTRY_OFFSETS_H

#define KEEL_CONTEXT_SP 248
#define KEEL_CONTEXT_PC 256
#define KEEL_CONTEXT_SPSR 264
#define KEEL_CONTEXT_FAULT_PC 272
#define KEEL_CONTEXT_TPIDR 280
#define KEEL_CONTEXT_TPIDRRO 288

#define KEEL_CPU_STACK_TOP 0

// On several cores the fast paths are entered with the kernel lock (trap.cpp).
#if KEEL_MAX_CORES > 1
#define KEEL_FASTPATH_CALL keel_locked_call
#define KEEL_FASTPATH_REPLY_RECV keel_locked_reply_recv
#else
#define KEEL_FASTPATH_CALL keel_fastpath_call
#define KEEL_FASTPATH_REPLY_RECV keel_fastpath_reply_recv
#endif

// A core's stacks, see arch/stack.h.
#define KEEL_STACK_SIZE 16384
#define KEEL_EXCEPTION_CONTEXT_SIZE 512
#define KEEL_EXCEPTION_STACK_SIZE 4096
#define KEEL_CORE_STACK_TOP (4096 + KEEL_STACK_SIZE)
#define KEEL_CORE_STACK_BLOCK (KEEL_CORE_STACK_TOP + 4096 + KEEL_EXCEPTION_STACK_SIZE)

#endif
