// The split queue with a device that keeps the rules, one that does not, and one that scribbles while the queue is
// used.
#include <kos/virtio/queue.h>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "fake_device.h"

namespace kos::virtio {
namespace {

using testing::FakeDevice;
using testing::FakeDma;

template <uint16_t kSize>
struct QueuePair {
    QueuePair() {
        EXPECT_TRUE(queue.create(dma.span().first(Queue<kSize>::kBytes), dma.physical()).ok());
        connect();
    }
    // Gives the device the queue as the transport would.
    void connect() {
        const QueueLayout layout = queue.layout();
        device.current = kDriverOk;
        device.queues[0] = {.max = kSize,
                            .size = layout.size,
                            .ready = 1,
                            .descriptors = layout.descriptors_physical,
                            .available = layout.available_physical,
                            .used = layout.used_physical};
    }
    uint64_t data() const { return dma.physical() + 32768; }
    Result<uint16_t> add(std::initializer_list<Buffer> chain) { return queue.add({chain.begin(), chain.size()}); }
    Result<uint16_t> add_in(uint32_t bytes) { return add({{data(), bytes, true}}); }
    Completion take() {
        const auto taken = queue.take();
        EXPECT_TRUE(taken.ok());
        return taken.ok() ? taken.value() : Completion{};
    }

    FakeDma dma{65536};
    Queue<kSize> queue;
    FakeDevice device{DeviceType::kBlock, dma, 1, 0};
};

TEST(Queue, LaysOutAsTheSpecificationSays) {
    QueuePair<8> setup;
    const QueueLayout layout = setup.queue.layout();
    EXPECT_EQ(layout.size, 8);
    EXPECT_EQ(layout.descriptors_physical % 16, 0u);
    EXPECT_GE(layout.available_physical, layout.descriptors_physical + 16 * 8);
    EXPECT_EQ(layout.available_physical % 2, 0u);
    EXPECT_GE(layout.used_physical, layout.available_physical + 4 + 2 * 8);
    EXPECT_EQ(layout.used_physical % 4, 0u);
    EXPECT_GE(layout.descriptors_physical + Queue<8>::kBytes, layout.used_physical + 4 + 8 * 8);
    for (uint8_t byte : setup.dma.span().first(Queue<8>::kBytes)) EXPECT_EQ(byte, 0);
    EXPECT_EQ(setup.dma.span()[Queue<8>::kBytes], 0xa5);
}

TEST(Queue, RefusesUnfitMemory) {
    FakeDma dma(65536);
    Queue<8> queue;
    EXPECT_EQ(queue.create(dma.span().first(Queue<8>::kBytes - 1), dma.physical()).error(), Error::kMemory);
    EXPECT_EQ(queue.create(dma.span().subspan(8), dma.physical() + 8).error(), Error::kMemory);
    EXPECT_EQ(queue.create(dma.span(), dma.physical() + 8).error(), Error::kMemory);
    const Buffer buffer{dma.physical(), 1, true};
    EXPECT_EQ(queue.add({&buffer, 1}).error(), Error::kBroken);
    EXPECT_EQ(queue.take().error(), Error::kBroken);
}

TEST(Queue, HandsOverAChainAndTakesItBack) {
    QueuePair<8> setup;
    memcpy(setup.dma.at(setup.data(), 5), "hello", 5);
    const auto head =
        setup.add({{setup.data(), 5, false}, {setup.data() + 100, 10, true}, {setup.data() + 200, 1, true}});
    ASSERT_TRUE(head.ok());
    EXPECT_EQ(setup.queue.free_descriptors(), 5);
    EXPECT_FALSE(setup.take().any);

    const auto chain = setup.device.fetch(0);
    ASSERT_TRUE(chain.has_value());
    EXPECT_EQ(chain->head, head.value());
    ASSERT_EQ(chain->parts.size(), 3u);
    const auto text = chain->readable();
    EXPECT_EQ(std::string(text.begin(), text.end()), "hello");
    EXPECT_EQ(chain->writable_bytes(), 11u);
    EXPECT_FALSE(setup.device.fetch(0).has_value());

    setup.device.put_used(0, chain->head, 11);
    const Completion done = setup.take();
    EXPECT_TRUE(done.any);
    EXPECT_EQ(done.head, head.value());
    EXPECT_EQ(done.written, 11u);
    EXPECT_EQ(setup.queue.free_descriptors(), 8);
    EXPECT_EQ(setup.queue.in_flight(), 0);
    EXPECT_FALSE(setup.take().any);
}

TEST(Queue, RefusesWrongChains) {
    QueuePair<4> setup;
    EXPECT_EQ(setup.add({}).error(), Error::kMemory);
    EXPECT_EQ(setup.add({{setup.data(), 0, true}}).error(), Error::kMemory);
    EXPECT_EQ(setup.add({{setup.data(), 1, true}, {setup.data(), 1, false}}).error(), Error::kMemory);
    EXPECT_EQ(setup.add({{setup.data(), UINT32_MAX, true}, {setup.data(), 1, true}}).error(), Error::kMemory);
    const Buffer one{setup.data(), 1, false};
    EXPECT_EQ(setup.add({one, one, one, one, one}).error(), Error::kMemory);
    EXPECT_EQ(setup.queue.free_descriptors(), 4);
    EXPECT_FALSE(setup.device.fetch(0).has_value()) << "a refused chain reached the device";
}

TEST(Queue, IsFullWithoutDescriptorsAndRecovers) {
    QueuePair<4> setup;
    const Buffer one{setup.data(), 1, true};
    const auto first = setup.add({one, one, one});
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(setup.add({one, one}).error(), Error::kFull);
    ASSERT_TRUE(setup.add({one}).ok());
    EXPECT_EQ(setup.add({one}).error(), Error::kFull);
    setup.device.put_used(0, first.value(), 0);
    ASSERT_TRUE(setup.take().any);
    EXPECT_TRUE(setup.add({one, one, one}).ok());
}

TEST(Queue, AsksForANotificationUnlessTheDeviceDoesNotWantOne) {
    QueuePair<4> setup;
    EXPECT_TRUE(setup.queue.wants_notify());
    setup.dma.put<uint16_t>(setup.queue.layout().used_physical, 1);
    EXPECT_FALSE(setup.queue.wants_notify());
    setup.dma.put<uint16_t>(setup.queue.layout().used_physical, 0xfffe);
    EXPECT_TRUE(setup.queue.wants_notify());
}

TEST(Queue, SaysWhetherItWantsInterrupts) {
    QueuePair<4> setup;
    const uint64_t flags = setup.queue.layout().available_physical;
    EXPECT_EQ(setup.dma.get<uint16_t>(flags), 0);
    setup.queue.want_interrupts(false);
    EXPECT_EQ(setup.dma.get<uint16_t>(flags), 1);
    setup.queue.want_interrupts(true);
    EXPECT_EQ(setup.dma.get<uint16_t>(flags), 0);
}

// Any order of completion, more than 2^16 requests so that both indices wrap.
TEST(Queue, LosesNothingInAnyOrder) {
    QueuePair<8> setup;
    std::mt19937 random(1);
    std::map<uint16_t, uint32_t> with_driver;  // head -> writable bytes
    std::vector<testing::FakeChain> with_device;
    unsigned completed = 0;
    for (int step = 0; step < 500000; step++) {
        switch (random() % 3) {
            case 0: {
                std::vector<Buffer> chain(1 + random() % 3);
                uint32_t writable = 0;
                bool writing = false;
                for (Buffer& buffer : chain) {
                    writing = writing || random() % 2;
                    buffer = {setup.data() + random() % 1000, static_cast<uint32_t>(1 + random() % 500), writing};
                    writable += writing ? buffer.bytes : 0;
                }
                const uint16_t before = setup.queue.free_descriptors();
                const auto head = setup.queue.add(chain);
                ASSERT_EQ(head.ok(), chain.size() <= before);
                if (!head.ok()) break;
                ASSERT_TRUE(with_driver.emplace(head.value(), writable).second) << "head given out twice";
                break;
            }
            case 1:
                if (auto chain = setup.device.fetch(0)) with_device.push_back(*chain);
                if (!with_device.empty() && random() % 2) {
                    const size_t chosen = random() % with_device.size();
                    const auto& chain = with_device[chosen];
                    ASSERT_EQ(chain.writable_bytes(), with_driver.at(static_cast<uint16_t>(chain.head)));
                    setup.device.put_used(0, chain.head, with_driver.at(static_cast<uint16_t>(chain.head)));
                    with_device.erase(with_device.begin() + static_cast<ptrdiff_t>(chosen));
                }
                break;
            default: {
                const Completion done = setup.take();
                if (!done.any) break;
                ASSERT_EQ(done.written, with_driver.at(done.head));
                with_driver.erase(done.head);
                completed++;
            }
        }
        ASSERT_EQ(setup.queue.in_flight(), with_driver.size());
    }
    EXPECT_GT(completed, 65536u);
}

// --- Devices that break the rules. Each row: what is written into the used ring while one request of 16 bytes is
// there.
struct Breach {
    const char* what;
    uint32_t head_change;  // added to the true head
    uint32_t length;
    uint16_t index;
};

class QueueBreach : public ::testing::TestWithParam<Breach> {};

TEST_P(QueueBreach, BreaksTheQueueUntilItIsCreatedAnew) {
    QueuePair<8> setup;
    const auto head = setup.add_in(16);
    ASSERT_TRUE(head.ok());
    setup.device.put_used(0, head.value() + GetParam().head_change, GetParam().length);
    setup.device.set_used_index(0, GetParam().index);
    EXPECT_EQ(setup.queue.take().error(), Error::kBroken);
    EXPECT_TRUE(setup.queue.is_broken());
    EXPECT_EQ(setup.queue.take().error(), Error::kBroken);
    EXPECT_EQ(setup.add_in(1).error(), Error::kBroken);

    ASSERT_TRUE(setup.queue.create(setup.dma.span(), setup.dma.physical()).ok());
    setup.connect();
    EXPECT_FALSE(setup.take().any);
    const auto again = setup.add_in(16);
    ASSERT_TRUE(again.ok());
    setup.device.put_used(0, again.value(), 16);
    EXPECT_TRUE(setup.take().any);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, QueueBreach,
    ::testing::Values(Breach{"id of a free descriptor", 1, 0, 1}, Breach{"id beyond the table", 8, 0, 1},
                      Breach{"id of 32 bits", 0x10000, 0, 1}, Breach{"id of -1", UINT32_MAX, 0, 1},
                      Breach{"length by one too long", 0, 17, 1}, Breach{"length of -1", 0, UINT32_MAX, 1},
                      Breach{"index one too far", 0, 16, 2}, Breach{"index a round too far", 0, 16, 9},
                      Breach{"index backwards", 0, 16, 0xffff}, Breach{"index far", 0, 16, 0x8000}),
    [](const auto& row) {
        std::string name = row.param.what;
        for (char& c : name) c = isalnum(static_cast<unsigned char>(c)) ? c : '_';
        return name;
    });

TEST(Queue, ARequestCompletedTwiceBreaksIt) {
    QueuePair<8> setup;
    const auto first = setup.add_in(16);
    const auto second = setup.add_in(16);
    ASSERT_TRUE(first.ok() && second.ok());
    setup.device.put_used(0, first.value(), 1);
    setup.device.put_used(0, first.value(), 1);
    EXPECT_TRUE(setup.take().any);
    EXPECT_EQ(setup.queue.take().error(), Error::kBroken);
}

TEST(Queue, AnIdInTheMiddleOfAChainBreaksIt) {
    QueuePair<8> setup;
    const auto head = setup.add({{setup.data(), 4, false}, {setup.data(), 4, true}, {setup.data(), 4, true}});
    ASSERT_TRUE(head.ok());
    setup.device.put_used(0, setup.dma.get<uint16_t>(setup.queue.layout().descriptors_physical + 14), 1);
    EXPECT_EQ(setup.queue.take().error(), Error::kBroken);
}

TEST(Queue, DoesNotBelieveTheDescriptorTable) {
    QueuePair<8> setup;
    std::array<uint16_t, 8> heads;
    for (uint16_t& head : heads) {
        const auto added = setup.add_in(16);
        ASSERT_TRUE(added.ok());
        head = added.value();
    }
    // The device rewrites table and available ring; links, flags and heads of the next round must not come from there.
    const QueueLayout layout = setup.queue.layout();
    memset(setup.dma.at(layout.descriptors_physical, 16 * 8), 0xff, 16 * 8);
    memset(setup.dma.at(layout.available_physical, 4 + 2 * 8), 0xff, 4 + 2 * 8);
    for (uint16_t head : heads) setup.device.put_used(0, head, 16);
    for (int i = 0; i < 8; i++) ASSERT_TRUE(setup.take().any);
    EXPECT_EQ(setup.queue.free_descriptors(), 8);
    setup.device.queues[0].seen = 8;
    const auto head = setup.add({{setup.data(), 4, false}, {setup.data(), 4, true}, {setup.data(), 4, true}});
    ASSERT_TRUE(head.ok());
    const auto chain = setup.device.fetch(0);
    ASSERT_TRUE(chain.has_value());
    EXPECT_EQ(chain->parts.size(), 3u);
}

// Whatever stands in the used ring, what take() returns is a request that was with the device, once.
TEST(Queue, RandomUsedRingsNeverYieldARequestThatIsNotThere) {
    unsigned broken = 0, taken = 0;
    for (unsigned seed = 0; seed < 300; seed++) {
        QueuePair<8> setup;
        std::mt19937 random(seed);
        std::map<uint16_t, uint32_t> there;
        for (int step = 0; step < 200; step++) {
            const uint32_t bytes = 1 + random() % 64;
            const auto head = setup.add_in(bytes);
            if (head.ok()) {
                ASSERT_TRUE(there.emplace(head.value(), bytes).second) << "seed " << seed;
            }
            // Mostly something near the truth, so that a run lasts.
            const bool fair = random() % 16 != 0;
            if (fair && there.empty()) continue;
            const uint32_t id =
                fair ? std::next(there.begin(), static_cast<long>(random() % there.size()))->first : random() % 12;
            setup.device.put_used(0, id, fair ? random() % (there[static_cast<uint16_t>(id)] + 1) : random() % 80);
            if (random() % 64 == 0) setup.device.set_used_index(0, static_cast<uint16_t>(random()));
            const auto result = setup.queue.take();
            if (!result.ok()) {
                broken++;
                break;
            }
            if (!result.value().any) continue;
            ASSERT_EQ(there.count(result.value().head), 1u) << "seed " << seed;
            ASSERT_LE(result.value().written, there[result.value().head]) << "seed " << seed;
            there.erase(result.value().head);
            taken++;
        }
    }
    EXPECT_GT(broken, 100u);
    EXPECT_GT(taken, 1000u);
}

// A word that is read twice would sooner or later differ between check and use; ASan and the assertions see it.
TEST(Queue, ADeviceThatScribblesMeanwhileDoesNoHarm) {
    FakeDma dma(65536);
    Queue<8> queue;
    std::atomic<bool> end = false;
    auto* words = reinterpret_cast<uint32_t*>(dma.span().data());
    std::thread device([&] {
        std::mt19937 random(3);
        while (!end) {
            for (size_t i = 0; i < Queue<8>::kBytes / 4; i++) {
                // Plausible values, so that checks are passed now and then: a count in the index's half, else a small
                // number.
                const uint32_t small = random() % 10;
                const bool index = i == Queue<8>::kUsedOffset / 4;
                __atomic_store_n(words + i,
                                 random() % 16 == 0 ? static_cast<uint32_t>(random())
                                 : index            ? small << 16
                                                    : small,
                                 __ATOMIC_RELAXED);
            }
        }
    });
    std::array<uint32_t, 8> there = {};
    unsigned taken = 0;
    for (int round = 0; round < 1000000 && taken < 30; round++) {
        ASSERT_TRUE(queue.create(dma.span(), dma.physical()).ok());
        there = {};
        for (int step = 0; step < 8; step++) {
            const Buffer buffer{dma.physical() + 32768, static_cast<uint32_t>(1 + step), true};
            const auto head = queue.add({&buffer, 1});
            if (head.ok()) {
                ASSERT_LT(head.value(), 8);
                ASSERT_EQ(there[head.value()], 0u);
                there[head.value()] = buffer.bytes;
            }
            // Also on a machine with one processor the device gets its turn between the two.
            if (round % 8 == 0 && step == 4) std::this_thread::yield();
            const auto result = queue.take();
            if (!result.ok()) break;
            if (!result.value().any) continue;
            ASSERT_LT(result.value().head, 8);
            ASSERT_NE(there[result.value().head], 0u);
            ASSERT_LE(result.value().written, there[result.value().head]);
            there[result.value().head] = 0;
            taken++;
        }
    }
    end = true;
    device.join();
    EXPECT_GE(taken, 30u) << "the scribbling never looked like a completion: the test has shown nothing";
}

}  // namespace
}  // namespace kos::virtio
