/*
 * The virtio entropy driver between clients that ask for anything and a device that does anything.
 */
#include "fuzz.h"
#include "hostile_device.h"
#include "request.h"
#include "rng_service.h"
#include "virtio_rng.h"

namespace kos::fuzz {
namespace {

using namespace driver;
using Hardware = virtio::testing::HostileDevice;
using Device = VirtioRng<Hardware>;

enum Step : uint8_t { kCall, kRead, kMemory, kInterrupt, kTime, kLies, kSteps };

}  // namespace

void run(Bytes bytes) {
    Reader input(bytes);
    Hardware hardware(virtio::DeviceType::kEntropy, Device::kDmaBytes, input);
    Device driver(hardware, hardware.dma(), Hardware::kPhysical);
    RngService<Device> service(driver);
    require(driver.start().ok(), "an honest device does not start");
    while (!input.empty()) {
        switch (input.below(kSteps)) {
            case kCall: {
                const Request request(input);
                kos_msg_t answer = {};
                require_answer(service.dispatch(request.caller, request.message, answer), answer);
                break;
            }
            case kRead: {
                kos_msg_t message = {};
                message.label = KOS_RNG_LABEL_READ;
                message.param = input.number<uint16_t>();
                kos_msg_t answer = {};
                require_answer(service.dispatch({3, 1, 0}, message, answer), answer);
                require(answer.payload_bytes <= message.param, "more than was asked for");
                break;
            }
            case kMemory: hardware.write_memory(); break;
            case kInterrupt: service.interrupt(); break;
            case kTime: hardware.pass_us(input.value() % 10000000); break;
            default: hardware.lie(input.below(4) == 0 ? input.number() / 16 : 0); break;
        }
    }
}

std::vector<Buffer> seeds() {
    Writer good;
    good.number(kMemory).number<uint8_t>(2).number<uint8_t>(0).number<uint8_t>(0).value(100);
    good.number(kInterrupt).number(kRead).number<uint16_t>(60).number(kRead).number<uint16_t>(60);
    Writer silent;
    silent.number(kTime).value(3000000).number(kRead).number<uint16_t>(60).number(kLies).number<uint8_t>(0);
    silent.number<uint8_t>(255).number(kTime).value(6000000).number(kRead).number<uint16_t>(1);
    return {good.result(), silent.result()};
}

}  // namespace kos::fuzz
