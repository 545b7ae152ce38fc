// What the kernel accepts from a loader and what it refuses, each refusal by its own message.
#include "init/hand_over.h"

#include <gtest/gtest.h>

#include <string>

namespace keel {
namespace {

constexpr PhysRange kRam{0x40000000, 0xc0000000};
constexpr PhysRange kKernel{0x40000000, 0x40040000};
constexpr Word kUserTop = 0x7fffffffffff;

// Image at 0x400000, device tree in front of it.
HandOver good() { return {{0x40050000, 0x40060000}, 0x40050000 - 0x400000, 0x400000, {0x40040000, 0x40041d90}}; }

std::string error(const HandOver& hand_over) {
    const char* const text = find_hand_over_error(hand_over, kRam, kKernel, kUserTop);
    return text ? text : "";
}

TEST(HandOver, IsAccepted) {
    EXPECT_EQ(error(good()), "");
    HandOver without_tree = good();
    without_tree.device_tree = {};
    EXPECT_EQ(error(without_tree), "");
    EXPECT_EQ(good().image_address(), 0x400000u);
    EXPECT_EQ(good().image_end_address(), 0x410000u);
}

TEST(HandOver, ImageMustBeWholePagesOfFreeRam) {
    HandOver h = good();
    h.image.end = h.image.start;
    EXPECT_EQ(error(h), "the user image is empty");
    h = good();
    h.image.end -= 1;
    EXPECT_EQ(error(h), "the user image is not whole pages");
    h = good();
    h.image = {0xbffff000, 0xc0001000};
    EXPECT_EQ(error(h), "the user image is not in RAM");
    h = good();
    h.image = {0x3ffff000, 0x40050000};
    EXPECT_EQ(error(h), "the user image is not in RAM");
    h = good();
    h.image.start = 0x4003f000;
    EXPECT_EQ(error(h), "the user image overlaps the kernel");
}

TEST(HandOver, DeviceTreeMustBeInFreeRam) {
    HandOver h = good();
    h.device_tree = {0x40050000, 0x40050001};
    EXPECT_EQ(error(h), "the device tree overlaps the user image");
    h.device_tree = {0x4003ffff, 0x40041000};
    EXPECT_EQ(error(h), "the device tree overlaps the kernel");
    h.device_tree = {0x1000, 0x2000};
    EXPECT_EQ(error(h), "the device tree is not in RAM");
    h.device_tree = {0x40040000, 0x40040000 - 1};
    EXPECT_EQ(error(h), "the size of the device tree is wrong");
}

TEST(HandOver, SizesAreLimited) {
    HandOver h = good();
    h.image = {0x40050000, 0x40050000 + (Word{1} << 30)};
    EXPECT_EQ(error(h), "the user image and the device tree are too large");
}

TEST(HandOver, VirtualAddressesMustBeThoseOfUserLevel) {
    HandOver h = good();
    h.image_offset += 1;
    EXPECT_EQ(error(h), "the user image's virtual address is not on a page");
    h = good();
    h.image_offset = h.image.start;  // at 0
    EXPECT_EQ(error(h), "the user image's virtual addresses are not user addresses");
    h.image_offset = h.image.start - 0xffffff8000000000;
    EXPECT_EQ(error(h), "the user image's virtual addresses are not user addresses");
    // The last page of the image is fine, but the IPC buffer behind it is not.
    h.image_offset = h.image.end - (kUserTop + 1);
    EXPECT_EQ(error(h), "the user image's virtual addresses are not user addresses");
    h.image_offset = h.image.end + 0x1000;  // wraps around
    EXPECT_EQ(error(h), "the user image's virtual addresses are not user addresses");
}

TEST(HandOver, EntryMustBeInTheImage) {
    HandOver h = good();
    h.entry = 0x410000;
    EXPECT_EQ(error(h), "the entry point is not in the user image");
    h.entry = 0x3fffff;
    EXPECT_EQ(error(h), "the entry point is not in the user image");
}

}  // namespace
}  // namespace keel
