#include "fragments.h"

#include "checksum.h"

namespace kos::netrouter {

Fragments::Slot* Fragments::find(const Packet& packet, Interface from, uint64_t now_us) {
    Slot* oldest = nullptr;  // of who may have to give way
    Slot* free = nullptr;
    unsigned mine = 0;
    unsigned of_links = 0;
    for (Slot& slot : slots_) {
        if (!slot.is_used) {
            free = &slot;
            continue;
        }
        // IPv4 tells packets apart by the protocol as well; IPv6's number stands in the fragment header alone.
        if (slot.from == from && slot.id == packet.fragment_id && slot.source == packet.source &&
            slot.destination == packet.destination && (packet.is_v6 || slot.protocol == packet.protocol)) {
            return &slot;
        }
        mine += slot.from == from;
        of_links += slot.from != kWire;
    }
    const bool is_full = mine >= (from == kWire ? kMostOfWire : kMostOfLink);
    const bool is_shared_full = from != kWire && of_links >= kMost - kMostOfWire;
    if (is_full || is_shared_full || free == nullptr) {
        for (Slot& slot : slots_) {
            if (!slot.is_used || (slot.from == kWire) != (from == kWire) || (is_full && slot.from != from)) continue;
            if (oldest == nullptr || slot.began_us < oldest->began_us) oldest = &slot;
        }
        free = oldest;
    }
    if (free == nullptr) return nullptr;
    Slot& slot = *free;
    slot.source = packet.source;
    slot.destination = packet.destination;
    slot.id = packet.fragment_id;
    slot.protocol = packet.protocol;
    slot.from = from;
    slot.is_used = true;
    slot.is_spoilt = false;
    slot.began_us = now_us;
    slot.pieces = 0;
    slot.largest = 0;
    slot.header_bytes = 0;
    slot.received = 0;
    slot.total = 0;
    slot.furthest = 0;
    __builtin_memset(slot.seen, 0, sizeof slot.seen);
    return &slot;
}

// Notes units of 8 bytes. False: one of them was there.
bool Fragments::mark(Slot& slot, size_t first, size_t end) {
    for (size_t unit = first / 8; unit < (end + 7) / 8; ++unit) {
        const uint64_t bit = uint64_t{1} << unit % 64;
        if (slot.seen[unit / 64] & bit) return false;
        slot.seen[unit / 64] |= bit;
    }
    return true;
}

Fragments::Whole Fragments::add(const Packet& packet, const uint8_t* header, const uint8_t* bytes, Interface from,
                                uint64_t now_us) {
    Slot* slot = find(packet, from, now_us);
    if (slot == nullptr || slot->is_spoilt) return {nullptr, 0, 0, Reason::kFragments};
    const size_t first = packet.fragment_offset;
    const size_t count = packet.transport_bytes();
    const size_t end = first + count;
    const size_t header_bytes = packet.is_v6 ? packet.fragment_header : packet.transport;
    const bool is_last = !packet.has_more;
    bool is_wrong = end > kMostBytes - kMostHeader || header_bytes > kMostHeader || ++slot->pieces > kMostPieces;
    // Nothing behind the end, one end only.
    is_wrong = is_wrong || (slot->total != 0 && (is_last ? end != slot->total : end > slot->total));
    is_wrong = is_wrong || !mark(*slot, first, end);
    if (is_wrong) {
        slot->is_spoilt = true;
        return {nullptr, 0, 0, Reason::kFragments};
    }
    __builtin_memcpy(slot->buffer + kMostHeader + first, bytes + packet.transport, count);
    slot->received += static_cast<uint32_t>(count);
    if (packet.length > slot->largest) slot->largest = static_cast<uint16_t>(packet.length);
    if (end > slot->furthest) slot->furthest = static_cast<uint32_t>(end);
    if (is_last) {
        slot->total = static_cast<uint32_t>(end);
        // What came before may lie behind this end; then so many bytes would leave a hole.
        if (slot->furthest > end) slot->is_spoilt = true;
    }
    if (first == 0) {
        slot->header_bytes = static_cast<uint16_t>(header_bytes);
        __builtin_memcpy(slot->buffer + kMostHeader - header_bytes, header, header_bytes);
        if (packet.is_v6) {
            slot->buffer[kMostHeader - header_bytes + packet.fragment_next] = packet.protocol;
            // The checksum below needs the first fragment's number, which the others need not repeat.
            slot->protocol = packet.protocol;
        }
    }
    if (slot->is_spoilt) return {nullptr, 0, 0, Reason::kFragments};
    if (slot->total == 0 || slot->received != slot->total || slot->header_bytes == 0) return {};
    return finish(*slot, packet.is_v6);
}

Fragments::Whole Fragments::finish(Slot& slot, bool is_v6) {
    slot.is_used = false;
    uint8_t* packet = slot.buffer + kMostHeader - slot.header_bytes;
    const size_t length = slot.header_bytes + slot.total;
    if (is_v6) {
        store16(packet + 4, static_cast<uint16_t>(length - 40));
    } else {
        store16(packet + 2, static_cast<uint16_t>(length));
        store16(packet + 6, 0);
        store16(packet + 10, 0);
        store16(packet + 10, static_cast<uint16_t>(~fold(sum_bytes(packet, slot.header_bytes))));
    }
    return {packet, length, slot.largest, Reason::kNone};
}

unsigned Fragments::expire(uint64_t now_us) {
    unsigned count = 0;
    for (Slot& slot : slots_) {
        if (!slot.is_used || now_us - slot.began_us < kPatienceUs) continue;
        slot.is_used = false;
        ++count;
    }
    return count;
}

}  // namespace kos::netrouter
