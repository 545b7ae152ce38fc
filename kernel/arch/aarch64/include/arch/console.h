// Output of the kernel itself: debug calls, the fault record, what is wrong with the hand-over at boot.
#pragma once

#include "core/types.h"

namespace keel {

// Blocks until the UART takes the character. Works as soon as the kernel's own address space is active; the UART is as
// the firmware or the loader left it.
void console_put(char c);

// Text pieces in the order given.
struct Hex {
    Word value;
};
struct Decimal {
    Word value;
};
void print_piece(const char* text);
void print_piece(Hex number);
void print_piece(Decimal number);

template <typename... Pieces>
void print(Pieces... pieces) {
    (print_piece(pieces), ...);
}

}  // namespace keel
