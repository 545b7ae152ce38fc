/*
 * lwIP's life: start, clock, loop, end (kos/net/stack.h).
 */
#include <kos/net/stack.h>
#include <lwip/dns.h>
#include <lwip/init.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>
#include <lwip/udp.h>

#include <utility>

#include "current.h"
#include "memory.h"

namespace kos::net {
namespace {

Surroundings* current;
uint64_t key[2];

constexpr uint32_t kSecondMs = 1000;
constexpr uint32_t kForever = UINT32_MAX;
// A thread that was late must not make retransmission times pass all at once.
constexpr unsigned kTicksAtOnce = 2;
constexpr unsigned kTicksOfSecond = kSecondMs / TCP_TMR_INTERVAL;

bool is_assembling() { return memory::used_of(MEMP_REASSDATA) != 0 || memory::used_of(MEMP_IP6_REASSDATA) != 0; }

uint32_t clamp_window(uint32_t bytes) {
    constexpr uint32_t kLeast = 4096;
    return bytes < kLeast ? kLeast : bytes > KOS_LWIP_WINDOW_MAX ? KOS_LWIP_WINDOW_MAX : bytes;
}

// What a connection that has just been given up has sent to itself.
void drop_looping(netif& interface) {
    if (interface.loop_first != nullptr) pbuf_free(interface.loop_first);  // and those behind it
    interface.loop_first = interface.loop_last = nullptr;
}

void abandon_all() {
    while (tcp_active_pcbs != nullptr) {
        tcp_active_pcbs->errf = nullptr;
        tcp_abandon(tcp_active_pcbs, 0);
    }
    while (tcp_tw_pcbs != nullptr) tcp_abandon(tcp_tw_pcbs, 0);
    while (tcp_bound_pcbs != nullptr) tcp_close(tcp_bound_pcbs);
    while (tcp_listen_pcbs.listen_pcbs != nullptr) {
        tcp_close(reinterpret_cast<tcp_pcb*>(tcp_listen_pcbs.listen_pcbs));
    }
    while (udp_pcbs != nullptr) udp_remove(udp_pcbs);
}

}  // namespace

Surroundings& current_surroundings() { return *current; }
const uint64_t (&current_key())[2] { return key; }

Stack::Stack(Surroundings& surroundings, const StackConfig& config) : surroundings_(surroundings) {
    if (current != nullptr) surroundings.failed("one stack in a program", __FILE__, __LINE__);
    current = &surroundings;
    surroundings.random(key, sizeof key);
    kos_lwip_limits = {.memory_bytes = config.memory_bytes,
                       .tcp_receive_bytes = clamp_window(config.tcp_receive_bytes),
                       .tcp_send_bytes = clamp_window(config.tcp_send_bytes),
                       .tcp_connections = config.tcp_connections,
                       .tcp_listeners = config.tcp_listeners,
                       // One for each lookup, of which a few may be under way.
                       .udp_ports = config.udp_ports + DNS_TABLE_SIZE,
                       .raw_ports = config.raw_ports + 2};
    last_tcp_ms_ = last_second_ms_ = surroundings.now_ms();
    lwip_init();
    icmp4_ = raw_new_ip_type(IPADDR_TYPE_V4, IP_PROTO_ICMP);
    icmp6_ = raw_new_ip_type(IPADDR_TYPE_V6, IP6_NEXTH_ICMP6);
    if (icmp4_ == nullptr || icmp6_ == nullptr) surroundings.failed("memory for the stack", __FILE__, __LINE__);
    raw_recv(icmp4_, receive_icmp, this);
    raw_recv(icmp6_, receive_icmp, this);
}

Stack::~Stack() {
    end_lookups();
    abandon_all();
    for (unsigned second = 0; is_assembling() && second < kSecondMs; ++second) {
        ip_reass_tmr();
        ip6_reass_tmr();
    }
    raw_remove(icmp4_);
    raw_remove(icmp6_);
    while (netif_list != nullptr) {
        netif* const loopback = netif_list;
        netif_remove(loopback);
        drop_looping(*loopback);
    }
    memory::release_waiting();
    current = nullptr;
}

void Stack::attach(LinkInterface& interface) {
    interface.next_ = interfaces_;
    interfaces_ = &interface;
    if (netif_default == nullptr) netif_set_default(&interface.lwip());
}

void Stack::detach(LinkInterface& interface) {
    for (LinkInterface** at = &interfaces_; *at != nullptr; at = &(*at)->next_) {
        if (*at == &interface) {
            *at = interface.next_;
            break;
        }
    }
    netif_remove(&interface.netif_);
    drop_looping(interface.netif_);
}

void Stack::hold() {
    for (LinkInterface* each = interfaces_; each != nullptr; each = each->next_) each->link_.hold();
}

void Stack::flush() {
    for (LinkInterface* each = interfaces_; each != nullptr; each = each->next_) each->link_.flush();
}

bool Stack::poll(unsigned packets) {
    hold();
    run_timers();
    bool more = false;
    bool takes = packets != 0;
    for (LinkInterface* each = interfaces_; each != nullptr; each = each->next_) {
        is_taking_ = takes;
        more |= takes && each->receive(packets) == packets;
        takes = std::exchange(is_taking_, false);
        // Own packets to the link's own address have no checksum if that is left to the other side.
        const uint16_t flags = each->netif_.chksum_flags;
        NETIF_SET_CHECKSUM_CTRL(&each->netif_, NETIF_CHECKSUM_DISABLE_ALL);
        netif_poll(&each->netif_);
        NETIF_SET_CHECKSUM_CTRL(&each->netif_, flags);
    }
    netif_poll_all();
    if (memory::take_failure()) relieve();
    bool was_blocked = false;
    for (LinkInterface* each = interfaces_; each != nullptr; each = each->next_) {
        if (!each->blocked_ || !each->link_.has_room()) continue;
        each->blocked_ = false;
        was_blocked = true;
    }
    if (was_blocked) tcp_txnow();
    // With the last connection, of those in TIME_WAIT as well, its memory goes.
    const bool is_connected = tcp_active_pcbs != nullptr || tcp_tw_pcbs != nullptr;
    if (was_connected_ && !is_connected) memory::release_waiting();
    was_connected_ = is_connected;
    flush();
    return more;
}

bool Stack::is_looping() const {
    for (const netif* each = netif_list; each != nullptr; each = each->next) {
        if (each->loop_first != nullptr) return true;
    }
    return false;
}

uint32_t Stack::sleep_ms() const {
    if (is_looping()) return 0;
    const uint32_t now = surroundings_.now_ms();
    const auto left = [now](uint32_t last, uint32_t interval) {
        const uint32_t passed = now - last;
        return passed >= interval ? 0 : interval - passed;
    };
    uint32_t sleep = kForever;
    if (tcp_active_pcbs != nullptr) {
        sleep = left(last_tcp_ms_, TCP_TMR_INTERVAL);
    } else if (tcp_tw_pcbs != nullptr) {
        sleep = left(last_tcp_ms_, kSecondMs);
    }
    if (lookups_ != 0 || is_assembling()) {
        const uint32_t second = left(last_second_ms_, kSecondMs);
        if (second < sleep) sleep = second;
    }
    return sleep;
}

void Stack::run_timers() {
    const uint32_t now = surroundings_.now_ms();
    // Nobody minds if the end of TIME_WAIT is noticed late.
    const unsigned most = tcp_active_pcbs != nullptr ? kTicksAtOnce : kTicksOfSecond;
    unsigned ticks = 0;
    while (now - last_tcp_ms_ >= TCP_TMR_INTERVAL && ticks < most &&
           (tcp_active_pcbs != nullptr || tcp_tw_pcbs != nullptr)) {
        tcp_tmr();
        last_tcp_ms_ += TCP_TMR_INTERVAL;
        ++ticks;
    }
    if (now - last_tcp_ms_ >= TCP_TMR_INTERVAL) last_tcp_ms_ = now;
    if (now - last_second_ms_ < kSecondMs) return;
    if (lookups_ == 0 && !is_assembling()) {
        // Only the age of answers to earlier questions: lookup_begins() makes up for it.
        return;
    }
    every_second();
}

void Stack::every_second() {
    last_second_ms_ = surroundings_.now_ms();
    ip_reass_tmr();
    ip6_reass_tmr();
    nd6_tmr();
    is_in_lookup_timer_ = true;
    dns_tmr();
    is_in_lookup_timer_ = false;
}

void Stack::lookup_begins() {
    // The cache gets as old as it is. Bounded by DNS_MAX_TTL: nothing in it is younger then.
    uint32_t passed = (surroundings_.now_ms() - last_second_ms_) / kSecondMs;
    if (passed > DNS_MAX_TTL + 1) passed = DNS_MAX_TTL + 1;
    for (; passed > 0 && lookups_ == 0; --passed) dns_tmr();
    if (lookups_ == 0) last_second_ms_ = surroundings_.now_ms();
    ++lookups_;
}

void Stack::end_lookups() {
    // Until the last question has run out of retries.
    for (unsigned second = 0; lookups_ != 0 && second < kSecondMs; ++second) {
        is_in_lookup_timer_ = true;
        dns_tmr();
        is_in_lookup_timer_ = false;
    }
}

void Stack::lookup_ends() {
    LWIP_ASSERT("a lookup has begun", lookups_ > 0);
    --lookups_;
}

void Stack::relieve() {
    for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) tcp_free_ooseq(pcb);
}

size_t Stack::memory_used() const { return memory::used(); }

size_t Stack::memory_free() const {
    const size_t used = memory::used();
    return used < kos_lwip_limits.memory_bytes ? kos_lwip_limits.memory_bytes - used : 0;
}

uint32_t Stack::tcp_connections() const { return memory::used_of(MEMP_TCP_PCB); }

}  // namespace kos::net

// --- What lwIP calls

uint32_t sys_now(void) { return kos::net::current_surroundings().now_ms(); }

uint32_t kos_lwip_random(void) {
    uint32_t value = 0;
    kos::net::current_surroundings().random(&value, sizeof value);
    return value;
}

void kos_lwip_failed(const char* what, const char* file, int line) {
    kos::net::current_surroundings().failed(what, file, line);
    __builtin_trap();  // the compiler does not take a virtual function's word for it
}
