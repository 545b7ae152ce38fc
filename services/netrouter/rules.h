/*
 * The policy at work: which rule allows a new connection, how many packets a rule still takes, what it has counted.
 * Asked once per connection; established connections remember their rules. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_RULES_H_
#define KOS_SERVICES_NETROUTER_RULES_H_

#include "bucket.h"
#include "names.h"
#include "packet.h"
#include "policy.h"

namespace kos::netrouter {

constexpr uint16_t kNoRule = 0xffff;

struct RuleCounters {
    uint64_t connections = 0;
    uint64_t packets = 0;  // in the rule's direction, let through
    uint64_t bytes = 0;
    uint64_t denied = 0;  // above its rate
};

class Rules {
public:
    // `policy` stays the caller's and must not change.
    explicit Rules(const Policy& policy);

    const Policy& policy() const { return policy_; }

    // The rule by which `link` may begin with an address outside; kNoRule. `port`: of the destination, ignored for
    // ICMP.
    uint16_t find_outbound(unsigned link, uint8_t protocol, const Ip& destination, uint16_t port, const Names& names,
                           uint64_t now_us) const;
    // Whether that rule allows such a connection outside, names aside: a rule for names might.
    bool may_allow(uint16_t rule, uint8_t protocol, const Ip& destination, uint16_t port) const;
    // The same for another domain's link. Both ends must agree: find_listen says whether the other one takes it.
    uint16_t find_towards(unsigned link, uint8_t protocol, unsigned target, uint16_t port) const;
    uint16_t find_listen(unsigned target, uint8_t protocol, uint16_t port, unsigned from) const;
    // The rule that forwards a port of the device's address to a domain, for a sender outside.
    uint16_t find_forward(uint8_t protocol, uint16_t port, const Ip& source) const;
    // Whether some rule forwards the port, whoever asks.
    bool is_forwarded(uint8_t protocol, uint16_t port) const;

    // Whether one more packet is within the rule's rate; counts it. kNoRule: always.
    bool admit(uint16_t rule, uint32_t bytes, uint64_t now_us) {
        if (rule == kNoRule) return true;
        RuleCounters& counters = counters_[rule];
        if (policy_.rules[rule].rate != 0 && !buckets_[rule].take(now_us)) {
            ++counters.denied;
            return false;
        }
        ++counters.packets;
        counters.bytes += bytes;
        return true;
    }
    void count_connection(uint16_t rule) {
        if (rule != kNoRule) ++counters_[rule].connections;
    }
    const RuleCounters& counters(unsigned rule) const { return counters_[rule]; }

    // Calls each(rule) for the rules of `link` that allow looking up `name` (lower case, no final dot). True: the name
    // may be asked for, by one of them or because the link may talk to any address.
    template <typename Each>
    bool for_name(unsigned link, std::string_view name, Each each) const {
        const Span span = policy_.links[link].rules;
        bool is_allowed = false;
        for (unsigned i = span.first; i < unsigned{span.first} + span.count; ++i) {
            const Rule& rule = policy_.rules[i];
            if (rule.is_inbound) continue;
            for (unsigned p = rule.peers.first; p < unsigned{rule.peers.first} + rule.peers.count; ++p) {
                const Peer& peer = policy_.peers[p];
                if (peer.kind == PeerKind::kAny) is_allowed = true;
                if (peer.kind != PeerKind::kHost || !is_match(peer, name)) continue;
                is_allowed = true;
                each(static_cast<uint16_t>(i));
            }
        }
        return is_allowed;
    }

private:
    static bool is_match(const Peer& peer, std::string_view name);
    bool takes(const Rule& rule, uint8_t protocol, uint16_t port) const;

    const Policy& policy_;
    Bucket buckets_[kMaxRules];
    RuleCounters counters_[kMaxRules];
};

}  // namespace kos::netrouter

#endif
