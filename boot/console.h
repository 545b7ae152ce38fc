/*
 * The loader's output: the board's PL011, polled, as the firmware or QEMU left it set up. Used from the first line on,
 * before the device tree is known.
 */
#ifndef KOS_BOOT_CONSOLE_H_
#define KOS_BOOT_CONSOLE_H_

#include <stdint.h>

namespace kos::boot {

void print(const char* text);
void print_hex(uint64_t value);
void print_decimal(uint64_t value);

}  // namespace kos::boot

#endif
