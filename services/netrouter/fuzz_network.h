/*
 * For the fuzz targets: a router with two links and every kind of rule, and what must hold after every step whatever
 * came in.
 */
#ifndef KOS_SERVICES_NETROUTER_FUZZ_NETWORK_H_
#define KOS_SERVICES_NETROUTER_FUZZ_NETWORK_H_

#include "fuzz.h"
#include "test_network.h"

namespace kos::fuzz {

using namespace netrouter;

inline Policy fuzz_policy(bool is_dhcp) {
    using M = PolicyMaker;
    M made;
    made.policy.uplink.is_dhcp = is_dhcp;
    if (is_dhcp) made.policy.uplink.mode6 = Mode6::kAuto;
    made.policy.uplink.ntp[0] = "203.0.113.123";
    made.policy.uplink.ntp_count = 1;
    made.link(5, "a").allow(Protocol::kTcp, M::network(ip4(203, 0, 113, 0), 24), {{443, 443}});
    made.allow(Protocol::kUdp, M::network(kServer, 32)).rate = 1000;
    made.allow(Protocol::kIcmp, M::network(kServer, 32));
    made.allow(Protocol::kUdp, M::network(kServer6, 64));
    made.allow(Protocol::kTcp, M::host("example.org", true), {{443, 443}});
    made.allow(Protocol::kTcp, M::domain(1), {{80, 80}});
    made.link(6, "b").listen(Protocol::kTcp, 80, 8080, {M::any()});
    return made.policy;
}

class Network {
public:
    explicit Network(bool is_dhcp) : bench(fuzz_policy(is_dhcp), !is_dhcp) {
        if (is_dhcp) bench.router->start_wire(kOwnMac, kMtu, bench.now);
        check();
    }
    void check() {
        for (const FakeHost::Sent& sent : bench.host.sent) check_sent(sent);
        bench.host.sent.clear();
        const Connections& connections = bench.router->connections();
        require(connections.count() <= Connections::kMost, "more connections than there is room for");
        require(bench.router->next_us() > bench.now - 1, "nothing is due, or it is planned");
    }

    Bench bench;

private:
    void check_sent(const FakeHost::Sent& sent) {
        const size_t begin = sent.to == kWire ? 14 : 0;
        require(sent.bytes.size() >= begin + 20 && sent.bytes.size() <= begin + kMtu, "a packet of an impossible size");
        if (sent.to == kWire && load16(&sent.bytes[12]) == 0x0806) return;
        const Buffer packet(sent.bytes.begin() + static_cast<long>(begin), sent.bytes.end());
        Packet parsed;
        const Reason reason = parse(packet.data(), std::min(packet.size(), kHeaderBytes), packet.size(), parsed);
        require(reason == Reason::kNone && parsed.length == packet.size(), "a malformed packet was sent");
        if (sent.to == kWire) {
            require(!is_of_links(parsed.source), "an inner address appears on the wire");
            require(!is_of_links(parsed.destination), "a packet for the inside goes to the wire");
        } else {
            const Link& link = bench.policy->links[sent.to - 1];
            require(parsed.destination == (parsed.is_v6 ? link.address6 : link.address4), "a packet of somebody else");
        }
    }
};

inline Buffer buffer_of(const netrouter::Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace kos::fuzz

#endif
