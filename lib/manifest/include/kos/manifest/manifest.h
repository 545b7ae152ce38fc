// The compiled manifest (docs/manifest.md, "The compiled form"), read into plain tables and checked once.
//
// Used by root (domains, ports, connections, rings, devices), by appman (groups, start order, restart) and by host
// tests. It trusts no byte of its input: after read() has succeeded, every reference, range and name in the tables is
// valid and needs no second check. It decides nothing about rights beyond that; the policy checks are those of
// tools/manifest. No heap, no global state; the tables point into the input, which must stay mapped and unchanged.
#pragma once

#include <kos/abi.h>
#include <stddef.h>
#include <stdint.h>

namespace kos::manifest {

// Limits of one manifest beyond those of abi.h. tools/manifest refuses what read() would refuse.
constexpr uint32_t kMaxModes = 16;
constexpr uint32_t kMaxDevices = 128;
constexpr uint32_t kMaxInterrupts = 128;
constexpr uint32_t kMaxDma = 128;
constexpr uint32_t kMaxRings = 256;
constexpr uint32_t kMaxImages = 64;
constexpr uint32_t kMaxParameters = 1024;
constexpr uint32_t kMaxTexts = 512;  // arguments, environment
constexpr uint32_t kMaxGroups = 64;
constexpr uint32_t kMaxMembers = KOS_MAX_DOMAINS + kMaxGroups;  // of all groups
constexpr uint32_t kMaxBackOff = 8;
constexpr uint32_t kMaxDomainInterrupts = 16;  // bits KOS_SIGNAL_IRQ_0..
constexpr uint32_t kMaxDomainRings = 160;      // both directions together: two for each domain with network, and others
constexpr uint32_t kMaxNetRules = 512;
constexpr uint32_t kMaxNetPeers = 512;  // of all rules
constexpr uint32_t kMaxNetPorts = 1024;
constexpr uint32_t kMaxNetServers = 4;        // for names, and for the time
constexpr uint32_t kMaxNetRate = 10'000'000;  // packets per second
constexpr uint32_t kMaxHostBytes = 253;       // of a host's name: RFC 1035, 2.3.4, as text
constexpr uint32_t kMaxTextBytes = 255;  // an argument, environment entry or parameter value, without the final zero
constexpr uint32_t kMaxPriority = 250;
constexpr uint32_t kMaxCores = 64;       // numbers of cores are below; the machine may have fewer
constexpr uint32_t kMinMemoryBits = 16;  // 64 KiB: the kernel objects of the smallest domain
constexpr uint32_t kMaxMemoryBits = 36;
constexpr uint32_t kMinBudgetUs = 10;  // twice what the kernel takes as the smallest budget
constexpr uint32_t kMaxPeriodUs = 10'000'000;
// Size of a thread's scheduling context, 2^bits bytes: room for 26 refills. Each time that a thread falls asleep, what
// it used comes back a period later, as a refill of its own. Where there are only two, uses are put together and come
// back with the last one: a thread that often does a little stands still for nearly a period once its budget is used
// up.
constexpr uint32_t kThreadTimeBits = 9;
constexpr uint32_t kMaxTimeMs = 3'600'000;
constexpr uint64_t kMaxAreaBytes = 1u << 30;  // stack, DMA, ring, persistent memory
constexpr uint32_t kMaxRingBytes = 16u << 20;
constexpr uint32_t kFirstInterrupt = 16;  // GICv2: 0..15 are software-generated
constexpr uint32_t kLastInterrupt = 1019;

// Domain::rights.
enum : uint32_t {
    kRightManifest = 1u << 0,     // reads the manifest
    kRightControl = 1u << 1,      // starts and ends domains
    kRightTime = 1u << 2,         // ends other domains' calls at their deadline
    kRightEntropy = 1u << 3,      // gets the boot entropy
    kRightDevelopment = 1u << 4,  // obeys who has the development key; root runs it on no other manifest
};

enum class Restart : uint8_t { kPermanent, kTransient, kTemporary };
enum class Strategy : uint8_t { kOneForOne, kOneForAll, kRestForOne };
enum class Escalation : uint8_t { kParent, kMode, kReboot };

// A piece of one of the tables: entries first .. first + count - 1.
struct Range {
    uint16_t first;
    uint16_t count;
};

struct Device {
    const char* name;
    uint64_t address;  // physical, page-aligned
    uint64_t bytes;    // whole pages
    bool shared;       // another domain may have the same pages
};

struct Interrupt {
    const char* name;  // of the device; "NAME-1" for its second
    uint32_t number;   // of the interrupt controller
    bool edge;
};

struct Dma {
    const char* name;
    uint64_t bytes;  // whole pages
};

// A read-only file of the bundle that the domain gets by pages.
struct Image {
    const char* name;
    const uint8_t* file;  // its SHA-256, 32 bytes
};

struct Parameter {
    const char* name;
    const char* value;
};

struct Domain {
    const char* name;        // null: there is no domain of this number
    const uint8_t* program;  // SHA-256 of the ELF file, 32 bytes
    uint32_t number;
    uint32_t memory_bits;  // quota is 2^n bytes
    uint32_t priority;     // 1..kMaxPriority
    uint32_t stack_bytes;  // whole pages
    uint32_t budget_us;    // smaller than period_us
    uint32_t period_us;
    uint32_t request_budget_us;
    uint32_t core;
    uint32_t threads;           // 1..KOS_MAX_THREADS, main thread included
    uint32_t replies;           // 1..KOS_MAX_REPLIES
    uint32_t watchdog_ms;       // 0: never asked
    uint32_t persistent_bytes;  // whole pages
    uint32_t staging_bytes;     // whole pages; only with kRightDevelopment
    uint64_t kernel_objects;    // bytes of untyped memory for objects of its own, whole pages; 0: none
    uint32_t program_priority;  // greatest priority of threads that it makes of them; below `priority`
    uint32_t shutdown_ms;
    uint32_t mode_mask;  // bit n: runs in mode n
    uint32_t rights;     // kRight*
    Restart restart;
    bool passive;
    Range arguments;    // of Manifest::texts
    Range environment;  // of Manifest::texts, NAME=VALUE
    Range devices, interrupts, dma, images, parameters;
    uint8_t group;  // index into Manifest::groups, kNoGroup: the root group
};

constexpr uint8_t kNoGroup = 0xff;

struct Port {
    const char* name;  // null: there is no port of this number
    const char* interface;
    uint32_t number;
    uint32_t server;   // domain
    uint32_t payload;  // bytes, 0..KOS_PAYLOAD_MAX; 0: no window
    bool queue;
    bool tokens;
};

struct Connection {
    uint32_t client;  // domain
    uint32_t port;
    bool early;      // in the startup block with its slot
    bool send_only;  // kos_msg_send only: the client gets queue and signal, no capability to call
};

struct Ring {
    const char* name;
    uint32_t producer, consumer;  // domains
    uint32_t bytes;               // whole pages
    bool dma;                     // the producer is told the physical address
    bool stream;                  // of a [[stream]]: each side is told at once when the other has ended
};

// A member is a domain or another group.
struct Member {
    uint8_t number;  // of the domain, or index of the group
    bool is_group;
};

struct Group {
    const char* name;
    Strategy strategy;
    Escalation escalation;
    uint8_t escalation_mode;  // index, if escalation is kMode
    uint8_t parent;           // index, kNoGroup: the root group
    uint32_t intensity;       // restarts within period_s
    uint32_t period_s;
    uint32_t back_off_count;
    uint32_t back_off_ms[kMaxBackOff];
    Range members;  // of Manifest::members, in start order
};

// --- Network: what netrouter lets pass. Addresses are in network byte order; everything not allowed is denied.

enum class NetProtocol : uint8_t { kTcp, kUdp, kIcmp, kAny };  // kIcmp: of either version
enum class NetPeerKind : uint8_t { kAny, kNetwork4, kNetwork6, kDomain, kHost };

// An IPv4 address is in the first 4 bytes.
struct NetAddress {
    uint8_t bytes[16];
    bool is_v6;
};

// With whom: kAny and networks mean addresses outside; another domain is reached by its name only.
struct NetPeer {
    NetPeerKind kind;
    uint8_t domain;     // kDomain: its number; it has a link
    uint8_t prefix;     // networks: length in bits; the address's other bits are 0
    bool is_wildcard;   // kHost: every name that ends with "." and `host`, and not `host` itself
    uint8_t bytes[16];  // networks
    const char* host;   // kHost: lower case, without a final dot
};

struct NetPorts {
    uint16_t first, last;  // 1..65535
};

struct NetRule {
    uint8_t domain;        // whose link; the rule's number in the manifest is its index
    bool is_inbound;       // false: what the domain may begin (allow); true: what may be begun towards it (listen)
    NetProtocol protocol;  // inbound: not kAny
    uint16_t forward;      // inbound: port on the device's own address; 0: only for other domains
    uint32_t rate;         // packets per second in the rule's direction; 0: no limit
    Range peers;           // of Manifest::net_peers, at least one; outbound exactly one
    Range ports;           // of Manifest::net_ports; none: all. Inbound TCP and UDP: exactly one port; ICMP: none
};

// A domain's private link. The domain's parameters net_* say the same addresses.
struct NetLink {
    uint8_t domain;
    uint16_t out, in;                  // indices of the rings net_DOMAIN_out (to the router), net_DOMAIN_in
    uint8_t address4[4], gateway4[4];  // the domain's end, the router's
    uint8_t address6[16], gateway6[16];
    Range rules;  // of Manifest::net_rules
};

enum class NetAddress6 : uint8_t { kNone, kAuto, kStatic };

// The device's own address and what it needs besides. Without router there is no network.
struct Network {
    uint8_t router, driver;  // domains; 0: no network
    bool is_dhcp;            // IPv4 address, gateway and name servers by DHCP; else address4 and prefix4
    NetAddress6 mode6;
    uint8_t address4[4], gateway4[4];  // gateway: all 0 for none
    uint8_t address6[16], gateway6[16];
    uint8_t prefix4, prefix6;
    uint8_t dns_count, ntp_count;
    NetAddress dns[kMaxNetServers];
    const char* ntp[kMaxNetServers];  // names of hosts, or addresses as text
};

struct Manifest {
    const char* system;
    const char* board;
    uint64_t generation;
    uint32_t mode_count;
    const char* modes[kMaxModes];

    uint32_t domain_count;
    Domain domains[KOS_MAX_DOMAINS];  // by number; 0 is root and absent
    uint32_t port_count;
    Port ports[KOS_MAX_PORTS];  // by number; 0 is absent
    uint32_t connection_count;
    Connection connections[KOS_MAX_CONNECTIONS];
    uint32_t ring_count;
    Ring rings[kMaxRings];
    uint32_t group_count;
    Group groups[kMaxGroups];
    uint32_t member_count;
    Member members[kMaxMembers];
    uint8_t start_order[KOS_MAX_DOMAINS];  // domain_count numbers of domains

    uint32_t text_count;
    const char* texts[kMaxTexts];
    uint32_t device_count;
    Device devices[kMaxDevices];
    uint32_t interrupt_count;
    Interrupt interrupts[kMaxInterrupts];
    uint32_t dma_count;
    Dma dma[kMaxDma];
    uint32_t image_count;
    Image images[kMaxImages];
    uint32_t parameter_count;
    Parameter parameters[kMaxParameters];

    Network network;
    uint32_t net_link_count;
    NetLink net_links[KOS_MAX_DOMAINS];
    uint32_t net_rule_count;
    NetRule net_rules[kMaxNetRules];
    uint32_t net_peer_count;
    NetPeer net_peers[kMaxNetPeers];
    uint32_t net_port_count;
    NetPorts net_ports[kMaxNetPorts];
};

// What is wrong with a manifest and where.
struct Error {
    const char* text = nullptr;  // what was expected; static storage; null: nothing is wrong
    int64_t found = 0;    // the number that was found, where there is one; libfdt's error code for a damaged tree
    char path[128] = {};  // of the node, and of the property behind a colon: "/domains/sensor:priority"
};

class [[nodiscard]] Status {
public:
    Status() = default;
    explicit Status(const Error& error) : error_(error) {}
    bool ok() const { return error_.text == nullptr; }
    const Error& error() const { return error_; }

private:
    Error error_;
};

// Reads the flattened device tree of `size_bytes` bytes at `tree` (aligned to 8 bytes) into `manifest`, which must be
// read only if the status is ok. Needs at most 4 KiB of stack.
Status read(const void* tree, size_t size_bytes, Manifest& manifest);

// The domain, port or mode of that name; 0 (modes: -1) if there is none.
uint32_t find_domain(const Manifest& manifest, const char* name);
uint32_t find_port(const Manifest& manifest, const char* name);
int find_mode(const Manifest& manifest, const char* name);

// The network link of a domain, null if it has none.
const NetLink* find_link(const Manifest& manifest, uint32_t domain);

// The value of a parameter, null if the domain has none of that name.
const char* find_parameter(const Manifest& manifest, const Domain& domain, const char* name);

}  // namespace kos::manifest
