/*
 * Callers that wait for an answer, for unit tests: who was kept, who was answered with what, nobody twice.
 */
#ifndef KOS_DRIVERS_COMMON_FAKE_CALLS_H_
#define KOS_DRIVERS_COMMON_FAKE_CALLS_H_

#include <gtest/gtest.h>
#include <kos/server.h>

#include <map>
#include <vector>

namespace kos::driver {

struct FakeCalls {
    kos_status_t defer(const kos_caller_t& caller, kos_deferred_t* deferred) {
        if (open.size() == replies) return KOS_STATUS_FULL;
        *deferred = {++last, caller};
        open[last] = caller.domain;
        return KOS_STATUS_OK;
    }
    void answer(const kos_deferred_t& deferred, kos_status_t status, const kos_msg_t* message) {
        ASSERT_EQ(open.count(deferred.reply), 1u) << "answered twice, or never asked";
        ASSERT_EQ(open[deferred.reply], deferred.caller.domain);
        open.erase(deferred.reply);
        statuses[deferred.reply] = status;
        if (message == nullptr) return;
        answers[deferred.reply] = *message;
        const auto* bytes = static_cast<const uint8_t*>(message->payload);
        data[deferred.reply].assign(bytes, bytes + message->payload_bytes);
    }
    // What caller `number` was answered; 0 and a failed test if it was not.
    kos_status_t status(kos_slot_t number) {
        EXPECT_EQ(statuses.count(number), 1u) << "not answered";
        return statuses[number];
    }

    kos_slot_t last = 0;  // number of the caller that was kept last
    size_t replies = 15;
    std::map<kos_slot_t, uint16_t> open;
    std::map<kos_slot_t, kos_status_t> statuses;
    std::map<kos_slot_t, kos_msg_t> answers;
    std::map<kos_slot_t, std::vector<uint8_t>> data;
};

}  // namespace kos::driver

#endif
