/*
 * Basic types of the seL4 ABI: words, capability addresses, message tag, rights, message buffer, register file.
 *
 * Layouts only; the system calls themselves are in lib/sel4. Usable from C11 and C++.
 * Source: seL4 16.0.0 API reference, sel4/shared_types and sel4_arch/types for AArch64.
 */
#ifndef SEL4_TYPES_H
#define SEL4_TYPES_H

#include <stdint.h>

#include <sel4/config.h>

typedef uint64_t seL4_Word;
typedef uint64_t seL4_CPtr;
typedef uint64_t seL4_Time; /* microseconds, except for domain durations: timer ticks */
typedef uint64_t seL4_NodeId;
typedef uint64_t seL4_Domain;
typedef uint64_t seL4_SlotPos;

#define seL4_WordBits 64
#define seL4_MinPrio 0
#define seL4_MaxPrio (SEL4_NUM_PRIORITIES - 1)

/* Message limits. The first seL4_FastMessageRegisters words travel in x2..x5. */
#define seL4_FastMessageRegisters 4
#define seL4_MsgMaxLength 120
#define seL4_MsgMaxExtraCaps 3

/* Message tag in x1: label 52 | capsUnwrapped 3 | extraCaps 2 | length 7, most significant first. */
typedef struct seL4_MessageInfo {
    seL4_Word words[1];
} seL4_MessageInfo_t;

#define seL4_MessageInfo_LengthShift 0
#define seL4_MessageInfo_LengthMask 0x7ful
#define seL4_MessageInfo_ExtraCapsShift 7
#define seL4_MessageInfo_ExtraCapsMask 0x3ul
#define seL4_MessageInfo_CapsUnwrappedShift 9
#define seL4_MessageInfo_CapsUnwrappedMask 0x7ul
#define seL4_MessageInfo_LabelShift 12
#define seL4_MessageInfo_LabelMask 0xffffffffffffful

static inline seL4_MessageInfo_t seL4_MessageInfo_new(seL4_Word label, seL4_Word caps_unwrapped, seL4_Word extra_caps,
                                                      seL4_Word length) {
    seL4_MessageInfo_t info;
    info.words[0] = (label & seL4_MessageInfo_LabelMask) << seL4_MessageInfo_LabelShift |
                    (caps_unwrapped & seL4_MessageInfo_CapsUnwrappedMask) << seL4_MessageInfo_CapsUnwrappedShift |
                    (extra_caps & seL4_MessageInfo_ExtraCapsMask) << seL4_MessageInfo_ExtraCapsShift |
                    (length & seL4_MessageInfo_LengthMask);
    return info;
}
static inline seL4_Word seL4_MessageInfo_get_label(seL4_MessageInfo_t info) {
    return info.words[0] >> seL4_MessageInfo_LabelShift;
}
static inline seL4_Word seL4_MessageInfo_get_capsUnwrapped(seL4_MessageInfo_t info) {
    return info.words[0] >> seL4_MessageInfo_CapsUnwrappedShift & seL4_MessageInfo_CapsUnwrappedMask;
}
static inline seL4_Word seL4_MessageInfo_get_extraCaps(seL4_MessageInfo_t info) {
    return info.words[0] >> seL4_MessageInfo_ExtraCapsShift & seL4_MessageInfo_ExtraCapsMask;
}
static inline seL4_Word seL4_MessageInfo_get_length(seL4_MessageInfo_t info) {
    return info.words[0] & seL4_MessageInfo_LengthMask;
}

/* Rights word of Copy, Mint and Page_Map. Higher bits are ignored. */
typedef seL4_Word seL4_CapRights_t;
#define seL4_RightWrite 1ul
#define seL4_RightRead 2ul
#define seL4_RightGrant 4ul
#define seL4_RightGrantReply 8ul
#define seL4_NoRights 0ul
#define seL4_CanRead seL4_RightRead
#define seL4_CanWrite seL4_RightWrite
#define seL4_CanGrant seL4_RightGrant
#define seL4_CanGrantReply seL4_RightGrantReply
#define seL4_ReadWrite (seL4_RightRead | seL4_RightWrite)
#define seL4_AllRights 15ul
#define seL4_NoWrite (seL4_RightRead | seL4_RightGrant | seL4_RightGrantReply)
#define seL4_NoRead (seL4_RightWrite | seL4_RightGrant | seL4_RightGrantReply)

/* CNode capability data word of Configure, SetSpace, Mint and Mutate: guard in the upper 58 bits, its size below. */
typedef struct seL4_CNode_CapData {
    seL4_Word words[1];
} seL4_CNode_CapData_t;
#define seL4_CNode_GuardSizeBits 6
#define seL4_CNode_GuardBits 58

static inline seL4_CNode_CapData_t seL4_CNode_CapData_new(seL4_Word guard, seL4_Word guard_size) {
    seL4_CNode_CapData_t data;
    data.words[0] = guard << seL4_CNode_GuardSizeBits | (guard_size & 63);
    return data;
}

/* IPC buffer: 1 KiB, aligned to its size, in a frame mapped by the thread. The kernel never reads or writes tag and
 * userData, and words 0..3 of msg only where a message does not travel in registers. */
typedef struct seL4_IPCBuffer_ {
    seL4_MessageInfo_t tag;
    seL4_Word msg[seL4_MsgMaxLength];
    seL4_Word userData;
    seL4_Word caps_or_badges[seL4_MsgMaxExtraCaps];
    seL4_CPtr receiveCNode;
    seL4_CPtr receiveIndex;
    seL4_Word receiveDepth;
} seL4_IPCBuffer __attribute__((aligned(1024)));

/* Thread flags of TCB_SetFlags. */
#define seL4_TCBFlag_NoFlag 0ul
#define seL4_TCBFlag_fpuDisabled 1ul
#define seL4_TCBFlag_MASK 1ul

/* Flags of SchedControl_ConfigureFlags. */
#define seL4_SchedContext_NoFlag 0ul
#define seL4_SchedContext_Sporadic 1ul

/* Virtual memory attributes of Page_Map and PageTable_Map. */
#define seL4_ARM_PageCacheable 1ul
#define seL4_ARM_ParityEnabled 2ul
#define seL4_ARM_ExecuteNever 4ul
#define seL4_ARM_Default_VMAttributes (seL4_ARM_PageCacheable | seL4_ARM_ParityEnabled)

/* Register file in the order of TCB_ReadRegisters and TCB_WriteRegisters; the first 17 are the frame registers. */
typedef struct seL4_UserContext_ {
    seL4_Word pc, sp, spsr, x0, x1, x2, x3, x4, x5, x6, x7, x8, x16, x17, x18, x29, x30;
    seL4_Word x9, x10, x11, x12, x13, x14, x15, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28;
    seL4_Word tpidr_el0, tpidrro_el0;
} seL4_UserContext;
#define seL4_UserContext_FrameWords 17
#define seL4_UserContext_Words 36

typedef struct seL4_ARM_SMCContext_ {
    seL4_Word x0, x1, x2, x3, x4, x5, x6, x7;
} seL4_ARM_SMCContext;

#endif
