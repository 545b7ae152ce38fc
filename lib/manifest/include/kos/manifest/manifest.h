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
constexpr uint32_t kMaxRings = 128;
constexpr uint32_t kMaxImages = 64;
constexpr uint32_t kMaxParameters = 512;
constexpr uint32_t kMaxTexts = 512;  // arguments, environment
constexpr uint32_t kMaxGroups = 64;
constexpr uint32_t kMaxMembers = KOS_MAX_DOMAINS + kMaxGroups;  // of all groups
constexpr uint32_t kMaxBackOff = 8;
constexpr uint32_t kMaxDomainInterrupts = 16;  // bits KOS_SIGNAL_IRQ_0..
constexpr uint32_t kMaxDomainRings = 16;       // bits KOS_SIGNAL_RING_0.., both directions together
constexpr uint32_t kMaxTextBytes = 255;  // an argument, environment entry or parameter value, without the final zero
constexpr uint32_t kMaxPriority = 250;
constexpr uint32_t kMaxCores = 64;       // numbers of cores are below; the machine may have fewer
constexpr uint32_t kMinMemoryBits = 16;  // 64 KiB: the kernel objects of the smallest domain
constexpr uint32_t kMaxMemoryBits = 36;
constexpr uint32_t kMinBudgetUs = 10;  // twice what the kernel takes as the smallest budget
constexpr uint32_t kMaxPeriodUs = 10'000'000;
constexpr uint32_t kMaxTimeMs = 3'600'000;
constexpr uint64_t kMaxAreaBytes = 1u << 30;  // stack, DMA, ring, persistent memory
constexpr uint32_t kMaxRingBytes = 16u << 20;
constexpr uint32_t kFirstInterrupt = 16;  // GICv2: 0..15 are software-generated
constexpr uint32_t kLastInterrupt = 1019;

// Domain::rights.
enum : uint32_t {
    kRightManifest = 1u << 0,  // reads the manifest
    kRightControl = 1u << 1,   // starts and ends domains
    kRightTime = 1u << 2,      // ends other domains' calls at their deadline
    kRightEntropy = 1u << 3,   // gets the boot entropy
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

// The value of a parameter, null if the domain has none of that name.
const char* find_parameter(const Manifest& manifest, const Domain& domain, const char* name);

}  // namespace kos::manifest
