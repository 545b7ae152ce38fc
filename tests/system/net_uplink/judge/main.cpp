// The router on a real driver: an address by DHCP, a packet out and back, both again after router and driver restart.
#define RECORDS_HERE
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // C, where they are zero
extern "C" {
#define _Noreturn [[noreturn]]
#include "../../common/records.h"
#undef _Noreturn
}
#pragma GCC diagnostic pop

#include <kos/idl/appman.hpp>
#include <kos/idl/net.hpp>

#include "../../net_router/link_peer.h"
#include "wire.h"

namespace {

using namespace kos::test;

constexpr Ip kGateway = ip4(10, 0, 2, 2);
constexpr uint64_t kPatienceUs = 30000000;  // the host may be busy

kos::idl::net::Client status;
kos::idl::appman::Client appman;
kos_slot_t alpha;
Ip alpha4;
Buffer packet, got;

bool wait_for_address() {
    const uint64_t end = kos_time_after_us(kPatienceUs);
    while (kos_time_ticks() < end) {
        const auto uplink = status.uplink();
        if (uplink.ok() && load32(uplink->address4 + 12) == kUplink.v4()) return true;
        pause_us(50000);
    }
    return false;
}

// Asks the gateway for an echo until it comes back. The number is one of its own each time.
bool ping(uint16_t id) {
    const uint64_t end = kos_time_after_us(kPatienceUs);
    while (kos_time_ticks() < end) {
        make_echo(packet, alpha4, kGateway, id);
        kos_msg_t message = {};
        message.label = kLinkSend;
        message.payload = packet.bytes;
        message.payload_bytes = static_cast<uint32_t>(packet.size);
        (void)kos_msg_call(alpha, &message);
        const uint64_t until = kos_time_after_us(500000);
        while (kos_time_ticks() < until) {
            message = {};
            message.label = kLinkReceive;
            if (kos_msg_call(alpha, &message) != KOS_STATUS_OK) {
                pause_us(10000);
                continue;
            }
            got.size = message.payload_bytes;
            memcpy(got.bytes, message.payload, got.size);
            if (got.bytes[9] == 1 && got.bytes[20] == 0 && load16(got.bytes + 24) == id)
                return is_intact(got) && source_of(got) == kGateway;
        }
    }
    return false;
}

bool restart(const char* name) {
    const auto before = appman.status(name);
    if (!before.ok() || !appman.restart(name).ok()) return false;
    const uint64_t end = kos_time_after_us(kPatienceUs);
    while (kos_time_ticks() < end) {
        const auto now = appman.status(name);
        if (now.ok() && now->instance > before->instance && now->state == kos::idl::appman::State::kReady) return true;
        pause_us(10000);
    }
    return false;
}

}  // namespace

int main() {
    begin_records();
    kos_assert_ok(kos_dir_request("alpha", &alpha));
    const auto net = kos::idl::net::Client::connect("net_status");
    const auto supervisor = kos::idl::appman::Client::connect("appman");
    kos_assert(net.ok() && supervisor.ok());
    status = *net;
    appman = *supervisor;
    check("address by DHCP", wait_for_address(), 0);
    const auto uplink = status.uplink();
    check("gateway", uplink.ok() && load32(uplink->gateway4 + 12) == kGateway.v4() && uplink->prefix4 == 24, 0);
    check("name server", uplink.ok() && load32(uplink->dns + 12) == ip4(10, 0, 2, 3).v4(), 0);
    check("lease", uplink.ok() && uplink->lease_seconds > 1000, uplink.ok() ? uplink->lease_seconds : -1);
    const auto links = status.links(0);
    kos_assert(links.ok() && links->entries.size() == 1);
    alpha4 = kos::netrouter::load_ip6(links->entries[0].address4);
    check("echo", ping(1), 0);
    check("router restarted", restart("netrouter"), 0);
    const auto kept = status.uplink();
    check("the address is kept", kept.ok() && load32(kept->address4 + 12) == kUplink.v4(), 0);
    check("echo after the router's restart", ping(2), 0);
    check("driver restarted", restart("net_virtio"), 0);
    check("echo after the driver's restart", ping(3), 0);
    print_verdict();
}
