// See emit_network.h.
#include "emit_network.h"

#include "checks.h"

namespace kos::compiler {
namespace {

using Cells = std::vector<uint64_t>;

uint32_t number_of(const System& system, const std::string& name) {
    const int index = find_domain(system, name);
    if (index < 0) {
        throw tools::Error("no domain " + name);
    }
    return system.domains[static_cast<size_t>(index)].number;
}

void append(Cells& cells, const Cells& more) { cells.insert(cells.end(), more.begin(), more.end()); }

Cells subnet_cells(const Subnet& subnet) {
    Cells cells = address_cells(subnet.address);
    cells.push_back(subnet.prefix);
    return cells;
}

void emit_uplink(FdtWriter& writer, const Uplink& uplink) {
    writer.begin("uplink");
    if (uplink.address4) {
        writer.cells("address4", subnet_cells(uplink.address4->value));
    }
    if (uplink.gateway4) {
        writer.cells("gateway4", address_cells(uplink.gateway4->value));
    }
    if (uplink.address6) {
        writer.cells("address6", subnet_cells(uplink.address6->value));
    }
    if (uplink.gateway6) {
        writer.cells("gateway6", address_cells(uplink.gateway6->value));
    }
    writer.flag("slaac", uplink.has_v6 && !uplink.address6);
    Cells dns4, dns6;
    for (const At<Address>& server : uplink.dns) {
        append(server.value.is_v6 ? dns6 : dns4, address_cells(server.value));
    }
    writer.cells("dns4", dns4);
    writer.cells("dns6", dns6);
    std::vector<std::string> ntp;
    for (const Text& server : uplink.ntp) {
        ntp.push_back(server.value);
    }
    writer.texts("ntp", ntp);
    writer.end();
}

void emit_rule(FdtWriter& writer, const System& system, const NetRule& rule, size_t index) {
    writer.begin("rule-" + std::to_string(index));
    writer.text("protocol", rule.protocol);
    Cells networks4, networks6, domains, ports;
    for (const NetPeer& peer : rule.peers) {
        if (peer.any) {
            writer.flag("any", true);
        } else if (peer.subnet) {
            append(peer.subnet->address.is_v6 ? networks6 : networks4, subnet_cells(*peer.subnet));
        } else if (!peer.domain.empty()) {
            domains.push_back(number_of(system, peer.domain));
        } else {
            writer.text("host", peer.host);
        }
    }
    for (const NetPorts& range : rule.ports) {
        append(ports, {range.first, range.last});
    }
    writer.cells("networks4", networks4);
    writer.cells("networks6", networks6);
    writer.cells("domains", domains);
    writer.cells("ports", ports);
    writer.u32_unless_zero("rate", rule.rate.value);
    writer.u32_unless_zero("forward", rule.forward.value);
    writer.end();
}

void emit_rules(FdtWriter& writer, const System& system, const AppNetwork& network, bool is_inbound) {
    size_t count = 0;
    for (const NetRule& rule : network.rules) {
        if (rule.is_inbound != is_inbound) {
            continue;
        }
        if (count == 0) {
            writer.begin(is_inbound ? "listen" : "allow");
        }
        emit_rule(writer, system, rule, count++);
    }
    if (count != 0) {
        writer.end();
    }
}

}  // namespace

void emit_network(FdtWriter& writer, const System& system) {
    if (!system.network) {
        return;
    }
    writer.begin("network");
    writer.u32("router", number_of(system, "netrouter"));
    writer.u32("driver", number_of(system, system.network->driver.value));
    emit_uplink(writer, *system.network);
    writer.begin("links");
    for (const Domain& domain : system.domains) {
        if (!domain.network) {
            continue;
        }
        writer.begin(domain.name.value);
        writer.cells("address4", address_cells(domain.network->address4));
        writer.cells("gateway4", address_cells(domain.network->gateway4));
        writer.cells("address6", address_cells(domain.network->address6));
        writer.cells("gateway6", address_cells(domain.network->gateway6));
        emit_rules(writer, system, *domain.network, false);
        emit_rules(writer, system, *domain.network, true);
        writer.end();
    }
    writer.end();
    writer.end();
}

}  // namespace kos::compiler
