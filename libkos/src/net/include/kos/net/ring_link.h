/*
 * The link to the router: two rings of the manifest, whose records are IP packets; bit 0 of a record's tag says that
 * the checksum of TCP or UDP is the business of those behind (out), or has been looked after (in).
 *
 * The other side may be restarted at any time, and what it writes may be anything: a ring that it has broken begins
 * anew.
 */
#ifndef KOS_LIBKOS_SRC_NET_RING_LINK_H_
#define KOS_LIBKOS_SRC_NET_RING_LINK_H_

#include <kos/net/interface.h>
#include <kos/ring.h>

namespace kos::net {

class RingLink final : public Link {
public:
    // Once, before anything else. NOT_FOUND; INVALID_ARGUMENT: a ring has the other direction.
    kos_status_t open(const char* out, const char* in);

    Sent send(const pbuf& packet, bool needs_checksum) override;
    bool has_room() override;
    size_t next_bytes() override;
    size_t take(void* bytes, size_t room, bool* verified) override;
    size_t take_and_add(void* bytes, size_t room, bool* verified, PacketSum* sum) override;
    void drop() override;
    void hold() override;
    void flush() override;

    // From now on flush() leaves the other side asleep until wake(): for who knows that more is to come. He must come
    // to wake() soon whatever happens, as long as owes_wake().
    void defer_wakes();
    // Something may have happened that the other side sleeps for.
    bool owes_wake() const { return owes_wake_ || out_.core.must_wake; }
    void wake();

    // Bits of the domain's notification.
    uint64_t signals() const { return out_.signal | in_.signal; }
    // Before sleeping, which it makes safe: it flushes first (and wakes the other side if it wants room). `wants_room`:
    // something waits to be sent (LinkInterface::is_blocked). `wants_packets`: else those that arrive are not told of.
    // False: there is something to do; true: signals() will tell.
    bool prepare_sleep(bool wants_room, bool wants_packets = true);
    // Times that the other side began anew, or had to.
    uint64_t resets() const { return resets_; }

private:
    // After an operation on `ring`: whether it should be tried once more.
    bool again(kos_ring_t* ring, kos_status_t status);

    kos_ring_t out_{};
    kos_ring_t in_{};
    // The packet that next_bytes() has looked at, in memory that the other side can still change: copied before it is
    // read.
    const void* next_ = nullptr;
    size_t next_bytes_ = 0;
    uint32_t next_tag_ = 0;
    uint64_t resets_ = 0;
    size_t blocked_bytes_ = 0;  // packet for which there was no room
    bool is_deferred_ = false;  // out_ is always held then
    bool owes_wake_ = false;
};

}  // namespace kos::net

#endif
