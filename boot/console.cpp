/*
 * See console.h. Registers: Arm PrimeCell UART (PL011) Technical Reference Manual (DDI 0183), 3.3.
 */
#include "console.h"

#include <stddef.h>

#include "board.h"

namespace kos::boot {
namespace {

constexpr size_t kDataRegister = 0x00;
constexpr size_t kFlagRegister = 0x18;
constexpr uint32_t kTransmitFull = 1u << 5;
// A UART that never drains must not keep the system from booting.
constexpr unsigned kMaxPolls = 1'000'000;

volatile uint32_t& uart(size_t offset) {
    return *reinterpret_cast<volatile uint32_t*>(uint64_t{KOS_BOARD_UART_BASE} + offset);
}

void put(char character) {
    for (unsigned i = 0; i < kMaxPolls && (uart(kFlagRegister) & kTransmitFull) != 0; ++i) {
    }
    uart(kDataRegister) = static_cast<uint8_t>(character);
}

void print_number(uint64_t value, unsigned base) {
    char digits[21];
    size_t first = sizeof(digits) - 1;
    digits[first] = '\0';
    do {
        digits[--first] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    print(&digits[first]);
}

}  // namespace

void print(const char* text) {
    for (; *text != '\0'; ++text) {
        if (*text == '\n') {
            put('\r');
        }
        put(*text);
    }
}

void print_hex(uint64_t value) {
    print("0x");
    print_number(value, 16);
}

void print_decimal(uint64_t value) { print_number(value, 10); }

}  // namespace kos::boot
