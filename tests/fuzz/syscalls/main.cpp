// The system call fuzzer: reads its parameters and runs (README.md).
#include <kos/roottask/bootargs.h>

#include "supervisor.h"

namespace fuzz {

namespace {

constinit Run the_run;

}  // namespace

Run& run() { return the_run; }

}  // namespace fuzz

void kos_main(kos::roottask::RootTask& root) {
    using kos::roottask::bootargs_number;
    fuzz::Parameters& parameters = fuzz::run().parameters;
    parameters.seed = bootargs_number("seed", 1);
    parameters.steps = bootargs_number("steps", 10000);
    parameters.record_every = bootargs_number("record", 100000);
    parameters.world_steps = bootargs_number("world", 1000);
    if (bootargs_number("trace", 0) != 0) {
        parameters.trace_to = parameters.steps;
    }
    parameters.world_digests = bootargs_number("worlds", 0) != 0;
    parameters.trace_from = bootargs_number("from", parameters.trace_from);
    parameters.trace_to = bootargs_number("to", parameters.trace_to);

    static fuzz::Supervisor supervisor(root);
    supervisor.run_all();
    for (;;) {
        kos::sel4::tcb_suspend(seL4_CapInitThreadTCB);
    }
}
