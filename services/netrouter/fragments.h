/*
 * Puts fragments together (RFC 791, RFC 8200 4.5), so that rules see whole packets and no fragment ever passes by
 * itself. Bounded: so many packets at a time, so many fragments each; overlaps end the packet (RFC 5722, here for both
 * versions). The copy into here is the second copy that only fragmented packets get. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_FRAGMENTS_H_
#define KOS_SERVICES_NETROUTER_FRAGMENTS_H_

#include "connections.h"
#include "packet.h"

namespace kos::netrouter {

class Fragments {
public:
    static constexpr unsigned kMost = 8;
    static constexpr unsigned kMostOfWire = 4;
    static constexpr unsigned kMostOfLink = 2;
    static constexpr unsigned kMostPieces = 64;  // of one packet: 65535 bytes are 45 pieces of a 1500 byte way
    static constexpr uint64_t kPatienceUs = 30 * uint64_t{1000000};
    static constexpr size_t kMostHeader = 128;
    static constexpr size_t kMostBytes = 65535;

    struct Whole {
        uint8_t* bytes = nullptr;  // null: not complete. Valid until the next call
        size_t length = 0;
        size_t largest = 0;             // of the fragments, headers included
        Reason reason = Reason::kNone;  // why the packet is given up
    };

    // A fragment that parse() has found in `bytes`, which may be shared memory: its payload is copied once.
    // `header`: the private copy of its beginning.
    Whole add(const Packet& packet, const uint8_t* header, const uint8_t* bytes, Interface from, uint64_t now_us);
    // Forgets what stays incomplete; returns how many.
    unsigned expire(uint64_t now_us);

private:
    struct Slot {
        Ip source;
        Ip destination;
        uint32_t id;
        uint8_t protocol;
        Interface from;
        bool is_used;
        bool is_spoilt;  // stays until its time is over, so that what still comes of it is dropped as well
        uint64_t began_us;
        uint16_t pieces;
        uint16_t largest;
        uint16_t header_bytes;  // 0: the first fragment has not come
        uint32_t received;
        uint32_t total;                          // of the payload; 0: not known
        uint32_t furthest;                       // end of the piece that lies furthest back
        uint64_t seen[kMostBytes / 8 / 64 + 1];  // a bit for each 8 bytes
        uint8_t buffer[kMostHeader + kMostBytes + 1];
    };

    Slot* find(const Packet& packet, Interface from, uint64_t now_us);
    static bool mark(Slot& slot, size_t first, size_t end);
    static Whole finish(Slot& slot, bool is_v6);

    Slot slots_[kMost] = {};
};

}  // namespace kos::netrouter

#endif
