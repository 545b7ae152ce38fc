// Which packets become one, and that they are what was sent; segments through a stack, in order and not.
#include "src/gather.h"

#include <gtest/gtest.h>
#include <kos/internet_sum.h>
#include <lwip/def.h>

#include <cstring>
#include <string>

#include "testing/test_stack.h"

namespace kos::net::testing {
namespace {

constexpr size_t kHeaders4 = 40, kHeaders6 = 60;

uint16_t fold(uint32_t sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
}

void store16(uint8_t* at, uint16_t value) { memcpy(at, &value, sizeof value); }

// A segment with right checksums, which `change` may make wrong again before they are made.
struct Made {
    bool is_v6 = false;
    uint32_t sequence = 1000;
    std::string data = "data";
    uint8_t flags = 0x10;  // ACK
    uint8_t last_of_source = 1;
    uint16_t source_port = 7;

    std::vector<uint8_t> bytes() const {
        const size_t ip = is_v6 ? 40 : 20;
        std::vector<uint8_t> made(ip + 20 + data.size());
        const auto length = static_cast<uint16_t>(20 + data.size());
        if (is_v6) {
            made[0] = 0x60;
            store16(&made[4], lwip_htons(length));
            made[6] = 6;
            made[23] = last_of_source;
            made[39] = 2;
        } else {
            made[0] = 0x45;
            store16(&made[2], lwip_htons(static_cast<uint16_t>(made.size())));
            made[9] = 6;
            made[15] = last_of_source;
            made[19] = 2;
            store16(&made[10], static_cast<uint16_t>(~internet_sum(made.data(), 20)));
        }
        uint8_t* const tcp = made.data() + ip;
        store16(tcp, lwip_htons(source_port));
        store16(tcp + 2, lwip_htons(80));
        const uint32_t order = lwip_htonl(sequence);
        memcpy(tcp + 4, &order, 4);
        tcp[12] = 0x50;
        tcp[13] = flags;
        memcpy(tcp + 20, data.data(), data.size());
        const size_t at = is_v6 ? 8 : 12;
        const uint32_t sum = uint32_t{internet_sum(tcp, length)} + internet_sum(&made[at], is_v6 ? 32 : 8) +
                             lwip_htons(length) + lwip_htons(6);
        store16(tcp + 16, static_cast<uint16_t>(~fold(sum)));
        return made;
    }
};

class Gather : public ::testing::Test {
protected:
    // Needs lwIP's memory.
    TestStack test;
    Gathering gathering;

    static pbuf* packet_of(const std::vector<uint8_t>& bytes) {
        pbuf* const packet = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(bytes.size()), PBUF_RAM);
        pbuf_take(packet, bytes.data(), packet->tot_len);
        return packet;
    }
    static std::vector<uint8_t> bytes_of(const pbuf* packet) {
        std::vector<uint8_t> bytes(packet->tot_len);
        pbuf_copy_partial(packet, bytes.data(), packet->tot_len, 0);
        return bytes;
    }
    static bool reads(const std::vector<uint8_t>& bytes, bool checks = true) {
        pbuf* const packet = packet_of(bytes);
        Segment segment;
        const bool is_read = read_segment(*packet, checks, segment);
        // With the sum that somebody has made while he copied, it is the same.
        const PacketSum sum{true, internet_sum(bytes.data(), bytes.size())};
        EXPECT_EQ(read_segment(*packet, checks, segment, sum), is_read);
        pbuf_free(packet);
        return is_read;
    }
    bool add(const Made& made) {
        pbuf* const packet = packet_of(made.bytes());
        Segment segment;
        EXPECT_TRUE(read_segment(*packet, true, segment));
        const bool is_added = gathering.add(packet, segment);
        if (!is_added) pbuf_free(packet);
        return is_added;
    }
};

TEST_F(Gather, EveryBitOfAHeaderCounts) {
    for (const bool is_v6 : {false, true}) {
        const std::vector<uint8_t> right = Made{.is_v6 = is_v6}.bytes();
        EXPECT_TRUE(reads(right));
        for (size_t bit = 0; bit < right.size() * 8; ++bit) {
            auto changed = right;
            changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ 1 << bit % 8);
            // No checksum of IPv6 has the class of traffic, the flow and the hop limit, and nobody looks at them.
            const bool is_free = is_v6 && (bit < 4 || (bit >= 8 && bit < 32) || bit / 8 == 7);
            EXPECT_EQ(reads(changed), is_free) << "IPv" << (is_v6 ? 6 : 4) << ", bit " << bit;
        }
        for (size_t bytes = 0; bytes < right.size(); ++bytes) {
            EXPECT_FALSE(reads({right.begin(), right.begin() + static_cast<ptrdiff_t>(bytes)}, false)) << bytes;
        }
    }
}

TEST_F(Gather, OnlyPlainData) {
    EXPECT_FALSE(reads(Made{.data = ""}.bytes()));
    for (const int flags : {0x00, 0x11, 0x12, 0x14, 0x30, 0x50, 0x90}) {
        EXPECT_FALSE(reads(Made{.flags = static_cast<uint8_t>(flags)}.bytes())) << flags;
    }
    EXPECT_TRUE(reads(Made{.flags = 0x18}.bytes()));
}

TEST_F(Gather, BecomesOne) {
    for (const bool is_v6 : {false, true}) {
        const size_t headers = is_v6 ? kHeaders6 : kHeaders4;
        ASSERT_TRUE(add({.is_v6 = is_v6, .sequence = 0xfffffffe, .data = "one "}));
        ASSERT_TRUE(add({.is_v6 = is_v6, .sequence = 2, .data = "two "}));
        ASSERT_TRUE(add({.is_v6 = is_v6, .sequence = 6, .data = "three", .flags = 0x18}));
        pbuf* const whole = gathering.finish();
        EXPECT_TRUE(gathering.is_empty());
        const auto bytes = bytes_of(whole);
        EXPECT_EQ(std::string(bytes.begin() + static_cast<ptrdiff_t>(headers), bytes.end()), "one two three");
        const size_t length = is_v6 ? bytes[4] << 8 | bytes[5] : bytes[2] << 8 | bytes[3];
        EXPECT_EQ(length, bytes.size() - (is_v6 ? 40 : 0));
        EXPECT_EQ(bytes[headers - 20 + 13], 0x18);
        pbuf_free(whole);
    }
}

TEST_F(Gather, OthersStayApart) {
    const Made first{.sequence = 1000, .data = "1234"};
    ASSERT_TRUE(add(first));
    EXPECT_FALSE(add({.sequence = 1005, .data = "a gap"}));
    EXPECT_FALSE(add({.sequence = 1003, .data = "an overlap"}));
    EXPECT_FALSE(add({.sequence = 1004, .last_of_source = 9}));
    EXPECT_FALSE(add({.sequence = 1004, .source_port = 8}));
    EXPECT_FALSE(add({.is_v6 = true, .sequence = 1004}));
    pbuf* const packet = gathering.take();
    EXPECT_EQ(bytes_of(packet), first.bytes());
    EXPECT_EQ(gathering.take(), nullptr);
    pbuf_free(packet);
}

TEST_F(Gather, NoMoreThanAPacketHolds) {
    unsigned count = 0;
    const std::string data(1460, 'd');
    while (add({.sequence = 1000 + count * 1460, .data = data})) ++count;
    EXPECT_EQ(count, (65535 - kHeaders4) / 1460);
    pbuf* const whole = gathering.finish();
    EXPECT_EQ(whole->tot_len, kHeaders4 + count * 1460);
    pbuf_free(whole);
}

TEST_F(Gather, ComesApartAgain) {
    const Made made[] = {{.sequence = 5, .data = "abc"}, {.sequence = 8, .data = "d"}, {.sequence = 9, .data = "ef"}};
    for (const Made& each : made) ASSERT_TRUE(add(each));
    // Of no connection that there is.
    EXPECT_FALSE(gathering.is_next_of_connection());
    for (const Made& each : made) {
        pbuf* const packet = gathering.take();
        ASSERT_NE(packet, nullptr);
        EXPECT_EQ(packet->tot_len, packet->len);
        EXPECT_EQ(bytes_of(packet), each.bytes());
        pbuf_free(packet);
    }
    EXPECT_TRUE(gathering.is_empty());
}

}  // namespace
}  // namespace kos::net::testing
