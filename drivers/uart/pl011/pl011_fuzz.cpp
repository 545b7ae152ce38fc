/*
 * The PL011 driver with clients that ask for anything and registers that answer anything.
 */
#include "pl011.h"

#include "console_service.h"
#include "fake_hardware.h"
#include "fuzz.h"
#include "request.h"

namespace kos::fuzz {
namespace {

using namespace driver;

// Registers are made up; without input, those of an idle device.
class HostileUart : public FakeCounter {
public:
    explicit HostileUart(Reader& input) : input_(input) {}

    uint32_t read32(uint32_t offset) {
        // A bound for the driver: it must not wait for what it reads.
        require(++reads_ < 1000000, "reads without end");
        if (is_identified_ && !input_.empty()) return static_cast<uint32_t>(input_.value());
        switch (offset) {
            case pl011::kPeripheralId0: return 0x11;
            case pl011::kPeripheralId1: return 0x10;
            case pl011::kFlags: return pl011::kFlagReceiveEmpty;
            default: return 0;
        }
    }
    void write32(uint32_t, uint32_t) {}
    void begin() { is_identified_ = true; }

private:
    Reader& input_;
    bool is_identified_ = false;
    unsigned reads_ = 0;
};

enum Step : uint8_t { kCall, kWrite, kInterrupt, kFlush, kStart, kSteps };

}  // namespace

void run(Bytes bytes) {
    static const Buffer kData(4096, 'x');
    Reader input(bytes);
    HostileUart hardware(input);
    Pl011<HostileUart> driver(hardware);
    DomainSet readers;
    readers.add(4);
    struct Waker final : ConsoleWaker {
    } waker;
    ConsoleService<Pl011<HostileUart>> service(driver, readers, waker);
    require(driver.start(24000000, 115200) == KOS_STATUS_OK, "an honest device does not start");
    hardware.begin();
    while (!input.empty()) {
        switch (input.below(kSteps)) {
            case kCall: {
                const Request request(input);
                kos_msg_t answer = {};
                require_answer(service.dispatch(request.caller, request.message, answer), answer);
                break;
            }
            case kWrite: (void)driver.write_some({kData.data(), input.number<uint16_t>() % kData.size()}); break;
            case kInterrupt: driver.interrupt(); break;
            case kFlush: (void)driver.flush(); break;
            default: (void)driver.start(input.value(), input.value()); break;
        }
    }
}

std::vector<Buffer> seeds() {
    Writer out;
    out.number(kWrite).number<uint16_t>(20).value(0).value(0).number(kInterrupt).value(0x10).value(0).value('a');
    out.number(kInterrupt).value(0x10).value(0).value(0x100);
    Request::put(out.number(kCall), 4, KOS_CONSOLE_LABEL_READ, 10);
    Request::put(out.number(kCall), 4, KOS_CONSOLE_LABEL_WRITE, 0, "hello");
    return {out.result()};
}

}  // namespace kos::fuzz
