/*
 * A stack with a clock that the test moves, over a mirror link: 10.78.1.2 and fd6b:6f73:1::2, whose peer 10.78.1.1 and
 * fd6b:6f73:1::1 is the stack itself.
 */
#ifndef KOS_LIB_LWIP_TESTING_TEST_STACK_H_
#define KOS_LIB_LWIP_TESTING_TEST_STACK_H_

#include <kos/net/stack.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "mirror_link.h"

namespace kos::net::testing {

class TestSurroundings final : public Surroundings {
public:
    uint32_t now_ms() override { return now; }
    void random(void* bytes, size_t count) override {
        for (size_t i = 0; i < count; ++i) static_cast<uint8_t*>(bytes)[i] = static_cast<uint8_t>(generator());
    }
    [[noreturn]] void failed(const char* what, const char* file, int line) override {
        std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
        std::abort();
    }
    void unreachable(const Unreachable& what) override { unreachables.push_back(what); }

    uint32_t now = 5000;
    std::mt19937 generator{2};
    std::vector<Unreachable> unreachables;
};

inline InterfaceConfig test_config() {
    InterfaceConfig config;
    IP4_ADDR(&config.address4, 10, 78, 1, 2);
    IP4_ADDR(&config.gateway4, 10, 78, 1, 1);
    IP6_ADDR(&config.address6, PP_HTONL(0xfd6b6f73), PP_HTONL(0x00010000), 0, PP_HTONL(2));
    return config;
}

inline ip_addr_t peer4() {
    ip_addr_t address;
    IP_ADDR4(&address, 10, 78, 1, 1);
    return address;
}
inline ip_addr_t peer6() {
    ip_addr_t address;
    IP_ADDR6(&address, PP_HTONL(0xfd6b6f73), PP_HTONL(0x00010000), 0, PP_HTONL(1));
    return address;
}

struct TestStack {
    explicit TestStack(const StackConfig& config = {}, const InterfaceConfig& interface_config = test_config())
        : stack(surroundings, config), link(surroundings.now), interface(stack, link, interface_config) {}

    // Until `done` or `ms` of its clock have passed; false: they have.
    template <typename Done>
    bool run(uint32_t ms, Done done) {
        const uint32_t end = surroundings.now + ms;
        while (int32_t(end - surroundings.now) > 0) {
            while (stack.poll()) {
            }
            if (done()) return true;
            if (stack.sleep_ms() != 0 && link.next_bytes() == 0) ++surroundings.now;
        }
        return false;
    }
    void run(uint32_t ms) {
        run(ms, [] { return false; });
    }

    TestSurroundings surroundings;
    Stack stack;
    MirrorLink link;
    LinkInterface interface;
};

}  // namespace kos::net::testing

#endif
