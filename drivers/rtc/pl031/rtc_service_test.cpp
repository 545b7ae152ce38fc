// The real-time clock, device class and service together, against a model of the registers (DDI 0224C, chapter 3).
#include "rtc_service.h"

#include <gtest/gtest.h>

#include "fake_calls.h"
#include "pl031.h"

namespace kos::driver {
namespace {

class FakePl031 {
public:
    uint32_t read32(uint32_t offset) {
        switch (offset) {
            case pl031::kData:
                if (reads_until_tick > 0 && --reads_until_tick == 0) tick(1);
                return time;
            case pl031::kControl: return control;
            case pl031::kPeripheralId0: return id0;
            case pl031::kPeripheralId1: return 0x10;
            default: ADD_FAILURE() << "read of register " << offset; return 0;
        }
    }
    void write32(uint32_t offset, uint32_t value) {
        switch (offset) {
            case pl031::kMatch: match = value; break;
            case pl031::kLoad: time = value; break;
            case pl031::kControl:
                EXPECT_EQ(control, 0u) << "a running clock was started again";
                control = value;
                break;
            case pl031::kInterruptMask: mask = value; break;
            case pl031::kInterruptClear: raw &= ~value; break;
            default: ADD_FAILURE() << "write of register " << offset;
        }
    }
    void tick(uint32_t seconds) {
        while (seconds-- > 0) {
            if (++time == match) raw = 1;
        }
    }
    bool raised() const { return (raw & mask) != 0; }

    uint32_t time = 1000000, match = 0, control = 1, mask = 1, raw = 1, id0 = 0x31;
    unsigned reads_until_tick = 0;  // the time goes on by a second with the n-th read of it
};

class RtcTest : public ::testing::Test {
protected:
    static constexpr uint16_t kSetter = 3, kOther = 4;

    RtcTest() { EXPECT_EQ(rtc.start(), KOS_STATUS_OK); }
    static DomainSet setters() {
        DomainSet result;
        result.add(kSetter);
        return result;
    }
    kos_status_t call(uint64_t label, uint64_t param = 0, uint16_t domain = kOther) {
        kos_msg_t request = {};
        request.label = label;
        request.param = param;
        answer = {};
        return service.dispatch({domain, 1, 0}, request, answer);
    }
    kos_slot_t wait(uint64_t until, uint16_t domain) {
        return call(KOS_RTC_LABEL_ALARM, until, domain) == KOS_STATUS_NO_REPLY ? calls.last : 0;
    }
    // Lets time pass, with interrupts.
    void pass(uint32_t seconds) {
        while (seconds-- > 0) {
            device.tick(1);
            if (device.raised()) service.interrupt();
            EXPECT_FALSE(device.raised()) << "an interrupt that is not cleared comes for ever";
        }
    }

    FakePl031 device;
    Pl031<FakePl031> rtc{device};
    FakeCalls calls;
    RtcService<Pl031<FakePl031>, FakeCalls> service{rtc, calls, setters()};
    kos_msg_t answer = {};
};

TEST_F(RtcTest, StartsWithoutAlarmAndWithoutTouchingTheTime) {
    EXPECT_FALSE(device.raised());
    EXPECT_EQ(device.mask, 0u);
    EXPECT_EQ(device.time, 1000000u);
    device.control = 0;
    EXPECT_EQ(rtc.start(), KOS_STATUS_OK);
    EXPECT_EQ(device.control, 1u);
    device.id0 = 0x11;
    EXPECT_EQ(rtc.start(), KOS_STATUS_UNAVAILABLE);
}

TEST_F(RtcTest, GetsAndSetsTheTime) {
    ASSERT_EQ(call(KOS_RTC_LABEL_GET), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 1000000u);
    EXPECT_EQ(call(KOS_RTC_LABEL_SET, 2000000, kSetter), KOS_STATUS_OK);
    ASSERT_EQ(call(KOS_RTC_LABEL_GET), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 2000000u);
}

TEST_F(RtcTest, LetsOnlySettersSet) {
    EXPECT_EQ(call(KOS_RTC_LABEL_SET, 5, kOther), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(device.time, 1000000u);
}

TEST_F(RtcTest, RefusesTimesItCannotHold) {
    EXPECT_EQ(call(KOS_RTC_LABEL_SET, uint64_t{1} << 32, kSetter), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_RTC_LABEL_ALARM, uint64_t{1} << 32), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_RTC_LABEL_SET, UINT32_MAX, kSetter), KOS_STATUS_OK);
}

TEST_F(RtcTest, AnswersAtTheTime) {
    const kos_slot_t waiting = wait(1000003, kOther);
    pass(2);
    EXPECT_EQ(calls.open.size(), 1u);
    pass(1);
    EXPECT_EQ(calls.status(waiting), KOS_STATUS_OK);
    EXPECT_EQ(calls.answers[waiting].param, 1000003u);
    EXPECT_EQ(device.mask, 0u);
}

TEST_F(RtcTest, AnswersAtOnceIfTheTimeHasPassed) {
    EXPECT_EQ(calls.status(wait(1000000, kOther)), KOS_STATUS_OK);
    EXPECT_EQ(calls.status(wait(0, kOther)), KOS_STATUS_OK);
}

TEST_F(RtcTest, ServesManyWaitersWithOneAlarm) {
    std::vector<kos_slot_t> waiting;
    for (uint16_t i = 0; i < 8; i++) {
        waiting.push_back(wait(1000010 - i % 4, static_cast<uint16_t>(10 + i)));
    }
    EXPECT_EQ(call(KOS_RTC_LABEL_ALARM, 1000001, 50), KOS_STATUS_FULL);
    pass(7);
    EXPECT_EQ(calls.open.size(), 6u);
    pass(3);
    EXPECT_TRUE(calls.open.empty());
    for (uint16_t i = 0; i < 8; i++) EXPECT_EQ(calls.answers[waiting[i]].param, 1000010u - i % 4);
}

TEST_F(RtcTest, IsFullWithoutReplyObjects) {
    calls.replies = 0;
    EXPECT_EQ(call(KOS_RTC_LABEL_ALARM, 1000001), KOS_STATUS_FULL);
    calls.replies = 1;
    EXPECT_NE(wait(1000001, kOther), 0u);
}

TEST_F(RtcTest, AnotherWaitOfTheSameClientReplacesTheFirst) {
    const kos_slot_t first = wait(1000005, kOther);
    const kos_slot_t second = wait(1000009, kOther);
    EXPECT_EQ(calls.status(first), KOS_STATUS_CONFLICT);
    pass(8);
    EXPECT_EQ(calls.open.size(), 1u);
    pass(1);
    EXPECT_EQ(calls.status(second), KOS_STATUS_OK);
}

TEST_F(RtcTest, SettingTheClockMovesAlarms) {
    const kos_slot_t passed = wait(1000100, kOther);
    EXPECT_EQ(call(KOS_RTC_LABEL_SET, 1000200, kSetter), KOS_STATUS_OK);
    EXPECT_EQ(calls.status(passed), KOS_STATUS_OK) << "its time was jumped over";
    const kos_slot_t later = wait(1000205, kOther);
    EXPECT_EQ(call(KOS_RTC_LABEL_SET, 1000204, kSetter), KOS_STATUS_OK);
    pass(1);
    EXPECT_EQ(calls.status(later), KOS_STATUS_OK);
}

TEST_F(RtcTest, MissesNoTimeThatPassesWhileTheAlarmIsSet) {
    for (unsigned reads = 1; reads < 6; reads++) {
        device.time = 1000000;
        device.match = 0;
        device.reads_until_tick = reads;
        const kos_slot_t waiting = wait(1000001, kOther);
        device.reads_until_tick = 0;
        if (device.raised()) service.interrupt();
        if (device.time == 1000000) pass(1);
        EXPECT_EQ(calls.status(waiting), KOS_STATUS_OK) << reads;
    }
}

TEST_F(RtcTest, RefusesWhatItDoesNotKnow) {
    EXPECT_EQ(call(0), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(4), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_RTC_LABEL_GET, 1), KOS_STATUS_BAD_REQUEST);
    kos_msg_t request = {};
    request.label = KOS_RTC_LABEL_GET;
    request.has_words = 1;
    request.words[1] = 1;
    EXPECT_EQ(service.dispatch({kOther, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.has_words = 0;
    request.payload_bytes = 1;
    EXPECT_EQ(service.dispatch({kOther, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.payload_bytes = 0;
    EXPECT_EQ(service.dispatch({kOther, 1, 1}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.token = 1;
    EXPECT_EQ(service.dispatch({kOther, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
}

}  // namespace
}  // namespace kos::driver
