/*
 * The wire of the test: the driver's side of net_link.h without a device, and packets made and read here.
 */
#ifndef KOS_TESTS_SYSTEM_NET_ROUTER_WIRE_H_
#define KOS_TESTS_SYSTEM_NET_ROUTER_WIRE_H_

#include <kos/ring.h>

#include "ip.h"
#include "net_link.h"

namespace kos::test {

using netrouter::Ip;
using netrouter::ip4;
using netrouter::load16;
using netrouter::load32;
using netrouter::store16;
using netrouter::store32;

constexpr netrouter::Mac kRouterMac{0x525400123456};
constexpr netrouter::Mac kWorldMac{0x525500000002};
constexpr Ip kUplink = ip4(10, 0, 2, 15);

// A packet, or a frame.
struct Buffer {
    size_t size = 0;
    alignas(8) uint8_t bytes[2048];
    bool empty() const { return size == 0; }
};

class Wire {
public:
    // Ends the domain if the ring is not there.
    void open();
    // Tells the router about a frame with this packet, or this whole frame.
    void send(const Buffer& packet);
    void send_frame(const uint8_t* frame, size_t bytes);
    // The next IP packet that the router has sent; false if there is none within `patience_us`. Answers ARP by itself.
    bool receive(Buffer& packet, uint64_t patience_us = 300000);
    // Takes what is there and forgets it.
    void drain();

    unsigned sessions = 0;
    unsigned questions = 0;  // of ARP that were answered

private:
    void begin();
    void put(const net::LinkDescriptor& descriptor);
    bool poll(Buffer& packet);
    bool take(const net::LinkDescriptor& descriptor, Buffer& packet);

    kos_ring_memory_t area_;
    kos_ring_t in_;   // from the router
    kos_ring_t out_;  // to it
    uint16_t session_ = 0;
    bool is_free_[net::kReceiveBuffers] = {};
};

// Packets over IPv4 with right checksums.
void make_udp(Buffer& out, const Ip& source, uint16_t source_port, const Ip& destination, uint16_t destination_port,
              const void* payload, size_t bytes);
void make_tcp(Buffer& out, const Ip& source, uint16_t source_port, const Ip& destination, uint16_t destination_port,
              uint8_t flags, size_t payload_bytes = 0);
void make_echo(Buffer& out, const Ip& source, const Ip& destination, uint16_t id);
// Whether all checksums are right.
bool is_intact(const Buffer& packet);

inline Ip source_of(const Buffer& packet) { return netrouter::load_ip4(packet.bytes + 12); }
inline Ip destination_of(const Buffer& packet) { return netrouter::load_ip4(packet.bytes + 16); }
inline uint16_t source_port_of(const Buffer& packet) { return load16(packet.bytes + 20); }
inline uint16_t destination_port_of(const Buffer& packet) { return load16(packet.bytes + 22); }

}  // namespace kos::test

#endif
