// kos_net: datagrams, names, addresses, mistakes and limits.
#include <lwip/dns.h>

#include "testing/net_fixture.h"

namespace kos::net::testing {
namespace {

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
