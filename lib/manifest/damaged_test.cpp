// Damaged trees: read() refuses them, or what it returns is sound. The seed is printed; KOS_TEST_SEED (./kos test
// --seed) chooses another.
#include <gtest/gtest.h>
#include <kos/manifest/manifest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>

#include "soundness.h"
#include "test_tree.h"

namespace kos::manifest {
namespace {

TEST(Manifest, DamagedTreesAreRefusedOrSound) {
    const char* const given = std::getenv("KOS_TEST_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : 1;
    std::printf("seed %u (KOS_TEST_SEED)\n", seed);
    std::mt19937 random(seed);
    const Buffer tree = flatten(good());
    unsigned refused = 0;
    constexpr unsigned kRounds = 30000;
    const auto manifest = std::make_unique<Manifest>();
    for (unsigned round = 0; round < kRounds; ++round) {
        Buffer damaged = tree;
        for (unsigned i = 0; i <= random() % 4; ++i) {
            const size_t at = random() % damaged.size();
            switch (random() % 5) {
                case 0: damaged[at] = static_cast<uint8_t>(random()); break;
                case 1: damaged[at] ^= static_cast<uint8_t>(1u << random() % 8); break;
                case 2: {  // a cell, also of the structure: tags, lengths, name offsets
                    const size_t cell = std::min(at, damaged.size() - 4) / 4 * 4;
                    const Buffer value = u32(random() % 3 == 0 ? static_cast<uint32_t>(random()) : random() % 12);
                    std::copy(value.begin(), value.end(), damaged.begin() + static_cast<ptrdiff_t>(cell));
                    break;
                }
                case 3: {  // one part over another
                    const size_t length = std::min<size_t>(random() % 64, damaged.size() - at);
                    const size_t from = random() % (damaged.size() - length);
                    std::copy_n(tree.begin() + static_cast<ptrdiff_t>(from), length,
                                damaged.begin() + static_cast<ptrdiff_t>(at));
                    break;
                }
                default: damaged.resize(damaged.size() - random() % 8); break;
            }
        }
        const Status status = read(damaged.data(), damaged.size(), *manifest);
        refused += status.ok() ? 0 : 1;
        if (status.ok()) {
            expect_sound(*manifest);
        }
        ASSERT_FALSE(testing::Test::HasFailure()) << "round " << round << " of seed " << seed;
    }
    EXPECT_GT(refused, kRounds / 4);
    EXPECT_LT(refused, kRounds);
}

}  // namespace
}  // namespace kos::manifest
