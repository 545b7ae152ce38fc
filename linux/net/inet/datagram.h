// What UDP and raw sockets have in common: messages that wait, with what their control data says about them.
//
// What was received waits as lwIP's packet, at most SO_RCVBUF of it, and is copied to the program once; what is sent is
// copied from the program into one packet once.
#pragma once

#include "net/inet/socket.h"

#include <deque>

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

private:
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
    size_t charge(const Message& message) const;
    uint64_t receive_bytes() const override;

    bool has_chosen_address_ = false;  // local_ has one because of connect(2) alone
    std::deque<Message> messages_;
    size_t queued_ = 0;
    uint64_t dropped_ = 0;
    bool is_full_ = false;  // has dropped packets of the link, and is not half empty yet
};

}  // namespace kos::lx
