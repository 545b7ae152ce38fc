// Network rules, and what they make: addresses, rings and parameters of the links. See checks.h.
#include <kos/manifest/manifest.h>

#include <algorithm>

#include "checks.h"
#include "table.h"

namespace kos::compiler {
namespace {

constexpr char kRouter[] = "netrouter";
constexpr uint64_t kMtu = 1500;
// So that net_NAME_out is a name as well.
constexpr size_t kMaxLinkName = KOS_MAX_NAME - sizeof("net__out") + 1;

struct Parameter {
    const char* name;
    std::string value;
};

Domain* domain_named(System& system, const std::string& name) {
    const int index = find_domain(system, name);
    return index < 0 ? nullptr : &system.domains[static_cast<size_t>(index)];
}

bool has_network(const System& system) {
    return std::any_of(system.domains.begin(), system.domains.end(),
                       [](const Domain& domain) { return domain.network.has_value(); });
}

// 10.78.N.2 of domain N, or the other host of the /30 that the manifest's address is in; fd6b:6f73:N::2.
void give_addresses(Domain& domain, Diagnostics& diagnostics) {
    AppNetwork& network = *domain.network;
    const auto number = static_cast<uint8_t>(domain.number);
    network.address4.bytes = {10, 78, number, 2};
    network.address6.is_v6 = true;
    network.address6.bytes = {0xfd, 0x6b, 0x6f, 0x73, 0, number};
    network.gateway6 = network.address6;
    network.address6.bytes[15] = 2;
    network.gateway6.bytes[15] = 1;
    if (!network.address.value.empty()) {
        const std::optional<Address> address = parse_address(network.address.value);
        const uint32_t host = address ? address->bytes[3] & 3u : 0;
        if (!address || address->is_v6 || host == 0 || host == 3 || address->bytes[0] == 0 ||
            address->bytes[0] == 127 || address->bytes[0] >= 224) {
            diagnostics.error(
                network.address.place, "address of " + domain.name.value + " is " + in_quotes(network.address.value),
                "an IPv4 address whose last number divided by 4 leaves 1 or 2; the router gets the other");
        } else {
            network.address4 = *address;
        }
    }
    network.gateway4 = network.address4;
    network.gateway4.bytes[3] = static_cast<uint8_t>(network.gateway4.bytes[3] ^ 3u);
}

Subnet link_subnet(const AppNetwork& network) { return without_host_bits({network.address4, 30}); }

void check_clashes(const System& system, Diagnostics& diagnostics) {
    for (size_t i = 0; i < system.domains.size(); ++i) {
        const Domain& domain = system.domains[i];
        if (!domain.network) {
            continue;
        }
        const Place& place = domain.network->address.place;
        const Subnet subnet = link_subnet(*domain.network);
        for (size_t k = 0; k < i; ++k) {
            const Domain& other = system.domains[k];
            if (other.network && link_subnet(*other.network).overlaps(subnet)) {
                diagnostics.error(
                    place, domain.name.value + " and " + other.name.value + " have addresses of " + subnet_text(subnet),
                    "addresses in different networks of 4");
            }
        }
        if (system.network && system.network->address4 && system.network->address4->value.overlaps(subnet)) {
            diagnostics.error(
                system.network->address4->place,
                "the device's network " + subnet_text(without_host_bits(system.network->address4->value)) +
                    " has the address of " + domain.name.value + ", " + address_text(domain.network->address4),
                "different addresses ([network] address of one of them)");
        }
    }
}

void check_peers(const System& system, const Domain& domain, const NetRule& rule, Diagnostics& diagnostics) {
    for (const NetPeer& peer : rule.peers) {
        if (peer.domain.empty()) {
            continue;
        }
        const int index = find_domain(system, peer.domain);
        if (index < 0) {
            if (!system.is_incomplete) {
                diagnostics.error(peer.text.place, "the domain " + in_quotes(peer.domain) + " is unknown",
                                  "one of " + joined(domain_names(system)));
            }
        } else if (peer.domain == domain.name.value) {
            diagnostics.error(peer.text.place, domain.name.value + " has a network rule about itself",
                              "another domain");
        } else if (!system.domains[static_cast<size_t>(index)].network) {
            diagnostics.error(peer.text.place, "the domain " + in_quotes(peer.domain) + " has no network",
                              "a domain with [network]");
        }
    }
}

bool can_match(const NetRule& allow, const NetRule& listen) {
    if (allow.protocol != "any" && allow.protocol != listen.protocol) {
        return false;
    }
    const auto has = [&](const NetPorts& ports) {
        return !listen.ports.empty() && ports.first <= listen.ports[0].first && listen.ports[0].first <= ports.last;
    };
    return allow.ports.empty() || std::any_of(allow.ports.begin(), allow.ports.end(), has);
}

// Between domains both ends say yes: without the other's, a rule lets nothing pass.
void warn_of_one_end(const System& system, const Domain& domain, const NetRule& rule, Diagnostics& diagnostics) {
    for (const NetPeer& peer : rule.peers) {
        const int index = peer.domain.empty() ? -1 : find_domain(system, peer.domain);
        if (index < 0 || !system.domains[static_cast<size_t>(index)].network || peer.domain == domain.name.value) {
            continue;  // reported
        }
        const Domain& other = system.domains[static_cast<size_t>(index)];
        const std::vector<NetRule>& rules = other.network->rules;
        const bool is_met = std::any_of(rules.begin(), rules.end(), [&](const NetRule& end) {
            const bool names_us = std::any_of(end.peers.begin(), end.peers.end(), [&](const NetPeer& back) {
                return back.domain == domain.name.value || (back.any && end.is_inbound);
            });
            return end.is_inbound != rule.is_inbound && names_us &&
                   (rule.is_inbound ? can_match(end, rule) : can_match(rule, end));
        });
        if (!is_met) {
            diagnostics.warning(
                peer.text.place,
                rule.is_inbound
                    ? domain.name.value + " listens for " + other.name.value + ", which has no such [[network.allow]]"
                    : domain.name.value + " may begin what " + other.name.value + " does not listen for",
                rule.is_inbound ? "a rule of " + other.name.value + " with to = \"domain:" + domain.name.value + "\""
                                : "a [[network.listen]] of " + other.name.value);
        }
    }
}

void check_rules(const System& system, Diagnostics& diagnostics) {
    std::map<std::pair<std::string, uint64_t>, const Domain*> forwards;
    size_t rules = 0, peers = 0, ports = 0;
    for (const Domain& domain : system.domains) {
        for (const NetRule& rule : domain.network ? domain.network->rules : std::vector<NetRule>()) {
            check_peers(system, domain, rule, diagnostics);
            warn_of_one_end(system, domain, rule, diagnostics);
            ++rules;
            peers += rule.peers.size();
            ports += rule.ports.size();
            if (rule.forward.value == 0) {
                continue;
            }
            const auto [entry, is_new] = forwards.try_emplace({rule.protocol, rule.forward.value}, &domain);
            if (!is_new) {
                diagnostics.error(rule.forward.place,
                                  "the port " + std::to_string(rule.forward.value) + " (" + rule.protocol +
                                      ") is forwarded to " + entry->second->name.value + " and " + domain.name.value,
                                  "one domain");
            }
        }
    }
    struct Total {
        const char* what;
        size_t count, limit;
    };
    for (const Total& total :
         {Total{"rules", rules, manifest::kMaxNetRules}, Total{"peers of rules", peers, manifest::kMaxNetPeers},
          Total{"ranges of ports", ports, manifest::kMaxNetPorts}}) {
        if (total.count > total.limit && system.network) {
            diagnostics.error(system.network->place,
                              "there are " + std::to_string(total.count) + " network " + total.what,
                              "at most " + std::to_string(total.limit) + " in all");
        }
    }
}

// The router and the driver, which system.toml must have. Null: not there, which has been reported.
Domain* find_router(System& system, Diagnostics& diagnostics) {
    const Uplink& uplink = *system.network;
    Domain* router = domain_named(system, kRouter);
    const Domain* driver = domain_named(system, uplink.driver.value);
    if (driver == nullptr && !system.is_incomplete) {
        diagnostics.error(uplink.driver.place, "there is no domain " + in_quotes(uplink.driver.value),
                          "an [[app]] with the driver: path = \"core:net_virtio\", or driver = NAME");
    }
    if (router == nullptr) {
        if (!system.is_incomplete) {
            diagnostics.error(uplink.place, "there is [network] and no domain \"netrouter\"",
                              "an [[app]] with path = \"core:netrouter\"");
        }
        return nullptr;
    }
    if (!router->is_core || !router->has_right("manifest")) {
        diagnostics.error(
            router->app,
            "netrouter " + std::string(router->is_core ? "has not the right \"manifest\"" : "does not come with KOS"),
            "path = \"core:netrouter\", rights = [\"manifest\"]");
    }
    if (router->network) {
        diagnostics.error(router->network->place, "netrouter has a [network] of its own", "none: it is the network");
        router->network.reset();
    }
    const bool has_frames = driver == nullptr || driver == router ||
                            std::any_of(driver->rings.begin(), driver->rings.end(),
                                        [](const RingTo& ring) { return ring.to.value == kRouter && ring.dma.value; });
    if (driver == router || !has_frames) {
        diagnostics.error(uplink.driver.place, uplink.driver.value + " has no [[ring]] for frames to netrouter",
                          "a driver with a [[ring]] to = \"netrouter\", dma = true");
    }
    return router;
}

void add_link(System& system, Domain& domain, Domain& router, Diagnostics& diagnostics) {
    const AppNetwork& network = *domain.network;
    const std::string& name = domain.name.value;
    if (name.size() > kMaxLinkName) {
        diagnostics.error(domain.name.place.file != nullptr ? domain.name.place : domain.app,
                          name + " has network and a name of " + std::to_string(name.size()) + " characters",
                          "at most " + std::to_string(kMaxLinkName) + ", for its rings net_NAME_out and net_NAME_in");
        return;
    }
    if (const uint32_t missing = domain.mode_mask & ~router.mode_mask; missing != 0) {
        diagnostics.error(network.place,
                          name + " has network and runs in " + mode_names(system, missing) + ", netrouter does not",
                          "a router in every mode of " + name);
    }
    const auto ring = [&](const char* suffix, const std::string& to) {
        return RingTo{{"net_" + name + suffix, network.place}, {to, network.place}, network.buffer, {}, true};
    };
    domain.rings.push_back(ring("_out", kRouter));
    router.rings.push_back(ring("_in", name));
    std::string host = name;
    std::replace(host.begin(), host.end(), '_', '-');
    for (const Parameter& parameter : {Parameter{"net_address4", address_text(network.address4)},
                                       {"net_gateway4", address_text(network.gateway4)},
                                       {"net_address6", address_text(network.address6)},
                                       {"net_gateway6", address_text(network.gateway6)},
                                       {"net_dns4", address_text(network.gateway4)},
                                       {"net_mtu", std::to_string(kMtu)},
                                       {"net_hostname", host}}) {
        const auto [entry, is_new] =
            domain.parameters.try_emplace(parameter.name, Text{parameter.value, network.place});
        if (!is_new) {
            diagnostics.error(entry->second.place, name + " has a parameter " + in_quotes(parameter.name),
                              "none of that name: [network] makes it");
        }
    }
}

}  // namespace

void plan_network(System& system, Diagnostics& diagnostics) {
    for (Domain& domain : system.domains) {
        if (domain.network && !system.network) {
            diagnostics.error(domain.network->place, domain.name.value + " has [network]",
                              "a [network] in system.toml as well, with router and driver");
        }
    }
    if (!system.network) {
        return;
    }
    Domain* router = find_router(system, diagnostics);
    for (Domain& domain : system.domains) {
        if (domain.network) {
            give_addresses(domain, diagnostics);
        }
    }
    check_clashes(system, diagnostics);
    check_rules(system, diagnostics);
    if (!has_network(system) && !system.is_incomplete) {
        diagnostics.warning(system.network->place, "there is [network] and no domain that has one",
                            "an app.toml with [network]");
    }
    for (Domain& domain : system.domains) {
        if (domain.network && router != nullptr) {
            add_link(system, domain, *router, diagnostics);
        }
    }
}

}  // namespace kos::compiler
