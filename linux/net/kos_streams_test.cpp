// Streams between two hubs that share rings, and one hub against a side that writes what it likes.
#include "net/kos_streams.h"

#include "net/kos_ports.h"
#include "task/start.h"
#include "testing/files.h"

#include <gtest/gtest.h>

#include <string.h>

#include <functional>
#include <random>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr size_t kRing = 32768;

class NoPorts final : public PortPlatform {
public:
    std::span<const Port> used() override { return {}; }
    std::span<const Port> served() override { return {}; }
    std::span<const Parameter> parameters() override { return {}; }
    std::span<const Parameter> domain_facts() override { return {}; }
    std::string client_name(uint16_t) override { return {}; }
    std::span<PortJob> jobs() override { return {}; }
    void start(PortJob&) override {}
    uint32_t cast(unsigned, uint64_t, std::span<const std::byte>) override { return 0; }
    void delete_token(uint64_t) override {}
    uint32_t serve() override { return 0; }
    uint32_t answer(PortRequest&, const Answer&) override { return 0; }
    uint32_t revoke_token(unsigned, uint64_t) override { return 0; }
    void take_casts() override {}
};

struct Rings {
    std::vector<uint64_t> out = std::vector<uint64_t>(kRing / 8), in = std::vector<uint64_t>(kRing / 8);
};

class FakeRings final : public StreamPlatform {
public:
    FakeRings(Rings& rings, bool opens) {
        Link link;
        link.peer = opens ? "right" : "left";
        link.may_connect = opens;
        link.out = opens ? rings.out.data() : rings.in.data();
        link.in = opens ? rings.in.data() : rings.out.data();
        link.out_bytes = link.in_bytes = kRing;
        all.push_back(link);
    }
    std::span<const Link> links() override { return all; }
    void notify(size_t, bool) override {
        if (other) other->signalled();
    }
    std::vector<Link> all;
    KosStreams* other = nullptr;
};

// One domain.
struct Side {
    Side(Rings& rings, bool opens) : platform(rings, opens), streams(world.system, platform) {
        world.make_directory("run");
        world.system.streams = &streams;
        EXPECT_TRUE(mount_kos(world.system, ports).ok());
    }
    static SocketAddress address(const std::string& path) {
        SocketAddress made("\1\0", 2);
        made += path;
        made.push_back(0);
        return made;
    }
    Ref<Socket> make() {
        CurrentThread const current(*world.process->threads.front());
        Ref<Socket> socket = FileWorld::must(UnixSocket::create(*world.process, kSOCK_STREAM, 0));
        socket->flags |= kO_NONBLOCK;
        return socket;
    }
    Ref<Socket> listen() {
        CurrentThread const current(*world.process->threads.front());
        Ref<Socket> socket = make();
        EXPECT_TRUE(socket->bind(address("/run/kos/listen/stream"), *world.process).ok());
        EXPECT_TRUE(socket->listen(4).ok());
        return socket;
    }
    Errno connect(const Ref<Socket>& socket) {
        CurrentThread const current(*world.process->threads.front());
        return socket->connect(address("/run/kos/stream/right"), *world.process).error();
    }
    // Bytes taken; 0: none.
    size_t send(const Ref<Socket>& socket, std::string bytes) {
        LocalBuffer buffer(bytes.data(), bytes.size());
        SocketMessage message;
        auto const sent = socket->send(buffer, message, *world.process);
        return sent.ok() ? *sent : 0;
    }
    std::string receive(const Ref<Socket>& socket, Errno& error, size_t most = 4096) {
        std::string bytes(most, 0);
        LocalBuffer buffer(bytes.data(), bytes.size());
        SocketMessage message;
        auto const length = socket->receive(buffer, message, *world.process);
        error = length.error();
        bytes.resize(length.ok() ? *length : 0);
        return bytes;
    }
    bool is_at_end(const Ref<Socket>& socket) {
        Errno error = Errno::kOK;
        std::string const got = receive(socket, error);
        return got.empty() && error != Errno::kEAGAIN;
    }

    FileWorld world;
    NoPorts none;
    KosPorts ports{world.system, none, {}};
    FakeRings platform;
    KosStreams streams;
};

class Streams : public ::testing::Test {
protected:
    Rings rings;
    std::unique_ptr<Side> left = std::make_unique<Side>(rings, true);
    std::unique_ptr<Side> right = std::make_unique<Side>(rings, false);

    void SetUp() override { join(); }
    void join() {
        left->platform.other = right ? &right->streams : nullptr;
        if (right) right->platform.other = &left->streams;
        // What was signalled before they were joined.
        left->streams.signalled();
        run();
    }
    // Until nothing is left to do, which must come.
    void run() {
        for (int turn = 0; turn < 2000; ++turn) {
            auto const has_more = [](const Side& side) { return side.streams.has_work() || side.streams.owes_wake(); };
            if (!has_more(*left) && !(right && has_more(*right))) return;
            for (Side* const side : {left.get(), right.get()}) {
                if (!side) continue;
                if (side->streams.has_work()) side->streams.run();
                if (side->streams.owes_wake()) side->streams.wake_peers();
            }
        }
        FAIL() << "never idle";
    }
    // What root does when a domain ends (services/root: leave_streams).
    void kill_right() {
        left->platform.other = nullptr;
        right.reset();
        for (auto* memory : {&rings.out, &rings.in}) {
            auto* const shared = reinterpret_cast<kos_ring_shared_t*>(memory->data());
            (memory == &rings.out ? shared->consumer : shared->producer).epoch |= KOS_RING_OPENING;
        }
        left->streams.signalled();
        run();
    }
    struct Pair {
        Ref<Socket> client, server;
    };
    Pair open(const Ref<Socket>& listener) {
        Pair pair;
        pair.client = left->make();
        EXPECT_EQ(left->connect(pair.client), Errno::kOK);
        run();
        SocketAddress peer;
        auto made = listener->accept(peer);
        EXPECT_TRUE(made.ok());
        if (made.ok()) pair.server = made.take();
        EXPECT_STREQ(peer.c_str() + 2, "/run/kos/stream/left");
        return pair;
    }
};

// No turn of the hub between a program's call and the ring, unless something waits already.
TEST_F(Streams, BytesGoIntoTheRingAtOnce) {
    Ref<Socket> const listener = right->listen();
    run();
    Pair const pair = open(listener);
    EXPECT_EQ(left->send(pair.client, "at once"), 7u);
    EXPECT_FALSE(left->streams.has_work());
    EXPECT_TRUE(left->streams.owes_wake());
    run();
    Errno error = Errno::kOK;
    EXPECT_EQ(right->receive(pair.server, error), "at once");
    // More than the ring holds: the rest waits its turn, and what follows is behind it.
    std::string const much(3 * kRing, 'm');
    size_t const sent = left->send(pair.client, much);
    EXPECT_GT(sent, size_t{kRing});
    EXPECT_TRUE(left->streams.has_work());
    EXPECT_EQ(left->send(pair.client, "end"), 3u);
    std::string got;
    for (int turn = 0; turn < 1000 && got.size() < sent + 3; ++turn) {
        run();
        got += right->receive(pair.server, error);
    }
    EXPECT_EQ(got, much.substr(0, sent) + "end");
}

// Whoever wakes a side takes back its wish to be woken (kos_ring_core_take_wake), also where that finds nothing.
TEST_F(Streams, WokenForNothingItAsksAgain) {
    Ref<Socket> const listener = right->listen();
    run();
    Pair const pair = open(listener);
    reinterpret_cast<kos_ring_shared_t*>(rings.in.data())->consumer.sleeps = 0;
    left->streams.signalled();
    run();
    EXPECT_EQ(right->send(pair.server, "news"), 4u);
    run();
    Errno error = Errno::kOK;
    EXPECT_EQ(left->receive(pair.client, error), "news");
}

TEST_F(Streams, BytesGoBothWays) {
    Ref<Socket> const listener = right->listen();
    run();
    Pair pair = open(listener);
    EXPECT_EQ(left->send(pair.client, "to the right"), 12u);
    EXPECT_EQ(right->send(pair.server, "to the left"), 11u);
    run();
    Errno error = Errno::kOK;
    EXPECT_EQ(right->receive(pair.server, error), "to the right");
    EXPECT_EQ(left->receive(pair.client, error), "to the left");
}

TEST_F(Streams, WithoutAListenerItIsRefused) {
    Ref<Socket> const client = left->make();
    EXPECT_EQ(left->connect(client), Errno::kECONNREFUSED);
    Ref<Socket> listener = right->listen();
    run();
    EXPECT_EQ(left->connect(client), Errno::kOK);
    run();
    listener = {};
    run();
    EXPECT_TRUE(left->is_at_end(client));  // nobody had taken it
    EXPECT_EQ(left->connect(left->make()), Errno::kECONNREFUSED);
    EXPECT_EQ(left->streams.streams(), 0u);
}

TEST_F(Streams, WhoIsNotGrantedHasNoName) {
    CurrentThread const current(*right->world.process->threads.front());
    Ref<Socket> const socket = right->make();
    EXPECT_EQ(socket->connect(Side::address("/run/kos/stream/left"), *right->world.process).error(), Errno::kENOENT);
    Ref<Socket> const other = left->make();
    CurrentThread const of_left(*left->world.process->threads.front());
    EXPECT_EQ(other->bind(Side::address("/run/kos/listen/stream"), *left->world.process).error(), Errno::kENOENT);
}

// Wherever in the window the reader stands when it is full, what he then reads makes room, in both directions.
TEST_F(Streams, ReadingAFullWindowMakesRoom) {
    Ref<Socket> const listener = right->listen();
    run();
    for (size_t before = 0; before < KOS_STREAM_WINDOW; before += 1024) {
        Pair const pair = open(listener);
        auto const fill = [&](Side& from, const Ref<Socket>& writer, Side& to, const Ref<Socket>& reader) {
            auto const read = [&](size_t wanted) {
                size_t got = 0;
                Errno error = Errno::kOK;
                while (got < wanted && error == Errno::kOK) got += to.receive(reader, error, wanted - got).size();
                return got;
            };
            auto const write = [&](size_t wanted) {
                for (size_t sent = 0; sent < wanted; run()) {
                    size_t const more = from.send(writer, std::string(std::min<size_t>(wanted - sent, 8192), 'f'));
                    if (more == 0) return;
                    sent += more;
                }
            };
            write(before);
            EXPECT_EQ(read(before), before);
            write(KOS_STREAM_WINDOW - before);
            EXPECT_EQ(read(KOS_STREAM_WINDOW - before), KOS_STREAM_WINDOW - before);
            run();
            write(1000);
            EXPECT_EQ(read(1000), 1000u) << before;
        };
        fill(*left, pair.client, *right, pair.server);
        fill(*right, pair.server, *left, pair.client);
    }
}

// Who does not read stops his own stream and no other.
TEST_F(Streams, BackPressureOfOneStreamOnly) {
    Ref<Socket> const listener = right->listen();
    run();
    Pair slow = open(listener), quick = open(listener);
    size_t sent = 0;
    for (int i = 0; i < 400; ++i) {
        sent += left->send(slow.client, std::string(4096, 'x'));
        run();
    }
    // One window over there, and what the socket holds here.
    EXPECT_GE(sent, size_t{KOS_STREAM_WINDOW});
    EXPECT_LE(sent, size_t{KOS_STREAM_WINDOW} + 2 * 212992);
    EXPECT_FALSE(slow.client->poll() & kPOLLOUT);
    EXPECT_EQ(left->send(quick.client, "hello"), 5u);
    run();
    Errno error = Errno::kOK;
    EXPECT_EQ(right->receive(quick.server, error), "hello");
    size_t received = 0;
    while (received < sent) {
        std::string const part = right->receive(slow.server, error, 1000);
        ASSERT_FALSE(part.empty()) << received << " of " << sent;
        received += part.size();
        run();
    }
    EXPECT_TRUE(slow.client->poll() & kPOLLOUT);
}

TEST_F(Streams, HalfClosedAndClosed) {
    Ref<Socket> const listener = right->listen();
    run();
    Pair pair = open(listener);
    EXPECT_EQ(left->send(pair.client, "question"), 8u);
    EXPECT_TRUE(pair.client->shutdown(1).ok());
    run();
    Errno error = Errno::kOK;
    EXPECT_EQ(right->receive(pair.server, error), "question");
    EXPECT_TRUE(right->is_at_end(pair.server));
    EXPECT_EQ(right->send(pair.server, "answer"), 6u);
    run();
    EXPECT_EQ(left->receive(pair.client, error), "answer");
    EXPECT_EQ(right->send(pair.server, "last words"), 10u);
    pair.server = {};
    run();
    EXPECT_EQ(left->receive(pair.client, error), "last words");
    EXPECT_TRUE(left->is_at_end(pair.client));
    pair.client = {};
    run();
    EXPECT_EQ(left->streams.streams() + right->streams.streams(), 0u);
}

TEST_F(Streams, DeathEndsThemAtOnceAndTheNextInstanceServes) {
    Ref<Socket> listener = right->listen();
    run();
    Pair pair = open(listener);
    left->send(pair.client, std::string(100000, 'x'));
    pair.server = {};
    listener = {};
    kill_right();
    EXPECT_TRUE(pair.client->poll() & kPOLLHUP);
    EXPECT_EQ(left->streams.streams(), 0u);
    EXPECT_EQ(left->connect(left->make()), Errno::kECONNREFUSED);
    right = std::make_unique<Side>(rings, false);
    join();
    EXPECT_EQ(left->connect(left->make()), Errno::kECONNREFUSED);
    listener = right->listen();
    run();
    Pair next = open(listener);
    EXPECT_EQ(left->send(next.client, "again"), 5u);
    run();
    Errno error = Errno::kOK;
    EXPECT_EQ(right->receive(next.server, error), "again");
    next = {};
    listener = {};
}

TEST_F(Streams, NoMoreThanThereMayBe) {
    Ref<Socket> const listener = right->listen();
    run();
    std::vector<Ref<Socket>> clients, servers;
    SocketAddress peer;
    for (int i = 0; i < KOS_STREAMS_MAX; ++i) {
        clients.push_back(left->make());
        ASSERT_EQ(left->connect(clients.back()), Errno::kOK);
        run();
        auto made = listener->accept(peer);
        ASSERT_TRUE(made.ok());
        servers.push_back(made.take());
    }
    EXPECT_EQ(left->connect(left->make()), Errno::kECONNREFUSED);
    clients.pop_back();
    run();
    EXPECT_EQ(left->connect(left->make()), Errno::kOK);
}

// Random writes, reads and ends of many streams: each byte arrives once and in order.
TEST_F(Streams, AtRandomInOrder) {
    Ref<Socket> const listener = right->listen();
    run();
    struct Flow {
        Pair pair;
        uint64_t written = 0, read = 0;
    };
    std::mt19937 random(11);
    std::vector<Flow> flows(4);
    for (Flow& flow : flows) flow.pair = open(listener);
    auto const byte_at = [](uint64_t at) { return static_cast<char>(at * 131 >> 3); };
    for (int step = 0; step < 20000; ++step) {
        Flow& flow = flows[random() % flows.size()];
        if (random() % 2) {
            std::string bytes(1 + random() % 9000, 0);
            for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(flow.written + i);
            flow.written += left->send(flow.pair.client, bytes);
        } else {
            Errno error = Errno::kOK;
            std::string const got = right->receive(flow.pair.server, error, 1 + random() % 20000);
            for (char const byte : got) ASSERT_EQ(byte, byte_at(flow.read++));
        }
        if (random() % 3 == 0) run();
    }
    run();
    for (Flow& flow : flows) {
        while (flow.read < flow.written) {
            Errno error = Errno::kOK;
            std::string const got = right->receive(flow.pair.server, error, 65536);
            ASSERT_FALSE(got.empty());
            for (char const byte : got) ASSERT_EQ(byte, byte_at(flow.read++));
            run();
        }
    }
}

}  // namespace
