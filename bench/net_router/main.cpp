// Instructions per packet of the router, in one domain: packets from memory to memory.
#define RECORDS_HERE
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // C, where they are zero
extern "C" {
#define _Noreturn [[noreturn]]
#include "../../tests/system/common/records.h"
#undef _Noreturn
}
#pragma GCC diagnostic pop

#include "checksum.h"
#include "router.h"

namespace {

using namespace kos::netrouter;

constexpr unsigned kPasses = 1000;
constexpr Mac kMac{0x525400123456};
constexpr Mac kGatewayMac{0x525500000002};
constexpr Ip kOwn = ip4(10, 0, 2, 15);
constexpr Ip kGateway = ip4(10, 0, 2, 2);
constexpr Ip kServer = ip4(203, 0, 113, 9);
constexpr Ip kAlpha = ip4(10, 78, 5, 2);
constexpr Ip kBeta = ip4(10, 78, 6, 2);

struct MemoryHost final : Host {
    uint8_t* reserve(Interface, size_t) override { return room; }
    void commit(Interface to, size_t bytes, const Offload&) override {
        last_to = to;
        last_bytes = bytes;
        ++sent;
    }
    bool wire_takes_partial() const override { return true; }
    bool random(uint64_t* value) override {
        *value = state = state * 6364136223846793005u + 1442695040888963407u;
        *value >>= 11;
        return true;
    }
    void denied(const Denial&, uint64_t) override {}
    void set_wall(const Ntp::Time&) override {}
    void uplink_changed() override {}

    alignas(16) uint8_t room[2048];
    uint64_t state = 1;
    uint64_t sent = 0;
    Interface last_to = 0;
    size_t last_bytes = 0;
};

Policy policy;
MemoryHost host;
Router router(policy, host);
alignas(16) uint8_t kept[Router::kBytes];
alignas(16) uint8_t frame[2048];

// TCP behind 14 bytes for an Ethernet header.
size_t make(const Ip& source, uint16_t source_port, const Ip& destination, uint16_t destination_port, uint8_t flags,
            size_t payload) {
    uint8_t* at = frame + kEthernet;
    memset(at, 0, 40 + payload);
    store_mac(frame, kMac);
    store_mac(frame + 6, kGatewayMac);
    store16(frame + 12, 0x0800);
    store16(at + 20, source_port);
    store16(at + 22, destination_port);
    at[32] = 5 << 4;
    at[33] = flags;
    return write_ip(source, destination, kTcp, 64, 20 + payload, at, false);
}

void add_rule(unsigned link, Protocol protocol, const Peer& peer, bool is_inbound) {
    Rule& rule = policy.rules[policy.rule_count++];
    ++policy.links[link].rules.count;
    rule.link = static_cast<uint8_t>(link);
    rule.protocol = protocol;
    rule.is_inbound = is_inbound;
    rule.peers = {static_cast<uint16_t>(policy.peer_count), 1};
    policy.peers[policy.peer_count++] = peer;
    rule.ports = {static_cast<uint16_t>(policy.port_count), 1};
    policy.ports[policy.port_count++] = {443, 443};
}

void make_policy() {
    policy.uplink.is_dhcp = false;
    policy.uplink.mode6 = Mode6::kNone;
    policy.uplink.address4 = kOwn;
    policy.uplink.gateway4 = kGateway;
    policy.link_count = 2;
    policy.links[0] = {.domain = 5,
                       .name = "a",
                       .address4 = kAlpha,
                       .gateway4 = ip4(10, 78, 5, 1),
                       .address6 = {},
                       .gateway6 = {},
                       .rules = {0, 0}};
    Peer peer;
    add_rule(0, Protocol::kTcp, peer, false);
    peer.kind = PeerKind::kDomain;
    peer.link = 1;
    add_rule(0, Protocol::kTcp, peer, false);
    policy.links[1] = {.domain = 6,
                       .name = "b",
                       .address4 = kBeta,
                       .gateway4 = ip4(10, 78, 6, 1),
                       .address6 = {},
                       .gateway6 = {},
                       .rules = {2, 0}};
    peer.link = 0;
    add_rule(1, Protocol::kTcp, peer, true);
}

// One instruction takes a nanosecond; the counter goes up every 16.
template <typename Pass>
void measure(const char* row, uint64_t expected, Pass pass) {
    double least = 1e9;
    for (unsigned run = 0; run < 5; ++run) {
        const uint64_t before = host.sent;
        const uint64_t begin = kos_time_ticks();
        for (unsigned i = 0; i < kPasses; ++i) pass();
        const uint64_t ticks = kos_time_ticks() - begin;
        if (host.sent - before != expected * kPasses) {
            check(row, 0, static_cast<int64_t>(host.sent - before));
            return;
        }
        const double each = static_cast<double>(ticks) * 1e9 / static_cast<double>(kos_time_hz()) / kPasses;
        if (each < least) least = each;
    }
    char line[160];
    snprintf(line, sizeof line, "\x1e{\"row\":\"%s\",\"value\":%.1f,\"unit\":\"instructions\"}\n", row, least);
    print_line(line);
}

}  // namespace

int main() {
    begin_records();
    make_policy();
    unsigned restored = 0;
    uint64_t now = 1000000;
    kos_assert(router.open(kept, sizeof kept, now, &restored));
    router.start_wire(kMac, kMtu, now);
    router.tick(now + 1000);
    // The gateway answers.
    uint8_t* arp = frame + kEthernet;
    memset(frame, 0, 64);
    store_mac(frame, kMac);
    store_mac(frame + 6, kGatewayMac);
    store16(frame + 12, 0x0806);
    store16(arp, 1);
    store16(arp + 2, 0x0800);
    arp[4] = 6;
    arp[5] = 4;
    store16(arp + 6, 2);
    store_mac(arp + 8, kGatewayMac);
    store32(arp + 14, kGateway.v4());
    store_mac(arp + 18, kMac);
    store32(arp + 24, kOwn.v4());
    router.from_wire(frame, 42, false, false, now);

    const uint8_t* packet = frame + kEthernet;
    size_t size = make(kAlpha, 5000, kServer, 443, kSyn, 0);
    router.from_link(0, packet, size, false, now);
    kos_assert(host.last_to == kWire && host.sent != 0);
    const uint16_t mapped = load16(host.room + kEthernet + 20);
    for (const size_t payload : {size_t{24}, size_t{1460}}) {
        char row[64];
        size = make(kAlpha, 5000, kServer, 443, kAck, payload);
        snprintf(row, sizeof row, "link_to_wire/%zu_bytes", size);
        measure(row, 1, [&] { router.from_link(0, packet, size, false, now); });
        size = make(kServer, 443, kOwn, mapped, kAck, payload);
        snprintf(row, sizeof row, "wire_to_link/%zu_bytes", size);
        measure(row, 1, [&] { router.from_wire(frame, kEthernet + size, true, false, now); });
    }
    size = make(kAlpha, 5001, kBeta, 443, kSyn, 0);
    router.from_link(0, packet, size, false, now);
    size = make(kAlpha, 5001, kBeta, 443, kAck, 24);
    measure("link_to_link/64_bytes", 1, [&] { router.from_link(0, packet, size, false, now); });
    // Refused by the source, and by the rules: no packet out; the answers to the domain are limited and soon none.
    size = make(kBeta, 5001, kServer, 443, kAck, 24);
    measure("refused/spoofed", 0, [&] { router.from_link(0, packet, size, false, now); });
    measure("refused/nobody's", 0, [&] {
        size = make(kServer, 443, kOwn, 9, kAck, 24);
        router.from_wire(frame, kEthernet + size, true, false, now);
    });
    uint16_t port = 6000;
    measure("new_connection", 1, [&] {
        size = make(kAlpha, ++port, kServer, 443, kSyn, 0);
        router.from_link(0, packet, size, false, now);
    });
    check("every packet went where it should", checks_failed == 0, static_cast<int64_t>(host.sent));
    print_verdict();
}
