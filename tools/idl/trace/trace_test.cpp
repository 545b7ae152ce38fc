/*
 * What the trace decoder prints.
 */
#include "trace.h"

#include <gtest/gtest.h>

namespace kos::idl::trace {
namespace {

const Interface& interface(const char* name) {
    const Interface* const found = find_interface(name);
    EXPECT_NE(found, nullptr) << name;
    return *found;
}

kos_msg_t message(uint64_t label, uint64_t param, std::string_view payload = "") {
    kos_msg_t result = {};
    result.label = label;
    result.param = param;
    result.payload = payload.data();
    result.payload_bytes = static_cast<uint32_t>(payload.size());
    return result;
}

TEST(Trace, PrintsRequests) {
    EXPECT_EQ(describe_request(interface("Log"), message(1, 3, "ready \"now\"\n")),
              "Log.write(level = info, text = \"ready \\\"now\\\"\\x0a\")");
    kos_msg_t add = message(2, uint64_t{5} << 32 | 4);
    EXPECT_EQ(describe_request(interface("Echo"), add), "Echo.add(a = 4, b = 5)");
    EXPECT_EQ(describe_request(interface("Echo"), message(1, 0)), "Echo.null()");
}

TEST(Trace, PrintsAnswers) {
    EXPECT_EQ(describe_answer(interface("Log"), 1, KOS_STATUS_OK, message(0, 0)), "OK()");
    EXPECT_EQ(describe_answer(interface("Log"), 1, KOS_STATUS_FULL, message(0, 0)), "FULL");
    kos_msg_t data = message(0, 0, std::string_view("\x01\xff", 2));
    EXPECT_EQ(describe_answer(interface("Echo"), 4, KOS_STATUS_OK, data), "OK(copy = 2 bytes: 01 ff)");
    kos_msg_t token = message(0, 0);
    token.token = 4;
    EXPECT_EQ(describe_answer(interface("Echo"), 9, KOS_STATUS_OK, token), "OK(ticket = token)");
}

TEST(Trace, PrintsStructsAndLists) {
    const std::string two_samples(
        "\x10\0\0\0\0\0\0\0\x03\0\0\0\xff\xff\xff\xff\x01\0\0\0\0\0\0\0"
        "\x11\0\0\0\0\0\0\0\x04\0\0\0\x05\0\0\0\x06\0\0\0\x02\0\0\0",
        48);
    EXPECT_EQ(
        describe_answer(interface("Sensor"), 3, KOS_STATUS_OK, message(0, 0, two_samples)),
        "OK(samples = [{ticks = 16, levelMm = 3, flowMlPerS = -1, temperatureMilliC = 1, health = good}, {ticks = 17, "
        "levelMm = 4, flowMlPerS = 5, temperatureMilliC = 6, health = broken}])");
}

TEST(Trace, SaysWhatIsWrong) {
    const std::string text = describe_request(interface("Log"), message(1, 9, "x"));
    EXPECT_EQ(text, "Log.write, invalid (level: no such value): param 0x9, words 0 0, 1 bytes");
    EXPECT_EQ(describe_request(interface("Log"), message(99, 1)),
              "Log, unknown label 99: param 0x1, words 0 0, 0 bytes");
    EXPECT_EQ(describe_request(interface("Log"), message(1, uint64_t{1} << 40 | 1)),
              "Log.write, invalid (byte 5 is unused and not zero): param 0x10000000001, words 0 0, 0 bytes");
}

TEST(Trace, PrintsQueueMessages) {
    EXPECT_EQ(describe_request(interface("Log"), message(0x101, 0, "down"), true), "Log.queueError(text = \"down\")");
    EXPECT_EQ(describe_request(interface("Log"), message(0x101, 0, "down"), false),
              "Log, unknown label 257: param 0, words 0 0, 4 bytes");
}

TEST(Trace, KnowsNestedInterfaces) { EXPECT_EQ(interface("Pump.Lease").methods.size(), 3u); }

}  // namespace
}  // namespace kos::idl::trace
