// The stack: its surroundings, its interfaces, when it runs.
#include "net/inet/network.h"

#include "net/inet/datagram.h"

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <stdio.h>

#include <algorithm>
#include <utility>

namespace kos::lx {

namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr unsigned kRounds = 64, kPackets = 64;

bool is_loopback(const netif& interface) { return interface.name[0] == 'l' && interface.name[1] == 'o'; }

unsigned prefix_of(const netif& interface) {
    return static_cast<unsigned>(__builtin_popcount(ip4_addr_get_u32(netif_ip4_netmask(&interface))));
}

}  // namespace

Network& Network::of(System& system) {
    if (!system.network) system.network = make_ref<Network>(system);
    return *existing(system);
}

Network::Network(System& system) : system_(system) {
    kos::net::StackConfig config;
    config.memory_bytes = system.platform.network_memory();
    config.tcp_receive_bytes = kWindowBytes;
    config.tcp_send_bytes = kSendBytes;
    config.tcp_connections = kConnections;
    config.tcp_listeners = kListeners;
    config.udp_ports = kDatagramSockets;
    config.raw_ports = kRawSockets;
    stack_ = std::make_unique<kos::net::Stack>(static_cast<kos::net::Surroundings&>(*this), config);
}

Network::~Network() = default;

void Network::attach(kos::net::Link& link, const kos::net::InterfaceConfig& config, LinkPlatform* platform) {
    platform_ = platform;
    link_ = std::make_unique<kos::net::LinkInterface>(*stack_, link, config);
    link_->set_up(true);
    run();
}

void Network::run() {
    runs_again_ = true;
    if (is_running_) return;
    is_running_ = true;
    Nanoseconds const begin = system_.timers.now();
    if (is_paused() && paused_until_ <= begin) paused_until_ = kNever;
    drops_ = 0;
    bool is_busy = true;
    for (unsigned round = 0; is_busy && round < kRounds; ++round) {
        runs_again_ = false;
        is_busy = stack_->poll(is_paused() ? 0 : kPackets);
        is_busy |= runs_again_ || stack_->sleep_ms() == 0;
        account(begin);
        // In a pause the other side sees its ring full, and need not wake anybody for what it cannot put there.
        if (!is_busy && platform_) is_busy = !platform_->prepare_sleep(link_->is_blocked(), !is_paused());
    }
    is_running_ = false;
    uint32_t const sleep = is_busy ? 0 : stack_->sleep_ms();
    if (sleep == UINT32_MAX && !is_paused()) return;
    Nanoseconds next = paused_until_;
    if (sleep != UINT32_MAX) next = std::min(next, system_.timers.now() + Nanoseconds{sleep} * kMillisecond);
    // One that goes off for nothing costs less than setting it anew each time.
    if (!is_set() || next < when()) system_.timers.set(*this, next);
}

// What came from the link has had the time since `begin`, programs and everything else what was between the last such
// run and this one. Time that passes, not the domain's: if the domain's is used up in a run, programs wait as well.
void Network::account(Nanoseconds begin) {
    if (!link_) return;
    kos::net::InterfaceCounters const& counters = link_->counters();
    uint64_t const packets = counters.received_packets + counters.refused + counters.no_memory;
    if (std::exchange(accounted_packets_, packets) == packets) return;
    Nanoseconds const now = system_.timers.now();
    Nanoseconds const without = std::max(begin - input_end_, Nanoseconds{0});
    input_excess_ = std::max(input_excess_ - without, Nanoseconds{0}) + now - std::max(begin, input_end_);
    input_end_ = now;
    // A machine that stood still is not to be made up for.
    input_excess_ = std::min(input_excess_, kPauseMost);
    if (input_excess_ <= kInputMost) return;
    ends_when_drained_ = false;
    pause(now, input_excess_);
}

void Network::pause(Nanoseconds now, Nanoseconds time) {
    paused_until_ = now + std::clamp(time, kPauseLeast, kPauseMost);
    stack_->stop_taking();
}

void Network::dropped() {
    if (++drops_ < kDropsMost) return;
    ends_when_drained_ = true;
    pause(system_.timers.now(), kPauseLeast);
}

void Network::drained(bool at_once) {
    if (--full_sockets_ > 0 || !is_paused() || !ends_when_drained_) return;
    paused_until_ = system_.timers.now();
    if (at_once) return run();
    system_.timers.set(*this, paused_until_);
}

// Connections, and with them lwIP's timers, begin in run() only.
void Network::sent() {
    if (stack_->is_looping() || (link_ && link_->is_blocked())) return run();
    stack_->flush();
}

void Network::settle(bool runs_on) {
    uint64_t const packets = sent_packets();
    if (std::exchange(settled_packets_, packets) != packets) {
        begin_batch();
        ++batch_sends_;
    }
    if (!runs_on) return end_batch();
    if (!owes_wake()) return;
    if (!batch_waits_ || !is_in_batch()) return platform_->wake();
    // It stays set when the batch ends before: once in a while for nothing costs less than anew each time.
    if (!bell_.is_set()) system_.timers.set(bell_, batch_since_ + kWakeLatest);
}

void Network::begin_batch() {
    Nanoseconds const now = system_.timers.now();
    if (is_in_batch() && now - batch_since_ > kWakeLatest) end_batch();
    if (!is_in_batch()) batch_since_ = now;
}

void Network::end_batch() {
    if (is_in_batch()) batch_waits_ = batch_sends_ > 1;
    batch_sends_ = 0;
    batch_since_ = kNever;
    if (owes_wake()) platform_->wake();
}

void Network::bell_rings() {
    if (!is_in_batch() || !owes_wake()) return;
    Nanoseconds const latest = batch_since_ + kWakeLatest;
    if (latest <= system_.timers.now()) return end_batch();
    system_.timers.set(bell_, latest);
}

uint32_t Network::now_ms() { return static_cast<uint32_t>(system_.timers.now() / kMillisecond); }

void Network::random(void* bytes, size_t count) {
    if (!system_.platform.random(bytes, count).ok()) failed("no random numbers", __FILE__, __LINE__);
}

void Network::failed(const char* what, const char* file, int line) {
    char text[160];
    snprintf(text, sizeof text, "TCP/IP: %s (%s:%d)", what, file, line);
    system_.platform.report(text);
    system_.platform.end(1);
    __builtin_unreachable();
}

void Network::unreachable(const kos::net::Unreachable& what) {
    for (InetSocket* const socket : sockets) socket->unreachable(what);
}

// --- Interfaces

const char* Network::name_of(const netif& interface) { return is_loopback(interface) ? "lo" : "eth0"; }

int Network::index_of(const netif& interface) { return is_loopback(interface) ? 1 : 2; }

std::vector<InterfaceView> Network::interfaces() {
    std::vector<InterfaceView> views;
    netif* each;
    NETIF_FOREACH(each) {
        InterfaceView view{
            each,     index_of(*each), name_of(*each), is_loopback(*each), netif_is_up(each) && netif_is_link_up(each),
            each->mtu};
        constexpr uint32_t kLoopbackMtu = 65536;
        if (view.is_loopback) view.mtu = kLoopbackMtu;
        view.address4 = each->ip_addr;
        view.prefix4 = prefix_of(*each);
        for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; ++i) {
            if (ip6_addr_isvalid(netif_ip6_addr_state(each, i))) view.addresses6.push_back(each->ip6_addr[i]);
        }
        if (!view.is_loopback && link_) view.counters = link_->counters();
        views.push_back(std::move(view));
    }
    std::sort(views.begin(), views.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
    return views;
}

netif* Network::find(int index) {
    netif* each;
    NETIF_FOREACH(each) {
        if (index == index_of(*each)) return each;
    }
    return nullptr;
}

netif* Network::find(std::string_view name) {
    netif* each;
    NETIF_FOREACH(each) {
        if (name == name_of(*each)) return each;
    }
    return nullptr;
}

bool Network::is_local(const ip_addr_t& address) {
    if (is_any(address)) return true;
    netif* each;
    NETIF_FOREACH(each) {
        if (!is_v6(address)) {
            if (ip4_addr_cmp(netif_ip4_addr(each), ip_2_ip4(&address))) return true;
        } else if (netif_get_ip6_addr_match(each, ip_2_ip6(&address)) >= 0) {
            return true;
        }
    }
    return false;
}

ip_addr_t Network::source_for(const ip_addr_t& to) {
    ip_addr_t const unbound = any_address(is_v6(to) ? kAF_INET6 : kAF_INET);
    netif* const interface = ip_route(&unbound, &to);
    if (!interface) return unbound;
    // What the domain sends to itself comes from where it goes to.
    if (is_local(to) && !is_any(to)) return to;
    if (!is_v6(to)) return interface->ip_addr;
    const ip_addr_t* const chosen = ip6_select_source_address(interface, ip_2_ip6(&to));
    return chosen ? *chosen : unbound;
}

}  // namespace kos::lx
