/*
 * A queue against a device that writes anything into its memory: what it yields was with the device, once, and no more
 * bytes of it than the device may write.
 */
#include <kos/virtio/queue.h>

#include <map>

#include "fuzz.h"

namespace kos::fuzz {
namespace {

constexpr uint16_t kSize = 8;
using Queue = virtio::Queue<kSize>;
enum Step : uint8_t { kAdd, kTake, kUsed, kIndex, kAnything, kCreate, kSteps };

struct Target {
    Target() { create(); }
    void create() {
        require(queue.create(memory, 0x1000).ok(), "create fails");
        in_flight.clear();
    }
    template <typename T>
    void put(size_t at, T value) {
        std::memcpy(memory + at, &value, sizeof value);
    }
    void add(Reader& input) {
        virtio::Buffer chain[kSize + 1];
        const unsigned count = input.below(kSize + 2);
        uint64_t writable = 0;
        for (unsigned i = 0; i < count; ++i) {
            chain[i] = {input.value(), static_cast<uint32_t>(input.value()), input.below(2) != 0};
            if (chain[i].device_writes) writable += chain[i].bytes;
        }
        const auto head = queue.add({chain, count});
        if (!head.ok()) return;
        require(head.value() < kSize && in_flight.count(head.value()) == 0, "a head twice");
        in_flight[head.value()] = {writable, count};
    }
    void take() {
        const auto taken = queue.take();
        if (!taken.ok()) {
            require(queue.is_broken(), "an error that is not for good");
            return;
        }
        if (!taken.value().any) return;
        const auto found = in_flight.find(taken.value().head);
        require(found != in_flight.end(), "what was not with the device");
        require(taken.value().written <= found->second.first, "more than the device may write");
        in_flight.erase(found);
    }
    void check() const {
        size_t descriptors = 0;
        for (const auto& [head, chain] : in_flight) descriptors += chain.second;
        require(queue.in_flight() == in_flight.size() && queue.free_descriptors() == kSize - descriptors,
                "the accounts");
    }
    void step(Reader& input) {
        switch (input.below(kSteps)) {
            case kAdd: add(input); break;
            case kTake: take(); break;
            case kUsed:  // the next entry, as a device writes it
                put<uint32_t>(Queue::kUsedOffset + 4 + 8 * (index % kSize), input.number());
                put<uint32_t>(Queue::kUsedOffset + 8 + 8 * (index % kSize), static_cast<uint32_t>(input.value()));
                put<uint16_t>(Queue::kUsedOffset + 2, ++index);
                break;
            case kIndex:
                index = input.number<uint16_t>();
                put(Queue::kUsedOffset + 2, index);
                break;
            case kAnything: memory[input.number<uint16_t>() % sizeof memory] = input.number(); break;
            default:
                create();
                index = 0;
                break;
        }
        check();
        (void)queue.wants_notify();
    }

    alignas(Queue::kAlign) uint8_t memory[Queue::kBytes];
    Queue queue;
    std::map<uint16_t, std::pair<uint64_t, size_t>> in_flight;  // head -> bytes that the device may write, descriptors
    uint16_t index = 0;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target;
    while (!reader.empty()) target.step(reader);
}

std::vector<Buffer> seeds() {
    Writer good;
    for (uint8_t i = 0; i < 3; ++i) {
        good.number(kAdd)
            .number<uint8_t>(2)
            .value(0x40)
            .value(16)
            .number<uint8_t>(0)
            .value(0x60)
            .value(100)
            .number<uint8_t>(1);
    }
    for (const uint8_t head : {2, 0, 4}) good.number(kUsed).number(head).value(50).number(kTake);
    Writer bad;
    bad.number(kAdd).number<uint8_t>(1).value(0x40).value(16).number<uint8_t>(1);
    bad.number(kUsed)
        .number<uint8_t>(0)
        .value(17)
        .number(kTake)
        .number(kCreate)
        .number(kIndex)
        .number<uint16_t>(9)
        .number(kTake);
    return {good.result(), bad.result()};
}

}  // namespace kos::fuzz
