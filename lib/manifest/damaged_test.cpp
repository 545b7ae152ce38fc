// Damaged trees: read() refuses them, or what it returns is sound. The seed is printed; KOS_TEST_SEED (./kos test
// --seed) chooses another.
#include <gtest/gtest.h>
#include <kos/manifest/manifest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>

#include "test_tree.h"

namespace kos::manifest {
namespace {

// What read() promises: every reference leads somewhere.
void expect_sound(const Manifest& manifest) {
    uint32_t domains = 0;
    const auto in = [](const Range& range, uint32_t count) { return range.first + range.count <= count; };
    for (uint32_t i = 0; i < KOS_MAX_DOMAINS; ++i) {
        const Domain& one = manifest.domains[i];
        if (one.name == nullptr) {
            continue;
        }
        ++domains;
        ASSERT_EQ(one.number, i);
        ASSERT_TRUE(in(one.devices, manifest.device_count) && in(one.interrupts, manifest.interrupt_count));
        ASSERT_TRUE(in(one.dma, manifest.dma_count) && in(one.parameters, manifest.parameter_count));
        ASSERT_TRUE(in(one.arguments, manifest.text_count) && in(one.environment, manifest.text_count));
        ASSERT_TRUE(one.group == kNoGroup || one.group < manifest.group_count);
        ASSERT_LT(one.budget_us, one.period_us);
    }
    ASSERT_EQ(domains, manifest.domain_count);
    for (uint32_t i = 0; i < domains; ++i) {
        ASSERT_NE(manifest.domains[manifest.start_order[i]].name, nullptr);
    }
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        ASSERT_NE(manifest.domains[manifest.connections[i].client].name, nullptr);
        ASSERT_NE(manifest.ports[manifest.connections[i].port].name, nullptr);
    }
    for (const Port& port : manifest.ports) {
        ASSERT_TRUE(port.name == nullptr || manifest.domains[port.server].name != nullptr);
    }
    for (uint32_t i = 0; i < manifest.ring_count; ++i) {
        ASSERT_NE(manifest.domains[manifest.rings[i].producer].name, nullptr);
        ASSERT_NE(manifest.domains[manifest.rings[i].consumer].name, nullptr);
    }
    for (uint32_t i = 0; i < manifest.group_count; ++i) {
        ASSERT_TRUE(in(manifest.groups[i].members, manifest.member_count));
        ASSERT_TRUE(manifest.groups[i].parent == kNoGroup || manifest.groups[i].parent < manifest.group_count);
    }
    for (uint32_t i = 0; i < manifest.member_count; ++i) {
        const Member& member = manifest.members[i];
        ASSERT_TRUE(member.is_group ? member.number < manifest.group_count
                                    : manifest.domains[member.number].name != nullptr);
    }
}

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
