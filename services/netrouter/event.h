/*
 * Why a packet went nowhere, and the record of it.
 */
#ifndef KOS_SERVICES_NETROUTER_EVENT_H_
#define KOS_SERVICES_NETROUTER_EVENT_H_

#include "ip.h"

namespace kos::netrouter {

// The same numbers as NetStatus.Reason in idl/net.capnp.
enum class Reason : uint8_t {
    kNone,          // it goes on
    kMalformed,     // lengths, header checksum, fields that no sender may send
    kOption,        // an IP option or extension header that is not let through
    kSpoofed,       // a source address that the sender does not have
    kNeighbour,     // neighbour discovery or router messages over a private link
    kDestination,   // to an address that nobody can have, or that is not ours
    kProtocol,      // neither TCP, UDP nor ICMP, or a message of ICMP that is not let through
    kRule,          // no rule allows it
    kListen,        // another domain that does not take it
    kName,          // a name that no rule allows to be looked up
    kRate,          // above the rate of the rule
    kNoConnection,  // belongs to no connection and begins none
    kTable,         // no room for another connection
    kFragments,     // overlaps, too many, too small, or never complete
    kTooBig,        // beyond what the way takes
    kExpired,       // its hops are used up
    kUnreachable,   // no uplink, no route, or the next hop does not answer
    kFull,          // the receiver does not take its packets
    kIgnored,       // background of a network that is nobody's fault: other protocols, other machines' broadcasts
};
constexpr unsigned kReasons = 19;

// Whether a refusal is evidence that is recorded, or only counted.
constexpr bool is_denial(Reason reason) {
    switch (reason) {
        case Reason::kMalformed:
        case Reason::kOption:
        case Reason::kSpoofed:
        case Reason::kNeighbour:
        case Reason::kDestination:
        case Reason::kProtocol:
        case Reason::kRule:
        case Reason::kListen:
        case Reason::kName:
        case Reason::kRate:
        case Reason::kTable:
        case Reason::kFragments: return true;
        default: return false;
    }
}

const char* name_of(Reason reason);

constexpr size_t kDenialNameBytes = 64;

struct Denial {
    uint64_t sequence = 0;
    uint64_t time_us = 0;
    Ip source;
    Ip destination;
    uint16_t source_port = 0;
    uint16_t destination_port = 0;
    uint8_t domain = 0;  // whose link; 0: none could be told
    uint8_t protocol = 0;
    Reason reason = Reason::kNone;
    bool is_inbound = false;           // from the wire; else from the domain
    char name[kDenialNameBytes] = {};  // kName: what was asked for
};

}  // namespace kos::netrouter

#endif
