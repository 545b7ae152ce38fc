// Rows of the kernel benchmark: choosing them, measuring in instructions, checking, reporting.
//
//   bench.row("signal/nobody_waiting", [&](Row& row) { ...; row.result(ticks, passes, user_instructions); });
//
// A row whose check fails reports no figure and fails the run. Rows run in the initial thread at kPriority; each has
// an arena of its own. QEMU must run with `-icount shift=0`; the program refuses to measure otherwise.
#pragma once

#include <kos/roottask/boot.h>
#include <kos/roottask/thread.h>
#include <kos/roottask/timer.h>

#include "loops.h"

namespace kos::bench {

using roottask::ObjectAllocator;
using sel4::Result;

inline constexpr Word kPriority = 100;
// For starting a server: it runs to its first wait at once.
inline constexpr Word kAbovePriority = 110;
inline constexpr Word kBelowPriority = 90;

// So long that no budget ends while rows run: a budget's end would be measured with whatever runs then.
inline constexpr sel4::SchedContextParams kLongBudget{.budget_us = 100'000'000, .period_us = 100'000'000};

// One instruction is one nanosecond of virtual time.
inline uint64_t instructions_per_tick() { return 1'000'000'000 / roottask::counter_frequency_hz(); }

class Row {
public:
    ObjectAllocator& arena() { return arena_; }
    Word passes() const { return passes_; }

    // False, and the row fails, if `holds` is false. `what` says what should have been.
    bool check(bool holds, const char* what);
    bool check_ok(const Result& result, const char* what) { return check(result.ok(), what); }

    // An object from the arena; running out fails the row.
    CPtr make(Word type, Word size_bits = 0);

    // The figure: kernel instructions per pass, rounded to whole ones.
    void result(uint64_t ticks, uint64_t passes, uint64_t user_instructions);
    // The figure, where it was found otherwise.
    void result_exact(uint64_t instructions);

private:
    friend class Bench;
    ObjectAllocator arena_;
    Word passes_ = 0;
    const char* failure_ = nullptr;
    bool measured_ = false;
    uint64_t value_ = 0;
    uint64_t measured_passes_ = 1;
};

class Bench {
public:
    explicit Bench(roottask::RootTask& root);

    template <typename Body>
    void row(const char* name, const Body& body) {
        Row row;
        if (begin(name, row)) {
            body(row);
            end(name, row);
        }
    }

    // An address space that all rows share, with the program mapped in it.
    CPtr other_vspace() const { return other_.vspace(); }

    void finish();

private:
    bool begin(const char* name, Row& row);
    void end(const char* name, Row& row);
    void check_counter();

    ObjectAllocator arena_;
    roottask::AddressSpace other_;
    char prefix_[128];
    char only_[128];
    Word passes_;
    unsigned measured_ = 0;
    unsigned failed_ = 0;
};

// The registers of an invocation by Call. Capabilities and words from the fifth on go to the message buffer, which
// stays as it is over successful calls; of two invocations that alternate, only one may have any.
CallRegisters staged(CPtr object, Word label, std::initializer_list<CPtr> caps = {},
                     std::initializer_list<Word> words = {});

// Repeats one invocation, or two alternately, `passes` times, reports the row, and checks that each succeeded. The
// first gives back what the loop saw.
OneCall repeat(Row& row, Word passes, const CallRegisters& invocation);
void repeat(Row& row, Word passes, const CallRegisters& first, const CallRegisters& second);

// Row groups, one file each.
void call_rows(Bench& bench);
void signal_rows(Bench& bench);
void fault_rows(Bench& bench);
void thread_rows(Bench& bench);
void memory_rows(Bench& bench);
void revoke_rows(Bench& bench);
void interrupt_rows(Bench& bench);

}  // namespace kos::bench
