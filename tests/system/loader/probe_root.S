/*
 * Stand-in for a root task: two segments with a gap between them, the second beginning inside a page and ending in
 * zeroed memory. It is never run.
 */
#include "probe_root.h"

.section ".text", "ax"
    .quad PROBE_ROOT_TEXT_WORD
.global _start
_start:
    b _start

.section ".data", "aw"
.global probe_data
probe_data:
    .quad PROBE_ROOT_DATA_WORD

.section ".bss", "aw", %nobits
.global probe_bss
probe_bss:
    .space PROBE_ROOT_BSS_BYTES
