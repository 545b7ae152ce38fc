/*
 * System call numbers (in x7, as full 64-bit values), invocation labels and error codes of the seL4 ABI (MCS).
 *
 * Registers: x0 capability in / badge out, x1 message tag, x2..x5 message words 0..3, x6 reply capability
 * (NBSendWait: the destination of the send), x7 number, x8 destination of NBSendRecv's send.
 * Source: seL4 16.0.0 API reference.
 */
#ifndef SEL4_SYSCALLS_H
#define SEL4_SYSCALLS_H

enum seL4_Syscall_ID {
    seL4_SysCall = -1,
    seL4_SysReplyRecv = -2,
    seL4_SysNBSendRecv = -3,
    seL4_SysNBSendWait = -4,
    seL4_SysSend = -5,
    seL4_SysNBSend = -6,
    seL4_SysRecv = -7,
    seL4_SysNBRecv = -8,
    seL4_SysWait = -9,
    seL4_SysNBWait = -10,
    seL4_SysYield = -11,
    /* Kernels that print. */
    seL4_SysDebugPutChar = -12,
    seL4_SysDebugDumpScheduler = -13,
    /* Debug kernels. */
    seL4_SysDebugHalt = -14,
    seL4_SysDebugCapIdentify = -15,
    seL4_SysDebugSnapshot = -16,
    seL4_SysDebugNameThread = -17,
    /* Debug kernels of the SMP variant. */
    seL4_SysDebugSendIPI = -18,
    seL4_SysDebugGetThreadAffinity = -19,
};

enum seL4_InvocationLabel {
    seL4_InvalidInvocation = 0,
    seL4_UntypedRetype = 1,
    seL4_TCBReadRegisters = 2,
    seL4_TCBWriteRegisters = 3,
    seL4_TCBCopyRegisters = 4,
    seL4_TCBConfigure = 5,
    seL4_TCBSetPriority = 6,
    seL4_TCBSetMCPriority = 7,
    seL4_TCBSetSchedParams = 8,
    seL4_TCBSetTimeoutEndpoint = 9,
    seL4_TCBSetIPCBuffer = 10,
    seL4_TCBSetSpace = 11,
    seL4_TCBSuspend = 12,
    seL4_TCBResume = 13,
    seL4_TCBBindNotification = 14,
    seL4_TCBUnbindNotification = 15,
    seL4_TCBSetTLSBase = 16,
    seL4_TCBSetFlags = 17,
    seL4_CNodeRevoke = 18,
    seL4_CNodeDelete = 19,
    seL4_CNodeCancelBadgedSends = 20,
    seL4_CNodeCopy = 21,
    seL4_CNodeMint = 22,
    seL4_CNodeMove = 23,
    seL4_CNodeMutate = 24,
    seL4_CNodeRotate = 25,
    seL4_IRQIssueIRQHandler = 26,
    seL4_IRQAckIRQ = 27,
    seL4_IRQSetIRQHandler = 28,
    seL4_IRQClearIRQHandler = 29,
    seL4_DomainSetSet = 30,
    seL4_DomainScheduleConfigure = 31,
    seL4_DomainScheduleSetStart = 32,
    seL4_SchedControlConfigureFlags = 33,
    seL4_SchedContextBind = 34,
    seL4_SchedContextUnbind = 35,
    seL4_SchedContextUnbindObject = 36,
    seL4_SchedContextConsumed = 37,
    seL4_SchedContextYieldTo = 38,
    seL4_ARMVSpaceClean_Data = 39,
    seL4_ARMVSpaceInvalidate_Data = 40,
    seL4_ARMVSpaceCleanInvalidate_Data = 41,
    seL4_ARMVSpaceUnify_Instruction = 42,
    seL4_ARMSMCCall = 43,
    seL4_ARMPageTableMap = 44,
    seL4_ARMPageTableUnmap = 45,
    seL4_ARMPageMap = 46,
    seL4_ARMPageUnmap = 47,
    seL4_ARMPageClean_Data = 48,
    seL4_ARMPageInvalidate_Data = 49,
    seL4_ARMPageCleanInvalidate_Data = 50,
    seL4_ARMPageUnify_Instruction = 51,
    seL4_ARMPageGetAddress = 52,
    seL4_ARMASIDControlMakePool = 53,
    seL4_ARMASIDPoolAssign = 54,
    seL4_ARMIRQIssueIRQHandlerTrigger = 55,
    /* The one number on which the variants differ: SGI caps exist on one node, per-core handlers on several. */
    seL4_ARMIRQIssueSGISignal_OneNode = 56,
    seL4_ARMIRQIssueIRQHandlerTriggerCore_SMP = 56,
};

typedef enum {
    seL4_NoError = 0,
    seL4_InvalidArgument = 1,
    seL4_InvalidCapability = 2,
    seL4_IllegalOperation = 3,
    seL4_RangeError = 4,
    seL4_AlignmentError = 5,
    seL4_FailedLookup = 6,
    seL4_TruncatedMessage = 7,
    seL4_DeleteFirst = 8,
    seL4_RevokeFirst = 9,
    seL4_NotEnoughMemory = 10,
} seL4_Error;

typedef enum {
    seL4_NoFailure = 0,
    seL4_InvalidRoot = 1,
    seL4_MissingCapability = 2,
    seL4_DepthMismatch = 3,
    seL4_GuardMismatch = 4,
} seL4_LookupFailureType;

#endif
