// The other thread of a row: a server, a fault handler, a signaller. It is started above everybody else, runs to its
// first wait, and is then brought into the state that the row is about.
#pragma once

#include "bench.h"

namespace kos::bench {

enum class Where { kSameVspace, kOtherVspace };
enum class Schedule { kPassive, kActive };
enum class Fpu { kOn, kOff };

struct PartnerState {
    Schedule schedule = Schedule::kActive;
    Fpu fpu = Fpu::kOn;
    Where where = Where::kSameVspace;
    Word priority = kPriority;
};

class Partner {
public:
    // `body` runs to its first wait before this returns. With Fpu::kOff it must not touch FP registers after that.
    template <typename Body>
    bool start(Bench& bench, Row& row, const PartnerState& state, const Body& body) {
        return create(bench, row, state) && row.check_ok(thread_.start(body), "the partner starts") &&
               settle(row, state);
    }

    roottask::Thread& thread() { return thread_; }

private:
    bool create(Bench& bench, Row& row, const PartnerState& state);
    bool settle(Row& row, const PartnerState& state);

    roottask::Thread thread_;
};

// Options of a thread with a budget that does not end.
roottask::ThreadOptions thread_options(Bench& bench, Where where, Word priority);

}  // namespace kos::bench
