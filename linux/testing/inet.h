// Internet sockets for host tests: a World with one process, sockets as objects, the network between two such worlds.
#pragma once

#include "net/inet/network.h"
#include "net/inet/socket.h"
#include "task/current.h"
#include "testing/world.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace kos::lx::testing {

class InetWorld : public World {
public:
    InetWorld() : process(make_process()) { register_inet_sockets(); }

    Ref<Socket> socket(int family, int type, int protocol = 0) {
        auto made = make_socket(process, family, type, protocol);
        EXPECT_TRUE(made.ok()) << static_cast<int>(made.error());
        made.value()->flags |= kO_NONBLOCK;
        return made.take();
    }
    Network& network() { return Network::of(system); }

    Result<size_t> send(Socket& socket, std::string_view bytes, uint32_t flags = 0, SocketAddress to = {}) {
        SocketMessage message;
        message.flags = flags;
        message.address = std::move(to);
        return send(socket, bytes, message);
    }
    Result<size_t> send(Socket& socket, std::string_view bytes, SocketMessage& message) {
        LocalBuffer buffer(const_cast<char*>(bytes.data()), bytes.size());
        return socket.send(buffer, message, process);
    }
    Result<std::string> receive(Socket& socket, size_t most = 65536, uint32_t flags = 0) {
        SocketMessage message;
        message.flags = flags;
        return receive(socket, most, message);
    }
    Result<std::string> receive(Socket& socket, size_t most, SocketMessage& message) {
        std::string bytes(most, '\0');
        LocalBuffer buffer(bytes.data(), bytes.size());
        KOS_TRY(size_t const count, socket.receive(buffer, message, process));
        bytes.resize(std::min(count, most));
        return bytes;
    }

    Process& process;
};

inline SocketAddress address4(uint32_t host, uint16_t port) {
    Endpoint endpoint;
    endpoint.port = port;
    ip_addr_set_ip4_u32_val(endpoint.address, lwip_htonl(host));
    return write_endpoint(endpoint, kAF_INET);
}
inline SocketAddress loopback4(uint16_t port) { return address4(0x7f000001, port); }
inline SocketAddress loopback6(uint16_t port) { return write_endpoint({loopback_address(true), port}, kAF_INET6); }
inline SocketAddress any6(uint16_t port) { return write_endpoint({any_address(kAF_INET6), port}, kAF_INET6); }
inline uint16_t port_of(Socket& socket) {
    SocketAddress const address = *socket.local_address();
    return static_cast<uint16_t>(static_cast<uint8_t>(address[2]) << 8 | static_cast<uint8_t>(address[3]));
}

}  // namespace kos::lx::testing
