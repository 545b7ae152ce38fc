/*
 * What the files of kos_net share: sockets, the one network, and what it needs of its surroundings (platform.cpp on
 * KOS, fakes in tests).
 */
#ifndef KOS_LIBKOS_SRC_NET_NETWORK_H_
#define KOS_LIBKOS_SRC_NET_NETWORK_H_

#include <kos/net.h>
#include <kos/net/stack.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

namespace kos::net {

// A doubly linked list through the members themselves: a socket is in at most one of each.
template <typename T>
struct Node {
    T* previous = nullptr;
    T* next = nullptr;
    bool is_listed = false;
};

template <typename T, Node<T> T::*kNode>
class List {
public:
    T* first() const { return first_; }
    void add(T* item) {
        Node<T>& node = item->*kNode;
        if (node.is_listed) return;
        node = {.previous = last_, .next = nullptr, .is_listed = true};
        (last_ != nullptr ? (last_->*kNode).next : first_) = item;
        last_ = item;
    }
    void remove(T* item) {
        Node<T>& node = item->*kNode;
        if (!node.is_listed) return;
        (node.previous != nullptr ? (node.previous->*kNode).next : first_) = node.next;
        (node.next != nullptr ? (node.next->*kNode).previous : last_) = node.previous;
        node = {};
    }
    T* take_first() {
        T* const item = first_;
        if (item != nullptr) remove(item);
        return item;
    }

private:
    T* first_ = nullptr;
    T* last_ = nullptr;
};

// A datagram that has arrived.
struct Datagram {
    Datagram* next;
    pbuf* packet;
    kos_net_address_t from;
};

struct Lookup;

}  // namespace kos::net

struct kos_net_socket {
    enum class Kind : uint8_t { kConnection, kListener, kUdp };

    explicit kos_net_socket(Kind its_kind) : kind(its_kind) {}

    Kind kind;
    bool peer_finished = false;  // connection: nothing more arrives
    bool finished = false;       // connection: nothing more is sent
    bool wants_room = false;     // somebody was told FULL
    kos_status_t status = KOS_STATUS_OK;

    tcp_pcb* tcp = nullptr;  // null once lwIP has given it up, or has nothing to tell us any more
    udp_pcb* udp = nullptr;

    // Connection: pieces that have arrived, singly linked (pbuf::next), each by itself; tot_len is not used.
    pbuf* first_piece = nullptr;
    pbuf* last_piece = nullptr;
    size_t collector_room = 0;  // free bytes at the end of the last piece, if it collects small segments
    // Udp
    kos::net::Datagram* first_datagram = nullptr;
    kos::net::Datagram* last_datagram = nullptr;
    size_t waiting_bytes = 0;

    // Listener: connections that nobody has accepted yet; a connection: its listener meanwhile.
    kos_net_socket* listener = nullptr;
    kos::net::Node<kos_net_socket> accept_node;
    kos::net::List<kos_net_socket, &kos_net_socket::accept_node> accepts;

    kos_net_ready_fn_t ready = nullptr;
    void* context = nullptr;
    kos::net::Node<kos_net_socket> ready_node;
    kos::net::Node<kos_net_socket> open_node;
};

namespace kos::net {

using SocketKind = kos_net_socket::Kind;

// Where the network runs. All times in ticks of the counter.
class Platform : public Surroundings {
public:
    virtual uint64_t now() = 0;
    virtual uint64_t ticks_of_ms(uint32_t ms) = 0;
    // False: the link has something to do. True: there will be a signal.
    virtual bool prepare_sleep(bool wants_room) = 0;
    // Signals at `deadline`; replaces the last one.
    virtual void set_alarm(uint64_t deadline) = 0;
    // Sleeps until a signal. False: the program shall stop.
    virtual bool sleep() = 0;
    virtual uint64_t link_resets() = 0;

protected:
    ~Platform() = default;
};

struct NetworkConfig {
    StackConfig stack;
    InterfaceConfig interface;
    ip6_addr_t gateway6{};  // for kos_net_gateway alone: the link has one peer
    ip_addr_t dns{};
    bool has_dns = false;
    uint32_t sockets = 1024;
};

class Network {
public:
    Network(Platform& platform, Link& link, const NetworkConfig& config);
    // Closes what is open.
    ~Network();
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    void work();
    // Until done(argument) is true, or the deadline.
    kos_status_t wait(bool (*done)(void* argument), void* argument, uint64_t deadline);

    // Sends what a connection may send. Outside of work(), which does so in the end, the router is woken when all of it
    // is there.
    void output(tcp_pcb* pcb);
    // After a call outside of work(): the alarm for what it has begun. `at_once`: there is something to call back.
    void touched(bool at_once = false);

    // Null: there are too many, or no memory.
    kos_net_socket* make_socket(SocketKind kind);
    void destroy_socket(kos_net_socket* socket);
    // Something has been added to kos_net_ready().
    void mark(kos_net_socket* socket);

    // Its call-back is due.
    void add_done(Lookup* lookup);

    Platform& platform() { return platform_; }
    Stack& stack() { return stack_; }
    LinkInterface& interface() { return interface_; }
    const NetworkConfig& config() const { return config_; }
    uint32_t sockets() const { return sockets_; }

private:
    void dispatch();
    void wake_datagrams();
    void arm();

    Platform& platform_;
    NetworkConfig config_;
    Stack stack_;
    LinkInterface interface_;
    List<kos_net_socket, &kos_net_socket::ready_node> ready_;
    List<kos_net_socket, &kos_net_socket::open_node> open_;
    Lookup* done_lookups_ = nullptr;  // the last one first
    uint64_t alarm_ = 0;              // when the next one comes; 0: none
    uint64_t wait_deadline_ = 0;      // of wait(); 0: none
    uint32_t sockets_ = 0;
    bool is_working_ = false;
};

// Null before kos_net_open: using anything else then is a mistake.
extern Network* network;

// --- tcp.cpp, udp.cpp: their parts of what is common
uint32_t tcp_ready(const kos_net_socket& socket);
void tcp_destroy(kos_net_socket* socket, bool aborts);
void udp_destroy(kos_net_socket* socket);
void run_lookups(Lookup* first);

// --- address.cpp
ip_addr_t to_lwip(const kos_net_address_t& address);
kos_net_address_t from_lwip(const ip_addr_t& address, uint16_t port);
// False: a version that there is not, or reserved bits.
bool is_valid(const kos_net_address_t& address, bool allows_any);

}  // namespace kos::net

#endif
