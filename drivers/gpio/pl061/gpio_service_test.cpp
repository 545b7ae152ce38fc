// GPIO, device class and service together, against a model of the registers (DDI 0190B, chapter 3): two clients with
// lines of their own, edges, floods.
#include "gpio_service.h"

#include <gtest/gtest.h>

#include <cstring>

#include "fake_calls.h"

namespace kos::driver {
namespace {

class FakePl061 {
public:
    uint32_t read32(uint32_t offset) {
        if (offset < 0x400) return pins() & (offset >> 2);
        switch (offset) {
            case pl061::kDirection: return direction;
            case pl061::kMaskedInterrupts: return raw & enabled;
            case pl061::kPeripheralId0: return id0;
            case pl061::kPeripheralId1: return 0x10;
            default: ADD_FAILURE() << "read of register " << offset; return 0;
        }
    }
    void write32(uint32_t offset, uint32_t value) {
        const auto byte = static_cast<uint8_t>(value);
        const uint8_t before = pins();
        if (offset < 0x400) {
            // Only outputs keep what is written.
            const auto mask = static_cast<uint8_t>(offset >> 2 & direction);
            latch = static_cast<uint8_t>((latch & ~mask) | (byte & mask));
        } else {
            switch (offset) {
                case pl061::kDirection: direction = byte; break;
                case pl061::kSense: sense = byte; break;
                case pl061::kBothEdges: both = byte; break;
                case pl061::kEvent: event = byte; break;
                case pl061::kInterruptEnable: enabled = byte; break;
                case pl061::kInterruptClear: raw = static_cast<uint8_t>(raw & ~byte); break;
                case pl061::kAlternateFunction: alternate = byte; break;
                default: ADD_FAILURE() << "write of register " << offset;
            }
        }
        changed(before);
    }
    // The outside world drives line `line`.
    void drive(unsigned line, bool level) {
        const uint8_t before = pins();
        outside = static_cast<uint8_t>(level ? outside | 1u << line : outside & ~(1u << line));
        changed(before);
    }
    bool level(unsigned line) const { return (pins() >> line & 1) != 0; }
    bool raised() const { return (raw & enabled) != 0; }
    uint8_t pins() const { return static_cast<uint8_t>((latch & direction) | (outside & ~direction)); }

    uint8_t direction = 0xff, latch = 0x0f, outside = 0, sense = 0xff, both = 0xff, event = 0xff, enabled = 0xff,
            raw = 0;
    uint8_t alternate = 0xff;
    uint32_t id0 = 0x61;

private:
    void changed(uint8_t before) {
        const uint8_t now = pins();
        const auto rising = static_cast<uint8_t>(now & ~before), falling = static_cast<uint8_t>(before & ~now);
        raw = static_cast<uint8_t>(raw | (rising & (both | event)) | (falling & (both | ~event)));
    }
};

class GpioTest : public ::testing::Test {
protected:
    static constexpr uint16_t kPump = 3, kDoor = 4, kStranger = 5;

    void SetUp() override { ASSERT_EQ(gpio.start(0), KOS_STATUS_OK); }
    static GpioOwners owners() {
        GpioOwners result;
        for (unsigned line : {0u, 1u, 2u}) result.give(line, kPump);
        for (unsigned line : {3u, 7u}) result.give(line, kDoor);
        return result;
    }
    kos_status_t call(uint16_t domain, uint64_t label, uint64_t param = 0) {
        kos_msg_t request = {};
        request.label = label;
        request.param = param;
        answer = {};
        return service.dispatch({domain, 1, 0}, request, answer);
    }
    kos_slot_t wait(uint16_t domain) {
        return call(domain, KOS_GPIO_LABEL_WAIT) == KOS_STATUS_NO_REPLY ? calls.last : 0;
    }
    static uint64_t pack(unsigned line, unsigned second = 0, unsigned third = 0) {
        return line | second << 8 | third << 16;
    }
    void subscribe(uint16_t domain, unsigned line, GpioEdges edges) {
        ASSERT_EQ(call(domain, KOS_GPIO_LABEL_SUBSCRIBE, pack(line, static_cast<unsigned>(edges))), KOS_STATUS_OK);
    }
    void deliver() {
        if (device.raised()) service.interrupt();
        EXPECT_FALSE(device.raised()) << "an interrupt that is not cleared comes for ever";
    }
    void pulse(unsigned line) {
        device.drive(line, true);
        deliver();
        device.drive(line, false);
        deliver();
    }

    FakePl061 device;
    Pl061<FakePl061> gpio{device};
    FakeCalls calls;
    GpioService<Pl061<FakePl061>, FakeCalls> service{gpio, calls, owners()};
    kos_msg_t answer = {};
};

TEST_F(GpioTest, StartsWithInputsAndWithoutInterrupts) {
    EXPECT_EQ(device.direction, 0);
    EXPECT_EQ(device.enabled, 0);
    EXPECT_EQ(device.sense, 0);
    EXPECT_EQ(device.alternate, 0);
    EXPECT_EQ(device.raw, 0);
    device.id0 = 0x11;
    EXPECT_EQ(gpio.start(0), KOS_STATUS_UNAVAILABLE);
}

TEST_F(GpioTest, KeepsOutputsIfToldTo) {
    device.direction = 0xff;
    device.latch = 0x05;
    ASSERT_EQ(gpio.start(0x0f), KOS_STATUS_OK);
    EXPECT_EQ(device.direction, 0x0f);
    EXPECT_EQ(device.pins(), 0x05);
    EXPECT_TRUE(gpio.is_output(0));
    EXPECT_FALSE(gpio.is_output(4));
}

TEST_F(GpioTest, OwnersAreClients) {
    kos_startup_client_t clients[2] = {};
    strcpy(clients[0].name, "pump");
    clients[0].domain = kPump;
    strcpy(clients[1].name, "door");
    clients[1].domain = kDoor;
    GpioOwners some;
    EXPECT_TRUE(some.give(0, clients, "pump"));
    EXPECT_TRUE(some.give(1, clients, ""));
    EXPECT_TRUE(some.give(2, clients, "door"));
    EXPECT_FALSE(some.give(3, clients, "pmup"));
    EXPECT_EQ(some.lines(kPump), 0x01);
    EXPECT_EQ(some.lines(kDoor), 0x04);
    EXPECT_EQ(some.lines(0), 0xfa);
}

TEST_F(GpioTest, TellsEachClientItsLines) {
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_LINES), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0x07u);
    ASSERT_EQ(call(kDoor, KOS_GPIO_LABEL_LINES), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0x88u);
    ASSERT_EQ(call(kStranger, KOS_GPIO_LABEL_LINES), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0u);
}

TEST_F(GpioTest, DrivesAndReadsLines) {
    device.drive(1, true);
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_READ, 1), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 1u);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_WRITE, pack(0, 1)), KOS_STATUS_CONFLICT) << "an input";
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_SET_DIRECTION, pack(0, 1, 1)), KOS_STATUS_OK);
    EXPECT_TRUE(device.level(0));
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_WRITE, pack(0, 0)), KOS_STATUS_OK);
    EXPECT_FALSE(device.level(0));
    ASSERT_EQ(call(kDoor, KOS_GPIO_LABEL_SET_DIRECTION, pack(3, 1, 1)), KOS_STATUS_OK);
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_WRITE, pack(0, 1)), KOS_STATUS_OK);
    EXPECT_EQ(device.pins() & 0x0d, 0x09) << "other lines are left alone";
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_SET_DIRECTION, pack(0, 0, 0)), KOS_STATUS_OK);
    EXPECT_FALSE(gpio.is_output(0));
    EXPECT_TRUE(gpio.is_output(3));
}

TEST_F(GpioTest, KeepsClientsFromEachOthersLines) {
    for (uint64_t line : {3u, 4u, 7u, 8u, 255u}) {
        EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_READ, line), KOS_STATUS_UNAUTHORIZED) << line;
        EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_WRITE, line | 0x100), KOS_STATUS_UNAUTHORIZED) << line;
        EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_SET_DIRECTION, line | 0x100), KOS_STATUS_UNAUTHORIZED) << line;
        EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_SUBSCRIBE, line | 0x300), KOS_STATUS_UNAUTHORIZED) << line;
    }
    EXPECT_EQ(call(kStranger, KOS_GPIO_LABEL_READ, 0), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(device.direction, 0);
    EXPECT_EQ(device.enabled, 0);
}

TEST_F(GpioTest, TellsTheEdgesThatWereAskedFor) {
    subscribe(kPump, 0, GpioEdges::kRising);
    subscribe(kPump, 1, GpioEdges::kFalling);
    subscribe(kPump, 2, GpioEdges::kBoth);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_EMPTY);
    for (unsigned line = 0; line < 3; line++) device.drive(line, true);
    deliver();
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0x05u | 0x07u << 8);
    for (unsigned line = 0; line < 3; line++) device.drive(line, false);
    deliver();
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0x06u);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_EMPTY);
    subscribe(kPump, 2, GpioEdges::kNone);
    pulse(2);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_EMPTY);
}

TEST_F(GpioTest, TwoClientsWaitForTheirOwnEdges) {
    subscribe(kPump, 0, GpioEdges::kRising);
    subscribe(kDoor, 7, GpioEdges::kBoth);
    const kos_slot_t pump = wait(kPump);
    const kos_slot_t door = wait(kDoor);
    ASSERT_TRUE(pump != 0 && door != 0);
    device.drive(7, true);
    deliver();
    EXPECT_EQ(calls.status(door), KOS_STATUS_OK);
    EXPECT_EQ(calls.answers[door].param, 0x80u | 0x80u << 8);
    EXPECT_EQ(calls.open.size(), 1u);
    device.drive(0, true);
    deliver();
    EXPECT_EQ(calls.status(pump), KOS_STATUS_OK);
    EXPECT_EQ(calls.answers[pump].param, 0x01u | 0x01u << 8) << "and nothing of the other's level";
}

TEST_F(GpioTest, AnEventBeforeTheWaitIsNotLost) {
    subscribe(kPump, 0, GpioEdges::kRising);
    pulse(0);
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_WAIT), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0x01u);
}

TEST_F(GpioTest, AnEdgeBetweenInterruptAndAnswerIsNotLost) {
    subscribe(kPump, 0, GpioEdges::kRising);
    pulse(0);
    pulse(0);  // while the line is disabled
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_OK);
    deliver();
    ASSERT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_OK);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_EMPTY);
}

TEST_F(GpioTest, AFloodCostsOneInterruptUntilSomebodyLooks) {
    subscribe(kPump, 0, GpioEdges::kBoth);
    unsigned interrupts = 0;
    for (int i = 0; i < 1000; i++) {
        device.drive(0, i % 2 == 0);
        if (device.raised()) {
            interrupts++;
            service.interrupt();
        }
    }
    EXPECT_EQ(interrupts, 1u);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_OK);
}

TEST_F(GpioTest, EdgesBeforeTheSubscriptionDoNotCount) {
    pulse(0);
    subscribe(kPump, 0, GpioEdges::kBoth);
    deliver();
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_EMPTY);
}

TEST_F(GpioTest, OneWaitPerClient) {
    subscribe(kPump, 0, GpioEdges::kRising);
    const kos_slot_t first = wait(kPump);
    const kos_slot_t second = wait(kPump);
    EXPECT_EQ(calls.status(first), KOS_STATUS_CONFLICT);
    pulse(0);
    EXPECT_EQ(calls.status(second), KOS_STATUS_OK);
}

TEST_F(GpioTest, AClientThatComesBackMissesNothing) {
    subscribe(kPump, 0, GpioEdges::kRising);
    (void)wait(kPump);  // and is killed
    subscribe(kPump, 0, GpioEdges::kRising);
    pulse(0);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS), KOS_STATUS_OK) << "the dead one's wait has swallowed it";
}

TEST_F(GpioTest, IsFullWithoutReplyObjects) {
    calls.replies = 0;
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_WAIT), KOS_STATUS_FULL);
    calls.replies = 1;
    EXPECT_NE(wait(kPump), 0u);
}

TEST_F(GpioTest, RefusesWhatItDoesNotKnow) {
    EXPECT_EQ(call(kPump, 0), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, 8), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_LINES, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_SET_DIRECTION, pack(0, 2)), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_SET_DIRECTION, pack(0, 0, 1)), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_SET_DIRECTION, pack(0, 1, 1) | 1u << 24), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_READ, 0x100), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_WRITE, pack(0, 2)), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_WRITE, uint64_t{1} << 63), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_SUBSCRIBE, pack(0, 4)), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_EVENTS, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kPump, KOS_GPIO_LABEL_WAIT, 1), KOS_STATUS_BAD_REQUEST);
    kos_msg_t request = {};
    request.label = KOS_GPIO_LABEL_LINES;
    request.has_words = 1;
    request.words[1] = 1;
    EXPECT_EQ(service.dispatch({kPump, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.has_words = 0;
    request.payload_bytes = 1;
    EXPECT_EQ(service.dispatch({kPump, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.payload_bytes = 0;
    EXPECT_EQ(service.dispatch({kPump, 1, 1}, request, answer), KOS_STATUS_BAD_REQUEST);
}

}  // namespace
}  // namespace kos::driver
