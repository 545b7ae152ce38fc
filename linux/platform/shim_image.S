// The shim's ELF file as bytes.
    .section .rodata
    .balign 16
    .global kos_linux_shim_start
    .global kos_linux_shim_end
kos_linux_shim_start:
    .incbin "shim.so"
kos_linux_shim_end:
