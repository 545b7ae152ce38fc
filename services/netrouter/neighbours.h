/*
 * Which Ethernet address the machines on the wire have: what ARP (RFC 826) and neighbour discovery (RFC 4861) have
 * answered. Only machines that the router has something to send to are in the table, so nobody on the wire can fill it.
 * Pure: says what to ask, the router sends it.
 */
#ifndef KOS_SERVICES_NETROUTER_NEIGHBOURS_H_
#define KOS_SERVICES_NETROUTER_NEIGHBOURS_H_

#include "ip.h"

namespace kos::netrouter {

class Neighbours {
public:
    static constexpr unsigned kMost = 64;
    static constexpr unsigned kParked = 16;  // packets that wait for an answer, one for each neighbour
    static constexpr size_t kParkedBytes = 1514;
    static constexpr unsigned kTries = 3;
    static constexpr uint64_t kRetryUs = 1000000;
    static constexpr uint64_t kFreshUs = 60 * uint64_t{1000000};  // asked again when older
    // Not changed by who has not been asked, so long after it was confirmed.
    static constexpr uint64_t kFirmUs = 10 * uint64_t{1000000};
    static constexpr uint64_t kGoneUs = 3 * uint64_t{1000000};  // no answer: not asked again so soon

    enum class Answer : uint8_t { kKnown, kAsk, kWait, kGone };

    struct Entry {
        Ip ip;
        Mac mac;  // none: not known
        uint64_t confirmed_us = 0;
        uint64_t used_us = 0;
        uint64_t asked_us = 0;
        uint8_t tries = 0;  // since the last answer
        bool is_gone = false;
        uint8_t parked = 0;  // number of its packet + 1
        bool is_used = false;
    };
    struct Parked {
        uint16_t bytes = 0;
        uint16_t owner = 0;
        bool is_used = false;
        uint8_t frame[kParkedBytes];
    };

    // What to do with a packet to `ip`. kKnown: *mac is its address. kAsk: and a request should go out now (also
    // together with a known address, then *mac is set). kWait: it has been asked. kGone: it does not answer.
    Answer look_up(const Ip& ip, uint64_t now_us, Mac* mac) {
        Entry* entry =
            last_ < kMost && entries_[last_].is_used && entries_[last_].ip == ip ? &entries_[last_] : find(ip);
        if (entry == nullptr) entry = add(ip);
        last_ = static_cast<unsigned>(entry - entries_);
        entry->used_us = now_us;
        *mac = entry->mac;
        if (!entry->mac.is_none() && now_us - entry->confirmed_us < kFreshUs) return Answer::kKnown;
        if (entry->is_gone && now_us - entry->asked_us < kGoneUs) return Answer::kGone;
        if (entry->is_gone) {
            entry->is_gone = false;
            entry->tries = 0;
        }
        if (entry->tries != 0 && now_us - entry->asked_us < kRetryUs) {
            return entry->mac.is_none() ? Answer::kWait : Answer::kKnown;
        }
        return note_asked(*entry, now_us) ? Answer::kAsk : Answer::kGone;
    }

    // `ip` says that it is at `mac`. `is_answer`: to a question of ours, as far as one can see. False: not believed,
    // because it was somebody else a moment ago.
    bool learn(const Ip& ip, Mac mac, bool is_answer, uint64_t now_us) {
        Entry* entry = find(ip);
        if (entry == nullptr || mac.is_none() || mac.is_group()) return true;
        const bool is_change = !entry->mac.is_none() && !(entry->mac == mac);
        const bool was_asked = entry->tries != 0 && is_answer;
        if (is_change && !was_asked && now_us - entry->confirmed_us < kFirmUs) return false;
        if (!was_asked && !is_change && !entry->mac.is_none()) return true;
        entry->mac = mac;
        entry->confirmed_us = now_us;
        entry->tries = 0;
        entry->is_gone = false;
        return true;
    }

    // Keeps one packet (without its Ethernet header) until the address is known. Null: no room, or one waits already.
    Parked* park(const Ip& ip, size_t bytes) {
        Entry* entry = find(ip);
        if (entry == nullptr || entry->parked != 0 || bytes > kParkedBytes) return nullptr;
        for (unsigned i = 0; i < kParked; ++i) {
            Parked& parked = parked_[i];
            if (parked.is_used) continue;
            parked.is_used = true;
            parked.bytes = static_cast<uint16_t>(bytes);
            parked.owner = static_cast<uint16_t>(entry - entries_);
            entry->parked = static_cast<uint8_t>(i + 1);
            return &parked;
        }
        return nullptr;
    }
    // The packet that waits for `ip`; its place is free for the next one after the next call of park.
    const Parked* take(const Ip& ip) {
        Entry* entry = find(ip);
        if (entry == nullptr || entry->parked == 0) return nullptr;
        Parked& parked = parked_[entry->parked - 1];
        entry->parked = 0;
        parked.is_used = false;
        return &parked;
    }

    // Asks again, gives up: calls ask(ip) for each that is due. Returns how many packets were given up.
    template <typename Ask>
    unsigned tick(uint64_t now_us, Ask ask) {
        unsigned lost = 0;
        for (Entry& entry : entries_) {
            if (!entry.is_used || entry.tries == 0 || entry.is_gone || now_us - entry.asked_us < kRetryUs) continue;
            if (note_asked(entry, now_us)) {
                ask(entry.ip);
                continue;
            }
            lost += release(entry);
        }
        return lost;
    }
    bool is_waiting() const {
        for (const Entry& entry : entries_) {
            if (entry.is_used && entry.tries != 0 && !entry.is_gone) return true;
        }
        return false;
    }
    void forget() {
        for (Entry& entry : entries_) entry = {};
        for (Parked& parked : parked_) parked.is_used = false;
    }

private:
    Entry* find(const Ip& ip) {
        for (Entry& entry : entries_) {
            if (entry.is_used && entry.ip == ip) return &entry;
        }
        return nullptr;
    }
    // Takes the place of the one that was used least recently.
    Entry* add(const Ip& ip) {
        Entry* place = entries_;
        for (Entry& entry : entries_) {
            if (!entry.is_used) {
                place = &entry;
                break;
            }
            if (entry.used_us < place->used_us) place = &entry;
        }
        release(*place);
        *place = {};
        place->ip = ip;
        place->is_used = true;
        return place;
    }
    bool note_asked(Entry& entry, uint64_t now_us) {
        entry.asked_us = now_us;
        if (entry.tries++ < kTries) return true;
        entry.is_gone = true;
        entry.mac = {};
        return false;
    }
    unsigned release(Entry& entry) {
        if (entry.parked == 0) return 0;
        parked_[entry.parked - 1].is_used = false;
        entry.parked = 0;
        return 1;
    }

    Entry entries_[kMost];
    Parked parked_[kParked];
    unsigned last_ = kMost;
};

}  // namespace kos::netrouter

#endif
