/*
 * Segments of one connection that arrive one right after the other become one packet, so that lwIP, the program and the
 * acknowledgements deal with it once. Used by LinkInterface for what is there in one go: nothing waits for more.
 */
#ifndef KOS_LIB_LWIP_GATHER_H_
#define KOS_LIB_LWIP_GATHER_H_

#include <kos/net/interface.h>
#include <lwip/pbuf.h>

#include <cstdint>

namespace kos::net {

// Where things are in a packet that may be gathered.
struct Segment {
    uint16_t transport;  // offset of the TCP header
    uint16_t data;       // offset of the data
    uint16_t data_bytes;
    uint32_t sequence;
    bool is_v6;
};

// Whether `packet`, which is in one piece, is a TCP segment with data and nothing else out of the ordinary: no IP or
// TCP options, no fragment, no flags but ACK and PSH, lengths that agree. With `checks`, its checksums must be right,
// too. What is not is lwIP's to judge.
bool read_segment(const pbuf& packet, bool checks, Segment& segment, const PacketSum& sum = {});

class Gathering {
public:
    bool is_empty() const { return first_ == nullptr; }
    // Takes the packet, and makes it part of what is there. False: it does not continue that, and stays the caller's.
    bool add(pbuf* packet, const Segment& segment);
    // What is there as one packet, the caller's now; its checksums are not those of the whole. Null: nothing.
    pbuf* finish();
    // The first packet that is there, as it was. Null: nothing.
    pbuf* take();
    // Whether there are several, of which the first one begins where the data that a connection has end. Only those may
    // become one: of what comes behind a gap, each packet is told of, which is how the sender finds the gap.
    bool is_next_of_connection() const;

private:
    pbuf* first_ = nullptr;
    pbuf* last_ = nullptr;
    Segment head_{};  // of the first one
    uint32_t next_sequence_ = 0;
    uint32_t bytes_ = 0;  // of the whole, with the headers
};

}  // namespace kos::net

#endif
