// The invocations that the fuzzer knows how to make up, by name.
//
// An operation fills a Request by a Composer. It carries nothing out.
#pragma once

#include "composer.h"

namespace fuzz {

struct Operation {
    const char* name;
    Word weight;
    // May be carried out by workers, that is, named in their CSpace.
    bool by_workers;
    // May be changed at random afterwards: whatever comes of it does no harm to the driver or the supervisor.
    bool mutable_;
    void (*compose)(Composer& c);
    // No argument makes it succeed.
    bool always_refused = false;
};

struct OperationTable {
    const Operation* entries;
    Word count;
};

OperationTable memory_operations();    // untyped memory and CNodes
OperationTable thread_operations();    // TCBs, scheduling contexts, domains
OperationTable platform_operations();  // interrupts, address spaces, frames

inline constexpr Word kMaxOperations = 80;

// All of them, numbered in a fixed order.
class Operations {
public:
    void build();
    Word count() const { return count_; }
    const Operation& at(Word index) const { return *entries_[index]; }
    // By weight.
    Word choose(Random& random, bool for_worker) const;

private:
    void add(const OperationTable& table);

    const Operation* entries_[kMaxOperations] = {};
    Word count_ = 0;
    Word weight_ = 0;
    Word worker_weight_ = 0;
};

}  // namespace fuzz
