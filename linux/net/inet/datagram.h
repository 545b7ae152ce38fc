// What UDP and raw sockets have in common: messages that wait, with what their control data says about them.
//
// What was received waits as lwIP's packet, at most SO_RCVBUF of it, and is copied to the program once; what is sent is
// copied from the program into one packet once.
#pragma once

#include "net/inet/groups.h"
#include "net/inet/socket.h"

#include <deque>

struct netif;
struct pbuf;

namespace kos::lx {

class DatagramSocket : public InetSocket {
public:
    ~DatagramSocket() override;

    Status listen(int) override { return Errno::kEOPNOTSUPP; }
    Result<Ref<Socket>> accept(SocketAddress&) override { return Errno::kEOPNOTSUPP; }
    Status connect(const SocketAddress& address, Process& process) override;
    Status shutdown(int how) override;
    Result<size_t> send(IoBuffer& from, SocketMessage& message, Process& process) override;
    Result<size_t> receive(IoBuffer& to, SocketMessage& message, Process& process) override;
    uint32_t poll() override;
    void unreachable(const kos::net::Unreachable& what) override;
    Line line() const override;
    uint64_t dropped() const { return dropped_; }

protected:
    static constexpr size_t kOverhead = 256;  // what a message is charged beyond its bytes
    static constexpr size_t kBytesMost = 65535;

    // What a message is sent with instead of the socket's own.
    struct Manner {
        Endpoint to;
        ip_addr_t source{};  // any: as the way there has it
        int interface = 0;   // 0: as the way there has it
        uint8_t ttl = 0, tos = 0;
    };

    using InetSocket::InetSocket;

    // The protocol's part. `packet` is the callee's only to read.
    virtual size_t bytes_most(const Endpoint& to) const = 0;  // kEMSGSIZE
    virtual Status transmit(pbuf* packet, const Manner& manner) = 0;
    virtual Status connect_block(const Endpoint* to) = 0;  // nullptr: AF_UNSPEC
    // Whether `what` is about something that this socket has sent.
    virtual bool has_sent(const kos::net::Unreachable& what) const = 0;
    virtual pbuf* make_packet(size_t bytes) = 0;  // nullptr: no memory
    virtual Status check_send(const Endpoint& /*to*/) const { return {}; }

    // From lwIP's callback: takes `packet` over, or frees it if there is no room.
    void received(pbuf* packet, const Endpoint& from);

    // Where a message goes out; nullptr: there is no way. `chosen`: the program's interface for this message, or 0.
    netif* interface_to(const ip_addr_t& to, int chosen) const;
    // The own address that it comes from, unless the program says so; any: there is no way.
    ip_addr_t source_to(const Endpoint& to) const;
    // To a group or a broadcast address: to each of the domain's sockets of the protocol that takes it.
    void deliver_to_all(pbuf* packet, const Manner& manner, const ip_addr_t& source, int interface);

private:
    enum class Membership : uint8_t { kJoin, kLeave, kBlock, kUnblock, kJoinSource, kLeaveSource };
    struct Message {
        pbuf* packet;
        Endpoint from;
        ip_addr_t to;
        int interface;
        uint8_t ttl, tos;
        Nanoseconds at;  // of the realtime clock
    };
    Status read_control(const SocketMessage& message, Manner& manner) const;
    std::vector<ControlMessage> control_of(const Message& message) const;
    void drop();
    void pop();
    // Tells the network if it is half empty now.
    void drained(bool at_once);
    static size_t charge(const Message& message);
    void enter(const Message& message);
    uint64_t receive_bytes() const override;

    Result<std::string> special_option(int level, int name) override;
    Status set_special_option(int level, int name, std::string_view value) override;
    Status set_membership4(Membership change, std::string_view value);
    Status set_membership(Membership change, int level, std::string_view value);
    Status change_membership(Membership change, const ip_addr_t& group, int interface, const ip_addr_t& source);
    Status set_group_interface(int level, std::string_view value);
    // kEINVAL: no group; kENODEV: no interface of that number or address, or none for groups.
    static Result<int> group_interface(int index, const ip_addr_t& address, const ip_addr_t& group);
    // Whether a message to several is for this socket, too.
    bool takes(const Endpoint& from, const Endpoint& to, int interface) const;

    Groups groups_;
    int group_interface_ = 0, group_interface6_ = 0;  // IP_MULTICAST_IF, IPV6_MULTICAST_IF; 0: as the way there has it
    uint32_t group_address_ = 0;                      // as the program has named it

    bool has_chosen_address_ = false;  // local_ has one because of connect(2) alone
    // A message that is sent in parts (MSG_MORE, UDP_CORK): what there is of it, and how the first part is to be sent.
    bool has_parts_ = false;
    std::string parts_;
    Manner parts_manner_;
    Status add_part(IoBuffer& from, size_t bytes, const Manner& manner);
    Status send_parts();
    void apply_options() override;

    std::deque<Message> messages_;
    size_t queued_ = 0;
    uint64_t dropped_ = 0;
    bool is_full_ = false;  // has dropped packets of the link, and is not half empty yet
};

}  // namespace kos::lx
