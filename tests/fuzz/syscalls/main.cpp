// The system call fuzzer: reads its parameters and runs (README.md).
#include <kos/roottask/bootargs.h>

#include "supervisor.h"

namespace fuzz {

namespace {

constinit Run the_run;

}  // namespace

Run& run() { return the_run; }

}  // namespace fuzz

namespace fuzz {

namespace {

using kos::roottask::bootargs_number;
using kos::roottask::bootargs_text;

// at=STEP do=TARGET,LABEL,CAPS,CAP...,WORD... with hexadecimal numbers.
void read_extra(ExtraInvocation& extra) {
    char text[512];
    if (!bootargs_text("do", text, sizeof(text))) {
        return;
    }
    constexpr Word kMost = sizeof(extra.words) / sizeof(extra.words[0]);
    extra.step = bootargs_number("at", extra.step);
    extra.count = 1;
    for (const char* p = text; *p != '\0' && extra.count <= kMost; ++p) {
        Word& word = extra.words[extra.count - 1];
        if (*p == ',') {
            extra.count += 1;
        } else {
            word = word << 4 | static_cast<Word>(*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
        }
    }
}

void read_parameters(Run& r) {
    Parameters& p = r.parameters;
    p.seed = bootargs_number("seed", 1);
    p.steps = bootargs_number("steps", 10000);
    p.record_every = bootargs_number("record", 100000);
    p.world_steps = bootargs_number("world", 1000);
    p.with_services = bootargs_number("services", 0) != 0;
    p.world_digests = bootargs_number("worlds", 0) != 0;
    if (bootargs_number("trace", 0) != 0) {
        p.trace_to = p.steps;
    }
    p.trace_from = bootargs_number("from", p.trace_from);
    p.trace_to = bootargs_number("to", p.trace_to);
    p.first = bootargs_number("first", 0);
    read_extra(p.extra);
    r.step = p.first;
    r.worlds = p.first / p.world_steps;
}

}  // namespace

}  // namespace fuzz

void kos_main(kos::roottask::RootTask& root) {
    fuzz::read_parameters(fuzz::run());
    static fuzz::Supervisor supervisor(root);
    supervisor.run_all();
    for (;;) {
        kos::sel4::tcb_suspend(seL4_CapInitThreadTCB);
    }
}
