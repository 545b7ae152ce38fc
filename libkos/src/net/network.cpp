/*
 * The loop of kos_net: packets, timers, call-backs, and when to be woken; and what all sockets have in common.
 */
#include "network.h"

#include <lwip/dns.h>
#include <lwip/netif.h>

#include <new>

namespace kos::net {

Network* network;

namespace {

constexpr unsigned kPacketsPerRound = 64;
// Then others of the domain have their turn.
constexpr unsigned kRounds = 16;

}  // namespace

Network::Network(Platform& platform, Link& link, const NetworkConfig& config)
    : platform_(platform), config_(config), stack_(platform, config.stack), interface_(stack_, link, config.interface) {
    if (config.has_dns) dns_setserver(0, &config.dns);
    network = this;
}

Network::~Network() {
    is_working_ = true;  // no more alarms
    stack_.end_lookups();
    run_lookups(done_lookups_);
    while (open_.first() != nullptr) kos_net_abort(open_.first());
    network = nullptr;
}

void Network::work() {
    is_working_ = true;
    for (unsigned round = 0; round < kRounds; ++round) {
        const bool was_blocked = interface_.is_blocked();
        const bool more = stack_.poll(kPacketsPerRound);
        if (was_blocked && !interface_.is_blocked()) wake_datagrams();
        stack_.hold();
        dispatch();
        stack_.flush();
        if (more || ready_.first() != nullptr || done_lookups_ != nullptr || stack_.sleep_ms() == 0) continue;
        if (!platform_.prepare_sleep(interface_.is_blocked())) continue;
        is_working_ = false;
        arm();
        return;
    }
    is_working_ = false;
    touched(true);
}

// Those who have become ready until now; call-backs may make others ready, whose turn is the next round.
void Network::dispatch() {
    Lookup* const lookups = done_lookups_;
    done_lookups_ = nullptr;
    run_lookups(lookups);
    unsigned count = 0;
    for (kos_net_socket* each = ready_.first(); each != nullptr; each = each->ready_node.next) ++count;
    for (; count > 0 && ready_.first() != nullptr; --count) {
        kos_net_socket* const socket = ready_.take_first();
        if (socket->ready != nullptr && kos_net_ready(socket) != 0) socket->ready(socket, socket->context);
    }
}

void Network::wake_datagrams() {
    for (kos_net_socket* each = open_.first(); each != nullptr; each = each->open_node.next) {
        if (each->kind != SocketKind::kUdp || !each->wants_room) continue;
        each->wants_room = false;
        mark(each);
    }
}

void Network::arm() {
    const uint64_t now = platform_.now();
    // Never 0, which means none.
    const uint32_t ms = stack_.sleep_ms();
    uint64_t deadline = ms == UINT32_MAX ? 0 : now + platform_.ticks_of_ms(ms);
    if (wait_deadline_ != 0 && (deadline == 0 || wait_deadline_ < deadline)) deadline = wait_deadline_;
    if (alarm_ != 0 && alarm_ <= now) alarm_ = 0;
    // One that comes too early costs less than moving it with each packet.
    if (deadline == 0 || (alarm_ != 0 && alarm_ <= deadline)) return;
    alarm_ = deadline;
    platform_.set_alarm(deadline);
}

void Network::output(tcp_pcb* pcb) {
    if (!is_working_) stack_.hold();
    tcp_output(pcb);
    if (!is_working_) stack_.flush();
}

void Network::touched(bool at_once) {
    if (is_working_) return;
    if (at_once) {
        alarm_ = platform_.now();
        platform_.set_alarm(alarm_);
        return;
    }
    arm();
}

kos_status_t Network::wait(bool (*done)(void* argument), void* argument, uint64_t deadline) {
    for (;;) {
        work();
        if (done(argument)) return KOS_STATUS_OK;
        if (platform_.now() >= deadline) return KOS_STATUS_TIMEOUT;
        wait_deadline_ = deadline;
        arm();
        wait_deadline_ = 0;
        if (!platform_.sleep()) return KOS_STATUS_UNAVAILABLE;
    }
}

kos_net_socket* Network::make_socket(SocketKind kind) {
    if (sockets_ >= config_.sockets) return nullptr;
    auto* const socket = new (std::nothrow) kos_net_socket(kind);
    if (socket == nullptr) return nullptr;
    ++sockets_;
    open_.add(socket);
    return socket;
}

void Network::destroy_socket(kos_net_socket* socket) {
    ready_.remove(socket);
    open_.remove(socket);
    --sockets_;
    delete socket;
}

void Network::mark(kos_net_socket* socket) {
    if (socket->ready == nullptr) return;
    ready_.add(socket);
    touched(true);
}

}  // namespace kos::net

using kos::net::network;
using kos::net::SocketKind;

void kos_net_work(void) { network->work(); }

void kos_net_counters(kos_net_counters_t* counters) {
    const kos::net::InterfaceCounters& of_link = network->interface().counters();
    *counters = {.sent_packets = of_link.sent_packets,
                 .sent_bytes = of_link.sent_bytes,
                 .received_packets = of_link.received_packets,
                 .received_bytes = of_link.received_bytes,
                 .link_full = of_link.full,
                 .refused = of_link.refused,
                 .no_memory = of_link.no_memory,
                 .link_resets = network->platform().link_resets(),
                 .memory_used = network->stack().memory_used(),
                 .connections = network->stack().tcp_connections(),
                 .sockets = network->sockets()};
}

uint32_t kos_net_ready(const kos_net_socket_t* socket) {
    switch (socket->kind) {
        case SocketKind::kConnection: return kos::net::tcp_ready(*socket);
        case SocketKind::kListener: return socket->accepts.first() != nullptr ? KOS_NET_READABLE : 0;
        case SocketKind::kUdp: break;
    }
    const uint32_t readable = socket->first_datagram != nullptr ? KOS_NET_READABLE : 0;
    return readable | (network->interface().is_blocked() ? 0 : KOS_NET_WRITABLE);
}

void kos_net_watch(kos_net_socket_t* socket, kos_net_ready_fn_t ready, void* context) {
    socket->ready = ready;
    socket->context = context;
    if (ready != nullptr && kos_net_ready(socket) != 0) network->mark(socket);
}

kos_status_t kos_net_wait(kos_net_socket_t* socket, uint32_t events, uint64_t deadline_ticks) {
    struct Wanted {
        const kos_net_socket_t* socket;
        uint32_t events;
    } wanted{socket, events | KOS_NET_FAILED};
    const auto is_there = [](void* argument) {
        const auto& its = *static_cast<const Wanted*>(argument);
        return (kos_net_ready(its.socket) & its.events) != 0;
    };
    return network->wait(is_there, &wanted, deadline_ticks);
}

kos_status_t kos_net_status(const kos_net_socket_t* socket) { return socket->status; }

static void close_socket(kos_net_socket_t* socket, bool aborts) {
    if (socket->kind == SocketKind::kUdp) {
        kos::net::udp_destroy(socket);
    } else {
        kos::net::tcp_destroy(socket, aborts);
    }
    network->destroy_socket(socket);
    network->touched();
}

void kos_net_close(kos_net_socket_t* socket) { close_socket(socket, false); }
void kos_net_abort(kos_net_socket_t* socket) { close_socket(socket, true); }

kos_status_t kos_net_own_address(unsigned version, kos_net_address_t* address) {
    const kos::net::InterfaceConfig& config = network->config().interface;
    ip_addr_t own;
    if (version == 4) {
        ip_addr_copy_from_ip4(own, config.address4);
    } else {
        ip_addr_copy_from_ip6(own, config.address6);
    }
    if ((version != 4 && version != 6) || ip_addr_isany_val(own)) return KOS_STATUS_NOT_FOUND;
    *address = kos::net::from_lwip(own, 0);
    return KOS_STATUS_OK;
}

kos_status_t kos_net_gateway(unsigned version, kos_net_address_t* address) {
    const kos::net::NetworkConfig& config = network->config();
    ip_addr_t gateway;
    if (version == 4) {
        ip_addr_copy_from_ip4(gateway, config.interface.gateway4);
    } else {
        ip_addr_copy_from_ip6(gateway, config.gateway6);
    }
    if ((version != 4 && version != 6) || ip_addr_isany_val(gateway)) return KOS_STATUS_NOT_FOUND;
    *address = kos::net::from_lwip(gateway, 0);
    return KOS_STATUS_OK;
}
