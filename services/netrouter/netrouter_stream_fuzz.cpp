// Names by TCP: segments of a domain and of a name server, whose numbers are right or nearly so, with answers by UDP
// that are cut off and time that passes.
#include "fuzz_network.h"

namespace kos::fuzz {

namespace {

enum Step : uint8_t { kNear, kQuestion, kCut, kFar, kAnswer, kTime, kSteps };

// What the router has said last on a connection: so numbers can be right.
struct End {
    uint16_t port = 0;  // of the router, to a server
    uint32_t next = 1000;
    uint32_t expected = 0;
};

class Talk {
public:
    Network network{false};
    Bench& bench = network.bench;
    End near, far;
    netrouter::Bytes question;
    uint16_t question_port = 0;

    void send_near(uint8_t flags, int8_t shift, const netrouter::Bytes& data) {
        const Link& link = bench.policy->links[0];
        bench.link(0, segment(link.address4, 3333, link.gateway4, 53, near, flags, shift, data));
        observe();
    }
    void send_far(uint8_t flags, int8_t shift, const netrouter::Bytes& data) {
        bench.outside(segment(kGateway4, 53, kOwn4, far.port, far, flags, shift, data));
        observe();
    }
    void observe() {
        for (const FakeHost::Sent& sent : bench.host.sent) {
            const size_t begin = sent.to == kWire ? 14 : 0;
            const netrouter::Bytes packet(sent.bytes.begin() + static_cast<long>(begin), sent.bytes.end());
            if (packet.size() < 28 || packet[0] != 0x45) continue;
            if (packet[9] == kUdp && sent.to == kWire && load16(&packet[22]) == 53) {
                question.assign(packet.begin() + 28, packet.end());
                question_port = load16(&packet[20]);
            }
            if (packet[9] != kTcp || packet.size() < 40) continue;
            End& end = sent.to == kWire ? far : near;
            if (sent.to == kWire) end.port = load16(&packet[20]);
            const size_t data = packet.size() - 20 - (packet[32] >> 4) * 4u;
            const uint8_t flags = packet[33];
            require(data <= Stream::kMostSegment, "a segment is too large");
            end.expected = load32(&packet[24]) + static_cast<uint32_t>(data) + ((flags & (kSyn | kFin)) != 0);
            if (flags & kAck) end.next = load32(&packet[28]);
            if (sent.to == kWire && data > 14)
                question.assign(packet.end() - static_cast<long>(data) + 2, packet.end());
        }
        network.check();
    }

private:
    static netrouter::Bytes segment(const Ip& source, uint16_t source_port, const Ip& destination, uint16_t port,
                                    const End& end, uint8_t flags, int8_t shift, const netrouter::Bytes& data) {
        const netrouter::Bytes made = make_tcp(source, source_port, destination, port, flags, data);
        netrouter::Bytes tcp(made.begin() + 20, made.end());
        store32(&tcp[4], end.next + static_cast<uint32_t>(shift));
        store32(&tcp[8], end.expected + static_cast<uint32_t>(flags & 0x80 ? shift : 0));
        tcp[13] &= 0x3f;
        return make_ip(source, destination, kTcp, tcp, 16);
    }
};

netrouter::Bytes framed(netrouter::Bytes message) {
    message.insert(message.begin(), {static_cast<uint8_t>(message.size() >> 8), static_cast<uint8_t>(message.size())});
    return message;
}

const netrouter::Bytes kAsked{0,   1,   1,   0,   0,   1,   0, 0,   0,   0,   0, 0, 1, 'a', 7, 'e',
                              'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 1, 0,   1};

// To the router's last question, its EDNS left out: with an address, or cut off.
netrouter::Bytes answer_to(netrouter::Bytes question, bool is_cut) {
    if (question.size() < kAsked.size()) return kAsked;
    question.resize(kAsked.size());
    question[2] = is_cut ? 0x82 : 0x80;
    question[3] = 0x80;
    store16(&question[6], is_cut ? 0 : 1);
    store16(&question[10], 0);
    if (!is_cut) question.insert(question.end(), {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 203, 0, 113, 9});
    return question;
}

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Talk talk;
    Bench& bench = talk.bench;
    for (unsigned steps = 0; !reader.empty() && steps < 64; ++steps) {
        const auto step = reader.below(kSteps);
        if (step == kNear || step == kFar) {
            const uint8_t flags = reader.number();
            const auto shift = static_cast<int8_t>(reader.number());
            const Bytes some = reader.bytes(reader.number<uint16_t>() % 1400);
            const netrouter::Bytes data(some.begin(), some.end());
            step == kNear ? talk.send_near(flags, shift, data) : talk.send_far(flags, shift, data);
        } else if (step == kQuestion) {
            talk.send_near(kAck, 0, framed(kAsked));
        } else if (step == kCut) {
            bench.outside(make_udp(kGateway4, 53, kOwn4, talk.question_port, answer_to(talk.question, true)));
            talk.observe();
        } else if (step == kAnswer) {
            talk.send_far(kAck, 0, framed(answer_to(talk.question, false)));
        } else {
            bench.at(bench.now + reader.number() * kSecond / 16);
            talk.observe();
        }
    }
}

std::vector<Buffer> seeds() {
    Writer whole;
    const auto segment = [&](Step step, uint8_t flags) {
        whole.number<uint8_t>(step).number(flags).number<uint8_t>(0).number<uint16_t>(0);
    };
    segment(kNear, kSyn);
    segment(kNear, kAck);
    whole.number<uint8_t>(kQuestion).number<uint8_t>(kCut);
    segment(kFar, kSyn | kAck);
    whole.number<uint8_t>(kAnswer);
    segment(kNear, kAck);
    segment(kFar, kFin | kAck);
    segment(kNear, kFin | kAck);
    whole.number<uint8_t>(kTime).number<uint8_t>(80);
    return {whole.result()};
}

}  // namespace kos::fuzz
