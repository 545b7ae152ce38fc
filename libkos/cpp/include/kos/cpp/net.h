// The network as classes (kos/net.h): each socket has one owner, and is closed when that goes. Programs link kos_net.
//
//     KOS_TRY(kos::net_open());
//     kos::TcpConnection web = KOS_TRY(kos::TcpConnection::connect(address));
//     KOS_TRY(web.send_all(request, kos::Deadline::after_ms(2000)));
#pragma once

#include <kos/cpp/deadline.h>
#include <kos/net.h>

#include <span>
#include <utility>

namespace kos {

using NetAddress = kos_net_address_t;

inline Status net_open(const kos_net_options_t& options = {}) { return kos_net_open(&options); }

inline Result<NetAddress> net_address(const char* text, uint16_t port) {
    NetAddress address{};
    KOS_TRY(kos_net_address_parse(text, port, &address));
    return address;
}
// Any address of this domain, both versions.
inline NetAddress net_any(uint16_t port) {
    NetAddress address{};
    address.port = port;
    return address;
}
inline Result<NetAddress> net_resolve(const char* name, unsigned version, Deadline deadline) {
    NetAddress address{};
    KOS_TRY(kos_net_resolve_wait(name, version, deadline.ticks(), &address));
    return address;
}

class Socket {
public:
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    uint32_t ready() const { return kos_net_ready(socket_); }
    Status status() const { return kos_net_status(socket_); }
    Status wait(uint32_t events, Deadline deadline) { return kos_net_wait(socket_, events, deadline.ticks()); }
    // `kReady` is a member function of `object` without arguments, called as kos_net_watch says. `object` must stay
    // where it is as long as the socket does.
    template <auto kReady, typename T>
    void watch(T& object) {
        kos_net_watch(
            socket_, [](kos_net_socket_t*, void* context) { (static_cast<T*>(context)->*kReady)(); }, &object);
    }
    void unwatch() { kos_net_watch(socket_, nullptr, nullptr); }
    Result<NetAddress> local() const {
        NetAddress address{};
        KOS_TRY(kos_net_local(socket_, &address));
        return address;
    }

protected:
    explicit Socket(kos_net_socket_t* socket) : socket_(socket) {}
    Socket(Socket&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(socket_, other.socket_);
        return *this;
    }
    ~Socket() {
        if (socket_ != nullptr) kos_net_close(socket_);
    }

    kos_net_socket_t* socket_;
};

class TcpConnection : public Socket {
public:
    TcpConnection(TcpConnection&&) = default;
    TcpConnection& operator=(TcpConnection&&) = default;

    // Begins to connect; then wait for KOS_NET_WRITABLE.
    static Result<TcpConnection> begin(const NetAddress& to) {
        kos_net_socket_t* socket = nullptr;
        KOS_TRY(kos_net_tcp_connect(&to, &socket));
        return TcpConnection(socket);
    }
    // Connected, or why not.
    static Result<TcpConnection> connect(const NetAddress& to, Deadline deadline) {
        TcpConnection made = KOS_TRY(begin(to));
        KOS_TRY(made.wait(KOS_NET_WRITABLE, deadline));
        KOS_TRY(made.status());
        return made;
    }

    // How many bytes there was room for.
    Result<size_t> send(std::span<const unsigned char> bytes) {
        size_t done = 0;
        KOS_TRY(kos_net_tcp_send(socket_, bytes.data(), bytes.size(), &done));
        return done;
    }
    // Waits for room as often as it takes. After a TIMEOUT a part of it may have been sent.
    Status send_all(std::span<const unsigned char> bytes, Deadline deadline) {
        while (!bytes.empty()) {
            const Result<size_t> done = send(bytes);
            if (done.ok()) {
                bytes = bytes.subspan(done.value());
            } else if (done.status() == KOS_STATUS_FULL) {
                KOS_TRY(wait(KOS_NET_WRITABLE, deadline));
            } else {
                return done.status();
            }
        }
        return KOS_STATUS_OK;
    }
    // How many bytes have arrived; 0: the peer has finished.
    Result<size_t> receive(std::span<unsigned char> buffer) {
        size_t done = 0;
        KOS_TRY(kos_net_tcp_receive(socket_, buffer.data(), buffer.size(), &done));
        return done;
    }
    // The same, waiting until there is something.
    Result<size_t> receive(std::span<unsigned char> buffer, Deadline deadline) {
        KOS_TRY(wait(KOS_NET_READABLE, deadline));
        return receive(buffer);
    }
    Status finish() { return kos_net_tcp_finish(socket_); }
    Status no_delay(bool enable) { return kos_net_tcp_no_delay(socket_, enable); }
    Status keep_alive(unsigned idle_s, unsigned interval_s, unsigned count) {
        return kos_net_tcp_keep_alive(socket_, idle_s, interval_s, count);
    }
    // Drops everything and resets the peer.
    void abort() && { kos_net_abort(std::exchange(socket_, nullptr)); }
    Result<NetAddress> peer() const {
        NetAddress address{};
        KOS_TRY(kos_net_peer(socket_, &address));
        return address;
    }

private:
    friend class TcpListener;
    explicit TcpConnection(kos_net_socket_t* socket) : Socket(socket) {}
};

class TcpListener : public Socket {
public:
    TcpListener(TcpListener&&) = default;
    TcpListener& operator=(TcpListener&&) = default;

    static Result<TcpListener> open(const NetAddress& at, unsigned backlog = 16) {
        kos_net_socket_t* socket = nullptr;
        KOS_TRY(kos_net_tcp_listen(&at, backlog, &socket));
        return TcpListener(socket);
    }
    // EMPTY.
    Result<TcpConnection> accept() {
        kos_net_socket_t* socket = nullptr;
        KOS_TRY(kos_net_tcp_accept(socket_, &socket));
        return TcpConnection(socket);
    }

private:
    explicit TcpListener(kos_net_socket_t* socket) : Socket(socket) {}
};

class UdpSocket : public Socket {
public:
    UdpSocket(UdpSocket&&) = default;
    UdpSocket& operator=(UdpSocket&&) = default;

    static Result<UdpSocket> open(const NetAddress& at) {
        kos_net_socket_t* socket = nullptr;
        KOS_TRY(kos_net_udp_open(&at, &socket));
        return UdpSocket(socket);
    }
    Status send(const NetAddress& to, std::span<const unsigned char> bytes) {
        return kos_net_udp_send(socket_, &to, bytes.data(), bytes.size());
    }
    struct Datagram {
        std::span<unsigned char> payload;  // in the buffer
        NetAddress from;
    };
    // EMPTY; INVALID_ARGUMENT: it is longer than the buffer, and stays.
    Result<Datagram> receive(std::span<unsigned char> buffer) {
        size_t count = 0;
        NetAddress from{};
        KOS_TRY(kos_net_udp_receive(socket_, buffer.data(), buffer.size(), &count, &from));
        return Datagram{buffer.first(count), from};
    }

private:
    explicit UdpSocket(kos_net_socket_t* socket) : Socket(socket) {}
};

}  // namespace kos
