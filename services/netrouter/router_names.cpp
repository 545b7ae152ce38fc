// What the router asks and answers itself: names for the domains, time.
#include "router.h"

namespace kos::netrouter {

namespace {

constexpr uint64_t kAnswerUs = 2000000;  // then another server is asked
constexpr unsigned kMostTries = 3;
constexpr uint8_t kSelf = kMaxLinks;  // as the link of a query
constexpr std::string_view kLocalSuffix = ".internal";
constexpr uint32_t kLocalTtlS = 60;

// Names of hosts have "-" where names of domains have "_".
bool is_host_name(std::string_view domain, std::string_view host) {
    if (domain.size() != host.size()) return false;
    for (size_t i = 0; i < domain.size(); ++i) {
        if (domain[i] != host[i] && !(domain[i] == '_' && host[i] == '-')) return false;
    }
    return true;
}

}  // namespace

void Router::reply_udp(const Job& job, const uint8_t* payload, size_t count) {
    const Packet& packet = job.packet;
    const size_t length = write_udp(packet.destination, packet.source, packet.destination_port, packet.source_port,
                                    payload, count, answer_);
    // A domain that does not take its answers asks again.
    (void)send_whole(job.from, packet.source, answer_, length, job.now_us);
}

void Router::input_query(Job& job, const uint8_t* payload, size_t count) {
    const unsigned link = job.from - 1u;
    uint8_t out[kMostQueryBytes];
    DnsQuery query;
    const DnsError error = read_query(payload, count, query);
    if (error != DnsError::kNone) {
        if (count >= 12 && error == DnsError::kUnsupported) {
            __builtin_memset(out, 0, 12);
            store16(out, load16(payload));
            store16(out + 2, static_cast<uint16_t>(0x8000 | (load16(payload + 2) & 0x7900) | kDnsNotImplemented));
            reply_udp(job, out, 12);
        }
        return refuse(job, Reason::kMalformed);
    }
    if (answer_locally(link, query, job)) return;
    if (!rules_.for_name(link, query.name.view(), [](uint16_t) {})) {
        ++counters_[job.from].refused[static_cast<unsigned>(Reason::kName)];
        record(job, Reason::kName, policy_.links[link].domain, query.name.view());
        return reply_udp(job, out, write_answer(query, kDnsRefused, {}, 0, out));
    }
    Query* free = nullptr;
    for (Query& other : queries_) {
        if (!other.is_used) {
            free = &other;
            continue;
        }
        // Asked again by an impatient stack: the answer is on its way.
        if (other.link == link && other.client_port == job.packet.source_port && other.query.id == query.id &&
            other.client == job.packet.source) {
            return;
        }
    }
    if (free == nullptr || queries_of_link_[link] >= kQueriesOfLink) {
        ++counters_[job.from].refused[static_cast<unsigned>(Reason::kFull)];
        return reply_udp(job, out, write_answer(query, kDnsFailure, {}, 0, out));
    }
    *free = {};
    free->link = static_cast<uint8_t>(link);
    free->client = job.packet.source;
    free->client_port = job.packet.source_port;
    free->query = query;
    if (!ask_server(*free, job.now_us)) return reply_udp(job, out, write_answer(query, kDnsFailure, {}, 0, out));
    free->is_used = true;
    ++queries_of_link_[link];
}

// Names of domains that this one may talk to, and its own: NAME and NAME.internal. True: answered.
bool Router::answer_locally(unsigned link, const DnsQuery& query, const Job& job) {
    std::string_view name = query.name.view();
    const bool is_local = name.ends_with(kLocalSuffix);
    if (is_local) name.remove_suffix(kLocalSuffix.size());
    if (name.find('.') != std::string_view::npos) return false;
    uint8_t out[kMostQueryBytes];
    for (unsigned i = 0; i < policy_.link_count; ++i) {
        const Link& other = policy_.links[i];
        if (!is_host_name(other.name, name)) continue;
        bool is_known = i == link;
        const Span span = policy_.links[link].rules;
        for (unsigned r = span.first; r < unsigned{span.first} + span.count && !is_known; ++r) {
            const Rule& rule = policy_.rules[r];
            for (unsigned p = rule.peers.first; p < unsigned{rule.peers.first} + rule.peers.count; ++p) {
                is_known |=
                    !rule.is_inbound && policy_.peers[p].kind == PeerKind::kDomain && policy_.peers[p].link == i;
            }
        }
        if (!is_known) break;
        const Ip address = query.type == kDnsA ? other.address4 : query.type == kDnsAaaa ? other.address6 : Ip{};
        ++counters_[job.from].names;
        reply_udp(job, out, write_answer(query, 0, address, kLocalTtlS, out));
        return true;
    }
    if (!is_local) return false;
    // Nobody outside is asked about names in here.
    ++counters_[job.from].names;
    reply_udp(job, out, write_answer(query, kDnsNoName, {}, 0, out));
    return true;
}

bool Router::is_own_port_used(uint16_t port) const {
    if (port == ntp_port_) return true;
    for (const Query& query : queries_) {
        if (query.is_used && query.port == port) return true;
    }
    return false;
}

bool Router::choose_own_port(uint16_t* port) {
    for (unsigned i = 0; i < 16; ++i) {
        uint64_t value = 0;
        if (!host_.random(&value)) return false;
        const auto chosen = static_cast<uint16_t>(kFirstOwn + value % kOwnPorts);
        if (is_own_port_used(chosen) || rules_.is_forwarded(kUdp, chosen)) continue;
        *port = chosen;
        return true;
    }
    return false;
}

// Sends the query to the next server, with a new number and port (RFC 5452). False: there is none, or no way to it.
bool Router::ask_server(Query& query, uint64_t now_us) {
    Ip servers[kMaxServers];
    const unsigned count = dns_servers(servers);
    uint64_t value = 0;
    uint64_t capitals = 0;
    if (count == 0 || !is_wire_up() || !host_.random(&value) || !host_.random(&capitals)) return false;
    if (!choose_own_port(&query.port)) return false;
    query.asked.id = static_cast<uint16_t>(value);
    // The last try is for servers that give questions back in letters of their own, or do not know EDNS.
    const bool is_plain = query.tries + 1u >= kMostTries || !query.asked.has_options;
    query.asked.capitals = is_plain ? 0 : capitals;
    query.asked.has_options = !is_plain;
    query.server_ip = servers[query.server++ % count];
    ++query.tries;
    query.sent_us = now_us;
    uint8_t payload[kMostQueryBytes];
    const size_t bytes = write_query(query.query, query.asked, payload);
    const Ip& to = query.server_ip;
    const Ip source = to.is_v4() ? own4_ : is_link_local(to) ? autoconf_.network().link_local : own6_;
    const size_t length = write_udp(source, to, query.port, 53, payload, bytes, answer_);
    // Not sent is as good as lost: asked again in time.
    (void)send_whole(kWire, to, answer_, length, now_us);
    return true;
}

// An answer of our own to a query that waits.
void Router::answer_query(const Query& query, uint8_t code, uint64_t now_us) {
    if (query.link == kSelf) return;
    uint8_t payload[kMostQueryBytes];
    const size_t count = write_answer(query.query, code, {}, 0, payload);
    const Link& link = policy_.links[query.link];
    const Ip source = query.client.is_v4() ? link.gateway4 : link.gateway6;
    const size_t length = write_udp(source, query.client, 53, query.client_port, payload, count, answer_);
    (void)send_whole(static_cast<Interface>(query.link + 1), query.client, answer_, length, now_us);
}

bool Router::input_answer(const Packet& packet, const uint8_t* payload, size_t count, uint64_t now_us) {
    if (packet.source_port != 53) return false;
    for (Query& query : queries_) {
        if (!query.is_used || query.port != packet.destination_port || !(query.server_ip == packet.source)) continue;
        DnsAnswer answer;
        // Forged, or damaged: the right one may still come.
        if (count > kMostAnswerBytes || !is_answer_to(query.query, query.asked, payload, count) ||
            read_answer(payload, count, answer) != DnsError::kNone) {
            ++counters_[kWire].refused[static_cast<unsigned>(Reason::kMalformed)];
            return true;
        }
        // A server of before EDNS (RFC 6891, 7).
        const bool is_unknown = answer.code == kDnsFormat || answer.code == kDnsNotImplemented;
        if (is_unknown && query.asked.has_options && query.tries < kMostTries) {
            query.asked.has_options = false;
            --query.server;
            if (ask_server(query, now_us)) return true;
        }
        query.is_used = false;
        --queries_of_link_[query.link];
        take_answer(query, answer, payload, count, now_us);
        return true;
    }
    return false;
}

// The answer to a query of a domain, or of our own.
void Router::take_answer(Query& query, const DnsAnswer& answer, const uint8_t* payload, size_t count, uint64_t now_us) {
    const auto is_outside = [this](const Ip& ip) { return is_host(ip) && !is_inside(ip) && !is_own(ip); };
    if (query.link == kSelf) {
        for (unsigned i = 0; i < answer.count; ++i) {
            if (!is_outside(answer.addresses[i].ip)) continue;
            ntp_servers_[query.client_port] = answer.addresses[i].ip;
            return ntp_.start(now_us);
        }
        return;
    }
    for (unsigned i = 0; i < answer.count; ++i) {
        const DnsAddress& address = answer.addresses[i];
        if (!is_outside(address.ip)) continue;
        rules_.for_name(query.link, answer.name.view(),
                        [&](uint16_t rule) { names_.grant(query.link, rule, address.ip, address.ttl_s, now_us); });
    }
    // The domain has no way to ask by TCP for the rest of an answer, so it gets what fits instead.
    static_assert(kMostAnswerBytes + 48 <= kScratch);
    uint8_t message[kMostAnswerBytes];
    __builtin_memcpy(message, payload, count);
    size_t bytes = adapt_answer(query.query, answer, message, count);
    if (answer.is_truncated || bytes > query.query.answer_bytes)
        bytes = write_short_answer(query.query, answer, message);
    const Link& link = policy_.links[query.link];
    const Ip source = query.client.is_v4() ? link.gateway4 : link.gateway6;
    const size_t length = write_udp(source, query.client, 53, query.client_port, message, bytes, answer_);
    const auto to = static_cast<Interface>(query.link + 1);
    ++counters_[to].names;
    (void)send_whole(to, query.client, answer_, length, now_us);
}

void Router::tick_names(uint64_t now_us) {
    for (Query& query : queries_) {
        if (!query.is_used || now_us - query.sent_us < kAnswerUs) continue;
        if (query.tries < kMostTries && ask_server(query, now_us)) continue;
        query.is_used = false;
        --queries_of_link_[query.link];
        answer_query(query, kDnsFailure, now_us);
    }
}

// Asks the next time server; the names of servers are looked up first, one of them at a time.
void Router::tick_time(uint64_t now_us) {
    if (!ntp_.is_due(now_us) || (own4_.is_none() && own6_.is_none())) return;
    Ip servers[2 * kMaxServers];
    unsigned count = 0;
    const Uplink& uplink = policy_.uplink;
    for (unsigned i = 0; i < uplink.ntp_count; ++i) {
        Ip ip = ntp_servers_[i];
        if (ip.is_none() && !read_ip(uplink.ntp[i], ip)) ip = {};
        if (!ip.is_none()) {
            servers[count++] = ip;
            continue;
        }
        bool is_asked = false;
        Query* free = nullptr;
        for (Query& query : queries_) {
            if (!query.is_used) free = &query;
            is_asked |= query.is_used && query.link == kSelf && query.client_port == i;
        }
        if (is_asked || free == nullptr || uplink.ntp[i].size() > kMostNameText) continue;
        *free = {};
        free->link = kSelf;
        free->client_port = static_cast<uint16_t>(i);
        free->query.type = own4_.is_none() ? kDnsAaaa : kDnsA;
        free->query.name.size = static_cast<uint8_t>(uplink.ntp[i].size());
        __builtin_memcpy(free->query.name.text, uplink.ntp[i].data(), uplink.ntp[i].size());
        if (!ask_server(*free, now_us)) continue;
        free->is_used = true;
        ++queries_of_link_[kSelf];
    }
    if (uplink.ntp_count == 0) {
        for (unsigned i = 0; i < dhcp_.lease().ntp_count; ++i) servers[count++] = dhcp_.lease().ntp[i];
    }
    uint64_t nonce = 0;
    if (count == 0 || !host_.random(&nonce) || nonce == 0 || !choose_own_port(&ntp_port_)) {
        return ntp_.start(now_us + 8 * Ntp::kSecondUs);
    }
    uint8_t payload[Ntp::kBytes];
    bool is_repeat = false;
    ntp_.ask(nonce, now_us, payload, &is_repeat);
    if (is_repeat) ++ntp_turn_;
    const Ip to = servers[ntp_turn_ % count];
    const Ip source = to.is_v4() ? own4_ : own6_;
    ntp_asked_ = to;
    if (source.is_none()) return;
    const size_t length = write_udp(source, to, ntp_port_, 123, payload, sizeof payload, answer_);
    (void)send_whole(kWire, to, answer_, length, now_us);
}

bool Router::input_time(const Packet& packet, const uint8_t* payload, size_t count, uint64_t now_us) {
    if (packet.source_port != 123 || packet.destination_port != ntp_port_ || !(packet.source == ntp_asked_))
        return false;
    const uint64_t known = wall_.ns == 0 ? 0 : wall_.ns + (now_us - wall_.at_us) * 1000;
    Ntp::Time time;
    switch (ntp_.input(payload, count, known, now_us, time)) {
        case Ntp::Outcome::kTime:
            wall_ = time;
            ntp_port_ = 0;
            host_.set_wall(time);
            break;
        case Ntp::Outcome::kRefused: ++ntp_turn_; break;
        case Ntp::Outcome::kImplausible: {
            ++ntp_turn_;
            Job job;
            job.now_us = now_us;
            job.packet = packet;
            refuse(job, Reason::kMalformed);
            break;
        }
        case Ntp::Outcome::kNothing: break;
    }
    return true;
}

}  // namespace kos::netrouter
