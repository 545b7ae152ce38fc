// Answers to the DHCP client and router advertisements.
#include "fuzz_network.h"

namespace kos::fuzz {

namespace {

enum Step : uint8_t { kAnswer, kAdvertisement, kTime, kSteps };

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Network network(true);
    Bench& bench = network.bench;
    uint32_t transaction = 0;
    for (unsigned steps = 0; !reader.empty() && steps < 32; ++steps) {
        switch (reader.below(kSteps)) {
            case kAnswer: {
                const Bytes bytes = reader.bytes(reader.number<uint16_t>() % 600);
                netrouter::Bytes payload(bytes.begin(), bytes.end());
                // A server knows these.
                if (payload.size() >= 240) {
                    store32(&payload[4], transaction);
                    store_mac(&payload[28], kOwnMac);
                    store32(&payload[236], 0x63825363);
                }
                bench.outside(make_udp(kGateway4, 67, ip4(255, 255, 255, 255), 68, payload));
                break;
            }
            case kAdvertisement: {
                const Bytes bytes = reader.bytes(reader.number<uint16_t>() % 600);
                bench.outside(make_icmp(kGateway6, kAllNodes, kRouterAdvert, 0, {bytes.begin(), bytes.end()}, 255));
                break;
            }
            default: bench.at(bench.now + reader.number() * kSecond); break;
        }
        for (const FakeHost::Sent& sent : bench.host.sent) {
            if (sent.to == kWire && sent.bytes.size() > 14 + 28 + 8 && sent.bytes[23] == kUdp)
                transaction = load32(&sent.bytes[14 + 28 + 4]);
        }
        network.check();
        const Lease& lease = bench.router->dhcp().lease();
        require(lease.address.is_none() || is_lease(lease), "a lease that is none");
        require(is_network6(bench.router->autoconf().network()), "a network that is none");
    }
}

std::vector<Buffer> seeds() {
    Writer lease;
    for (const uint8_t type : {uint8_t{2}, uint8_t{5}}) {
        netrouter::Bytes payload(240);
        payload[0] = 2;
        payload[1] = 1;
        payload[2] = 6;
        store32(&payload[16], kOwn4.v4());
        const netrouter::Bytes options{53,  1, type, 54, 4,  10, 0, 2, 2, 51, 4,  0, 0, 1, 0,  1, 4, 255, 255,
                                       255, 0, 3,    4,  10, 0,  2, 2, 6, 4,  10, 0, 2, 3, 52, 1, 3, 255};
        payload.insert(payload.end(), options.begin(), options.end());
        lease.number<uint8_t>(kTime).number<uint8_t>(1);
        lease.number<uint8_t>(kAnswer).number(static_cast<uint16_t>(payload.size())).bytes(payload);
    }
    lease.number<uint8_t>(kTime).number<uint8_t>(200);
    netrouter::Bytes advert{64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 64, 0xc0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    append_ip(advert, Ip{0x2001067c00010000, 0});
    advert.insert(advert.end(), {5, 1, 0, 0, 0, 0, 5, 0});
    Writer network;
    network.number<uint8_t>(kAdvertisement).number(static_cast<uint16_t>(advert.size())).bytes(advert);
    network.number<uint8_t>(kTime).number<uint8_t>(3);
    return {lease.result(), network.result()};
}

}  // namespace kos::fuzz
