// The floating-point state of threads: blocks of it, and threads that hold one and check that it stays (fpu.S).
#pragma once

#include <stddef.h>

#include "bare.h"

// v0..v31, FPCR, FPSR.
struct alignas(16) FpuBlock {
    uint64_t v[64];
    uint64_t fpcr;
    uint64_t fpsr;

    // Another value in every word for every seed; of FPCR and FPSR, bits that exist (rounding mode, flush to zero,
    // default NaN; cumulative flags).
    static FpuBlock pattern(uint64_t seed) {
        FpuBlock block;
        uint64_t value = seed * 0x9e3779b97f4a7c15 + 1;
        for (uint64_t& word : block.v) {
            value ^= value << 13;
            value ^= value >> 7;
            value ^= value << 17;
            word = value;
        }
        block.fpcr = (seed & 15) << 22;
        block.fpsr = (seed & 1) << 27 | (seed * 3 & 31);
        return block;
    }
    // The number of words in which they differ.
    unsigned differences(const FpuBlock& other) const {
        unsigned count = (fpcr != other.fpcr ? 1 : 0) + (fpsr != other.fpsr ? 1 : 0);
        for (size_t i = 0; i < 64; ++i) {
            count += v[i] != other.v[i] ? 1 : 0;
        }
        return count;
    }
};
static_assert(offsetof(FpuBlock, fpcr) == 512 && offsetof(FpuBlock, fpsr) == 520 && sizeof(FpuBlock) == 528);

struct alignas(64) FpuHolder {
    Shared<Word> stop;
    Shared<Word> rounds;
    Shared<Word> errors;
    alignas(64) FpuBlock expected;
    FpuBlock found;

    explicit FpuHolder(uint64_t seed) : expected(FpuBlock::pattern(seed)), found{} {}
};
static_assert(offsetof(FpuHolder, rounds) == 8 && offsetof(FpuHolder, errors) == 16 &&
              offsetof(FpuHolder, expected) == 64 && offsetof(FpuHolder, found) == 592);

extern "C" {

// In the calling thread: loads `before`, makes a system call with these registers, stores what it finds in `after`.
void fpu_over_system_call(const FpuBlock* before, FpuBlock* after, Word x0, Word x1, Word x7);

// For bare threads, with the block in x0; end in brk #0xd0.
void fpu_store_and_stop();
void fpu_load_and_stop();
// Loads from x0, stops with brk #0xd1 at the instruction before the label, then stores to x1.
void fpu_load_then_store();
extern char fpu_load_then_store_again[];

// x0 = FpuHolder: loads its pattern and compares until `stop` is set (then brk #0xd0) or something differs (brk #0xd2).
// In each round makes the system call x1 on the capability x2, unless x1 is 0.
void fpu_hold_forever();

// Serve x1 with the reply object x6: the first overwrites all registers with the block at x0 before each answer.
void fpu_serve();
void fpu_serve_without();

}  // extern "C"
