// Frames from the wire against a router with an open connection: step by step, with time that passes and restarts.
#include "fuzz_network.h"

namespace kos::fuzz {

namespace {

enum Step : uint8_t { kRaw, kPacket, kTime, kRestart, kSteps };

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Network network(false);
    Bench& bench = network.bench;
    bench.link(0, make_udp(bench.address4(0), 7, kServer, 7));
    network.check();
    for (unsigned steps = 0; !reader.empty() && steps < 64; ++steps) {
        switch (reader.below(kSteps)) {
            case kRaw: {
                const Bytes frame = reader.bytes(reader.number<uint16_t>() % 1600);
                bench.wire({frame.begin(), frame.end()});
                break;
            }
            case kPacket: {
                const Bytes packet = reader.bytes(reader.number<uint16_t>() % 1600);
                if (!packet.empty()) bench.outside({packet.begin(), packet.end()});
                break;
            }
            case kTime: bench.at(bench.now + reader.number() * kSecond / 16); break;
            default:
                bench.restart();
                bench.make_ready();
                break;
        }
        network.check();
    }
}

std::vector<Buffer> seeds() {
    const auto step = [](const netrouter::Bytes& packet, uint8_t kind) {
        Writer writer;
        writer.number(kind).number(static_cast<uint16_t>(packet.size())).bytes(packet);
        return writer.result();
    };
    netrouter::Bytes quoted{0, 0, 0, 0};
    const netrouter::Bytes inner = make_udp(kOwn4, 20000, kServer, 7);
    quoted.insert(quoted.end(), inner.begin(), inner.end());
    IpOptions fragment;
    fragment.fragment = 0x2000;
    return {step(make_tcp(kStranger, 9, kOwn4, 8080, kSyn), kPacket),
            step(make_udp(kServer, 7, kOwn4, 20000), kPacket),
            step(make_echo(kStranger, kOwn4, 1), kPacket),
            step(make_icmp(kStranger, kOwn4, 3, 3, quoted), kPacket),
            step(make_icmp(kGateway6, kOwn6, kAdvert, 0, Bench::advert_of(kGateway6), 255), kPacket),
            step(make_udp(kStranger, 9, kOwn4, 8080, netrouter::Bytes(64), fragment), kPacket),
            step(make_arp(1, kGatewayMac, kGateway4, {}, kOwn4, kBroadcast), kRaw)};
}

}  // namespace kos::fuzz
