// Echo with the C++ bindings.
#include <kos/idl/echo.hpp>

namespace {

class Echo : public kos::idl::echo::Server<Echo> {
public:
    kos::idl::Result<uint32_t> add(const kos::idl::Caller&, uint32_t a, uint32_t b) { return a + b; }
    kos::idl::Result<std::span<const uint8_t>> data(const kos::idl::Caller&, std::span<const uint8_t> bytes) {
        return bytes;
    }
};

}  // namespace

int main(int, char**) {
    static Echo echo;
    return echo.run().ok() ? 0 : 1;
}
