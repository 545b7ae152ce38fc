// Which sides of which rings are marked when a domain ends, and who is told (stream_rings.h).
#include "stream_rings.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace root {
namespace {

using Told = std::pair<uint32_t, bool>;  // ring, whether its producer
constexpr uint32_t kEnded = 3, kPeer = 4, kOther = 5;

class StreamRings : public testing::Test {
protected:
    StreamRings() {
        add(kEnded, kPeer, false);  // a [[ring]]: its ends are told by others
        add(kEnded, kPeer, true);
        add(kPeer, kEnded, true);
        add(kOther, kPeer, true);  // not the domain's
        add(kOther, kEnded, true);
    }

    void add(uint32_t producer, uint32_t consumer, bool is_stream) {
        kos::manifest::Ring& ring = manifest->rings[manifest->ring_count++];
        ring.producer = producer;
        ring.consumer = consumer;
        ring.stream = is_stream;
        shared.push_back({});
    }

    bool is_marked(uint32_t ring, bool producer) const {
        const kos_ring_side_t& side = producer ? shared[ring].producer : shared[ring].consumer;
        return side.epoch & KOS_RING_OPENING;
    }

    std::unique_ptr<kos::manifest::Manifest> manifest = std::make_unique<kos::manifest::Manifest>();
    std::vector<kos_ring_shared_t> shared;
};

TEST_F(StreamRings, ItsSidesAreMarkedAndNoOthers) {
    leave_stream_rings(
        *manifest, kEnded, [&](uint32_t ring) { return &shared[ring]; }, [](uint32_t, bool) {});
    for (uint32_t ring = 0; ring < manifest->ring_count; ++ring) {
        bool const is_stream = manifest->rings[ring].stream;
        EXPECT_EQ(is_marked(ring, true), is_stream && manifest->rings[ring].producer == kEnded) << ring;
        EXPECT_EQ(is_marked(ring, false), is_stream && manifest->rings[ring].consumer == kEnded) << ring;
    }
}

TEST_F(StreamRings, TheOtherEndsAreToldWhenAllIsMarked) {
    std::vector<Told> told;
    leave_stream_rings(
        *manifest, kEnded, [&](uint32_t ring) { return &shared[ring]; },
        [&](uint32_t ring, bool is_producer) {
            EXPECT_TRUE(is_marked(1, true) && is_marked(2, false) && is_marked(4, false));
            told.emplace_back(ring, is_producer);
        });
    EXPECT_EQ(told, (std::vector<Told>{{1, false}, {2, true}, {4, true}}));
}

TEST_F(StreamRings, WhatTheSidesWroteIsLeftAlone) {
    shared[1].producer = {7, 9, 1000, 1, {}};
    shared[1].consumer = {5, 7, 900, 64, {}};
    leave_stream_rings(
        *manifest, kEnded, [&](uint32_t ring) { return &shared[ring]; }, [](uint32_t, bool) {});
    EXPECT_EQ(shared[1].producer.epoch, 7u | KOS_RING_OPENING);
    EXPECT_EQ(shared[1].producer.position, 1000u);
    EXPECT_EQ(shared[1].consumer.epoch, 5u);
    EXPECT_EQ(shared[1].consumer.position, 900u);
}

TEST_F(StreamRings, SignalsAreDealtOutInOrderPerDomain) {
    auto const bit = [](unsigned number) { return uint64_t{1} << (KOS_SIGNAL_RING_0 + number); };
    EXPECT_EQ(ring_signal(*manifest, kEnded, 0), bit(0));
    EXPECT_EQ(ring_signal(*manifest, kEnded, 2), bit(2));
    EXPECT_EQ(ring_signal(*manifest, kEnded, 4), bit(3)) << "ring 3 is not the domain's";
    EXPECT_EQ(ring_signal(*manifest, kOther, 4), bit(1));
    for (unsigned i = 0; i < KOS_SIGNAL_RING_COUNT; ++i) add(kOther, kEnded, true);
    EXPECT_EQ(ring_signal(*manifest, kEnded, manifest->ring_count - 1), bit(3)) << "they are used again";
}

}  // namespace
}  // namespace root
