// kos_net against right: first in peace, then in bad weather, then against nonsense, then very often.
#define RECORDS_HERE
#include "peer.h"

#include "../wire.h"

#include <kos/cpp/all.h>
#include <kos/mem.h>

#include <string.h>

#include "records.h"

namespace {

constexpr uint64_t kPatience = 30000;

void check_echo(const char* name, const kos::NetAddress& to, size_t bytes, uint64_t timeout_ms = kPatience) {
    kos::Status why;
    const size_t got = echo(to, bytes, timeout_ms, &why);
    check(name, got == bytes, static_cast<int64_t>(got == bytes ? got : why.code()));
}

void check_peace() {
    check_echo("TCP over IPv4", right4(kEchoPort), 300000);
    check_echo("TCP over IPv6", right6(kEchoPort), 100000);
    auto refused = kos::TcpConnection::connect(right4(kNobodysPort), kos::Deadline::after_ms(kPatience));
    check_status("a port without a listener", refused.status().code(), KOS_STATUS_UNAVAILABLE);
    auto made = kos::TcpConnection::connect(right4(kResetPort), kos::Deadline::after_ms(kPatience));
    kos_status_t status = made.status().code();
    if (made.ok()) {
        unsigned char byte;
        status = made.value().receive({&byte, 1}, kos::Deadline::after_ms(kPatience)).status().code();
    }
    check_status("a peer that resets", status, KOS_STATUS_PEER_GONE);
}

void check_many_at_once() {
    constexpr unsigned kMany = 64;
    alignas(kos::TcpConnection) static unsigned char memory[kMany][sizeof(kos::TcpConnection)];
    kos::TcpConnection* connections[kMany];
    unsigned made = 0;
    for (; made < kMany; ++made) {
        auto begun = kos::TcpConnection::begin(right4(kEchoPort));
        if (!begun.ok()) break;
        connections[made] = new (memory[made]) kos::TcpConnection(std::move(begun).value());
    }
    unsigned answered = 0;
    for (unsigned i = 0; i < made; ++i) {
        if (connections[i]->wait(KOS_NET_WRITABLE, kos::Deadline::after_ms(kPatience)).ok()) {
            answered += greet(*connections[i], kPatience).ok();
        }
    }
    // Each once more, when all are open.
    for (unsigned i = 0; i < made; ++i) answered += greet(*connections[i], kPatience).ok();
    for (unsigned i = 0; i < made; ++i) connections[i]->~TcpConnection();
    check("64 connections at once", answered == 2 * kMany, answered);
}

void check_udp() {
    auto opened = kos::UdpSocket::open(kos::net_any(0));
    if (!check("UDP: a socket", opened.ok(), opened.status().code())) return;
    static unsigned char out[4000], in[4000];
    unsigned right = 0;
    for (const size_t size : {size_t{0}, size_t{1}, size_t{1472}, sizeof out}) {
        for (const kos::NetAddress& to : {right4(kEchoPort), right6(kEchoPort)}) {
            for (size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(i * size);
            if (!opened.value().send(to, {out, size}).ok()) continue;
            if (!opened.value().wait(KOS_NET_READABLE, kos::Deadline::after_ms(kPatience)).ok()) continue;
            const auto got = opened.value().receive(in);
            right += got.ok() && got.value().payload.size() == size && memcmp(in, out, size) == 0;
        }
    }
    check("UDP, whole and in fragments", right == 8, right);
}

void check_names() {
    // Right has no name service: its stack says that nobody listens, and lwIP asks on until the deadline.
    const auto found = kos::net_resolve("device.example", 0, kos::Deadline::after_ms(3000));
    check_status("no name service", found.status().code(), KOS_STATUS_TIMEOUT);
}

// --- Weather

kos_slot_t wire;

kos_status_t order(uint64_t label, uint64_t param, uint64_t first = 0, uint64_t second = 0) {
    kos_msg_t message{};
    message.label = label;
    message.param = param;
    message.words[0] = first;
    message.words[1] = second;
    message.has_words = true;
    return kos_msg_call(wire, &message);
}

void check_weather() {
    check_status("weather", order(kWireWeather, 0, 2000, 3000), KOS_STATUS_OK);
    check_echo("delay and reordering", right4(kEchoPort), 200000, 60000);
    order(kWireWeather, 30, 2000, 3000);
    check_echo("3% lost, IPv4", right4(kEchoPort), 100000, 120000);
    check_echo("3% lost, IPv6", right6(kEchoPort), 100000, 120000);
    order(kWireWeather, 150, 0, 0);
    check_echo("15% lost", right4(kEchoPort), 20000, 300000);
    order(kWireWeather, 0);
}

void check_cut() {
    auto made = greeted(kPatience);
    if (!check("before the cut", made.ok(), made.status().code())) return;
    order(kWireWeather, 1000);
    check_status("nobody answers", greet(made.value(), 2000).code(), KOS_STATUS_TIMEOUT);
    const auto silent = kos::TcpConnection::connect(right4(kEchoPort), kos::Deadline::after_ms(1000));
    check_status("connecting to nobody", silent.status().code(), KOS_STATUS_TIMEOUT);
    order(kWireWeather, 0);
    unsigned char byte = 0;
    const auto late = made.value().receive({&byte, 1}, kos::Deadline::after_ms(kPatience));
    check("the answer comes when the way is back", late.ok() && byte == 'x', late.status().code());
}

void check_break() {
    const uint64_t before = report().ok() ? report().value().link_resets : 0;
    auto made = greeted(kPatience);
    if (!check("before the break", made.ok(), made.status().code())) return;
    check_status("the wire ends", order(kWireBreak, 0), KOS_STATUS_PEER_GONE);
    check_status("a connection survives it", greet(made.value(), kPatience).code(), KOS_STATUS_OK);
    check_echo("after the break", right4(kEchoPort), 50000);
    kos_net_counters_t counters;
    kos_net_counters(&counters);
    check("the link has begun anew", counters.link_resets > 0, static_cast<int64_t>(counters.link_resets));
    const auto now = report();
    check("on the other side too", now.ok() && now.value().link_resets > before, now.status().code());
}

void check_junk() {
    auto made = greeted(kPatience);
    if (!check("before the nonsense", made.ok(), made.status().code())) return;
    kos_status_t status = KOS_STATUS_OK;
    for (unsigned i = 0; i < 60 && status == KOS_STATUS_OK; ++i) {
        status = order(kWireJunk, 50);
        kos_net_work();
        kos_delay(1000);
        // What is changed may be a segment of this connection, and may end it: then there is a new one.
        if (i % 10 == 9 && !greet(made.value(), 5000).ok()) made = greeted(kPatience);
        if (!made.ok()) break;
    }
    check_status("3000 packets of nonsense", status, KOS_STATUS_OK);
    check("a connection among them", made.ok(), made.status().code());
    check_echo("after the nonsense", right4(kEchoPort), 50000);
    kos_net_counters_t counters;
    kos_net_counters(&counters);
    check("some of it was refused", counters.refused > 100, static_cast<int64_t>(counters.refused));
}

// --- Again and again

struct Holdings {
    uint64_t stack_bytes, quota_bytes, sockets, connections;
};

Holdings own() {
    kos_net_counters_t counters;
    kos_net_counters(&counters);
    kos_mem_status_t memory;
    kos_assert_ok(kos_mem_status(&memory));
    return {counters.memory_used, memory.used_bytes, counters.sockets, counters.connections};
}

// Until TIME_WAIT is over on both sides.
void rest() {
    const kos::Deadline end = kos::Deadline::after_ms(65000);
    auto idle = kos::UdpSocket::open(kos::net_any(0));
    kos_assert(idle.ok());
    while (!end.has_passed()) idle.value().wait(KOS_NET_READABLE, end).ignore();
}

unsigned open_and_close(unsigned count) {
    unsigned done = 0;
    for (unsigned i = 0; i < count; ++i) {
        auto made = greeted(kPatience);
        if (!made.ok()) break;
        if (i % 4 == 1) std::move(made).value().abort();
        if (i % 4 == 2) made.value().finish().ignore();
        ++done;
    }
    return done;
}

void check_leaks(unsigned count) {
    open_and_close(600);  // more than the stacks keep in TIME_WAIT: what they hold afterwards is what they ever hold
    rest();
    const Holdings before = own();
    const auto before_there = report();
    rest();
    const unsigned done = open_and_close(count);
    check("opened and closed", done == count, done);
    rest();
    const Holdings after = own();
    const auto after_there = report();
    check("no bytes of the stack are missing", after.stack_bytes == before.stack_bytes,
          static_cast<int64_t>(after.stack_bytes - before.stack_bytes));
    check("nor of the domain", after.quota_bytes == before.quota_bytes,
          static_cast<int64_t>(after.quota_bytes - before.quota_bytes));
    check("nor sockets", after.sockets == before.sockets && after.connections == before.connections,
          static_cast<int64_t>(after.sockets));
    if (!check("the other side's report", before_there.ok() && after_there.ok(), after_there.status().code())) return;
    const Report& a = before_there.value();
    const Report& b = after_there.value();
    check("no bytes of its stack are missing", a.memory_bytes == b.memory_bytes,
          static_cast<int64_t>(b.memory_bytes - a.memory_bytes));
    check("nor of its domain", a.quota_bytes == b.quota_bytes, static_cast<int64_t>(b.quota_bytes - a.quota_bytes));
    check("nor its sockets", a.sockets == b.sockets && a.connections == b.connections, static_cast<int64_t>(b.sockets));
}

}  // namespace

int main() {
    begin_records();
    kos_net_options_t options{};
    options.connections = 512;
    options.ring_out = kos_app_parameter("ring_out");
    options.ring_in = kos_app_parameter("ring_in");
    if (!check_status("kos_net_open", kos_net_open(&options), KOS_STATUS_OK)) print_verdict();
    check_status("only once", kos_net_open(&options), KOS_STATUS_CONFLICT);
    check_peace();
    check_udp();
    if (kos_dir_request("wire", &wire) == KOS_STATUS_OK) {
        check_many_at_once();
        check_names();
        check_weather();
        check_cut();
        check_break();
        check_junk();
    } else {
        check_leaks(static_cast<unsigned>(kos_app_parameter_number("connections", 10000)));
    }
    print_verdict();
}
