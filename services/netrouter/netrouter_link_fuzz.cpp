// Records of a domain that says anything, with time that passes and restarts.
#include "fuzz_network.h"

namespace kos::fuzz {

namespace {

enum Step : uint8_t { kRecord, kOwn, kTime, kRestart, kFullRing, kSteps };

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Network network(false);
    Bench& bench = network.bench;
    for (unsigned steps = 0; !reader.empty() && steps < 64; ++steps) {
        switch (reader.below(kSteps)) {
            case kRecord:
            case kOwn: {
                const uint8_t how = reader.number();
                const Bytes record = reader.bytes(reader.number<uint16_t>() % 2048);
                netrouter::Bytes bytes(record.begin(), record.end());
                // With its own address and a right header it gets further.
                if ((how & 2) != 0 && bytes.size() >= 20) {
                    bytes[0] = 0x45;
                    store16(&bytes[2], static_cast<uint16_t>(bytes.size()));
                    store32(&bytes[12], bench.address4(0).v4());
                    store16(&bytes[10], 0);
                    store16(&bytes[10], static_cast<uint16_t>(~plain_sum({bytes.begin(), bytes.begin() + 20})));
                }
                bench.link(how >> 7, bytes, (how & 1) != 0);
                break;
            }
            case kTime: bench.at(bench.now + reader.number() * kSecond / 16); break;
            case kRestart:
                bench.restart();
                bench.make_ready();
                break;
            default: bench.host.is_full[reader.below(3)] ^= true; break;
        }
        network.check();
    }
}

std::vector<Buffer> seeds() {
    const Ip a = ip4(10, 78, 5, 2);
    const Ip a6{0xfd6b6f7300050000, 2};
    const auto step = [](const netrouter::Bytes& packet, uint8_t how) {
        Writer writer;
        writer.number<uint8_t>(kRecord).number(how).number(static_cast<uint16_t>(packet.size())).bytes(packet);
        return writer.result();
    };
    IpOptions fragment;
    fragment.fragment = 0x2000;
    return {step(make_tcp(a, 9, kServer, 443, kSyn), 0),
            step(make_udp(a, 7, kServer, 7), 1),
            step(make_udp(a6, 7, kServer6, 7), 0),
            step(make_echo(a, kServer, 1), 2),
            step(make_tcp(a, 9, ip4(10, 78, 6, 2), 80, kSyn), 0),
            step(make_udp(a, 9, kServer, 7, netrouter::Bytes(64), fragment), 0),
            step(make_echo(a, ip4(10, 78, 5, 1), 1), 0)};
}

}  // namespace kos::fuzz
