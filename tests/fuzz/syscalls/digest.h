// The digest of a run: every word that the kernel's behaviour determines, in order.
#pragma once

#include <kos/sel4/message.h>

namespace fuzz {

// FNV-1a over 64-bit words instead of bytes, for speed. A product modulo 2^64 never moves a difference towards the low
// bits, so each step folds the upper half down as well.
class Digest {
public:
    void add(kos::sel4::Word word) {
        word = without_build(word);
        value_ = (value_ ^ word) * 0x00000100000001b3;
        value_ ^= value_ >> 32;
    }
    uint64_t value() const { return value_; }

private:
    // The program status that a thread starts with depends on the build of the kernel: 0x140 in release builds, 0x40 in
    // debug builds (bit 8 masks SError interrupts), with the condition flags above. It is part of fault messages and
    // may then be anywhere; words that look like it are taken without bit 8.
    static kos::sel4::Word without_build(kos::sel4::Word word) {
        return (word & ~kos::sel4::Word{0xf0000100}) == 0x40 ? word & ~kos::sel4::Word{0x100} : word;
    }

    uint64_t value_ = 0xcbf29ce484222325;
};

// Sixteen hexadecimal digits.
struct Hex16 {
    explicit Hex16(uint64_t value) {
        for (int i = 0; i < 16; ++i) {
            text[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
        }
        text[16] = '\0';
    }
    char text[17];
};

}  // namespace fuzz
