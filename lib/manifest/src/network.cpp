// See network.h.
#include "network.h"

#include <libfdt.h>
#include <string.h>

namespace kos::manifest {
namespace {

constexpr const char* kProtocols[] = {"tcp", "udp", "icmp", "any"};
constexpr uint32_t kCells6 = 4;  // of an IPv6 address
constexpr uint32_t kMaxPort = 65535;

#define KOS_AT(type, member) static_cast<uint16_t>(offsetof(type, member))

struct RawNetwork {
    uint32_t router, driver;
};
constexpr Field kNetworkFields[] = {
    {"router", Kind::kU32, KOS_AT(RawNetwork, router), 1, KOS_MAX_DOMAINS - 1},
    {"driver", Kind::kU32, KOS_AT(RawNetwork, driver), 1, KOS_MAX_DOMAINS - 1},
};

struct RawUplink {
    CellList address4, gateway4, address6, gateway6, dns4, dns6;
    TextList ntp;
    bool slaac;
};
constexpr Field kUplinkFields[] = {
    {"address4", Kind::kCells, KOS_AT(RawUplink, address4), 0, 2},
    {"gateway4", Kind::kCells, KOS_AT(RawUplink, gateway4), 0, 1},
    {"address6", Kind::kCells, KOS_AT(RawUplink, address6), 0, kCells6 + 1},
    {"gateway6", Kind::kCells, KOS_AT(RawUplink, gateway6), 0, kCells6},
    {"dns4", Kind::kCells, KOS_AT(RawUplink, dns4), 0, kMaxNetServers},
    {"dns6", Kind::kCells, KOS_AT(RawUplink, dns6), 0, kCells6* kMaxNetServers},
    {"ntp", Kind::kList, KOS_AT(RawUplink, ntp)},
    {"slaac", Kind::kFlag, KOS_AT(RawUplink, slaac)},
};

struct RawLink {
    CellList address4, gateway4, address6, gateway6;
};
constexpr Field kLinkFields[] = {
    {"address4", Kind::kCells, KOS_AT(RawLink, address4), 1, 1},
    {"gateway4", Kind::kCells, KOS_AT(RawLink, gateway4), 1, 1},
    {"address6", Kind::kCells, KOS_AT(RawLink, address6), kCells6, kCells6},
    {"gateway6", Kind::kCells, KOS_AT(RawLink, gateway6), kCells6, kCells6},
};

struct RawRule {
    NetProtocol protocol;
    bool any;
    CellList networks4, networks6, domains, ports;
    const char* host;
    uint32_t rate, forward;
};
constexpr Field kRuleFields[] = {
    {.name = "protocol",
     .kind = Kind::kChoice,
     .offset = KOS_AT(RawRule, protocol),
     .choices = kProtocols,
     .is_required = true},
    {"any", Kind::kFlag, KOS_AT(RawRule, any)},
    {"networks4", Kind::kCells, KOS_AT(RawRule, networks4), 0, 2 * kMaxNetPeers},
    {"networks6", Kind::kCells, KOS_AT(RawRule, networks6), 0, (kCells6 + 1) * kMaxNetPeers},
    {"domains", Kind::kCells, KOS_AT(RawRule, domains), 0, KOS_MAX_DOMAINS},
    {"host", Kind::kText, KOS_AT(RawRule, host)},
    {"ports", Kind::kCells, KOS_AT(RawRule, ports), 0, 2 * kMaxNetPorts},
    {"rate", Kind::kU32, KOS_AT(RawRule, rate), 0, kMaxNetRate},
    {"forward", Kind::kU32, KOS_AT(RawRule, forward), 0, kMaxPort},
};

#undef KOS_AT

uint32_t cell(const CellList& list, uint32_t index) { return cell_at(list.data + 4 * index); }

// `length` leading bits may be set.
bool has_host_bits(const uint8_t* bytes, uint32_t size, uint32_t length) {
    for (uint32_t bit = length; bit < 8 * size; ++bit) {
        if ((bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return true;
        }
    }
    return false;
}

bool is_zero(const uint8_t* bytes, uint32_t size) { return !has_host_bits(bytes, size, 0); }

// Labels of letters in lower case, digits, "-" and "_", with single dots between them.
bool is_host(const char* text) {
    const size_t length = strlen(text);
    if (length == 0 || length > kMaxHostBytes) {
        return false;
    }
    size_t label = 0;
    for (size_t i = 0; i < length; ++i) {
        const char c = text[i];
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
            continue;
        }
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!good || ++label > 63) {
            return false;
        }
    }
    return label != 0;
}

class NetworkReader {
public:
    NetworkReader(NodeReader& nodes, Manifest& manifest)
        : nodes_(nodes), tree_(nodes.tree()), manifest_(manifest), network_(manifest.network) {}

    bool run() {
        const int node = fdt_subnode_offset(tree_, 0, "network");
        if (node == -FDT_ERR_NOTFOUND) {
            return true;
        }
        constexpr const char* kChildren[] = {"uplink", "links"};
        RawNetwork raw{};
        if (node < 0) return nodes_.fail(0, nullptr, "the node cannot be read", node);
        if (!nodes_.read_fields(node, kNetworkFields, &raw) || !nodes_.check_children(node, kChildren)) {
            return false;
        }
        if (!is_domain(raw.router) || !is_domain(raw.driver) || raw.router == raw.driver) {
            return nodes_.fail(node, nullptr, "the numbers of two domains are expected");
        }
        network_.router = static_cast<uint8_t>(raw.router);
        network_.driver = static_cast<uint8_t>(raw.driver);
        const int uplink = fdt_subnode_offset(tree_, node, "uplink");
        if (uplink < 0) {
            return nodes_.fail(node, nullptr, "a node uplink is expected", uplink);
        }
        const int links = fdt_subnode_offset(tree_, node, "links");
        return read_uplink(uplink) && (links == -FDT_ERR_NOTFOUND || read_links(links));
    }

private:
    bool is_domain(uint32_t number) const {
        return number < KOS_MAX_DOMAINS && manifest_.domains[number].name != nullptr;
    }

    static void copy_cells(const CellList& list, uint32_t first, uint32_t count, uint8_t* bytes) {
        memcpy(bytes, list.data + size_t{4} * first, size_t{4} * count);
    }

    bool read_uplink(int node) {
        RawUplink raw{};
        if (!nodes_.read_fields(node, kUplinkFields, &raw) || !nodes_.has_no_children(node)) {
            return false;
        }
        network_.is_dhcp = raw.address4.count == 0;
        network_.mode6 = raw.slaac ? NetAddress6::kAuto : NetAddress6::kNone;
        return read_uplink4(node, raw) && read_uplink6(node, raw) && read_servers(node, raw);
    }

    bool read_uplink4(int node, const RawUplink& raw) {
        if (network_.is_dhcp) {
            return raw.gateway4.count == 0 || nodes_.fail(node, "gateway4", "none is expected without address4");
        }
        if (raw.address4.count != 2 || cell(raw.address4, 1) == 0 || cell(raw.address4, 1) > 32) {
            return nodes_.fail(node, "address4", "an address and the length of its prefix are expected");
        }
        copy_cells(raw.address4, 0, 1, network_.address4);
        network_.prefix4 = static_cast<uint8_t>(cell(raw.address4, 1));
        if (raw.gateway4.count == 1) copy_cells(raw.gateway4, 0, 1, network_.gateway4);
        return !is_zero(network_.address4, 4) || nodes_.fail(node, "address4", "another address than 0 is expected");
    }

    bool read_uplink6(int node, const RawUplink& raw) {
        if (raw.address6.count == 0) {
            return raw.gateway6.count == 0 || nodes_.fail(node, "gateway6", "none is expected without address6");
        }
        if (raw.slaac || raw.address6.count != kCells6 + 1 || cell(raw.address6, kCells6) == 0 ||
            cell(raw.address6, kCells6) > 128 || (raw.gateway6.count != 0 && raw.gateway6.count != kCells6)) {
            return nodes_.fail(node, "address6", "an address and the length of its prefix are expected");
        }
        network_.mode6 = NetAddress6::kStatic;
        copy_cells(raw.address6, 0, kCells6, network_.address6);
        network_.prefix6 = static_cast<uint8_t>(cell(raw.address6, kCells6));
        if (raw.gateway6.count != 0) copy_cells(raw.gateway6, 0, kCells6, network_.gateway6);
        return !is_zero(network_.address6, 16) || nodes_.fail(node, "address6", "another address than 0 is expected");
    }

    bool read_servers(int node, const RawUplink& raw) {
        if (raw.dns6.count % kCells6 != 0 || raw.dns4.count + raw.dns6.count / kCells6 > kMaxNetServers) {
            return nodes_.fail(node, "dns6", "at most 4 addresses of name servers are expected", raw.dns6.count);
        }
        for (uint32_t i = 0; i < raw.dns4.count; ++i) {
            copy_cells(raw.dns4, i, 1, network_.dns[network_.dns_count++].bytes);
        }
        for (uint32_t i = 0; i < raw.dns6.count; i += kCells6) {
            NetAddress& address = network_.dns[network_.dns_count++];
            address.is_v6 = true;
            copy_cells(raw.dns6, i, kCells6, address.bytes);
        }
        TextList ntp = raw.ntp;
        while (const char* text = next_text(ntp)) {
            if (network_.ntp_count == kMaxNetServers || strlen(text) > kMaxHostBytes || *text == '\0') {
                return nodes_.fail(node, "ntp", "at most 4 names of time servers are expected");
            }
            network_.ntp[network_.ntp_count++] = text;
        }
        return true;
    }

    // Links before rules, because rules name the domains of other links.
    bool read_links(int folder) {
        if (!nodes_.has_no_properties(folder)) {
            return false;
        }
        int node = 0;
        fdt_for_each_subnode(node, tree_, folder) {
            if (!read_link(node)) return false;
        }
        if (node != -FDT_ERR_NOTFOUND) return nodes_.fail(folder, nullptr, "the node cannot be read", node);
        uint32_t index = 0;
        fdt_for_each_subnode(node, tree_, folder) {
            NetLink& link = manifest_.net_links[index++];
            link.rules.first = static_cast<uint16_t>(manifest_.net_rule_count);
            if (!read_rules(node, link, "allow", false) || !read_rules(node, link, "listen", true)) return false;
            link.rules.count = static_cast<uint16_t>(manifest_.net_rule_count - link.rules.first);
        }
        return node == -FDT_ERR_NOTFOUND || nodes_.fail(folder, nullptr, "the node cannot be read", node);
    }

    bool read_link(int node) {
        constexpr const char* kChildren[] = {"allow", "listen"};
        const char* name = nodes_.read_name(node);
        RawLink raw{};
        if (name == nullptr || !nodes_.read_fields(node, kLinkFields, &raw) ||
            !nodes_.check_children(node, kChildren)) {
            return false;
        }
        const uint32_t domain = find_domain(manifest_, name);
        if (domain == 0 || domain == network_.router || find_link(manifest_, domain) != nullptr) {
            return nodes_.fail(node, nullptr, "the name of a domain is expected, not the router's, and each once");
        }
        // As many as there are domains at most.
        NetLink& link = manifest_.net_links[manifest_.net_link_count];
        link.domain = static_cast<uint8_t>(domain);
        copy_cells(raw.address4, 0, 1, link.address4);
        copy_cells(raw.gateway4, 0, 1, link.gateway4);
        copy_cells(raw.address6, 0, kCells6, link.address6);
        copy_cells(raw.gateway6, 0, kCells6, link.gateway6);
        ++manifest_.net_link_count;
        return check_addresses(node, link) && find_ring(node, name, "_out", domain, network_.router, link.out) &&
               find_ring(node, name, "_in", network_.router, domain, link.in);
    }

    bool check_addresses(int node, const NetLink& link) {
        const auto clash = [&](const NetLink& other, const auto& one, const auto& two) {
            return &other != &link && memcmp(one, two, sizeof(one)) == 0;
        };
        bool good = memcmp(link.address4, link.gateway4, 4) != 0 && memcmp(link.address6, link.gateway6, 16) != 0;
        for (uint32_t i = 0; i < manifest_.net_link_count; ++i) {
            const NetLink& other = manifest_.net_links[i];
            good = good && !clash(other, other.address4, link.address4) &&
                   !clash(other, other.address4, link.gateway4) && !clash(other, other.gateway4, link.address4) &&
                   !clash(other, other.address6, link.address6) && !clash(other, other.address6, link.gateway6) &&
                   !clash(other, other.gateway6, link.address6);
        }
        good = good && !is_zero(link.address4, 4) && !is_zero(link.gateway4, 4) && !is_zero(link.address6, 16) &&
               !is_zero(link.gateway6, 16);
        return good || nodes_.fail(node, nullptr, "addresses of no other link are expected");
    }

    bool find_ring(int node, const char* domain, const char* suffix, uint32_t producer, uint32_t consumer,
                   uint16_t& index) {
        constexpr size_t kPrefix = 4;
        for (uint32_t i = 0; i < manifest_.ring_count; ++i) {
            const Ring& ring = manifest_.rings[i];
            const size_t length = strlen(domain);
            if (strncmp(ring.name, "net_", kPrefix) == 0 && strncmp(ring.name + kPrefix, domain, length) == 0 &&
                strcmp(ring.name + kPrefix + length, suffix) == 0 && ring.producer == producer &&
                ring.consumer == consumer) {
                index = static_cast<uint16_t>(i);
                return true;
            }
        }
        return nodes_.fail(node, nullptr, "rings net_DOMAIN_out to the router and net_DOMAIN_in from it are expected");
    }

    bool read_rules(int link_node, const NetLink& link, const char* name, bool is_inbound) {
        const int folder = fdt_subnode_offset(tree_, link_node, name);
        if (folder == -FDT_ERR_NOTFOUND) {
            return true;
        }
        if (folder < 0 || !nodes_.has_no_properties(folder)) {
            return folder >= 0 ? false : nodes_.fail(link_node, nullptr, "the node cannot be read", folder);
        }
        int node = 0;
        fdt_for_each_subnode(node, tree_, folder) {
            if (!read_rule(node, link, is_inbound)) return false;
        }
        return node == -FDT_ERR_NOTFOUND || nodes_.fail(folder, nullptr, "the node cannot be read", node);
    }

    bool read_rule(int node, const NetLink& link, bool is_inbound) {
        RawRule raw{};
        if (!nodes_.read_fields(node, kRuleFields, &raw) || !nodes_.has_no_children(node)) {
            return false;
        }
        if (manifest_.net_rule_count == kMaxNetRules) {
            return nodes_.fail(node, nullptr, "at most 512 network rules are expected");
        }
        NetRule& rule = manifest_.net_rules[manifest_.net_rule_count];
        rule.domain = link.domain;
        rule.is_inbound = is_inbound;
        rule.protocol = raw.protocol;
        rule.forward = static_cast<uint16_t>(raw.forward);
        rule.rate = raw.rate;
        if (!read_peers(node, raw, rule) || !read_ports(node, raw, rule) || !check_rule(node, raw, rule)) {
            return false;
        }
        ++manifest_.net_rule_count;
        return true;
    }

    NetPeer* new_peer(NetPeerKind kind) {
        if (manifest_.net_peer_count == kMaxNetPeers) {
            return nullptr;
        }
        NetPeer* peer = &manifest_.net_peers[manifest_.net_peer_count++];
        peer->kind = kind;
        return peer;
    }

    bool read_peers(int node, const RawRule& raw, NetRule& rule) {
        rule.peers.first = static_cast<uint16_t>(manifest_.net_peer_count);
        constexpr const char* kTooMany = "at most 512 peers of network rules are expected";
        if (raw.any && new_peer(NetPeerKind::kAny) == nullptr) return nodes_.fail(node, "any", kTooMany);
        if (!read_networks(node, "networks4", raw.networks4, 1, NetPeerKind::kNetwork4) ||
            !read_networks(node, "networks6", raw.networks6, kCells6, NetPeerKind::kNetwork6)) {
            return false;
        }
        for (uint32_t i = 0; i < raw.domains.count; ++i) {
            const uint32_t number = cell(raw.domains, i);
            if (!is_domain(number) || number == rule.domain || find_link(manifest_, number) == nullptr) {
                return nodes_.fail(node, "domains", "numbers of other domains with network are expected", number);
            }
            NetPeer* peer = new_peer(NetPeerKind::kDomain);
            if (peer == nullptr) return nodes_.fail(node, "domains", kTooMany);
            peer->domain = static_cast<uint8_t>(number);
        }
        if (raw.host != nullptr) {
            const bool is_wildcard = strncmp(raw.host, "*.", 2) == 0;
            const char* host = raw.host + (is_wildcard ? 2 : 0);
            if (!is_host(host)) return nodes_.fail(node, "host", "the name of a host in lower case is expected");
            NetPeer* peer = new_peer(NetPeerKind::kHost);
            if (peer == nullptr) return nodes_.fail(node, "host", kTooMany);
            peer->host = host;
            peer->is_wildcard = is_wildcard;
        }
        rule.peers.count = static_cast<uint16_t>(manifest_.net_peer_count - rule.peers.first);
        return true;
    }

    // Each network is an address of `cells` cells and the length of its prefix.
    bool read_networks(int node, const char* property, const CellList& list, uint32_t cells, NetPeerKind kind) {
        if (list.count % (cells + 1) != 0) {
            return nodes_.fail(node, property, "addresses with the lengths of their prefixes are expected", list.count);
        }
        for (uint32_t i = 0; i < list.count; i += cells + 1) {
            NetPeer* peer = new_peer(kind);
            if (peer == nullptr) {
                return nodes_.fail(node, property, "at most 512 peers of network rules are expected");
            }
            copy_cells(list, i, cells, peer->bytes);
            const uint32_t prefix = cell(list, i + cells);
            if (prefix > 32 * cells || has_host_bits(peer->bytes, 4 * cells, prefix)) {
                return nodes_.fail(node, property, "a network without bits behind its prefix is expected", prefix);
            }
            peer->prefix = static_cast<uint8_t>(prefix);
        }
        return true;
    }

    bool read_ports(int node, const RawRule& raw, NetRule& rule) {
        rule.ports.first = static_cast<uint16_t>(manifest_.net_port_count);
        if (raw.ports.count % 2 != 0) {
            return nodes_.fail(node, "ports", "pairs of the first and the last port are expected", raw.ports.count);
        }
        for (uint32_t i = 0; i < raw.ports.count; i += 2) {
            const uint32_t first = cell(raw.ports, i);
            const uint32_t last = cell(raw.ports, i + 1);
            if (first == 0 || last > kMaxPort || first > last) {
                return nodes_.fail(node, "ports", "pairs of the first and the last port are expected", first);
            }
            if (manifest_.net_port_count == kMaxNetPorts) {
                return nodes_.fail(node, "ports", "at most 1024 ranges of ports are expected in all");
            }
            manifest_.net_ports[manifest_.net_port_count++] = {static_cast<uint16_t>(first),
                                                               static_cast<uint16_t>(last)};
            ++rule.ports.count;
        }
        return true;
    }

    bool check_rule(int node, const RawRule& raw, const NetRule& rule) {
        const bool has_ports = rule.protocol == NetProtocol::kTcp || rule.protocol == NetProtocol::kUdp;
        if (rule.ports.count != 0 && !has_ports) {
            return nodes_.fail(node, "ports", "none are expected without TCP or UDP", rule.ports.count);
        }
        if (rule.peers.count == 0 || (!rule.is_inbound && rule.peers.count != 1)) {
            return nodes_.fail(node, nullptr, "one peer of a rule is expected, in listen at least one",
                               rule.peers.count);
        }
        if (!rule.is_inbound) {
            return rule.forward == 0 || nodes_.fail(node, "forward", "only in listen is it expected", rule.forward);
        }
        const NetPorts* port = rule.ports.count == 1 ? &manifest_.net_ports[rule.ports.first] : nullptr;
        if (raw.host != nullptr || rule.protocol == NetProtocol::kAny ||
            (has_ports ? port == nullptr || port->first != port->last : rule.forward != 0)) {
            return nodes_.fail(node, nullptr, "one protocol, one port and no host are expected in listen");
        }
        for (uint32_t i = 0; i < manifest_.net_rule_count && rule.forward != 0; ++i) {
            const NetRule& other = manifest_.net_rules[i];
            if (other.forward == rule.forward && other.protocol == rule.protocol) {
                return nodes_.fail(node, "forward", "a port that nobody else has is expected", rule.forward);
            }
        }
        return true;
    }

    NodeReader& nodes_;
    const void* tree_;
    Manifest& manifest_;
    Network& network_;
};

}  // namespace

bool read_network(NodeReader& nodes, Manifest& manifest) { return NetworkReader(nodes, manifest).run(); }

}  // namespace kos::manifest
