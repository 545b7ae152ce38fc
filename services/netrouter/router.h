/*
 * The router: packets in, packets out, on a clock that is given to it. No I/O, no allocation, no other clock; main.cpp
 * connects it to rings, tests to a network of their own.
 *
 * A packet is handed in where it lies, which may be memory that its sender can still change: the first kHeaderBytes are
 * copied and only that copy is looked at; the rest is payload, which is copied once, from there to where it goes.
 * Packets for the router itself, ICMP errors and fragments are copied whole before they are looked at.
 *
 * Parts: connections.h (what is allowed and how it is translated), rules.h (what may begin), names.h and
 * router_names.cpp (DNS), router_streams.cpp and stream.h (DNS over TCP), neighbours.h, dhcp.h, autoconf.h (the wire),
 * fragments.h, ntp.h.
 */
#ifndef KOS_SERVICES_NETROUTER_ROUTER_H_
#define KOS_SERVICES_NETROUTER_ROUTER_H_

#include "../common/saved.h"
#include "autoconf.h"
#include "connections.h"
#include "dhcp.h"
#include "dns.h"
#include "fragments.h"
#include "names.h"
#include "neighbours.h"
#include "ntp.h"
#include "rules.h"
#include "stream.h"

namespace kos::netrouter {

constexpr size_t kMtu = 1500;
constexpr size_t kEthernet = 14;

// How far the transport checksum of an outgoing packet is.
struct Offload {
    bool is_verified = false;  // known to be right: the receiver need not look
    bool is_partial = false;   // it holds the sum of the pseudo-header; the device shall finish it
    uint16_t start = 0;        // partial: from where on, and where it goes behind that; from the packet's IP header
    uint16_t offset = 0;
};

// What the router needs from its surroundings. None of these may block.
class Host {
public:
    // Room for a packet (the wire: an Ethernet frame) of `bytes`; null: none. It is written only, then sent by commit,
    // or dropped by another reserve.
    virtual uint8_t* reserve(Interface to, size_t bytes) = 0;
    virtual void commit(Interface to, size_t bytes, const Offload& offload) = 0;
    // Whether the device finishes partial checksums; else the router does.
    virtual bool wire_takes_partial() const = 0;
    // Unpredictable. False: there is none now, and nothing that needs it may go on.
    virtual bool random(uint64_t* value) = 0;
    // A denial to be written to the log, and how many of the same link were not since the last one.
    virtual void denied(const Denial& denial, uint64_t suppressed) = 0;
    // The wall clock, from NTP.
    virtual void set_wall(const Ntp::Time& time) = 0;
    // Addresses of the device have changed, or it lost them.
    virtual void uplink_changed() = 0;

protected:
    ~Host() = default;
};

struct Counters {
    uint64_t packets_in = 0;  // from the domain, or the wire
    uint64_t bytes_in = 0;
    uint64_t packets_out = 0;  // to it
    uint64_t bytes_out = 0;
    uint64_t full = 0;                // for it, dropped because it does not take what is there
    uint64_t refused[kReasons] = {};  // of packets_in, by Reason
    uint64_t denials = 0;             // of these, evidence
    uint64_t names = 0;               // DNS queries that were answered or passed on
};

class Router {
public:
    // Persistent memory that open() needs, aligned to 8.
    struct Kept {  // what is kept of the wire
        Lease lease;
        Network6 network6;
        uint64_t mac;
    };
    using SavedKept = service::Saved<Kept, 0x314e524b>;
    static constexpr size_t kKeptBytes = (SavedKept::kBytes + 63) / 64 * 64;
    static constexpr size_t kBytes = kKeptBytes + Names::kBytes + Connections::kBytes;
    static constexpr unsigned kDenials = 256;
    static constexpr unsigned kQueries = 64;
    static constexpr unsigned kQueriesOfLink = 16;
    static constexpr unsigned kNear = 16;  // connections of domains to the name service, and those of one of them
    static constexpr unsigned kNearOfLink = 4;
    static constexpr unsigned kFar = 8;  // connections to name servers

    Router(const Policy& policy, Host& host) : policy_(policy), host_(host), rules_(policy) {}

    // Takes over what the instance before has left in `memory`, as far as it is whole and the policy still allows it.
    // False: memory does not suffice, or there is no randomness. `restored`: connections that go on.
    bool open(void* memory, size_t bytes, uint64_t now_us, unsigned* restored);

    // The device is there (again), with this address. Until then nothing goes to the wire.
    void start_wire(Mac mac, size_t mtu, uint64_t now_us);
    // Whether there is a signal on the wire; there is one until somebody says otherwise.
    void set_carrier(bool is_up, uint64_t now_us);

    // A packet of a link; `is_partial`: its transport checksum is not filled in.
    void from_link(unsigned link, const uint8_t* bytes, size_t length, bool is_partial, uint64_t now_us);
    // An Ethernet frame. `is_verified`: the device has checked the transport checksum; `is_partial`: it came from a
    // neighbour that left it to us (QEMU).
    void from_wire(const uint8_t* frame, size_t length, bool is_verified, bool is_partial, uint64_t now_us);

    // What is due; to be called at next_us() at the latest.
    void tick(uint64_t now_us);
    uint64_t next_us() const { return next_us_; }

    // --- For the status interface and tests
    const Policy& policy() const { return policy_; }
    const Rules& rules() const { return rules_; }
    const Connections& connections() const { return connections_; }
    const Names& names() const { return names_; }
    const Counters& counters(Interface interface) const { return counters_[interface]; }
    const Dhcp& dhcp() const { return dhcp_; }
    const Autoconf& autoconf() const { return autoconf_; }
    bool is_wire_up() const { return is_wire_up_ && has_carrier_; }
    Mac mac() const { return mac_; }
    Ip own4() const { return own4_; }
    Ip own6() const { return own6_; }
    Ip gateway4() const { return gateway4_; }
    Ip gateway6() const { return gateway6_; }
    unsigned dns_servers(Ip* out) const;
    uint64_t wall_set_us() const { return wall_.at_us; }
    uint64_t denial_count() const { return denial_count_; }
    // The denial of that number, if the ring still has it.
    const Denial* denial(uint64_t sequence) const {
        const Denial& denial = denials_[sequence % kDenials];
        return sequence < denial_count_ && denial.sequence == sequence ? &denial : nullptr;
    }

private:
    // The packet at hand.
    struct Job {
        Packet packet;
        uint8_t* head = nullptr;  // private copy of its first bytes
        size_t head_bytes = 0;
        const uint8_t* rest = nullptr;  // the bytes behind them
        Interface from = kWire;
        bool is_partial = false;
        bool is_verified = false;
        bool was_whole = true;  // false: it came in fragments
        size_t largest = 0;     // of these
        uint64_t now_us = 0;
    };
    static constexpr uint8_t kNoStream = 0xff;
    struct Asker {
        uint8_t link = 0;            // kMaxLinks: the router itself
        uint8_t stream = kNoStream;  // the number of its connection; kNoStream: it asked by UDP
        Ip client;
        uint16_t client_port = 0;
    };
    struct Query {
        bool is_used = false;
        uint8_t server = 0;
        uint8_t tries = 0;
        uint8_t far = kNoStream;  // asked again by TCP, there
        Asker asker;
        Ip server_ip;
        uint16_t port = 0;
        uint16_t short_bytes = 0;  // what is answered if that fails, which waits in its stream; 0: nothing
        uint64_t sent_us = 0;
        DnsAsked asked;
        DnsQuery query;
    };

    // By TCP: a message with its length before it (RFC 1035, 4.2.2).
    static constexpr size_t kStreamBytes = 2 + kMostStreamAnswerBytes;
    static constexpr size_t kStreamQuestions = 1024;  // two questions at once, as resolvers send them
    struct Near {
        Stream stream;
        uint8_t link = 0;
        bool has_query = false;  // its question is being looked after
        Ip client;
        Ip gateway;
        uint16_t client_port = 0;
        uint8_t in[kStreamQuestions];
        uint8_t out[kStreamBytes];
    };
    struct Far {
        Stream stream;
        uint8_t query = kNoStream;  // whose answer it is for; kNoStream: it only has to end
        bool has_asked = false;
        Ip own;
        Ip server;
        uint16_t port = 0;
        uint64_t begun_us = 0;
        uint8_t in[kStreamBytes];
        uint8_t out[2 + kMostQueryBytes];
    };

    static constexpr unsigned kScratch = 2048;
    static constexpr uint16_t kFirstMapped = 16384;
    static constexpr unsigned kMappedPorts = 32768;
    static constexpr uint16_t kFirstOwn = 49152;
    static constexpr unsigned kOwnPorts = 16384;

    // router.cpp: policy, own addresses
    bool is_allowed(const Record& record) const;
    void addresses_changed(uint64_t now_us);
    void save();
    void plan(uint64_t now_us);
    void tick_wire(uint64_t now_us);
    void find_gateways(uint64_t now_us);
    void send_dhcp(const Dhcp::Message& message, const uint8_t* payload);
    bool is_own(const Ip& ip) const { return (!own4_.is_none() && ip == own4_) || autoconf_.is_own(ip); }
    int link_of(const Ip& ip) const;
    // An end of a link, or in the networks of links.
    bool is_inside(const Ip& ip) const;
    // Why a packet goes no further: counts, records, and tells the domain.
    void refuse(const Job& job, Reason reason, uint8_t domain = 0);
    void record(const Job& job, Reason reason, uint8_t domain, std::string_view name);

    // router_link.cpp
    Reason check_link(const Job& job) const;
    void route_link(Job& job);
    Reason begin_link(Job& job, Connections::Found& found);
    Reason begin_outbound(const Job& job, Connections::Found& found);
    Reason begin_between(const Job& job, unsigned target, Connections::Found& found);
    Reason begin_hairpin(const Job& job, Connections::Found& found);
    void to_gateway(Job& job);
    void answer_refusal(const Job& job, Reason reason);

    // router_wire.cpp
    void route_wire(Job& job, bool is_group);
    Reason begin_inbound(const Job& job, Connections::Found& found, uint8_t* domain);
    void input_arp(const uint8_t* at, size_t count, uint64_t now_us);
    void input_neighbour(const uint8_t* packet, const Packet& parsed, uint64_t now_us);
    bool input_own(Job& job);
    void learn(const Ip& ip, Mac mac, bool is_answer, uint64_t now_us);

    // router_send.cpp
    // What packets of both sides have in common. True: it was of a connection, or can be of none, and is dealt with.
    bool route_known(Job& job);
    static Tuple tuple_of(const Job& job) {
        const Packet& packet = job.packet;
        return {packet.source,           packet.destination, packet.source_port,
                packet.destination_port, packet.protocol,    job.from};
    }
    static Record first_record(const Job& job);
    Tuple end_at(const Job& job, unsigned target, uint16_t port) const;
    uint8_t* copy_whole(const Job& job);
    bool gather(Job& job, const uint8_t* bytes);
    // Keeps a connection that may begin. kTable: there is no room, or the other end talks from that port to this one
    // already.
    Reason begin(const Record& record, uint64_t now_us, Connections::Found& found);
    void forward(Job& job, Connections::Found found);
    Reason send_on(Job& job, Interface to, const Ip& destination);
    Reason send_whole(Interface to, const Ip& destination, uint8_t* packet, size_t length, uint64_t now_us);
    Reason send_pieces(Job& job, Interface to, const Ip& destination, size_t most);
    Reason to_link(const Job& job, Interface to, const Offload& offload);
    Reason to_wire(const Job& job, const Ip& destination, const Offload& offload);
    Reason next_hop(const Ip& destination, uint64_t now_us, Ip* hop) const;
    void solicit(const Ip& ip, uint64_t now_us);
    void send_frame(Mac to, uint16_t type, const uint8_t* bytes, size_t count);
    Offload finish_checksum(Job& job, Interface to);
    static void complete_checksum(const Job& job, size_t field);
    size_t write_udp(const Ip& source, const Ip& destination, uint16_t source_port, uint16_t destination_port,
                     const uint8_t* payload, size_t count, uint8_t* out) const;
    size_t mtu_of(Interface to) const { return to == kWire ? wire_mtu_ : kMtu; }

    // router_icmp.cpp
    void answer_echo(Job& job);
    void translate_error(Job& job);
    void send_error(const Job& job, uint8_t type4, uint8_t code4, uint8_t type6, uint8_t code6, uint32_t word);
    void send_reset(const Job& job);

    // router_names.cpp
    void input_query(const Job& job, const Asker& asker, const uint8_t* payload, size_t count);
    bool answer_locally(const Asker& asker, const DnsQuery& query, uint64_t now_us);
    bool input_answer(const Packet& packet, const uint8_t* payload, size_t count, uint64_t now_us);
    bool ask_server(Query& query, uint64_t now_us);
    void end_query(Query& query);
    void grant_answer(const Query& query, const DnsAnswer& answer, uint64_t now_us);
    void take_answer(const Query& query, const DnsAnswer& answer, const uint8_t* payload, size_t count,
                     uint64_t now_us);
    void answer_query(const Query& query, uint8_t code, uint64_t now_us);
    void reply(const Asker& asker, const uint8_t* message, size_t count, uint64_t now_us);
    void tick_names(uint64_t now_us);
    void tick_time(uint64_t now_us);
    bool input_time(const Packet& packet, const uint8_t* payload, size_t count, uint64_t now_us);
    bool is_own_port_used(uint16_t port) const;
    bool choose_own_port(uint16_t* port);

    // router_streams.cpp
    class StreamOut;
    void input_near(const Job& job, const uint8_t* packet);
    Near* accept_near(const Job& job, const Segment& syn);
    void serve_near(Near& near, uint64_t now_us);
    void drop_near(Near& near, uint64_t now_us);
    void reply_near(Near& near, size_t count, uint64_t now_us);
    bool ask_by_stream(Query& query, uint64_t now_us);
    Far* find_far(const Packet& packet);
    void input_far(Far& far, const Packet& packet, uint64_t now_us);
    void read_far(Far& far, uint64_t now_us);
    void fail_far(Far& far, uint64_t now_us);
    void tick_streams(uint64_t now_us);
    Job job_of(const Near& near, uint64_t now_us) const;

    const Policy& policy_;
    Host& host_;
    Rules rules_;
    Names names_;
    Connections connections_;
    Neighbours neighbours_;
    Dhcp dhcp_;
    Autoconf autoconf_;
    Fragments fragments_;
    Ntp ntp_;
    SavedKept saved_;
    Kept kept_ = {};

    bool is_wire_up_ = false;  // the driver has begun
    bool has_carrier_ = true;
    bool must_find_gateways_ = false;
    Mac mac_;
    Ip own4_, own6_;
    Ip gateway4_, gateway6_;
    Prefix network4_, network6_;
    Prefix others_[kMaxLinks];  // networks of links with addresses of their own
    unsigned other_count_ = 0;
    size_t wire_mtu_ = kMtu;
    size_t device_mtu_ = kMtu;
    uint16_t next_id_ = 0;  // of packets of our own and of fragments
    uint64_t next_us_ = 0;
    uint64_t next_expiry_us_ = 0;
    uint64_t next_tick_us_ = 0;

    Near near_[kNear];
    Far far_[kFar];
    DnsAnswer read_answer_;  // of the message at hand
    Query queries_[kQueries];
    unsigned queries_of_link_[kMaxLinks + 1] = {};
    Ip ntp_servers_[kMaxServers];  // those of the manifest that are addresses or could be looked up
    unsigned ntp_turn_ = 0;
    uint16_t ntp_port_ = 0;
    Ip ntp_asked_;
    Ntp::Time wall_;

    Counters counters_[kMaxLinks + 1];
    Denial denials_[kDenials];
    uint64_t denial_count_ = 0;
    Bucket log_[kMaxLinks + 1];
    uint64_t suppressed_[kMaxLinks + 1] = {};
    Bucket errors_[kMaxLinks + 1];  // messages of ours about refused packets, and passed on ones
    Bucket echoes_[kMaxLinks + 1];

    alignas(16) uint8_t head_[kEthernet + 2 + kHeaderBytes];
    alignas(16) uint8_t scratch_[kScratch];
    alignas(16) uint8_t answer_[kScratch];
};

}  // namespace kos::netrouter

#endif
