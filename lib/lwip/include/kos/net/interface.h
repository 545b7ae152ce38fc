/*
 * A link to somewhere else, and the network interface that lwIP sees of it.
 *
 * A link carries IP packets between this domain and one peer, as they are: no Ethernet, no ARP. What the peer sends may
 * be anything. Both classes are used by the one thread that runs the stack.
 */
#ifndef KOS_LIB_LWIP_INTERFACE_H_
#define KOS_LIB_LWIP_INTERFACE_H_

#include <lwip/netif.h>

#include <cstddef>
#include <cstdint>

namespace kos::net {

class Gathering;
class Stack;

// The Internet sum (kos/internet_sum.h) of all of a packet's bytes, if somebody has made it.
struct PacketSum {
    bool is_known = false;
    uint16_t sum = 0;
};

// What packets are sent through. Implemented over the manifest's rings (kos/net/ring_link.h), and by tests.
class Link {
public:
    enum class Sent {
        kYes,
        kFull,  // no room now: TCP keeps its segment, and Stack::poll tries again; anything else is lost
        kLost,  // nobody there, or too long
    };

    // Sends `packet`, which may be in several pieces (pbuf::next), and keeps nothing of it. `needs_checksum`: the
    // checksum of TCP is left to the other side. Never blocks.
    virtual Sent send(const pbuf& packet, bool needs_checksum) = 0;

    // After kFull: whether such a packet could be sent now.
    virtual bool has_room() = 0;

    // The length of the next packet that has arrived; 0: there is none now.
    virtual size_t next_bytes() = 0;
    // Takes it, at most `room` bytes: how long it is, or 0 if it is gone or has become longer. `verified`: whoever sent
    // it answers for the checksum of TCP or UDP in it.
    virtual size_t take(void* bytes, size_t room, bool* verified) = 0;
    // The same, by who can add while he copies; of TCP that is not `verified`. Of anything else `sum` says nothing.
    virtual size_t take_and_add(void* bytes, size_t room, bool* verified, PacketSum* sum) {
        *sum = {};
        return take(bytes, room, verified);
    }
    // Drops it.
    virtual void drop() = 0;

    // Between hold() and flush() the other side need not be woken for what is sent, taken and dropped: many packets are
    // to cost one wake-up. Who holds a link flushes it before it sleeps, whatever happens. Not nested.
    virtual void hold() {}
    virtual void flush() {}

protected:
    ~Link() = default;
};

struct InterfaceConfig {
    // Networks are point to point: the prefix only says which destinations need no gateway.
    ip4_addr_t address4{}, gateway4{};
    unsigned prefix4 = 24;
    ip6_addr_t address6{};        // any: no IPv6
    uint16_t mtu = 1500;          // 1280 to 65535
    bool leaves_checksum = true;  // of TCP: Link::send may be told so
};

struct InterfaceCounters {
    uint64_t sent_packets, sent_bytes, received_packets, received_bytes;
    uint64_t full;     // packets for which there was no room
    uint64_t lost;     // sent to nobody
    uint64_t refused;  // arrived, but not to be passed on: no IP, wrong length, impossible source, neighbour discovery
    uint64_t no_memory;
};

// Made while its Stack runs, and destroyed before it. `link` must outlive it. The first one has the default route.
class LinkInterface {
public:
    LinkInterface(Stack& stack, Link& link, const InterfaceConfig& config);
    ~LinkInterface();
    LinkInterface(const LinkInterface&) = delete;
    LinkInterface& operator=(const LinkInterface&) = delete;

    // Whether the peer is there. Down: what is sent is lost at once, and lookups of a route fail.
    void set_up(bool is_up);

    const InterfaceCounters& counters() const { return counters_; }
    netif& lwip() { return netif_; }
    // The link had no room (Link::Sent::kFull), and has not had any since, as far as the last poll knows.
    bool is_blocked() const { return blocked_; }

private:
    friend class Stack;

    static err_t init(netif* self);
    static err_t output4(netif* self, pbuf* packet, const ip4_addr_t* to);
    static err_t output6(netif* self, pbuf* packet, const ip6_addr_t* to);

    err_t output(const pbuf& packet, unsigned version);
    // At most `most` packets; how many there were.
    unsigned receive(unsigned most);
    bool receive_one(size_t bytes, Gathering& gathering);
    void deliver(pbuf* packet, uint16_t unchecked);
    void deliver(Gathering& gathering);
    bool is_acceptable(const pbuf& packet) const;

    Stack& stack_;
    Link& link_;
    netif netif_{};
    InterfaceCounters counters_{};
    LinkInterface* next_ = nullptr;
    bool leaves_checksum_;
    bool blocked_ = false;
};

}  // namespace kos::net

#endif
