// The PL011 driver against a model of the device's registers (DDI 0183G, chapter 3), with its faults.
#include "pl011.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "fake_hardware.h"

namespace kos::driver {
namespace {

namespace p = pl011;

// FIFOs of `depth` bytes; raises the transmit interrupt when the FIFO falls to its level, the receive interrupt when it
// reaches its level, the receive time-out when the test says that the line has been idle.
class FakePl011 : public FakeCounter {
public:
    explicit FakePl011(size_t depth = 32) : depth_(depth) {}

    uint32_t read32(uint32_t offset) {
        switch (offset) {
            case p::kPeripheralId0: return id0;
            case p::kPeripheralId1: return 0x10;
            case p::kFlags:
                return (busy() ? p::kFlagBusy : 0) | (received.empty() && !never_empty ? p::kFlagReceiveEmpty : 0) |
                       (fifo.size() >= depth_ ? p::kFlagTransmitFull : 0);
            case p::kData: return read_data();
            case p::kMaskedInterrupts: return raw & mask;
            default: ADD_FAILURE() << "read of register " << offset; return 0;
        }
    }

    void write32(uint32_t offset, uint32_t value) {
        switch (offset) {
            case p::kData:
                EXPECT_LT(fifo.size(), depth_) << "byte written to a full FIFO";
                EXPECT_EQ(control & 0x101, 0x101u) << "byte written to a disabled UART";
                fifo.push_back(static_cast<char>(value));
                if (fifo.size() > level()) raw &= ~p::kInterruptTransmit;
                break;
            case p::kControl: control = value; break;
            case p::kLineControl:
                line_control = value;
                baud_taken = baud_written;
                if ((value & p::kLineFifos) == 0) fifo.clear(), received.clear();
                break;
            case p::kIntegerBaudRate: baud_written = (baud_written & 63) | value << 6; break;
            case p::kFractionalBaudRate: baud_written = (baud_written & ~63u) | value; break;
            case p::kInterruptMask: mask = value; break;
            case p::kInterruptClear: raw &= ~value; break;
            case p::kFifoLevels: levels = value; break;
            case p::kDmaControl: EXPECT_EQ(value, 0u); break;
            default: ADD_FAILURE() << "write of register " << offset;
        }
    }

    // The line takes up to `count` bytes out of the FIFO.
    void send(size_t count) {
        while (count-- > 0 && !fifo.empty()) {
            line += fifo.front();
            fifo.pop_front();
            if (fifo.size() == level()) raw |= p::kInterruptTransmit;
        }
    }

    void arrive(uint32_t data) {
        if (received.size() == depth_) {
            overrun = true;
            raw |= 1u << 10;
            return;
        }
        received.push_back(data);
        if (received.size() >= level()) raw |= p::kInterruptReceive;
        if ((data & 0x700) != 0) raw |= 7u << 7;
    }

    void idle() {
        if (!received.empty()) raw |= p::kInterruptReceiveTimeout;
    }

    bool raised() const { return (raw & mask) != 0; }
    bool busy() const { return stuck || !fifo.empty(); }

    uint32_t id0 = 0x11, control = 0x300, line_control = 0, levels = 0x12, mask = 0x7ff, raw = 0;
    uint32_t baud_written = 0, baud_taken = 0;
    bool stuck = false, never_empty = false, overrun = false;
    std::deque<char> fifo;
    std::deque<uint32_t> received;
    std::string line;

private:
    size_t level() const { return depth_ / 8; }

    uint32_t read_data() {
        if (received.empty()) {
            EXPECT_TRUE(never_empty) << "read of an empty FIFO";
            return 'x';
        }
        const uint32_t data = received.front() | (overrun ? p::kDataOverrun : 0);
        overrun = false;
        received.pop_front();
        if (received.size() < level()) raw &= ~p::kInterruptReceive;
        if (received.empty()) raw &= ~p::kInterruptReceiveTimeout;
        return data;
    }

    size_t depth_;
};

class Pl011Test : public ::testing::Test {
protected:
    void start() { ASSERT_EQ(uart.start(24000000, 115200), KOS_STATUS_OK); }

    static std::span<const uint8_t> bytes(const std::string& text) {
        return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
    }

    std::string read(size_t most = 4096) {
        std::vector<uint8_t> out(most);
        const size_t count = uart.read(out);
        return {out.begin(), out.begin() + static_cast<ptrdiff_t>(count)};
    }

    // Lets the line run, with interrupts delivered as long as they are raised.
    void run(unsigned rounds = 10000) {
        for (unsigned i = 0; i < rounds && !device.fifo.empty(); i++) {
            device.send(1);
            if (device.raised()) uart.interrupt();
        }
    }

    FakePl011 device;
    Pl011<FakePl011> uart{device};
};

TEST_F(Pl011Test, ResetsWhateverStateTheDeviceIsIn) {
    device.control = 0xffff;
    device.raw = 0x7ff;
    device.line_control = 0xff;
    device.fifo = {'o', 'l', 'd'};
    device.received = {'s', 't', 'a', 'l', 'e'};
    start();
    EXPECT_EQ(device.control, 0x301u);
    EXPECT_EQ(device.line_control, 0x70u);  // 8 bits, no parity, one stop bit, FIFOs
    EXPECT_EQ(device.raw, 0u);
    EXPECT_EQ(device.mask, p::kInterruptReceive | p::kInterruptReceiveTimeout | p::kInterruptErrors);
    EXPECT_TRUE(device.received.empty());
    EXPECT_FALSE(uart.drained());
    EXPECT_EQ(uart.status().received_bytes, 0u);
}

TEST_F(Pl011Test, SetsTheDivisorOfTheManual) {
    // DDI 0183G, example 3-1: 4 MHz, 230400 baud: divider 1, fraction 5.
    ASSERT_EQ(uart.start(4000000, 230400), KOS_STATUS_OK);
    EXPECT_EQ(device.baud_taken, 1u << 6 | 5u);
    // 24 MHz, 115200 baud: 13.02.
    start();
    EXPECT_EQ(device.baud_taken, 13u << 6 | 1u);
}

TEST_F(Pl011Test, RefusesImpossibleBaudRates) {
    EXPECT_EQ(uart.start(24000000, 0), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(uart.start(24000000, 24000000), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(uart.start(24000000, 1), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(uart.start(UINT64_MAX, 115200), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(device.mask, 0x7ffu) << "the device was touched before the arguments were checked";
}

TEST_F(Pl011Test, RefusesAnotherDevice) {
    device.id0 = 0x31;
    EXPECT_EQ(uart.start(24000000, 115200), KOS_STATUS_UNAVAILABLE);
}

TEST_F(Pl011Test, StartsThoughTheTransmitterNeverEnds) {
    device.stuck = true;
    start();
    EXPECT_FALSE(uart.drained());
    EXPECT_LT(device.now_us(), 100000u);
}

TEST_F(Pl011Test, StartsThoughTheReceiverIsNeverEmpty) {
    device.never_empty = true;
    start();
    uart.interrupt();
    EXPECT_LE(uart.status().received_bytes, 32u);
}

TEST_F(Pl011Test, SendsWhatFitsAtOnceAndTheRestByInterrupt) {
    start();
    std::string text;
    for (int i = 0; i < 4096; i++) text += static_cast<char>('a' + i % 26);
    ASSERT_TRUE(uart.write_all(bytes(text)));
    EXPECT_EQ(device.fifo.size(), 32u);
    EXPECT_NE(device.mask & p::kInterruptTransmit, 0u);
    EXPECT_FALSE(uart.flush());
    run();
    EXPECT_EQ(device.line, text);
    EXPECT_EQ(device.mask & p::kInterruptTransmit, 0u) << "an interrupt with nothing to send would come for ever";
    EXPECT_TRUE(uart.flush());
    EXPECT_EQ(uart.status().sent_bytes, 4096u);
    EXPECT_EQ(uart.status().transmit_queued, 0u);
}

TEST_F(Pl011Test, TakesAMessageAsAWholeOrNotAtAll) {
    start();
    const std::string filler(4096, '.');
    // One FIFO's worth has left the ring.
    for (int i = 0; i < 4; i++) ASSERT_TRUE(uart.write_all(bytes(filler)));
    const size_t room = Pl011<FakePl011>::kTransmitBytes - uart.status().transmit_queued;
    ASSERT_EQ(room, 32u);
    EXPECT_FALSE(uart.write_all(bytes(std::string(33, 'n'))));
    EXPECT_EQ(uart.status().refused_bytes, 33u);
    EXPECT_TRUE(uart.write_all(bytes(std::string(32, 'y'))));
    EXPECT_EQ(uart.write_some(bytes("z")), 0u);
    EXPECT_EQ(uart.status().refused_bytes, 34u);
    run(100000);
    EXPECT_EQ(device.line, std::string(16384, '.') + std::string(32, 'y'));
}

TEST_F(Pl011Test, WriteSomeTakesWhatFits) {
    start();
    const std::string filler(4096, '.');
    for (int i = 0; i < 4; i++) ASSERT_TRUE(uart.write_all(bytes(filler)));
    EXPECT_EQ(uart.write_some(bytes(std::string(40, 'a') + "b")), 32u);
    run(100000);
    EXPECT_EQ(device.line, std::string(16384, '.') + std::string(32, 'a'));
}

TEST_F(Pl011Test, ASmallFifoOfEarlierRevisionsWorksToo) {
    FakePl011 small(16);
    Pl011<FakePl011> driver(small);
    ASSERT_EQ(driver.start(24000000, 115200), KOS_STATUS_OK);
    const std::string text(1000, 'q');
    ASSERT_TRUE(driver.write_all(bytes(text)));
    for (int i = 0; i < 2000 && !small.fifo.empty(); i++) {
        small.send(1);
        if (small.raised()) driver.interrupt();
    }
    EXPECT_EQ(small.line, text);
}

TEST_F(Pl011Test, ReceivesByLevelAndByTimeout) {
    start();
    for (char c : std::string("0123")) device.arrive(static_cast<uint8_t>(c));
    ASSERT_TRUE(device.raised());
    uart.interrupt();
    EXPECT_FALSE(device.raised());
    device.arrive('4');
    EXPECT_FALSE(device.raised());
    device.idle();
    ASSERT_TRUE(device.raised());
    uart.interrupt();
    EXPECT_EQ(read(2), "01");
    EXPECT_EQ(read(), "234");
    EXPECT_EQ(read(), "");
    EXPECT_EQ(uart.status().received_bytes, 5u);
}

TEST_F(Pl011Test, CountsWhatItDrops) {
    start();
    for (size_t i = 0; i < Pl011<FakePl011>::kReceiveBytes + 10; i++) {
        device.arrive('r');
        device.idle();
        uart.interrupt();
    }
    EXPECT_EQ(uart.status().dropped_bytes, 10u);
    EXPECT_EQ(uart.status().receive_queued, Pl011<FakePl011>::kReceiveBytes);
    EXPECT_EQ(read(8192).size(), Pl011<FakePl011>::kReceiveBytes);
    device.arrive('n');
    device.idle();
    uart.interrupt();
    EXPECT_EQ(read(), "n");
}

TEST_F(Pl011Test, CountsDamagedCharactersAndOverruns) {
    start();
    device.arrive('a');
    device.arrive('b' | p::kDataFramingError);
    device.arrive('c' | p::kDataParityError);
    device.arrive(p::kDataBreak | p::kDataFramingError);
    for (int i = 0; i < 29; i++) device.arrive('d');  // one more than the FIFO takes
    uart.interrupt();
    device.idle();
    EXPECT_FALSE(device.raised()) << "an error interrupt that is not cleared comes for ever";
    EXPECT_EQ(read(), "a" + std::string(28, 'd'));
    EXPECT_EQ(uart.status().line_errors, 3u);
    EXPECT_EQ(uart.status().device_overruns, 1u);
}

TEST_F(Pl011Test, StartsAgainAfterAFailure) {
    start();
    ASSERT_TRUE(uart.write_all(bytes(std::string(4096, 'x'))));
    device.arrive('y');
    start();
    EXPECT_EQ(uart.status().transmit_queued, 0u);
    EXPECT_EQ(uart.status().receive_queued, 0u);
    EXPECT_EQ(device.mask & p::kInterruptTransmit, 0u);
    ASSERT_TRUE(uart.write_all(bytes("again")));
    run();
    EXPECT_EQ(device.line, "again");
}

}  // namespace
}  // namespace kos::driver
