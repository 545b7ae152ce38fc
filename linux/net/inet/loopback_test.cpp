// Internet sockets of one domain among themselves, with virtual time.
#include "testing/inet.h"

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr Nanoseconds kMillisecond = 1'000'000, kSecond = 1'000'000'000;
constexpr int kTcpNoDelay = 1, kTcpInfo = 11, kV6Only = 26;

struct Loopback : ::testing::Test {
    InetWorld world;

    struct Pair {
        Ref<Socket> listener, client, server;
    };
    Ref<Socket> listener(int family = kAF_INET, int backlog = 16) {
        Ref<Socket> const socket = world.socket(family, kSOCK_STREAM);
        auto const address = family == kAF_INET ? loopback4(0) : any6(0);
        EXPECT_TRUE(socket->bind(address, world.process).ok());
        EXPECT_TRUE(socket->listen(backlog).ok());
        return socket;
    }
    Pair connect() {
        Pair pair;
        pair.listener = listener();
        pair.client = world.socket(kAF_INET, kSOCK_STREAM);
        EXPECT_EQ(pair.client->connect(loopback4(port_of(*pair.listener)), world.process).error(), Errno::kEINPROGRESS);
        SocketAddress peer;
        auto accepted = pair.listener->accept(peer);
        EXPECT_TRUE(accepted.ok());
        pair.server = accepted.take();
        pair.server->flags |= kO_NONBLOCK;
        return pair;
    }
    static int32_t number(Socket& socket, int level, int name) { return *option_int(*socket.option(level, name, 4)); }
};

TEST_F(Loopback, ConnectAcceptAndNames) {
    Ref<Socket> const listening = listener();
    EXPECT_EQ(listening->poll(), 0u);
    Ref<Socket> const client = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_EQ(client->poll() & (kPOLLOUT | kPOLLHUP), kPOLLOUT | kPOLLHUP);
    EXPECT_EQ(client->connect(loopback4(port_of(*listening)), world.process).error(), Errno::kEINPROGRESS);
    EXPECT_TRUE(client->poll() & kPOLLOUT);
    EXPECT_EQ(client->take_error(), Errno::kOK);
    EXPECT_EQ(client->connect(loopback4(1), world.process).error(), Errno::kEISCONN);
    EXPECT_TRUE(listening->poll() & kPOLLIN);
    SocketAddress peer;
    auto const server = listening->accept(peer);
    ASSERT_TRUE(server.ok());
    EXPECT_EQ(peer, *client->local_address());
    EXPECT_EQ(*(*server)->peer_address(), peer);
    EXPECT_EQ(*(*server)->local_address(), *listening->local_address());
    EXPECT_EQ(*client->peer_address(), *listening->local_address());
    EXPECT_EQ(listening->accept(peer).error(), Errno::kEAGAIN);
    EXPECT_EQ(listening->peer_address().error(), Errno::kENOTCONN);
}

TEST_F(Loopback, BytesBothWaysPeekAndTruncate) {
    Pair const pair = connect();
    EXPECT_EQ(*world.send(*pair.client, "hello world"), 11u);
    EXPECT_EQ(*world.receive(*pair.server, 5, kMSG_PEEK), "hello");
    EXPECT_EQ(*world.receive(*pair.server, 6), "hello ");
    EXPECT_TRUE(world.receive(*pair.server, 2, kMSG_TRUNC).ok());
    EXPECT_EQ(*world.receive(*pair.server), "rld");
    EXPECT_EQ(world.receive(*pair.server).error(), Errno::kEAGAIN);
    EXPECT_EQ(*world.send(*pair.server, "answer"), 6u);
    EXPECT_EQ(*world.receive(*pair.client), "answer");
    EXPECT_EQ(world.receive(*pair.server, 1, kMSG_OOB).error(), Errno::kEINVAL);
}

TEST_F(Loopback, UrgentData) {
    Pair pair = connect();
    EXPECT_EQ(*world.send(*pair.client, "abc", kMSG_OOB), 3u);
    EXPECT_TRUE(pair.server->poll() & kPOLLPRI);
    EXPECT_EQ(*world.receive(*pair.server), "ab");
    EXPECT_EQ(*world.receive(*pair.server, 1, kMSG_OOB), "c");
    EXPECT_FALSE(pair.server->poll() & (kPOLLPRI | kPOLLIN));
    EXPECT_EQ(world.receive(*pair.server).error(), Errno::kEAGAIN);
    // The later one counts; the one before it is read with the rest.
    EXPECT_EQ(*world.send(*pair.client, "d", kMSG_OOB), 1u);
    EXPECT_EQ(*world.send(*pair.client, "ef", kMSG_OOB), 2u);
    EXPECT_EQ(*world.receive(*pair.server), "de");
    EXPECT_EQ(*world.receive(*pair.server, 1, kMSG_OOB), "f");
    pair.client = Ref<Socket>();
    EXPECT_EQ(*world.receive(*pair.server), "");
}

// More than all buffers hold: what was sent arrives in order, and the sender is told to wait in between.
TEST_F(Loopback, ManyBytesWithBackPressure) {
    Pair const pair = connect();
    std::string sent, received;
    bool has_waited = false;
    for (unsigned i = 0; sent.size() < 3'000'000; ++i) {
        std::string piece(7919, '\0');
        for (size_t at = 0; at < piece.size(); ++at) piece[at] = static_cast<char>(i * 31 + at);
        auto const moved = world.send(*pair.client, piece);
        if (moved.ok()) {
            sent += piece.substr(0, *moved);
            continue;
        }
        ASSERT_EQ(moved.error(), Errno::kEAGAIN);
        EXPECT_FALSE(pair.client->poll() & kPOLLOUT);
        has_waited = true;
        while (true) {
            auto const got = world.receive(*pair.server, 100'000);
            if (!got.ok()) break;
            received += *got;
        }
        world.pass(kMillisecond);
    }
    for (unsigned round = 0; round < 2000 && received.size() < sent.size(); ++round) {
        auto const got = world.receive(*pair.server, 100'000);
        if (got.ok()) {
            received += *got;
        } else {
            world.pass(10 * kMillisecond);
        }
    }
    EXPECT_TRUE(has_waited);
    EXPECT_EQ(received.size(), sent.size());
    EXPECT_TRUE(received == sent);
}

// What an unread peer may make us keep is bounded by SO_RCVBUF and SO_SNDBUF.
TEST_F(Loopback, BuffersAreBounded) {
    Pair const pair = connect();
    int32_t const small = 4096;
    std::string_view const value(reinterpret_cast<const char*>(&small), sizeof small);
    ASSERT_TRUE(pair.client->set_option(kSOL_SOCKET, kSO_SNDBUF, value).ok());
    size_t sent = 0;
    for (unsigned round = 0; round < 1000; ++round) {
        auto const moved = world.send(*pair.client, std::string(4096, 'x'));
        if (!moved.ok()) break;
        sent += *moved;
    }
    EXPECT_LE(sent, Network::kWindowBytes + 8192u);
    EXPECT_EQ(world.send(*pair.client, "x").error(), Errno::kEAGAIN);
}

TEST_F(Loopback, HalfClose) {
    Pair const pair = connect();
    EXPECT_EQ(*world.send(*pair.client, "last"), 4u);
    ASSERT_TRUE(pair.client->shutdown(1).ok());
    EXPECT_EQ(world.send(*pair.client, "more").error(), Errno::kEPIPE);
    EXPECT_EQ(*world.receive(*pair.server), "last");
    EXPECT_TRUE(pair.server->poll() & kPOLLRDHUP);
    EXPECT_FALSE(pair.server->poll() & kPOLLHUP);
    EXPECT_EQ(*world.receive(*pair.server), "");
    EXPECT_EQ(*world.send(*pair.server, "still"), 5u);
    EXPECT_EQ(*world.receive(*pair.client), "still");
    ASSERT_TRUE(pair.server->shutdown(1).ok());
    EXPECT_TRUE(pair.client->poll() & kPOLLHUP);
    EXPECT_EQ(*world.receive(*pair.client), "");
    // lwIP's side of it is over some time later, and nobody refers to it.
    world.pass(kSecond);
    world.pass(120 * kSecond);
    EXPECT_EQ(*world.receive(*pair.client), "");
    EXPECT_EQ(*world.receive(*pair.server), "");
}

// Whoever has said everything before it was read gets his answer to the end, and no reset.
TEST_F(Loopback, AnswerAfterTheEnd) {
    Pair pair = connect();
    EXPECT_EQ(*world.send(*pair.client, "question"), 8u);
    ASSERT_TRUE(pair.client->shutdown(1).ok());
    EXPECT_EQ(*world.receive(*pair.server), "question");
    std::string const answer(50'000, 'a');
    EXPECT_EQ(*world.send(*pair.server, answer), answer.size());
    pair.server = nullptr;
    std::string got;
    for (unsigned i = 0; i < 100; ++i) {
        auto const piece = world.receive(*pair.client);
        if (piece.ok() && piece->empty()) break;
        if (piece.ok())
            got += *piece;
        else
            ASSERT_EQ(piece.error(), Errno::kEAGAIN);
        world.pass(10 * kMillisecond);
    }
    EXPECT_EQ(got.size(), answer.size());
    EXPECT_EQ(pair.client->take_error(), Errno::kOK);
}

// A small SO_RCVBUF slows a sender down but does not stop him.
TEST_F(Loopback, SmallReceiveBuffer) {
    Pair const pair = connect();
    ASSERT_TRUE(pair.server->set_option(kSOL_SOCKET, kSO_RCVBUF, int_option(1)).ok());
    size_t sent = 0, received = 0;
    for (unsigned i = 0; i < 3000 && received < 1'000'000; ++i) {
        auto const moved = world.send(*pair.client, std::string(50'000, 's'));
        if (moved.ok()) sent += *moved;
        auto const got = world.receive(*pair.server, 50'000);
        if (got.ok()) received += got->size();
        world.pass(kMillisecond);
    }
    EXPECT_GE(received, 1'000'000u);
}

TEST_F(Loopback, RefusedAndAgain) {
    Ref<Socket> const client = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_EQ(client->connect(loopback4(1), world.process).error(), Errno::kEINPROGRESS);
    EXPECT_TRUE(client->poll() & kPOLLERR);
    EXPECT_EQ(client->take_error(), Errno::kECONNREFUSED);
    Ref<Socket> const listening = listener();
    EXPECT_EQ(client->connect(loopback4(port_of(*listening)), world.process).error(), Errno::kEINPROGRESS);
    EXPECT_EQ(client->take_error(), Errno::kOK);
    EXPECT_TRUE(listening->poll() & kPOLLIN);
    // A blocking socket is told at once.
    Ref<Socket> const blocking = world.socket(kAF_INET, kSOCK_STREAM);
    blocking->flags &= ~kO_NONBLOCK;
    EXPECT_EQ(blocking->connect(loopback4(1), world.process).error(), Errno::kECONNREFUSED);
    EXPECT_TRUE(blocking->connect(loopback4(port_of(*listening)), world.process).ok());
}

TEST_F(Loopback, ResetWithUnreadBytesAndLinger) {
    Pair pair = connect();
    EXPECT_EQ(*world.send(*pair.client, "unread"), 6u);
    pair.server = nullptr;
    EXPECT_TRUE(pair.client->poll() & kPOLLERR);
    EXPECT_EQ(world.receive(*pair.client).error(), Errno::kECONNRESET);
    EXPECT_EQ(*world.receive(*pair.client), "");
    EXPECT_EQ(world.send(*pair.client, "x").error(), Errno::kEPIPE);

    pair = connect();
    int32_t const linger[2] = {1, 0};
    ASSERT_TRUE(
        pair.client->set_option(kSOL_SOCKET, kSO_LINGER, {reinterpret_cast<const char*>(linger), sizeof linger}).ok());
    pair.client = nullptr;
    EXPECT_EQ(world.receive(*pair.server).error(), Errno::kECONNRESET);

    pair = connect();
    pair.client = nullptr;
    EXPECT_EQ(*world.receive(*pair.server), "");
}

TEST_F(Loopback, ListenerGoes) {
    Ref<Socket> listening = listener();
    Ref<Socket> const client = world.socket(kAF_INET, kSOCK_STREAM);
    uint16_t const port = port_of(*listening);
    EXPECT_EQ(client->connect(loopback4(port), world.process).error(), Errno::kEINPROGRESS);
    listening = nullptr;
    EXPECT_EQ(world.receive(*client).error(), Errno::kECONNRESET);
    Ref<Socket> const next = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_TRUE(next->bind(loopback4(port), world.process).ok());
    EXPECT_TRUE(next->listen(1).ok());
}

TEST_F(Loopback, Ports) {
    Ref<Socket> const first = listener();
    uint16_t const port = port_of(*first);
    Ref<Socket> const second = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_EQ(second->bind(loopback4(port), world.process).error(), Errno::kEADDRINUSE);
    EXPECT_EQ(second->bind(address4(0, port), world.process).error(), Errno::kEADDRINUSE);
    EXPECT_EQ(second->bind(address4(0x08080808, 5), world.process).error(), Errno::kEADDRNOTAVAIL);
    EXPECT_EQ(second->bind(loopback6(5), world.process).error(), Errno::kEAFNOSUPPORT);
    EXPECT_EQ(second->bind(SocketAddress(2, '\2'), world.process).error(), Errno::kEINVAL);
    EXPECT_TRUE(second->bind(loopback4(0), world.process).ok());
    EXPECT_EQ(second->bind(loopback4(0), world.process).error(), Errno::kEINVAL);
    Ref<Socket> const six = world.socket(kAF_INET6, kSOCK_STREAM);
    EXPECT_EQ(six->bind(any6(port), world.process).error(), Errno::kEADDRINUSE);
    ASSERT_TRUE(six->set_option(41, kV6Only, int_option(1)).ok());
    EXPECT_TRUE(six->bind(any6(port), world.process).ok());
    world.process.credentials.capabilities = 0;
    Ref<Socket> const low = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_EQ(low->bind(loopback4(80), world.process).error(), Errno::kEACCES);
    world.process.credentials.capabilities = ~uint64_t{0};
}

// A server that begins again while connections of its predecessor are in TIME_WAIT.
TEST_F(Loopback, TimeWaitNeedsReuse) {
    Pair pair = connect();
    uint16_t const port = port_of(*pair.listener);
    pair.listener = nullptr;
    pair.server = nullptr;
    EXPECT_EQ(*world.receive(*pair.client), "");
    pair.client = nullptr;
    world.pass(100 * kMillisecond);
    Ref<Socket> const next = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_EQ(next->bind(loopback4(port), world.process).error(), Errno::kEADDRINUSE);
    ASSERT_TRUE(next->set_option(kSOL_SOCKET, kSO_REUSEADDR, int_option(1)).ok());
    EXPECT_TRUE(next->bind(loopback4(port), world.process).ok());
}

TEST_F(Loopback, Version6AndMapped) {
    Ref<Socket> const listening = listener(kAF_INET6);
    Ref<Socket> const six = world.socket(kAF_INET6, kSOCK_STREAM), four = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_EQ(six->connect(loopback6(port_of(*listening)), world.process).error(), Errno::kEINPROGRESS);
    EXPECT_EQ(six->take_error(), Errno::kOK);
    EXPECT_EQ(four->connect(loopback4(port_of(*listening)), world.process).error(), Errno::kEINPROGRESS);
    EXPECT_EQ(four->take_error(), Errno::kOK);
    SocketAddress peer;
    auto const of_six = listening->accept(peer);
    ASSERT_TRUE(of_six.ok());
    EXPECT_EQ(peer, *six->local_address());
    auto const of_four = listening->accept(peer);
    ASSERT_TRUE(of_four.ok());
    EXPECT_EQ(peer.size(), 28u);
    EXPECT_EQ(peer.substr(8, 16), std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16));
    EXPECT_EQ(*world.send(**of_four, "mapped"), 6u);
    EXPECT_EQ(*world.receive(*four), "mapped");
    // To a mapped address.
    Ref<Socket> const mapped = world.socket(kAF_INET6, kSOCK_STREAM);
    SocketAddress const to = write_endpoint({loopback_address(false), port_of(*listening)}, kAF_INET6);
    EXPECT_EQ(mapped->connect(to, world.process).error(), Errno::kEINPROGRESS);
    EXPECT_EQ(mapped->take_error(), Errno::kOK);
    Ref<Socket> const only = world.socket(kAF_INET6, kSOCK_STREAM);
    ASSERT_TRUE(only->set_option(41, kV6Only, int_option(1)).ok());
    EXPECT_EQ(only->connect(to, world.process).error(), Errno::kENETUNREACH);
}

TEST_F(Loopback, NoWayOut) {
    Ref<Socket> const stream = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_EQ(stream->connect(address4(0x08080808, 53), world.process).error(), Errno::kENETUNREACH);
    Ref<Socket> const datagram = world.socket(kAF_INET, kSOCK_DGRAM);
    EXPECT_EQ(world.send(*datagram, "x", 0, address4(0x08080808, 53)).error(), Errno::kENETUNREACH);
    EXPECT_EQ(world.send(*datagram, "x").error(), Errno::kEDESTADDRREQ);
}

TEST_F(Loopback, Options) {
    Ref<Socket> const socket = world.socket(kAF_INET, kSOCK_STREAM);
    EXPECT_EQ(number(*socket, kIPPROTO_TCP, kTcpNoDelay), 0);
    EXPECT_TRUE(socket->set_option(kIPPROTO_TCP, kTcpNoDelay, int_option(7)).ok());
    EXPECT_EQ(number(*socket, kIPPROTO_TCP, kTcpNoDelay), 1);
    EXPECT_EQ(number(*socket, kIPPROTO_IP, 2), 64);
    EXPECT_EQ(socket->set_option(kIPPROTO_IP, 2, int_option(0)).error(), Errno::kEINVAL);
    EXPECT_EQ(socket->set_option(kIPPROTO_IP, 2, int_option(256)).error(), Errno::kEINVAL);
    EXPECT_TRUE(socket->set_option(kIPPROTO_IP, 1, int_option(0x13)).ok());
    EXPECT_EQ(number(*socket, kIPPROTO_IP, 1), 0x10);
    EXPECT_EQ(socket->set_option(kIPPROTO_TCP, kTcpNoDelay, "x").error(), Errno::kEINVAL);
    EXPECT_EQ(socket->set_option(kIPPROTO_TCP, 99, int_option(1)).error(), Errno::kENOPROTOOPT);
    EXPECT_EQ(socket->set_option(41, kV6Only, int_option(1)).error(), Errno::kENOPROTOOPT);
    Ref<Socket> const datagram = world.socket(kAF_INET, kSOCK_DGRAM);
    EXPECT_EQ(datagram->set_option(kIPPROTO_TCP, kTcpNoDelay, int_option(1)).error(), Errno::kENOPROTOOPT);
    Pair const pair = connect();
    auto const information = pair.client->option(kIPPROTO_TCP, kTcpInfo, 256);
    ASSERT_TRUE(information.ok());
    EXPECT_EQ((*information)[0], 1);
}

TEST_F(Loopback, KeepAliveFindsADeadPeer) {
    Pair const pair = connect();
    ASSERT_TRUE(pair.client->set_option(kSOL_SOCKET, kSO_KEEPALIVE, int_option(1)).ok());
    for (int const name : {4, 5, 6}) ASSERT_TRUE(pair.client->set_option(kIPPROTO_TCP, name, int_option(2)).ok());
    for (unsigned i = 0; i < 100; ++i) world.pass(500 * kMillisecond);
    EXPECT_EQ(pair.client->poll() & kPOLLERR, 0u) << "the peer answers";
}

TEST_F(Loopback, Datagrams) {
    Ref<Socket> const receiver = world.socket(kAF_INET, kSOCK_DGRAM), sender = world.socket(kAF_INET, kSOCK_DGRAM);
    ASSERT_TRUE(receiver->bind(loopback4(0), world.process).ok());
    SocketAddress const to = *receiver->local_address();
    EXPECT_EQ(*world.send(*sender, "one", 0, to), 3u);
    EXPECT_EQ(*world.send(*sender, "", 0, to), 0u);
    EXPECT_EQ(*world.send(*sender, "three", 0, to), 5u);
    SocketMessage message;
    message.flags = kMSG_PEEK;
    EXPECT_EQ(*world.receive(*receiver, 2, message), "on");
    EXPECT_EQ(message.flags, kMSG_TRUNC);
    EXPECT_EQ(port_of(*sender),
              static_cast<uint8_t>(message.address[2]) << 8 | static_cast<uint8_t>(message.address[3]));
    message.flags = kMSG_TRUNC;
    std::string room(2, '\0');
    LocalBuffer buffer(room.data(), room.size());
    EXPECT_EQ(*receiver->receive(buffer, message, world.process), 3u);
    EXPECT_EQ(*world.receive(*receiver), "");
    EXPECT_EQ(*world.receive(*receiver), "three");
    EXPECT_EQ(world.receive(*receiver).error(), Errno::kEAGAIN);
    std::string const large(60000, 'l');
    EXPECT_EQ(*world.send(*sender, large, 0, to), large.size());
    EXPECT_TRUE(*world.receive(*receiver) == large);
    EXPECT_EQ(world.send(*sender, std::string(65508, 'x'), 0, to).error(), Errno::kEMSGSIZE);
}

TEST_F(Loopback, DatagramControlData) {
    Ref<Socket> const receiver = world.socket(kAF_INET, kSOCK_DGRAM), sender = world.socket(kAF_INET, kSOCK_DGRAM);
    ASSERT_TRUE(receiver->bind(address4(0, 0), world.process).ok());
    for (int const name : {8, 12, 13}) ASSERT_TRUE(receiver->set_option(kIPPROTO_IP, name, int_option(1)).ok());
    ASSERT_TRUE(sender->set_option(kIPPROTO_IP, 2, int_option(33)).ok());
    SocketMessage with;
    with.address = loopback4(port_of(*receiver));
    with.control.push_back({kIPPROTO_IP, 1, int_option(0x48), {}});
    EXPECT_EQ(*world.send(*sender, "x", with), 1u);
    SocketMessage message;
    EXPECT_EQ(*world.receive(*receiver, 10, message), "x");
    ASSERT_EQ(message.control.size(), 3u);
    EXPECT_EQ(message.control[0].type, 8);
    EXPECT_EQ(message.control[0].data, std::string("\1\0\0\0\x7f\0\0\1\x7f\0\0\1", 12));
    EXPECT_EQ(message.control[1].data, int_option(33));
    EXPECT_EQ(message.control[2].data, std::string("\x48"));
}

TEST_F(Loopback, DatagramRefused) {
    Ref<Socket> const socket = world.socket(kAF_INET, kSOCK_DGRAM);
    ASSERT_TRUE(socket->connect(loopback4(9), world.process).ok());
    EXPECT_EQ(*world.send(*socket, "anybody"), 7u);
    EXPECT_TRUE(socket->poll() & kPOLLERR);
    EXPECT_EQ(world.receive(*socket).error(), Errno::kECONNREFUSED);
    EXPECT_EQ(world.receive(*socket).error(), Errno::kEAGAIN);
    // Without a connection nobody is told.
    Ref<Socket> const other = world.socket(kAF_INET, kSOCK_DGRAM);
    EXPECT_EQ(*world.send(*other, "anybody", 0, loopback4(9)), 7u);
    EXPECT_EQ(world.receive(*other).error(), Errno::kEAGAIN);
    // Only its peer's messages arrive.
    Ref<Socket> const peer = world.socket(kAF_INET, kSOCK_DGRAM);
    ASSERT_TRUE(peer->bind(loopback4(9), world.process).ok());
    EXPECT_EQ(*world.send(*other, "stranger", 0, *socket->local_address()), 8u);
    EXPECT_EQ(world.receive(*socket).error(), Errno::kEAGAIN);
    EXPECT_EQ(*world.send(*peer, "peer", 0, *socket->local_address()), 4u);
    EXPECT_EQ(*world.receive(*socket), "peer");
}

// What a router refuses (the numbers of errors were tried on Linux).
TEST_F(Loopback, DatagramForbidden) {
    for (int const family : {kAF_INET, kAF_INET6}) {
        Ref<Socket> const socket = world.socket(family, kSOCK_DGRAM);
        Ref<Socket> const peer = world.socket(family, kSOCK_DGRAM);
        ASSERT_TRUE(peer->bind(family == kAF_INET ? loopback4(9) : loopback6(9), world.process).ok());
        ASSERT_TRUE(socket->connect(*peer->local_address(), world.process).ok());
        kos::net::Unreachable what{};
        what.protocol = 17;
        what.remote = family == kAF_INET ? ip_addr_t IPADDR4_INIT_BYTES(127, 0, 0, 1)
                                         : ip_addr_t IPADDR6_INIT(0, 0, 0, lwip_htonl(1));
        what.local = what.remote;
        what.local_port = port_of(*socket);
        what.remote_port = 9;
        static_cast<InetSocket&>(*socket).unreachable(what);
        EXPECT_FALSE(socket->poll() & kPOLLERR);  // a moment later there may be a way
        what.is_forbidden = true;
        static_cast<InetSocket&>(*socket).unreachable(what);
        EXPECT_TRUE(socket->poll() & kPOLLERR);
        EXPECT_EQ(world.receive(*socket).error(), family == kAF_INET ? Errno::kEHOSTUNREACH : Errno::kEACCES);
    }
}

TEST_F(Loopback, DatagramQueueIsBounded) {
    Ref<Socket> const receiver = world.socket(kAF_INET6, kSOCK_DGRAM), sender = world.socket(kAF_INET6, kSOCK_DGRAM);
    ASSERT_TRUE(receiver->bind(loopback6(0), world.process).ok());
    SocketAddress const to = *receiver->local_address();
    for (unsigned i = 0; i < 5000; ++i) EXPECT_TRUE(world.send(*sender, std::string(100, 'x'), 0, to).ok());
    unsigned count = 0;
    while (world.receive(*receiver).ok()) ++count;
    EXPECT_GT(count, 100u);
    EXPECT_LT(count, 2000u);
}

TEST_F(Loopback, Ping) {
    Ref<Socket> const ping = world.socket(kAF_INET, kSOCK_DGRAM, kIPPROTO_ICMP);
    std::string const request("\x08\0\0\0\0\0\0\1payload", 15);
    EXPECT_EQ(*world.send(*ping, request, 0, loopback4(0)), request.size());
    auto const answer = world.receive(*ping);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ((*answer)[0], 0);
    EXPECT_EQ(answer->substr(6), request.substr(6));
    EXPECT_EQ(world.send(*ping, std::string(8, '\0'), 0, loopback4(0)).error(), Errno::kEINVAL);
    Ref<Socket> const six = world.socket(kAF_INET6, kSOCK_DGRAM, kIPPROTO_ICMPV6);
    std::string const request6("\x80\0\0\0\0\0\0\1payload", 15);
    EXPECT_EQ(*world.send(*six, request6, 0, loopback6(0)), request6.size());
    EXPECT_EQ(static_cast<uint8_t>((*world.receive(*six))[0]), 0x81);
    world.process.credentials.capabilities = 0;
    EXPECT_EQ(make_socket(world.process, kAF_INET, kSOCK_RAW, kIPPROTO_ICMP).error(), Errno::kEPERM);
    world.process.credentials.capabilities = ~uint64_t{0};
}

// Connections come and go without a trace.
TEST_F(Loopback, TenThousandConnections) {
    Ref<Socket> const listening = listener();
    size_t const sockets = world.network().sockets.size();
    for (unsigned i = 0; i < 10'000; ++i) {
        Ref<Socket> const client = world.socket(kAF_INET, kSOCK_STREAM);
        ASSERT_EQ(client->connect(loopback4(port_of(*listening)), world.process).error(), Errno::kEINPROGRESS);
        SocketAddress peer;
        auto const server = listening->accept(peer);
        ASSERT_TRUE(server.ok()) << i;
        ASSERT_TRUE(world.send(*client, "x").ok());
        ASSERT_EQ(*world.receive(**server), "x");
        if (i % 256 == 0) world.pass(kSecond);
    }
    EXPECT_EQ(world.network().sockets.size(), sockets);
}

TEST_F(Loopback, BacklogBounds) {
    Ref<Socket> const listening = listener(kAF_INET, 2);
    std::vector<Ref<Socket>> clients;
    unsigned connected = 0;
    for (unsigned i = 0; i < 10; ++i) {
        clients.push_back(world.socket(kAF_INET, kSOCK_STREAM));
        (void)clients.back()->connect(loopback4(port_of(*listening)), world.process);
        connected += (clients.back()->poll() & kPOLLOUT) != 0;
    }
    EXPECT_EQ(connected, 3u);
    SocketAddress peer;
    ASSERT_TRUE(listening->accept(peer).ok());
    for (unsigned i = 0; i < 20; ++i) world.pass(kSecond);
    EXPECT_TRUE(listening->poll() & kPOLLIN);
}

// Many connections at once to a listener with room for few: each is made in the end, and none ends before its bytes
// have gone both ways, in whatever order clients, servers and timers run.
TEST_F(Loopback, ManyAtOnceThroughASmallBacklog) {
    constexpr unsigned kClients = 100;
    for (unsigned seed = 1; seed <= 20; ++seed) {
        uint64_t state = seed;
        auto const random = [&](unsigned below) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            return static_cast<unsigned>(state >> 33) % below;
        };
        Ref<Socket> const listening = listener(kAF_INET, 5);
        struct Client {
            Ref<Socket> socket;
            unsigned step = 0;
        };
        std::vector<Client> clients(kClients);
        std::vector<Ref<Socket>> served;
        unsigned done = 0;
        unsigned const idle = seed % 2 ? 1 + random(200) : ~0u / kClients;  // every other time no time passes
        for (unsigned round = 0; done < kClients && round < 4000000; ++round) {
            if (random(idle * kClients) == 0) world.pass(random(300) * kMillisecond);
            unsigned const who = random(kClients + 20);
            if (who < kClients) {
                Client& client = clients[who];
                switch (client.step) {
                    case 0:
                        client.socket = world.socket(kAF_INET, kSOCK_STREAM);
                        ASSERT_EQ(client.socket->connect(loopback4(port_of(*listening)), world.process).error(),
                                  Errno::kEINPROGRESS);
                        ++client.step;
                        break;
                    case 1:
                        if (!(client.socket->poll() & kPOLLOUT)) break;
                        ASSERT_EQ(client.socket->take_error(), Errno::kOK) << seed << " " << who << " " << round;
                        ASSERT_TRUE(client.socket->peer_address().ok());
                        ++client.step;
                        break;
                    case 2:
                        ASSERT_EQ(*world.send(*client.socket, "x"), 1u);
                        ++client.step;
                        break;
                    case 3: {
                        auto const got = world.receive(*client.socket, 1);
                        if (got.error() == Errno::kEAGAIN) break;
                        ASSERT_TRUE(got.ok()) << static_cast<int>(got.error()) << " seed " << seed;
                        ASSERT_EQ(*got, "x") << " seed " << seed;
                        ++client.step;
                        break;
                    }
                    case 4:
                        client.socket = {};
                        ++client.step;
                        ++done;
                        break;
                    default: break;
                }
            } else if (random(4) == 0) {
                SocketAddress peer;
                auto accepted = listening->accept(peer);
                if (!accepted.ok()) continue;
                served.push_back(accepted.take());
                served.back()->flags |= kO_NONBLOCK;
            } else if (!served.empty()) {
                size_t const which = random(static_cast<unsigned>(served.size()));
                auto const got = world.receive(*served[which], 1460);
                if (got.error() == Errno::kEAGAIN) continue;
                ASSERT_TRUE(got.ok()) << static_cast<int>(got.error()) << " seed " << seed;
                ASSERT_EQ(*got, "x") << " seed " << seed;
                ASSERT_EQ(*world.send(*served[which], *got), 1u);
                served.erase(served.begin() + static_cast<long>(which));
            }
        }
        ASSERT_EQ(done, kClients) << " seed " << seed;
    }
}

}  // namespace
