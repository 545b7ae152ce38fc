// The multicast groups that a datagram socket has joined, and whose messages of them it takes: RFC 3376, RFC 3678,
// ip(7), ipv6(7). No packets: the domain's own sockets are all that a group reaches.
#pragma once

#include "net/inet/address.h"

#include <vector>

namespace kos::lx {

bool is_multicast(const ip_addr_t& address);

class Groups {
public:
    static constexpr size_t kMost = 20, kSourcesMost = 10;  // net.ipv4.igmp_max_memberships, igmp_max_msf

    // kEADDRINUSE: it is in it; kENOBUFS: too many.
    Status join(const ip_addr_t& group, int interface);
    // kEADDRNOTAVAIL: it is not in it.
    Status leave(const ip_addr_t& group, int interface);
    // All but `source` (block), or again that as well. kEINVAL: not a member, or of some sources only; kEADDRNOTAVAIL:
    // it is so already; kENOBUFS: too many.
    Status block(const ip_addr_t& group, int interface, const ip_addr_t& source);
    Status unblock(const ip_addr_t& group, int interface, const ip_addr_t& source);
    // Some sources only. kEINVAL: a member for all; kEADDRNOTAVAIL: it is so already, or not so; kENOBUFS.
    Status join_source(const ip_addr_t& group, int interface, const ip_addr_t& source);
    Status leave_source(const ip_addr_t& group, int interface, const ip_addr_t& source);

    bool has(const ip_addr_t& group, int interface) const { return find(group, interface) != nullptr; }
    // Whether the socket gets a message. `takes_all`: IP_MULTICAST_ALL, also those of groups that only others are in.
    bool admits(const ip_addr_t& group, int interface, const ip_addr_t& source, bool takes_all) const;

private:
    struct Member {
        ip_addr_t group;
        int interface;
        bool is_of_sources;  // those of `sources` alone; else all but those
        std::vector<ip_addr_t> sources;
    };
    const Member* find(const ip_addr_t& group, int interface) const;
    Member* find(const ip_addr_t& group, int interface);
    void drop(const Member* member);
    static Status add(Member& member, const ip_addr_t& source);
    static Status remove(Member& member, const ip_addr_t& source);

    std::vector<Member> members_;
};

}  // namespace kos::lx
