// Tests of release_queue.h: order of time, arrival among equals, and a height that stays logarithmic.
#include "core/release_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "core/objects.h"
#include "testing/kernel_test.h"

namespace keel {
namespace {

using testing::Random;

class ReleaseQueueTest : public ::testing::Test {
protected:
    struct Waiter {
        Tcb tcb{};
        alignas(SchedContext) uint8_t context[sizeof(SchedContext) + 2 * sizeof(Refill)] = {};
        uint64_t arrival = 0;

        SchedContext& sc() { return *reinterpret_cast<SchedContext*>(context); }
        Ticks time() { return sc().refills()[0].time; }
        void set_time(Ticks time) {
            tcb.sched_context = &sc();
            sc().refill_max = 2;
            sc().refill_count = 1;
            sc().refills()[0] = {time, 100};
        }
    };
    struct Earlier {
        bool operator()(Waiter* a, Waiter* b) const {
            return a->time() != b->time() ? a->time() < b->time() : a->arrival < b->arrival;
        }
    };

    Waiter& waiter(Ticks time) {
        all_.push_back(std::make_unique<Waiter>());
        all_.back()->set_time(time);
        return *all_.back();
    }
    void insert(Waiter& waiter) {
        waiter.arrival = ++arrivals_;
        queue_.insert(waiter.tcb);
        model_.insert(&waiter);
    }
    void remove(Waiter& waiter) {
        model_.erase(&waiter);
        queue_.remove(waiter.tcb);
    }

    // Height of the subtree; fails if it is not a balanced search tree with correct links.
    unsigned check(Tcb* node, Tcb* parent, std::vector<Tcb*>& in_order) {
        if (!node) return 0;
        EXPECT_EQ(node->release_parent, parent);
        unsigned const left = check(node->release_left, node, in_order);
        in_order.push_back(node);
        unsigned const right = check(node->release_right, node, in_order);
        EXPECT_LE(std::max(left, right) - std::min(left, right), 1u);
        EXPECT_EQ(node->release_height, 1 + std::max(left, right));
        return 1 + std::max(left, right);
    }
    void compare() {
        ASSERT_EQ(queue_.first(), model_.empty() ? nullptr : &(*model_.begin())->tcb);
        if (model_.empty()) return;
        Tcb* root = queue_.first();
        while (root->release_parent) root = root->release_parent;
        std::vector<Tcb*> in_order;
        unsigned const height = check(root, nullptr, in_order);
        std::vector<Tcb*> expected;
        for (Waiter* waiter : model_) expected.push_back(&waiter->tcb);
        ASSERT_EQ(in_order, expected);
        ASSERT_LE(height, 1.45 * std::log2(static_cast<double>(model_.size()) + 2));
    }

    ReleaseQueue queue_{};
    std::multiset<Waiter*, Earlier> model_;
    std::vector<std::unique_ptr<Waiter>> all_;
    uint64_t arrivals_ = 0;
};

TEST_F(ReleaseQueueTest, EarliestFirstThenFirstCome) {
    EXPECT_EQ(queue_.first(), nullptr);
    Waiter &b = waiter(20), &a = waiter(10), &a2 = waiter(10), &c = waiter(30);
    for (Waiter* w : {&b, &a, &a2, &c}) insert(*w);
    for (Waiter* w : {&a, &a2, &b, &c}) {
        EXPECT_EQ(queue_.first(), &w->tcb);
        remove(*w);
        compare();
    }
    EXPECT_EQ(queue_.first(), nullptr);
}

TEST_F(ReleaseQueueTest, OrderedInsertionStaysBalanced) {
    for (Ticks time = 0; time < 500; ++time) insert(waiter(time));
    compare();
    for (Ticks time = 0; time < 500; ++time) insert(waiter(1000 - time));
    compare();
    while (!model_.empty()) {
        remove(**model_.begin());
        if (model_.size() % 50 == 0) compare();
    }
}

TEST_F(ReleaseQueueTest, RandomInsertionAndRemoval) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        std::vector<Waiter*> outside;
        for (unsigned i = 0; i < 80; ++i) outside.push_back(&waiter(0));
        for (unsigned step = 0; step < 1500; ++step) {
            bool const grow = step / 150 % 2 == 0;
            if (!outside.empty() && (model_.empty() || random.chance(grow ? 75 : 25))) {
                size_t const index = random.below(outside.size());
                Waiter* const waiter = outside[index];
                outside.erase(outside.begin() + static_cast<long>(index));
                waiter->set_time(random.below(seed == 1 ? 5 : 1000));
                insert(*waiter);
            } else {
                auto victim = model_.begin();
                std::advance(victim, random.chance(30) ? 0 : random.below(model_.size()));
                Waiter* const waiter = *victim;
                remove(*waiter);
                outside.push_back(waiter);
            }
            compare();
            if (HasFailure()) return;
        }
        while (!model_.empty()) remove(**model_.begin());
    }
}

}  // namespace
}  // namespace keel
