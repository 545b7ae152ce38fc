/*
 * The prompt of one application over the link: a device in the shape of drivers/common's ConsoleService. What the
 * application writes is kept for whoever asks next, the oldest dropped first: nobody may be there for days, and an
 * application must not wait for that.
 */
#ifndef KOS_SERVICES_DEVLINK_SHELL_H_
#define KOS_SERVICES_DEVLINK_SHELL_H_

#include <stddef.h>
#include <stdint.h>
#include <algorithm>
#include <span>

#include "stream_status.h"

namespace kos::devlink {

// The last kBytes bytes written.
template <size_t kBytes>
class ByteRing {
public:
    size_t queued() const { return end_ - begin_; }
    size_t room() const { return kBytes - queued(); }

    // Returns how many old bytes that has cost.
    size_t push(std::span<const uint8_t> data) {
        for (const uint8_t byte : data) bytes_[end_++ % kBytes] = byte;
        const size_t lost = queued() > kBytes ? queued() - kBytes : 0;
        begin_ += lost;
        return lost;
    }
    size_t pop(std::span<uint8_t> to) {
        const size_t count = std::min(to.size(), queued());
        for (size_t i = 0; i < count; ++i) to[i] = bytes_[begin_++ % kBytes];
        return count;
    }

private:
    uint8_t bytes_[kBytes] = {};
    uint64_t begin_ = 0;
    uint64_t end_ = 0;
};

class Shell {
public:
    static constexpr size_t kTransmitBytes = 16 << 10;
    static constexpr size_t kReceiveBytes = 2 << 10;

    // The application's side (ConsoleService).
    bool write_all(std::span<const uint8_t> data) {
        write_some(data);
        return true;
    }
    size_t write_some(std::span<const uint8_t> data) {
        status_.sent_bytes += data.size();
        status_.dropped_bytes += output_.push(data);
        return data.size();
    }
    size_t read(std::span<uint8_t> to) { return input_.pop(to); }
    // There is always room, so that no application waits for it.
    driver::StreamStatus status() const {
        driver::StreamStatus result = status_;
        result.receive_queued = input_.queued();
        return result;
    }
    void interrupt() {}

    // The link's side. False: there is no room for all of it, and nothing was taken.
    bool type(std::span<const uint8_t> keys) {
        if (keys.size() > input_.room()) return false;
        input_.push(keys);
        status_.received_bytes += keys.size();
        return true;
    }
    size_t take_output(std::span<uint8_t> to) { return output_.pop(to); }

private:
    ByteRing<kTransmitBytes> output_;
    ByteRing<kReceiveBytes> input_;
    driver::StreamStatus status_;
};

}  // namespace kos::devlink

#endif
