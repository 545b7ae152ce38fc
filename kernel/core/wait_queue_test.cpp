// Tests of wait_queue.h against a sorted list: highest priority first, first come first served within one.
#include "core/wait_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>

#include "testing/invariants.h"
#include "testing/kernel_test.h"

namespace keel {
namespace {

using testing::check_wait_queue;
using testing::Random;

class WaitQueue : public ::testing::Test {
protected:
    Tcb& thread(unsigned priority) {
        threads_.push_back(std::make_unique<Tcb>());
        threads_.back()->priority = static_cast<uint8_t>(priority);
        return *threads_.back();
    }
    void insert(Tcb& tcb) { head_ = wait_queue_insert(head_, tcb); }
    void remove(Tcb& tcb) { head_ = wait_queue_remove(head_, tcb); }
    std::vector<Tcb*> order() {
        std::vector<Tcb*> members;
        std::string problems;
        check_wait_queue(head_, members, problems);
        EXPECT_EQ(problems, "");
        return members;
    }

    Tcb* head_ = nullptr;
    std::vector<std::unique_ptr<Tcb>> threads_;
};

TEST_F(WaitQueue, EmptyAfterTheLastOneLeaves) {
    Tcb& a = thread(5);
    insert(a);
    EXPECT_EQ(head_, &a);
    remove(a);
    EXPECT_EQ(head_, nullptr);
}

TEST_F(WaitQueue, ByPriorityThenByArrival) {
    Tcb &low = thread(1), &middle = thread(5), &middle_2 = thread(5), &high = thread(255), &lowest = thread(0);
    for (Tcb* tcb : {&middle, &low, &high, &middle_2, &lowest}) insert(*tcb);
    EXPECT_EQ(order(), (std::vector<Tcb*>{&high, &middle, &middle_2, &low, &lowest}));
}

TEST_F(WaitQueue, AGroupSurvivesItsHead) {
    Tcb &a = thread(5), &b = thread(5), &c = thread(5), &low = thread(1);
    for (Tcb* tcb : {&a, &low, &b, &c}) insert(*tcb);
    remove(a);
    EXPECT_EQ(order(), (std::vector<Tcb*>{&b, &c, &low}));
    insert(a);
    EXPECT_EQ(order(), (std::vector<Tcb*>{&b, &c, &a, &low}));
    remove(c);
    EXPECT_EQ(order(), (std::vector<Tcb*>{&b, &a, &low}));
}

TEST_F(WaitQueue, RandomInsertionAndRemoval) {
    for (unsigned priorities : {1u, 3u, 256u}) {
        SCOPED_TRACE(priorities);
        Random random(priorities);
        std::vector<Tcb*> outside;
        std::list<Tcb*> model;
        for (unsigned i = 0; i < 60; ++i) outside.push_back(&thread(0));
        for (unsigned step = 0; step < 3000; ++step) {
            // Waves, so that the queue gets long and empty again.
            bool const grow = step / 200 % 2 == 0;
            if (!outside.empty() && (model.empty() || random.chance(grow ? 70 : 30))) {
                size_t const index = random.below(outside.size());
                Tcb* const tcb = outside[index];
                outside.erase(outside.begin() + static_cast<long>(index));
                tcb->priority = static_cast<uint8_t>(random.below(priorities));
                insert(*tcb);
                auto const behind = std::find_if(model.begin(), model.end(),
                                                 [&](const Tcb* other) { return other->priority < tcb->priority; });
                model.insert(behind, tcb);
            } else {
                auto victim = model.begin();
                std::advance(victim, random.chance(30) ? 0 : random.below(model.size()));
                remove(**victim);
                outside.push_back(*victim);
                model.erase(victim);
            }
            ASSERT_EQ(order(), std::vector<Tcb*>(model.begin(), model.end())) << "step " << step;
        }
        while (head_) remove(*head_);
    }
}

}  // namespace
}  // namespace keel
