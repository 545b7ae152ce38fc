/*
 * The virtio console between clients that ask for anything and a device that does anything.
 */
#include "virtio_console.h"

#include "console_service.h"
#include "fuzz.h"
#include "hostile_device.h"
#include "request.h"

namespace kos::fuzz {
namespace {

using namespace driver;
using Hardware = virtio::testing::HostileDevice;
using Device = VirtioConsole<Hardware>;

enum Step : uint8_t { kCall, kGoodCall, kMemory, kInterrupt, kTime, kLies, kSteps };
constexpr uint16_t kReader = 4;

DomainSet readers() {
    DomainSet result;
    result.add(kReader);
    return result;
}

struct Target {
    explicit Target(Reader& reader)
        : input(reader),
          hardware(virtio::DeviceType::kConsole, Device::kDmaBytes, reader),
          driver(hardware, hardware.dma(), Hardware::kPhysical),
          service(driver, readers(), waker) {
        require(driver.start().ok(), "an honest device does not start");
    }
    void call(const kos_caller_t& caller, const kos_msg_t& message) {
        kos_msg_t answer = {};
        const kos_status_t status = service.dispatch(caller, message, answer);
        require_answer(status, answer);
        require(message.label != KOS_CONSOLE_LABEL_READ || status != KOS_STATUS_OK || caller.domain == kReader,
                "somebody reads without a right to");
        require(message.label != KOS_CONSOLE_LABEL_READ || answer.payload_bytes <= message.param,
                "more than was asked for");
        require(message.label != KOS_CONSOLE_LABEL_WRITE_SOME || answer.param <= message.payload_bytes,
                "more taken than given");
    }
    void step() {
        switch (input.below(kSteps)) {
            case kCall: {
                const Request request(input);
                call(request.caller, request.message);
                break;
            }
            case kGoodCall: {
                static const Buffer kData(4096, 'x');
                kos_msg_t message = {};
                message.label = KOS_CONSOLE_LABEL_WRITE + input.below(4);
                const uint32_t bytes = 1 + input.number<uint16_t>() % 4096;
                if (message.label == KOS_CONSOLE_LABEL_READ) message.param = bytes;
                if (message.label == KOS_CONSOLE_LABEL_WRITE || message.label == KOS_CONSOLE_LABEL_WRITE_SOME) {
                    message.payload = kData.data();
                    message.payload_bytes = bytes;
                }
                call({kReader, 1, 0}, message);
                break;
            }
            case kMemory: hardware.write_memory(); break;
            case kInterrupt: driver.interrupt(); break;
            case kTime: hardware.pass_us(input.value() % 10000000); break;
            default: hardware.lie(input.below(4) == 0 ? input.number() / 16 : 0); break;
        }
    }

    Reader& input;
    Hardware hardware;
    Device driver;
    struct Waker final : ConsoleWaker {
    } waker;
    ConsoleService<Device> service;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target(reader);
    while (!reader.empty()) target.step();
}

std::vector<Buffer> seeds() {
    Writer good;
    good.number(kGoodCall)
        .number<uint8_t>(0)
        .number<uint16_t>(2000)
        .number(kGoodCall)
        .number<uint8_t>(1)
        .number<uint16_t>(9);
    // The device has received 100 bytes, then sent a buffer.
    good.number(kMemory).number<uint8_t>(2).number<uint8_t>(0).number<uint8_t>(0).value(100);
    good.number(kMemory).number<uint8_t>(2).number<uint8_t>(1).number<uint8_t>(0).value(0);
    good.number(kInterrupt).number(kGoodCall).number<uint8_t>(2).number<uint16_t>(50);
    good.number(kGoodCall).number<uint8_t>(3).number<uint16_t>(0);
    Writer lies;
    lies.number(kLies).number<uint8_t>(0).number<uint8_t>(255).number(kInterrupt).number(kTime).value(6000000);
    lies.number(kGoodCall).number<uint8_t>(0).number<uint16_t>(2000);
    return {good.result(), lies.result()};
}

}  // namespace kos::fuzz
