/*
 * lwIP as one object: starting it, its clock, its memory, and the loop that moves packets.
 *
 * lwIP's state is global, so there is one Stack in a program at a time; it may be destroyed and made again (tests). It
 * belongs to one thread, which calls poll() whenever a link has signalled or sleep_ms() has passed, and uses lwIP's raw
 * interface (lwip/tcp.h, lwip/udp.h, lwip/raw.h, lwip/dns.h) in between. lwIP's callbacks come out of poll().
 *
 * Nothing blocks. What arrives is hostile: it never ends the program, costs bounded time per packet, and at most
 * StackConfig's memory.
 */
#ifndef KOS_LIB_LWIP_STACK_H_
#define KOS_LIB_LWIP_STACK_H_

#include <kos/net/interface.h>
#include <lwip/ip_addr.h>

#include <cstddef>
#include <cstdint>

struct raw_pcb;

namespace kos::net {

// An ICMP error about something that this domain has sent. From the wire, and as credible as that: of a TCP connection
// that is being set up the sequence number has been compared, of UDP the addresses and ports are all there is.
struct Unreachable {
    uint8_t protocol;   // of the packet: IP_PROTO_UDP, ...; TCP's are dealt with by the stack
    bool is_port;       // nobody listens on the port; else there is no way or no permission
    bool is_forbidden;  // no permission (RFC 1812, 5.2.7.1: codes 9, 10, 13; RFC 4443, 3.1: codes 1, 5, 6)
    ip_addr_t local, remote;
    uint16_t local_port, remote_port;  // 0: the protocol has none
};

// What the stack needs from outside. Must outlive it.
class Surroundings {
public:
    virtual uint32_t now_ms() = 0;                       // monotonic, modulo 2^32
    virtual void random(void* bytes, size_t count) = 0;  // fit for keys; if there is none, must not return
    // An assertion of lwIP or of ours does not hold.
    [[noreturn]] virtual void failed(const char* what, const char* file, int line) = 0;
    // Inside poll().
    virtual void unreachable(const Unreachable&) {}

protected:
    ~Surroundings() = default;
};

struct StackConfig {
    size_t memory_bytes = 1 << 20;       // all packets, connections and queues; from malloc
    uint32_t tcp_receive_bytes = 65536;  // window of a connection; 4 KiB to KOS_LWIP_WINDOW_MAX
    uint32_t tcp_send_bytes = 65536;     // that a connection buffers; as above
    uint32_t tcp_connections = 256;      // with those in TIME_WAIT, of which the oldest give way
    uint32_t tcp_listeners = 64;
    uint32_t udp_ports = 64;
    uint32_t raw_ports = 8;
};

class Stack {
public:
    Stack(Surroundings& surroundings, const StackConfig& config);
    // Aborts all connections, without a callback, and closes all ports. No LinkInterface may be left.
    ~Stack();
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    // Takes up to `packets` packets of each link, runs timers that are due, and sends what waited for room. The
    // other sides are woken in the end. True: call it again before sleeping. With 0 packets the links keep what they
    // have.
    bool poll(unsigned packets = 64);
    // For call-backs: whether what they are called for comes from a link; and that this poll() shall take no more.
    bool is_taking() const { return is_taking_; }
    void stop_taking() { is_taking_ = false; }
    // Link::hold and Link::flush for all links, around several calls of poll() or of lwIP. A poll() flushes in the end.
    void hold();
    void flush();
    // Packets of this domain to itself wait for poll().
    bool is_looping() const;
    // Milliseconds after which poll() must be called though nobody has signalled; UINT32_MAX: never.
    uint32_t sleep_ms() const;

    // A name is being looked up, or not any more: dns.h's timer runs in between. Before dns_gethostbyname, and in its
    // callback.
    void lookup_begins();
    void lookup_ends();
    // All that are under way end without an address.
    void end_lookups();
    // Inside dns.h's timer: a call-back without an address means that nobody has answered.
    bool is_in_lookup_timer() const { return is_in_lookup_timer_; }

    size_t memory_used() const;
    size_t memory_free() const;
    // Now, TIME_WAIT included.
    uint32_t tcp_connections() const;

private:
    friend class LinkInterface;

    void run_timers();
    void every_second();
    // Gives up data out of order, after an allocation has failed.
    void relieve();

    void attach(LinkInterface& interface);
    void detach(LinkInterface& interface);

    static uint8_t receive_icmp(void* self, raw_pcb* pcb, pbuf* packet, const ip_addr_t* from);
    void icmp_error(const Unreachable& what, uint32_t tcp_sequence);

    Surroundings& surroundings_;
    LinkInterface* interfaces_ = nullptr;
    raw_pcb* icmp4_ = nullptr;
    raw_pcb* icmp6_ = nullptr;
    uint32_t last_tcp_ms_, last_second_ms_;
    uint32_t lookups_ = 0;
    bool is_in_lookup_timer_ = false;
    bool was_connected_ = false;
    bool is_taking_ = false;
};

}  // namespace kos::net

#endif
