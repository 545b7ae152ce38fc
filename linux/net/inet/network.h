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

// What the platform has to do with the link beside moving packets. Lives as long as the network.
class LinkPlatform {
public:
    // Nothing is left to do. False: the link has something after all; true: it will signal, and `run` is called then.
    // `wants_room`: it is full. `wants_packets`: else it need not signal for those that arrive.
    virtual bool prepare_sleep(bool wants_room, bool wants_packets) = 0;
    // What was sent may be something that the other side sleeps for, and it has not been woken (`wake`).
    virtual bool owes_wake() const = 0;
    virtual void wake() = 0;

protected:
    ~LinkPlatform() = default;
};

class Network final : public Counted, private kos::net::Surroundings, private Timer {
public:
    // How long a packet waits at most for others behind it while the program that has sent it runs on.
    static constexpr Nanoseconds kWakeLatest = 1'000'000;
    // Overload: after so many datagrams in a run that found their socket full, or when input has had so much more time
    // than programs, nothing is taken from the link: for the time that it has had too much, within these bounds.
    static constexpr unsigned kDropsMost = 16;
    static constexpr Nanoseconds kInputMost = 4'000'000, kPauseLeast = 2'000'000, kPauseMost = 10'000'000;
    static constexpr uint32_t kWindowBytes = 256 << 10, kSendBytes = 256 << 10;
    static constexpr uint32_t kConnections = 2048, kListeners = 256, kDatagramSockets = 512, kRawSockets = 64;

    // The system's; made if there is none yet.
    static Network& of(System& system);
    static Network* existing(System& system) { return static_cast<Network*>(system.network.get()); }

    explicit Network(System& system);
    ~Network() override;

    // The interface eth0. `link` lives as long as the network. `platform`: nullptr in tests whose link needs none.
    void attach(kos::net::Link& link, const kos::net::InterfaceConfig& config, LinkPlatform* platform);

    // Until nothing is left to do now; then a timer is set for what comes later. May be called at any time, also by
    // what it calls itself.
    void run();
    // What is sent from here to sent() or run() costs the link's other side one wake-up. One of them must follow at
    // once.
    void hold() { stack_->hold(); }
    // After an operation that can have sent packets and nothing else. Looks at what has arrived only if it must: the
    // link will signal.
    void sent();

    // --- When the link's other side is woken. What a program sends between two waits, or within kWakeLatest, is a
    // batch. If the last one was of several sends, this one's packets wait for its end; else none waits. The platform
    // calls `settle` after every call and signal while `is_in_batch` or `owes_wake`. `runs_on`: the thread that has
    // sent last goes on in its program.
    bool owes_wake() const { return platform_ && platform_->owes_wake(); }
    bool is_in_batch() const { return batch_since_ != kNever; }
    uint64_t sent_packets() const { return link_ ? link_->counters().sent_packets : 0; }
    void settle(bool runs_on);

    // --- Overload, which ends a run: programs have the time until the next one. Output, timers and packets to oneself
    // go on. From lwIP's call-backs: whether the packet comes from the link, and that it is dropped for a full socket.
    bool is_taking() const { return stack_->is_taking(); }
    void dropped();
    // A socket that packets of the link are dropped for, until it is half empty or gone. With the last one input goes
    // on; `at_once`: inside this call.
    void became_full() { ++full_sockets_; }
    void drained(bool at_once);
    bool is_paused() const { return paused_until_ != kNever; }

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
    void begin_batch();
    void end_batch();
    void bell_rings();
    void account(Nanoseconds begin);
    void pause(Nanoseconds now, Nanoseconds time);

    struct Bell final : Timer {
        explicit Bell(Network& of) : network(of) {}
        void expired() override { network.bell_rings(); }
        Network& network;
    };

    System& system_;
    std::unique_ptr<kos::net::Stack> stack_;
    std::unique_ptr<kos::net::LinkInterface> link_;
    LinkPlatform* platform_ = nullptr;
    Bell bell_{*this};
    Nanoseconds batch_since_ = kNever;  // kNever: none
    unsigned batch_sends_ = 0;
    bool batch_waits_ = false;
    uint64_t settled_packets_ = 0;
    bool is_running_ = false, runs_again_ = false;
    Nanoseconds paused_until_ = kNever;  // kNever: it is not
    bool ends_when_drained_ = false;     // the pause
    unsigned drops_ = 0;                 // in this run
    unsigned full_sockets_ = 0;
    uint64_t accounted_packets_ = 0;
    Nanoseconds input_excess_ = 0;  // time of input beyond that of programs
    Nanoseconds input_end_ = 0;     // of the last one
};

}  // namespace kos::lx
