// kos_net: connections, their ends, call-backs and memory.
#include "testing/net_fixture.h"

// The clock's ticks are milliseconds here; nobody asks for them but the library's own waiting.
uint64_t kos_time_ticks(void) { return 0; }

namespace kos::net::testing {
namespace {

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

}  // namespace
}  // namespace kos::net::testing
