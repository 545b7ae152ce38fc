// What the router lets pass and what not, in a system: links of domains that lie, a wire that is made up, restarts.
#define RECORDS_HERE
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // C, where they are zero
extern "C" {
#define _Noreturn [[noreturn]]
#include "../../common/records.h"
#undef _Noreturn
}
#pragma GCC diagnostic pop

#include <kos/idl/appman.hpp>
#include <kos/idl/net.hpp>

#include "../link_peer.h"
#include "event.h"
#include "packet.h"
#include "wire.h"

namespace {

using NetReason = kos::idl::net::Reason;
int64_t number_of(NetReason reason) { return static_cast<int64_t>(reason); }

using namespace kos::test;
using kos::netrouter::kAck;
using kos::netrouter::kFin;
using kos::netrouter::kRst;
using kos::netrouter::kSyn;
using kos::netrouter::Reason;

constexpr Ip kServer = ip4(203, 0, 113, 9);
constexpr Ip kStranger = ip4(198, 51, 100, 66);
constexpr uint64_t kQuietUs = 20000;  // the router is more urgent than we: what has not come by then does not come

Wire wire;
Buffer packet, got;
kos_slot_t alpha, beta;
Ip alpha4, beta4;
kos::idl::net::Client status;
kos::idl::appman::Client appman;

kos_status_t say(kos_slot_t peer, const void* bytes, size_t size, uint32_t tag = 0, uint64_t times = 0) {
    kos_msg_t message = {};
    message.label = kLinkSend;
    message.param = tag;
    message.has_words = 1;
    message.words[0] = times;
    message.payload = bytes;
    message.payload_bytes = static_cast<uint32_t>(size);
    return kos_msg_call(peer, &message);
}
kos_status_t say(kos_slot_t peer) { return say(peer, packet.bytes, packet.size); }

// The next packet that has reached a domain.
bool hear(kos_slot_t peer, Buffer& into, uint64_t patience_us = 300000) {
    const uint64_t end = kos_time_after_us(patience_us);
    while (true) {
        kos_msg_t message = {};
        message.label = kLinkReceive;
        if (kos_msg_call(peer, &message) == KOS_STATUS_OK) {
            into.size = message.payload_bytes;
            memcpy(into.bytes, message.payload, into.size);
            return true;
        }
        if (kos_time_ticks() >= end) return false;
        kos_thread_yield();
    }
}

void hush() {
    wire.drain();
    while (hear(alpha, got, 0) || hear(beta, got, 0)) {
    }
}

uint64_t denials_next() {
    uint64_t sequence = 0;
    while (true) {
        const auto denials = status.denials(sequence);
        if (!denials.ok()) return 0;
        if (denials->entries.empty()) return denials->next;
        sequence = denials->next;
    }
}

// Says `packet` as `peer`: nothing reaches the wire, and it is recorded with this reason.
void expect_refused(const char* name, kos_slot_t peer, Reason reason, unsigned domain) {
    hush();
    const uint64_t before = denials_next();
    say(peer);
    const bool has_passed = wire.receive(got, kQuietUs);
    const auto denials = status.denials(before);
    const bool is_recorded = denials.ok() && denials->entries.size() == 1 &&
                             denials->entries[0].reason == static_cast<NetReason>(reason) &&
                             denials->entries[0].domain == domain && denials->entries[0].is_inbound == 0;
    check(name, !has_passed && is_recorded,
          denials.ok() && !denials->entries.empty() ? number_of(denials->entries[0].reason) : -1);
}

void test_outbound() {
    make_udp(packet, alpha4, 4000, kServer, 8000, "hello", 5);
    check_status("udp: say", say(alpha), KOS_STATUS_OK);
    check("udp: passes", wire.receive(got), static_cast<int64_t>(got.size));
    check("udp: intact", is_intact(got), 0);
    check("udp: has the device's address", source_of(got) == kUplink && destination_of(got) == kServer,
          source_of(got).v4());
    check("udp: payload", got.size == 33 && memcmp(got.bytes + 28, "hello", 5) == 0, 0);
    make_udp(packet, kServer, 8000, kUplink, source_port_of(got), "world", 5);
    wire.send(packet);
    check("udp: answer", hear(alpha, got), 0);
    check("udp: answer is intact", is_intact(got) && destination_of(got) == alpha4 && destination_port_of(got) == 4000,
          destination_port_of(got));
    const unsigned domain = kos_app_startup() != nullptr ? (alpha4.v4() >> 8 & 255) : 0;
    make_udp(packet, alpha4, 4000, kServer, 7999, "hello", 5);
    expect_refused("udp: one port below", alpha, Reason::kRule, domain);
    check("udp: the domain is told",
          hear(alpha, got, kQuietUs) && got.bytes[9] == 1 && got.bytes[20] == 3 && got.bytes[21] == 13, got.bytes[20]);
    make_udp(packet, alpha4, 4000, kServer, 8011, "hello", 5);
    expect_refused("udp: one port above", alpha, Reason::kRule, domain);
    make_tcp(packet, alpha4, 4000, ip4(203, 0, 112, 9), 443, kSyn);
    expect_refused("tcp: one bit of the address", alpha, Reason::kRule, domain);
    check("tcp: reset", hear(alpha, got, kQuietUs) && got.bytes[9] == 6 && (got.bytes[33] & kRst) != 0, got.bytes[33]);
    make_udp(packet, alpha4, 4000, kServer, 443, "hello", 5);
    expect_refused("udp: tcp's port", alpha, Reason::kRule, domain);
    make_udp(packet, beta4, 4000, kServer, 8000, "hello", 5);
    expect_refused("beta has no such rule", beta, Reason::kRule, beta4.v4() >> 8 & 255);
}

void test_lies() {
    const unsigned domain = alpha4.v4() >> 8 & 255;
    make_udp(packet, beta4, 4000, kServer, 8000, "x", 1);
    expect_refused("spoofed: beta's address", alpha, Reason::kSpoofed, domain);
    make_udp(packet, ip4(alpha4.v4() ^ 1), 4000, kServer, 8000, "x", 1);
    expect_refused("spoofed: one bit", alpha, Reason::kSpoofed, domain);
    make_udp(packet, kUplink, 4000, kServer, 8000, "x", 1);
    expect_refused("spoofed: the device's", alpha, Reason::kSpoofed, domain);
    make_udp(packet, alpha4, 4000, kServer, 8000, "x", 1);
    packet.bytes[10] ^= 1;
    expect_refused("junk: header checksum", alpha, Reason::kMalformed, domain);
    memset(packet.bytes, 0xff, packet.size = 1500);
    expect_refused("junk: ones", alpha, Reason::kMalformed, domain);
    memset(packet.bytes, 0, packet.size = 1);
    expect_refused("junk: one byte", alpha, Reason::kMalformed, domain);
    make_udp(packet, alpha4, 4000, kServer, 8000, "x", 1);
    packet.size = 2000;
    expect_refused("junk: beyond the MTU", alpha, Reason::kMalformed, domain);
    // A router advertisement: IPv6 from the link's own address.
    memset(packet.bytes, 0, packet.size = 56);
    packet.bytes[0] = 0x60;
    packet.bytes[5] = 16;
    packet.bytes[6] = 58;
    packet.bytes[7] = 255;
    const uint8_t own[8] = {0xfd, 0x6b, 0x6f, 0x73, 0, static_cast<uint8_t>(domain), 0, 0};
    memcpy(packet.bytes + 8, own, 8);
    packet.bytes[23] = 2;
    packet.bytes[24] = 0xff;
    packet.bytes[25] = 2;
    packet.bytes[39] = 1;
    packet.bytes[40] = 134;
    expect_refused("router advertisement", alpha, Reason::kNeighbour, domain);
    // A thousand records of anything.
    hush();
    uint64_t seed = 12345;
    const auto next = [&seed] { return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33; };
    for (unsigned i = 0; i < 1000; ++i) {
        packet.size = next() % 200;
        for (size_t j = 0; j < packet.size; ++j) packet.bytes[j] = static_cast<uint8_t>(next());
        if (packet.size > 20 && i % 2) {
            packet.bytes[0] = 0x45;
            store32(packet.bytes + 12, alpha4.v4());
        }
        say(alpha);
    }
    check("junk: a thousand records", !wire.receive(got, kQuietUs), 0);
    // The ring itself is broken; the link works again afterwards.
    kos_msg_t message = {};
    message.label = kLinkBreak;
    check_status("ring: broken", kos_msg_call(alpha, &message), KOS_STATUS_OK);
    make_udp(packet, alpha4, 4000, kServer, 8000, "x", 1);
    say(alpha);  // wakes the router, which sees it
    pause_us(20000);
    check_status("ring: alpha restarted", appman.restart("alpha").status(), KOS_STATUS_OK);
    bool passes = false;
    for (unsigned i = 0; i < 20 && !passes; ++i) {
        pause_us(20000);
        say(alpha);
        passes = wire.receive(got, kQuietUs);
    }
    check("ring: works again", passes, 0);
}

void test_inbound() {
    hush();
    make_tcp(packet, kStranger, 5000, kUplink, 8080, kSyn);
    wire.send(packet);
    check("forward: arrives", hear(beta, got) && is_intact(got), 0);
    check("forward: to the port behind it",
          destination_of(got) == beta4 && destination_port_of(got) == 80 && source_of(got) == kStranger,
          destination_port_of(got));
    make_tcp(packet, beta4, 80, kStranger, 5000, kSyn | kAck);
    say(beta);
    check("forward: answer",
          wire.receive(got) && is_intact(got) && source_of(got) == kUplink && source_port_of(got) == 8080,
          source_port_of(got));
    const auto expect_nothing = [](const char* name, Reason reason) {
        const uint64_t before = denials_next();
        wire.send(packet);
        const bool has_passed = hear(beta, got, kQuietUs) || hear(alpha, got, 0) || wire.receive(got, 0);
        const auto denials = status.denials(before);
        check(name,
              !has_passed && denials.ok() && denials->entries.size() == 1 && denials->entries[0].is_inbound == 1 &&
                  denials->entries[0].reason == static_cast<NetReason>(reason),
              denials.ok() && !denials->entries.empty() ? number_of(denials->entries[0].reason) : -1);
    };
    make_tcp(packet, kStranger, 5001, kUplink, 8081, kSyn);
    expect_nothing("closed port", Reason::kRule);
    make_tcp(packet, kStranger, 5001, kUplink, 80, kSyn);
    expect_nothing("the port behind it", Reason::kRule);
    make_tcp(packet, ip4(198, 51, 101, 66), 5001, kUplink, 8080, kSyn);
    expect_nothing("forward: a source one bit off", Reason::kRule);
    make_udp(packet, kStranger, 5001, kUplink, 8080, "x", 1);
    expect_nothing("forward: udp", Reason::kRule);
    make_tcp(packet, alpha4, 5001, kUplink, 8080, kSyn);
    expect_nothing("an inner address from outside", Reason::kSpoofed);
    make_tcp(packet, kStranger, 5001, beta4, 80, kSyn);
    expect_nothing("an inner address as destination", Reason::kDestination);
    make_echo(packet, kStranger, kUplink, 7);
    wire.send(packet);
    check("echo", wire.receive(got) && is_intact(got) && got.bytes[20] == 0 && destination_of(got) == kStranger,
          got.bytes[20]);
}

void test_between() {
    hush();
    make_tcp(packet, alpha4, 6000, beta4, 9000, kSyn);
    say(alpha);
    check("between: arrives", hear(beta, got) && is_intact(got) && source_of(got) == alpha4, 0);
    make_tcp(packet, beta4, 9000, alpha4, 6000, kSyn | kAck);
    say(beta);
    check("between: answer", hear(alpha, got) && is_intact(got) && source_of(got) == beta4, 0);
    make_tcp(packet, alpha4, 6000, beta4, 9001, kSyn);
    expect_refused("between: another port", alpha, Reason::kRule, alpha4.v4() >> 8 & 255);
    make_tcp(packet, beta4, 9000, alpha4, 9000, kSyn);
    expect_refused("between: the other way", beta, Reason::kRule, beta4.v4() >> 8 & 255);
}

size_t make_query(uint8_t* out, const char* name, uint16_t id) {
    memset(out, 0, 12);
    store16(out, id);
    out[2] = 1;
    out[5] = 1;
    size_t at = 12;
    while (*name != 0) {
        size_t size = 0;
        while (name[size] != 0 && name[size] != '.') ++size;
        out[at++] = static_cast<uint8_t>(size);
        memcpy(out + at, name, size);
        at += size;
        name += size + (name[size] == '.');
    }
    out[at++] = 0;
    store16(out + at, 1);
    store16(out + at + 2, 1);
    return at + 4;
}

void test_names() {
    hush();
    const Ip gateway = ip4(alpha4.v4() ^ 3);
    const Ip address = ip4(192, 0, 2, 44);
    static uint8_t dns[300];
    make_tcp(packet, alpha4, 7000, address, 444, kSyn);
    expect_refused("name: not yet", alpha, Reason::kRule, alpha4.v4() >> 8 & 255);
    hush();
    size_t size = make_query(dns, "api.example.org", 0x4242);
    make_udp(packet, alpha4, 7001, gateway, 53, dns, size);
    say(alpha);
    const bool is_asked = wire.receive(got) && destination_of(got) == ip4(10, 0, 2, 3) &&
                          destination_port_of(got) == 53 && is_intact(got);
    check("name: asked", is_asked, destination_port_of(got));
    const uint16_t port = source_port_of(got);
    // The question alone comes back: the option that the router has put behind it would be behind the answer's records.
    memcpy(dns, got.bytes + 28, size);
    dns[2] |= 0x80;
    dns[7] = 1;
    dns[11] = 0;
    const uint8_t record[12] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4};
    memcpy(dns + size, record, sizeof record);
    store32(dns + size + sizeof record, address.v4());
    make_udp(packet, ip4(10, 0, 2, 3), 53, kUplink, port, dns, size + sizeof record + 4);
    wire.send(packet);
    check("name: answered", hear(alpha, got) && load16(got.bytes + 28) == 0x4242 && is_intact(got),
          load16(got.bytes + 28));
    make_tcp(packet, alpha4, 7002, address, 444, kSyn);
    say(alpha);
    check("name: allowed now", wire.receive(got) && destination_of(got) == address, 0);
    make_tcp(packet, alpha4, 7003, address, 443, kSyn);
    expect_refused("name: another port", alpha, Reason::kRule, alpha4.v4() >> 8 & 255);
    size = make_query(dns, "evil.example.org", 0x4243);
    make_udp(packet, alpha4, 7001, gateway, 53, dns, size);
    expect_refused("name: another name", alpha, Reason::kName, alpha4.v4() >> 8 & 255);
    check("name: refused", hear(alpha, got, kQuietUs) && (got.bytes[31] & 15) == 5, got.bytes[31]);
    size = make_query(dns, "beta.internal", 0x4244);
    make_udp(packet, alpha4, 7001, gateway, 53, dns, size);
    hush();
    say(alpha);
    check("name: of a domain", hear(alpha, got) && load32(got.bytes + got.size - 4) == beta4.v4(),
          load32(got.bytes + got.size - 4));
}

void test_rate() {
    hush();
    make_udp(packet, alpha4, 8000, ip4(198, 51, 100, 7), 7, "x", 1);
    say(alpha, packet.bytes, packet.size, 0, 100);
    unsigned passed = 0;
    while (wire.receive(got, kQuietUs)) ++passed;
    const auto rules = status.rules(0);
    const uint64_t denied = rules.ok() && rules->entries.size() >= 5 ? rules->entries[4].denied : 0;
    check("rate: a quarter of a second at once", passed >= 25 && passed <= 30, passed);
    check("rate: the others are counted", denied + passed == 100, static_cast<int64_t>(denied));
}

void test_time() {
    // The question came when the wire did; it is asked again until there is an answer.
    uint64_t ns = 0;
    bool is_set = false;
    for (unsigned i = 0; i < 40 && !is_set; ++i) {
        if (!wire.receive(got, 1000000) || destination_port_of(got) != 123) continue;
        static uint8_t answer[48];
        memset(answer, 0, sizeof answer);
        answer[0] = 0x24;
        answer[1] = 2;
        memcpy(answer + 24, got.bytes + 28 + 40, 8);
        store32(answer + 32, 1800000000u + 2208988800u);
        store32(answer + 40, 1800000000u + 2208988800u);
        make_udp(packet, destination_of(got), 123, kUplink, source_port_of(got), answer, sizeof answer);
        wire.send(packet);
        pause_us(20000);
        is_set = kos_time_wall_ns(&ns) == KOS_STATUS_OK;
    }
    check("time: set", is_set && ns / 1000000000 >= 1800000000 && ns / 1000000000 < 1800000002,
          static_cast<int64_t>(ns / 1000000000));
}

uint32_t instance_of(const char* name) {
    const auto entry = appman.status(name);
    return entry.ok() ? entry->instance : 0;
}

// Connections in both directions go on over a restart of the router, while packets keep coming.
void test_restart() {
    hush();
    make_tcp(packet, alpha4, 9100, kServer, 443, kSyn);
    say(alpha);
    check("restart: opened", wire.receive(got), 0);
    const uint16_t mapped = source_port_of(got);
    make_tcp(packet, kServer, 443, kUplink, mapped, kSyn | kAck);
    wire.send(packet);
    check("restart: answered", hear(alpha, got), 0);
    check("restart: the router has not failed so far", instance_of("netrouter") == 1, instance_of("netrouter"));
    const unsigned sessions = wire.sessions;
    check_status("restart: asked", appman.restart("netrouter").status(), KOS_STATUS_OK);
    make_tcp(packet, alpha4, 9100, kServer, 443, kAck, 100);
    bool passes = false;
    bool is_same = true;
    for (unsigned i = 0; i < 100 && !(passes && instance_of("netrouter") == 2); ++i) {
        say(alpha);
        while (wire.receive(got, 10000)) {
            if (destination_port_of(got) != 443) continue;
            is_same = is_same && source_port_of(got) == mapped && is_intact(got);
            passes = instance_of("netrouter") == 2;
        }
    }
    check("restart: another instance", instance_of("netrouter") == 2 && wire.sessions > sessions,
          wire.sessions - sessions);
    check("restart: packets go on, with the same port", passes && is_same, source_port_of(got));
    hush();
    make_tcp(packet, kServer, 443, kUplink, mapped, kAck, 10);
    wire.send(packet);
    check("restart: packets come in", hear(alpha, got) && destination_port_of(got) == 9100 && is_intact(got),
          destination_port_of(got));
    make_tcp(packet, beta4, 80, kStranger, 5000, kAck, 10);
    hush();
    say(beta);
    check("restart: forwarded ones as well", wire.receive(got) && source_port_of(got) == 8080, source_port_of(got));
    make_tcp(packet, alpha4, 7005, ip4(192, 0, 2, 44), 444, kSyn);
    hush();
    say(alpha);
    check("restart: addresses of names", wire.receive(got), 0);
    make_tcp(packet, kServer, 443, kUplink, mapped ^ 1, kAck, 10);
    wire.send(packet);
    check("restart: nothing else", !hear(alpha, got, kQuietUs), 0);
}

void test_status() {
    const auto uplink = status.uplink();
    check("status: uplink",
          uplink.ok() && uplink->state == KOS_NET_UPLINK_STATE_UP && load32(uplink->address4 + 12) == kUplink.v4(),
          uplink.ok() ? static_cast<int64_t>(uplink->state) : -1);
    const auto links = status.links(0);
    check("status: links", links.ok() && links->entries.size() == 2 && links->next == 0,
          links.ok() ? static_cast<int64_t>(links->entries.size()) : -1);
    const auto counters = status.counters(1);
    check("status: counters", counters.ok() && counters->size() == kos::netrouter::kReasons, 0);
    check_status("status: no such link", status.counters(3).status(), KOS_STATUS_NOT_FOUND);
}

}  // namespace

int main() {
    begin_records();
    kos_assert_ok(kos_dir_request("alpha", &alpha));
    kos_assert_ok(kos_dir_request("beta", &beta));
    const auto net = kos::idl::net::Client::connect("net_status");
    const auto supervisor = kos::idl::appman::Client::connect("appman");
    kos_assert(net.ok() && supervisor.ok());
    status = *net;
    appman = *supervisor;
    wire.open();
    const auto links = status.links(0);
    kos_assert(links.ok() && links->entries.size() == 2);
    alpha4 = kos::netrouter::load_ip6(links->entries[0].address4);
    beta4 = kos::netrouter::load_ip6(links->entries[1].address4);
    pause_us(20000);
    hush();
    check("wire: the gateway is asked for", wire.questions > 0, wire.questions);
    test_outbound();
    test_inbound();
    test_between();
    test_names();
    test_rate();
    test_lies();
    test_time();
    test_restart();
    test_status();
    print_verdict();
}
