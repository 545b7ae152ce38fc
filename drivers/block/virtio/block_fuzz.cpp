/*
 * The block driver between clients that ask for anything and a device that does anything: no request is answered twice,
 * and each is answered in the end.
 */
#include "block_service.h"
#include "fake_calls.h"
#include "fuzz.h"
#include "hostile_device.h"
#include "request.h"

namespace kos::fuzz {
namespace {

using namespace driver;
using Hardware = virtio::testing::HostileDevice;
using Device = VirtioBlock<Hardware>;

enum Step : uint8_t { kCall, kGoodCall, kMemory, kInterrupt, kTime, kLies, kSteps };
constexpr uint64_t kTimeoutUs = 1000;
constexpr uint32_t kReadOnly = 1u << 5, kBlockSize = 1u << 6, kFlush = 1u << 9;

struct Calls : FakeCalls {
    explicit Calls(Hardware& device) : hardware(device) {}
    void alarm(uint64_t) {}
    uint64_t ticks() { return hardware.ticks(); }
    uint64_t hz() { return hardware.hz(); }
    void report(virtio::Error) {}

    Hardware& hardware;
};

struct Target {
    explicit Target(Reader& reader)
        : input(reader),
          hardware(virtio::DeviceType::kBlock, Device::kDmaBytes, reader),
          driver(hardware, hardware.dma(), Hardware::kPhysical, kTimeoutUs),
          calls(hardware),
          service(driver, calls) {
        hardware.offered = kBlockSize | (input.below(2) ? kFlush : 0) | (input.below(8) == 0 ? kReadOnly : 0);
        require(driver.start().ok(), "an honest device does not start");
    }
    void call(const kos_caller_t& caller, const kos_msg_t& message) {
        kos_msg_t answer = {};
        require_answer(service.dispatch(caller, message, answer), answer, true);
    }
    void step() {
        switch (input.below(kSteps)) {
            case kCall: {
                const Request request(input);
                call(request.caller, request.message);
                break;
            }
            case kGoodCall: {
                static const Buffer kData(4096, 0x11);
                kos_msg_t message = {};
                message.label = KOS_BLOCK_LABEL_GEOMETRY + input.below(4);
                if (message.label == KOS_BLOCK_LABEL_READ || message.label == KOS_BLOCK_LABEL_WRITE)
                    message.param = input.number();
                const uint32_t bytes = 512u << input.below(4);
                if (message.label == KOS_BLOCK_LABEL_READ) {
                    message.has_words = 1;
                    message.words[0] = bytes;
                } else if (message.label == KOS_BLOCK_LABEL_WRITE) {
                    message.payload = kData.data();
                    message.payload_bytes = bytes;
                }
                call({3, 1, 0}, message);
                break;
            }
            case kMemory: hardware.write_memory(); break;
            case kInterrupt: service.interrupt(); break;
            case kTime:
                hardware.pass_us(input.number<uint16_t>());
                service.check_deadlines();
                break;
            default: hardware.lie(input.below(4) == 0 ? input.number() / 16 : 0); break;
        }
    }
    // Whatever the device has done or not done: nobody waits for ever.
    void finish() {
        hardware.lie(0);
        hardware.pass_us(2 * kTimeoutUs);
        service.check_deadlines();
        require(calls.open.empty() && driver.in_flight() == 0, "a request is never answered");
    }

    Reader& input;
    Hardware hardware;
    Device driver;
    Calls calls;
    BlockService<Device, Calls> service;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target(reader);
    while (!reader.empty()) target.step();
    target.finish();
}

std::vector<Buffer> seeds() {
    Writer good;
    good.number<uint8_t>(1).number<uint8_t>(1);
    good.number(kGoodCall).number<uint8_t>(1).number<uint8_t>(8).number<uint8_t>(0);   // read
    good.number(kGoodCall).number<uint8_t>(2).number<uint8_t>(16).number<uint8_t>(3);  // write
    good.number(kGoodCall).number<uint8_t>(3).number<uint8_t>(0);                      // flush
    // A status byte of 0 for the first, then its entry in the used ring: 513 bytes written.
    good.number(kMemory).number<uint8_t>(0).value(0).number<uint16_t>(0x610).number<uint8_t>(0);
    good.number(kMemory).number<uint8_t>(2).number<uint8_t>(0).number<uint8_t>(0).value(513);
    good.number(kInterrupt).number(kTime).number<uint16_t>(500);
    Writer lies;
    lies.number<uint8_t>(1).number<uint8_t>(1).number(kLies).number<uint8_t>(0).number<uint8_t>(255);
    lies.number(kGoodCall).number<uint8_t>(1).number<uint8_t>(8).number<uint8_t>(0).number(kTime).number<uint16_t>(
        60000);
    return {good.result(), lies.result()};
}

}  // namespace kos::fuzz
