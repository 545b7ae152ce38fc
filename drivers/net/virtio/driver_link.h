/*
 * The driver's side of net_link.h: moves frames between a device and the router, by number.
 *
 * `Device` is VirtioNet; `Ring` is LinkRing on the device, a ring in memory in the test. The router is trusted as
 * little as the device: each descriptor is copied and checked, and a router that breaks the rules gets a new session. A
 * buffer is with exactly one of device, router and driver, which this class alone keeps book of.
 */
#ifndef KOS_DRIVERS_NET_DRIVER_LINK_H_
#define KOS_DRIVERS_NET_DRIVER_LINK_H_

#include <kos/status.h>
#include <kos/virtio/result.h>

#include <string.h>

#include "../net_link.h"

namespace kos::driver {

struct DriverLinkCounters {
    uint64_t sessions = 0;
    uint64_t invalid = 0;  // descriptors that break the rules
};

template <typename Device, typename Ring>
class DriverLink {
public:
    // `session`: of an earlier instance or any number.
    DriverLink(Device& device, Ring& in, Ring& out, uint16_t session)
        : device_(device), in_(in), out_(out), session_(session) {}

    // Precondition: the device was reset since the last instance, so that it writes to no buffer. Errors: those of the
    // rings.
    kos_status_t open() {
        const kos_status_t opened = in_.open(net::kToDriverOffset, net::kLinkRingBytes, false);
        if (!kos_status_is_ok(opened)) return opened;
        // Last: when the router sees this ring's restart, the other one has been restarted as well.
        const kos_status_t status = out_.open(net::kToRouterOffset, net::kLinkRingBytes, true);
        begin_session();
        return status;
    }

    // Does everything that can be done at once, in both directions, at most one round. Sets `any` if there was
    // something; then it is to be called again. An error: the device needs recover().
    virtio::Status pump(bool& any) {
        // A restart of the router is seen here, even if there is nothing to tell.
        unsigned none = 0;
        static_cast<void>(write(nullptr, 0, none));
        KOS_VIRTIO_TRY(read_router(any));
        if (device_.is_running()) {
            KOS_VIRTIO_TRY(device_.finish(
                [this](unsigned buffer, uint16_t length, uint16_t flags) { received(buffer, length, flags); },
                [this](unsigned buffer) { give(buffer); }, any));
            if (was_link_up_ != device_.is_link_up()) is_status_told_ = false;
        }
        write_router();
        post_all();
        if (device_.is_running()) device_.notify();
        return virtio::kOk;
    }

    // Before sleeping: 1: pump() has something to do.
    int prepare_wait() { return in_.prepare_wait(sizeof(net::LinkDescriptor)); }

    // Resets the device; frames that were with it are lost.
    virtio::Status recover() {
        const virtio::Status status =
            device_.recover([this](unsigned buffer) { is_transmit(buffer) ? give(buffer) : release(buffer); });
        is_status_told_ = false;
        bool any = false;
        return status.ok() ? pump(any) : status;
    }

    const DriverLinkCounters& counters() const { return counters_; }
    // Buffers that the router is to be given with the next ones.
    unsigned waiting() const { return queue_count_; }

private:
    enum class Owner : uint8_t {
        kDriver,  // receive: to be posted; transmit: to be given
        kDevice,
        kQueued,  // a descriptor that gives it to the router waits in queue_
        kRouter,
    };
    static constexpr unsigned kBatch = 32;
    static constexpr unsigned kAttempts = 3;
    // Free transmit buffers that the router may be kept waiting for, so that it is not woken for each. If it has none,
    // more than kTransmitBuffers - kFreeAtOnce are with the device, which interrupts then until it has half of them.
    static constexpr unsigned kFreeAtOnce = net::kTransmitBuffers / 4;

    static bool is_transmit(unsigned buffer) { return buffer >= net::kReceiveBuffers; }

    // Everything that was the router's is the driver's again.
    void begin_session() {
        session_++;
        counters_.sessions++;
        queue_first_ = queue_count_ = 0;
        is_queue_urgent_ = true;
        is_begin_told_ = is_status_told_ = false;
        for (unsigned buffer = 0; buffer < net::kBuffers; buffer++) {
            if (owner_[buffer] == Owner::kDevice) continue;
            owner_[buffer] = Owner::kDriver;
            is_transmit(buffer) ? give(buffer) : release(buffer);
        }
    }

    void release(unsigned buffer) {
        owner_[buffer] = Owner::kDriver;
        // Each buffer once at most: a set bit.
        to_post_[buffer / 64] |= uint64_t{1} << buffer % 64;
    }

    void post_all() {
        for (unsigned word = 0; word < net::kReceiveBuffers / 64; word++) {
            while (to_post_[word] != 0) {
                const auto buffer = word * 64 + static_cast<unsigned>(__builtin_ctzll(to_post_[word]));
                if (!device_.post(buffer)) return;
                to_post_[word] &= to_post_[word] - 1;
                owner_[buffer] = Owner::kDevice;
            }
        }
    }

    // --- To the router

    void enqueue(net::LinkDescriptor descriptor) {
        descriptor.session = session_;
        owner_[descriptor.buffer] = Owner::kQueued;
        // Never more than there are buffers, each of which is in it once.
        queue_[(queue_first_ + queue_count_++) % net::kBuffers] = descriptor;
    }

    void give(unsigned buffer) {
        enqueue({.kind = net::LinkKind::kTransmitFree,
                 .session = 0,
                 .buffer = static_cast<uint16_t>(buffer),
                 .length = 0,
                 .flags = 0,
                 .checksum_start = 0,
                 .checksum_offset = 0,
                 .reserved = 0});
    }

    void received(unsigned buffer, uint16_t length, uint16_t flags) {
        if (length == 0) return release(buffer);
        is_queue_urgent_ = true;
        enqueue({.kind = net::LinkKind::kReceived,
                 .session = 0,
                 .buffer = static_cast<uint16_t>(buffer),
                 .length = length,
                 .flags = flags,
                 .checksum_start = 0,
                 .checksum_offset = 0,
                 .reserved = 0});
    }

    // True: written. After a restart of the router (GONE) a new session has begun.
    bool write(const net::LinkDescriptor* descriptors, unsigned count, unsigned& written) {
        size_t bytes = 0;
        const kos_status_t status = out_.write(descriptors, count * sizeof *descriptors, &bytes);
        if (status == KOS_STATUS_PEER_GONE) {
            begin_session();
            return false;
        }
        if (status == KOS_STATUS_PEER_INVALID || bytes % sizeof *descriptors != 0) {
            distrust();
            return false;
        }
        written = static_cast<unsigned>(bytes / sizeof *descriptors);
        return kos_status_is_ok(status);
    }

    bool write_begin() {
        net::BeginDescriptor what = {};
        what.kind = net::LinkKind::kBegin;
        what.session = session_;
        memcpy(what.mac, device_.mac().data(), sizeof what.mac);
        what.flags = device_.offers_checksum() ? net::kOffersChecksum : 0;
        what.mtu = device_.mtu();
        net::LinkDescriptor descriptor;
        memcpy(&descriptor, &what, sizeof descriptor);
        unsigned written = 0;
        return write(&descriptor, 1, written) && (is_begin_told_ = written == 1);
    }

    bool write_status() {
        net::LinkDescriptor descriptor = {};
        descriptor.kind = net::LinkKind::kStatus;
        descriptor.session = session_;
        descriptor.flags = device_.is_link_up() ? net::kLinkUp : 0;
        was_link_up_ = device_.is_link_up();
        unsigned written = 0;
        return write(&descriptor, 1, written) && (is_status_told_ = written == 1);
    }

    // Writes what there is room for. A restart of the router makes it begin again, a few times: more often it can only
    // be a router that plays with its rings.
    void write_router() {
        for (unsigned i = 0; i < kAttempts; i++) {
            const uint16_t session = session_;
            if ((is_begin_told_ || write_begin()) && (is_status_told_ || write_status())) write_queue();
            if (session == session_) return;
        }
    }

    void write_queue() {
        if (!is_queue_urgent_ && queue_count_ < kFreeAtOnce) return;
        is_queue_urgent_ = true;  // until all of it is written
        while (queue_count_ != 0) {
            const unsigned first = queue_first_;
            const unsigned in_a_row = queue_count_ < net::kBuffers - first ? queue_count_ : net::kBuffers - first;
            unsigned written = 0;
            if (!write(&queue_[first], in_a_row, written)) return;
            for (unsigned i = 0; i < written; i++) owner_[queue_[first + i].buffer] = Owner::kRouter;
            queue_first_ = (first + written) % net::kBuffers;
            queue_count_ -= written;
            if (written < in_a_row) return;
        }
        is_queue_urgent_ = false;
    }

    // --- From the router

    virtio::Status read_router(bool& any) {
        net::LinkDescriptor batch[kBatch];
        size_t bytes = 0;
        const kos_status_t status = in_.read(batch, sizeof batch, &bytes);
        if (status == KOS_STATUS_PEER_INVALID || bytes % sizeof batch[0] != 0) {
            distrust();
            any = true;
        }
        // PEER_GONE: the ring to the router will say so as well, and that begins a session.
        if (status == KOS_STATUS_PEER_GONE) any = true;
        if (!kos_status_is_ok(status)) return virtio::kOk;
        any = true;
        const uint16_t session = session_;
        for (size_t i = 0; i < bytes / sizeof batch[0] && session == session_; i++) {
            KOS_VIRTIO_TRY(take(batch[i]));
        }
        return virtio::kOk;
    }

    virtio::Status take(const net::LinkDescriptor& descriptor) {
        if (descriptor.session != session_) return virtio::kOk;  // of before a restart
        if (descriptor.buffer >= net::kBuffers || owner_[descriptor.buffer] != Owner::kRouter) return refuse();
        if (descriptor.kind == net::LinkKind::kReceiveDone && !is_transmit(descriptor.buffer)) {
            release(descriptor.buffer);
            return virtio::kOk;
        }
        if (descriptor.kind != net::LinkKind::kTransmit || !is_transmit(descriptor.buffer) || !is_sound(descriptor)) {
            return refuse();
        }
        if (!device_.is_running()) {
            give(descriptor.buffer);  // the frame is lost, as on a wire
            return virtio::kOk;
        }
        KOS_VIRTIO_TRY(
            device_.send(descriptor.buffer, descriptor.length, descriptor.checksum_start, descriptor.checksum_offset));
        owner_[descriptor.buffer] = Owner::kDevice;
        return virtio::kOk;
    }

    bool is_sound(const net::LinkDescriptor& descriptor) const {
        if (descriptor.length < net::kFrameMin || descriptor.length > net::kFrameMax || descriptor.reserved != 0) {
            return false;
        }
        const bool has_checksum = descriptor.flags == net::kFillChecksum;
        if (!has_checksum) {
            return descriptor.flags == 0 && descriptor.checksum_start == 0 && descriptor.checksum_offset == 0;
        }
        constexpr unsigned kChecksumBytes = 2;
        const unsigned end = descriptor.checksum_start + unsigned{descriptor.checksum_offset} + kChecksumBytes;
        return device_.offers_checksum() && descriptor.checksum_offset != 0 && end <= descriptor.length;
    }

    virtio::Status refuse() {
        distrust();
        return virtio::kOk;
    }

    // The router broke the rules: it sees a restart and forgets everything.
    void distrust() {
        counters_.invalid++;
        in_.reset();
        out_.reset();
        begin_session();
    }

    Device& device_;
    Ring& in_;
    Ring& out_;
    uint16_t session_;
    bool is_begin_told_ = false;
    bool is_status_told_ = false;
    bool was_link_up_ = false;
    Owner owner_[net::kBuffers] = {};
    uint64_t to_post_[net::kReceiveBuffers / 64] = {};
    bool is_queue_urgent_ = false;
    unsigned queue_first_ = 0, queue_count_ = 0;
    net::LinkDescriptor queue_[net::kBuffers] = {};
    DriverLinkCounters counters_;
};

}  // namespace kos::driver

#endif
