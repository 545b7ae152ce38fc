/*
 * A domain in the router's place: exchanges frames with the test's peer (peer.py) through the network driver, while
 * that and this side of it are restarted. The judge of the test.
 */
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/ports.h>
#include <kos/ring.h>
#include <kos/signal.h>
#include <kos/time.h>

#define RECORDS_HERE
#include "records.h"

#include "link_ring.h"
#include "net_link_router.h"

namespace {

using namespace kos::net;

constexpr unsigned kAlarmBit = 0;
constexpr uint8_t kStation[kMacBytes] = {0x52, 0x54, 0x00, 0x4b, 0x4f, 0x53};
constexpr uint8_t kPeer[kMacBytes] = {0x02, 0x4b, 0x4f, 0x53, 0x00, 0x01};
constexpr uint16_t kKindEcho = 1, kKindFlood = 2;
constexpr unsigned kHead = 20;  // Ethernet header, kind, number
constexpr unsigned kFloodFrames = 300;
constexpr uint16_t kFloodLengths[] = {60, 1514, 100, 777};
constexpr unsigned kWindow = 48;  // frames under way

kos_ring_memory_t memory;
kos_slot_t appman;

uint8_t pattern(uint32_t number, unsigned at) { return static_cast<uint8_t>(number * 7 + at); }
uint16_t length_of(uint32_t number) { return static_cast<uint16_t>(60 + number * 131 % (kFrameMax - 59)); }

// What has come, checked against what was sent.
class Station {
public:
    explicit Station(LinkRing& in, LinkRing& out)
        : link_({static_cast<uint8_t*>(memory.address), memory.size_bytes}, in, out) {}

    // --- Called by the link

    void begin(const uint8_t* mac, uint16_t mtu) {
        begins_++;
        is_mac_right_ = memcmp(mac, kStation, sizeof kStation) == 0 && mtu == kFrameMax - kFrameMin;
        next_in_ = next_out_;  // what was under way is lost
    }
    void link(bool is_up) { is_up_ = is_up; }
    void frame(std::span<const uint8_t> shared, LinkFlags) {
        static uint8_t copy[kFrameMax];
        memcpy(copy, shared.data(), shared.size());
        check_frame(copy, shared.size());
    }

    // --- Called by the test

    bool open() { return kos_status_is_ok(link_.open()); }

    // Waits until the driver has begun and the link is up; false: it does not.
    bool await_begin(unsigned begins) {
        return await(10000000, [&] { return begins_ >= begins && is_up_; });
    }

    // Until the peer answers, which may come later than the machine.
    bool await_peer() {
        for (unsigned tries = 0; tries < 100; tries++) {
            if (!send_echo()) return false;
            if (await(100000, [&] { return next_in_ == next_out_; })) return true;
            next_in_ = next_out_;
        }
        return false;
    }

    // `count` frames there and back, kWindow at a time. `meanwhile` is called after each.
    template <typename Meanwhile>
    bool exchange(uint32_t count, Meanwhile meanwhile) {
        const uint32_t end = next_out_ + count;
        while (next_out_ != end || next_in_ != next_out_) {
            while (next_out_ != end && next_out_ - next_in_ < kWindow && send_echo()) meanwhile();
            link_.flush();
            const uint32_t before = next_in_;
            const unsigned sessions = begins_;
            const bool is_moving = await(5000000, [&] {
                const bool can_send = next_out_ != end && next_out_ - next_in_ < kWindow && link_.transmit_room() != 0;
                return next_in_ != before || begins_ != sessions || can_send;
            });
            if (!is_moving) return false;
        }
        return true;
    }

    // Asks for a flood; returns how many of its frames have come when nothing more comes.
    unsigned flood() {
        flooded_ = 0;
        if (!send(kKindFlood, next_flood_, 60)) return 0;
        next_flood_ += kFloodFrames;
        link_.flush();
        if (!await(5000000, [&] { return flooded_ != 0; })) return 0;
        for (unsigned before = 0; before != flooded_;) {
            before = flooded_;
            static_cast<void>(await(300000, [&] { return flooded_ >= before + kFloodFrames; }));
        }
        return flooded_;
    }

    // Frames to nobody, without looking at answers.
    bool send_echo() {
        if (!send(kKindEcho, next_out_, length_of(next_out_))) return false;
        next_out_++;
        return true;
    }

    RouterLink<LinkRing>& raw() { return link_; }
    unsigned begins() const { return begins_; }
    unsigned damaged() const { return damaged_; }
    uint64_t invalid() const { return link_.counters().invalid; }
    bool is_mac_right() const { return is_mac_right_; }

private:
    template <typename Condition>
    bool await(uint64_t timeout_us, Condition condition) {
        const uint64_t end = kos_time_after_us(timeout_us);
        for (;;) {
            if (link_.poll(*this, 64) == 64) continue;
            if (condition()) return true;
            if (kos_time_ticks() >= end) return false;
            if (link_.prepare_wait()) continue;
            kos_assert_ok(kos_time_alarm(kAlarmBit, end));
            kos_signal_wait(memory.signal | 1u << (KOS_SIGNAL_USER_0 + kAlarmBit));
        }
    }

    bool send(uint16_t kind, uint32_t number, uint16_t length) {
        const std::span<uint8_t> room = link_.transmit_buffer();
        if (room.empty()) return false;
        memcpy(room.data(), kPeer, kMacBytes);
        memcpy(room.data() + kMacBytes, kStation, kMacBytes);
        const uint8_t middle[8] = {0x88,
                                   0xb5,
                                   static_cast<uint8_t>(kind),
                                   0,
                                   static_cast<uint8_t>(number),
                                   static_cast<uint8_t>(number >> 8),
                                   static_cast<uint8_t>(number >> 16),
                                   static_cast<uint8_t>(number >> 24)};
        memcpy(room.data() + 12, middle, sizeof middle);
        for (unsigned i = kHead; i < length; i++) room[i] = pattern(number, i - kHead);
        link_.send(length);
        return true;
    }

    void check_frame(const uint8_t* frame, size_t length) {
        if (length < kHead || memcmp(frame + kMacBytes, kPeer, kMacBytes) != 0) return;  // not the peer's
        uint16_t kind;
        uint32_t number;
        memcpy(&kind, frame + 14, sizeof kind);
        memcpy(&number, frame + 16, sizeof number);
        const bool is_flood = kind == kKindFlood;
        const uint16_t expected = is_flood ? kFloodLengths[number % 4] : length_of(number);
        bool is_whole = length == expected && (is_flood || kind == kKindEcho);
        for (unsigned i = kHead; i < length && is_whole; i++) is_whole = frame[i] == pattern(number, i - kHead);
        if (!is_whole) {
            damaged_++;
        } else if (is_flood) {
            flooded_++;
        } else if (number - next_in_ < next_out_ - next_in_) {
            next_in_ = number + 1;  // those between are lost: only in a restart, which await() sees
        }
    }

    RouterLink<LinkRing> link_;
    unsigned begins_ = 0;
    unsigned damaged_ = 0;
    unsigned flooded_ = 0;
    uint32_t next_out_ = 0, next_in_ = 0, next_flood_ = 0;
    bool is_mac_right_ = false;
    bool is_up_ = false;
};

bool restart_driver() {
    constexpr char kName[] = "net_virtio";
    kos_msg_t message = {};
    message.label = KOS_APPMAN_RESTART;
    message.payload = kName;
    message.payload_bytes = sizeof kName - 1;
    return kos_msg_call(appman, &message) == KOS_STATUS_OK;
}

bool read_accounts(uint64_t words[4]) {
    kos_msg_t message = {};
    message.label = KOS_APPMAN_ACCOUNTS;
    if (kos_msg_call(appman, &message) != KOS_STATUS_OK || message.payload_bytes != 32) return false;
    memcpy(words, message.payload, 32);
    return true;
}

bool are_accounts_as(const uint64_t before[4]) {
    for (unsigned tries = 0; tries < 200; tries++) {
        uint64_t now[4] = {};
        if (read_accounts(now) && memcmp(now, before, sizeof now) == 0) return true;
        pause_us(10000);
    }
    return false;
}

void test_restarts(Station& station) {
    uint64_t before[4] = {};
    kos_assert(read_accounts(before));
    for (unsigned i = 0; i < 6; i++) {
        const unsigned begins = station.begins();
        unsigned sent = 0;
        // In the middle of the exchange.
        const bool is_moving = station.exchange(150, [&] {
            if (++sent == 60) kos_assert(restart_driver());
        });
        check("frames move on through a restart of the driver", is_moving, i);
        check("the driver begins again", station.await_begin(begins + 1), station.begins() - begins);
        check("and nothing is lost any more", station.await_peer() && station.exchange(100, [] {}), i);
    }
    check("root's accounts are as before", are_accounts_as(before), 0);
}

void test_own_restart(Station& station) {
    for (unsigned i = 0; i < 3; i++) {
        const unsigned begins = station.begins();
        for (unsigned k = 0; k < 20; k++) static_cast<void>(station.send_echo());
        station.raw().flush();
        check("the router's side begins again", station.open() && station.await_begin(begins + 1), i);
        check("and frames pass", station.await_peer() && station.exchange(100, [] {}), i);
    }
}

void test_rules(Station& station, LinkRing& out) {
    const unsigned begins = station.begins();
    const LinkDescriptor lie = {LinkKind::kTransmit, 0, 0xffff, 60, 0, 0, 0, 0};
    // Of every session, so of the present one.
    for (uint32_t session = 0; session < 0x10000 && station.begins() == begins; session++) {
        LinkDescriptor descriptor = lie;
        descriptor.session = static_cast<uint16_t>(session);
        size_t done = 0;
        while (out.write(&descriptor, sizeof descriptor, &done) == KOS_STATUS_FULL) station.raw().poll(station, 64);
        if (session % 256 == 0) station.raw().poll(station, 64);
    }
    check("who breaks the rules gets a new session", station.await_begin(begins + 1), station.begins() - begins);
    check("and frames pass", station.await_peer() && station.exchange(100, [] {}), 0);
}

}  // namespace

int main() {
    begin_records();
    kos_assert_ok(kos_dir_request("appman", &appman));
    kos_assert_ok(kos_ring_memory(kFramesRing, &memory));
    check("the physical address is the driver's alone", memory.physical == 0, 0);
    static LinkRing in(memory), out(memory);
    static Station station(in, out);
    check("the link opens", station.open(), 0);
    check("the driver begins", station.await_begin(1), station.begins());
    check("with the device's address", station.is_mac_right(), 0);
    check("the peer answers", station.await_peer(), 0);
    check("frames of every length, many at a time", station.exchange(1500, [] {}), 0);
    check("each of them whole", station.damaged() == 0, station.damaged());
    unsigned flooded = 0;
    for (unsigned i = 0; i < 5; i++) flooded += station.flood();
    check("a flood arrives", flooded > 5 * kFloodFrames / 4, flooded);
    check("and only whole frames", station.damaged() == 0, station.damaged());
    check("frames pass after it", station.exchange(100, [] {}), 0);
    test_restarts(station);
    test_own_restart(station);
    test_rules(station, out);
    check("the driver kept to the rules", station.invalid() == 0, static_cast<int64_t>(station.invalid()));
    check("no frame was damaged", station.damaged() == 0, station.damaged());
    print_verdict();
}
