// Calls and casts to native servers: ../common/peer as the passive "peer" and as "active", which answers later.
#define _GNU_SOURCE
#include "ports.h"

#include "../common/peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void test_hello(void) {
    record_t record;
    begin("hello");
    int const fd = connect_port("peer");
    CHECK(receive(fd, &record, 1000) && record.head.kind == KOS_PORT_HELLO);
    CHECK(record.head.label == 4096 && record.head.param == 4);
    CHECK(record.head.flags == (KOS_PORT_HAS_QUEUE | KOS_PORT_HAS_TOKENS));
    CHECK(record.payload_bytes == 4 && memcmp(record.payload, "peer", 4) == 0);
    close(fd);
    end();
}

static void test_calls(void) {
    static record_t sent, got;
    begin("calls");
    int const fd = open_port("peer");
    got = call(fd, kPeerEcho, 41, 7, 8);
    CHECK(got.head.kind == KOS_PORT_REPLY && got.head.label == kOk && got.head.param == 42);
    CHECK(got.head.flags == KOS_PORT_WORDS && got.head.words[0] == 7);
    for (size_t bytes = 0; bytes <= KOS_PORT_PAYLOAD_MAX; bytes += 1024) {
        sent.head = request(kPeerEcho, bytes, bytes);
        sent.payload_bytes = bytes;
        for (size_t i = 0; i < bytes; ++i) sent.payload[i] = (unsigned char)(i * 7 + bytes);
        CHECK(send_record(fd, &sent, -1, 0));
        CHECK(receive(fd, &got, 5000) && got.head.call_id == bytes && got.head.param == bytes + 1);
        CHECK(got.payload_bytes == bytes && memcmp(got.payload, sent.payload, bytes) == 0);
    }
    got = call(fd, 999, 0, 0, 0);
    CHECK(got.head.kind == KOS_PORT_REPLY && got.head.label == kBadRequest);
    close(fd);
    end();
}

// None of these may do anything but be refused, and the connection goes on.
static void test_malformed(void) {
    static record_t sent, got;
    begin("malformed");
    int const fd = open_port("peer");
    const struct {
        kos_port_record_t head;
        size_t payload_bytes;
        uint32_t status;
    } cases[] = {
        {{.version = 0, .kind = KOS_PORT_CALL, .label = 1, .call_id = 1}, 0, kBadRequest},
        {{.version = 2, .kind = KOS_PORT_CALL, .label = 1, .call_id = 2}, 0, kBadRequest},
        {{.version = 1, .kind = 0, .call_id = 3}, 0, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_REPLY, .label = kOk, .call_id = 4}, 0, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_REVOKE, .call_id = 5, .token = 1}, 0, kBadRequest},
        {{.version = 1, .kind = 77, .call_id = 6}, 0, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_CALL, .label = 1, .call_id = 7, .flags = 1u << 31}, 0, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_CALL, .label = 1, .call_id = 8, .words = {1, 0}}, 0, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_CALL, .label = 1, .call_id = 9, .token = 1}, 0, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_CALL, .label = 1, .call_id = 10, .time_ms = ~0u}, 0, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_CALL, .label = 1, .call_id = 11, .flags = KOS_PORT_TOKEN}, 0, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_CALL, .label = 0xfff1, .call_id = 12}, 0, kInvalidArgument},
        {{.version = 1, .kind = KOS_PORT_CALL, .label = ~0u, .call_id = 13}, 0, kInvalidArgument},
        {{.version = 1, .kind = KOS_PORT_CALL, .label = 1, .call_id = 16, .flags = KOS_PORT_SMALL}, 1, kBadRequest},
        {{.version = 1, .kind = KOS_PORT_CAST, .label = 1, .call_id = 14}, 49, kInvalidArgument},
        {{.version = 1, .kind = KOS_PORT_CAST, .label = 1, .call_id = 15, .param = 1}, 0, kBadRequest},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        sent.head = cases[i].head;
        sent.payload_bytes = cases[i].payload_bytes;
        CHECK(send_record(fd, &sent, -1, 0));
        CHECK(receive(fd, &got, 5000));
        bool const is_good = CHECK(got.head.kind == KOS_PORT_STATUS && got.head.label == cases[i].status);
        if (!CHECK(got.head.call_id == cases[i].head.call_id) || !is_good) check(false, "case", (int)i + 1);
    }
    // Too short, nothing at all, too long, a descriptor that is no token, one that nobody has announced.
    static unsigned char bytes[sizeof(kos_port_record_t) + KOS_PORT_PAYLOAD_MAX + 1] = {1, 0, 1, 0, 1};
    static const size_t lengths[] = {0, 1, sizeof(kos_port_record_t) - 1, sizeof bytes};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; ++i) {
        CHECK(send(fd, bytes, lengths[i], 0) == (ssize_t)lengths[i]);
        CHECK(receive(fd, &got, 5000) && got.head.kind == KOS_PORT_STATUS && got.head.label == kBadRequest);
    }
    sent.head = request(kPeerEcho, 21, 0);
    sent.payload_bytes = 0;
    CHECK(send_record(fd, &sent, 1, 0));
    CHECK(receive(fd, &got, 5000) && got.head.label == kBadRequest && got.head.call_id == 21);
    sent.head.flags = KOS_PORT_TOKEN;
    for (int i = 0; i < 2; ++i) {
        CHECK(send_record(fd, &sent, i ? fd : 1, 0));  // the console; a connection to a port
        CHECK(receive(fd, &got, 5000) && got.head.label == kInvalidToken && got.head.call_id == 21);
    }
    got = call(fd, kPeerEcho, 1, 0, 0);
    CHECK(got.head.kind == KOS_PORT_REPLY && got.head.param == 2);
    close(fd);
    end();
}

static kos_port_record_t small(uint32_t label, uint64_t call_id, uint64_t param) {
    kos_port_record_t head = request(label, call_id, param);
    head.flags = KOS_PORT_SMALL;
    return head;
}

// Calls of one connection that are answered later, others that pass them, one whose time is over.
static void test_several(void) {
    record_t got;
    begin("several");
    int const active = open_port("active"), peer = open_port("peer");
    send_head(active, small(kPeerDefer, 1, 0));
    send_head(active, small(kPeerDefer, 2, 0));
    got = call(peer, kPeerEcho, 5, 0, 0);
    CHECK(got.head.param == 6);
    send_head(active, small(kPeerEcho, 3, 30));
    CHECK(receive(active, &got, 5000) && got.head.call_id == 3 && got.head.param == 31);
    // Which of the threads makes its call first is not said: released until both have been.
    kos_port_record_t release = small(kPeerRelease, 4, kCreated);
    unsigned seen = 0;
    uint64_t released = 0;
    for (int tries = 0; tries < 200 && (released < 2 || seen != 3); ++tries) {
        bool is_answered = false;
        send_head(active, release);
        while (!is_answered && CHECK(receive(active, &got, 5000) && got.head.kind == KOS_PORT_REPLY)) {
            is_answered = got.head.call_id == 4;
            if (is_answered) released += got.head.param;
            if (!is_answered) CHECK(got.head.label == kCreated && !(seen & got.head.call_id));
            if (!is_answered) seen |= (unsigned)got.head.call_id;
        }
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    CHECK(seen == 3 && released == 2);
    kos_port_record_t late = small(kPeerDefer, 5, 0);
    late.time_ms = 40;
    send_head(active, late);
    CHECK(receive(active, &got, 5000) && got.head.kind == KOS_PORT_STATUS && got.head.label == kTimeout);
    CHECK(got.head.call_id == 5);
    release.call_id = 6;
    send_head(active, release);
    CHECK(receive(active, &got, 5000) && got.head.call_id == 6);
    close(active);
    close(peer);
    end();
}

// A server that does not answer: calls wait in the socket until that is full, others are served, and all end.
static void test_slow_server(void) {
    static record_t sent, got;
    begin("slow_server");
    int const active = open_port("active"), peer = open_port("peer");
    sent.head = small(kPeerDefer, 0, 0);
    sent.head.time_ms = 100;
    int count = 0;
    while (count < 10000 && send_record(active, &sent, -1, MSG_DONTWAIT)) ++count, ++sent.head.call_id;
    CHECK(errno == EAGAIN && count > 10 && count < 2000);
    got = call(peer, kPeerEcho, 5, 0, 0);
    CHECK(got.head.param == 6);
    close(active);  // whatever was still waiting there, nobody else waits for it
    got = call(peer, kPeerEcho, 6, 0, 0);
    CHECK(got.head.param == 7);
    close(peer);
    // The next instance has nobody waiting.
    int const again = open_port("active");
    kos_port_record_t const wrong = request(kPeerWrong, 1, 7);
    send_head(again, wrong);
    CHECK(receive(again, &got, 60000) && got.head.kind == KOS_PORT_STATUS && got.head.call_id == 1);
    close(again);
    end();
}

// The server ends at each step: while it has a call, several calls, none.
static void test_peer_gone(void) {
    record_t got;
    begin("peer_gone");
    int const first = open_port("peer"), second = open_port("peer");
    uint64_t const before = call(first, kPeerState, 0, 0, 0).head.param;
    got = call(first, kPeerWrong, 7, 0, 0);
    CHECK(got.head.kind == KOS_PORT_STATUS && got.head.label == kPeerGone);
    for (int i = 0; i < 2; ++i) {
        int const fd = i ? second : first;
        CHECK(receive(fd, &got, 1000) && got.head.kind == KOS_PORT_GONE);
        CHECK(!receive(fd, &got, 20));
    }
    got = call(second, kPeerState, 0, 0, 0);
    CHECK(got.head.kind == KOS_PORT_REPLY && got.head.param == before + 1);
    CHECK(!receive(first, &got, 20));
    close(first);
    close(second);
    end();
    begin("peer_gone_several");
    int const active = open_port("active");
    for (unsigned id = 1; id <= 3; ++id) send_head(active, small(id == 3 ? kPeerWrong : kPeerDefer, id, 7));
    unsigned seen = 0, gone = 0;
    while (receive(active, &got, seen == 7 && gone ? 50 : 5000)) {
        if (got.head.kind == KOS_PORT_GONE) ++gone;
        if (got.head.kind != KOS_PORT_STATUS) continue;
        CHECK(got.head.label == kPeerGone && !(seen & 1u << (got.head.call_id - 1)));
        seen |= 1u << (got.head.call_id - 1);
    }
    CHECK(seen == 7 && gone == 1);
    close(active);
    end();
}

static void test_casts(void) {
    static record_t sent;
    record_t got;
    begin("casts");
    int const fd = open_port("peer");
    for (uint64_t value = 1; value <= 3; ++value) {
        sent.head = request(kPeerEcho, 0, 0);
        sent.head.kind = KOS_PORT_CAST;
        sent.payload_bytes = sizeof value;
        memcpy(sent.payload, &value, sizeof value);
        CHECK(send_record(fd, &sent, -1, 0));
    }
    for (int i = 0; i < 50; ++i) {
        got = call(fd, kPeerQueue, 0, 0, 0);
        if (got.head.param == 3) break;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    CHECK(got.head.param == 3 && got.head.words[0] == 3 && got.head.words[1] == 0);
    close(fd);
    end();
}

static void test_tokens(void) {
    static record_t sent, got;
    begin("tokens");
    int const fd = open_port("peer");
    got = call(fd, kPeerTokenMake, 7, 0, 0);
    CHECK(got.head.kind == KOS_PORT_REPLY && got.head.label == kCreated && got.head.flags & KOS_PORT_TOKEN);
    int const token = got.fd;
    CHECK(token >= 0 && receive(token, &got, 1000) && got.head.kind == KOS_PORT_HELLO);
    got = call(token, kPeerWho, 0, 0, 0);
    CHECK(got.head.param == 7);
    // Back to who has made it.
    sent.head = request(kPeerTokenOwn, 50, 0);
    sent.head.flags = KOS_PORT_TOKEN;
    sent.payload_bytes = 0;
    CHECK(send_record(fd, &sent, token, 0));
    CHECK(receive(fd, &got, 5000) && got.head.label == kOk && got.head.param == 7);
    CHECK(call(fd, kPeerTokenRevoke, 7, 0, 0).head.label == kOk);
    got = call(token, kPeerWho, 0, 0, 0);
    CHECK(got.head.label == kInvalidToken);
    close(token);
    // Slots of tokens that are closed can be used again: more than a domain may hold.
    for (unsigned i = 0; i < 300; ++i) {
        got = call(fd, kPeerTokenMake, 100 + i, 0, 0);
        if (!CHECK(got.fd >= 0)) break;
        close(got.fd);
        CHECK(call(fd, kPeerTokenRevoke, 100 + i, 0, 0).head.label == kOk);
    }
    close(fd);
    end();
}

static void test_many_connections(void) {
    record_t got;
    begin("many_connections");
    for (int round = 0; round < 200; ++round) {
        int const fd = open_port("peer");
        if (round % 2) send_head(fd, request(kPeerEcho, 1, 1));
        close(fd);
    }
    int fds[100];
    for (int i = 0; i < 100; ++i) fds[i] = open_port("peer");
    for (int i = 0; i < 100; ++i) send_head(fds[i], request(kPeerEcho, 1, (uint64_t)i));
    for (int i = 0; i < 100; ++i) {
        CHECK(receive(fds[i], &got, 5000) && got.head.param == (uint64_t)i + 1);
        close(fds[i]);
    }
    end();
}

void test_native_servers(void) {
    test_hello();
    test_calls();
    test_malformed();
    test_several();
    test_slow_server();
    test_peer_gone();
    test_casts();
    test_tokens();
    test_many_connections();
}
