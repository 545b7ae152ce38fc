/*
 * Tests of layout.h: kernel, device tree and root task back to back, or an error that says which of them has no room.
 */
#include "layout.h"

#include <gtest/gtest.h>

#include "test_files.h"

namespace kos::boot {
namespace {

constexpr uint64_t kTreeBytes = 0x2000;

class LayoutTest : public testing::Test {
protected:
    Result<Layout> plan(uint64_t limit) {
        kernel_file_ = kernel_.build();
        root_file_ = root_.build();
        const Result<ElfFile> kernel = check_elf(kernel_file_, "kernel", kKernelLimits);
        const Result<ElfFile> root = check_elf(root_file_, "root task", kRootTaskLimits);
        EXPECT_TRUE(kernel.ok() && root.ok());
        return plan_layout(kernel.value(), kTreeBytes, root.value(), limit);
    }

    test::ElfBuilder kernel_{test::kKernelVirtual, test::kKernelPhysical};
    test::ElfBuilder root_{test::kRootVirtual, test::kRootVirtual};
    test::Buffer kernel_file_;
    test::Buffer root_file_;
};

TEST_F(LayoutTest, BackToBackInWholePages) {
    kernel_.programs[0].p_memsz = 0x23cfff;
    root_.add(0x403800, 0x403800, 0, 0x900, PF_R | PF_W);
    const Result<Layout> result = plan(0x4c000000);
    ASSERT_BOOT_OK(result);
    EXPECT_EQ(result.value().kernel.start, 0x40000000u);
    EXPECT_EQ(result.value().kernel.end, 0x4023d000u);
    EXPECT_EQ(result.value().device_tree.start, 0x4023d000u);
    EXPECT_EQ(result.value().device_tree.end, 0x4023f000u);
    EXPECT_EQ(result.value().root_task.start, 0x4023f000u);
    EXPECT_EQ(result.value().root_task.end, 0x4023f000u + 0x5000u);
}

TEST_F(LayoutTest, ExactFitIsEnough) {
    const Result<Layout> result = plan(0x40000000 + 0x2000 + kTreeBytes + 0x2000);
    ASSERT_BOOT_OK(result);
    EXPECT_EQ(result.value().root_task.end, 0x40006000u);
}

TEST_F(LayoutTest, WhatDoesNotFitIsNamed) {
    const auto subject_at = [this](uint64_t limit) {
        const Result<Layout> result = plan(limit);
        EXPECT_BOOT_ERROR(result, kNoRoom);
        return std::string(result.failure().subject);
    };
    EXPECT_EQ(subject_at(0x40001fff), "kernel");
    EXPECT_EQ(subject_at(0x40003fff), "device tree");
    EXPECT_EQ(subject_at(0x40005fff), "root task");
    EXPECT_EQ(subject_at(0x1000), "kernel");
}

TEST_F(LayoutTest, HugeRootTask) {
    root_.programs[0].p_memsz = uint64_t{1} << 46;
    EXPECT_BOOT_ERROR(plan(0x4c000000), kNoRoom);
}

}  // namespace
}  // namespace kos::boot
