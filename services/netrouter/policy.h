/*
 * Who may talk to whom, as plain tables: links, rules, the device's own address. Made from the manifest once
 * (manifest_policy.h) and constant afterwards.
 */
#ifndef KOS_SERVICES_NETROUTER_POLICY_H_
#define KOS_SERVICES_NETROUTER_POLICY_H_

#include <string_view>

#include "ip.h"

namespace kos::netrouter {

constexpr unsigned kMaxLinks = 63;
constexpr unsigned kMaxRules = 512;
constexpr unsigned kMaxPeers = 512;
constexpr unsigned kMaxPortRanges = 1024;
constexpr unsigned kMaxServers = 4;

enum class Protocol : uint8_t { kTcp, kUdp, kIcmp, kAny };
enum class PeerKind : uint8_t { kAny, kNetwork, kDomain, kHost };

// kAny and networks mean addresses outside the device; another domain is reached by its name only. Inbound, kAny means
// every domain as well, each of which needs a rule of its own that names this one.
struct Peer {
    PeerKind kind = PeerKind::kAny;
    uint8_t link = 0;          // kDomain: index of its link
    bool is_wildcard = false;  // kHost: every name that ends with "." and `host`
    Prefix network;
    std::string_view host;  // lower case, without a final dot
};

struct PortRange {
    uint16_t first = 1;
    uint16_t last = 65535;
};

// Entries first .. first + count - 1 of a table.
struct Span {
    uint16_t first = 0;
    uint16_t count = 0;
};

struct Rule {
    uint8_t link = 0;         // index of the link whose rule it is
    bool is_inbound = false;  // false: what its domain may begin; true: what may be begun towards it
    Protocol protocol = Protocol::kAny;
    uint16_t forward = 0;  // inbound: port on the device's own address; 0: for other domains only
    uint32_t rate = 0;     // packets per second in the rule's direction; 0: no limit
    Span peers;
    Span ports;  // none: all. Inbound TCP and UDP: exactly one port
};

struct Link {
    uint8_t domain = 0;  // number
    std::string_view name;
    Ip address4, gateway4;  // the domain's end, the router's
    Ip address6, gateway6;
    Span rules;
};

enum class Mode6 : uint8_t { kNone, kAuto, kStatic };

struct Uplink {
    bool is_dhcp = true;
    Mode6 mode6 = Mode6::kAuto;
    Ip address4, gateway4;
    Ip address6, gateway6;
    uint8_t prefix4 = 24;  // bits, of 32
    uint8_t prefix6 = 64;  // of 128
    uint8_t dns_count = 0;
    uint8_t ntp_count = 0;
    Ip dns[kMaxServers];
    std::string_view ntp[kMaxServers];  // names, or addresses as text
    std::string_view host_name;
};

struct Policy {
    Uplink uplink;
    unsigned link_count = 0;
    Link links[kMaxLinks];
    unsigned rule_count = 0;
    Rule rules[kMaxRules];
    unsigned peer_count = 0;
    Peer peers[kMaxPeers];
    unsigned port_count = 0;
    PortRange ports[kMaxPortRanges];
};

}  // namespace kos::netrouter

#endif
