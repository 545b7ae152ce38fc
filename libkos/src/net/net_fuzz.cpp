/*
 * Packets from the wire into a program that listens on TCP and UDP, echoes, connects and looks names up. What is
 * promised after each: memory within its limit, a bounded time for each packet; after all: every byte given back.
 *
 * Most packets are made up to fit: addresses and ports that exist, sequence numbers near those that are expected,
 * checksums that are right or vouched for, so that they get to where the states are.
 */
#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "fuzz.h"
#include "network.h"
#include "src/memory.h"
#include "testing/mirror_link.h"

uint64_t kos_time_ticks(void) { return 0; }

namespace kos::fuzz {
namespace {

using net::testing::MirrorLink;

constexpr size_t kMemory = 300000;
constexpr uint16_t kEchoPort = 7;
constexpr uint16_t kPeersPort = 4000;

class FuzzPlatform final : public net::Platform {
public:
    uint32_t now_ms() override { return clock; }
    void random(void* bytes, size_t count) override {
        for (size_t i = 0; i < count; ++i) static_cast<uint8_t*>(bytes)[i] = static_cast<uint8_t>(++state_ * 37);
    }
    [[noreturn]] void failed(const char* what, const char* file, int line) override {
        std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
        std::abort();
    }
    uint64_t now() override { return clock; }
    uint64_t ticks_of_ms(uint32_t ms) override { return ms; }
    bool prepare_sleep(bool) override { return true; }
    void set_alarm(uint64_t) override {}
    bool sleep() override { return false; }
    uint64_t link_resets() override { return 0; }

    uint32_t clock = 1000;

private:
    uint32_t state_ = 0;
};

net::NetworkConfig fuzz_config() {
    net::NetworkConfig config;
    config.stack.memory_bytes = kMemory;
    config.stack.tcp_receive_bytes = config.stack.tcp_send_bytes = 16384;
    config.stack.tcp_connections = 16;
    config.sockets = 32;
    IP4_ADDR(&config.interface.address4, 10, 78, 1, 2);
    IP4_ADDR(&config.interface.gateway4, 10, 78, 1, 1);
    IP6_ADDR(&config.interface.address6, PP_HTONL(0xfd6b6f73), PP_HTONL(0x00010000), 0, PP_HTONL(2));
    ip_addr_copy_from_ip4(config.dns, config.interface.gateway4);
    config.has_dns = true;
    return config;
}

constexpr uint8_t kOwn4[] = {10, 78, 1, 2}, kPeer4[] = {10, 78, 1, 1};
constexpr uint8_t kOwn6[] = {0xfd, 0x6b, 0x6f, 0x73, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
constexpr uint8_t kPeer6[] = {0xfd, 0x6b, 0x6f, 0x73, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

void put16(Buffer& bytes, unsigned value) {
    bytes.push_back(uint8_t(value >> 8));
    bytes.push_back(uint8_t(value));
}
void put32(Buffer& bytes, uint32_t value) {
    put16(bytes, value >> 16);
    put16(bytes, value & 0xffff);
}
uint32_t get32(const Buffer& bytes, size_t at) {
    return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

// `payload` in a header of IP. `more`: fragment offset and flags of IPv4; IPv6 gets a fragment header if it is not 0.
Buffer ip_packet(bool is_v6, uint8_t protocol, const Buffer& payload, unsigned more) {
    Buffer packet;
    if (is_v6) {
        Buffer fragment;
        if (more != 0) {
            fragment = {protocol, 0};
            put16(fragment, (more & 0x1fff) << 3 | (more >> 13 & 1));
            put32(fragment, 0x1234);
        }
        put32(packet, 0x60000000);
        put16(packet, unsigned(payload.size() + fragment.size()));
        packet.push_back(more != 0 ? 44 : protocol);
        packet.push_back(64);
        packet.insert(packet.end(), kPeer6, kPeer6 + 16);
        packet.insert(packet.end(), kOwn6, kOwn6 + 16);
        packet.insert(packet.end(), fragment.begin(), fragment.end());
    } else {
        put16(packet, 0x4500);
        put16(packet, unsigned(payload.size() + 20));
        put16(packet, 0x1234);
        put16(packet, more);
        packet.push_back(64);
        packet.push_back(protocol);
        put16(packet, 0);
        packet.insert(packet.end(), kPeer4, kPeer4 + 4);
        packet.insert(packet.end(), kOwn4, kOwn4 + 4);
        const auto check = uint16_t(~kos_lwip_checksum(packet.data(), 20));
        std::memcpy(&packet[10], &check, 2);
    }
    packet.insert(packet.end(), payload.begin(), payload.end());
    return packet;
}

class Target {
public:
    Target() : link_(platform_.clock), network_(std::make_unique<net::Network>(platform_, link_, fuzz_config())) {
        link_.mirrors = false;
        kos_net_address_t any{};
        any.port = kEchoPort;
        require(kos_net_tcp_listen(&any, 4, &listener_) == KOS_STATUS_OK, "listens");
        require(kos_net_udp_open(&any, &udp_) == KOS_STATUS_OK, "opens");
        kos_net_watch(listener_, accepted, this);
        kos_net_watch(udp_, datagram, this);
    }
    ~Target() {
        network_.reset();
        require(net::memory::used() == 0, "all memory is given back");
    }

    void step(Reader& input) {
        switch (input.below(8)) {
            case 0: link_.inject(as_buffer(input.bytes(input.number<uint8_t>())), input.below(2) != 0); break;
            case 1:
            case 2:
            case 3: tcp(input); break;
            case 4: udp(input); break;
            case 5: platform_.clock += uint32_t{input.number<uint8_t>()} * 20; break;
            case 6: program(input); break;
            case 7: icmp(input); break;
        }
        network_->work();
        learn();
        kos_net_counters_t counters;
        kos_net_counters(&counters);
        // The allocator rounds up what it hands out.
        require(counters.memory_used <= kMemory + 4096, "memory within its limit");
    }

private:
    static Buffer as_buffer(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

    static void accepted(kos_net_socket_t* listener, void* context) {
        kos_net_socket_t* socket = nullptr;
        while (kos_net_tcp_accept(listener, &socket) == KOS_STATUS_OK) {
            static_cast<Target*>(context)->connections_.push_back(socket);
            kos_net_watch(socket, readable, context);
        }
    }
    static void readable(kos_net_socket_t* socket, void* context) {
        uint8_t bytes[500];
        size_t count = 0;
        size_t done = 0;
        for (;;) {
            const kos_status_t status = kos_net_tcp_receive(socket, bytes, sizeof bytes, &count);
            if (status == KOS_STATUS_EMPTY) return;
            if (status != KOS_STATUS_OK || count == 0) break;
            require(count <= sizeof bytes, "no more than there is room for");
            if (kos_net_tcp_send(socket, bytes, count, &done) == KOS_STATUS_FULL) break;
        }
        std::erase(static_cast<Target*>(context)->connections_, socket);
        kos_net_close(socket);
    }
    static void datagram(kos_net_socket_t* socket, void*) {
        static uint8_t bytes[65536];
        size_t count = 0;
        kos_net_address_t from;
        while (kos_net_udp_receive(socket, bytes, sizeof bytes, &count, &from) == KOS_STATUS_OK) {
            kos_net_udp_send(socket, &from, bytes, std::min(count, size_t{600}));
        }
    }
    static void resolved(void*, kos_status_t, const kos_net_address_t*) {}

    // What the peer knows from the packets that it has got: sequence number that is expected next, ports.
    void learn() {
        for (const net::testing::Packet& packet : link_.sent) {
            const Buffer& bytes = packet.bytes;
            const size_t header = bytes[0] >> 4 == 6 ? 40 : 20;
            if (bytes.size() < header + 8) continue;
            const uint8_t protocol = header == 40 ? bytes[6] : bytes[9];
            local_port_ = uint16_t(bytes[header] << 8 | bytes[header + 1]);
            remote_port_ = uint16_t(bytes[header + 2] << 8 | bytes[header + 3]);
            last_ = bytes;
            if (protocol != 6 || bytes.size() < header + 20) continue;
            their_next_ =
                get32(bytes, header + 4) + uint32_t(bytes.size() - header - 20) + (bytes[header + 13] & 3 ? 1 : 0);
            our_next_ = get32(bytes, header + 8);
        }
        link_.sent.clear();
    }

    void tcp(Reader& input) {
        const uint8_t choice = input.number<uint8_t>();
        const bool is_v6 = choice & 1;
        Buffer segment;
        put16(segment, choice & 2 ? remote_port_ : kPeersPort);
        put16(segment, choice & 2 ? local_port_ : kEchoPort);
        put32(segment, our_next_ + uint32_t(int32_t{input.number<int8_t>()} * (choice & 4 ? 100 : 0)));
        put32(segment, their_next_ + uint32_t(int32_t{input.number<int8_t>()} * (choice & 8 ? 100 : 0)));
        const Buffer options = as_buffer(input.bytes(input.below(41) & ~3u));
        segment.push_back(uint8_t((5 + options.size() / 4) << 4 | (choice & 16 ? input.below(16) : 0)));
        constexpr uint8_t kFlags[] = {0x02, 0x10, 0x18, 0x11, 0x04, 0x12, 0x14, 0x29};
        segment.push_back(choice & 32 ? input.number<uint8_t>() : kFlags[input.below(8)]);
        put16(segment, choice & 64 ? input.number<uint16_t>() : 0x4000);
        put32(segment, 0);  // checksum: vouched for; urgent pointer
        segment.resize(18);
        put16(segment, choice & 128 ? input.number<uint16_t>() : 0);
        segment.insert(segment.end(), options.begin(), options.end());
        const Bytes data = input.bytes(input.number<uint8_t>());
        segment.insert(segment.end(), data.begin(), data.end());
        link_.inject(ip_packet(is_v6, 6, segment, 0), true);
    }
    void udp(Reader& input) {
        const uint8_t choice = input.number<uint8_t>();
        Buffer payload;
        // From the name server, or somebody; to the echo, or to who has sent last.
        put16(payload, choice & 2 ? 53 : kPeersPort);
        put16(payload, choice & 4 ? local_port_ : kEchoPort);
        const Bytes data = input.bytes(input.number<uint8_t>());
        put16(payload, choice & 8 ? input.number<uint16_t>() : unsigned(data.size() + 8));
        put16(payload, 0);
        // An answer to the question that was asked, so that its identifier is right.
        if ((choice & 16) && last_.size() >= 30) payload.insert(payload.end(), last_.begin() + 28, last_.begin() + 30);
        payload.insert(payload.end(), data.begin(), data.end());
        link_.inject(ip_packet(choice & 1, 17, payload, choice & 32 ? input.number<uint16_t>() : 0), true);
    }
    void icmp(Reader& input) {
        const uint8_t choice = input.number<uint8_t>();
        const bool is_v6 = choice & 1;
        Buffer payload = {input.number<uint8_t>(), input.number<uint8_t>(), 0, 0, 0, 0, 5, 0};
        if (choice & 2) payload[0] = is_v6 ? 1 : 3;
        if (choice & 4)
            payload.insert(payload.end(), last_.begin(), last_.begin() + long(std::min(last_.size(), size_t{60})));
        const Bytes data = input.bytes(input.number<uint8_t>());
        payload.insert(payload.end(), data.begin(), data.end());
        if (!is_v6) {
            const auto check = uint16_t(~kos_lwip_checksum(payload.data(), int(payload.size())));
            std::memcpy(&payload[2], &check, 2);
        } else {
            uint32_t sum = kos_lwip_checksum(payload.data(), int(payload.size())) + kos_lwip_checksum(kOwn6, 16) +
                           kos_lwip_checksum(kPeer6, 16) + lwip_htons(uint16_t(payload.size())) + lwip_htons(58);
            while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
            const auto check = uint16_t(~sum);
            std::memcpy(&payload[2], &check, 2);
        }
        link_.inject(ip_packet(is_v6, is_v6 ? 58 : 1, payload, 0));
    }

    // What the program itself does meanwhile.
    void program(Reader& input) {
        kos_net_address_t to{};
        to.version = input.below(2) ? 4 : 6;
        std::memcpy(to.bytes, to.version == 4 ? kPeer4 : kPeer6, to.version == 4 ? 4 : 16);
        to.port = kPeersPort;
        kos_net_socket_t* socket = nullptr;
        size_t done = 0;
        switch (input.below(6)) {
            case 0:
                if (kos_net_tcp_connect(&to, &socket) != KOS_STATUS_OK) break;
                connections_.push_back(socket);
                kos_net_watch(socket, readable, this);
                break;
            case 1: kos_net_resolve(input.below(2) ? "a.example" : "b.example", 0, resolved, nullptr); break;
            case 2: kos_net_udp_send(udp_, &to, "datagram", 8); break;
            default:
                if (connections_.empty()) break;
                socket = connections_[input.below(unsigned(connections_.size()))];
                switch (input.below(4)) {
                    case 0: kos_net_tcp_finish(socket); break;
                    case 1: kos_net_tcp_send(socket, large_.data(), input.number<uint16_t>(), &done); break;
                    case 2: kos_net_tcp_no_delay(socket, 1); break;
                    case 3:
                        std::erase(connections_, socket);
                        input.below(2) ? kos_net_close(socket) : kos_net_abort(socket);
                        break;
                }
                break;
        }
    }

    FuzzPlatform platform_;
    MirrorLink link_;
    std::unique_ptr<net::Network> network_;
    kos_net_socket_t* listener_ = nullptr;
    kos_net_socket_t* udp_ = nullptr;
    std::vector<kos_net_socket_t*> connections_;
    Buffer last_;
    Buffer large_ = Buffer(65536);
    uint32_t their_next_ = 0, our_next_ = 1000;
    uint16_t local_port_ = kEchoPort, remote_port_ = kPeersPort;
};

}  // namespace

void run(Bytes input) {
    constexpr unsigned kSteps = 100;
    Target target;
    Reader reader(input);
    for (unsigned i = 0; i < kSteps && !reader.empty(); ++i) target.step(reader);
}

std::vector<Buffer> seeds() {
    // TCP: what is chosen, sequence, acknowledgement, options, flags, data.
    const auto tcp = [](Writer& to, uint8_t flags, std::string_view data) -> Writer& {
        return to.number<uint8_t>(1)
            .number<uint8_t>(0)
            .number<uint8_t>(0)
            .number<uint8_t>(0)
            .number<uint8_t>(0)
            .number(flags)
            .number<uint8_t>(uint8_t(data.size()))
            .text(data);
    };
    Writer connection;
    tcp(connection, 0, "");
    tcp(connection, 1, "");
    tcp(connection, 2, "hello");
    tcp(connection, 2, "hello again");
    tcp(connection, 3, "");
    tcp(connection, 1, "");
    Writer names;
    names.number<uint8_t>(6).number<uint8_t>(0).number<uint8_t>(1).number<uint8_t>(1);
    names.number<uint8_t>(4)
        .number<uint8_t>(2 | 4 | 16)
        .number<uint8_t>(10)
        .bytes(buffer_of("\x81\x80\0\1\0\1\0\0\0\0"));
    names.number<uint8_t>(5).number<uint8_t>(200).number<uint8_t>(5).number<uint8_t>(200);
    Writer errors;
    errors.number<uint8_t>(6).number<uint8_t>(0).number<uint8_t>(0);
    errors.number<uint8_t>(7).number<uint8_t>(2 | 4).number<uint8_t>(0).number<uint8_t>(1).number<uint8_t>(0);
    return {connection.result(), names.result(), errors.result()};
}

}  // namespace kos::fuzz
