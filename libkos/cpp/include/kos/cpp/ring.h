// Rings of the manifest by direction (kos/ring.h).
#pragma once

#include <kos/cpp/deadline.h>
#include <kos/ring.h>

#include <span>

namespace kos {

class Ring {
public:
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // The bit of the domain's notification that the other side sets.
    uint64_t signal() const { return ring_.signal; }
    size_t record_max() const { return kos_ring_record_max(&ring_); }
    void reset() { kos_ring_reset(&ring_); }
    Status wait(size_t wanted) { return kos_ring_wait(&ring_, wanted); }
    Status wait_until(size_t wanted, Deadline deadline) {
        return kos_ring_wait_until(&ring_, wanted, deadline.ticks());
    }
    // For servers: false means that signalled() will be called as soon as there is something to do.
    bool prepare_wait(size_t wanted) { return kos_ring_prepare_wait(&ring_, wanted) != 0; }

protected:
    Ring() = default;
    Ring(Ring&&) = default;
    Ring& operator=(Ring&&) = default;
    ~Ring() = default;
    kos_ring_t ring_{};
};

class RingProducer : public Ring {
public:
    RingProducer(RingProducer&&) = default;
    RingProducer& operator=(RingProducer&&) = default;
    static Result<RingProducer> open(const char* name) {
        RingProducer made;
        KOS_TRY(kos_ring_open(name, &made.ring_));
        if (!made.ring_.core.is_producer) return KOS_STATUS_INVALID_ARGUMENT;
        return made;
    }
    // How many bytes were written.
    Result<size_t> write(std::span<const unsigned char> bytes) {
        size_t done = 0;
        KOS_TRY(kos_ring_write(&ring_, bytes.data(), bytes.size(), &done));
        return done;
    }
    Status send(uint32_t tag, std::span<const unsigned char> bytes) {
        return kos_ring_send(&ring_, tag, bytes.data(), bytes.size());
    }
    // Write to it, never read it back, then commit.
    Result<std::span<unsigned char>> reserve(size_t count) {
        void* payload = nullptr;
        KOS_TRY(kos_ring_reserve(&ring_, count, &payload));
        return std::span<unsigned char>(static_cast<unsigned char*>(payload), count);
    }
    Status commit(size_t count, uint32_t tag) { return kos_ring_commit(&ring_, count, tag); }
    size_t record_needs(size_t count) const { return kos_ring_record_needs(&ring_, count); }

private:
    RingProducer() = default;
};

class RingConsumer : public Ring {
public:
    RingConsumer(RingConsumer&&) = default;
    RingConsumer& operator=(RingConsumer&&) = default;
    static Result<RingConsumer> open(const char* name) {
        RingConsumer made;
        KOS_TRY(kos_ring_open(name, &made.ring_));
        if (made.ring_.core.is_producer) return KOS_STATUS_INVALID_ARGUMENT;
        return made;
    }
    // How many bytes were read.
    Result<size_t> read(std::span<unsigned char> bytes) {
        size_t done = 0;
        KOS_TRY(kos_ring_read(&ring_, bytes.data(), bytes.size(), &done));
        return done;
    }
    struct Record {
        std::span<unsigned char> payload;  // in the buffer
        uint32_t tag;
    };
    Result<Record> receive(std::span<unsigned char> buffer) {
        size_t length = 0;
        uint32_t tag = 0;
        KOS_TRY(kos_ring_receive(&ring_, buffer.data(), buffer.size(), &length, &tag));
        return Record{buffer.first(length), tag};
    }

private:
    RingConsumer() = default;
};

}  // namespace kos
