// The stack against itself over a link that loses, delays and changes packets; what arrives from nowhere; memory.
#include <gtest/gtest.h>
#include <lwip/dns.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "src/memory.h"
#include "src/sequence.h"
#include "testing/test_stack.h"

namespace kos::net::testing {
namespace {

constexpr uint16_t kPort = 80;

uint8_t pattern(size_t at) { return static_cast<uint8_t>(at * 7 + (at >> 8) * 13 + (at >> 16)); }

// Accepts connections and keeps what they send, or sends it back.
struct Server {
    explicit Server(bool echoes = false, uint16_t port = kPort, uint8_t backlog = 255) : echoes_(echoes) {
        tcp_pcb* const pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
        EXPECT_EQ(tcp_bind(pcb, IP_ANY_TYPE, port), ERR_OK);
        listener = tcp_listen_with_backlog(pcb, backlog);
        tcp_arg(listener, this);
        tcp_accept(listener, accept);
    }

    static err_t accept(void* self, tcp_pcb* pcb, err_t error) {
        if (error != ERR_OK || pcb == nullptr) return ERR_VAL;
        auto& server = *static_cast<Server*>(self);
        ++server.accepted;
        tcp_arg(pcb, self);
        tcp_recv(pcb, receive);
        tcp_sent(pcb, sent);
        tcp_err(pcb, [](void* arg, err_t) { ++static_cast<Server*>(arg)->errors; });
        return ERR_OK;
    }
    static err_t sent(void* self, tcp_pcb* pcb, u16_t) { return static_cast<Server*>(self)->flush(pcb); }
    static err_t receive(void* self, tcp_pcb* pcb, pbuf* data, err_t) {
        auto& server = *static_cast<Server*>(self);
        if (data == nullptr) {
            server.peer_closed = true;
            return server.flush(pcb);
        }
        const size_t before = server.received.size();
        server.received.resize(before + data->tot_len);
        pbuf_copy_partial(data, server.received.data() + before, data->tot_len, 0);
        tcp_recved(pcb, data->tot_len);
        pbuf_free(data);
        return server.flush(pcb);
    }
    err_t flush(tcp_pcb* pcb) {
        if (echoes_) {
            while (echoed < received.size()) {
                const size_t part = std::min({received.size() - echoed, size_t{tcp_sndbuf(pcb)}, size_t{60000}});
                if (part == 0 || tcp_write(pcb, received.data() + echoed, u16_t(part), TCP_WRITE_FLAG_COPY) != ERR_OK) {
                    break;
                }
                echoed += part;
            }
            tcp_output(pcb);
        }
        if (!peer_closed || (echoes_ && echoed < received.size())) return ERR_OK;
        tcp_arg(pcb, nullptr);
        tcp_recv(pcb, nullptr);
        tcp_sent(pcb, nullptr);
        tcp_err(pcb, nullptr);
        return tcp_close(pcb);
    }

    tcp_pcb* listener;
    std::vector<uint8_t> received;
    size_t echoed = 0;
    unsigned accepted = 0, errors = 0;
    bool peer_closed = false;

private:
    bool echoes_;
};

// Sends `total` bytes of the pattern, closes its direction, and compares what comes back.
struct Client {
    Client(const ip_addr_t& address, size_t total_bytes, uint16_t port = kPort, uint16_t own_port = 0)
        : total(total_bytes) {
        pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
        if (own_port != 0) {
            EXPECT_EQ(tcp_bind(pcb, IP_ANY_TYPE, own_port), ERR_OK);
        }
        tcp_arg(pcb, this);
        tcp_recv(pcb, receive);
        tcp_sent(pcb, [](void* self, tcp_pcb*, u16_t) {
            static_cast<Client*>(self)->flush();
            return err_t{ERR_OK};
        });
        tcp_err(pcb, [](void* self, err_t why) {
            static_cast<Client*>(self)->error = why;
            static_cast<Client*>(self)->pcb = nullptr;
        });
        connect_result = tcp_connect(pcb, &address, port, [](void* self, tcp_pcb*, err_t) {
            static_cast<Client*>(self)->connected = true;
            static_cast<Client*>(self)->flush();
            return err_t{ERR_OK};
        });
    }
    void flush() {
        uint8_t part[4096];
        while (written < total) {
            const size_t count = std::min({sizeof part, total - written, size_t{tcp_sndbuf(pcb)}});
            for (size_t i = 0; i < count; ++i) part[i] = pattern(written + i);
            if (count == 0 || tcp_write(pcb, part, u16_t(count), TCP_WRITE_FLAG_COPY) != ERR_OK) break;
            written += count;
        }
        if (written == total && !shut) shut = tcp_shutdown(pcb, 0, 1) == ERR_OK;
        tcp_output(pcb);
    }
    static err_t receive(void* self, tcp_pcb* pcb, pbuf* data, err_t) {
        auto& client = *static_cast<Client*>(self);
        if (data == nullptr) {
            client.finished = true;
            client.pcb = nullptr;
            tcp_arg(pcb, nullptr);
            tcp_err(pcb, nullptr);
            return tcp_close(pcb);
        }
        for (const pbuf* each = data; each != nullptr; each = each->next) {
            for (size_t i = 0; i < each->len; ++i) {
                client.wrong += static_cast<const uint8_t*>(each->payload)[i] != pattern(client.received++);
            }
        }
        tcp_recved(pcb, data->tot_len);
        pbuf_free(data);
        return ERR_OK;
    }

    tcp_pcb* pcb;
    size_t total, written = 0, received = 0, wrong = 0;
    bool connected = false, shut = false, finished = false;
    err_t error = ERR_OK, connect_result;
};

void expect_echo(TestStack& test, const ip_addr_t& address, size_t bytes, uint32_t ms) {
    Server server(true);
    Client client(address, bytes);
    EXPECT_TRUE(test.run(ms, [&] { return client.finished; }));
    EXPECT_EQ(client.received, bytes);
    EXPECT_EQ(client.wrong, 0u);
    EXPECT_EQ(server.received.size(), bytes);
    tcp_close(server.listener);
}

TEST(NetStack, SendsBothWaysOverIpv4AndIpv6) {
    TestStack test;
    expect_echo(test, peer4(), 1 << 20, 60000);
    expect_echo(test, peer6(), 1 << 20, 60000);
}

TEST(NetStack, ComputesItsOwnChecksumsWhereTheLinkDoesNot) {
    InterfaceConfig config = test_config();
    config.leaves_checksum = false;
    TestStack test({}, config);
    expect_echo(test, peer4(), 100000, 60000);
    expect_echo(test, peer6(), 100000, 60000);
    for (const Packet& packet : test.link.sent) EXPECT_FALSE(packet.needs_checksum);
}

// RFC 8201, 4: who does not follow messages about the way's size.
TEST(NetStack, SendsNoIpv6PacketThatIsTooLargeForAnyWay) {
    TestStack test;
    for (const bool was_down : {false, true}) {
        SCOPED_TRACE(was_down);
        if (was_down) {
            test.interface.set_up(false);
            test.interface.set_up(true);
        }
        test.link.sent.clear();
        expect_echo(test, peer6(), 100000, 60000);
        size_t most = 0;
        for (const Packet& packet : test.link.sent) most = std::max(most, packet.bytes.size());
        EXPECT_EQ(most, 1280u);
    }
}

TEST(NetStack, LeavesTheChecksumOfTcpAlone) {
    TestStack test;
    Client client(peer4(), 10);
    ASSERT_FALSE(test.link.sent.empty());
    EXPECT_TRUE(test.link.sent.back().needs_checksum);
    udp_pcb* const udp = udp_new();
    pbuf* const packet = pbuf_alloc(PBUF_TRANSPORT, 10, PBUF_RAM);
    const ip_addr_t to = peer4();
    EXPECT_EQ(udp_sendto(udp, packet, &to, 9), ERR_OK);
    pbuf_free(packet);
    EXPECT_FALSE(test.link.sent.back().needs_checksum);
}

TEST(NetStack, LosesNothingThatTheLinkLoses) {
    for (const unsigned seed : {1u, 2u, 3u}) {
        TestStack test;
        test.link.random.seed(seed);
        test.link.loss_permille = 30;
        test.link.doubled_permille = 20;
        test.link.delay_ms = 5;
        test.link.jitter_ms = 8;
        expect_echo(test, seed == 2 ? peer6() : peer4(), 300000, 600000);
    }
}

TEST(NetStack, DropsWhatWasChangedOnTheWay) {
    InterfaceConfig config = test_config();
    config.leaves_checksum = false;
    TestStack test({}, config);
    test.link.change = [&](Packet& packet) {
        if (test.link.random() % 20 == 0) packet.bytes[test.link.random() % packet.bytes.size()] ^= 0x10;
    };
    expect_echo(test, peer4(), 200000, 600000);
}

TEST(NetStack, WaitsForRoomInTheLink) {
    TestStack test;
    test.link.room = 3;
    expect_echo(test, peer4(), 300000, 60000);
    EXPECT_GT(test.interface.counters().full, 0u);
}

TEST(NetStack, OneLostPacketCostsLittle) {
    for (const unsigned lost : {40u, 57u, 130u}) {
        SCOPED_TRACE(lost);
        TestStack test;
        test.link.delay_ms = 1;
        unsigned count = 0;
        test.link.change = [&](Packet& packet) {
            if (packet.bytes.size() > 1000 && ++count == lost) packet.bytes[0] = 0;
        };
        const uint32_t begin = test.surroundings.now;
        Server server;
        Client client(peer4(), 200000);
        EXPECT_TRUE(test.run(60000, [&] { return client.finished; }));
        EXPECT_EQ(server.received.size(), 200000u);
        EXPECT_GE(count, lost);
        // Without a loss it is 10 ms.
        EXPECT_LT(test.surroundings.now - begin, 50u);
    }
}

TEST(NetStack, OneLostPacketCostsLittleWhereBothSend) {
    for (const unsigned lost : {40u, 57u, 130u}) {
        SCOPED_TRACE(lost);
        TestStack test;
        test.link.delay_ms = 1;
        unsigned count = 0;
        test.link.change = [&](Packet& packet) {
            if (packet.bytes.size() > 1000 && ++count == lost) packet.bytes[0] = 0;
        };
        const uint32_t begin = test.surroundings.now;
        expect_echo(test, peer4(), 200000, 60000);
        EXPECT_GE(count, lost);
        EXPECT_LT(test.surroundings.now - begin, 100u);
    }
}

TEST(NetStack, TalksToItself) {
    TestStack test;
    ip_addr_t loopback;
    IP_ADDR4(&loopback, 127, 0, 0, 1);
    expect_echo(test, loopback, 200000, 60000);
    ip_addr_t own;
    ip_addr_copy_from_ip4(own, test_config().address4);
    expect_echo(test, own, 200000, 60000);
    const ip_addr_t loopback6 = IPADDR6_INIT_HOST(0, 0, 0, 1);
    expect_echo(test, loopback6, 200000, 60000);
    EXPECT_EQ(test.interface.counters().sent_packets, 0u);
}

// Two full windows, and one that says so: the other has nothing to answer. Nor do two talk without end that disagree
// about what was sent (somebody has put bytes between them).
TEST(NetStack, WhatNeedsNoAnswerGetsNone) {
    TestStack test;
    ip_addr_t loopback;
    IP_ADDR4(&loopback, 127, 0, 0, 1);
    for (const ip_addr_t& to : {loopback, peer4()}) {
        for (const bool disagree : {false, true}) {
            tcp_pcb* server = nullptr;
            tcp_pcb* made = tcp_new_ip_type(IPADDR_TYPE_ANY);
            EXPECT_EQ(tcp_bind(made, IP_ANY_TYPE, kPort), ERR_OK);
            tcp_pcb* const listener = tcp_listen(made);
            tcp_arg(listener, &server);
            tcp_accept(listener, [](void* self, tcp_pcb* pcb, err_t) {
                *static_cast<tcp_pcb**>(self) = pcb;
                tcp_arg(pcb, self);
                tcp_err(pcb, [](void* its, err_t) { *static_cast<tcp_pcb**>(its) = nullptr; });
                return err_t{ERR_OK};
            });
            tcp_pcb* const client = tcp_new_ip_type(IPADDR_TYPE_ANY);
            ASSERT_EQ(tcp_connect(client, &to, kPort, [](void*, tcp_pcb*, err_t) { return err_t{ERR_OK}; }), ERR_OK);
            ASSERT_TRUE(test.run(1000, [&] { return server != nullptr; }));
            for (tcp_pcb* const end : {client, server}) {
                if (disagree) {
                    end->rcv_nxt += 1000;
                } else {
                    end->rcv_wnd = end->rcv_ann_wnd = 0;
                }
            }
            uint64_t const before = test.interface.counters().sent_packets;
            for (tcp_pcb* const end : {client, server}) {
                tcp_ack_now(end);
                tcp_output(end);
            }
            test.stack.poll();
            EXPECT_FALSE(test.stack.is_looping());
            test.run(10'000);
            // In twenty half seconds.
            EXPECT_LE(test.interface.counters().sent_packets - before, disagree ? 50u : 2u);
            tcp_abort(client);
            test.run(100);
            if (server != nullptr) tcp_abort(server);
            tcp_close(listener);
        }
    }
}

TEST(NetStack, SleepsWhenNobodyWaitsForAnything) {
    TestStack test;
    EXPECT_EQ(test.stack.sleep_ms(), UINT32_MAX);
    expect_echo(test, peer4(), 1000, 60000);
    EXPECT_LE(test.stack.sleep_ms(), 1000u);
    // The ends of TIME_WAIT.
    test.run(70000);
    EXPECT_EQ(test.stack.tcp_connections(), 0u);
    EXPECT_EQ(test.stack.sleep_ms(), UINT32_MAX);
}

TEST(NetStack, TimeWaitGivesWay) {
    StackConfig config;
    config.tcp_connections = 8;
    TestStack test(config);
    for (unsigned i = 0; i < 50; ++i) {
        SCOPED_TRACE(i);
        expect_echo(test, peer4(), 100, 60000);
    }
    EXPECT_LE(test.stack.tcp_connections(), 8u);
}

// Ends each connection first, with `bytes` in it, so that TIME_WAIT is on this side.
err_t give_and_close(void* bytes, tcp_pcb* pcb, err_t) {
    const std::vector<uint8_t> data(*static_cast<const u16_t*>(bytes), 'k');
    EXPECT_EQ(tcp_write(pcb, data.data(), u16_t(data.size()), TCP_WRITE_FLAG_COPY), ERR_OK);
    return tcp_close(pcb);
}

uint32_t number_at(const std::vector<uint8_t>& bytes, size_t at) {
    uint32_t value;
    std::memcpy(&value, &bytes[at], sizeof value);
    return lwip_ntohl(value);
}

// Of what was sent last with IPv4 and the flag from kPort: its sequence number.
uint32_t sequence_of(const TestStack& test, uint8_t flag) {
    for (auto each = test.link.sent.rbegin(); each != test.link.sent.rend(); ++each) {
        const auto& bytes = each->bytes;
        if ((number_at(bytes, 20) >> 16) == kPort && (bytes[33] & flag)) return number_at(bytes, 24);
    }
    ADD_FAILURE() << "no segment from the port";
    return 0;
}

// A client that asks again and again comes back to a port that it has used a moment ago.
TEST(NetStack, TheSamePortsBeginAgain) {
    constexpr uint16_t kOwnPort = 40000;
    TestStack test;
    Server server;
    u16_t bytes = 60000;
    tcp_arg(server.listener, &bytes);
    tcp_accept(server.listener, give_and_close);
    uint32_t end = 0;
    for (unsigned i = 0; i < 5; ++i) {
        SCOPED_TRACE(i);
        // No time passes but what a way and its answer take.
        test.run(2);
        Client client(peer4(), 0, kPort, kOwnPort);
        client.shut = true;  // it hears the end before it says its own
        EXPECT_TRUE(test.run(500, [&] { return client.finished; }));
        EXPECT_EQ(client.received, size_t{bytes});
        EXPECT_EQ(client.error, ERR_OK);
        if (i > 0) {
            EXPECT_LT(int32_t(end - sequence_of(test, TCP_SYN)), 0);
        }
        end = sequence_of(test, TCP_FIN);
        EXPECT_EQ(test.stack.tcp_connections(), 1u);
    }
    tcp_close(server.listener);
}

TEST(NetStack, FreesAllMemory) {
    TestStack test;
    const size_t before = test.stack.memory_used();
    for (unsigned i = 0; i < 20; ++i) expect_echo(test, i % 2 ? peer4() : peer6(), 5000, 60000);
    test.run(70000);
    EXPECT_EQ(test.stack.memory_used(), before);
}

TEST(NetStack, SurvivesTooLittleMemory) {
    StackConfig config;
    config.memory_bytes = 40000;
    TestStack test(config);
    Server server(true);
    std::vector<std::unique_ptr<Client>> clients;
    for (unsigned i = 0; i < 30; ++i) clients.push_back(std::make_unique<Client>(peer4(), 20000));
    test.run(20000);
    EXPECT_LE(test.stack.memory_used(), config.memory_bytes + 4096);
    for (const auto& client : clients) {
        if (client->pcb != nullptr) tcp_abort(client->pcb);
    }
    tcp_close(server.listener);
    test.run(400000);
    expect_echo(test, peer4(), 3000, 600000);
}

TEST(NetStack, ADeadPeerIsATimeOut) {
    TestStack test;
    test.link.delay_ms = 1;
    Server server(true);
    Client client(peer4(), 100000);
    EXPECT_TRUE(test.run(10000, [&] { return client.received > 1000; }));
    test.link.loss_permille = 1000;
    Client late(peer4(), 10);
    EXPECT_TRUE(test.run(150000, [&] { return late.error == ERR_ABRT; }));
    EXPECT_TRUE(test.run(1000000, [&] { return client.error == ERR_ABRT; }));
    EXPECT_EQ(client.pcb, nullptr);
}

TEST(NetStack, ALinkThatIsGoneIsATimeOut) {
    TestStack test;
    test.link.is_gone = true;
    Client client(peer4(), 10);
    EXPECT_TRUE(test.run(150000, [&] { return client.error == ERR_ABRT; }));
    EXPECT_GT(test.interface.counters().lost, 3u);
}

TEST(NetStack, ARefusedConnectionSaysSo) {
    TestStack test;
    Client client(peer4(), 10, 81);
    EXPECT_TRUE(test.run(1000, [&] { return client.error == ERR_RST; }));
}

// An ICMP error about `packet`, which this stack has sent, as the gateway would write it.
std::vector<uint8_t> icmp_error(std::vector<uint8_t> packet, uint8_t type, uint8_t code) {
    const bool is_v6 = packet[0] >> 4 == 6;
    const size_t header = is_v6 ? 40 : 20;
    std::vector<uint8_t> error(packet.begin(), packet.begin() + long(header));
    swap_addresses(error);
    const std::vector<uint8_t> icmp = {type, code, 0, 0, 0, 0, 0, 0};
    error.insert(error.end(), icmp.begin(), icmp.end());
    packet.resize(std::min(packet.size(), header + 8));
    error.insert(error.end(), packet.begin(), packet.end());
    const auto payload = uint16_t(error.size() - header);
    uint32_t sum = 0;
    if (is_v6) {
        error[4] = uint8_t(payload >> 8);
        error[5] = uint8_t(payload);
        error[6] = 58;
        sum = kos_lwip_checksum(error.data() + 8, 32) + lwip_htons(payload) + lwip_htons(58);
    } else {
        error[2] = uint8_t(error.size() >> 8);
        error[3] = uint8_t(error.size());
        error[9] = 1;
        error[10] = error[11] = 0;
        const uint16_t check = uint16_t(~kos_lwip_checksum(error.data(), 20));
        std::memcpy(&error[10], &check, 2);
    }
    sum += kos_lwip_checksum(error.data() + header, payload);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    const uint16_t check = uint16_t(~sum);
    std::memcpy(&error[header + 2], &check, 2);
    return error;
}

TEST(NetStack, AnUnreachableHostSaysSo) {
    TestStack test;
    test.link.mirrors = false;
    for (const bool is_v6 : {false, true}) {
        Client client(is_v6 ? peer6() : peer4(), 10);
        const std::vector<uint8_t> syn = test.link.sent.back().bytes;
        std::vector<uint8_t> foreign = syn;
        foreign[(is_v6 ? 40 : 20) + 7] ^= 1;  // another sequence number
        test.link.inject(icmp_error(foreign, is_v6 ? 1 : 3, 1));
        std::vector<uint8_t> damaged = icmp_error(syn, is_v6 ? 1 : 3, 1);
        damaged[(is_v6 ? 40 : 20) + 5] ^= 1;
        test.link.inject(damaged);
        test.run(10);
        EXPECT_EQ(client.error, ERR_OK);
        test.link.inject(icmp_error(syn, is_v6 ? 1 : 3, 1));
        test.run(10);
        EXPECT_EQ(client.error, ERR_RTE);

        Client refused(is_v6 ? peer6() : peer4(), 10);
        test.link.inject(icmp_error(test.link.sent.back().bytes, is_v6 ? 1 : 3, is_v6 ? 4 : 3));
        test.run(10);
        EXPECT_EQ(refused.error, ERR_RST);
    }
}

TEST(NetStack, TellsOfUnreachableUdp) {
    TestStack test;
    udp_pcb* const udp = udp_new_ip_type(IPADDR_TYPE_ANY);
    for (const ip_addr_t& to : {peer4(), peer6()}) {
        pbuf* const packet = pbuf_alloc(PBUF_TRANSPORT, 10, PBUF_RAM);
        EXPECT_EQ(udp_sendto(udp, packet, &to, 9), ERR_OK);
        pbuf_free(packet);
    }
    test.run(100);
    // Nobody listens on port 9, and lwIP says so itself.
    ASSERT_EQ(test.surroundings.unreachables.size(), 2u);
    for (const Unreachable& what : test.surroundings.unreachables) {
        EXPECT_TRUE(what.is_port);
        EXPECT_EQ(what.protocol, IP_PROTO_UDP);
        EXPECT_EQ(what.local_port, udp->local_port);
        EXPECT_EQ(what.remote_port, 9);
    }
}

TEST(NetStack, LeavesWhatHasArrivedInTheLink) {
    TestStack test;
    struct Receiver {
        Stack& stack;
        unsigned count = 0, most = ~0u;
        bool is_taking = false;
    } receiver{test.stack};
    udp_pcb* const server = udp_new_ip_type(IPADDR_TYPE_ANY);
    udp_bind(server, IP_ANY_TYPE, 7);
    udp_recv(
        server,
        [](void* arg, udp_pcb*, pbuf* data, const ip_addr_t*, u16_t) {
            auto& self = *static_cast<Receiver*>(arg);
            pbuf_free(data);
            self.is_taking = self.stack.is_taking();
            if (++self.count >= self.most) self.stack.stop_taking();
        },
        &receiver);
    udp_pcb* const client = udp_new_ip_type(IPADDR_TYPE_ANY);
    const auto send = [client](const ip_addr_t& to) {
        pbuf* const data = pbuf_alloc(PBUF_TRANSPORT, 10, PBUF_RAM);
        EXPECT_EQ(udp_sendto(client, data, &to, 7), ERR_OK);
        pbuf_free(data);
    };
    for (unsigned i = 0; i < 10; ++i) send(peer4());
    EXPECT_FALSE(test.stack.poll(0));
    EXPECT_EQ(receiver.count, 0u);
    receiver.most = 3;
    EXPECT_FALSE(test.stack.poll());
    EXPECT_EQ(receiver.count, 3u);
    EXPECT_TRUE(receiver.is_taking);
    receiver.most = ~0u;
    EXPECT_FALSE(test.stack.poll());
    EXPECT_EQ(receiver.count, 10u);
    // What comes from the stack itself goes on.
    send(test.interface.lwip().ip_addr);
    (void)test.stack.poll(0);
    EXPECT_EQ(receiver.count, 11u);
    EXPECT_FALSE(receiver.is_taking);
    udp_remove(client);
    udp_remove(server);
}

TEST(NetStack, SendsLargeDatagramsInFragments) {
    TestStack test;
    std::vector<uint8_t> got;
    udp_pcb* const server = udp_new_ip_type(IPADDR_TYPE_ANY);
    udp_bind(server, IP_ANY_TYPE, 7);
    udp_recv(
        server,
        [](void* arg, udp_pcb*, pbuf* data, const ip_addr_t*, u16_t) {
            auto& bytes = *static_cast<std::vector<uint8_t>*>(arg);
            bytes.resize(data->tot_len);
            pbuf_copy_partial(data, bytes.data(), data->tot_len, 0);
            pbuf_free(data);
        },
        &got);
    udp_pcb* const client = udp_new_ip_type(IPADDR_TYPE_ANY);
    for (const ip_addr_t& to : {peer4(), peer6()}) {
        for (const size_t size : {1u, 1400u, 5000u, 60000u}) {
            SCOPED_TRACE(size);
            pbuf* const packet = pbuf_alloc(PBUF_TRANSPORT, u16_t(size), PBUF_RAM);
            for (size_t i = 0; i < size; ++i) static_cast<uint8_t*>(packet->payload)[i] = pattern(i);
            EXPECT_EQ(udp_sendto(client, packet, &to, 7), ERR_OK);
            pbuf_free(packet);
            got.clear();
            test.link.jitter_ms = 0;
            test.run(100);
            ASSERT_EQ(got.size(), size);
            for (size_t i = 0; i < size; ++i) ASSERT_EQ(got[i], pattern(i));
        }
    }
}

TEST(NetStack, GivesIncompleteDatagramsUp) {
    TestStack test;
    udp_pcb* const udp = udp_new();
    const size_t before = test.stack.memory_used();
    unsigned count = 0;
    test.link.change = [&](Packet& packet) {
        if (count++ % 3 == 1) packet.bytes[0] = 0;  // one of each lacks
    };
    const ip_addr_t to = peer4();
    for (unsigned i = 0; i < 100; ++i) {
        pbuf* const packet = pbuf_alloc(PBUF_TRANSPORT, 4000, PBUF_RAM);
        udp_sendto(udp, packet, &to, 7);
        pbuf_free(packet);
        test.stack.poll();
    }
    EXPECT_GT(test.stack.memory_used(), before);
    EXPECT_LT(test.stack.memory_used(), before + 300000);
    test.run(20000);
    EXPECT_EQ(test.stack.memory_used(), before);
    EXPECT_EQ(test.stack.sleep_ms(), UINT32_MAX);
}

TEST(NetStack, RefusesImpossibleSources) {
    TestStack test;
    test.link.mirrors = false;
    Client client(peer4(), 1);
    std::vector<uint8_t> packet = test.link.sent.back().bytes;
    swap_addresses(packet);
    const uint8_t sources[][4] = {{127, 0, 0, 1}, {224, 0, 0, 1}, {0, 0, 0, 0}, {255, 255, 255, 255}, {10, 78, 1, 2}};
    for (const auto& source : sources) {
        std::copy(source, source + 4, packet.begin() + 12);
        test.link.inject(packet);
    }
    test.link.inject({0x45});
    test.link.inject(std::vector<uint8_t>(70000, 0x45));
    test.link.inject(std::vector<uint8_t>(30, 0x60));
    test.link.inject(std::vector<uint8_t>(100, 0x70));
    test.stack.poll();
    EXPECT_EQ(test.interface.counters().refused, 9u);
    EXPECT_EQ(test.interface.counters().received_packets, 0u);
}

// Like the segment that was sent last, from so many other addresses.
void flood(TestStack& test, unsigned count) {
    std::vector<uint8_t> syn = test.link.sent.back().bytes;
    swap_addresses(syn);
    for (unsigned i = 0; i < count; ++i) {
        syn[15] = uint8_t(i);
        syn[14] = uint8_t(i >> 8);
        syn[10] = syn[11] = 0;
        const auto check = uint16_t(~kos_lwip_checksum(syn.data(), 20));
        std::memcpy(&syn[10], &check, 2);
        test.link.inject(syn, true);
        test.stack.poll();
    }
}

TEST(NetStack, AFloodOfConnectionsStaysBounded) {
    StackConfig config;
    config.tcp_connections = 100;
    TestStack test(config);
    test.link.mirrors = false;
    Server server(true);
    Client client(peer4(), 1);
    flood(test, 5000);
    EXPECT_LE(test.stack.tcp_connections(), 100u);
    EXPECT_GE(test.stack.tcp_connections(), 50u);
    // They are given up when nobody goes on with them.
    tcp_abort(client.pcb);
    test.run(60000);
    test.link.mirrors = true;
    tcp_close(server.listener);
    expect_echo(test, peer4(), 1000, 60000);
}

// Nobody goes on with them, and who does is served between them.
TEST(NetStack, AFloodOfConnectionsDoesNotKeepOthersOut) {
    StackConfig config;
    config.tcp_connections = 400;
    TestStack test(config);
    Server server(true);  // for 255 that are not accepted yet
    test.link.mirrors = false;
    Client client(peer4(), 1);
    flood(test, 1000);
    tcp_abort(client.pcb);
    EXPECT_EQ(test.stack.tcp_connections(), 255u);
    EXPECT_EQ(server.accepted, 0u);
    test.link.mirrors = true;
    Client other(peer4(), 1000);
    EXPECT_TRUE(test.run(60000, [&] { return other.finished; }));
    EXPECT_EQ(other.received, 1000u);
    tcp_close(server.listener);
}

// Those on their way do not push each other out, nor are they refused.
TEST(NetStack, AShortBacklogIsAskedByManyAtOnce) {
    TestStack test;
    Server server(false, kPort, 5);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<Client>(peer4(), 0));
    EXPECT_TRUE(test.run(900, [&] { return server.accepted == 50; }));
    for (const auto& client : clients) EXPECT_EQ(client->error, ERR_OK);
    tcp_close(server.listener);
    clients.clear();
}

// More than may be half open, all of them before the first hears anything: some ask twice, nobody is cut off.
TEST(NetStack, ManyAtOnceAreNotCutOff) {
    constexpr unsigned kMany = 400;
    tcp_ticks += 10;  // nothing is left of another test's flood
    StackConfig config;
    config.tcp_connections = 2 * kMany + 1;
    TestStack test(config);
    test.link.delay_ms = 50;
    Server server(false);
    std::vector<std::unique_ptr<Client>> clients;
    for (unsigned i = 0; i < kMany; ++i) clients.push_back(std::make_unique<Client>(peer4(), 0));
    EXPECT_TRUE(test.run(8000, [&] { return server.accepted == kMany; }));
    for (const auto& client : clients) {
        EXPECT_EQ(client->error, ERR_OK);
        EXPECT_TRUE(client->connected);
        if (client->pcb != nullptr) tcp_abort(client->pcb);
    }
    tcp_close(server.listener);
    clients.clear();
}

TEST(NetStack, AnswersEcho) {
    TestStack test;
    test.link.mirrors = false;
    std::vector<uint8_t> ping = {0x45, 0,  0, 32, 0, 1, 0, 0, 64, 1, 0, 0, 10, 78, 1, 1,
                                 10,   78, 1, 2,  8, 0, 0, 0, 0,  1, 0, 1, 1,  2,  3, 4};
    uint16_t check = uint16_t(~kos_lwip_checksum(ping.data(), 20));
    std::memcpy(&ping[10], &check, 2);
    check = uint16_t(~kos_lwip_checksum(ping.data() + 20, 12));
    std::memcpy(&ping[22], &check, 2);
    test.link.inject(ping);
    test.stack.poll();
    ASSERT_EQ(test.link.sent.size(), 1u);
    EXPECT_EQ(test.link.sent.back().bytes[20], 0);
    EXPECT_EQ(kos_lwip_checksum(test.link.sent.back().bytes.data() + 20, 12), 0xffff);
}

TEST(NetChecksum, IsTheSumOfWords) {
    std::mt19937 random(3);
    std::vector<uint8_t> bytes(300);
    for (unsigned round = 0; round < 2000; ++round) {
        for (uint8_t& byte : bytes) byte = round % 3 == 0 ? 0xff : uint8_t(random());
        const size_t begin = random() % 9;
        const size_t count = random() % (bytes.size() - begin);
        uint32_t expected = 0;
        for (size_t i = 0; i < count; ++i) expected += uint32_t{bytes[begin + i]} << (i % 2 * 8);
        while (expected >> 16) expected = (expected & 0xffff) + (expected >> 16);
        ASSERT_EQ(kos_lwip_checksum(bytes.data() + begin, int(count)), expected) << begin << " " << count;
    }
}

TEST(NetTcpOptions, FindsBlocksOfSack) {
    const auto tells = [](std::vector<uint8_t> options, size_t first) {
        const std::vector<uint8_t> rest(options.begin() + long(first), options.end());
        const auto bytes = uint16_t(options.size());
        options.resize(first);
        return kos_lwip_tells_gap(options.data(), uint16_t(first), rest.data(), bytes) != 0;
    };
    const std::vector<uint8_t> sack = {1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2};
    for (size_t first = 0; first <= sack.size(); ++first) EXPECT_TRUE(tells(sack, first)) << first;
    EXPECT_TRUE(tells({2, 4, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2}, 14));
    const std::vector<std::vector<uint8_t>> without = {{},
                                                       {1, 1, 1},
                                                       {5},
                                                       {5, 10, 0},
                                                       {5, 2},
                                                       {5, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                                                       {0, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2},
                                                       {3, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2}};
    for (const auto& options : without) EXPECT_FALSE(tells(options, options.size()));
}

TEST(NetSequence, IsSipHash) {
    // The paper's appendix A: key 00 01 .. 0f, message 00 01 .. 0e.
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t message[15];
    for (uint8_t i = 0; i < 15; ++i) message[i] = i;
    EXPECT_EQ(siphash(key, message, 15), 0xa129ca6149be45e5u);
}

TEST(NetSequence, DependsOnTheConnectionAndTime) {
    TestStack test;
    const ip_addr_t a = peer4(), b = peer6();
    const uint32_t first = kos_lwip_initial_sequence(&a, 1, &a, 2);
    EXPECT_NE(kos_lwip_initial_sequence(&a, 1, &a, 3), first);
    EXPECT_NE(kos_lwip_initial_sequence(&b, 1, &b, 2), first);
    test.surroundings.now += 1000;
    EXPECT_EQ(kos_lwip_initial_sequence(&a, 1, &a, 2), first + 250000);
}

}  // namespace
}  // namespace kos::net::testing
