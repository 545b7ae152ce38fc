/*
 * The seL4 configuration that KOS targets: what the kernel was built with, as far as user level can see it.
 *
 * Source: seL4 16.0.0, the configuration of the Microkit SDK 2.3.0 board qemu_virt_aarch64_el1
 * (AArch64, EL1, MCS). Read by the kernel, the loader and user level alike; no code here.
 */
#ifndef SEL4_CONFIG_H
#define SEL4_CONFIG_H

#define SEL4_ABI_VERSION_MAJOR 16
#define SEL4_ABI_VERSION_MINOR 0
#define SEL4_ABI_VERSION_PATCH 0

/* Number of priorities; valid priorities are 0 .. seL4_MaxPrio. */
#define SEL4_NUM_PRIORITIES 256
/* Most objects that one Untyped_Retype creates. */
#define SEL4_RETYPE_FAN_OUT_LIMIT 256
/* log2 of the slots of the initial thread's CNode. */
#define SEL4_ROOT_CNODE_SIZE_BITS 17
/* Scheduling domains, and entries in the domain schedule. */
#define SEL4_NUM_DOMAINS 16
#define SEL4_NUM_DOMAIN_SCHEDULES 100
/* Entries of seL4_BootInfo.untypedList. */
#define SEL4_MAX_BOOTINFO_UNTYPEDS 230
/* Time slice of the initial thread, microseconds; its scheduling context is round robin. */
#define SEL4_BOOT_TIME_SLICE_US 5000
/* Least budget that SchedControl_ConfigureFlags accepts: twice the kernel's assumed worst-case time, microseconds. */
#define SEL4_MIN_BUDGET_US 20
/* Highest interrupt number, and how many of the low ones belong to one core (SGI 0-15, PPI 16-31). */
#define SEL4_MAX_IRQ 159
#define SEL4_NUM_PRIVATE_IRQS 32
/* Most nodes (cores) of the SMP variants. */
#define SEL4_SMP_MAX_NODES 4

#endif
