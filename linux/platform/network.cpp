// The rings of the manifest as the link of the TCP/IP stack, and what programs read about names.
#include "platform/network.h"

#include "net/inet/network.h"
#include "task/start.h"

#include <kos/app.h>
#include <kos/net/ring_link.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <utility>

namespace kos::lx {

namespace {

kos::net::RingLink& ring_link() {
    static kos::net::RingLink link;
    return link;
}
bool has_link = false;
int sender = 0;  // thread that has sent last; 0: none
uint64_t sent_packets = 0;

class RingLinkPlatform final : public LinkPlatform {
public:
    bool prepare_sleep(bool wants_room, bool wants_packets) override {
        return ring_link().prepare_sleep(wants_room, wants_packets);
    }
    bool owes_wake() const override { return ring_link().owes_wake(); }
    void wake() override { ring_link().wake(); }
};
RingLinkPlatform ring_link_platform;

// Not there: unspecified. kEINVAL.
Result<ip_addr_t> address_parameter(const char* name, bool is_v6) {
    ip_addr_t address = any_address(is_v6 ? kAF_INET6 : kAF_INET);
    const char* const text = kos_app_parameter(name);
    if (!text || !*text) return address;
    if (!ipaddr_aton(text, &address) || kos::lx::is_v6(address) != is_v6) return Errno::kEINVAL;
    return address;
}

Result<kos::net::InterfaceConfig> read_config() {
    constexpr uint64_t kLeastMtu = 1280, kMostMtu = 65535, kUsualMtu = 1500;
    kos::net::InterfaceConfig config;
    KOS_TRY(ip_addr_t const address4, address_parameter("net_address4", false));
    KOS_TRY(ip_addr_t const gateway4, address_parameter("net_gateway4", false));
    KOS_TRY(ip_addr_t const address6, address_parameter("net_address6", true));
    config.address4 = *ip_2_ip4(&address4);
    config.gateway4 = *ip_2_ip4(&gateway4);
    config.address6 = *ip_2_ip6(&address6);
    config.mtu = static_cast<uint16_t>(std::clamp(kos_app_parameter_number("net_mtu", kUsualMtu), kLeastMtu, kMostMtu));
    return config;
}

}  // namespace

Status open_network(System& system, const kos_startup_t& startup) {
    if (const char* const name = kos_app_parameter("net_hostname"); name && *name) system.host_name = name;
    const char* const own = kos_app_parameter("net_address4");
    if (!own || !*own) return {};
    KOS_TRY(auto const config, read_config());
    char out[64], in[64];
    snprintf(out, sizeof out, "net_%s_out", startup.name);
    snprintf(in, sizeof in, "net_%s_in", startup.name);
    if (!kos_status_is_ok(ring_link().open(out, in))) return Errno::kENODEV;
    has_link = true;
    ring_link().defer_wakes();
    Network::of(system).attach(ring_link(), config, &ring_link_platform);
    return {};
}

uint64_t network_signals() { return has_link ? ring_link().signals() : 0; }

void network_signalled(System& system) { Network::of(system).run(); }

void network_settle(System& system, const Thread* runner, bool at_once) {
    if (!has_link) return;
    Network& network = Network::of(system);
    uint64_t const packets = network.sent_packets();
    if (std::exchange(sent_packets, packets) != packets) {
        sender = runner ? runner->tid : 0;
    } else if (!network.is_in_batch() && !network.owes_wake()) {
        return;
    }
    if (at_once) return network.settle(false);
    bool runs_on = runner && runner->tid == sender;
    if (!runs_on && sender != 0) {
        const Thread* const thread = system.find_thread(sender);
        runs_on = thread && thread->state == ThreadState::kRunning;
    }
    network.settle(runs_on);
}

bool network_is_unsettled(System& system) {
    if (!has_link) return false;
    Network& network = Network::of(system);
    return network.sent_packets() != sent_packets || (network.owes_wake() && !network.is_in_batch());
}

Status write_network_files(System& system) {
    std::string const& name = system.host_name;
    KOS_TRY_STATUS(complete_file(system, "/etc/hosts", "localhost", "127.0.0.1\tlocalhost\n::1\tlocalhost\n"));
    const char* const own = kos_app_parameter("net_address4");
    std::string const address = own && *own ? own : "127.0.1.1";
    KOS_TRY_STATUS(complete_file(system, "/etc/hosts", name, address + "\t" + name + "\n"));
    const char* const dns = kos_app_parameter("net_dns4");
    if (!dns || !*dns) return {};
    return complete_file(system, "/etc/resolv.conf", "nameserver", std::string("nameserver ") + dns + "\n");
}

}  // namespace kos::lx
