/* The whole seL4 ABI as KOS uses it: names, numbers and layouts, without code. See abi/README.md. */
#ifndef SEL4_ABI_H
#define SEL4_ABI_H

#include <sel4/bootinfo.h>
#include <sel4/config.h>
#include <sel4/faults.h>
#include <sel4/objects.h>
#include <sel4/syscalls.h>
#include <sel4/types.h>

#endif
