// The reference: call and answer with nothing but the kernel's two system calls.
#include "bench.h"

#include <kos/sel4/syscalls.h>

using namespace kos::sel4;

double reference_ns;

namespace {

CPtr raw;

void loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        Message const answer = call(raw, Tag::make(1, 4), Words{{i, 0, 2, 3}});
        expect(answer.label() == KOS_STATUS_OK && answer.words[0] == i, "reference", 0);
    }
}

}  // namespace

void measure_reference() {
    raw = port("raw");
    reference_ns = time_of(loop, 2000);
    report("call/reference", reference_ns, "ns");
}
