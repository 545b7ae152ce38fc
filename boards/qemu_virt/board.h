/*
 * Memory map of QEMU's arm64 machine `virt` as the kernel of this board is configured for it.
 *
 * Plain macros, because C, C++, assembly and linker scripts include this file. Used by the loader and by Keel.
 * It holds what must be known before, or independently of, the device tree; everything else is read from the tree.
 * Source: QEMU 7.2 documentation, "'virt' generic virtual platform", and the tree it generates
 * (`qemu-system-aarch64 -machine virt,gic-version=2,virtualization=on,dumpdtb=FILE`).
 */
#ifndef KOS_BOARDS_QEMU_VIRT_BOARD_H_
#define KOS_BOARDS_QEMU_VIRT_BOARD_H_

#define KOS_BOARD_NAME "qemu_virt"

/* RAM (node /memory@40000000; the size is `-m 2G`, which prebuilt kernels of this board take for granted). */
#define KOS_BOARD_RAM_BASE 0x40000000
#define KOS_BOARD_RAM_SIZE_BYTES 0x80000000

/* GICv2 (node /intc@8000000, compatible "arm,cortex-a15-gic"). */
#define KOS_BOARD_GIC_DISTRIBUTOR_BASE 0x08000000
#define KOS_BOARD_GIC_CPU_INTERFACE_BASE 0x08010000

/* PL011 UART (node /pl011@9000000): SPI 1, which is interrupt 32 + 1 in the GIC's numbering. */
#define KOS_BOARD_UART_BASE 0x09000000
#define KOS_BOARD_UART_IRQ 33

/* Generic timer (node /timer): PPI n is interrupt 16 + n in the GIC's numbering. */
#define KOS_BOARD_TIMER_SECURE_PHYSICAL_IRQ 29
#define KOS_BOARD_TIMER_PHYSICAL_IRQ 30
#define KOS_BOARD_TIMER_VIRTUAL_IRQ 27
#define KOS_BOARD_TIMER_HYPERVISOR_IRQ 26

/* How long root waits after a panic before it restarts the machine; 0: it stops instead. */
#define KOS_BOARD_RESTART_AFTER_PANIC_MS 1000

/* Where the kernel is linked: virtual = physical + offset, beginning at the start of RAM (sel4 ABI, boot protocol). */
#define KOS_BOARD_KERNEL_PHYSICAL_BASE KOS_BOARD_RAM_BASE
#define KOS_BOARD_KERNEL_WINDOW_OFFSET 0xffffff8000000000

/* Most cores that any kernel configuration of this board starts. */
#define KOS_BOARD_MAX_CORES 4

/*
 * The loader's window: code, then the boot image, then (at KOS_BOARD_LOADER_BSS_BASE) its zeroed data. Kernel, device
 * tree and root task are placed between the start of RAM and this base. QEMU puts its own device tree at the start of
 * RAM (ELF kernels) or at RAM + 128 MiB (raw Images): both lie outside the window.
 */
#define KOS_BOARD_LOADER_BASE 0x60000000
#define KOS_BOARD_LOADER_BSS_BASE 0x7e000000
#define KOS_BOARD_LOADER_END 0x7e800000

#endif
