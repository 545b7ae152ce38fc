/*
 * A side of a ring against a peer that writes anything into the shared memory at any time (between two operations).
 * Nothing is read or written outside the ring and the own buffers, no operation promises more than was asked for, and
 * who has found the peer out says so until the peer begins anew.
 */
#include <kos/ring_core.h>

#include "fuzz.h"

namespace kos::fuzz {
namespace {

enum Step : uint8_t {
    kOpen,
    kWrite,
    kRead,
    kReserve,
    kReceive,
    kTakeWake,
    kPrepareWait,
    kPeerOpens,
    kPeerWord,
    kPeerData,
    kPeerWorks,
    kSteps
};

class Target {
public:
    Target(size_t bytes, bool is_producer)
        : memory_((bytes + 7) / 8), bytes_(bytes), is_producer_(is_producer), peer_(peer_of(is_producer)) {
        open();
    }

    void step(Reader& input) {
        const auto before = shared();
        switch (input.below(kSteps)) {
            case kOpen: open(); break;
            case kWrite: write(input.number<uint16_t>() % 600); break;
            case kRead: read(input.number<uint16_t>() % 600); break;
            case kReserve: reserve(input.number<uint16_t>() % 600, input.number<uint16_t>() % 600); break;
            case kReceive: receive(input.number<uint16_t>() % 600); break;
            case kTakeWake: kos_ring_core_take_wake(&ring_); break;
            case kPrepareWait: kos_ring_core_prepare_wait(&ring_, input.value()); break;
            case kPeerOpens: kos_ring_core_open(&peer_ring_, memory_.data(), bytes_, !is_producer_); break;
            case kPeerWord: {
                // Epoch, seen, position, sleeps; of either side, because the peer can write both.
                auto* const side = input.below(4) == 0 ? reinterpret_cast<uint64_t*>(own(before)) : peer();
                uint64_t& word = side[input.below(3)];
                switch (input.below(3)) {
                    case 0: word = input.value(); break;
                    case 1: word += input.number<int8_t>(); break;
                    default: word = ring_.position + static_cast<uint64_t>(int64_t{input.number<int16_t>()}); break;
                }
                break;
            }
            case kPeerData: {
                const size_t at = input.number<uint16_t>() % (memory_.size() - sizeof(kos_ring_shared_t) / 8);
                memory_[sizeof(kos_ring_shared_t) / 8 + at] = input.value();
                break;
            }
            default: peer_works(input); break;
        }
    }

private:
    static size_t peer_of(bool is_producer) {
        return (is_producer ? offsetof(kos_ring_shared_t, consumer) : offsetof(kos_ring_shared_t, producer)) / 8;
    }
    kos_ring_shared_t* shared() { return reinterpret_cast<kos_ring_shared_t*>(memory_.data()); }
    kos_ring_side_t* own(kos_ring_shared_t* shared) { return is_producer_ ? &shared->producer : &shared->consumer; }
    uint64_t* peer() { return memory_.data() + peer_; }

    void open() {
        require(kos_ring_core_open(&ring_, memory_.data(), bytes_, is_producer_) == KOS_RING_OK, "open is refused");
        is_invalid_ = false;
    }

    // What every operation promises about its result.
    void check(kos_ring_result_t result) {
        require(result >= KOS_RING_OK && result <= KOS_RING_MISUSE, "no such result");
        if (is_invalid_) require(result != KOS_RING_OK || ring_.peer_epoch != invalid_epoch_, "works on with a liar");
        if (result == KOS_RING_INVALID) {
            is_invalid_ = true;
            invalid_epoch_ = ring_.peer_epoch;
        } else if (result == KOS_RING_OK || result == KOS_RING_GONE) {
            is_invalid_ = false;
        }
        require(ring_.offset < ring_.size, "the position is outside of the ring");
    }

    void write(size_t count) {
        const Buffer bytes(count, 0x5a);
        size_t done = SIZE_MAX;
        const kos_ring_result_t result = kos_ring_core_write(&ring_, bytes.data(), count, &done);
        check(result);
        require(result == KOS_RING_OK ? done <= count && (done != 0 || count == 0) : done == SIZE_MAX, "write: done");
    }
    void read(size_t count) {
        Buffer bytes(count);
        size_t done = SIZE_MAX;
        const kos_ring_result_t result = kos_ring_core_read(&ring_, bytes.data(), count, &done);
        check(result);
        require(result == KOS_RING_OK ? done <= count && (done != 0 || count == 0) : done == SIZE_MAX, "read: done");
    }
    void reserve(size_t count, size_t used) {
        void* payload = nullptr;
        const kos_ring_result_t result = kos_ring_core_reserve(&ring_, count, &payload);
        check(result);
        if (result != KOS_RING_OK) return;
        std::memset(payload, 0xa5, count);
        check(kos_ring_core_commit(&ring_, used, 7));
    }
    void receive(size_t count) {
        Buffer bytes(count);
        size_t length = 0;
        uint32_t tag = 0;
        const kos_ring_result_t result = kos_ring_core_receive(&ring_, bytes.data(), count, &length, &tag);
        check(result);
        if (result == KOS_RING_OK) require(length <= count, "a record is longer than its buffer");
        if (result == KOS_RING_TOO_LONG) require(length > count, "a record that fits is too long");
    }
    // An honest operation of the other side, which may have been lied to as well.
    void peer_works(Reader& input) {
        if (peer_ring_.own == nullptr) return;
        Buffer bytes(input.number<uint16_t>() % 300);
        size_t done = 0;
        uint32_t tag = 0;
        void* payload = nullptr;
        if (input.below(2)) {
            kos_ring_core_write(&peer_ring_, bytes.data(), bytes.size(), &done);
            kos_ring_core_read(&peer_ring_, bytes.data(), bytes.size(), &done);
        } else {
            if (kos_ring_core_reserve(&peer_ring_, bytes.size(), &payload) == KOS_RING_OK) {
                std::memset(payload, 1, bytes.size());
                kos_ring_core_commit(&peer_ring_, bytes.size(), 9);
            }
            kos_ring_core_receive(&peer_ring_, bytes.data(), bytes.size(), &done, &tag);
        }
        kos_ring_core_take_wake(&peer_ring_);
    }

    std::vector<uint64_t> memory_;
    size_t bytes_;
    bool is_producer_;
    size_t peer_;  // word at which the other side's part begins
    kos_ring_core_t ring_ = {};
    kos_ring_core_t peer_ring_ = {};
    bool is_invalid_ = false;
    uint32_t invalid_epoch_ = 0;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    const bool is_producer = reader.below(2) != 0;
    Target target(KOS_RING_MIN_BYTES + reader.number(), is_producer);
    while (!reader.empty()) target.step(reader);
}

std::vector<Buffer> seeds() {
    Writer bytes;
    bytes.number<uint8_t>(0).number<uint8_t>(64).number(kPeerOpens).number(kRead).number<uint16_t>(10);
    for (int i = 0; i < 3; ++i) {
        bytes.number(kPeerWorks).number<uint16_t>(50).number<uint8_t>(1).number(kRead).number<uint16_t>(40);
        bytes.number(kTakeWake).number(kPrepareWait).value(1);
    }
    Writer records;
    records.number<uint8_t>(0).number<uint8_t>(200).number(kPeerOpens).number(kReceive).number<uint16_t>(10);
    for (int i = 0; i < 3; ++i) {
        records.number(kPeerWorks).number<uint16_t>(50).number<uint8_t>(0).number(kReceive).number<uint16_t>(100);
    }
    Writer producer;
    producer.number<uint8_t>(1).number<uint8_t>(100).number(kPeerOpens).number(kWrite).number<uint16_t>(16);
    producer.number(kPeerWorks).number<uint16_t>(50).number<uint8_t>(1).number(kReserve).number<uint16_t>(16);
    producer.number<uint16_t>(9).number(kPeerWord).number<uint8_t>(1).number<uint8_t>(1).number<uint8_t>(0).value(64);
    return {bytes.result(), records.result(), producer.result()};
}

}  // namespace kos::fuzz
