// The byte ring against a deque.
#include <kos/driver/byte_ring.h>

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace kos::driver {
namespace {

TEST(ByteRing, BehavesAsABoundedQueue) {
    ByteRing<16> ring;
    std::deque<uint8_t> model;
    std::mt19937 random(1);
    for (int step = 0; step < 20000; step++) {
        uint8_t buffer[24] = {};
        const size_t count = random() % sizeof buffer;
        switch (random() % 3) {
            case 0: {
                for (size_t i = 0; i < count; i++) buffer[i] = static_cast<uint8_t>(random());
                const size_t fits = std::min(count, 16 - model.size());
                ASSERT_EQ(ring.push({buffer, count}), fits);
                model.insert(model.end(), buffer, buffer + fits);
                break;
            }
            case 1: {
                const size_t there = std::min(count, model.size());
                ASSERT_EQ(ring.pop({buffer, count}), there);
                for (size_t i = 0; i < there; i++, model.pop_front()) ASSERT_EQ(buffer[i], model.front());
                break;
            }
            default: {
                const bool fits = model.size() < 16;
                ASSERT_EQ(ring.push(uint8_t{7}), fits);
                if (fits) model.push_back(7);
            }
        }
        ASSERT_EQ(ring.size(), model.size());
        ASSERT_EQ(ring.room(), 16 - model.size());
        ASSERT_EQ(ring.empty(), model.empty());
    }
    ring.clear();
    EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace kos::driver
