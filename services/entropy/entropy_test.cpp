/*
 * Tests of the generator (against the published vector of HChaCha20, and for its promises) and of the requests.
 */
#include <gtest/gtest.h>
#include <kos/ports.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "generator.h"
#include "service.h"

namespace kos::entropy {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes take(Generator& generator, size_t bytes) {
    Bytes out(bytes);
    EXPECT_TRUE(generator.get(out));
    return out;
}

const Bytes kSeed(kSeedBytes, 1);

// draft-irtf-cfrg-xchacha-03, section 2.2.1.
TEST(Generator, BlockFunctionIsHChaCha20) {
    uint8_t key[32];
    for (uint8_t i = 0; i < 32; ++i) key[i] = i;
    const uint8_t input[16] = {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0, 0x31, 0x41, 0x59, 0x27};
    const uint8_t expected[32] = {0x82, 0x41, 0x3b, 0x42, 0x27, 0xb2, 0x7b, 0xfe, 0xd3, 0x0e, 0x42,
                                  0x50, 0x8a, 0x87, 0x7d, 0x73, 0xa0, 0xf9, 0xe4, 0xd5, 0x8a, 0x74,
                                  0xa8, 0x53, 0xc1, 0x2e, 0xc4, 0x13, 0x26, 0xd3, 0xec, 0xdc};
    uint8_t out[32];
    crypto_core_hchacha20(out, input, key, nullptr);
    EXPECT_EQ(Bytes(out, out + 32), Bytes(expected, expected + 32));
}

TEST(Generator, GivesNothingBeforeTheFirstSeed) {
    Generator generator;
    Bytes out(8, 0x55);
    EXPECT_FALSE(generator.get(out));
    generator.mix(kRoot, Bytes(kSeedBytes - 1, 9));
    EXPECT_FALSE(generator.get(out));
    EXPECT_EQ(out, Bytes(8, 0x55));
    EXPECT_EQ(generator.sources(), 0u);
    generator.mix(kRoot, kSeed);
    EXPECT_TRUE(generator.get(out));
    EXPECT_NE(out, Bytes(8, 0x55));
    EXPECT_EQ(generator.sources(), uint64_t{kRoot});
}

// The construction, computed a second time from its description.
TEST(Generator, OutputIsWhatTheDescriptionSays) {
    Generator generator;
    generator.mix(kDevice, kSeed);
    Bytes input(32, 0);
    const uint64_t head[2] = {kDevice, kSeedBytes};
    input.insert(input.end(), reinterpret_cast<const uint8_t*>(head), reinterpret_cast<const uint8_t*>(head + 2));
    input.insert(input.end(), kSeed.begin(), kSeed.end());
    uint8_t key[64];
    crypto_hash_sha512(key, input.data(), input.size());
    Bytes expected(96);
    for (uint8_t i = 0; i < 3; ++i) {
        const uint8_t number[16] = {static_cast<uint8_t>(i + 1)};
        crypto_core_hchacha20(expected.data() + 32 * i, number, key, nullptr);
    }
    expected.resize(70);
    EXPECT_EQ(take(generator, 70), expected);
    uint8_t next[32];
    const uint8_t zero[16] = {};
    crypto_core_hchacha20(next, zero, key, nullptr);
    const uint8_t one[16] = {1};
    Bytes second(32);
    crypto_core_hchacha20(second.data(), one, next, nullptr);
    EXPECT_EQ(take(generator, 32), second);
}

TEST(Generator, SameSeedsSameBytesOtherSeedsOtherBytes) {
    Generator a;
    Generator b;
    Generator c;
    a.mix(kRoot, kSeed);
    b.mix(kRoot, kSeed);
    c.mix(kDevice, kSeed);
    EXPECT_EQ(take(a, 100), take(b, 100));
    EXPECT_NE(take(a, 100), take(c, 100));
    a.mix(kDevice, Bytes(64, 0));
    EXPECT_NE(take(a, 100), take(b, 100));
    EXPECT_EQ(a.seeds(), 2u);
}

TEST(Generator, ALongSeedCountsToItsLastByte) {
    for (size_t bytes : {64, 65, 128, 200}) {
        Generator a;
        Generator b;
        Bytes seed(bytes, 3);
        a.mix(kDevice, seed);
        seed.back() ^= 1;
        b.mix(kDevice, seed);
        EXPECT_NE(take(a, 32), take(b, 32));
    }
}

// Whoever reads the state finds nothing of what was given out.
TEST(Generator, TheStateDoesNotContainWhatWasGivenOut) {
    Generator generator;
    generator.mix(kRoot, kSeed);
    for (size_t bytes : {1, 31, 32, 33, 500}) {
        const Bytes before(reinterpret_cast<uint8_t*>(&generator), reinterpret_cast<uint8_t*>(&generator + 1));
        const Bytes out = take(generator, bytes);
        const Bytes after(reinterpret_cast<uint8_t*>(&generator), reinterpret_cast<uint8_t*>(&generator + 1));
        EXPECT_FALSE(std::equal(before.begin(), before.begin() + 32, after.begin()));
        if (bytes >= 16) {
            EXPECT_EQ(std::search(after.begin(), after.end(), out.begin(), out.begin() + 16), after.end());
        }
    }
}

TEST(Generator, BlocksDoNotRepeatAndBitsAreBalanced) {
    Generator generator;
    generator.mix(kRoot, kSeed);
    std::set<Bytes> seen;
    uint64_t ones = 0;
    constexpr unsigned kRounds = 2000;
    for (unsigned i = 0; i < kRounds; ++i) {
        const Bytes out = take(generator, 64);
        EXPECT_TRUE(seen.insert(Bytes(out.begin(), out.begin() + 32)).second);
        EXPECT_TRUE(seen.insert(Bytes(out.begin() + 32, out.end())).second);
        for (uint8_t byte : out) ones += static_cast<uint64_t>(__builtin_popcount(byte));
    }
    // 1,024,000 bits: six standard deviations are 3036.
    EXPECT_NEAR(static_cast<double>(ones), kRounds * 64 * 4, 3036);
}

struct EntropyService : testing::Test {
    EntropyService() : service(generator) {}
    kos_status_t call(uint64_t label, uint64_t param) {
        kos_msg_t request = {};
        request.label = label;
        request.param = param;
        answer = {};
        return service.call({3, 1, 0}, request, answer);
    }
    Generator generator;
    Service service;
    kos_msg_t answer = {};
};

TEST_F(EntropyService, Gives) {
    EXPECT_EQ(call(KOS_ENTROPY_GET, 8), KOS_STATUS_UNAVAILABLE);
    EXPECT_EQ(answer.payload_bytes, 0u);
    generator.mix(kRoot, kSeed);
    ASSERT_EQ(call(KOS_ENTROPY_GET, KOS_PAYLOAD_MAX), KOS_STATUS_OK);
    ASSERT_EQ(answer.payload_bytes, KOS_PAYLOAD_MAX + 0u);
    const auto* bytes = static_cast<const uint8_t*>(answer.payload);
    const Bytes first(bytes, bytes + 4096);
    EXPECT_GT(std::set<uint8_t>(first.begin(), first.end()).size(), 200u);
    // What the first caller got is not there any more, even if the second asks for less.
    ASSERT_EQ(call(KOS_ENTROPY_GET, 1), KOS_STATUS_OK);
    EXPECT_EQ(Bytes(bytes + 1, bytes + 4096), Bytes(4095, 0));
    service.sent();
    EXPECT_EQ(bytes[0], 0);
}

TEST_F(EntropyService, Status) {
    ASSERT_EQ(call(KOS_ENTROPY_STATUS, 0), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0u);
    generator.mix(kRoot, kSeed);
    generator.mix(kDevice, kSeed);
    ASSERT_EQ(call(KOS_ENTROPY_STATUS, 0), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 1u);
    EXPECT_EQ(answer.words[0], 2u);
    EXPECT_EQ(answer.words[1], 3u);
}

TEST_F(EntropyService, RefusesWhatIsWrong) {
    generator.mix(kRoot, kSeed);
    EXPECT_EQ(call(KOS_ENTROPY_GET, 0), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_ENTROPY_GET, KOS_PAYLOAD_MAX + 1), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_ENTROPY_GET, UINT64_MAX), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_ENTROPY_STATUS, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(0, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(3, 1), KOS_STATUS_BAD_REQUEST);
    kos_msg_t request = {};
    request.label = KOS_ENTROPY_GET;
    request.param = 8;
    EXPECT_EQ(service.call({3, 1, 5}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.token = 1;
    EXPECT_EQ(service.call({3, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.token = 0;
    request.payload_bytes = 1;
    EXPECT_EQ(service.call({3, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.payload_bytes = 0;
    request.has_words = 1;
    request.words[0] = 1;
    EXPECT_EQ(service.call({3, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
}

}  // namespace
}  // namespace kos::entropy
