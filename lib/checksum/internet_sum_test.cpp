// Every length and alignment against the plain definition.
#include <kos/internet_sum.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace {

// RFC 1071, 1: words of two bytes, added with the carry coming round.
uint16_t plain(const unsigned char* at, size_t bytes) {
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes; ++i) {
        sum += i % 2 == 0 ? at[i] : uint32_t{at[i]} << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<uint16_t>(sum);
}

TEST(InternetSum, EveryLengthAndAlignment) {
    std::mt19937 random(1);
    for (size_t bytes = 0; bytes <= 300; ++bytes) {
        for (size_t offset = 0; offset < 8; ++offset) {
            // Exactly as large: AddressSanitizer sees one byte too far.
            const std::unique_ptr<unsigned char[]> memory(new unsigned char[offset + bytes]);
            for (size_t i = 0; i < offset + bytes; ++i) memory[i] = static_cast<unsigned char>(random());
            const uint16_t sum = plain(memory.get() + offset, bytes);
            ASSERT_EQ(kos::internet_sum(memory.get() + offset, bytes), sum) << bytes << " bytes at " << offset;
            const std::unique_ptr<unsigned char[]> copy(new unsigned char[bytes]);
            ASSERT_EQ(kos::internet_sum_copy(copy.get(), memory.get() + offset, bytes), sum)
                << bytes << " at " << offset;
            ASSERT_TRUE(std::equal(copy.get(), copy.get() + bytes, memory.get() + offset)) << bytes << " at " << offset;
        }
    }
}

TEST(InternetSum, CarriesComeRound) {
    for (const size_t bytes : {2u, 3u, 64u, 1500u, 65535u}) {
        const std::vector<unsigned char> ones(bytes, 0xff);
        EXPECT_EQ(kos::internet_sum(ones.data(), bytes), plain(ones.data(), bytes)) << bytes;
        const std::vector<unsigned char> zeros(bytes);
        EXPECT_EQ(kos::internet_sum(zeros.data(), bytes), 0) << bytes;
    }
}

}  // namespace
