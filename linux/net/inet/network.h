// The domain's TCP/IP stack as the sockets see it: one lwIP (lib/lwip), a loopback interface, and a link if the
// manifest gives one.
//
// Made when the first socket of the Internet families asks for it, or by the platform, which brings the link.
// Everything happens inside `run`: packets in, timers, packets to oneself; sockets call it after each operation that
// may have made one of them, the platform when the link has signalled. lwIP's memory is bounded
// (Platform::network_memory, kConnections, ...) and counts as the server's heap.
#pragma once

#include "net/inet/address.h"
#include "task/system.h"

#include <kos/net/interface.h>
#include <kos/net/stack.h>

#include <memory>
#include <vector>

namespace kos::lx {

class DatagramSocket;
class InetSocket;

struct InterfaceView {
    netif* lwip;
    int index;  // from 1
    const char* name;
    bool is_loopback, is_up;
    uint32_t mtu;
    ip_addr_t address4{};  // any: none
    unsigned prefix4 = 0;
    std::vector<ip_addr_t> addresses6{};
    kos::net::InterfaceCounters counters{};
};

class Network final : public Counted, private kos::net::Surroundings, private Timer {
public:
    static constexpr uint32_t kWindowBytes = 256 << 10, kSendBytes = 256 << 10;
    static constexpr uint32_t kConnections = 2048, kListeners = 256, kDatagramSockets = 512, kRawSockets = 64;

    // The system's; made if there is none yet.
    static Network& of(System& system);
    static Network* existing(System& system) { return static_cast<Network*>(system.network.get()); }

    explicit Network(System& system);
    ~Network() override;

    // The interface eth0. `link` lives as long as the network. `prepare_sleep`: asked when nothing is left to do;
    // false: the link has something after all; true: it will signal, and `run` is called then. `wants_room`: it is
    // full.
    using PrepareSleep = bool (*)(bool wants_room);
    void attach(kos::net::Link& link, const kos::net::InterfaceConfig& config, PrepareSleep prepare_sleep);

    // Until nothing is left to do now; then a timer is set for what comes later. May be called at any time, also by
    // what it calls itself.
    void run();
    // What is sent from here to run() costs the link's other side one wake-up. run() must follow at once.
    void hold() { stack_->hold(); }

    System& system() { return system_; }
    std::vector<InterfaceView> interfaces();
    // The interface of that number or name; nullptr.
    static netif* find(int index);
    static netif* find(std::string_view name);
    static const char* name_of(const netif& interface);
    static int index_of(const netif& interface);
    // Whether programs may bind to it: unspecified, or an interface's.
    static bool is_local(const ip_addr_t& address);
    // The own address that packets to `to` come from; any: there is no way there.
    static ip_addr_t source_for(const ip_addr_t& to);

    // --- Sockets that are bound to a port, and all that are open.
    std::vector<InetSocket*> bound;
    std::vector<InetSocket*> sockets;

private:
    uint32_t now_ms() override;
    void random(void* bytes, size_t count) override;
    [[noreturn]] void failed(const char* what, const char* file, int line) override;
    void unreachable(const kos::net::Unreachable& what) override;
    void expired() override { run(); }

    System& system_;
    std::unique_ptr<kos::net::Stack> stack_;
    std::unique_ptr<kos::net::LinkInterface> link_;
    PrepareSleep prepare_sleep_ = nullptr;
    bool is_running_ = false, runs_again_ = false;
};

}  // namespace kos::lx
