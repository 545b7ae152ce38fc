/*
 * The router's side of net_link.h: reads what the driver says, hands out frames, collects frames to send.
 *
 * Used by netrouter and by tests that stand in for it. `Ring` is LinkRing (link_ring.h) on the device; tests have a
 * ring in memory of their own. Trusts nothing that the driver writes. One thread; nothing blocks.
 */
#ifndef KOS_DRIVERS_NET_LINK_ROUTER_H_
#define KOS_DRIVERS_NET_LINK_ROUTER_H_

#include <kos/status.h>

#include <string.h>
#include <span>

#include "net_link.h"

namespace kos::net {

struct LinkCounters {
    uint64_t frames_in = 0, frames_out = 0;
    uint64_t sessions = 0;   // begun by the driver
    uint64_t invalid = 0;    // descriptors that break the rules
    uint64_t no_buffer = 0;  // frames that were not sent because the device is busy
};

template <typename Ring>
class RouterLink {
public:
    // `area`: the memory of the ring kFramesRing, of which nothing else is used. `in`, `out`: rings of the area, opened
    // by open().
    RouterLink(std::span<uint8_t> area, Ring& in, Ring& out) : area_(area), in_(in), out_(out) {}

    // INVALID_ARGUMENT: the area is not of this layout.
    kos_status_t open() {
        if (area_.size() < kLinkBytes) return KOS_STATUS_INVALID_ARGUMENT;
        forget();
        const kos_status_t opened = out_.open(kToDriverOffset, kLinkRingBytes, true);
        return kos_status_is_ok(opened) ? in_.open(kToRouterOffset, kLinkRingBytes, false) : opened;
    }

    // Reads at most `most` descriptors. Calls
    //   handler.begin(mac, mtu)             the driver has (re)started: what was sent may be lost
    //   handler.link(bool is_up)
    //   handler.frame(frame, LinkFlags)     `frame` is shared memory: copy what is checked; gone after the call
    // Returns how many there were; `most`: there may be more. Call again after the ring's signal, and before sleeping.
    template <typename Handler>
    unsigned poll(Handler& handler, unsigned most) {
        unsigned done = 0;
        while (done < most) {
            LinkDescriptor batch[kBatch];
            size_t bytes = 0;
            const size_t wanted = (most - done < kBatch ? most - done : kBatch) * sizeof(LinkDescriptor);
            const kos_status_t status = in_.read(batch, wanted, &bytes);
            if (status == KOS_STATUS_PEER_GONE) {
                forget();
                continue;  // said once for each restart of the driver
            }
            if (status == KOS_STATUS_PEER_INVALID) recover();
            if (!kos_status_is_ok(status)) break;
            if (bytes % sizeof(LinkDescriptor) != 0) {
                recover();
                break;
            }
            const uint64_t sessions = recovered_;
            for (size_t i = 0; i < bytes / sizeof(LinkDescriptor) && sessions == recovered_; i++) {
                take(batch[i], handler);
            }
            done += static_cast<unsigned>(bytes / sizeof(LinkDescriptor));
        }
        flush();
        return done;
    }

    bool is_up() const { return session_known_ && is_up_; }
    bool offers_checksum() const { return offers_checksum_; }
    const LinkCounters& counters() const { return counters_; }
    unsigned transmit_room() const { return free_count_; }

    // Room for a frame of kFrameMax bytes to be sent; empty: none (counted), or no session. Write it, then send();
    // never read it back. Not sent: the same room is given again.
    std::span<uint8_t> transmit_buffer() {
        if (free_count_ == 0) {
            counters_.no_buffer++;
            return {};
        }
        return area_.subspan(frame_position(kReceiveBuffers + free_[free_count_ - 1]), kFrameMax);
    }

    // Sends what transmit_buffer() gave: its first `length` bytes, kFrameMin..kFrameMax. With checksum_offset != 0 the
    // device fills in a checksum; only if offers_checksum(). The driver sees it at flush() at the latest.
    void send(size_t length, uint16_t checksum_start = 0, uint16_t checksum_offset = 0) {
        const uint16_t buffer = free_[--free_count_];
        counters_.frames_out++;
        must_flush_ = true;
        put({.kind = LinkKind::kTransmit,
             .session = session_,
             .buffer = static_cast<uint16_t>(kReceiveBuffers + buffer),
             .length = static_cast<uint16_t>(length),
             .flags = static_cast<uint16_t>(checksum_offset != 0 ? kFillChecksum : 0),
             .checksum_start = checksum_start,
             .checksum_offset = checksum_offset,
             .reserved = 0});
    }

    // Lets the driver see what has been sent, and wakes it if it sleeps. What has been read it is told on that
    // occasion, or when it is worth waking it for: meanwhile it has buffers enough for all that its device takes. What
    // finds no room, because the driver has not yet noticed a restart of this side, is kept until the next flush().
    void flush() {
        if (!must_flush_ && pending_count_ < kDoneAtOnce) return;
        must_flush_ = false;
        unsigned at = 0;
        while (at < pending_count_) {
            size_t bytes = 0;
            const size_t rest = (pending_count_ - at) * sizeof(LinkDescriptor);
            const kos_status_t status = out_.write(&pending_[at], rest, &bytes);
            if (status == KOS_STATUS_PEER_GONE) continue;  // said once; of another session, the driver ignores it
            if (status == KOS_STATUS_PEER_INVALID || bytes % sizeof(LinkDescriptor) != 0) return recover();
            if (!kos_status_is_ok(status)) {
                must_flush_ = true;
                break;
            }
            at += static_cast<unsigned>(bytes / sizeof(LinkDescriptor));
        }
        pending_count_ -= at;
        if (at != 0) memmove(pending_, pending_ + at, pending_count_ * sizeof(LinkDescriptor));
    }

    // Before sleeping: 1: there is something to poll already; 0: the signal will come.
    int prepare_wait() { return in_.prepare_wait(sizeof(LinkDescriptor)); }

private:
    static constexpr unsigned kBatch = 32;
    // Read buffers that the driver may be kept waiting for. With half of them its device still has as many as it takes.
    static constexpr unsigned kDoneAtOnce = kReceiveBuffers / 8;

    void forget() {
        session_known_ = false;
        is_up_ = false;
        free_count_ = 0;
        pending_count_ = 0;
        memset(is_free_, 0, sizeof is_free_);
    }

    // The driver sees a restart and begins a session.
    void recover() {
        counters_.invalid++;
        recovered_++;
        forget();
        out_.reset();
        in_.reset();
    }

    template <typename Handler>
    void take(const LinkDescriptor& descriptor, Handler& handler) {
        if (descriptor.kind == LinkKind::kBegin) return begin(descriptor, handler);
        if (!session_known_ || descriptor.session != session_) return;
        switch (descriptor.kind) {
            case LinkKind::kReceived: return receive(descriptor, handler);
            case LinkKind::kTransmitFree: return give(descriptor);
            case LinkKind::kStatus:
                is_up_ = (descriptor.flags & kLinkUp) != 0;
                handler.link(is_up_);
                return;
            default: counters_.invalid++;
        }
    }

    template <typename Handler>
    void begin(const LinkDescriptor& descriptor, Handler& handler) {
        BeginDescriptor what;
        memcpy(&what, &descriptor, sizeof what);
        forget();
        session_known_ = true;
        session_ = what.session;
        offers_checksum_ = (what.flags & kOffersChecksum) != 0;
        counters_.sessions++;
        const uint16_t mtu = what.mtu < 1280 || what.mtu > 1500 ? 1500 : what.mtu;
        handler.begin(what.mac, mtu);
    }

    template <typename Handler>
    void receive(const LinkDescriptor& descriptor, Handler& handler) {
        if (descriptor.buffer >= kReceiveBuffers || descriptor.length < kFrameMin || descriptor.length > kFrameMax) {
            counters_.invalid++;
            return;
        }
        counters_.frames_in++;
        const auto flags = static_cast<LinkFlags>(descriptor.flags & (kChecksumGood | kChecksumPartial));
        handler.frame(area_.subspan(frame_position(descriptor.buffer), descriptor.length), flags);
        put({.kind = LinkKind::kReceiveDone,
             .session = descriptor.session,
             .buffer = descriptor.buffer,
             .length = 0,
             .flags = 0,
             .checksum_start = 0,
             .checksum_offset = 0,
             .reserved = 0});
    }

    void give(const LinkDescriptor& descriptor) {
        const unsigned index = descriptor.buffer - kReceiveBuffers;
        if (descriptor.buffer < kReceiveBuffers || index >= kTransmitBuffers || is_free_[index]) {
            counters_.invalid++;
            return;
        }
        is_free_[index] = true;
        free_[free_count_++] = static_cast<uint16_t>(index);
    }

    void put(const LinkDescriptor& descriptor) {
        // As many as there are buffers, unless the driver says twice that it has received into one.
        if (pending_count_ == kBuffers) return recover();
        if (descriptor.kind == LinkKind::kTransmit) is_free_[descriptor.buffer - kReceiveBuffers] = false;
        pending_[pending_count_++] = descriptor;
    }

    std::span<uint8_t> area_;
    Ring& in_;
    Ring& out_;
    bool session_known_ = false;
    bool is_up_ = false;
    bool offers_checksum_ = false;
    uint16_t session_ = 0;
    uint64_t recovered_ = 0;
    unsigned free_count_ = 0;
    uint16_t free_[kTransmitBuffers] = {};
    bool is_free_[kTransmitBuffers] = {};
    unsigned pending_count_ = 0;
    bool must_flush_ = false;
    LinkDescriptor pending_[kBuffers] = {};
    LinkCounters counters_;
};

}  // namespace kos::net

#endif
