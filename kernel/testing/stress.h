// Random system calls, mostly plausible, by several threads that share one CSpace full of objects made on the way;
// after each, the kernel's invariants are checked and the memory of objects that are gone is put out of bounds.
#pragma once

#include "testing/kernel_test.h"

namespace keel::testing {

class StressTest : public KernelTest {
protected:
    explicit StressTest(uint64_t seed);

    // One event: a system call, a tick, an interrupt, a fault, or time.
    void step();
    void run_steps(unsigned count);
    // How often a system call came back with a result other than an error: a test that only fails tests nothing.
    unsigned successes() const { return successes_; }
    unsigned errors() const { return errors_; }

private:
    static constexpr CPtr kFirst = 64;  // slots that the system calls work on
    static constexpr CPtr kLast = 320;
    static constexpr unsigned kThreads = 5;

    void system_call();
    void random_call();
    void random_message();
    void retype();
    void cnode_operation();
    void thread_operation();
    void configure_thread();
    void context_operation();
    void irq_operation();
    void memory_operation();
    void domain_operation();
    bool protect();
    void rescue();
    void settle();
    void forbid_destroyed();

    Word some_time_us();
    CPtr any();
    CPtr empty();
    CPtr some(CapType type);
    CPtr maybe_null(CPtr cptr) { return random_.chance(15) ? 0 : cptr; }
    void call(CPtr address, Word label, std::vector<Word> words, std::vector<CPtr> caps = {});

    Random random_;
    CPtr untyped_, irq_control_, sched_control_, domain_control_, asid_control_, smc_;
    Made<Tcb> driver_;
    Made<SchedContext> driver_context_;
    Cap low_[kFirst];
    Inventory before_;
    Tcb* last_caller_ = nullptr;
    std::string trace_;
    unsigned successes_ = 0;
    unsigned errors_ = 0;
};

}  // namespace keel::testing
