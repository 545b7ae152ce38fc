// The link to the router over rings of the manifest.
#include <kos/internet_sum.h>
#include <kos/net/ring_link.h>
#include <lwip/pbuf.h>
#include <string.h>

namespace kos::net {
namespace {

constexpr uint32_t kTagChecksum = 1;

}  // namespace

kos_status_t RingLink::open(const char* out, const char* in) {
    kos_status_t status = kos_ring_open(out, &out_);
    if (!kos_status_is_ok(status)) return status;
    status = kos_ring_open(in, &in_);
    if (!kos_status_is_ok(status)) return status;
    return out_.core.is_producer && !in_.core.is_producer ? KOS_STATUS_OK : KOS_STATUS_INVALID_ARGUMENT;
}

bool RingLink::again(kos_ring_t* ring, kos_status_t status) {
    if (status == KOS_STATUS_PEER_INVALID) {
        kos_ring_reset(ring);
    } else if (status != KOS_STATUS_PEER_GONE) {
        return false;
    }
    ++resets_;
    return true;
}

Link::Sent RingLink::send(const pbuf& packet, bool needs_checksum) {
    void* payload = nullptr;
    kos_status_t status = kos_ring_reserve(&out_, packet.tot_len, &payload);
    if (again(&out_, status)) status = kos_ring_reserve(&out_, packet.tot_len, &payload);
    if (status == KOS_STATUS_FULL && out_.is_held) {
        // Perhaps only because the other side does not know yet; if it runs before us, there is room at once.
        wake();
        kos_ring_hold(&out_);
        status = kos_ring_reserve(&out_, packet.tot_len, &payload);
    }
    if (status == KOS_STATUS_FULL) {
        blocked_bytes_ = packet.tot_len;
        return Sent::kFull;
    }
    if (status != KOS_STATUS_OK) return Sent::kLost;
    pbuf_copy_partial(&packet, payload, packet.tot_len, 0);
    status = kos_ring_commit(&out_, packet.tot_len, needs_checksum ? kTagChecksum : 0);
    owes_wake_ = out_.is_held != 0;
    again(&out_, status);
    return status == KOS_STATUS_OK ? Sent::kYes : Sent::kLost;
}

bool RingLink::has_room() {
    // What is reserved and not committed is nothing.
    void* payload = nullptr;
    const kos_status_t status = kos_ring_reserve(&out_, blocked_bytes_, &payload);
    again(&out_, status);
    return status != KOS_STATUS_FULL;
}

size_t RingLink::next_bytes() {
    kos_status_t status = kos_ring_peek(&in_, &next_, &next_bytes_, &next_tag_);
    if (again(&in_, status)) status = kos_ring_peek(&in_, &next_, &next_bytes_, &next_tag_);
    if (status != KOS_STATUS_OK) next_bytes_ = 0;
    // An empty record is no packet, and must not look like an empty ring either: what comes behind it is seen next
    // time.
    if (status == KOS_STATUS_OK && next_bytes_ == 0) drop();
    return next_bytes_;
}

size_t RingLink::take(void* bytes, size_t room, bool* verified) {
    const size_t count = next_bytes_ <= room ? next_bytes_ : 0;
    if (count != 0) memcpy(bytes, next_, count);
    *verified = (next_tag_ & kTagChecksum) != 0;
    drop();
    return count;
}

size_t RingLink::take_and_add(void* bytes, size_t room, bool* verified, PacketSum* sum) {
    *sum = {};
    constexpr size_t kLeast = 40, kProtocol4 = 9, kProtocol6 = 6;
    constexpr unsigned char kTcp = 6;
    if (next_bytes_ > room || next_bytes_ < kLeast || (next_tag_ & kTagChecksum) != 0)
        return take(bytes, room, verified);
    // Only to save the sum of others: whatever it says, the sum is that of the bytes that were copied.
    const auto* const packet = static_cast<const unsigned char*>(next_);
    if (packet[packet[0] >> 4 == 6 ? kProtocol6 : kProtocol4] != kTcp) return take(bytes, room, verified);
    const size_t count = next_bytes_;
    *sum = {true, internet_sum_copy(bytes, packet, count)};
    *verified = false;
    drop();
    return count;
}

void RingLink::drop() {
    // Nothing to do about a restart of the other side meanwhile: the next peek finds it.
    (void)kos_ring_release(&in_);
    next_bytes_ = 0;
}

void RingLink::hold() {
    kos_ring_hold(&out_);
    kos_ring_hold(&in_);
}

void RingLink::flush() {
    if (!is_deferred_) wake();
    kos_ring_wake(&in_);
}

void RingLink::defer_wakes() {
    is_deferred_ = true;
    kos_ring_hold(&out_);
}

void RingLink::wake() {
    kos_ring_wake(&out_);
    owes_wake_ = false;
    if (is_deferred_) kos_ring_hold(&out_);
}

bool RingLink::prepare_sleep(bool wants_room, bool wants_packets) {
    flush();
    if (wants_packets && kos_ring_prepare_wait(&in_, 1)) return false;
    if (!wants_room) return true;
    wake();
    bool const has_room = kos_ring_prepare_wait(&out_, kos_ring_record_needs(&out_, blocked_bytes_));
    if (is_deferred_) kos_ring_hold(&out_);
    return !has_room;
}

}  // namespace kos::net
