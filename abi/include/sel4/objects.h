/*
 * Object types, object sizes, page sizes and address limits of the seL4 ABI (AArch64, MCS).
 *
 * Source: seL4 16.0.0 API reference, sel4_arch/constants; sizes are log2 of bytes.
 */
#ifndef SEL4_OBJECTS_H
#define SEL4_OBJECTS_H

/* The `type` argument of Untyped_Retype. */
#define seL4_UntypedObject 0
#define seL4_TCBObject 1
#define seL4_EndpointObject 2
#define seL4_NotificationObject 3
#define seL4_CapTableObject 4
#define seL4_SchedContextObject 5
#define seL4_ReplyObject 6
#define seL4_ARM_HugePageObject 7
#define seL4_ARM_VSpaceObject 8
#define seL4_ARM_SmallPageObject 9
#define seL4_ARM_LargePageObject 10
#define seL4_ARM_PageTableObject 11
#define seL4_ObjectTypeCount 12

#define seL4_SlotBits 5
#define seL4_EndpointBits 4
#define seL4_NotificationBits 6
#define seL4_ReplyBits 5
#define seL4_TCBBits 11
#define seL4_MinSchedContextBits 7
#define seL4_VSpaceBits 12
#define seL4_VSpaceIndexBits 9
#define seL4_PageTableBits 12
#define seL4_PageTableIndexBits 9
#define seL4_PageBits 12
#define seL4_LargePageBits 21
#define seL4_HugePageBits 30
#define seL4_ASIDPoolBits 12
#define seL4_ASIDPoolIndexBits 9
#define seL4_NumASIDPoolsBits 7
#define seL4_MinUntypedBits 4
#define seL4_MaxUntypedBits 47
#define seL4_IPCBufferSizeBits 10
#define seL4_BootInfoFrameBits 12

/* Bytes of a scheduling context without extra refills (two refills are included), and of each extra refill. */
#define seL4_CoreSchedContextBytes 128
#define seL4_RefillSizeBytes 16
#define seL4_MaxExtraRefills(size_bits) (((1ul << (size_bits)) - seL4_CoreSchedContextBytes) / seL4_RefillSizeBytes)

/* Last virtual address that user level can use: 47 bits. */
#define seL4_UserTop 0x00007ffffffffffful

#endif
