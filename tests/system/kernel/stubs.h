// Instructions at known addresses, for tests that look at the program counter of a fault (stubs.S).
#pragma once

#include "support.h"

extern "C" {

// svc with x0..x8 from `registers`, which get the values after it. The svc is at stub_svc_at, and x9..x28 and the
// stack pointer hold what a compiler keeps there.
void stub_svc(Word registers[9]);
extern char stub_svc_at[];
extern char stub_svc_after[];

// Each begins with the instruction that faults and returns afterwards.
void stub_undefined();                   // udf #0
void stub_brk();                         // brk #0x77
Word stub_read_midr();                   // mrs of a register that only the kernel may read
Word stub_read_cntvct();                 // mrs of a counter that this configuration does not export
Word stub_read_word(Word address);       // ldr
void stub_write_word(Word address);      // str, of the address
Word stub_read_exclusive(Word address);  // ldxr, which must be aligned
void stub_fp();                          // fmov d0, #1.0
void stub_jump(Word address);            // br

// Loads every register with a pattern (x1 = seed + 1, x2 = seed + 2, ...; sp + 16 bytes stays), spins until *flag is
// not 0 (x0 = flag), and never returns.
void stub_pattern_loop(const volatile Word* flag, Word seed);
extern char stub_pattern_loop_at[];

}  // extern "C"

inline Word address_of(const void* label) { return reinterpret_cast<Word>(label); }
template <typename R, typename... A>
Word address_of(R (*function)(A...)) {
    return reinterpret_cast<Word>(function);
}
