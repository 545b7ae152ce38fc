/*
 * The driver between a device and a router that both do anything: whatever they write, the driver comes to rest, gives
 * the device addresses of its own memory only, and no buffer is with two owners.
 *
 * An input is steps: what the device or the router does, with an operand. FakeDma fails on an address outside.
 */
#include "fuzz.h"
#include "net_fixture.h"

namespace kos::fuzz {
namespace {

using namespace kos::driver;

void check(System& system) {
    for (unsigned i = 0; i < 200; i++) {
        bool any = false;
        const virtio::Status status = system.link->pump(any);
        if (!status.ok()) {
            system.fake.forget();
            if (!system.link->recover().ok()) return;
        }
        if (!any && system.link->prepare_wait() == 0) {
            require(system.device.receiving() <= Net::kInFlight && system.device.sending() <= net::kTransmitBuffers,
                    "more frames with the device than there are");
            return;
        }
    }
    require(false, "the driver does not come to rest");
}

void write_descriptor(Ring& ring, Reader& steps) {
    net::LinkDescriptor descriptor = {static_cast<net::LinkKind>(steps.number() % 9),
                                      static_cast<uint16_t>(8 + steps.number() % 4),
                                      static_cast<uint16_t>(steps.number<uint16_t>() % (net::kBuffers + 4)),
                                      static_cast<uint16_t>(steps.number<uint16_t>() % 2048),
                                      static_cast<uint16_t>(steps.number()),
                                      steps.number(),
                                      steps.number(),
                                      0};
    size_t done = 0;
    static_cast<void>(ring.write(&descriptor, sizeof descriptor, &done));
}

void step(System& system, Reader& steps) {
    switch (steps.number() % 14) {
        case 0:
            system.fake.arrive(frame_of(std::string(steps.number(), 'x')), steps.number() % 4, steps.number() % 2);
            break;
        case 1: system.fake.send_all(); break;
        case 2:
            system.fake.put_used(steps.number() % 2, steps.number<uint16_t>() % 300, steps.number<uint16_t>());
            break;
        case 3: system.fake.set_used_index(steps.number() % 2, steps.number<uint16_t>()); break;
        case 4: system.fake.set_link(steps.number() % 2 == 0); break;
        case 5: static_cast<void>(system.send(std::string(steps.number(), 'y'))); break;
        case 6: static_cast<void>(system.router->poll(system.heard, 1 + steps.number() % 64)); break;
        case 7: write_descriptor(*system.router_out, steps); break;
        case 8: write_descriptor(*system.driver_out, steps); break;
        case 9: system.start_router(); break;
        case 10: system.start_driver(); break;
        case 11: {
            // Anything anywhere in the two rings.
            const size_t at = steps.number<uint16_t>() % net::kBuffersOffset;
            system.area()[at] = steps.number();
            break;
        }
        case 12: system.area()[(steps.number() % 2) * net::kToDriverOffset + steps.number()] = steps.number(); break;
        case 13: system.fake.current |= steps.number() % 8 == 0 ? uint32_t{virtio::kNeedsReset} : 0; break;
    }
}

}  // namespace

void run(Bytes input) {
    System system(FakeNet::kMac | FakeNet::kStatus | FakeNet::kChecksum | FakeNet::kGuestChecksum);
    system.start_driver();
    system.start_router();
    Reader steps(input);
    constexpr unsigned kMaxSteps = 300;
    for (unsigned i = 0; i < kMaxSteps && !steps.empty(); i++) {
        step(system, steps);
        check(system);
    }
    // Whatever happened, a new driver and a new router work.
    system.start_driver();
    system.start_router();
    for (unsigned i = 0; i < 4; i++) {
        check(system);
        while (system.router->poll(system.heard, 50) != 0) {
        }
    }
    require(system.router->transmit_room() == net::kTransmitBuffers, "buffers are missing after a restart");
    require(system.send("last"), "no frame can be sent after a restart");
    system.router->flush();
    check(system);
    system.fake.send_all();
    require(!system.fake.sent.empty() && text_of(system.fake.sent.back().frame) == "last", "the frame is not sent");
}

std::vector<Buffer> seeds() {
    return {{0, 5, 0, 0, 6, 30, 5, 9, 6, 9, 1}, {7, 6, 0, 1, 1, 60, 0, 0, 0, 0}, {9, 10, 9, 5, 3, 0, 1, 0, 0}};
}

}  // namespace kos::fuzz
