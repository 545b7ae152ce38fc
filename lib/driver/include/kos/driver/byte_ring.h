/*
 * A bounded queue of bytes inside one thread: what a stream driver holds between its clients and its device.
 * No sharing, no atomics, no allocation. Used by the drivers of byte streams.
 */
#ifndef KOS_DRIVER_BYTE_RING_H_
#define KOS_DRIVER_BYTE_RING_H_

#include <stddef.h>
#include <stdint.h>
#include <span>

namespace kos::driver {

// Holds up to kCapacity bytes, a power of two.
template <size_t kCapacity>
class ByteRing {
    static_assert(kCapacity != 0 && (kCapacity & (kCapacity - 1)) == 0, "positions are reduced by a mask");

public:
    constexpr size_t capacity() const { return kCapacity; }
    size_t size() const { return written_ - read_; }
    size_t room() const { return kCapacity - size(); }
    bool empty() const { return written_ == read_; }

    // Appends one byte; false, and nothing changed, if there is no room.
    [[nodiscard]] bool push(uint8_t byte) {
        if (room() == 0) return false;
        bytes_[written_++ & kMask] = byte;
        return true;
    }

    // Appends as many of `bytes` as fit, in order; returns how many.
    size_t push(std::span<const uint8_t> bytes) {
        const size_t count = bytes.size() < room() ? bytes.size() : room();
        for (size_t i = 0; i < count; i++) bytes_[written_++ & kMask] = bytes[i];
        return count;
    }

    // Takes the oldest byte. Precondition: !empty().
    uint8_t pop() { return bytes_[read_++ & kMask]; }

    // Takes up to out.size() of the oldest bytes; returns how many.
    size_t pop(std::span<uint8_t> out) {
        const size_t count = out.size() < size() ? out.size() : size();
        for (size_t i = 0; i < count; i++) out[i] = pop();
        return count;
    }

    void clear() { read_ = written_; }

private:
    static constexpr size_t kMask = kCapacity - 1;

    // Counts of bytes ever written and read. size_t wraps after 2^64 bytes, which changes nothing: capacity divides it.
    size_t written_ = 0;
    size_t read_ = 0;
    uint8_t bytes_[kCapacity];
};

}  // namespace kos::driver

#endif
