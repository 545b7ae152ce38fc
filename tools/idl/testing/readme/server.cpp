#include <kos/idl/counter.hpp>
using namespace kos::idl;
struct Counter : counter::Server<Counter> {
    Result<uint64_t> add(const Caller&, uint32_t by) { return sum += by; }
    uint64_t sum = 0;
};
int main() {
    static Counter server;
    return server.run().ok() ? 0 : 1;
}
