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

// To a domain that waits; the router itself does not.
void Router::reply(const Asker& asker, const uint8_t* message, size_t count, uint64_t now_us) {
    if (asker.link == kSelf) return;
    if (asker.stream != kNoStream) {
        Near& near = near_[asker.stream];
        uint8_t* out = near.stream.reserve(2 + count);
        if (out == nullptr) return drop_near(near, now_us);
        __builtin_memmove(out + 2, message, count);
        return reply_near(near, count, now_us);
    }
    const Link& link = policy_.links[asker.link];
    const Ip source = asker.client.is_v4() ? link.gateway4 : link.gateway6;
    const size_t length = write_udp(source, asker.client, 53, asker.client_port, message, count, answer_);
    // A domain that does not take its answers asks again.
    (void)send_whole(static_cast<Interface>(asker.link + 1), asker.client, answer_, length, now_us);
}

void Router::input_query(const Job& job, const Asker& asker, const uint8_t* payload, size_t count) {
    const unsigned link = asker.link;
    const bool is_stream = asker.stream != kNoStream;
    uint8_t out[kMostQueryBytes];
    DnsQuery query;
    const DnsError error = read_query(payload, count, query);
    if (error != DnsError::kNone) {
        if (count >= 12 && error == DnsError::kUnsupported) {
            __builtin_memset(out, 0, 12);
            store16(out, load16(payload));
            store16(out + 2, static_cast<uint16_t>(0x8000 | (load16(payload + 2) & 0x7900) | kDnsNotImplemented));
            reply(asker, out, 12, job.now_us);
        } else if (is_stream) {
            drop_near(near_[asker.stream], job.now_us);
        }
        return refuse(job, Reason::kMalformed);
    }
    if (is_stream) query.answer_bytes = kMostStreamAnswerBytes;
    if (answer_locally(asker, query, job.now_us)) return;
    if (!rules_.for_name(link, query.name.view(), [](uint16_t) {})) {
        ++counters_[job.from].refused[static_cast<unsigned>(Reason::kName)];
        record(job, Reason::kName, policy_.links[link].domain, query.name.view());
        return reply(asker, out, write_answer(query, kDnsRefused, {}, 0, out), job.now_us);
    }
    Query* free = nullptr;
    for (Query& other : queries_) {
        if (!other.is_used) {
            free = &other;
            continue;
        }
        // Asked again by an impatient stack: the answer is on its way.
        const Asker& known = other.asker;
        if (!is_stream && known.stream == kNoStream && known.link == link && known.client_port == asker.client_port &&
            other.query.id == query.id && known.client == asker.client) {
            return;
        }
    }
    if (free == nullptr || queries_of_link_[link] >= kQueriesOfLink) {
        ++counters_[job.from].refused[static_cast<unsigned>(Reason::kFull)];
        return reply(asker, out, write_answer(query, kDnsFailure, {}, 0, out), job.now_us);
    }
    *free = {};
    free->asker = asker;
    free->query = query;
    if (!ask_server(*free, job.now_us))
        return reply(asker, out, write_answer(query, kDnsFailure, {}, 0, out), job.now_us);
    free->is_used = true;
    ++queries_of_link_[link];
}

// Names of domains that this one may talk to, and its own: NAME and NAME.internal. True: answered.
bool Router::answer_locally(const Asker& asker, const DnsQuery& query, uint64_t now_us) {
    const unsigned link = asker.link;
    Counters& counters = counters_[link + 1];
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
        ++counters.names;
        reply(asker, out, write_answer(query, 0, address, kLocalTtlS, out), now_us);
        return true;
    }
    if (!is_local) return false;
    // Nobody outside is asked about names in here.
    ++counters.names;
    reply(asker, out, write_answer(query, kDnsNoName, {}, 0, out), now_us);
    return true;
}

bool Router::is_own_port_used(uint16_t port) const {
    if (port == ntp_port_) return true;
    for (const Query& query : queries_) {
        if (query.is_used && query.port == port) return true;
    }
    for (const Far& far : far_) {
        if (!far.stream.is_free() && far.port == port) return true;
    }
    return false;
}

bool Router::choose_own_port(uint16_t* port) {
    for (unsigned i = 0; i < 16; ++i) {
        uint64_t value = 0;
        if (!host_.random(&value)) return false;
        const auto chosen = static_cast<uint16_t>(kFirstOwn + value % kOwnPorts);
        if (is_own_port_used(chosen) || rules_.is_forwarded(kUdp, chosen) || rules_.is_forwarded(kTcp, chosen))
            continue;
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

void Router::end_query(Query& query) {
    query.is_used = false;
    --queries_of_link_[query.asker.link];
}

// An answer of our own to a query that waits.
void Router::answer_query(const Query& query, uint8_t code, uint64_t now_us) {
    uint8_t message[kMostQueryBytes];
    reply(query.asker, message, write_answer(query.query, code, {}, 0, message), now_us);
}

bool Router::input_answer(const Packet& packet, const uint8_t* payload, size_t count, uint64_t now_us) {
    if (packet.source_port != 53) return false;
    DnsAnswer& answer = read_answer_;
    for (Query& query : queries_) {
        const bool is_asked = query.is_used && query.far == kNoStream && query.port == packet.destination_port;
        if (!is_asked || !(query.server_ip == packet.source)) continue;
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
        grant_answer(query, answer, now_us);
        // Who asked by TCP gets the whole (RFC 7766, 5); if that cannot be had, the addresses that came.
        if (answer.is_truncated && query.asker.stream != kNoStream) {
            Near& near = near_[query.asker.stream];
            uint8_t* kept = answer.count == 0 ? nullptr : near.stream.reserve(2 + kMostAnswerBytes);
            if (kept != nullptr)
                query.short_bytes = static_cast<uint16_t>(write_short_answer(query.query, answer, kept + 2));
            if (ask_by_stream(query, now_us)) return true;
        }
        const Query ended = query;
        end_query(query);
        take_answer(ended, answer, payload, count, now_us);
        return true;
    }
    return false;
}

// The rules of a name that was asked for now allow its addresses. A name of our own: that is the server.
void Router::grant_answer(const Query& query, const DnsAnswer& answer, uint64_t now_us) {
    const auto is_outside = [this](const Ip& ip) { return is_host(ip) && !is_inside(ip) && !is_own(ip); };
    const unsigned link = query.asker.link;
    for (unsigned i = 0; i < answer.count; ++i) {
        const DnsAddress& address = answer.addresses[i];
        if (!is_outside(address.ip)) continue;
        if (link == kSelf) {
            ntp_servers_[query.asker.client_port] = address.ip;
            return ntp_.start(now_us);
        }
        rules_.for_name(link, answer.name.view(),
                        [&](uint16_t rule) { names_.grant(link, rule, address.ip, address.ttl_s, now_us); });
    }
}

// What the asker gets of the answer to his query, which has ended.
void Router::take_answer(const Query& query, const DnsAnswer& answer, const uint8_t* payload, size_t count,
                         uint64_t now_us) {
    const Asker& asker = query.asker;
    if (asker.link == kSelf) return;
    ++counters_[asker.link + 1].names;
    if (asker.stream != kNoStream) {
        Near& near = near_[asker.stream];
        uint8_t* out = near.stream.reserve(2 + count);
        if (out == nullptr) return drop_near(near, now_us);
        __builtin_memcpy(out + 2, payload, count);
        return reply_near(near, adapt_answer(query.query, answer, out + 2, count), now_us);
    }
    static_assert(kMostAnswerBytes + 48 <= kScratch);
    uint8_t message[kMostAnswerBytes];
    __builtin_memcpy(message, payload, count);
    size_t bytes = adapt_answer(query.query, answer, message, count);
    if (answer.is_truncated || bytes > query.query.answer_bytes)
        bytes = write_short_answer(query.query, answer, message);
    reply(asker, message, bytes, now_us);
}

void Router::tick_names(uint64_t now_us) {
    for (Query& query : queries_) {
        if (!query.is_used || query.far != kNoStream || now_us - query.sent_us < kAnswerUs) continue;
        if (query.tries < kMostTries && ask_server(query, now_us)) continue;
        end_query(query);
        answer_query(query, kDnsFailure, now_us);
    }
    tick_streams(now_us);
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
            is_asked |= query.is_used && query.asker.link == kSelf && query.asker.client_port == i;
        }
        if (is_asked || free == nullptr || uplink.ntp[i].size() > kMostNameText) continue;
        *free = {};
        free->asker.link = kSelf;
        free->asker.client_port = static_cast<uint16_t>(i);
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
