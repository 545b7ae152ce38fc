// Local sockets by their calls, and a stream against a model.
#include "net/unix_test.h"

#include <deque>
#include <random>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

TEST_F(Sockets, Kinds) {
    EXPECT_EQ(world.call(thread, kSocket, 77, kSOCK_STREAM, 0), error(Errno::kEAFNOSUPPORT));
    EXPECT_EQ(world.call(thread, kSocket, kAF_INET, kSOCK_STREAM, 0), error(Errno::kEAFNOSUPPORT));
    EXPECT_EQ(world.call(thread, kSocket, kAF_UNIX, 4, 0), error(Errno::kESOCKTNOSUPPORT));
    EXPECT_EQ(world.call(thread, kSocket, kAF_UNIX, kSOCK_STREAM, 17), error(Errno::kEPROTONOSUPPORT));
    EXPECT_EQ(world.call(thread, kSocket, kAF_UNIX, kSOCK_STREAM | 0x100, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kSocketpair, kAF_UNIX, kSOCK_STREAM, 0, 0x10), error(Errno::kEFAULT));
    int const fd = make();
    EXPECT_EQ(option(fd, kSO_TYPE), kSOCK_STREAM);
    EXPECT_EQ(option(fd, kSO_DOMAIN), kAF_UNIX);
    EXPECT_EQ(option(fd, kSO_PROTOCOL), 0);
    EXPECT_EQ(poll(fd), kPOLLOUT | kPOLLWRNORM | kPOLLWRBAND | kPOLLHUP);
    EXPECT_EQ(send(fd, "x"), error(Errno::kENOTCONN));
    EXPECT_EQ(receive(fd), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kGetpeername, fd, kName, kLength), error(Errno::kENOTCONN));
    int const sequence = make(kSOCK_SEQPACKET);
    EXPECT_EQ(send(sequence, "x"), error(Errno::kENOTCONN));
    EXPECT_EQ(receive(sequence), error(Errno::kENOTCONN));
    EXPECT_EQ(world.call(thread, kBind, 99, kName, 4), error(Errno::kEBADF));
    int const pipe_fd = static_cast<int>(world.call(thread, 19, 0, 0));
    EXPECT_EQ(world.call(thread, kBind, pipe_fd, kName, 4), error(Errno::kENOTSOCK));
}

TEST_F(Sockets, StreamsJoinBytes) {
    pair();
    EXPECT_EQ(receive(a), error(Errno::kEAGAIN));
    EXPECT_EQ(send(a, "hello "), 6);
    EXPECT_EQ(send(a, "world"), 5);
    EXPECT_EQ(take(b, 3, kMSG_PEEK), "hel");
    EXPECT_EQ(take(b, 8), "hello wo");
    EXPECT_EQ(take(b), "rld");
    EXPECT_EQ(send(a, ""), 0);
    EXPECT_EQ(receive(b), error(Errno::kEAGAIN));
    World::put(process, kBuffer, uint8_t{'q'});
    EXPECT_EQ(world.call(thread, kWrite, b, kBuffer, 1), 1);
    EXPECT_EQ(world.call(thread, kIoctl, a, 0x541B, kValue), 0);
    EXPECT_EQ(World::get<int32_t>(process, kValue), 1);
    EXPECT_EQ(world.call(thread, kRead, a, kBuffer, 10), 1);
    EXPECT_EQ(world.call(thread, kSendto, a, 0x10, 5, 0, 0, 0), error(Errno::kEFAULT));
    EXPECT_EQ(send(a, "x", kMSG_OOB), error(Errno::kEOPNOTSUPP));
}

TEST_F(Sockets, WaitAll) {
    pair(kSOCK_STREAM, 0);
    EXPECT_EQ(receive(b, 6, kMSG_WAITALL, &other), kAsleep);
    EXPECT_EQ(send(a, "abc"), 3);
    EXPECT_EQ(World::result(other), kAsleep);
    EXPECT_EQ(send(a, "defg"), 4);
    EXPECT_EQ(World::result(other), 6);
    EXPECT_EQ(take(b), "g");
    EXPECT_EQ(receive(b, 6, kMSG_WAITALL, &other), kAsleep);
    EXPECT_EQ(send(a, "abc"), 3);
    EXPECT_EQ(close(a), 0);
    EXPECT_EQ(World::result(other), 3);
    EXPECT_EQ(receive(b), 0);
}

TEST_F(Sockets, LimitsAndLongSends) {
    pair(kSOCK_STREAM, 0);
    EXPECT_EQ(option(a, kSO_SNDBUF), 212992);
    EXPECT_EQ(set_option(a, kSO_SNDBUF, 10000), 0);
    EXPECT_EQ(option(a, kSO_SNDBUF), 20000);
    std::string const long_text(50000, 'y');
    EXPECT_EQ(send(a, long_text, kMSG_DONTWAIT), 20000);
    EXPECT_FALSE(poll(a) & kPOLLOUT);
    EXPECT_EQ(send(a, "x", kMSG_DONTWAIT), error(Errno::kEAGAIN));
    EXPECT_EQ(receive(b, 30000), 20000);
    EXPECT_TRUE(poll(a) & kPOLLOUT);
    EXPECT_EQ(send(a, long_text, 0, &other), kAsleep);
    size_t total = 0;
    while (World::result(other) == kAsleep) {
        int64_t const bytes = receive(b, 7000, kMSG_DONTWAIT);
        ASSERT_GT(bytes, 0);
        total += static_cast<size_t>(bytes);
    }
    EXPECT_EQ(World::result(other), 50000);
    while (total < 50000) {
        int64_t const bytes = receive(b, 7000, kMSG_DONTWAIT);
        ASSERT_GT(bytes, 0);
        total += static_cast<size_t>(bytes);
    }
    EXPECT_EQ(total, 50000u);
}

TEST_F(Sockets, TimeLimits) {
    pair(kSOCK_STREAM, 0);
    World::put(process, kValue, Timespec{1, 500000});
    EXPECT_EQ(world.call(thread, kSetsockopt, b, kSOL_SOCKET, kSO_RCVTIMEO_OLD, kValue, 16), 0);
    EXPECT_EQ(receive(b, 10, 0, &other), kAsleep);
    world.pass(1'499'999'999);
    EXPECT_EQ(World::result(other), kAsleep);
    world.pass(1);
    EXPECT_EQ(World::result(other), error(Errno::kEAGAIN));
    EXPECT_EQ(world.call(other, kRead, b, kBuffer, 10), kAsleep);
    world.pass(1'500'000'000);
    EXPECT_EQ(World::result(other), error(Errno::kEAGAIN));
    World::put(process, kValue, Timespec{1, 1000000});
    EXPECT_EQ(world.call(thread, kSetsockopt, b, kSOL_SOCKET, kSO_RCVTIMEO_OLD, kValue, 16), error(Errno::kEDOM));
}

TEST_F(Sockets, EndsOfStreams) {
    pair();
    EXPECT_EQ(send(a, "last"), 4);
    EXPECT_EQ(close(a), 0);
    EXPECT_TRUE(poll(b) & kPOLLHUP);
    EXPECT_TRUE(poll(b) & kPOLLRDHUP);
    EXPECT_EQ(take(b), "last");
    EXPECT_EQ(receive(b), 0);
    EXPECT_EQ(send(b, "x"), error(Errno::kEPIPE));
    close(b);
    // Unread bytes make it a reset.
    pair();
    EXPECT_EQ(send(a, "last"), 4);
    EXPECT_EQ(send(b, "unread"), 6);
    EXPECT_EQ(close(a), 0);
    EXPECT_TRUE(poll(b) & kPOLLERR);
    EXPECT_EQ(take(b), "last");
    EXPECT_EQ(receive(b), error(Errno::kECONNRESET));
    EXPECT_EQ(receive(b), 0);
}

TEST_F(Sockets, Shutdown) {
    pair();
    EXPECT_EQ(world.call(thread, kShutdown, a, 3), error(Errno::kEINVAL));
    EXPECT_EQ(send(a, "half"), 4);
    EXPECT_EQ(world.call(thread, kShutdown, a, 1), 0);
    EXPECT_EQ(send(a, "x"), error(Errno::kEPIPE));
    EXPECT_EQ(take(b), "half");
    EXPECT_EQ(receive(b), 0);
    EXPECT_TRUE(poll(b) & kPOLLRDHUP);
    EXPECT_FALSE(poll(b) & kPOLLHUP);
    EXPECT_EQ(send(b, "still"), 5);
    EXPECT_EQ(take(a), "still");
    EXPECT_EQ(world.call(thread, kShutdown, a, 0), 0);
    EXPECT_TRUE(poll(a) & kPOLLHUP);
    EXPECT_EQ(send(b, "x"), error(Errno::kEPIPE));
}

TEST_F(Sockets, BrokenStreamsSendASignal) {
    process.handlers->actions[kSIGPIPE - 1].handler = 0x500000;
    pair();
    close(b);
    EXPECT_EQ(send(a, "x", kMSG_NOSIGNAL), error(Errno::kEPIPE));
    EXPECT_EQ(thread.registers.pc, kSvc + 4);
    send(a, "x");
    EXPECT_NE(thread.registers.pc, kSvc + 4);
}

TEST_F(Sockets, RecordsStayApart) {
    for (int const type : {kSOCK_DGRAM, kSOCK_SEQPACKET}) {
        pair(type);
        EXPECT_EQ(send(a, "one"), 3);
        EXPECT_EQ(send(a, ""), 0);
        EXPECT_EQ(send(a, "three"), 5);
        EXPECT_EQ(take(b, 2, kMSG_PEEK), "on");
        EXPECT_EQ(receive(b, 2, kMSG_PEEK | kMSG_TRUNC), 3);
        EXPECT_EQ(take(b), "one");
        EXPECT_EQ(receive(b), 0);
        EXPECT_EQ(receive_message(b, 0, 0, 2), 2);
        EXPECT_EQ(message().flags, kMSG_TRUNC);
        EXPECT_EQ(receive(b), error(Errno::kEAGAIN));
        EXPECT_EQ(send(a, std::string(150000, 'z')), 150000);
        EXPECT_EQ(receive(b, 0x2f000), 150000);
        set_option(a, kSO_SNDBUF, 5000);
        EXPECT_EQ(send(a, std::string(10000, 'z')), error(Errno::kEMSGSIZE));
        close(a);
        EXPECT_EQ(receive(b), type == kSOCK_SEQPACKET ? 0 : error(Errno::kEAGAIN));
        EXPECT_EQ(send(b, "x"), error(type == kSOCK_SEQPACKET ? Errno::kEPIPE : Errno::kECONNREFUSED));
        if (type == kSOCK_DGRAM) {
            EXPECT_EQ(send(b, "x"), error(Errno::kENOTCONN));
        }
        close(b);
    }
}

TEST_F(Sockets, Names) {
    int const fd = make();
    EXPECT_EQ(bind(fd, ""), 0);  // chosen by the system
    World::put(process, kLength, int32_t{110});
    EXPECT_EQ(world.call(thread, kGetsockname, fd, kName, kLength), 0);
    EXPECT_EQ(World::get<int32_t>(process, kLength), 8);
    EXPECT_EQ(World::get<uint8_t>(process, kName + 2), 0);
    EXPECT_EQ(bind(fd, "/x"), error(Errno::kEINVAL));
    int const second = make();
    EXPECT_EQ(bind(second, "/name"), 0);
    World::put(process, kLength, int32_t{3});
    EXPECT_EQ(world.call(thread, kGetsockname, second, kName, kLength), 0);
    EXPECT_EQ(World::get<int32_t>(process, kLength), 8);
    EXPECT_EQ(bind(make(), "/name"), error(Errno::kEADDRINUSE));
    EXPECT_EQ(bind(make(), "/no/such"), error(Errno::kENOENT));
    EXPECT_EQ(bind(make(), std::string(109, 'x')), error(Errno::kEINVAL));
    EXPECT_EQ(bind(make(), std::string("\0abstract", 9)), 0);
    EXPECT_EQ(bind(make(), std::string("\0abstract", 9)), error(Errno::kEADDRINUSE));
    EXPECT_EQ(bind(make(kSOCK_DGRAM), std::string("\0abstract", 9)), 0);
    World::put(process, kName, uint16_t{kAF_INET});
    EXPECT_EQ(world.call(thread, kBind, make(), kName, 16), error(Errno::kEINVAL));
    EXPECT_EQ(connect(make(), std::string("\0nobody", 7)), error(Errno::kECONNREFUSED));
    EXPECT_EQ(connect(make(), "/nobody"), error(Errno::kENOENT));
    EXPECT_EQ(connect(make(), "/name"), error(Errno::kECONNREFUSED));  // does not listen
    EXPECT_EQ(connect(make(kSOCK_DGRAM), "/name"), error(Errno::kEPROTOTYPE));
    close(second);
    EXPECT_EQ(connect(make(), "/name"), error(Errno::kECONNREFUSED));
}

TEST_F(Sockets, ConnectionsAreAccepted) {
    int const listener = make();
    EXPECT_EQ(world.call(thread, kListen, listener, 1), error(Errno::kEINVAL));
    EXPECT_EQ(bind(listener, "/l"), 0);
    EXPECT_EQ(accept(listener), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kListen, listener, 1), 0);
    EXPECT_EQ(accept(listener), error(Errno::kEAGAIN));
    EXPECT_EQ(option(listener, kSO_ACCEPTCONN), 1);
    EXPECT_EQ(poll(listener), 0u);
    int const first = make(), second = make(), third = make(kSOCK_STREAM, 0), fourth = make();
    EXPECT_EQ(connect(first, "/l"), 0);
    EXPECT_EQ(connect(first, "/l"), error(Errno::kEISCONN));
    EXPECT_EQ(connect(second, "/l"), 0);
    EXPECT_EQ(connect(fourth, "/l"), error(Errno::kEAGAIN));
    EXPECT_EQ(connect(third, "/l", &other), kAsleep);
    EXPECT_TRUE(poll(listener) & kPOLLIN);
    EXPECT_EQ(send(first, "early"), 5);
    int const served = static_cast<int>(world.call(thread, kAccept4, listener, 0, 0, kSOCK_NONBLOCK));
    ASSERT_GE(served, 0);
    EXPECT_EQ(World::result(other), 0);
    EXPECT_EQ(take(served), "early");
    World::put(process, kLength, int32_t{110});
    EXPECT_EQ(world.call(thread, kGetpeername, first, kName, kLength), 0);
    EXPECT_EQ(World::get<int32_t>(process, kLength), 5);
    EXPECT_EQ(world.call(thread, kGetpeername, served, kName, kLength), 0);
    EXPECT_EQ(World::get<int32_t>(process, kLength), 2);
    // Who was not accepted is reset when the listener goes.
    EXPECT_EQ(close(listener), 0);
    EXPECT_EQ(receive(second), error(Errno::kECONNRESET));
    EXPECT_EQ(receive(second), 0);
    EXPECT_EQ(send(second, "x"), error(Errno::kEPIPE));
    EXPECT_EQ(send(served, "fine"), 4);
    EXPECT_EQ(world.call(thread, kListen, make(kSOCK_DGRAM), 1), error(Errno::kEOPNOTSUPP));
    EXPECT_EQ(accept(make(kSOCK_DGRAM)), error(Errno::kEOPNOTSUPP));
}

TEST_F(Sockets, AcceptWaitsAndKeepsConnectionsWithoutDescriptor) {
    int const listener = make(kSOCK_STREAM, 0);
    bind(listener, "/l");
    world.call(thread, kListen, listener, 5);
    EXPECT_EQ(accept(listener, &other), kAsleep);
    int const client = make();
    EXPECT_EQ(connect(client, "/l"), 0);
    EXPECT_GE(World::result(other), 0);
    int const next = make();
    EXPECT_EQ(connect(next, "/l"), 0);
    process.files->limit = 1;
    EXPECT_EQ(accept(listener), error(Errno::kEMFILE));
    process.files->limit = 1024;
    EXPECT_GE(accept(listener), 0);
}

TEST_F(Sockets, Datagrams) {
    int const server = make(kSOCK_DGRAM), client = make(kSOCK_DGRAM);
    EXPECT_EQ(send(client, "x"), error(Errno::kENOTCONN));
    EXPECT_EQ(bind(server, "/d"), 0);
    uint64_t const bytes = put_name("/d");
    EXPECT_EQ(send_message(client, "to", 0, 0, bytes), 2);
    EXPECT_EQ(receive_message(server), 2);
    EXPECT_EQ(message().name_bytes, 0u);
    EXPECT_EQ(bind(client, "/c"), 0);
    put_name("/d");
    EXPECT_EQ(send_message(client, "to", 0, 0, bytes), 2);
    EXPECT_EQ(receive_message(server), 2);
    EXPECT_EQ(message().name_bytes, 5u);
    EXPECT_EQ(connect(client, "/d"), 0);
    int sent = 0;
    while (send(client, "x") == 1) ++sent;
    EXPECT_EQ(sent, 11);
    EXPECT_EQ(send(client, "x"), error(Errno::kEAGAIN));
    EXPECT_FALSE(poll(client) & kPOLLOUT);
    world.call(thread, kFcntl, client, 4, 0);
    EXPECT_EQ(send(client, "waits", 0, &other), kAsleep);
    EXPECT_EQ(receive(server), 1);
    EXPECT_EQ(World::result(other), 5);
    EXPECT_EQ(connect(server, "/c"), 0);
    put_name("/c");
    int const third = make(kSOCK_DGRAM);
    EXPECT_EQ(connect(third, "/d"), error(Errno::kEPERM));
    // AF_UNSPEC gives the peer up.
    World::put(process, kName, uint16_t{0});
    EXPECT_EQ(world.call(thread, kConnect, client, kName, 2), 0);
    EXPECT_EQ(send(client, "x"), error(Errno::kENOTCONN));
}

TEST_F(Sockets, SeveralMessages) {
    pair(kSOCK_DGRAM);
    struct One {
        UserMessage message;
        uint32_t bytes, pad;
    };
    for (unsigned i = 0; i < 3; ++i) {
        World::put(process, kPieces + i * 16, Piece{kBuffer + i * 64, i + 1});
        World::put(process, kMessage + 0x1000 + i * sizeof(One),
                   One{{0, 0, 0, kPieces + i * 16, 1, 0, 0, 0, 0}, 0xffff, 0});
    }
    EXPECT_EQ(world.call(thread, kSendmmsg, a, kMessage + 0x1000, 3, 0), 3);
    EXPECT_EQ(World::get<One>(process, kMessage + 0x1000 + 2 * sizeof(One)).bytes, 3u);
    for (unsigned i = 0; i < 3; ++i) World::put(process, kPieces + i * 16, Piece{kBuffer + i * 64, 64});
    EXPECT_EQ(world.call(thread, kRecvmmsg, b, kMessage + 0x1000, 2, 0, 0), 2);
    EXPECT_EQ(World::get<One>(process, kMessage + 0x1000 + sizeof(One)).bytes, 2u);
    EXPECT_EQ(world.call(thread, kRecvmmsg, b, kMessage + 0x1000, 5, 0, 0), 1);
    EXPECT_EQ(world.call(thread, kRecvmmsg, b, kMessage + 0x1000, 5, 0, 0), error(Errno::kEAGAIN));
}

TEST_F(Sockets, Options) {
    int const fd = make();
    EXPECT_EQ(option(fd, 1000), error(Errno::kENOPROTOOPT));
    EXPECT_EQ(set_option(fd, kSO_TYPE, 1), error(Errno::kENOPROTOOPT));
    EXPECT_EQ(set_option(fd, kSO_PRIORITY, 3), 0);
    EXPECT_EQ(option(fd, kSO_PRIORITY), 3);
    EXPECT_EQ(set_option(fd, kSO_KEEPALIVE, 5), 0);
    EXPECT_EQ(option(fd, kSO_KEEPALIVE), 1);
    EXPECT_EQ(option(fd, kSO_ERROR), 0);
    EXPECT_EQ(world.call(thread, kSetsockopt, fd, 6, 1, kValue, 4), error(Errno::kEOPNOTSUPP));
    EXPECT_EQ(world.call(thread, kSetsockopt, fd, kSOL_SOCKET, kSO_PRIORITY, kValue, 3), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kSetsockopt, fd, kSOL_SOCKET, kSO_PRIORITY, 0x10, 4), error(Errno::kEFAULT));
    EXPECT_EQ(world.call(thread, kSetsockopt, fd, kSOL_SOCKET, kSO_PRIORITY, kValue, -1), error(Errno::kEINVAL));
}

// Random operations on the two directions of a stream against queues of bytes.
TEST_F(Sockets, StreamsAgreeWithAModel) {
    const char* const given = getenv("KOS_TEST_SEED");
    unsigned const seed = given ? static_cast<unsigned>(strtoul(given, nullptr, 0)) : std::random_device{}();
    printf("KOS_TEST_SEED=%u\n", seed);
    std::mt19937 random(seed);
    pair();
    std::deque<char> models[2];
    uint8_t next[2] = {};
    for (int step = 0; step < 10000; ++step) {
        unsigned const side = random() % 2;
        int const fd = side ? b : a;
        size_t const size = 1 + random() % (random() % 4 ? 400 : 60000);
        if (random() % 2) {
            std::string text(size, '\0');
            uint8_t value = next[side];
            for (char& c : text) c = static_cast<char>(value++);
            int64_t const sent = random() % 8 ? send(fd, text) : send_files(fd, {a}, text);
            if (sent < 0) {
                ASSERT_EQ(sent, error(Errno::kEAGAIN));
                ASSERT_GT(models[side].size(), 50000u);
                continue;
            }
            models[side].insert(models[side].end(), text.begin(), text.begin() + sent);
            next[side] = static_cast<uint8_t>(next[side] + sent);
            ASSERT_LE(models[side].size(), 213000u);
        } else {
            std::deque<char>& model = models[1 - side];
            uint32_t const flags = random() % 5 ? 0 : kMSG_PEEK;
            int64_t const bytes = receive(fd, size, flags);
            if (model.empty()) {
                ASSERT_EQ(bytes, error(Errno::kEAGAIN));
                continue;
            }
            ASSERT_GT(bytes, 0);
            ASSERT_LE(bytes, static_cast<int64_t>(std::min(size, model.size())));
            std::string const text = got(bytes);
            ASSERT_TRUE(std::equal(text.begin(), text.end(), model.begin())) << "step " << step;
            if (!flags) model.erase(model.begin(), model.begin() + bytes);
        }
        for (unsigned i = 0; i < 2; ++i) ASSERT_EQ((poll(i ? a : b) & kPOLLIN) != 0, !models[i].empty());
    }
}

// Random lives of many sockets: nothing is used after its end, and nothing is left.
TEST_F(Sockets, RandomLives) {
    const char* const given = getenv("KOS_TEST_SEED");
    unsigned const seed = given ? static_cast<unsigned>(strtoul(given, nullptr, 0)) : std::random_device{}();
    printf("KOS_TEST_SEED=%u\n", seed);
    std::mt19937 random(seed);
    constexpr int kTypes[] = {kSOCK_STREAM, kSOCK_DGRAM, kSOCK_SEQPACKET};
    std::vector<int> fds;
    auto pick = [&] { return fds.empty() ? 999 : fds[random() % fds.size()]; };
    auto keep = [&](int64_t fd) {
        if (fd >= 0) fds.push_back(static_cast<int>(fd));
    };
    int const set = static_cast<int>(world.call(thread, 20, 0));
    for (int step = 0; step < 20000; ++step) {
        std::string const name = std::string("\0", 1) + static_cast<char>('a' + random() % 4);
        switch (random() % 16) {
            case 0:
                pair(kTypes[random() % 3]);
                keep(a);
                keep(b);
                break;
            case 1: keep(make(kTypes[random() % 3])); break;
            case 2: bind(pick(), name); break;
            case 3: world.call(thread, kListen, pick(), random() % 3); break;
            case 4: connect(pick(), name); break;
            case 5: keep(accept(pick())); break;
            case 6:
            case 7: send(pick(), std::string(random() % 3000, 'x')); break;
            case 8: receive(pick(), random() % 5000, random() % 2 ? kMSG_PEEK : 0); break;
            case 9:
            case 10: send_files(pick(), {pick(), pick()}); break;
            case 11:
                if (receive_message(pick()) > 0 && rights().type == kSCM_RIGHTS) {
                    for (size_t i = 0; i < 2 && 16 + i * 4 < rights().bytes; ++i) keep(rights().fds[i]);
                }
                break;
            case 12: world.call(thread, kShutdown, pick(), random() % 3); break;
            case 13: {
                uint64_t const event[2] = {random() % 64, 0};
                World::put(process, kValue + 64, event);
                world.call(thread, 21, set, 1 + random() % 3, pick(), kValue + 64);
                world.call(thread, 22, set, kBuffer, 16, 0, 0, 8);
                break;
            }
            default:
                if (fds.empty()) break;
                size_t const index = random() % fds.size();
                close(fds[index]);
                fds.erase(fds.begin() + static_cast<long>(index));
        }
        while (fds.size() > 60) {
            close(fds.front());
            fds.erase(fds.begin());
        }
    }
}

}  // namespace
