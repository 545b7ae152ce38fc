/*
 * Tests of failure.h: one printable line, whatever the failure holds.
 */
#include "failure.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace kos::boot {
namespace {

std::string line_of(const Failure& failure) {
    char line[kFailureLineBytes];
    describe(failure, line);
    return line;
}

TEST(Failure, SaysWhatWasFoundAndExpected) {
    EXPECT_EQ(line_of({BootError::kCoresMissing, "cores", 2, 4}),
              "cores: fewer than the kernel is built for: found 2, expected 4");
    EXPECT_EQ(line_of({BootError::kKernelVirtualBase, "kernel", 0x1000, 0xffffff8040000000}),
              "kernel: linked at the wrong virtual address: found 0x1000, expected 0xffffff8040000000");
    EXPECT_EQ(line_of({BootError::kElfEntry, "root task", 0}),
              "root task: entry point lies in no executable segment: entry 0x0");
    EXPECT_EQ(line_of({BootError::kPartHash, "kernel"}), "kernel: hash does not match: damaged or changed");
}

TEST(Failure, EveryErrorHasItsOwnText) {
    std::set<std::string> seen;
    for (unsigned i = 0; i <= static_cast<unsigned>(BootError::kPsciAbsent); ++i) {
        const std::string line = line_of({static_cast<BootError>(i)});
        EXPECT_EQ(line.find("unknown error"), std::string::npos) << i;
        EXPECT_TRUE(seen.insert(line).second) << line;
    }
    EXPECT_EQ(line_of({static_cast<BootError>(255)}), "unknown error");
}

TEST(Failure, StaysOneLineThatFits) {
    const std::string subject = std::string(300, 'x');
    const std::string longest = line_of({BootError::kKernelOffset, subject.c_str(), UINT64_MAX, UINT64_MAX});
    EXPECT_EQ(longest.size(), kFailureLineBytes - 1);
    EXPECT_EQ(line_of({BootError::kPartHash, "a\nb\x1b"}).substr(0, 4), "a?b?");
}

}  // namespace
}  // namespace kos::boot
