// Two domains' stacks with a link between them: each in a process of its own, since lwIP is one per program. Packets
// are datagrams of a local socket; some are lost.
#include "testing/inet.h"

#include <errno.h>
#include <lwip/pbuf.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <functional>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr uint32_t kFirst = 0x0a4e0102, kSecondAddress = 0x0a4e0202, kGateway = 0x0a4e0101;
constexpr uint16_t kPort = 4000;

Nanoseconds real_time() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * kSecond + now.tv_nsec;
}

class SocketLink final : public kos::net::Link {
public:
    SocketLink(int fd, unsigned loses_one_in) : fd_(fd), loses_(loses_one_in) {}

    Sent send(const pbuf& packet, bool) override {
        std::string bytes(packet.tot_len, '\0');
        pbuf_copy_partial(&packet, bytes.data(), packet.tot_len, 0);
        random_ = random_ * 6364136223846793005u + 1442695040888963407u;
        if (loses_ && (random_ >> 33) % loses_ == 0) return Sent::kYes;
        if (::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Sent::kYes;
        return errno == EAGAIN ? Sent::kFull : Sent::kYes;  // a wire with nobody at its other end takes everything
    }
    bool has_room() override {
        pollfd wait{fd_, POLLOUT, 0};
        return ::poll(&wait, 1, 0) > 0;
    }
    size_t next_bytes() override {
        ssize_t const bytes = recv(fd_, nullptr, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
        return bytes > 0 ? static_cast<size_t>(bytes) : 0;
    }
    size_t take(void* bytes, size_t room, bool* verified) override {
        *verified = false;
        ssize_t const got = recv(fd_, bytes, room, MSG_DONTWAIT);
        return got > 0 ? static_cast<size_t>(got) : 0;
    }
    void drop() override { (void)recv(fd_, nullptr, 0, MSG_DONTWAIT); }

private:
    int fd_;
    unsigned loses_;
    uint64_t random_ = 42;
};

// One end, in real time.
struct End {
    InetWorld world;
    SocketLink link;
    int fd;

    End(int fd_of_link, uint32_t address, unsigned loses) : link(fd_of_link, loses), fd(fd_of_link) {
        world.time.now = real_time();
        kos::net::InterfaceConfig config;
        ip4_addr_set_u32(&config.address4, lwip_htonl(address));
        ip4_addr_set_u32(&config.gateway4, lwip_htonl(kGateway));
        config.leaves_checksum = false;
        world.network().attach(link, config, nullptr);
    }
    bool until(const std::function<bool()>& done, Nanoseconds limit = 60 * kSecond) {
        Nanoseconds const end = real_time() + limit;
        while (!done()) {
            if (real_time() > end) return false;
            pollfd wait{fd, POLLIN, 0};
            (void)::poll(&wait, 1, 5);
            world.time.now = real_time();
            world.system.timers.expire();
            world.network().run();
        }
        return true;
    }
};

// Runs `child` at the second address in a process of its own, `parent` at the first one.
void two(unsigned loses, const std::function<bool(End&)>& child, const std::function<void(End&)>& parent) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    pid_t const pid = fork();
    if (pid == 0) {
        close(fds[0]);
        bool good;
        {
            End end(fds[1], kSecondAddress, loses);
            good = child(end);
        }
        _exit(good ? 0 : 1);
    }
    close(fds[1]);
    {
        End end(fds[0], kFirst, loses);
        parent(end);
    }
    close(fds[0]);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

// Until the other side listens.
bool connect(End& end, Ref<Socket>& socket) {
    for (unsigned tries = 0; tries < 1000; ++tries) {
        socket = end.world.socket(kAF_INET, kSOCK_STREAM);
        (void)socket->connect(address4(kSecondAddress, kPort), end.world.process);
        if (!end.until([&] { return (socket->poll() & (kPOLLOUT | kPOLLERR)) != 0; })) return false;
        Errno const error = socket->take_error();
        if (error != Errno::kECONNREFUSED) return error == Errno::kOK;
    }
    return false;
}

// Sends back what it gets, until the other side ends.
bool echo(End& end) {
    InetWorld& world = end.world;
    Ref<Socket> const listener = world.socket(kAF_INET, kSOCK_STREAM);
    if (!listener->bind(address4(0, kPort), world.process).ok() || !listener->listen(5).ok()) return false;
    SocketAddress peer;
    if (!end.until([&] { return (listener->poll() & kPOLLIN) != 0; })) return false;
    auto accepted = listener->accept(peer);
    if (!accepted.ok()) return false;
    Socket& socket = **accepted;
    socket.flags |= kO_NONBLOCK;
    std::string waiting;
    bool is_over = false;
    bool const good = end.until([&] {
        if (!is_over && waiting.size() < 100'000) {
            auto const got = world.receive(socket, 100'000);
            if (got.ok()) {
                is_over = got->empty();
                waiting += *got;
            }
        }
        if (!waiting.empty()) {
            auto const sent = world.send(socket, waiting);
            if (sent.ok()) waiting.erase(0, *sent);
        }
        return is_over && waiting.empty();
    });
    if (!socket.shutdown(1).ok()) return false;
    // What is lost of the end is sent again.
    (void)end.until([] { return false; }, 3 * kSecond);
    return good;
}

void exchange(unsigned loses, size_t total) {
    two(loses, echo, [&](End& end) {
        InetWorld& world = end.world;
        Ref<Socket> socket;
        ASSERT_TRUE(connect(end, socket));
        size_t sent = 0, received = 0;
        bool is_shut = false, is_over = false, is_right = true;
        EXPECT_TRUE(end.until([&] {
            while (sent < total) {
                std::string piece(std::min<size_t>(10'000, total - sent), '\0');
                for (size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<char>((sent + i) * 131 >> 3);
                auto const moved = world.send(*socket, piece);
                if (!moved.ok()) break;
                sent += *moved;
            }
            if (sent == total && !is_shut) is_shut = socket->shutdown(1).ok();
            while (!is_over) {
                auto const got = world.receive(*socket, 100'000);
                if (!got.ok()) break;
                is_over = got->empty();
                for (char const byte : *got) is_right &= byte == static_cast<char>(received++ * 131 >> 3);
            }
            return is_over;
        }));
        EXPECT_EQ(received, total);
        EXPECT_TRUE(is_right);
        EXPECT_GT(world.network().interfaces()[1].counters.received_bytes, total);
    });
}

TEST(Link, BytesBothWays) { exchange(0, 3'000'000); }
TEST(Link, SomePacketsAreLost) { exchange(20, 300'000); }

TEST(Link, RefusedAndUnreachable) {
    two(
        0,
        [](End& end) {
            (void)end.until([] { return false; }, kSecond / 2);
            return true;
        },
        [](End& end) {
            InetWorld& world = end.world;
            Ref<Socket> const stream = world.socket(kAF_INET, kSOCK_STREAM);
            EXPECT_EQ(stream->connect(address4(kSecondAddress, 9), world.process).error(), Errno::kEINPROGRESS);
            EXPECT_TRUE(end.until([&] { return (stream->poll() & kPOLLERR) != 0; }));
            EXPECT_EQ(stream->take_error(), Errno::kECONNREFUSED);
            Ref<Socket> const datagram = world.socket(kAF_INET, kSOCK_DGRAM);
            EXPECT_TRUE(datagram->connect(address4(kSecondAddress, 9), world.process).ok());
            EXPECT_EQ(*world.send(*datagram, "x"), 1u);
            EXPECT_TRUE(end.until([&] { return (datagram->poll() & kPOLLERR) != 0; }));
            EXPECT_EQ(datagram->take_error(), Errno::kECONNREFUSED);
            EXPECT_EQ(port_of(*datagram) == 0, false);
            // The own address stays inside.
            Ref<Socket> const own = world.socket(kAF_INET, kSOCK_DGRAM);
            EXPECT_TRUE(own->bind(address4(kFirst, 0), world.process).ok());
            EXPECT_EQ(*world.send(*own, "to myself", 0, *own->local_address()), 9u);
            EXPECT_EQ(*world.receive(*own), "to myself");
        });
}

// A peer that is no longer there costs nothing but time: the connection ends with an error.
TEST(Link, PeerDies) {
    two(
        0,
        [](End& end) {
            InetWorld& world = end.world;
            Ref<Socket> const listener = world.socket(kAF_INET, kSOCK_STREAM);
            if (!listener->bind(address4(0, kPort), world.process).ok() || !listener->listen(5).ok()) return false;
            if (!end.until([&] { return (listener->poll() & kPOLLIN) != 0; })) return false;
            _exit(0);  // without a word
        },
        [](End& end) {
            InetWorld& world = end.world;
            Ref<Socket> socket;
            ASSERT_TRUE(connect(end, socket));
            for (int const name : {4, 5, 6}) ASSERT_TRUE(socket->set_option(kIPPROTO_TCP, name, int_option(3)).ok());
            // The clock is virtual from here on: a peer that is only slow would answer some probes, whenever it likes.
            ASSERT_TRUE(end.until([&] {
                pollfd wait{end.fd, 0, 0};
                return ::poll(&wait, 1, 0) > 0 && (wait.revents & POLLHUP) != 0;
            }));
            ASSERT_TRUE(socket->set_option(kSOL_SOCKET, kSO_KEEPALIVE, int_option(1)).ok());
            for (unsigned i = 0; i < 400 && !(socket->poll() & kPOLLERR); ++i) world.pass(kSecond / 20);
            EXPECT_EQ(socket->take_error(), Errno::kETIMEDOUT);
        });
}

}  // namespace
