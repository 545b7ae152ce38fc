// See load_network.h.
#include "load_network.h"

#include <kos/manifest/manifest.h>

#include <algorithm>

#include "load_app.h"

namespace kos::compiler {
namespace {

constexpr uint64_t kMaxPort = 65535;
constexpr char kPeerExpected[] =
    "\"any\", \"domain:NAME\", an address, a network like \"10.0.0.0/8\", or the name of a host in lower case, with "
    "\"*.\" for all below it";

// One rule of [[network.allow]] or [[network.listen]].
class RuleReader {
public:
    RuleReader(Diagnostics& diagnostics, Table& table, bool is_inbound)
        : diagnostics_(diagnostics), section_(diagnostics, table), table_(table), is_inbound_(is_inbound) {}

    NetRule run() {
        NetRule rule;
        rule.place = table_.place;
        rule.is_inbound = is_inbound_;
        std::vector<std::string> protocols = {"tcp", "udp", "icmp"};
        if (!is_inbound_) {
            protocols.emplace_back("any");
        }
        rule.protocol = section_.choice("protocol", "tcp", protocols).value;
        rule.rate = section_.number("rate", 0, 1, manifest::kMaxNetRate);
        rule.forward.place = table_.place;
        is_inbound_ ? read_listen(rule) : read_allow(rule);
        return rule;
    }

private:
    bool has_ports(const NetRule& rule) const { return rule.protocol == "tcp" || rule.protocol == "udp"; }

    void read_allow(NetRule& rule) {
        if (!section_.has("to")) {
            diagnostics_.error(table_.place, table_.what + " has no to", kPeerExpected);
        } else {
            read_peer(section_.text("to", "any"), rule);
        }
        read_ports(rule);
    }

    void read_listen(NetRule& rule) {
        for (const char* key : {"port", "forward"}) {
            if (section_.has(key) && !has_ports(rule)) {
                diagnostics_.error(section_.number(key, 0, 0, UINT32_MAX).place,
                                   "a rule for " + rule.protocol + " has a " + key, "none: it has no ports");
            }
        }
        if (has_ports(rule)) {
            if (!section_.has("port")) {
                diagnostics_.error(table_.place, table_.what + " has no port", "port = 1 to 65535");
            }
            const Number port = section_.number("port", 0, 1, kMaxPort);
            if (port.value != 0) {
                rule.ports.push_back({port.value, port.value});
            }
            rule.forward = section_.number("forward", 0, 1, kMaxPort);
        }
        if (!section_.has("from")) {
            read_peer({"any", table_.place}, rule);
            return;
        }
        const std::vector<Text> from = section_.texts("from");
        for (const Text& text : from) {
            read_peer(text, rule);
        }
        const Section::Found found = section_.find("from");
        if (found.node->is_array() && found.node->as_array()->empty()) {
            diagnostics_.error(place_of(table_.file, found.node->source()), "from is empty",
                               "at least one, or no such line for \"any\"");
        }
    }

    void read_peer(const Text& text, NetRule& rule) {
        NetPeer peer;
        peer.text = text;
        const std::string& value = text.value;
        const std::string domain = "domain:";
        if (value == "any") {
            peer.any = true;
        } else if (value.rfind(domain, 0) == 0) {
            peer.domain = value.substr(domain.size());
            if (!is_name(peer.domain)) {
                diagnostics_.error(text.place, "the domain " + in_quotes(peer.domain) + " is unknown", kNameExpected);
                return;
            }
        } else if (looks_like_address(value)) {
            peer.subnet = parse_subnet(value);
            if (!read_subnet(text, peer)) {
                return;
            }
        } else if (is_host_name(value.rfind("*.", 0) == 0 ? value.substr(2) : value)) {
            peer.host = value;
            if (is_inbound_) {
                diagnostics_.error(text.place, "from has the host " + in_quotes(value),
                                   "\"any\", a network or \"domain:NAME\": packets have no names");
                return;
            }
        } else {
            diagnostics_.error(text.place, (is_inbound_ ? "from is " : "to is ") + in_quotes(value), kPeerExpected);
            return;
        }
        const bool is_there = std::any_of(rule.peers.begin(), rule.peers.end(),
                                          [&](const NetPeer& other) { return other.text.value == value; });
        if (is_there) {
            diagnostics_.error(text.place, in_quotes(value) + " is there twice", "different peers");
            return;
        }
        rule.peers.push_back(std::move(peer));
    }

    bool read_subnet(const Text& text, const NetPeer& peer) {
        if (!peer.subnet) {
            diagnostics_.error(text.place, in_quotes(text.value) + " is no address and no network",
                               "\"10.0.2.2\", \"10.0.0.0/8\", \"fd00::1\", \"fd00::/8\"");
            return false;
        }
        if (const Subnet clean = without_host_bits(*peer.subnet); !(clean.address == peer.subnet->address)) {
            diagnostics_.error(text.place, in_quotes(text.value) + " has bits behind its prefix",
                               in_quotes(subnet_text(clean)));
            return false;
        }
        return true;
    }

    // Numbers, or texts "FIRST-LAST".
    void read_ports(NetRule& rule) {
        const Section::Found found = section_.find("ports");
        if (found.node == nullptr) {
            return;
        }
        const Place place = place_of(table_.file, found.node->source());
        const toml::array* list = found.node->as_array();
        if (!has_ports(rule)) {
            diagnostics_.error(place, "a rule for " + rule.protocol + " has ports",
                               "protocol = \"tcp\" or \"udp\", or no ports");
        } else if (list == nullptr || list->empty()) {
            diagnostics_.error(place, std::string("ports is ") + (list == nullptr ? type_name(*found.node) : "empty"),
                               "an array like [443, \"8000-8010\"], or no such line for all");
        } else {
            for (const toml::node& element : *list) {
                read_port_range(element, rule);
            }
        }
    }

    void read_port_range(const toml::node& element, NetRule& rule) {
        NetPorts ports;
        std::string shown = type_name(element);
        bool good = false;
        if (const auto number = element.value_exact<int64_t>()) {
            shown = std::to_string(*number);
            good = *number >= 1 && *number <= static_cast<int64_t>(kMaxPort);
            ports.first = ports.last = static_cast<uint64_t>(*number);
        } else if (const auto text = element.value_exact<std::string>()) {
            shown = in_quotes(*text);
            const size_t dash = text->find('-');
            good = dash != std::string::npos && port_number(text->substr(0, dash), ports.first) &&
                   port_number(text->substr(dash + 1), ports.last) && ports.first <= ports.last;
        }
        if (!good) {
            diagnostics_.error(place_of(table_.file, element.source()), "an element of ports is " + shown,
                               "1 to 65535, or a text like \"8000-8010\"");
            return;
        }
        rule.ports.push_back(ports);
    }

    static bool port_number(const std::string& text, uint64_t& port) {
        const bool is_number = !text.empty() && text.size() <= 5 &&
                               std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
        port = is_number ? std::stoul(text) : 0;
        return port >= 1 && port <= kMaxPort;
    }

    Diagnostics& diagnostics_;
    Section section_;
    Table& table_;
    bool is_inbound_;
};

class UplinkReader {
public:
    UplinkReader(Diagnostics& diagnostics, Table& table)
        : diagnostics_(diagnostics), section_(diagnostics, table), table_(table) {}

    Uplink run() {
        Uplink uplink;
        uplink.place = table_.place;
        uplink.driver = section_.name("driver", "net_virtio");
        if (const Text text = section_.text("address", "dhcp"); text.value != "dhcp") {
            uplink.address4 = own_address(text, "address", false,
                                          "\"dhcp\", or an address with its network's prefix "
                                          "like \"10.0.2.15/24\"");
        }
        if (const Text text = section_.text("address6", "auto"); text.value == "none") {
            uplink.has_v6 = false;
        } else if (text.value != "auto") {
            uplink.address6 = own_address(text, "address6", true,
                                          "\"auto\", \"none\", or an address with its network's prefix like "
                                          "\"fd00::2/64\"");
        }
        uplink.gateway4 = gateway("gateway", "address", uplink.address4, false);
        uplink.gateway6 = gateway("gateway6", "address6", uplink.address6, true);
        read_servers(uplink);
        return uplink;
    }

private:
    std::optional<At<Subnet>> own_address(const Text& text, const char* key, bool is_v6, const char* expected) {
        const std::optional<Subnet> subnet = parse_subnet(text.value);
        if (!subnet || subnet->address.is_v6 != is_v6 || text.value.find('/') == std::string::npos ||
            subnet->prefix == 0 || subnet->address == Address{{}, is_v6}) {
            diagnostics_.error(text.place, std::string(key) + " is " + in_quotes(text.value), expected);
            return std::nullopt;
        }
        return At<Subnet>{*subnet, text.place};
    }

    std::optional<At<Address>> gateway(const char* key, const char* address_key,
                                       const std::optional<At<Subnet>>& network, bool is_v6) {
        if (!section_.has(key)) {
            return std::nullopt;
        }
        const Text text = section_.text(key, "");
        const std::optional<Address> address = parse_address(text.value);
        if (!address || address->is_v6 != is_v6) {
            diagnostics_.error(text.place, std::string(key) + " is " + in_quotes(text.value),
                               is_v6 ? "an IPv6 address" : "an IPv4 address");
            return std::nullopt;
        }
        const bool is_link_local = is_v6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
        if (!network) {
            if (!section_.has(address_key) || section_.text(address_key, "").value.find('/') == std::string::npos) {
                diagnostics_.error(text.place, std::string("there is a ") + key + " and no " + address_key,
                                   std::string("a static ") + address_key);
            }
            return std::nullopt;
        }
        if (!is_link_local && (!network->value.contains(*address) || network->value.address == *address)) {
            diagnostics_.error(text.place, std::string(key) + " is " + in_quotes(text.value),
                               "another address of " + subnet_text(without_host_bits(network->value)));
            return std::nullopt;
        }
        return At<Address>{*address, text.place};
    }

    void read_servers(Uplink& uplink) {
        const std::vector<Text> dns = section_.texts("dns");
        for (const Text& text : dns) {
            if (const std::optional<Address> address = parse_address(text.value)) {
                uplink.dns.push_back({*address, text.place});
            } else {
                diagnostics_.error(text.place, "a server of dns is " + in_quotes(text.value), "an address");
            }
        }
        uplink.ntp = section_.texts("ntp");
        for (const Text& text : uplink.ntp) {
            if (!parse_address(text.value) && (looks_like_address(text.value) || !is_host_name(text.value))) {
                diagnostics_.error(text.place, "a server of ntp is " + in_quotes(text.value),
                                   "an address, or the name of a host in lower case");
            }
        }
        for (const auto& [name, count] : {std::pair("dns", dns.size()), std::pair("ntp", uplink.ntp.size())}) {
            if (count > manifest::kMaxNetServers) {
                diagnostics_.error(uplink.place, "there are " + std::to_string(count) + " servers of " + name,
                                   "at most " + std::to_string(manifest::kMaxNetServers));
            }
        }
    }

    Diagnostics& diagnostics_;
    Section section_;
    Table& table_;
};

}  // namespace

void read_app_network(Diagnostics& diagnostics, Table& top, Table& replacement, Domain& domain) {
    Table base = child_table(diagnostics, top, "network");
    Table replaced = child_table(diagnostics, replacement, "network");
    if (base.values == nullptr && replaced.values == nullptr) {
        return;
    }
    Section section(diagnostics, base, &replaced);
    AppNetwork network;
    network.place = section.place();
    network.buffer = section.size("buffer", 64 << 10, 8 << 10, manifest::kMaxRingBytes);
    network.buffer.value = (network.buffer.value + KOS_PAGE_BYTES - 1) / KOS_PAGE_BYTES * KOS_PAGE_BYTES;
    network.address = section.text("address", "");
    for (const bool is_inbound : {false, true}) {
        const char* key = is_inbound ? "listen" : "allow";
        const auto read = [&](Table& table) {
            table.what = std::string("[[network.") + key + "]]";
            network.rules.push_back(RuleReader(diagnostics, table, is_inbound).run());
        };
        base.known.insert(key);
        if (!for_each_table(diagnostics, replaced, key, read)) {
            for_each_table(diagnostics, base, key, read);
        }
    }
    refuse_unknown(diagnostics, base);
    refuse_unknown(diagnostics, replaced);
    domain.network = std::move(network);
}

void read_system_network(Diagnostics& diagnostics, Table& top, System& system) {
    Table table = child_table(diagnostics, top, "network");
    if (table.values == nullptr) {
        return;
    }
    system.network = UplinkReader(diagnostics, table).run();
    refuse_unknown(diagnostics, table);
}

}  // namespace kos::compiler
