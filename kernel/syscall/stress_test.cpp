// Random system calls against the kernel's invariants, under the sanitizers; see testing/stress.h.
#include "testing/stress.h"

namespace keel {
namespace {

class Stress : public testing::StressTest, public ::testing::WithParamInterface<uint64_t> {
protected:
    Stress() : StressTest(GetParam()) {}
};

TEST_P(Stress, InvariantsHoldAfterEachSystemCall) {
    run_steps(2000);
    EXPECT_GT(successes(), 100u);
    EXPECT_GT(errors(), 20u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Stress, ::testing::Range(uint64_t{1}, uint64_t{17}));

}  // namespace
}  // namespace keel
