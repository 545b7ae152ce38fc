/*
 * Seeded mutations of good inputs. The seed is printed; GTEST_RANDOM_SEED (./kos test --seed) chooses another.
 */
#include "boot_image_fuzz.h"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "test_files.h"

namespace kos::boot::fuzz {
namespace {

using test::Buffer;

constexpr unsigned kSteps = 100'000;
constexpr unsigned kMaxChanges = 4;

Buffer input(InputKind kind, const Buffer& contents) {
    Buffer result = {static_cast<uint8_t>(kind)};
    result.insert(result.end(), contents.begin(), contents.end());
    return result;
}

Buffer small_tree() {
    Buffer buffer(4096);
    void* fdt = buffer.data();
    fdt_create(fdt, static_cast<int>(buffer.size()));
    fdt_finish_reservemap(fdt);
    fdt_begin_node(fdt, "");
    fdt_property_u32(fdt, "#address-cells", 1);
    fdt_property_u32(fdt, "#size-cells", 1);
    fdt_begin_node(fdt, "memory@40000000");
    fdt_property_string(fdt, "device_type", "memory");
    const uint32_t reg[] = {cpu_to_fdt32(0x40000000), cpu_to_fdt32(0x80000000)};
    fdt_property(fdt, "reg", reg, sizeof(reg));
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "psci");
    fdt_property_string(fdt, "compatible", "arm,psci-1.0");
    fdt_property_string(fdt, "method", "smc");
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "cpus");
    fdt_property_u32(fdt, "#address-cells", 1);
    fdt_property_u32(fdt, "#size-cells", 0);
    for (const char* name : {"cpu@0", "cpu@1"}) {
        fdt_begin_node(fdt, name);
        fdt_property_string(fdt, "device_type", "cpu");
        fdt_property_string(fdt, "enable-method", "psci");
        fdt_property_u32(fdt, "reg", static_cast<uint32_t>(name[4] - '0'));
        fdt_end_node(fdt);
    }
    fdt_end_node(fdt);
    fdt_end_node(fdt);
    EXPECT_EQ(fdt_finish(fdt), 0);
    buffer.resize(fdt_totalsize(fdt));
    return buffer;
}

// Values at which bounds checks go wrong.
uint64_t interesting(std::mt19937_64& random) {
    static constexpr uint64_t kValues[] = {0,
                                           1,
                                           7,
                                           8,
                                           4095,
                                           4096,
                                           4097,
                                           0x7fffffff,
                                           0x80000000,
                                           0xffffffff,
                                           uint64_t{1} << 47,
                                           UINT64_MAX - 4095,
                                           UINT64_MAX - 7,
                                           UINT64_MAX};
    return random() % 4 == 0 ? random() : kValues[random() % std::size(kValues)];
}

// Most changes go to where the headers are: the rest is contents.
void change(Buffer& bytes, std::mt19937_64& random) {
    const size_t header = std::min<size_t>(bytes.size(), 800);
    const size_t reach = random() % 4 == 0 ? bytes.size() : header;
    const size_t offset = 1 + random() % std::max<size_t>(reach - 1, 1);
    switch (random() % 5) {
        case 0: bytes[offset % bytes.size()] ^= static_cast<uint8_t>(1u << random() % 8); break;
        case 1: bytes[offset % bytes.size()] = static_cast<uint8_t>(random()); break;
        case 2:
        case 3: {
            const uint64_t value = interesting(random);
            const size_t width = size_t{1} << random() % 4;
            const size_t aligned = 1 + (offset - 1) / width * width;
            if (aligned + width <= bytes.size()) {
                std::memcpy(bytes.data() + aligned, &value, width);
            }
            break;
        }
        default:
            if (random() % 8 == 0) {
                bytes.resize(offset + 1);
            }
            break;
    }
}

uint64_t seed() {
    const char* text = std::getenv("GTEST_RANDOM_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

TEST(BootImageFuzz, GoodInputsPass) {
    const test::KeyPair key(1);
    EXPECT_TRUE(check_input(input(InputKind::kImage, test::ImageBuilder().build(key))));
    EXPECT_TRUE(check_input(input(InputKind::kKernel, test::kernel_file())));
    EXPECT_TRUE(check_input(input(InputKind::kRootTask, test::root_file())));
    EXPECT_TRUE(check_input(input(InputKind::kDeviceTree, small_tree())));
    EXPECT_FALSE(check_input({}));
}

TEST(BootImageFuzz, ChangedInputsAreHandled) {
    const test::KeyPair key(1);
    const Buffer good[] = {input(InputKind::kImage, test::ImageBuilder().build(key)),
                           input(InputKind::kKernel, test::kernel_file()),
                           input(InputKind::kRootTask, test::root_file()), input(InputKind::kDeviceTree, small_tree())};
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed()));
    std::mt19937_64 random(seed());
    unsigned passed = 0;
    for (unsigned step = 0; step < kSteps; ++step) {
        // Images cost a signature and hashes: fewer of them.
        Buffer bytes = good[step % 16 == 0 ? 0 : 1 + step % 3];
        for (unsigned i = 0, count = 1 + random() % kMaxChanges; i < count; ++i) {
            change(bytes, random);
        }
        passed += check_input(bytes);
    }
    // Both ways are taken: the mutations are neither all harmless nor all refused at the first field.
    EXPECT_GT(passed, kSteps / 100);
    EXPECT_LT(passed, kSteps / 100 * 99);
}

}  // namespace
}  // namespace kos::boot::fuzz
