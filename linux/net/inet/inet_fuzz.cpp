/*
 * Packets from the link into a Linux program's sockets: a listener and its connections, a stream that it has begun
 * itself, datagrams with and without a connection, a raw one. Afterwards every packet's memory has been given back.
 *
 * Many packets are made from what the stack has sent last, so that ports and sequence numbers are near the right ones.
 */
#include <lwip/pbuf.h>

#include <deque>

#include "fuzz.h"
#include "testing/inet.h"

namespace kos::fuzz {

namespace {

using namespace lx;
using namespace lx::testing;

constexpr uint32_t kOwn = 0x0a4e0102, kPeer = 0x0a4e0101;
constexpr uint16_t kPort = 80, kPeersPort = 4000;
constexpr unsigned kSteps = 60, kConnectionsMost = 16;
constexpr Nanoseconds kTenthOfSecond = 100'000'000;

void put16(Buffer& to, unsigned value) {
    to.push_back(static_cast<uint8_t>(value >> 8));
    to.push_back(static_cast<uint8_t>(value));
}
void put32(Buffer& to, uint32_t value) {
    put16(to, value >> 16);
    put16(to, value & 0xffff);
}
uint32_t get32(const Buffer& from, size_t at) {
    return uint32_t{from[at]} << 24 | uint32_t{from[at + 1]} << 16 | uint32_t{from[at + 2]} << 8 | from[at + 3];
}

class FuzzLink final : public kos::net::Link {
public:
    Sent send(const pbuf& packet, bool) override {
        last.resize(packet.tot_len);
        pbuf_copy_partial(&packet, last.data(), packet.tot_len, 0);
        return is_full ? Sent::kFull : Sent::kYes;
    }
    bool has_room() override { return !is_full; }
    size_t next_bytes() override { return queue.empty() ? 0 : queue.front().size(); }
    size_t take(void* bytes, size_t room, bool* verified) override {
        // Checksums of transports are vouched for: what they protect is the input here.
        *verified = true;
        const size_t count = std::min(room, queue.front().size());
        std::memcpy(bytes, queue.front().data(), count);
        queue.pop_front();
        return count;
    }
    void drop() override { queue.pop_front(); }

    std::deque<Buffer> queue;
    Buffer last;  // that the stack has sent
    bool is_full = false;
};

class Target {
public:
    Target() {
        kos::net::InterfaceConfig config;
        ip4_addr_set_u32(&config.address4, lwip_htonl(kOwn));
        ip4_addr_set_u32(&config.gateway4, lwip_htonl(kPeer));
        world_.network().attach(link_, config, nullptr);
        listener_ = world_.socket(kAF_INET, kSOCK_STREAM);
        require(listener_->bind(address4(0, kPort), world_.process).ok() && listener_->listen(4).ok(), "listens");
        bound_ = world_.socket(kAF_INET, kSOCK_DGRAM);
        require(bound_->bind(address4(0, kPort), world_.process).ok(), "is bound");
        connected_ = world_.socket(kAF_INET, kSOCK_DGRAM);
        require(connected_->connect(address4(kPeer, kPeersPort), world_.process).ok(), "is connected");
    }

    void step(Reader& input) {
        switch (input.below(8)) {
            case 0: inject(buffer(input.bytes(input.number<uint8_t>()))); break;
            case 1:
            case 2: tcp(input); break;
            case 3: udp(input); break;
            case 4: icmp(input); break;
            case 5: world_.pass(kTenthOfSecond * input.number<uint8_t>()); break;
            case 6: program(input); break;
            default: link_.is_full ^= true; break;
        }
        world_.network().run();
        world_.pass(0);
    }

private:
    static Buffer buffer(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
    void inject(Buffer packet) { link_.queue.push_back(std::move(packet)); }

    void inject_ip(uint8_t protocol, const Buffer& payload, unsigned fragment) {
        Buffer packet;
        put16(packet, 0x4500);
        put16(packet, static_cast<unsigned>(payload.size() + 20));
        put16(packet, 7);
        put16(packet, fragment);
        packet.push_back(64);
        packet.push_back(protocol);
        put16(packet, 0);
        put32(packet, kPeer);
        put32(packet, kOwn);
        uint32_t sum = 0;
        for (size_t i = 0; i < packet.size(); i += 2) sum += uint32_t{packet[i]} << 8 | packet[i + 1];
        while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
        packet[10] = static_cast<uint8_t>(~sum >> 8);
        packet[11] = static_cast<uint8_t>(~sum);
        packet.insert(packet.end(), payload.begin(), payload.end());
        inject(std::move(packet));
    }

    void tcp(Reader& input) {
        const uint8_t how = input.number<uint8_t>();
        const bool has_last = link_.last.size() >= 40 && link_.last[9] == 6;
        uint32_t seq = 1000, ack = 0;
        Buffer segment;
        if (has_last && (how & 1)) {
            const Buffer& last = link_.last;
            segment = {last[22], last[23], last[20], last[21]};
            const uint32_t data = static_cast<uint32_t>(last.size()) - 40;
            seq = get32(last, 28);
            ack = get32(last, 24) + data + ((last[33] & 3) != 0 ? 1 : 0);
        } else {
            put16(segment, kPeersPort + input.below(4));
            put16(segment, kPort);
        }
        if (how & 2) seq += input.number<uint32_t>() >> (how >> 4);
        if (how & 4) ack += input.number<uint32_t>() >> (how >> 4);
        put32(segment, seq);
        put32(segment, ack);
        const Buffer options = buffer(input.bytes(input.below(41) & ~3u));
        segment.push_back(static_cast<uint8_t>((5 + options.size() / 4) << 4));
        constexpr uint8_t kFlags[] = {0x02, 0x10, 0x18, 0x11, 0x04, 0x12, 0x14, 0x38};
        segment.push_back(how & 8 ? input.number<uint8_t>() : kFlags[input.below(8)]);
        put16(segment, input.number<uint16_t>());
        put32(segment, how >> 7 ? input.number<uint16_t>() : 0);
        segment.insert(segment.end(), options.begin(), options.end());
        const Bytes data = input.bytes(input.number<uint8_t>());
        segment.insert(segment.end(), data.begin(), data.end());
        inject_ip(6, segment, 0);
    }

    void udp(Reader& input) {
        const uint8_t how = input.number<uint8_t>();
        const Bytes data = input.bytes(input.number<uint8_t>());
        Buffer datagram;
        put16(datagram, kPeersPort);
        put16(datagram, how & 1 ? port_of(*connected_) : kPort);
        put16(datagram, how & 2 ? input.number<uint16_t>() : static_cast<unsigned>(data.size() + 8));
        put16(datagram, 0);
        datagram.insert(datagram.end(), data.begin(), data.end());
        inject_ip(17, datagram, how & 4 ? input.number<uint16_t>() : 0);
    }

    // About what was sent last, or anything.
    void icmp(Reader& input) {
        const uint8_t how = input.number<uint8_t>();
        Buffer message = {input.number<uint8_t>(), input.number<uint8_t>(), 0, 0, 0, 0, 5, 0};
        if (how & 1) message[0] = 3;
        const Buffer& last = link_.last;
        if (how & 2)
            message.insert(message.end(), last.begin(),
                           last.begin() + static_cast<long>(std::min<size_t>(last.size(), 60)));
        const Bytes data = input.bytes(input.number<uint8_t>());
        message.insert(message.end(), data.begin(), data.end());
        inject_ip(1, message, 0);
    }

    void program(Reader& input) {
        SocketAddress peer;
        Ref<Socket>& one = connections_[input.below(kConnectionsMost)];
        switch (input.below(8)) {
            case 0:
                if (auto accepted = listener_->accept(peer); accepted.ok()) one = accepted.take();
                break;
            case 1:
                one = world_.socket(kAF_INET, kSOCK_STREAM);
                (void)one->connect(address4(kPeer, static_cast<uint16_t>(kPeersPort + input.below(4))), world_.process);
                break;
            case 2:
                if (one) (void)world_.receive(*one, input.number<uint8_t>());
                break;
            case 3:
                if (one) (void)world_.send(*one, std::string(input.number<uint16_t>(), 'x'), 0x4000);  // MSG_NOSIGNAL
                break;
            case 4:
                if (one) (void)one->shutdown(static_cast<int>(input.below(3)));
                break;
            case 5: one = {}; break;
            case 6:
                (void)world_.receive(*bound_);
                (void)world_.receive(*connected_);
                break;
            default: (void)world_.send(*connected_, "question"); break;
        }
    }

    FuzzLink link_;  // outlives the interface, which says good-bye over it
    InetWorld world_;
    Ref<Socket> listener_, bound_, connected_;
    Ref<Socket> connections_[kConnectionsMost];
};

}  // namespace

void run(Bytes input) {
    Target target;
    Reader reader(input);
    for (unsigned i = 0; i < kSteps && !reader.empty(); ++i) target.step(reader);
}

std::vector<Buffer> seeds() {
    // A peer connects, is accepted, says something, is read and goes.
    const auto segment = [](Writer& to, uint8_t how, uint8_t flags, std::string_view data) {
        to.number<uint8_t>(1).number(how);
        if ((how & 1) == 0) to.number<uint8_t>(0);
        to.number<uint8_t>(0).number(flags).number<uint16_t>(8192).number(static_cast<uint8_t>(data.size())).text(data);
    };
    Writer visit;
    segment(visit, 0, 0, "");
    segment(visit, 1, 1, "");
    visit.number<uint8_t>(6).number<uint8_t>(0).number<uint8_t>(0);
    segment(visit, 1, 2, "hello");
    visit.number<uint8_t>(6).number<uint8_t>(0).number<uint8_t>(2).number<uint8_t>(100);
    visit.number<uint8_t>(6).number<uint8_t>(0).number<uint8_t>(3).number<uint16_t>(300);
    segment(visit, 1, 3, "");
    visit.number<uint8_t>(6).number<uint8_t>(0).number<uint8_t>(5);
    // Datagrams and an error about one; a stream of the program's own that is refused.
    Writer talk;
    talk.number<uint8_t>(3).number<uint8_t>(0).number<uint8_t>(5).text("hello");
    talk.number<uint8_t>(6).number<uint8_t>(0).number<uint8_t>(7);
    talk.number<uint8_t>(4).number<uint8_t>(3).number<uint8_t>(3).number<uint8_t>(13).number<uint8_t>(0);
    talk.number<uint8_t>(6).number<uint8_t>(1).number<uint8_t>(1).number<uint8_t>(0);
    segment(talk, 1, 6, "");
    talk.number<uint8_t>(5).number<uint8_t>(200);
    return {visit.result(), talk.result()};
}

}  // namespace kos::fuzz
