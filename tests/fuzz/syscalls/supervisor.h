// The supervisor: the initial thread, below all others.
//
// It runs only while nobody else can. Then it takes the fault messages that have come in and answers some of them, and
// finds out why the driver does not run: it waits for exactly that, it wants a new world, or one of its own operations
// has stopped it. It never waits itself.
#pragma once

#include "setup.h"

namespace fuzz {

class Supervisor {
public:
    explicit Supervisor(kos::roottask::RootTask& root) : root_(root) {}

    // Runs all steps and sends the records and the verdict.
    void run_all();

private:
    void serve_messages();
    void answer(Random& random, Word badge, kos::sel4::Tag tag, const Word* words);
    void wake_driver();
    void finish_world();
    void send_record();
    void send_verdict();

    kos::roottask::RootTask& root_;
    Setup setup_;
    Word rounds_ = 0;  // in this world: chooses the stream of random numbers
    Word next_record_ = 0;
};

}  // namespace fuzz
