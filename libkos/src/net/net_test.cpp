// kos_net against itself over a link that the test controls (lib/lwip/testing): sockets, call-backs, names, limits.
#include <gtest/gtest.h>
#include <lwip/dns.h>

#include <string>

#include "network.h"
#include "testing/mirror_link.h"
#include "testing/test_stack.h"

// The clock's ticks are milliseconds here.
uint64_t kos_time_ticks(void) { return 0; }

namespace kos::net::testing {
namespace {

class FakePlatform final : public Platform {
public:
    uint32_t now_ms() override { return clock; }
    void random(void* bytes, size_t count) override { surroundings_.random(bytes, count); }
    [[noreturn]] void failed(const char* what, const char* file, int line) override {
        surroundings_.failed(what, file, line);
    }
    uint64_t now() override { return clock; }
    uint64_t ticks_of_ms(uint32_t ms) override { return ms; }
    bool prepare_sleep(bool) override { return link->next_bytes() == 0; }
    void set_alarm(uint64_t deadline) override { alarm = deadline; }
    // A millisecond at a time; without an alarm or a packet under way nobody would ever wake it.
    bool sleep() override {
        if (link->queue.empty() && alarm == 0) return false;
        ++clock;
        if (alarm != 0 && alarm < clock) alarm = 0;
        return !stops;
    }
    uint64_t link_resets() override { return 0; }

    uint32_t clock = 5000;
    uint64_t alarm = 0;
    MirrorLink* link = nullptr;
    bool stops = false;

private:
    TestSurroundings surroundings_;
};

NetworkConfig test_network_config() {
    NetworkConfig config;
    config.interface = test_config();
    config.dns = peer4();
    config.has_dns = true;
    return config;
}

class KosNet : public ::testing::Test {
protected:
    explicit KosNet(const NetworkConfig& config = test_network_config())
        : link(platform.clock), net_memory_(std::make_unique<Network>(attach(), link, config)) {}

    Platform& attach() {
        platform.link = &link;
        return platform;
    }
    uint64_t after(uint32_t ms) const { return platform.clock + ms; }
    static kos_net_address_t address(const char* text, uint16_t port) {
        kos_net_address_t result{};
        EXPECT_EQ(kos_net_address_parse(text, port, &result), KOS_STATUS_OK);
        return result;
    }
    static kos_net_address_t any(uint16_t port) {
        kos_net_address_t result{};
        result.port = port;
        return result;
    }
    void run(uint32_t ms) {
        for (uint32_t i = 0; i < ms; ++i) {
            kos_net_work();
            ++platform.clock;
        }
        kos_net_work();
    }
    kos_net_socket_t* listen(uint16_t port, unsigned backlog = 10) {
        kos_net_socket_t* socket = nullptr;
        const kos_net_address_t at = any(port);
        EXPECT_EQ(kos_net_tcp_listen(&at, backlog, &socket), KOS_STATUS_OK);
        return socket;
    }
    kos_net_socket_t* connect(const char* to, uint16_t port) {
        kos_net_socket_t* socket = nullptr;
        const kos_net_address_t peer = address(to, port);
        EXPECT_EQ(kos_net_tcp_connect(&peer, &socket), KOS_STATUS_OK);
        return socket;
    }
    struct Pair {
        kos_net_socket_t* client;
        kos_net_socket_t* server;
    };
    Pair pair(kos_net_socket_t* listener, const char* to = "10.78.1.1") {
        Pair made{connect(to, 80), nullptr};
        EXPECT_EQ(kos_net_wait(made.client, KOS_NET_WRITABLE, after(1000)), KOS_STATUS_OK);
        EXPECT_EQ(kos_net_wait(listener, KOS_NET_READABLE, after(1000)), KOS_STATUS_OK);
        EXPECT_EQ(kos_net_tcp_accept(listener, &made.server), KOS_STATUS_OK);
        return made;
    }
    static kos_status_t send(kos_net_socket_t* socket, const std::string& text) {
        size_t done = 0;
        const kos_status_t status = kos_net_tcp_send(socket, text.data(), text.size(), &done);
        if (status == KOS_STATUS_OK) {
            EXPECT_EQ(done, text.size());
        }
        return status;
    }
    std::string receive(kos_net_socket_t* socket, size_t most = 4096) {
        std::string text(most, '\0');
        size_t done = 0;
        EXPECT_EQ(kos_net_wait(socket, KOS_NET_READABLE, after(10000)), KOS_STATUS_OK);
        const kos_status_t status = kos_net_tcp_receive(socket, text.data(), most, &done);
        EXPECT_EQ(status, KOS_STATUS_OK) << status;
        text.resize(done);
        return text;
    }

    FakePlatform platform;
    MirrorLink link;

private:
    std::unique_ptr<Network> net_memory_;
};

TEST_F(KosNet, Talks) {
    kos_net_socket_t* const listener = listen(80);
    for (const char* to : {"10.78.1.1", "fd6b:6f73:1::1", "127.0.0.1", "::1", "10.78.1.2"}) {
        SCOPED_TRACE(to);
        auto [client, server] = pair(listener, to);
        EXPECT_EQ(send(client, "question"), KOS_STATUS_OK);
        EXPECT_EQ(receive(server), "question");
        EXPECT_EQ(send(server, "answer"), KOS_STATUS_OK);
        EXPECT_EQ(receive(client, 3), "ans");
        EXPECT_EQ(receive(client), "wer");
        kos_net_address_t peer{}, own{};
        EXPECT_EQ(kos_net_peer(client, &peer), KOS_STATUS_OK);
        EXPECT_EQ(kos_net_local(client, &own), KOS_STATUS_OK);
        EXPECT_EQ(peer.port, 80);
        EXPECT_NE(own.port, 0);
        kos_net_close(client);
        EXPECT_EQ(receive(server), "");
        kos_net_close(server);
    }
}

TEST_F(KosNet, HalfClose) {
    kos_net_socket_t* const listener = listen(80);
    auto [client, server] = pair(listener);
    send(client, "last words");
    EXPECT_EQ(kos_net_tcp_finish(client), KOS_STATUS_OK);
    EXPECT_EQ(kos_net_tcp_finish(client), KOS_STATUS_CONFLICT);
    EXPECT_EQ(send(client, "more"), KOS_STATUS_CONFLICT);
    EXPECT_EQ(receive(server), "last words");
    EXPECT_EQ(receive(server), "");
    EXPECT_EQ(send(server, "late answer"), KOS_STATUS_OK);
    EXPECT_EQ(receive(client), "late answer");
    EXPECT_EQ(kos_net_tcp_finish(server), KOS_STATUS_OK);
    EXPECT_EQ(receive(client), "");
    // Long after TIME_WAIT lwIP has forgotten both.
    run(70000);
    EXPECT_EQ(receive(client), "");
    EXPECT_EQ(kos_net_status(client), KOS_STATUS_OK);
    kos_net_close(client);
    kos_net_close(server);
}

TEST_F(KosNet, BothFinishAtOnce) {
    kos_net_socket_t* const listener = listen(80);
    auto [client, server] = pair(listener);
    send(client, "a");
    send(server, "b");
    EXPECT_EQ(kos_net_tcp_finish(client), KOS_STATUS_OK);
    EXPECT_EQ(kos_net_tcp_finish(server), KOS_STATUS_OK);
    EXPECT_EQ(receive(client), "b");
    EXPECT_EQ(receive(server), "a");
    EXPECT_EQ(receive(client), "");
    EXPECT_EQ(receive(server), "");
    run(70000);
    kos_net_close(client);
    kos_net_close(server);
}

TEST_F(KosNet, AResetIsPeerGone) {
    kos_net_socket_t* const listener = listen(80);
    auto [client, server] = pair(listener);
    send(client, "before");
    run(10);
    kos_net_abort(client);
    EXPECT_EQ(kos_net_wait(server, KOS_NET_FAILED, after(1000)), KOS_STATUS_OK);
    EXPECT_EQ(receive(server), "before");
    char byte = 0;
    size_t done = 0;
    EXPECT_EQ(kos_net_tcp_receive(server, &byte, 1, &done), KOS_STATUS_PEER_GONE);
    EXPECT_EQ(send(server, "x"), KOS_STATUS_PEER_GONE);
    EXPECT_EQ(kos_net_tcp_finish(server), KOS_STATUS_PEER_GONE);
    kos_net_close(server);
}

TEST_F(KosNet, ClosingWithUnreadDataResets) {
    kos_net_socket_t* const listener = listen(80);
    auto [client, server] = pair(listener);
    send(client, "unread");
    run(10);
    kos_net_close(server);
    EXPECT_EQ(kos_net_wait(client, KOS_NET_FAILED, after(1000)), KOS_STATUS_OK);
    EXPECT_EQ(kos_net_status(client), KOS_STATUS_PEER_GONE);
    kos_net_close(client);
}

TEST_F(KosNet, SaysWhyAConnectionFailed) {
    kos_net_socket_t* const refused = connect("10.78.1.1", 81);
    EXPECT_EQ(kos_net_status(refused), KOS_STATUS_EMPTY);
    EXPECT_EQ(send(refused, "x"), KOS_STATUS_EMPTY);
    EXPECT_EQ(kos_net_wait(refused, KOS_NET_WRITABLE, after(1000)), KOS_STATUS_OK);
    EXPECT_EQ(kos_net_ready(refused), uint32_t{KOS_NET_FAILED | KOS_NET_READABLE});
    EXPECT_EQ(kos_net_status(refused), KOS_STATUS_UNAVAILABLE);
    kos_net_close(refused);
    link.loss_permille = 1000;
    kos_net_socket_t* const silent = connect("10.78.1.1", 80);
    EXPECT_EQ(kos_net_wait(silent, KOS_NET_WRITABLE, after(1000)), KOS_STATUS_TIMEOUT);
    EXPECT_EQ(kos_net_wait(silent, KOS_NET_WRITABLE, after(200000)), KOS_STATUS_OK);
    EXPECT_EQ(kos_net_status(silent), KOS_STATUS_TIMEOUT);
    kos_net_close(silent);
}

TEST_F(KosNet, StopsWaitingWhenTheDomainShallStop) {
    platform.stops = true;
    kos_net_socket_t* const listener = listen(80);
    link.loss_permille = 1000;
    kos_net_socket_t* const silent = connect("10.78.1.1", 80);
    EXPECT_EQ(kos_net_wait(silent, KOS_NET_WRITABLE, after(1000)), KOS_STATUS_UNAVAILABLE);
    kos_net_close(silent);
    kos_net_close(listener);
}

TEST_F(KosNet, MovesMuchThroughSmallBuffers) {
    kos_net_socket_t* const listener = listen(80);
    auto [client, server] = pair(listener);
    const size_t total = 3 << 20;
    size_t sent = 0, received = 0;
    unsigned full = 0;
    std::vector<uint8_t> chunk(20000);
    while (received < total) {
        while (sent < total) {
            const size_t count = std::min(chunk.size(), total - sent);
            for (size_t i = 0; i < count; ++i) chunk[i] = uint8_t((sent + i) * 31 >> 3);
            size_t done = 0;
            if (kos_net_tcp_send(client, chunk.data(), count, &done) == KOS_STATUS_FULL) {
                ++full;
                EXPECT_EQ(kos_net_ready(client) & KOS_NET_WRITABLE, 0u);
                break;
            }
            sent += done;
        }
        ASSERT_EQ(kos_net_wait(server, KOS_NET_READABLE, after(5000)), KOS_STATUS_OK);
        size_t done = 0;
        uint8_t got[7000];
        while (kos_net_tcp_receive(server, got, sizeof got, &done) == KOS_STATUS_OK) {
            for (size_t i = 0; i < done; ++i) ASSERT_EQ(got[i], uint8_t((received + i) * 31 >> 3));
            received += done;
        }
    }
    EXPECT_GT(full, 10u);
    kos_net_close(client);
    kos_net_close(server);
}

TEST_F(KosNet, CallsBackWhenThereIsRoom) {
    kos_net_socket_t* const listener = listen(80);
    auto [client, server] = pair(listener);
    unsigned calls = 0;
    std::vector<uint8_t> chunk(70000);
    size_t done = 0;
    while (kos_net_tcp_send(client, chunk.data(), chunk.size(), &done) == KOS_STATUS_OK) kos_net_work();
    kos_net_watch(
        client, [](kos_net_socket_t*, void* context) { ++*static_cast<unsigned*>(context); }, &calls);
    run(1000);
    EXPECT_EQ(calls, 0u);  // the window is full
    while (kos_net_tcp_receive(server, chunk.data(), chunk.size(), &done) == KOS_STATUS_OK) kos_net_work();
    run(1000);
    EXPECT_GT(calls, 0u);
    EXPECT_NE(kos_net_ready(client) & KOS_NET_WRITABLE, 0u);
    kos_net_watch(client, nullptr, nullptr);
    kos_net_close(client);
    kos_net_close(server);
}

TEST_F(KosNet, SmallSegmentsDoNotFillTheMemory) {
    kos_net_socket_t* const listener = listen(80);
    auto [client, server] = pair(listener);
    kos_net_tcp_no_delay(client, 1);
    kos_net_counters_t before{}, after_it{};
    kos_net_counters(&before);
    for (unsigned i = 0; i < 20000; ++i) {
        size_t done = 0;
        const auto byte = uint8_t(i);
        ASSERT_EQ(kos_net_tcp_send(client, &byte, 1, &done), KOS_STATUS_OK);
        kos_net_work();
    }
    kos_net_counters(&after_it);
    EXPECT_LT(after_it.memory_used - before.memory_used, 40000u);
    for (unsigned i = 0; i < 20000;) {
        const std::string part = receive(server, 777);
        for (const char each : part) ASSERT_EQ(uint8_t(each), uint8_t(i++));
    }
    kos_net_close(client);
    kos_net_close(server);
}

TEST_F(KosNet, AcceptsByCallBack) {
    struct Echo {
        static void accepted(kos_net_socket_t* listener, void* context) {
            kos_net_socket_t* socket = nullptr;
            while (kos_net_tcp_accept(listener, &socket) == KOS_STATUS_OK) kos_net_watch(socket, ready, context);
        }
        static void ready(kos_net_socket_t* socket, void* context) {
            char bytes[100];
            size_t count = 0, done = 0;
            kos_status_t status;
            while ((status = kos_net_tcp_receive(socket, bytes, sizeof bytes, &count)) == KOS_STATUS_OK && count > 0) {
                EXPECT_EQ(kos_net_tcp_send(socket, bytes, count, &done), KOS_STATUS_OK);
            }
            if (status == KOS_STATUS_EMPTY) return;
            ++*static_cast<unsigned*>(context);
            kos_net_close(socket);
        }
    };
    unsigned closed = 0;
    kos_net_socket_t* const listener = listen(80, 255);
    kos_net_watch(listener, Echo::accepted, &closed);
    std::vector<kos_net_socket_t*> clients;
    for (unsigned i = 0; i < 100; ++i) clients.push_back(connect("10.78.1.1", 80));
    run(10);
    for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(send(clients[i], "hello " + std::to_string(i)), KOS_STATUS_OK);
    for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(receive(clients[i]), "hello " + std::to_string(i));
    for (kos_net_socket_t* const client : clients) kos_net_close(client);
    run(1000);
    EXPECT_EQ(closed, 100u);
    kos_net_close(listener);
    run(70000);
    kos_net_counters_t counters{};
    kos_net_counters(&counters);
    EXPECT_EQ(counters.sockets, 0u);
    EXPECT_EQ(counters.connections, 0u);
}

TEST_F(KosNet, ClosesWhatNobodyAccepted) {
    kos_net_socket_t* const listener = listen(80, 5);
    kos_net_socket_t* clients[3];
    for (auto& client : clients) client = connect("10.78.1.1", 80);
    send(clients[0], "x");
    run(10);
    kos_net_abort(clients[1]);  // gone before it is accepted
    run(10);
    kos_net_socket_t* accepted = nullptr;
    EXPECT_EQ(kos_net_tcp_accept(listener, &accepted), KOS_STATUS_OK);
    kos_net_close(accepted);
    kos_net_close(listener);
    run(10);
    EXPECT_EQ(kos_net_status(clients[2]), KOS_STATUS_PEER_GONE);
    kos_net_close(clients[0]);
    kos_net_close(clients[2]);
    run(70000);
    kos_net_counters_t counters{};
    kos_net_counters(&counters);
    EXPECT_EQ(counters.sockets, 0u);
}

TEST_F(KosNet, ManyConnectionsLeaveNothing) {
    kos_net_socket_t* const listener = listen(80, 50);
    run(1);
    kos_net_counters_t before{}, after_it{};
    kos_net_counters(&before);
    for (unsigned i = 0; i < 2000; ++i) {
        SCOPED_TRACE(i);
        auto [client, server] = pair(listener, i % 2 ? "10.78.1.1" : "fd6b:6f73:1::1");
        send(client, "request");
        EXPECT_EQ(receive(server), "request");
        if (i % 5 == 0) {
            kos_net_abort(client);
        } else {
            kos_net_close(client);
        }
        if (i % 3 == 0) run(2);
        kos_net_close(server);
    }
    run(70000);
    kos_net_counters(&after_it);
    EXPECT_EQ(after_it.memory_used, before.memory_used);
    EXPECT_EQ(after_it.sockets, before.sockets);
    kos_net_close(listener);
}

TEST_F(KosNet, KeepAliveFindsDeadPeers) {
    kos_net_socket_t* const listener = listen(80);
    auto [client, server] = pair(listener);
    EXPECT_EQ(kos_net_tcp_keep_alive(client, 1, 0, 1), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_net_tcp_keep_alive(client, 5, 1, 3), KOS_STATUS_OK);
    run(20000);
    EXPECT_EQ(kos_net_status(client), KOS_STATUS_OK);
    link.loss_permille = 1000;
    run(12000);
    EXPECT_EQ(kos_net_status(client), KOS_STATUS_TIMEOUT);
    kos_net_close(client);
    kos_net_abort(server);
}

TEST_F(KosNet, Datagrams) {
    kos_net_socket_t *client = nullptr, *server = nullptr, *other = nullptr;
    const kos_net_address_t at = any(7), nowhere = any(0);
    ASSERT_EQ(kos_net_udp_open(&at, &server), KOS_STATUS_OK);
    EXPECT_EQ(kos_net_udp_open(&at, &other), KOS_STATUS_CONFLICT);
    ASSERT_EQ(kos_net_udp_open(&nowhere, &client), KOS_STATUS_OK);
    for (const char* to : {"10.78.1.1", "fd6b:6f73:1::1"}) {
        const kos_net_address_t peer = address(to, 7);
        std::vector<char> large(9000, 'x');
        EXPECT_EQ(kos_net_udp_send(client, &peer, "first", 5), KOS_STATUS_OK);
        EXPECT_EQ(kos_net_udp_send(client, &peer, "", 0), KOS_STATUS_OK);
        EXPECT_EQ(kos_net_udp_send(client, &peer, large.data(), large.size()), KOS_STATUS_OK);
        EXPECT_EQ(kos_net_wait(server, KOS_NET_READABLE, after(1000)), KOS_STATUS_OK);
        char bytes[9000];
        size_t count = 0;
        kos_net_address_t from{};
        EXPECT_EQ(kos_net_udp_receive(server, bytes, 4, &count, &from), KOS_STATUS_INVALID_ARGUMENT);
        EXPECT_EQ(count, 5u);
        EXPECT_EQ(kos_net_udp_receive(server, bytes, sizeof bytes, &count, &from), KOS_STATUS_OK);
        EXPECT_EQ(std::string(bytes, count), "first");
        kos_net_address_t own{};
        EXPECT_EQ(kos_net_local(client, &own), KOS_STATUS_OK);
        EXPECT_EQ(from.port, own.port);
        EXPECT_EQ(std::memcmp(from.bytes, peer.bytes, 16), 0);
        EXPECT_EQ(kos_net_udp_receive(server, bytes, sizeof bytes, &count, &from), KOS_STATUS_OK);
        EXPECT_EQ(count, 0u);
        EXPECT_EQ(kos_net_udp_receive(server, bytes, sizeof bytes, &count, &from), KOS_STATUS_OK);
        EXPECT_EQ(std::string(bytes, count), std::string(large.begin(), large.end()));
        EXPECT_EQ(kos_net_udp_receive(server, bytes, sizeof bytes, &count, &from), KOS_STATUS_EMPTY);
        EXPECT_EQ(kos_net_udp_send(client, &peer, large.data(), 65508), KOS_STATUS_INVALID_ARGUMENT);
    }
    kos_net_close(client);
    kos_net_close(server);
}

TEST_F(KosNet, DatagramsThatNobodyFetchesAreBounded) {
    kos_net_socket_t *client = nullptr, *server = nullptr;
    const kos_net_address_t at = any(7), nowhere = any(0), peer = address("10.78.1.1", 7);
    kos_net_udp_open(&at, &server);
    kos_net_udp_open(&nowhere, &client);
    kos_net_counters_t counters{};
    for (unsigned i = 0; i < 5000; ++i) {
        EXPECT_EQ(kos_net_udp_send(client, &peer, "x", 1), KOS_STATUS_OK);
        kos_net_work();
    }
    kos_net_counters(&counters);
    EXPECT_LT(counters.memory_used, 200000u);
    kos_net_close(client);
    kos_net_close(server);
}

TEST_F(KosNet, AFullLinkSaysSoAndCallsBack) {
    kos_net_socket_t *client = nullptr, *server = nullptr;
    const kos_net_address_t at = any(7), nowhere = any(0), peer = address("10.78.1.1", 7);
    kos_net_udp_open(&at, &server);
    kos_net_udp_open(&nowhere, &client);
    link.room = 3;
    unsigned calls = 0;
    for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(kos_net_udp_send(client, &peer, "x", 1), KOS_STATUS_OK);
    EXPECT_EQ(kos_net_udp_send(client, &peer, "x", 1), KOS_STATUS_FULL);
    EXPECT_EQ(kos_net_ready(client), 0u);
    kos_net_watch(
        client, [](kos_net_socket_t*, void* context) { ++*static_cast<unsigned*>(context); }, &calls);
    run(5);
    EXPECT_EQ(calls, 1u);
    EXPECT_EQ(kos_net_udp_send(client, &peer, "x", 1), KOS_STATUS_OK);
    kos_net_close(client);
    kos_net_close(server);
}

// What the relay answers: the question again, and an address of `version`, or "no such name" (0).
std::vector<uint8_t> answer_of(std::vector<uint8_t> query, unsigned version) {
    const auto question = std::vector<uint8_t>(query.begin() + 28 + 12, query.end());
    query[28 + 2] = 0x81;
    query[28 + 3] = version == 0 ? 0x83 : 0x80;
    query[28 + 7] = version == 0 ? 0 : 1;
    if (version != 0) {
        const uint16_t bytes = version == 4 ? 4 : 16;
        const std::vector<uint8_t> head = {0xc0,          12, 0, uint8_t(version == 4 ? 1 : 28), 0, 1, 0, 0, 0, 60, 0,
                                           uint8_t(bytes)};
        query.insert(query.end(), head.begin(), head.end());
        for (unsigned i = 0; i < bytes; ++i) query.push_back(uint8_t(i + 1));
    }
    swap_addresses(query);
    std::swap(query[20], query[22]);
    std::swap(query[21], query[23]);
    const auto udp_bytes = uint16_t(query.size() - 20);
    query[24] = uint8_t(udp_bytes >> 8);
    query[25] = uint8_t(udp_bytes);
    query[26] = query[27] = 0;  // no checksum
    query[2] = uint8_t(query.size() >> 8);
    query[3] = uint8_t(query.size());
    query[10] = query[11] = 0;
    const auto check = uint16_t(~kos_lwip_checksum(query.data(), 20));
    std::memcpy(&query[10], &check, 2);
    return query;
}

struct Answer {
    kos_status_t status = KOS_STATUS_EMPTY;
    kos_net_address_t address{};
    static void take(void* self, kos_status_t status, const kos_net_address_t* address) {
        static_cast<Answer*>(self)->status = status;
        static_cast<Answer*>(self)->address = *address;
    }
};

TEST_F(KosNet, LooksNamesUp) {
    link.mirrors = false;
    Answer answer;
    ASSERT_EQ(kos_net_resolve("device.example", 4, Answer::take, &answer), KOS_STATUS_OK);
    ASSERT_EQ(link.sent.size(), 1u);
    EXPECT_EQ(answer.status, KOS_STATUS_EMPTY);
    link.inject(answer_of(link.sent.back().bytes, 4));
    run(1);
    ASSERT_EQ(answer.status, KOS_STATUS_OK);
    char text[KOS_NET_TEXT_BYTES];
    kos_net_address_format(&answer.address, text, sizeof text);
    EXPECT_STREQ(text, "1.2.3.4");
    // From the cache, but not inside the call.
    Answer again;
    ASSERT_EQ(kos_net_resolve("device.example", 4, Answer::take, &again), KOS_STATUS_OK);
    EXPECT_EQ(again.status, KOS_STATUS_EMPTY);
    EXPECT_NE(platform.alarm, 0u);
    run(1);
    EXPECT_EQ(again.status, KOS_STATUS_OK);
    EXPECT_EQ(link.sent.size(), 1u);
    // Its time is over, although nobody looked at the clock meanwhile.
    platform.clock += 61000;
    Answer late;
    ASSERT_EQ(kos_net_resolve("device.example", 4, Answer::take, &late), KOS_STATUS_OK);
    EXPECT_EQ(link.sent.size(), 2u);
    link.inject(answer_of(link.sent.back().bytes, 0));
    run(1);
    EXPECT_EQ(late.status, KOS_STATUS_NOT_FOUND);
}

TEST_F(KosNet, ANameServerThatIsSilentIsATimeOut) {
    link.mirrors = false;
    Answer answer;
    ASSERT_EQ(kos_net_resolve("device.example", 6, Answer::take, &answer), KOS_STATUS_OK);
    kos_net_address_t address{};
    EXPECT_EQ(kos_net_resolve_wait("other.example", 4, after(500), &address), KOS_STATUS_TIMEOUT);
    run(60000);
    EXPECT_EQ(answer.status, KOS_STATUS_TIMEOUT);
}

TEST_F(KosNet, AddressesAreNames) {
    link.mirrors = false;
    kos_net_address_t address{};
    EXPECT_EQ(kos_net_resolve_wait("192.0.2.7", 0, after(500), &address), KOS_STATUS_OK);
    EXPECT_EQ(address.version, 4);
    EXPECT_EQ(kos_net_resolve_wait("2001:db8::7", 6, after(500), &address), KOS_STATUS_OK);
    EXPECT_EQ(address.version, 6);
    EXPECT_EQ(kos_net_resolve_wait("192.0.2.7", 6, after(500), &address), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(kos_net_resolve_wait("", 4, after(500), &address), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_net_resolve_wait(std::string(254, 'a').c_str(), 4, after(500), &address),
              KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_TRUE(link.sent.empty());
}

TEST_F(KosNet, AddressesAsText) {
    char text[KOS_NET_TEXT_BYTES];
    const std::pair<const char*, const char*> good[] = {{"192.0.2.1", "192.0.2.1:80"},
                                                        {"2001:db8::1", "[2001:db8::1]:80"},
                                                        {"::", "[::]:80"},
                                                        {"255.255.255.255", "255.255.255.255:80"}};
    for (const auto& [in, out] : good) {
        const kos_net_address_t parsed = address(in, 80);
        kos_net_address_format(&parsed, text, sizeof text);
        EXPECT_STRCASEEQ(text, out);
        for (size_t room = 1; room < sizeof text; ++room) {
            char part[sizeof text];
            std::memset(part, 'z', sizeof part);
            kos_net_address_format(&parsed, part, room);
            EXPECT_LT(strnlen(part, room), room);
            EXPECT_EQ(part[room], 'z');
        }
    }
    kos_net_address_t ignored{};
    for (const char* bad : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "0x1.2.3.4", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4x",
                            "fe80::1%1", ":", "1::2::3", "host", "1:2:3:4:5:6:7:8:9", "12345::"}) {
        EXPECT_EQ(kos_net_address_parse(bad, 1, &ignored), KOS_STATUS_INVALID_ARGUMENT) << bad;
    }
}

TEST_F(KosNet, RefusesMistakes) {
    kos_net_socket_t* socket = nullptr;
    kos_net_address_t peer = address("10.78.1.1", 0);
    EXPECT_EQ(kos_net_tcp_connect(&peer, &socket), KOS_STATUS_INVALID_ARGUMENT);
    peer.port = 80;
    peer.reserved = 1;
    EXPECT_EQ(kos_net_tcp_connect(&peer, &socket), KOS_STATUS_INVALID_ARGUMENT);
    peer.reserved = 0;
    peer.version = 5;
    EXPECT_EQ(kos_net_tcp_connect(&peer, &socket), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_net_udp_open(&peer, &socket), KOS_STATUS_INVALID_ARGUMENT);
    const kos_net_address_t at = any(80);
    EXPECT_EQ(kos_net_tcp_listen(&at, 0, &socket), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_net_tcp_listen(&at, 256, &socket), KOS_STATUS_INVALID_ARGUMENT);
    kos_net_socket_t* const listener = listen(80);
    EXPECT_EQ(kos_net_tcp_listen(&at, 1, &socket), KOS_STATUS_CONFLICT);
    size_t done = 0;
    char byte = 0;
    EXPECT_EQ(kos_net_tcp_send(listener, &byte, 1, &done), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_net_tcp_receive(listener, &byte, 1, &done), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_net_tcp_finish(listener), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_net_udp_receive(listener, &byte, 1, &done, &peer), KOS_STATUS_INVALID_ARGUMENT);
    auto [client, server] = pair(listener);
    EXPECT_EQ(kos_net_tcp_consume(client, 1), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(kos_net_tcp_accept(client, &socket), KOS_STATUS_INVALID_ARGUMENT);
    kos_net_close(client);
    kos_net_close(server);
    kos_net_close(listener);
}

class KosNetFewSockets : public KosNet {
protected:
    static NetworkConfig few() {
        NetworkConfig config = test_network_config();
        config.sockets = 5;
        return config;
    }
    KosNetFewSockets() : KosNet(few()) {}
};

TEST_F(KosNetFewSockets, RefusesMore) {
    kos_net_socket_t* const listener = listen(80);
    kos_net_socket_t* clients[4];
    for (auto& client : clients) client = connect("10.78.1.1", 80);
    kos_net_socket_t* socket = nullptr;
    const kos_net_address_t peer = address("10.78.1.1", 80);
    EXPECT_EQ(kos_net_tcp_connect(&peer, &socket), KOS_STATUS_FULL);
    EXPECT_EQ(kos_net_udp_open(&peer, &socket), KOS_STATUS_FULL);
    run(10);
    // No socket was left for the other ends.
    for (auto* client : clients) {
        EXPECT_EQ(kos_net_status(client), KOS_STATUS_PEER_GONE);
        kos_net_close(client);
    }
    auto [client, server] = pair(listener);
    kos_net_close(client);
    kos_net_close(server);
}

}  // namespace
}  // namespace kos::net::testing
