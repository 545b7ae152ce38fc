#include <kos/log.h>
#include <kos/idl/counter.hpp>
using namespace kos::idl;
int main() {
    auto counter = counter::Client::connect("counter");
    if (!counter.ok()) return 1;
    auto total = counter->add(5);
    if (!total.ok()) return 1;
    kos_log_info("total %lu", *total);
    return 0;
}
