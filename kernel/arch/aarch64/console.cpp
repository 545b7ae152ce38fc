// PL011 UART (ARM DDI 0183G), polled output only. User level drives the same device; the kernel writes only in debug
// builds and when it stops.
#include "arch/console.h"

#include "arch/kernel_space.h"

namespace keel {

namespace {

constexpr Word kDataRegister = 0x00;
constexpr Word kFlagRegister = 0x18;
constexpr uint32_t kTransmitFull = 1 << 5;

volatile uint32_t& uart(Word offset) { return *reinterpret_cast<volatile uint32_t*>(kUartAddress + offset); }

void put_raw(char c) {
    while (uart(kFlagRegister) & kTransmitFull) {
    }
    uart(kDataRegister) = static_cast<uint8_t>(c);
}

}  // namespace

void console_put(char c) {
    if (c == '\n') put_raw('\r');
    put_raw(c);
}

void print_piece(const char* text) {
    for (; *text; text++) console_put(*text);
}

void print_piece(Hex number) {
    print_piece("0x");
    unsigned shift = 60;
    while (shift > 0 && number.value >> shift == 0) shift -= 4;
    for (;; shift -= 4) {
        console_put("0123456789abcdef"[number.value >> shift & 15]);
        if (shift == 0) break;
    }
}

void print_piece(Decimal number) {
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = static_cast<char>('0' + number.value % 10);
        number.value /= 10;
    } while (number.value != 0);
    while (count > 0) console_put(digits[--count]);
}

}  // namespace keel
