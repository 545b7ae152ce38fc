// Pseudo-random numbers of the fuzzer: splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
// Generators", OOPSLA 2014).
//
// Each step has a stream of its own, so that what one step draws does not depend on how many numbers an earlier one
// took. Not for cryptography.
#pragma once

#include <kos/sel4/message.h>

namespace fuzz {

using kos::sel4::CPtr;
using kos::sel4::Word;

class Random {
public:
    Random(Word seed, Word stream) : state_(mix(seed ^ mix(stream + kIncrement))) {}

    Word next() {
        state_ += kIncrement;
        return mix(state_);
    }
    // 0 .. bound - 1; the bias of the multiplication does not matter for the small bounds used here.
    Word below(Word bound) { return (next() >> 32) * bound >> 32; }
    Word between(Word first, Word last) { return first + below(last - first + 1); }
    bool percent(Word chance) { return below(100) < chance; }

    template <size_t Count>
    Word pick(const Word (&values)[Count]) {
        return values[below(Count)];
    }

    // A word that may end up in memory of workers: neither half is an instruction. Bits 27 and 28 clear is an
    // unallocated encoding (Arm ARM, C4.1 "A64 instruction set encoding"), so that a worker that jumps into data
    // takes an exception instead of looping.
    Word data() { return next() & 0xe7ffffff'e7ffffff; }

private:
    static constexpr Word kIncrement = 0x9e3779b97f4a7c15;

    static constexpr Word mix(Word z) {
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }

    Word state_;
};

}  // namespace fuzz
