// The C++ bindings on both sides.
#include "bench.h"

#include <kos/idl/echo.hpp>

namespace {

kos::idl::echo::Client echo;

void add_loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        auto const sum = echo.add(static_cast<uint32_t>(i), 5);
        expect(sum.ok() && *sum == i + 5, "add, C++", sum.status());
    }
}

}  // namespace

void measure_calls_cpp() {
    echo = kos::idl::echo::Client(port("idl_cpp"));
    double const ns = time_of(add_loop, 2000);
    report("call/bindings_cpp", ns, "ns");
    report("call/bindings_cpp/over_reference", ns / reference_ns, "times");
}
