/*
 * Fault messages: label of the message tag, then the meaning of each message word.
 *
 * Replies: UnknownSyscall takes back up to 12 words (X0 .. SPSR, the thread continues at FaultIP), UserException up
 * to 3, Timeout up to 34 in the order of seL4_UserContext without the thread registers; a non-zero label leaves the
 * thread stopped. Source: seL4 16.0.0 manual, 6.2 "Faults"; sel4_arch/constants for AArch64.
 */
#ifndef SEL4_FAULTS_H
#define SEL4_FAULTS_H

enum seL4_FaultType {
    seL4_Fault_NullFault = 0,
    seL4_Fault_CapFault = 1,
    seL4_Fault_UnknownSyscall = 2,
    seL4_Fault_UserException = 3,
    seL4_Fault_Timeout = 5,
    seL4_Fault_VMFault = 6,
};

enum seL4_CapFault_Msg {
    seL4_CapFault_IP = 0,
    seL4_CapFault_Addr = 1,
    seL4_CapFault_InRecvPhase = 2,
    seL4_CapFault_LookupFailureType = 3,
    seL4_CapFault_BitsLeft = 4,
    seL4_CapFault_DepthMismatch_BitsFound = 5,
    seL4_CapFault_GuardMismatch_GuardFound = 5,
    seL4_CapFault_GuardMismatch_BitsFound = 6,
};

enum seL4_UnknownSyscall_Msg {
    seL4_UnknownSyscall_X0 = 0, /* .. X7 = 7 */
    seL4_UnknownSyscall_X7 = 7,
    seL4_UnknownSyscall_FaultIP = 8, /* address of the svc */
    seL4_UnknownSyscall_SP = 9,
    seL4_UnknownSyscall_LR = 10, /* address after the svc, not x30 */
    seL4_UnknownSyscall_SPSR = 11,
    seL4_UnknownSyscall_Syscall = 12, /* x7 */
    seL4_UnknownSyscall_Length = 13,
    seL4_UnknownSyscall_ReplyLength = 12,
};

enum seL4_UserException_Msg {
    seL4_UserException_FaultIP = 0,
    seL4_UserException_SP = 1,
    seL4_UserException_SPSR = 2,
    seL4_UserException_Number = 3, /* ESR_EL1 */
    seL4_UserException_Code = 4,
    seL4_UserException_Length = 5,
    seL4_UserException_ReplyLength = 3,
};

enum seL4_VMFault_Msg {
    seL4_VMFault_IP = 0,
    seL4_VMFault_Addr = 1,
    seL4_VMFault_PrefetchFault = 2,
    seL4_VMFault_FSR = 3, /* ESR_EL1 */
    seL4_VMFault_Length = 4,
};

enum seL4_Timeout_Msg {
    seL4_Timeout_Data = 0,     /* badge of the scheduling context */
    seL4_Timeout_Consumed = 1, /* microseconds */
    seL4_Timeout_Length = 2,
    seL4_TimeoutReply_Length = 34,
};

#endif
