// A system as its description says it, every value with its place: what load.cpp makes, the checks read, emit.cpp
// writes.
#ifndef KOS_TOOLS_MANIFEST_MODEL_H_
#define KOS_TOOLS_MANIFEST_MODEL_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "addresses.h"
#include "diagnostics.h"

namespace kos::compiler {

// A program file, checked (program.h).
struct Program {
    std::string path;
    std::vector<uint8_t> contents;
    std::array<uint8_t, 32> sha256{};
    uint64_t read_only_bytes = 0;  // whole pages, shared with the system image
    uint64_t writable_bytes = 0;   // whole pages, the domain's own
    uint64_t start = 0, end = 0;   // addresses, whole pages
};

struct ServedPort {
    Text name;
    Text interface;
    Number payload;
    bool queue = false;
    bool tokens = false;
    uint32_t number = 0;
};

struct UsedPort {
    Text port;
    bool wait = true;
    std::optional<bool> early;
    bool send_only = false;    // kos_msg_send only: never waits for the server
    bool is_optional = false;  // no mistake if nobody serves it
    bool is_implicit = false;  // the directory, which every server and client needs
};

struct InterruptLine {
    Number number;
    bool edge = false;
    std::string name;
};

struct Device {
    Text name;
    Number address;
    Number size;
    std::vector<InterruptLine> interrupts;
    bool shared = false;  // set by the checks, from [[share]]
};

struct DmaArea {
    Text name;
    Number size;
};

// A read-only file that the domain gets by pages.
struct ImageFile {
    Text name;
    Text file;
    std::string path;
    std::vector<uint8_t> contents;
    std::vector<uint8_t> page_hashes;  // bundle_format.h
    std::array<uint8_t, 32> sha256{};  // of the size and these
};

struct RingTo {
    Text name;
    Text to;
    Number size;
    Flag dma;                   // this side is told the physical address
    bool is_generated = false;  // of a network link, or the second one of a stream
    bool is_stream = false;     // of a [[stream]]
};

// Streams that this domain may open to another.
struct StreamTo {
    Text to;
    Number size;  // of each of its two rings
};

// Whom a rule is about, one of: everybody outside, a network, a domain, a host by name.
struct NetPeer {
    Text text;  // as written
    bool any = false;
    std::optional<Subnet> subnet;
    std::string domain;
    std::string host;  // with "*." in front for all names below
};

struct NetPorts {
    uint64_t first = 0, last = 0;
};

// [[network.allow]] or [[network.listen]].
struct NetRule {
    Place place;
    bool is_inbound = false;
    std::string protocol;
    std::vector<NetPeer> peers;
    std::vector<NetPorts> ports;
    Number forward;  // 0: none
    Number rate;     // packets per second, 0: no limit
};

// [network] of an app; the addresses are made by the checks.
struct AppNetwork {
    Place place;
    Number buffer;
    Text address;  // empty: by the domain's number
    std::vector<NetRule> rules;
    Address address4, gateway4, address6, gateway6;
};

// [network] of system.toml.
struct Uplink {
    Place place;
    Text driver;
    std::optional<At<Subnet>> address4, address6;  // none: DHCP; by router advertisements
    std::optional<At<Address>> gateway4, gateway6;
    bool has_v6 = true;
    std::vector<At<Address>> dns;
    std::vector<Text> ntp;
};

struct Domain {
    Text name;  // of the instance
    Place app;  // of the app's description
    std::string folder;
    bool is_core = false;  // found through "core:"
    uint32_t number = 0;
    uint32_t mode_mask = 0;

    Text binary;
    Number priority, memory, stack, budget_us, period_us, request_budget_us, core, threads, replies, persistent,
        staging, watchdog_ms, kernel_objects, program_priority, shutdown_ms;
    Flag passive;
    Text restart;
    std::vector<Text> arguments;
    std::map<std::string, Text> environment;
    std::map<std::string, Text> parameters;
    std::vector<Text> rights;
    std::vector<ServedPort> serves;
    std::vector<UsedPort> uses;
    std::vector<Device> devices;
    std::vector<DmaArea> dma;
    std::vector<RingTo> rings;
    std::vector<StreamTo> streams;
    std::vector<ImageFile> images;
    std::optional<AppNetwork> network;

    // Something of it was left out because of a mistake that has been reported; what is missing is no further mistake.
    bool is_incomplete = false;
    uint32_t memory_bits = 0;
    std::optional<Program> program;

    bool has_right(const char* right) const {
        for (const Text& text : rights) {
            if (text.value == right) {
                return true;
            }
        }
        return false;
    }
};

struct Group {
    Text name;
    Text strategy;
    std::vector<Text> members;
    Number intensity, period_s;
    Text escalate;
    std::vector<Number> back_off_ms;
};

struct Deny {
    Text from, to;
};

struct Share {
    Number device;
    std::vector<Text> domains;
};

// A used port and its server, both known to exist.
struct Connection {
    uint32_t client = 0;  // index into System::domains
    uint32_t server = 0;
    uint32_t port = 0;  // index into Domain::serves of the server
    uint32_t use = 0;   // index into Domain::uses of the client
    bool early = false;
};

struct System {
    Text name;
    Text board;
    Number generation;
    Number core_budget_percent;  // most that the budgets on one core may be together
    std::vector<Text> modes;
    std::vector<Domain> domains;
    std::vector<Group> groups;
    std::vector<Deny> denies;
    std::vector<Share> shares;
    std::optional<Uplink> network;

    bool is_incomplete = false;  // as Domain's, or a whole app is missing

    // Made by the checks.
    std::vector<Connection> connections;
    std::vector<uint32_t> start_order;  // indices into domains
};

}  // namespace kos::compiler

#endif
