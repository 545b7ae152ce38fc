// See manifest.h. The nodes one after the other; what must hold between them is in references.cpp.
#include <kos/manifest/manifest.h>
#include <libfdt.h>
#include <string.h>

#include "network.h"
#include "node_reader.h"
#include "references.h"

namespace kos::manifest {
namespace {

constexpr uint32_t kFdtVersion = 17;
constexpr const char* kRestarts[] = {"permanent", "transient", "temporary"};
constexpr const char* kStrategies[] = {"one_for_one", "one_for_all", "rest_for_one"};
constexpr const char* kRights[] = {"manifest", "control", "time", "entropy", "development"};

#define KOS_AT(type, member) static_cast<uint16_t>(offsetof(type, member))

constexpr Field kDomainFields[] = {
    {"number", Kind::kU32, KOS_AT(Domain, number), 1, KOS_MAX_DOMAINS - 1},
    {.name = "program", .kind = Kind::kHash, .offset = KOS_AT(Domain, program), .is_required = true},
    {"memory-bits", Kind::kU32, KOS_AT(Domain, memory_bits), kMinMemoryBits, kMaxMemoryBits},
    {"priority", Kind::kU32, KOS_AT(Domain, priority), 1, kMaxPriority},
    {"stack-bytes", Kind::kU32, KOS_AT(Domain, stack_bytes), KOS_PAGE_BYTES, kMaxAreaBytes, KOS_PAGE_BYTES},
    {"budget-us", Kind::kU32, KOS_AT(Domain, budget_us), kMinBudgetUs, kMaxPeriodUs},
    {"period-us", Kind::kU32, KOS_AT(Domain, period_us), kMinBudgetUs, kMaxPeriodUs},
    {"request-budget-us", Kind::kU32, KOS_AT(Domain, request_budget_us), 0, kMaxPeriodUs},
    {"core", Kind::kU32, KOS_AT(Domain, core), 0, kMaxCores - 1},
    {"threads", Kind::kU32, KOS_AT(Domain, threads), 1, KOS_MAX_THREADS},
    {"replies", Kind::kU32, KOS_AT(Domain, replies), 1, KOS_MAX_REPLIES},
    {"watchdog-ms", Kind::kU32, KOS_AT(Domain, watchdog_ms), 0, kMaxTimeMs},
    {"persistent-bytes", Kind::kU32, KOS_AT(Domain, persistent_bytes), 0, kMaxAreaBytes, KOS_PAGE_BYTES},
    {"staging-bytes", Kind::kU32, KOS_AT(Domain, staging_bytes), 0, kMaxAreaBytes, KOS_PAGE_BYTES},
    {"kernel-objects", Kind::kU64, KOS_AT(Domain, kernel_objects), 0, uint64_t{1} << kMaxMemoryBits, KOS_PAGE_BYTES},
    {"program-priority", Kind::kU32, KOS_AT(Domain, program_priority), 0, kMaxPriority},
    {"shutdown-ms", Kind::kU32, KOS_AT(Domain, shutdown_ms), 0, kMaxTimeMs},
    {"mode-mask", Kind::kU32, KOS_AT(Domain, mode_mask), 1, (1u << kMaxModes) - 1},
    {.name = "restart", .kind = Kind::kChoice, .offset = KOS_AT(Domain, restart), .choices = kRestarts},
    {"passive", Kind::kFlag, KOS_AT(Domain, passive)},
    {.name = "rights", .kind = Kind::kChoices, .offset = KOS_AT(Domain, rights), .choices = kRights},
    {"arguments", Kind::kTexts, KOS_AT(Domain, arguments)},
    {"environment", Kind::kTexts, KOS_AT(Domain, environment)},
};

struct RawDevice {
    Region reg;
    bool shared;
};
constexpr Field kDeviceFields[] = {
    {.name = "reg", .kind = Kind::kRegion, .offset = KOS_AT(RawDevice, reg), .is_required = true},
    {"shared", Kind::kFlag, KOS_AT(RawDevice, shared)},
};

constexpr Field kInterruptFields[] = {
    {"number", Kind::kU32, KOS_AT(Interrupt, number), kFirstInterrupt, kLastInterrupt},
    {"edge", Kind::kFlag, KOS_AT(Interrupt, edge)},
};

constexpr Field kDmaFields[] = {
    {"bytes", Kind::kU64, KOS_AT(Dma, bytes), KOS_PAGE_BYTES, kMaxAreaBytes, KOS_PAGE_BYTES},
};

constexpr Field kImageFields[] = {
    {.name = "file", .kind = Kind::kHash, .offset = KOS_AT(Image, file), .is_required = true},
};

constexpr Field kPortFields[] = {
    {"number", Kind::kU32, KOS_AT(Port, number), 1, KOS_MAX_PORTS - 1},
    {"server", Kind::kU32, KOS_AT(Port, server), 1, KOS_MAX_DOMAINS - 1},
    {"interface", Kind::kText, KOS_AT(Port, interface)},
    {"payload", Kind::kU32, KOS_AT(Port, payload), 0, KOS_PAYLOAD_MAX},
    {"queue", Kind::kFlag, KOS_AT(Port, queue)},
    {"tokens", Kind::kFlag, KOS_AT(Port, tokens)},
};

constexpr Field kConnectionFields[] = {
    {"client", Kind::kU32, KOS_AT(Connection, client), 1, KOS_MAX_DOMAINS - 1},
    {"port", Kind::kU32, KOS_AT(Connection, port), 1, KOS_MAX_PORTS - 1},
    {"early", Kind::kFlag, KOS_AT(Connection, early)},
    {"send-only", Kind::kFlag, KOS_AT(Connection, send_only)},
};

constexpr Field kRingFields[] = {
    {"producer", Kind::kU32, KOS_AT(Ring, producer), 1, KOS_MAX_DOMAINS - 1},
    {"consumer", Kind::kU32, KOS_AT(Ring, consumer), 1, KOS_MAX_DOMAINS - 1},
    {"bytes", Kind::kU32, KOS_AT(Ring, bytes), KOS_PAGE_BYTES, kMaxRingBytes, KOS_PAGE_BYTES},
    {"dma", Kind::kFlag, KOS_AT(Ring, dma)},
    {"stream", Kind::kFlag, KOS_AT(Ring, stream)},
};

struct RawRoot {
    const char* compatible;
    const char* system;
    const char* board;
    uint64_t generation;
    TextList modes;
    CellList start_order;
};
constexpr Field kRootFields[] = {
    {.name = "compatible", .kind = Kind::kText, .offset = KOS_AT(RawRoot, compatible), .is_required = true},
    {.name = "system", .kind = Kind::kText, .offset = KOS_AT(RawRoot, system), .is_required = true},
    {.name = "board", .kind = Kind::kText, .offset = KOS_AT(RawRoot, board), .is_required = true},
    {"generation", Kind::kU64, KOS_AT(RawRoot, generation), 1, UINT64_MAX},
    {.name = "modes", .kind = Kind::kList, .offset = KOS_AT(RawRoot, modes), .is_required = true},
    {"start-order", Kind::kCells, KOS_AT(RawRoot, start_order), 1, KOS_MAX_DOMAINS - 1},
};

class Reader {
public:
    Reader(const void* tree, Manifest& manifest) : nodes_(tree, manifest), tree_(tree), manifest_(manifest) {}

    bool run() {
        return read_root() && read_each("domains", &Reader::read_domain) && read_each("ports", &Reader::read_port) &&
               read_each("connections", &Reader::read_connection) && read_each("rings", &Reader::read_ring) &&
               read_each("groups", &Reader::read_group) && read_network(nodes_, manifest_) &&
               check_references(nodes_, manifest_, group_nodes_) && read_start_order();
    }
    const Error& error() const { return nodes_.error(); }

private:
    using Read = bool (Reader::*)(int node);

    // Calls `read` for each child of the child `name` of `parent`, if there is one.
    bool read_each(const char* name, Read read, int parent = 0) {
        const int folder = fdt_subnode_offset(tree_, parent, name);
        if (folder == -FDT_ERR_NOTFOUND) {
            return true;
        }
        if (folder < 0 || !nodes_.has_no_properties(folder)) {
            return folder >= 0 ? false : nodes_.fail(parent, nullptr, "the node cannot be read", folder);
        }
        int node = 0;
        fdt_for_each_subnode(node, tree_, folder) {
            if (!(this->*read)(node)) {
                return false;
            }
        }
        return node == -FDT_ERR_NOTFOUND || nodes_.fail(folder, nullptr, "the node cannot be read", node);
    }

    bool read_root() {
        constexpr const char* kChildren[] = {"domains", "ports", "connections", "rings", "groups", "network"};
        RawRoot raw{};
        if (!nodes_.read_fields(0, kRootFields, &raw) || !nodes_.check_children(0, kChildren)) {
            return false;
        }
        if (strcmp(raw.compatible, "kos,manifest-1") != 0) {
            return nodes_.fail(0, "compatible", "\"kos,manifest-1\" is expected");
        }
        if (!is_name(raw.system) && !is_name(raw.system, true)) {
            return nodes_.fail(0, "system", "a name is expected");
        }
        manifest_.system = raw.system;
        manifest_.board = raw.board;
        manifest_.generation = raw.generation;
        start_order_ = raw.start_order;
        while (const char* mode = next_text(raw.modes)) {
            if (manifest_.mode_count == kMaxModes || !is_name(mode) || find_mode(manifest_, mode) >= 0) {
                return nodes_.fail(0, "modes", "at most 16 different names are expected");
            }
            manifest_.modes[manifest_.mode_count++] = mode;
        }
        return true;
    }

    bool read_domain(int node) {
        constexpr const char* kChildren[] = {"devices", "interrupts", "dma", "images", "parameters"};
        const char* name = nodes_.read_name(node);
        if (name == nullptr) {
            return false;
        }
        Domain domain{};
        domain.name = name;
        domain.group = kNoGroup;
        if (!nodes_.read_fields(node, kDomainFields, &domain) || !nodes_.check_children(node, kChildren)) {
            return false;
        }
        if (find_domain(manifest_, name) != 0) {
            return nodes_.fail(node, nullptr, "another domain has the name");
        }
        if (manifest_.domains[domain.number].name != nullptr) {
            return nodes_.fail(node, "number", "another domain has the number", domain.number);
        }
        if (domain.budget_us >= domain.period_us) {
            return nodes_.fail(node, "budget-us", "less than period-us is expected", domain.budget_us);
        }
        if (domain.mode_mask >> manifest_.mode_count != 0) {
            return nodes_.fail(node, "mode-mask", "a bit for a mode is expected", domain.mode_mask);
        }
        if (domain.kernel_objects >= uint64_t{1} << domain.memory_bits) {
            return nodes_.fail(node, "kernel-objects", "less than the quota is expected",
                               static_cast<int64_t>(domain.kernel_objects));
        }
        if ((domain.kernel_objects != 0) != (domain.program_priority != 0) ||
            domain.program_priority >= domain.priority) {
            return nodes_.fail(node, "program-priority", "with kernel-objects, and below priority, is expected",
                               domain.program_priority);
        }
        if (domain.staging_bytes != 0 && !(domain.rights & kRightDevelopment)) {
            return nodes_.fail(node, "staging-bytes", "the right \"development\" is expected", domain.staging_bytes);
        }
        domain.devices.first = static_cast<uint16_t>(manifest_.device_count);
        domain.interrupts.first = static_cast<uint16_t>(manifest_.interrupt_count);
        domain.dma.first = static_cast<uint16_t>(manifest_.dma_count);
        domain.images.first = static_cast<uint16_t>(manifest_.image_count);
        if (!read_each("devices", &Reader::read_device, node) ||
            !read_each("interrupts", &Reader::read_interrupt, node) || !read_each("dma", &Reader::read_dma, node) ||
            !read_each("images", &Reader::read_image, node) || !read_parameters(node, domain)) {
            return false;
        }
        domain.devices.count = static_cast<uint16_t>(manifest_.device_count - domain.devices.first);
        domain.interrupts.count = static_cast<uint16_t>(manifest_.interrupt_count - domain.interrupts.first);
        domain.dma.count = static_cast<uint16_t>(manifest_.dma_count - domain.dma.first);
        domain.images.count = static_cast<uint16_t>(manifest_.image_count - domain.images.first);
        if (domain.images.count != 0 && domain.kernel_objects == 0) {
            return nodes_.fail(node, "images", "a domain with kernel-objects is expected", domain.images.count);
        }
        if (domain.interrupts.count > kMaxDomainInterrupts) {
            return nodes_.fail(node, nullptr, "at most 16 interrupts are expected", domain.interrupts.count);
        }
        manifest_.domains[domain.number] = domain;
        ++manifest_.domain_count;
        return check_texts(node, domain);
    }

    // Environment entries are NAME=VALUE.
    bool check_texts(int node, const Domain& domain) {
        for (uint32_t i = 0; i < domain.environment.count; ++i) {
            const char* text = manifest_.texts[domain.environment.first + i];
            const char* equals = strchr(text, '=');
            if (equals == nullptr || equals == text) {
                return nodes_.fail(node, "environment", "NAME=VALUE is expected");
            }
        }
        return true;
    }

    // The names of devices and the like are unique within their domain; libfdt's names of children are not.
    template <typename T>
    static bool is_new(const T* table, uint32_t first, uint32_t end, const char* name) {
        for (uint32_t i = first; i < end; ++i) {
            if (strcmp(table[i].name, name) == 0) {
                return false;
            }
        }
        return true;
    }

    bool read_device(int node) {
        const char* name = nodes_.read_name(node);
        RawDevice raw{};
        if (name == nullptr || !nodes_.read_fields(node, kDeviceFields, &raw) || !nodes_.has_no_children(node)) {
            return false;
        }
        if (manifest_.device_count == kMaxDevices) {
            return nodes_.fail(node, nullptr, "at most 128 devices are expected in all");
        }
        manifest_.devices[manifest_.device_count++] = {name, raw.reg.address, raw.reg.bytes, raw.shared};
        return true;
    }

    bool read_interrupt(int node) {
        Interrupt interrupt{};
        interrupt.name = fdt_get_name(tree_, node, nullptr);
        if (interrupt.name == nullptr || !is_name(interrupt.name, true)) {
            return nodes_.fail(node, nullptr, "a name is expected");
        }
        if (!nodes_.read_fields(node, kInterruptFields, &interrupt) || !nodes_.has_no_children(node)) {
            return false;
        }
        if (manifest_.interrupt_count == kMaxInterrupts) {
            return nodes_.fail(node, nullptr, "at most 128 interrupts are expected in all");
        }
        manifest_.interrupts[manifest_.interrupt_count++] = interrupt;
        return true;
    }

    bool read_dma(int node) {
        Dma dma{};
        dma.name = nodes_.read_name(node);
        if (dma.name == nullptr || !nodes_.read_fields(node, kDmaFields, &dma) || !nodes_.has_no_children(node)) {
            return false;
        }
        if (manifest_.dma_count == kMaxDma) {
            return nodes_.fail(node, nullptr, "at most 128 DMA areas are expected in all");
        }
        manifest_.dma[manifest_.dma_count++] = dma;
        return true;
    }

    bool read_image(int node) {
        Image image{};
        image.name = nodes_.read_name(node);
        if (image.name == nullptr || !nodes_.read_fields(node, kImageFields, &image) || !nodes_.has_no_children(node)) {
            return false;
        }
        if (manifest_.image_count == kMaxImages) {
            return nodes_.fail(node, nullptr, "at most 64 images are expected in all");
        }
        manifest_.images[manifest_.image_count++] = image;
        return true;
    }

    bool read_parameters(int node, Domain& domain) {
        domain.parameters.first = static_cast<uint16_t>(manifest_.parameter_count);
        const int folder = fdt_subnode_offset(tree_, node, "parameters");
        if (folder == -FDT_ERR_NOTFOUND) {
            return true;
        }
        if (folder < 0 || !nodes_.has_no_children(folder)) {
            return folder >= 0 ? false : nodes_.fail(node, nullptr, "the node cannot be read", folder);
        }
        int property = 0;
        fdt_for_each_property_offset(property, tree_, folder) {
            const char* name = nullptr;
            int length = 0;
            const void* data = fdt_getprop_by_offset(tree_, property, &name, &length);
            if (data == nullptr || !is_name(name)) {
                return nodes_.fail(folder, data == nullptr ? nullptr : name, "a name is expected");
            }
            const char* value = NodeReader::as_text(data, length);
            if (value == nullptr || strlen(value) > kMaxTextBytes) {
                return nodes_.fail(folder, name, "one text of at most 255 bytes is expected", length);
            }
            if (manifest_.parameter_count == kMaxParameters) {
                return nodes_.fail(folder, name, "at most 1024 parameters are expected in all");
            }
            if (!is_new(manifest_.parameters, domain.parameters.first, manifest_.parameter_count, name)) {
                return nodes_.fail(folder, name, "a parameter is expected once");
            }
            manifest_.parameters[manifest_.parameter_count++] = {name, value};
            ++domain.parameters.count;
        }
        return true;
    }

    bool read_port(int node) {
        Port port{};
        port.name = nodes_.read_name(node);
        port.interface = "";
        if (port.name == nullptr || !nodes_.read_fields(node, kPortFields, &port) || !nodes_.has_no_children(node)) {
            return false;
        }
        if (find_port(manifest_, port.name) != 0 || manifest_.ports[port.number].name != nullptr) {
            return nodes_.fail(node, nullptr, "another port has the name or the number", port.number);
        }
        if (manifest_.domains[port.server].name == nullptr) {
            return nodes_.fail(node, "server", "the number of a domain is expected", port.server);
        }
        manifest_.ports[port.number] = port;
        ++manifest_.port_count;
        return true;
    }

    bool read_connection(int node) {
        Connection connection{};
        if (!nodes_.read_fields(node, kConnectionFields, &connection) || !nodes_.has_no_children(node)) {
            return false;
        }
        if (manifest_.domains[connection.client].name == nullptr) {
            return nodes_.fail(node, "client", "the number of a domain is expected", connection.client);
        }
        const Port& port = manifest_.ports[connection.port];
        if (port.name == nullptr || port.server == connection.client) {
            return nodes_.fail(node, "port", "the number of another domain's port is expected", connection.port);
        }
        if (connection.send_only && !port.queue) {
            return nodes_.fail(node, "send-only", "a port with a queue is expected");
        }
        for (uint32_t i = 0; i < manifest_.connection_count; ++i) {
            const Connection& other = manifest_.connections[i];
            if (other.client == connection.client && other.port == connection.port) {
                return nodes_.fail(node, nullptr, "one connection of a client to a port is expected");
            }
        }
        if (manifest_.connection_count == KOS_MAX_CONNECTIONS) {
            return nodes_.fail(node, nullptr, "at most 512 connections are expected");
        }
        manifest_.connections[manifest_.connection_count++] = connection;
        return true;
    }

    bool read_ring(int node) {
        Ring ring{};
        ring.name = nodes_.read_name(node);
        if (ring.name == nullptr || !nodes_.read_fields(node, kRingFields, &ring) || !nodes_.has_no_children(node)) {
            return false;
        }
        if (manifest_.domains[ring.producer].name == nullptr || manifest_.domains[ring.consumer].name == nullptr ||
            ring.producer == ring.consumer) {
            return nodes_.fail(node, nullptr, "the numbers of two domains are expected");
        }
        if (!is_new(manifest_.rings, 0, manifest_.ring_count, ring.name)) {
            return nodes_.fail(node, nullptr, "another ring has the name");
        }
        if (manifest_.ring_count == kMaxRings) {
            return nodes_.fail(node, nullptr, "at most 256 rings are expected");
        }
        manifest_.rings[manifest_.ring_count++] = ring;
        return true;
    }

    bool read_group(int node);

    bool read_start_order() {
        if (start_order_.count != manifest_.domain_count) {
            return nodes_.fail(0, "start-order", "each domain is expected once", start_order_.count);
        }
        uint64_t seen = 0;
        for (uint32_t i = 0; i < start_order_.count; ++i) {
            const uint32_t number = cell_at(start_order_.data + 4 * i);
            if (number >= KOS_MAX_DOMAINS || manifest_.domains[number].name == nullptr || (seen >> number & 1) != 0) {
                return nodes_.fail(0, "start-order", "each domain is expected once", number);
            }
            seen |= uint64_t{1} << number;
            manifest_.start_order[i] = static_cast<uint8_t>(number);
        }
        return true;
    }

    NodeReader nodes_;
    const void* tree_;
    Manifest& manifest_;
    CellList start_order_{};
    int group_nodes_[kMaxGroups]{};
};

struct RawGroup {
    const char* escalate;
    TextList members;
    CellList back_off;
    uint32_t intensity, period_s;
    Strategy strategy;
};
constexpr Field kGroupFields[] = {
    {.name = "strategy",
     .kind = Kind::kChoice,
     .offset = KOS_AT(RawGroup, strategy),
     .choices = kStrategies,
     .is_required = true},
    {.name = "members", .kind = Kind::kList, .offset = KOS_AT(RawGroup, members), .is_required = true},
    {"intensity", Kind::kU32, KOS_AT(RawGroup, intensity), 0, 1000},
    {"period-s", Kind::kU32, KOS_AT(RawGroup, period_s), 1, kMaxTimeMs / 1000},
    {.name = "escalate", .kind = Kind::kText, .offset = KOS_AT(RawGroup, escalate), .is_required = true},
    {"back-off-ms", Kind::kCells, KOS_AT(RawGroup, back_off), 0, kMaxBackOff},
};

// Members are looked up in check_references(), when all groups are known.
bool Reader::read_group(int node) {
    const char* name = nodes_.read_name(node);
    RawGroup raw{};
    if (name == nullptr || !nodes_.read_fields(node, kGroupFields, &raw) || !nodes_.has_no_children(node)) {
        return false;
    }
    if (manifest_.group_count == kMaxGroups) {
        return nodes_.fail(node, nullptr, "at most 64 groups are expected");
    }
    if (find_domain(manifest_, name) != 0 || !is_new(manifest_.groups, 0, manifest_.group_count, name)) {
        return nodes_.fail(node, nullptr, "a domain or another group has the name");
    }
    Group& group = manifest_.groups[manifest_.group_count];
    group = {};
    group.name = name;
    group.strategy = raw.strategy;
    group.parent = kNoGroup;
    group.intensity = raw.intensity;
    group.period_s = raw.period_s;
    group.back_off_count = raw.back_off.count;
    for (uint32_t i = 0; i < raw.back_off.count; ++i) {
        group.back_off_ms[i] = cell_at(raw.back_off.data + 4 * i);
        if (group.back_off_ms[i] > kMaxTimeMs) {
            return nodes_.fail(node, "back-off-ms", "at most an hour is expected", group.back_off_ms[i]);
        }
    }
    if (strcmp(raw.escalate, "parent") == 0) {
        group.escalation = Escalation::kParent;
    } else if (strcmp(raw.escalate, "reboot") == 0) {
        group.escalation = Escalation::kReboot;
    } else {
        const int mode = strncmp(raw.escalate, "mode:", 5) == 0 ? find_mode(manifest_, raw.escalate + 5) : -1;
        if (mode < 0) {
            return nodes_.fail(node, "escalate", "\"parent\", \"reboot\" or \"mode:\" and a mode is expected");
        }
        group.escalation = Escalation::kMode;
        group.escalation_mode = static_cast<uint8_t>(mode);
    }
    group_nodes_[manifest_.group_count++] = node;
    return true;
}

#undef KOS_AT

}  // namespace

Status read(const void* tree, size_t size_bytes, Manifest& manifest) {
    // By bytes: the object is larger than the stack may be.
    memset(static_cast<void*>(&manifest), 0, sizeof(manifest));
    Error error;
    if (reinterpret_cast<uintptr_t>(tree) % 8 != 0 || size_bytes < sizeof(fdt_header)) {
        error.text = "a device tree at a multiple of 8 is expected";
        error.found = static_cast<int64_t>(size_bytes);
        return Status(error);
    }
    // Before libfdt looks at anything else: fdt_check_full() of libfdt 1.6.1 crashes on versions before 16.
    if (fdt_magic(tree) != FDT_MAGIC || fdt_totalsize(tree) != size_bytes || fdt_version(tree) != kFdtVersion) {
        error.text = "a device tree of version 17 and of this size is expected";
        error.found = fdt_totalsize(tree);
        return Status(error);
    }
    // Walks the whole tree: from here on its structure is sound.
    if (const int status = fdt_check_full(tree, size_bytes); status != 0) {
        error.text = "a sound device tree is expected";
        error.found = status;
        return Status(error);
    }
    Reader reader(tree, manifest);
    return reader.run() ? Status() : Status(reader.error());
}

const NetLink* find_link(const Manifest& manifest, uint32_t domain) {
    for (uint32_t i = 0; i < manifest.net_link_count; ++i) {
        if (manifest.net_links[i].domain == domain) {
            return &manifest.net_links[i];
        }
    }
    return nullptr;
}

uint32_t find_domain(const Manifest& manifest, const char* name) {
    for (uint32_t number = 1; number < KOS_MAX_DOMAINS; ++number) {
        if (manifest.domains[number].name != nullptr && strcmp(manifest.domains[number].name, name) == 0) {
            return number;
        }
    }
    return 0;
}

uint32_t find_port(const Manifest& manifest, const char* name) {
    for (uint32_t number = 1; number < KOS_MAX_PORTS; ++number) {
        if (manifest.ports[number].name != nullptr && strcmp(manifest.ports[number].name, name) == 0) {
            return number;
        }
    }
    return 0;
}

int find_mode(const Manifest& manifest, const char* name) {
    for (uint32_t mode = 0; mode < manifest.mode_count; ++mode) {
        if (strcmp(manifest.modes[mode], name) == 0) {
            return static_cast<int>(mode);
        }
    }
    return -1;
}

const char* find_parameter(const Manifest& manifest, const Domain& domain, const char* name) {
    for (uint32_t i = 0; i < domain.parameters.count; ++i) {
        const Parameter& parameter = manifest.parameters[domain.parameters.first + i];
        if (strcmp(parameter.name, name) == 0) {
            return parameter.value;
        }
    }
    return nullptr;
}

}  // namespace kos::manifest
