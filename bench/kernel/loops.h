// C++ view of the measured loops (loops.S): their arguments and how many instructions one pass has at user level.
//
// A loop measures itself by the physical counter; what the loop saw comes back in sums, by which rows check that the
// kernel did the work. Instructions of a pass are counted by the assembler.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <kos/sel4/sel4.h>

namespace kos::bench {

using sel4::CPtr;
using sel4::Word;

// x0..x5 and x7 of a system call.
struct CallRegisters {
    Word x0 = 0;
    Word tag = 0;
    Word words[4] = {};
};

constexpr Word number(int syscall) { return static_cast<Word>(static_cast<int64_t>(syscall)); }

// The same system call `passes` times.
struct OneCall {
    CallRegisters in;
    Word x6 = 0;  // x8 as well
    Word x7 = 0;
    Word passes = 0;
    // Results.
    Word ticks = 0;
    Word sum_x0 = 0;
    Word or_tag = 0;
    Word sum_word0 = 0;
};

// Two system calls `passes` times alternately.
struct TwoCalls {
    CallRegisters first;
    Word first_x7 = 0;
    CallRegisters second;
    Word second_x7 = 0;
    Word passes = 0;
    // Results.
    Word ticks = 0;
    Word sum_second_x0 = 0;
    Word or_first_tag = 0;
    Word or_second_tag = 0;
};

struct CallServer {
    CPtr endpoint = 0;
    CPtr reply = 0;
    Word answer_tag = 0;
    Word* counted_word = nullptr;
    // Results, up to date whenever the server waits.
    volatile Word sum_badges = 0;
    volatile Word or_tags = 0;
};

struct FaultServer {
    CPtr endpoint = 0;
    CPtr reply = 0;
    Word answer_tag = 0;
    seL4_IPCBuffer* buffer = nullptr;
    CPtr tcb = 0;
    // Results, up to date whenever the server waits.
    volatile Word sum = 0;
    volatile Word or_tags = 0;
    Word read_registers_tag = 0;
};

struct Refault {
    CPtr endpoint = 0;
    CPtr reply = 0;
    Word passes = 0;
    // Results.
    Word ticks = 0;
    Word sum_badges = 0;
    Word or_tags = 0;
    Word sum_word0 = 0;
};

// The offsets that loops.S uses.
static_assert(offsetof(OneCall, x6) == 48 && offsetof(OneCall, passes) == 64 && offsetof(OneCall, ticks) == 72);
static_assert(offsetof(TwoCalls, first_x7) == 48 && offsetof(TwoCalls, second) == 56);
static_assert(offsetof(TwoCalls, second_x7) == 104 && offsetof(TwoCalls, ticks) == 120);
static_assert(offsetof(CallServer, answer_tag) == 16 && offsetof(CallServer, sum_badges) == 32);
static_assert(offsetof(FaultServer, tcb) == 32 && offsetof(FaultServer, sum) == 40);
static_assert(offsetof(FaultServer, read_registers_tag) == 56);
static_assert(offsetof(Refault, passes) == 16 && offsetof(Refault, ticks) == 24);

extern "C" {
void kos_loop_empty(uint64_t passes);
void kos_loop_one(OneCall* call);
void kos_loop_two(TwoCalls* calls);
void kos_loop_refault(Refault* refault);
[[noreturn]] void kos_serve_calls(CallServer* server);
[[noreturn]] void kos_serve_unknown_syscalls(FaultServer* server);
[[noreturn]] void kos_serve_syscalls_by_x8(FaultServer* server);
void kos_fault_on_load(uintptr_t address);
void kos_fault_on_instruction();
uint64_t kos_wait_and_read_counter(CPtr notification, uint64_t nops);

extern const uint64_t kos_loop_empty_instructions;
extern const uint64_t kos_loop_one_instructions;
extern const uint64_t kos_loop_two_instructions;
extern const uint64_t kos_loop_refault_instructions;
extern const uint64_t kos_serve_calls_instructions;
extern const uint64_t kos_serve_unknown_syscalls_instructions;
extern const uint64_t kos_serve_syscalls_by_x8_instructions;
}

// From the end of the wait to the counter's value in kos_wait_and_read_counter, with nops = 0: branch and read.
inline constexpr uint64_t kWaitAndReadInstructions = 2;
// More nops than this do not exist there.
inline constexpr uint64_t kMaxNops = 15;

}  // namespace kos::bench
