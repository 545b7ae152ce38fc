/*
 * Addresses that became allowed because a name that a rule allows was looked up: which rule of which link, until when.
 *
 * The table lies in memory that survives restarts of the router, and is checked entry by entry when it is opened. Each
 * link has a piece of its own, so that nobody can push another link's addresses out. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_NAMES_H_
#define KOS_SERVICES_NETROUTER_NAMES_H_

#include "policy.h"

namespace kos::netrouter {

class Names {
public:
    static constexpr unsigned kMost = 2048;
    static constexpr unsigned kMostOfLink = 256;
    // Names that live for seconds only would expire between the look-up and the connection; those that live for weeks
    // would keep an address allowed that has long been somebody else's.
    static constexpr uint64_t kShortestUs = 60 * uint64_t{1000000};
    static constexpr uint64_t kLongestUs = 3600 * uint64_t{1000000};

    struct Grant {
        Ip ip;
        uint64_t until_us;  // 0: free
        uint16_t rule;
        uint16_t link;
        uint32_t reserved;
    };
    static constexpr size_t kBytes = kMost * sizeof(Grant);

    // Takes the memory over (kBytes, aligned to 8) with the entries that the policy still allows. False: unfit memory.
    bool open(void* memory, size_t bytes, const Policy& policy, uint64_t now_us) {
        if (memory == nullptr || bytes < kBytes || reinterpret_cast<uintptr_t>(memory) % alignof(Grant) != 0)
            return false;
        grants_ = static_cast<Grant*>(memory);
        const unsigned links = policy.link_count == 0 ? 1 : policy.link_count;
        per_link_ = kMost / links < kMostOfLink ? kMost / links : kMostOfLink;
        for (unsigned i = 0; i < kMost; ++i) {
            if (!is_valid(grants_[i], i, policy, now_us)) grants_[i].until_us = 0;
        }
        return true;
    }

    // `ttl_s` as the answer says it. Takes the place of the link's entry that ends first when there is no other.
    void grant(unsigned link, uint16_t rule, const Ip& ip, uint32_t ttl_s, uint64_t now_us) {
        uint64_t lives = uint64_t{ttl_s} * 1000000;
        if (lives < kShortestUs) lives = kShortestUs;
        if (lives > kLongestUs) lives = kLongestUs;
        Grant* place = grants_ + link * per_link_;
        for (unsigned i = 0; i < per_link_; ++i) {
            Grant& other = grants_[link * per_link_ + i];
            if (other.until_us != 0 && other.ip == ip && other.rule == rule) {
                if (other.until_us < now_us + lives) other.until_us = now_us + lives;
                return;
            }
            if (other.until_us < place->until_us) place = &other;
        }
        place->until_us = 0;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        place->ip = ip;
        place->rule = rule;
        place->link = static_cast<uint16_t>(link);
        place->reserved = 0;
        // Whoever dies before this line leaves a free place.
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        place->until_us = now_us + lives;
    }

    bool is_granted(unsigned link, uint16_t rule, const Ip& ip, uint64_t now_us) const {
        const Grant* mine = grants_ + link * per_link_;
        for (unsigned i = 0; i < per_link_; ++i) {
            if (mine[i].ip == ip && mine[i].rule == rule && mine[i].until_us > now_us) return true;
        }
        return false;
    }

    unsigned count(unsigned link, uint64_t now_us) const {
        unsigned count = 0;
        for (unsigned i = 0; i < per_link_; ++i) count += grants_[link * per_link_ + i].until_us > now_us;
        return count;
    }
    unsigned most_of_link() const { return per_link_; }

private:
    bool is_valid(const Grant& grant, unsigned place, const Policy& policy, uint64_t now_us) const {
        if (grant.until_us <= now_us || grant.until_us > now_us + kLongestUs || grant.reserved != 0) return false;
        if (grant.link >= policy.link_count || place / per_link_ != grant.link) return false;
        if (grant.rule >= policy.rule_count || !is_host(grant.ip) || is_of_links(grant.ip)) return false;
        const Rule& rule = policy.rules[grant.rule];
        if (rule.is_inbound || rule.link != grant.link) return false;
        for (unsigned p = rule.peers.first; p < unsigned{rule.peers.first} + rule.peers.count; ++p) {
            if (policy.peers[p].kind == PeerKind::kHost) return true;
        }
        return false;
    }

    Grant* grants_ = nullptr;
    unsigned per_link_ = 0;
};

}  // namespace kos::netrouter

#endif
