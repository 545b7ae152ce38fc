// The state of a run, shared by the supervisor and the driver.
//
// No locks: both are threads of one core, and the supervisor runs only while the driver cannot.
#pragma once

#include "digest.h"
#include "programs.h"

namespace fuzz {

// What the driver is doing; the supervisor looks when the driver has stopped.
enum class DriverState : Word {
    kWorking,      // in a step: if it has stopped, the step has stopped it
    kDraining,     // waits until nobody else can run
    kWorldIsOver,  // waits for a new world
    kRunIsOver,
};

struct Counters {
    Word attempts = 0;
    Word successes = 0;
};

// One more invocation than the generator makes, before a step: to ask two kernels the same question at any point.
struct ExtraInvocation {
    Word step = ~Word{0};
    Word count = 0;
    Word words[2 + seL4_MsgMaxExtraCaps + 1 + 10] = {};  // target, label, number of caps, caps, message words
};

struct Parameters {
    Word seed = 0;
    Word steps = 0;
    Word record_every = 0;  // steps between two digest records
    Word world_steps = 0;   // steps in one world
    Word first = 0;         // step to begin with, a multiple of world_steps
    Word trace_from = 0;    // steps that are printed: from .. to - 1
    Word trace_to = 0;
    bool with_services = false;  // also steps that make clients and passive servers (README.md says why not always)
    bool world_digests = false;  // print the digest of each world: worlds do not depend on each other
    ExtraInvocation extra;
};

struct Run {
    Parameters parameters;
    Digest digest;        // of the current world
    Digest total;         // of the worlds before
    Word step = 0;        // next to be done
    Word world_step = 0;  // of the current world
    Word inspected = 0;   // slots and workers looked at, at the end of a world
    Word worlds = 0;
    Word drains = 0;
    Word driver_stops = 0;
    Word faults = 0;
    DriverState driver = DriverState::kWorking;
    World world;
    Word world_physical_base = 0;
    Word world_bytes = 0;
    Operations operations;
    Counters operation_counters[kMaxOperations];
    Counters message_counter;
    Counters program_counter;  // successes: seen at its end at once

    uint64_t digest_value() const {
        Digest all = total;
        all.add(digest.value());
        return all.value();
    }
    bool tracing() const { return step >= parameters.trace_from && step < parameters.trace_to; }
};

Run& run();

// Message buffer of a worker, as the root task sees it.
seL4_IPCBuffer& worker_buffer(Word worker);

}  // namespace fuzz
