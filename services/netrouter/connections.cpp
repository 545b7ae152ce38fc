#include "connections.h"

#include "checksum.h"

namespace kos::netrouter {

namespace {

enum Flag : uint8_t {
    kFin0 = 1,
    kFin1 = 2,
    kWasReset = 4,
    kAnswered = 8,  // kTcpNewIn, kUdpNewIn: the domain has
};

constexpr uint64_t kTouchEveryUs = 1000000;

// Everything that never changes, in one piece.
struct Fixed {
    Tuple way[2];
    uint16_t allow, listen;
    uint8_t link;
    uint8_t reserved[3];
};

// Tells torn and stale records from whole ones; no protection against who wants to deceive (the policy is asked again).
uint32_t check_of(const Record& record) {
    Fixed fixed = {};
    fixed.way[0] = record.way[0];
    fixed.way[1] = record.way[1];
    fixed.allow = record.allow;
    fixed.listen = record.listen;
    fixed.link = record.link;
    uint64_t words[sizeof fixed / sizeof(uint64_t)];
    static_assert(sizeof fixed == sizeof words);
    __builtin_memcpy(words, &fixed, sizeof fixed);
    uint64_t value = 0x4b4f534e45545231;
    for (const uint64_t word : words) {
        value = (value ^ word) * 0x9e3779b97f4a7c15;
        value ^= value >> 29;
    }
    return static_cast<uint32_t>(value >> 32);
}

Changes changes_of(const Record& record, unsigned way) {
    const Tuple& from = record.way[way];
    const Tuple& to = record.way[1 - way];  // its packets seen from the other end: source and destination change places
    const uint64_t addresses_before = sum_ip(from.source) + sum_ip(from.destination);
    const uint64_t addresses_after = sum_ip(to.source) + sum_ip(to.destination);
    const uint64_t ports_before = uint64_t{from.source_port} + from.destination_port;
    const uint64_t ports_after = uint64_t{to.source_port} + to.destination_port;
    return {difference(addresses_before, addresses_after),
            difference(addresses_before + ports_before, addresses_after + ports_after),
            difference(ports_before, ports_after)};
}

}  // namespace

bool Connections::open(void* memory, size_t bytes, unsigned links, const uint64_t key[2]) {
    if (memory == nullptr || bytes < kBytes || reinterpret_cast<uintptr_t>(memory) % alignof(Record) != 0) return false;
    if (links > kMaxLinks) return false;
    records_ = static_cast<Record*>(memory);
    links_ = links;
    share_ = links == 0 ? 0 : kMost / (2 * links);
    key_[0] = key[0] | 1;
    key_[1] = key[1] | 1;
    for (uint16_t& head : heads_) head = kNone;
    collect_free();
    return true;
}

void Connections::collect_free() {
    free_count_ = 0;
    // The lowest places are taken first, so that few pages are in use as long as there are few connections.
    for (unsigned i = kMost; i-- > 0;) {
        if (records_[i].state == State::kFree) free_[free_count_++] = static_cast<uint16_t>(i);
    }
}

unsigned Connections::hash(const Tuple& tuple) const {
    const uint64_t ports = uint64_t{tuple.source_port} << 48 | uint64_t{tuple.destination_port} << 32 |
                           uint64_t{tuple.protocol} << 8 | tuple.interface;
    const auto mix = [](uint64_t a, uint64_t b) {
        const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
        return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    };
    uint64_t value = mix(tuple.source.low ^ tuple.source.high * 3 ^ key_[0], tuple.destination.low ^ key_[1]);
    value = mix(value ^ ports ^ tuple.destination.high * 5, key_[0]);
    return static_cast<unsigned>(value >> 20) % kHeads;
}

Connections::Found Connections::find(const Tuple& tuple) const {
    for (uint16_t node = heads_[hash(tuple)]; node != kNone; node = chain_[node]) {
        if (records_[node / 2].way[node % 2] == tuple) {
            return {static_cast<uint16_t>(node / 2), static_cast<uint8_t>(node % 2)};
        }
    }
    return {};
}

bool Connections::is_whole(const Record& record) const {
    if (record.state == State::kFree || static_cast<unsigned>(record.state) >= kStates) return false;
    if (record.link >= links_ || record.reserved != 0 || record.reserved2 != 0 || record.check != check_of(record))
        return false;
    for (const Tuple& way : record.way) {
        if (way.reserved != 0 || way.interface > links_ || !is_host(way.source) || !is_host(way.destination))
            return false;
        if (way.source.is_v4() != way.destination.is_v4() || way.source.is_v4() != record.way[0].source.is_v4())
            return false;
        if (way.protocol != record.way[0].protocol) return false;
    }
    const bool is_tcp = record.state <= State::kTcpClosed;
    const bool is_udp = !is_tcp && record.state <= State::kUdpOpen;
    const uint8_t icmp = record.way[0].source.is_v4() ? kIcmp4 : kIcmp6;
    return record.way[0].protocol == (is_tcp ? uint8_t{kTcp} : is_udp ? uint8_t{kUdp} : icmp);
}

bool Connections::take_over(unsigned record, uint64_t now_us) {
    Record& entry = records_[record];
    if (find(entry.way[0]).ok() || find(entry.way[1]).ok() || entry.way[0] == entry.way[1]) return false;
    if (of_link_[entry.link] >= share_ && excess_ >= kMost / 2) return false;
    entry.seen_us = now_us;
    if (entry.begun_us > now_us) entry.begun_us = now_us;
    entry.flags &= kFin0 | kFin1 | kWasReset | kAnswered;
    insert(static_cast<uint16_t>(record));
    return true;
}

// Into the index and the lists.
void Connections::insert(uint16_t record) {
    Record& entry = records_[record];
    for (unsigned way = 0; way < 2; ++way) {
        const auto node = static_cast<uint16_t>(record * 2 + way);
        uint16_t& head = heads_[hash(entry.way[way])];
        chain_[node] = head;
        head = node;
        changes_[record][way] = changes_of(entry, way);
    }
    append(record);
    ++count_;
    if (of_link_[entry.link]++ >= share_) ++excess_;
}

void Connections::unchain(uint16_t record, unsigned way) {
    const auto node = static_cast<uint16_t>(record * 2 + way);
    for (uint16_t* at = &heads_[hash(records_[record].way[way])]; *at != kNone; at = &chain_[*at]) {
        if (*at != node) continue;
        *at = chain_[node];
        return;
    }
}

void Connections::append(uint16_t record) {
    List& list = lists_[records_[record].link][static_cast<unsigned>(records_[record].state)];
    before_[record] = list.last;
    after_[record] = kNone;
    (list.last == kNone ? list.first : after_[list.last]) = record;
    list.last = record;
    ++list.count;
}

void Connections::unlist(uint16_t record) {
    List& list = lists_[records_[record].link][static_cast<unsigned>(records_[record].state)];
    (before_[record] == kNone ? list.first : after_[before_[record]]) = after_[record];
    (after_[record] == kNone ? list.last : before_[after_[record]]) = before_[record];
    --list.count;
}

void Connections::remove(uint16_t record) {
    Record& entry = records_[record];
    unlist(record);
    unchain(record, 0);
    unchain(record, 1);
    --count_;
    if (--of_link_[entry.link] >= share_) --excess_;
    entry.state = State::kFree;
    free_[free_count_++] = record;
}

bool Connections::evict(unsigned link, State state) {
    const uint16_t first = lists_[link][static_cast<unsigned>(state)].first;
    if (first == kNone) return false;
    remove(first);
    ++evicted_[link];
    return true;
}

bool Connections::make_room(unsigned link, bool is_from_wire) {
    const unsigned unanswered = count(link, State::kTcpNewIn) + count(link, State::kUdpNewIn);
    const unsigned most = share_ / 2 < 16 ? 16 : share_ / 2;
    if (is_from_wire && unanswered >= most) {
        // The larger of the two has the older flood.
        const bool is_tcp = count(link, State::kTcpNewIn) >= count(link, State::kUdpNewIn);
        return evict(link, is_tcp ? State::kTcpNewIn : State::kUdpNewIn);
    }
    if (of_link_[link] < share_ || excess_ < kMost / 2) return free_count_ != 0;
    return evict(link, State::kTcpClosed) || evict(link, State::kTcpNewIn) || evict(link, State::kUdpNewIn) ||
           evict(link, State::kEcho) || evict(link, State::kUdpNew) || evict(link, State::kTcpNew);
}

uint16_t Connections::create(const Record& record, uint64_t now_us) {
    if (!make_room(record.link, record.allow == kNoRule)) return kNone;
    const uint16_t place = free_[--free_count_];
    Record& entry = records_[place];
    entry.state = State::kFree;
    // Whoever dies in between leaves a free place.
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    entry = record;
    entry.state = State::kFree;
    entry.seen_us = now_us;
    entry.begun_us = now_us;
    entry.flags = 0;
    entry.reserved = 0;
    entry.reserved2 = 0;
    entry.check = check_of(record);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    entry.state = record.state;
    insert(place);
    return place;
}

void Connections::set_state(uint16_t record, State state, uint64_t now_us) {
    unlist(record);
    records_[record].state = state;
    records_[record].seen_us = now_us;
    append(record);
}

void Connections::touch(uint16_t record, uint8_t way, uint8_t tcp_flags, uint64_t now_us) {
    Record& entry = records_[record];
    State state = entry.state;
    if (entry.way[0].protocol == kTcp) {
        const bool is_from_wire = entry.way[way].interface == kWire;
        if (tcp_flags & kRst) {
            if (is_from_wire && state != State::kTcpClosed) entry.flags |= kWasReset;
            state = State::kTcpClosed;
        } else if (state == State::kTcpClosed) {
            // Ended by both: data before the end may have been lost, and is sent again as long as that takes.
            const bool is_ended = (entry.flags & (kFin0 | kFin1)) == (kFin0 | kFin1);
            // A stranger can forge a reset that the domain does not believe: it goes on, and so does the connection.
            const bool is_denied = (entry.flags & kWasReset) && !is_from_wire && (tcp_flags & kAck);
            if (!is_ended && !is_denied) return;
            if (is_denied) {
                entry.flags &= static_cast<uint8_t>(~kWasReset);
                if (!is_ended) state = State::kTcpOpen;
            }
        } else if (tcp_flags & kFin) {
            entry.flags |= way == 0 ? kFin0 : kFin1;
            state = (entry.flags & (kFin0 | kFin1)) == (kFin0 | kFin1) ? State::kTcpClosed : State::kTcpHalf;
        } else if (state == State::kTcpNewIn) {
            // A made-up address cannot go on: it never sees the answer.
            if (way == 1 && (tcp_flags & (kSyn | kAck)) == (kSyn | kAck)) entry.flags |= kAnswered;
            if (way == 0 && (entry.flags & kAnswered) && (tcp_flags & (kSyn | kAck)) == kAck) state = State::kTcpOpen;
        } else if (state == State::kTcpNew) {
            if (way == 1 && (tcp_flags & (kSyn | kAck)) == (kSyn | kAck)) state = State::kTcpOpening;
        } else if (state == State::kTcpOpening) {
            if (way == 0 && (tcp_flags & kAck)) state = State::kTcpOpen;
        }
    } else if (state == State::kUdpNewIn) {
        if (way == 1) entry.flags |= kAnswered;
        if (way == 0 && (entry.flags & kAnswered)) state = State::kUdpOpen;
    } else if (state == State::kUdpNew && way == 1) {
        state = State::kUdpOpen;
    }
    if (state != entry.state || now_us - entry.seen_us >= kTouchEveryUs) set_state(record, state, now_us);
}

void Connections::expire(uint64_t now_us) {
    for (unsigned link = 0; link < links_; ++link) {
        for (unsigned state = 1; state < kStates; ++state) {
            // The lists are in order of time. Bounded by what is in them.
            for (uint16_t first = lists_[link][state].first; first != kNone; first = lists_[link][state].first) {
                if (now_us - records_[first].seen_us < silence_us(static_cast<State>(state))) break;
                remove(first);
            }
        }
    }
}

}  // namespace kos::netrouter
