// What stream, datagram and raw sockets of AF_INET and AF_INET6 have in common: names, options, errors.
#pragma once

#include "net/inet/network.h"
#include "net/inet/options.h"

#include <array>

namespace kos::lx {

constexpr int kIPPROTO_IP = 0, kIPPROTO_ICMP = 1, kIPPROTO_TCP = 6, kIPPROTO_UDP = 17, kIPPROTO_IPV6 = 41,
              kIPPROTO_ICMPV6 = 58;

// Options that are a number which the socket keeps (ip(7), ipv6(7), tcp(7); options.cpp has name, range and default).
enum class Option : uint8_t {
    kTtl,
    kTypeOfService,
    kReceiveTtl,
    kReceiveTos,
    kPacketInfo,
    kReceiveError,
    kMtuDiscover,
    kMinTtl,
    kFreeBind,
    kTransparent,
    kBindNoPort,
    kMulticastTtl,
    kMulticastLoop,
    kMulticastAll,
    kReceiveOptions,
    kReturnOptions,
    kReceiveOriginal,
    kHops,
    kTrafficClass,
    kV6Only,
    kPacketInfo6,
    kReceiveHops,
    kReceiveClass,
    kReceiveError6,
    kMtuDiscover6,
    kMulticastHops,
    kMulticastLoop6,
    kDontFragment,
    kFlowInfo,
    kNoDelay,
    kCork,
    kKeepIdle,
    kKeepInterval,
    kKeepCount,
    kSynCount,
    kLinger2,
    kDeferAccept,
    kWindowClamp,
    kQuickAck,
    kUserTimeout,
    kNotSentLow,
    kDatagramCork,
    kCount,
};
constexpr size_t kOptions = static_cast<size_t>(Option::kCount);

class InetSocket : public Socket {
public:
    ~InetSocket() override;

    int family() const override { return family_; }
    int socket_type() const override { return type_; }
    int protocol() const override { return protocol_; }
    Result<SocketAddress> local_address() override;
    Result<SocketAddress> peer_address() override;
    Status set_option(int level, int name, std::string_view value) override;
    Result<std::string> option(int level, int name, size_t most) override;
    Errno take_error() override { return std::exchange(error_, Errno::kOK); }
    bool can_poll() const override { return true; }
    Result<int64_t> ioctl(Call& call, uint32_t request, uint64_t argument) override;
    Result<Attributes> attributes() override { return attributes_; }
    std::string anonymous_name() const override;

    // An ICMP error, about somebody's packet.
    virtual void unreachable(const kos::net::Unreachable&) {}

    // --- For /proc/net.
    struct Line {
        Endpoint local, remote;
        unsigned state = 7;  // as linux/tcp_states.h numbers them
        uint64_t to_send = 0, to_receive = 0;
    };
    virtual Line line() const { return {local_, remote_}; }
    const Attributes& status() const { return attributes_; }
    int transport() const { return protocol_; }

protected:
    static constexpr uint32_t kReadable = kPOLLIN | kPOLLRDNORM, kWritable = kPOLLOUT | kPOLLWRNORM | kPOLLWRBAND;

    InetSocket(Network& network, int family, int type, int protocol);

    int32_t get(Option option) const { return values_[static_cast<size_t>(option)]; }
    void set(Option option, int32_t value) { values_[static_cast<size_t>(option)] = value; }
    bool is_on(Option option) const { return get(option) != 0; }
    bool accepts_v4() const { return family_ == kAF_INET || !is_on(Option::kV6Only); }
    uint8_t ttl_for(const ip_addr_t& to) const;
    uint8_t tos_for(const ip_addr_t& to) const;
    void take_options(const InetSocket& of);  // accept(2)

    // What lwIP's control blocks are made and bound with: an unspecified IPv6 address stands for both families.
    u8_t lwip_type() const;
    ip_addr_t lwip_address(const ip_addr_t& address) const;
    // Of a destination: an unspecified one is the domain itself. kENETUNREACH: IPv4 on an IPv6-only socket; kEINVAL.
    Status check_destination(Endpoint& to) const;
    // Of connect(2): a destination. kEINVAL as well: link-local, and of no interface.
    Result<Endpoint> read_peer(const SocketAddress& address) const;
    // Of bind(2): a family's address, one of ours, a free port. kEACCES, kEADDRINUSE, kEADDRNOTAVAIL.
    Result<Endpoint> read_local(const SocketAddress& address, Process& process);
    Status check_free(const Endpoint& wanted) const;
    bool overlaps(const InetSocket& other, const Endpoint& wanted) const;
    void enter_bound(const Endpoint& local);
    void leave_bound();

    void wake(uint32_t events) { queue_.wake(events); }
    // Socket options that matter to lwIP's control block may have changed.
    virtual void apply_options() {}
    void buffers_changed() override { apply_options(); }
    virtual Status bind_interface(const netif* /*interface*/) { return Errno::kENOPROTOOPT; }
    virtual uint64_t receive_bytes() const { return 0; }              // FIONREAD
    virtual uint64_t send_bytes() const { return 0; }                 // SIOCOUTQ
    virtual uint64_t unsent_bytes() const { return 0; }               // SIOCOUTQNSD
    virtual bool is_at_mark() const { return false; }                 // SIOCATMARK
    virtual Result<std::string> special_option(int level, int name);  // kENOPROTOOPT
    virtual Status set_special_option(int level, int name, std::string_view value);
    bool has_level(int level) const;  // whether the socket has options of that level

    Network& network_;
    int const family_, type_, protocol_;
    Endpoint local_, remote_;
    bool is_bound_ = false;  // in Network::bound
    bool has_remote_ = false;
    bool is_receive_shut_ = false, is_send_shut_ = false;
    Errno error_ = Errno::kOK;
    int interface_ = 0;  // SO_BINDTODEVICE

private:
    std::array<int32_t, kOptions> values_;
    Attributes attributes_;
};

// socket(2): all types of both families.
Result<Ref<Socket>> make_inet_socket(Process& process, int family, int type, int protocol);
void register_inet_sockets();

// SIOCGIF* (netdevice(7)), which sockets of every family answer. kENOTTY: none of them.
Result<int64_t> interface_ioctl(Call& call, uint32_t request, uint64_t argument);

}  // namespace kos::lx
