/*
 * kos_net on KOS: the rings and parameters of the manifest, the counter, the alarm, the domain's signals.
 */
#include <kos/app.h>
#include <kos/mem.h>
#include <kos/net/ring_link.h>
#include <kos/random.h>
#include <kos/signal.h>
#include <kos/time.h>
#include <stdio.h>
#include <string.h>

#include <new>

#include "network.h"

namespace kos::net {
namespace {

constexpr uint32_t kMillisecondsPerSecond = 1000;
constexpr size_t kMemoryMost = 16 << 20;
constexpr size_t kMemoryLeast = 32 << 10;
constexpr uint32_t kWindowMost = 256 << 10;
constexpr uint32_t kAlarmBit = 15;

class Domain final : public Platform {
public:
    explicit Domain(unsigned alarm_bit) : alarm_bit_(alarm_bit) {}

    RingLink& link() { return link_; }
    uint64_t signals() const { return link_.signals() | alarm_signal(); }
    // What is missing is told when the network is opened, not when the first packet is late.
    kos_status_t check() const {
        uint64_t probe = 0;
        const kos_status_t status = kos_random(&probe, sizeof probe);
        return kos_status_is_ok(status) ? kos_time_alarm(alarm_bit_, 0) : status;
    }

    uint32_t now_ms() override {
        const uint64_t hz = kos_time_hz();
        const uint64_t ticks = kos_time_ticks();
        return static_cast<uint32_t>(ticks / hz * kMillisecondsPerSecond + ticks % hz * kMillisecondsPerSecond / hz);
    }
    void random(void* bytes, size_t count) override {
        if (!kos_status_is_ok(kos_random(bytes, count))) kos_stop("net: no random numbers");
    }
    [[noreturn]] void failed(const char* what, const char* file, int line) override {
        kos_assert_failed(what, file, line);
    }
    uint64_t now() override { return kos_time_ticks(); }
    uint64_t ticks_of_ms(uint32_t ms) override { return kos_time_us_to_ticks(uint64_t{ms} * 1000); }
    bool prepare_sleep(bool wants_room) override { return link_.prepare_sleep(wants_room); }
    void set_alarm(uint64_t deadline) override {
        if (!kos_status_is_ok(kos_time_alarm(alarm_bit_, deadline))) kos_stop("net: no alarm");
    }
    bool sleep() override { return (kos_signal_wait(signals()) & KOS_SIGNAL_STOP) == 0; }
    uint64_t link_resets() override { return link_.resets(); }

private:
    uint64_t alarm_signal() const { return uint64_t{1} << (KOS_SIGNAL_USER_0 + alarm_bit_); }

    RingLink link_;
    unsigned alarm_bit_;
};

// Made by kos_net_open and kept to the domain's end.
alignas(Domain) unsigned char domain_memory[sizeof(Domain)];
alignas(Network) unsigned char network_memory[sizeof(Network)];
Domain* domain;

[[noreturn]] void stop_for(const char* parameter) {
    static char text[80];
    snprintf(text, sizeof text, "net: parameter %s is no such address", parameter);
    kos_stop(text);
}

ip_addr_t address_parameter(const char* name, unsigned version, bool* is_there) {
    const char* const text = kos_app_parameter(name);
    *is_there = text != nullptr && text[0] != '\0';
    ip_addr_t any{};
    if (!*is_there) return any;
    kos_net_address_t address;
    if (kos_net_address_parse(text, 0, &address) != KOS_STATUS_OK || (version != 0 && address.version != version)) {
        stop_for(name);
    }
    return to_lwip(address);
}

uint32_t clamp(uint64_t value, uint64_t least, uint64_t most) {
    return static_cast<uint32_t>(value < least ? least : value > most ? most : value);
}

bool is_given(const char* name) { return name != nullptr && name[0] != '\0'; }

StackConfig stack_config(const kos_net_options_t& options) {
    kos_mem_status_t quota{};
    kos_mem_status(&quota);  // nothing about itself: the least then
    StackConfig config;
    config.memory_bytes =
        options.memory_bytes != 0 ? options.memory_bytes : clamp(quota.quota_bytes / 4, kMemoryLeast, kMemoryMost);
    const uint32_t window = clamp(config.memory_bytes / 8, 4096, kWindowMost);
    config.tcp_receive_bytes = options.receive_bytes != 0 ? options.receive_bytes : window;
    config.tcp_send_bytes = options.send_bytes != 0 ? options.send_bytes : window;
    if (options.connections != 0) config.tcp_connections = options.connections;
    return config;
}

NetworkConfig network_config(const kos_net_options_t& options) {
    NetworkConfig config;
    config.stack = stack_config(options);
    if (options.sockets != 0) config.sockets = options.sockets;
    config.stack.udp_ports = config.sockets;
    config.stack.tcp_listeners = config.sockets;
    bool is_there = false;
    config.interface.address4 =
        *ip_2_ip4(&static_cast<const ip_addr_t&>(address_parameter("net_address4", 4, &is_there)));
    config.interface.gateway4 =
        *ip_2_ip4(&static_cast<const ip_addr_t&>(address_parameter("net_gateway4", 4, &is_there)));
    config.interface.address6 =
        *ip_2_ip6(&static_cast<const ip_addr_t&>(address_parameter("net_address6", 6, &is_there)));
    config.gateway6 = *ip_2_ip6(&static_cast<const ip_addr_t&>(address_parameter("net_gateway6", 6, &is_there)));
    config.interface.mtu = static_cast<uint16_t>(clamp(kos_app_parameter_number("net_mtu", 1500), 1280, 65535));
    config.dns = address_parameter("net_dns4", 0, &config.has_dns);
    return config;
}

}  // namespace
}  // namespace kos::net

using namespace kos::net;

kos_status_t kos_net_open(const kos_net_options_t* options) {
    if (network != nullptr) return KOS_STATUS_CONFLICT;
    const kos_net_options_t chosen = options != nullptr ? *options : kos_net_options_t{};
    const uint32_t alarm_bit = chosen.alarm_bit != 0 ? chosen.alarm_bit : kAlarmBit;
    if (alarm_bit > kAlarmBit) return KOS_STATUS_INVALID_ARGUMENT;
    char out[KOS_MAX_NAME + 1];
    char in[KOS_MAX_NAME + 1];
    const char* const name = kos_app_startup()->name;
    snprintf(out, sizeof out, "net_%s_out", name);
    snprintf(in, sizeof in, "net_%s_in", name);
    domain = new (domain_memory) Domain(alarm_bit);
    kos_status_t status = domain->check();
    if (!kos_status_is_ok(status)) return status;
    status = domain->link().open(is_given(chosen.ring_out) ? chosen.ring_out : out,
                                 is_given(chosen.ring_in) ? chosen.ring_in : in);
    if (!kos_status_is_ok(status)) return status;
    new (network_memory) Network(*domain, domain->link(), network_config(chosen));
    // Not now: who comes before the program listens would be refused.
    network->touched(true);
    return KOS_STATUS_OK;
}

uint64_t kos_net_signals(void) { return domain->signals(); }
