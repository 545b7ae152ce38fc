// AF_NETLINK with NETLINK_ROUTE (netlink(7), rtnetlink(7)): programs may ask which links, addresses and routes there
// are (getifaddrs(3), if_nameindex(3), ip), not change them. Nothing is ever announced, since nothing changes by
// itself.
#pragma once

#include "net/socket.h"

#include <deque>

namespace kos::lx {

class System;

class NetlinkSocket final : public Socket {
public:
    static constexpr size_t kAnswersMax = 64;  // that wait; a request beyond is refused with kENOBUFS

    explicit NetlinkSocket(System& system, int type);
    ~NetlinkSocket() override;

    int family() const override { return kAF_NETLINK; }
    int socket_type() const override { return type_; }
    int protocol() const override { return 0; }
    Status bind(const SocketAddress& address, Process& process) override;
    Status connect(const SocketAddress& address, Process& process) override;
    Status listen(int) override { return Errno::kEOPNOTSUPP; }
    Result<Ref<Socket>> accept(SocketAddress&) override { return Errno::kEOPNOTSUPP; }
    Status shutdown(int) override { return Errno::kEOPNOTSUPP; }
    Result<size_t> send(IoBuffer& from, SocketMessage& message, Process& process) override;
    Result<size_t> receive(IoBuffer& to, SocketMessage& message, Process& process) override;
    Result<SocketAddress> local_address() override;
    Result<SocketAddress> peer_address() override;
    Status set_option(int level, int name, std::string_view value) override;
    Result<std::string> option(int level, int name, size_t most) override;

    uint32_t poll() override;
    bool can_poll() const override { return true; }
    Result<int64_t> ioctl(Call& call, uint32_t request, uint64_t argument) override;
    Result<Attributes> attributes() override { return attributes_; }
    std::string anonymous_name() const override;

    // A packet of the system's own (mq_notify(3)); lost if too many wait.
    void deliver(std::string packet);

private:
    void choose_port(Process& process);

    System& system_;
    int const type_;
    uint32_t port_ = 0;  // nl_pid; 0: none yet
    uint32_t groups_ = 0;
    std::deque<std::string> answers_;
    Attributes attributes_;
};

Result<Ref<Socket>> make_netlink_socket(Process& process, int type, int protocol);

}  // namespace kos::lx
