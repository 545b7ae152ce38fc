/*
 * A link for unit tests that connects a stack with itself: what it sends to the peer's address comes back as if the
 * peer had sent it. Swapping source and destination changes no checksum, so a client and a server in one stack talk
 * through everything that is between two machines, and packets can be lost, doubled, delayed and changed on the way.
 */
#ifndef KOS_LIB_LWIP_TESTING_MIRROR_LINK_H_
#define KOS_LIB_LWIP_TESTING_MIRROR_LINK_H_

#include <kos/net/interface.h>
#include <lwip/pbuf.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <random>
#include <vector>

namespace kos::net::testing {

struct Packet {
    std::vector<uint8_t> bytes;
    bool needs_checksum = false;
    uint32_t due_ms = 0;
};

inline void swap_addresses(std::vector<uint8_t>& bytes) {
    const bool is_v6 = bytes[0] >> 4 == 6;
    const size_t at = is_v6 ? 8 : 12;
    const size_t length = is_v6 ? 16 : 4;
    std::swap_ranges(bytes.begin() + at, bytes.begin() + at + length, bytes.begin() + at + length);
}

class MirrorLink final : public Link {
public:
    explicit MirrorLink(const uint32_t& now_ms) : now_ms_(now_ms) {}

    Sent send(const pbuf& packet, bool needs_checksum) override {
        if (is_gone) return Sent::kLost;
        if (queue.size() >= room) return Sent::kFull;
        Packet copy{.bytes = std::vector<uint8_t>(packet.tot_len), .needs_checksum = needs_checksum};
        pbuf_copy_partial(&packet, copy.bytes.data(), packet.tot_len, 0);
        sent.push_back(copy);
        if (sent.size() > kRemembered) sent.pop_front();
        if (!mirrors) return Sent::kYes;
        swap_addresses(copy.bytes);
        copy.due_ms = now_ms_ + delay_ms + (jitter_ms ? random() % jitter_ms : 0);
        if (random() % 1000 < loss_permille) return Sent::kYes;
        if (change) change(copy);
        if (random() % 1000 < doubled_permille) insert(copy);
        insert(std::move(copy));
        return Sent::kYes;
    }
    bool has_room() override { return queue.size() < room; }
    size_t next_bytes() override {
        return queue.empty() || int32_t(now_ms_ - queue.front().due_ms) < 0 ? 0 : queue.front().bytes.size();
    }
    size_t take(void* bytes, size_t count, bool* verified) override {
        const Packet packet = std::move(queue.front());
        queue.pop_front();
        std::memcpy(bytes, packet.bytes.data(), std::min(count, packet.bytes.size()));
        *verified = packet.needs_checksum;
        return packet.bytes.size();
    }
    void drop() override { queue.pop_front(); }

    void inject(std::vector<uint8_t> bytes, bool verified = false) {
        insert({.bytes = std::move(bytes), .needs_checksum = verified, .due_ms = now_ms_});
    }

    static constexpr size_t kRemembered = 64;
    std::deque<Packet> queue;  // by time
    std::deque<Packet> sent;   // the last ones, as they were sent
    std::function<void(Packet&)> change;
    std::mt19937 random{1};
    size_t room = 1000;
    uint32_t delay_ms = 0, jitter_ms = 0;
    unsigned loss_permille = 0, doubled_permille = 0;
    bool mirrors = true, is_gone = false;

private:
    void insert(Packet packet) {
        const auto later = [](const Packet& a, const Packet& b) { return int32_t(a.due_ms - b.due_ms) < 0; };
        queue.insert(std::upper_bound(queue.begin(), queue.end(), packet, later), std::move(packet));
    }

    const uint32_t& now_ms_;
};

}  // namespace kos::net::testing

#endif
