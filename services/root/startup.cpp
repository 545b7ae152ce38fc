// The startup block of a domain, and the mappings and capabilities that it lists (domain.h, kos/abi.h).
#include "domain.h"

#include "bundle.h"
#include "console.h"
#include "push.h"
#include "stream_rings.h"

#include <kos/push.h>

namespace root {

using namespace kos::sel4;

namespace {

constexpr Word kHeapBase = 0x40000000;
constexpr size_t kMaxBlock = 64 * 1024;
alignas(16) uint8_t block[kMaxBlock];

// Writes the block front to back; what does not fit makes it fail as a whole.
class Writer {
public:
    explicit Writer(Domain& domain) : domain_(domain) {
        __builtin_memset(block, 0, sizeof block);
        at_ = sizeof(kos_startup_t);
        next_slot_ = KOS_SLOT_FIRST_LISTED;
    }

    kos_startup_t& header() { return *reinterpret_cast<kos_startup_t*>(block); }

    // Begins a table; the entries that follow belong to it.
    void begin(kos_startup_table_t& table) {
        at_ = (at_ + 7) & ~size_t{7};
        table_ = &table;
        table.offset = static_cast<uint32_t>(at_);
        table.count = 0;
    }
    template <typename T>
    T* entry() {
        if (sizeof(T) > sizeof block - at_) return fail<T>();
        auto* const made = reinterpret_cast<T*>(block + at_);
        at_ += sizeof(T);
        ++table_->count;
        return made;
    }
    kos_startup_text_t text(const char* from) {
        size_t const length = __builtin_strlen(from);
        if (length + 1 > sizeof block - at_) {
            failed_ = true;
            return {};
        }
        __builtin_memcpy(block + at_, from, length + 1);
        kos_startup_text_t const where{static_cast<uint32_t>(at_), static_cast<uint32_t>(length)};
        at_ += length + 1;
        return where;
    }
    static void name(char (&to)[KOS_MAX_NAME + 1], const char* from) {
        for (unsigned i = 0; i < KOS_MAX_NAME && from[i]; ++i) to[i] = from[i];
    }

    // A capability for the domain; the slot it has there.
    Word put(CPtr from, seL4_CapRights_t rights, Word badge = 0) {
        SlotPath const to{domain_cap(domain_.number, kSlotCSpace), next_slot_, 64};
        return take_slot(badge ? grant(domain_, next_slot_, from, rights, badge)
                               : cnode_copy(to, path(from), rights).ok());
    }
    Word put_connection(unsigned connection) { return take_slot(grant_connection(domain_, next_slot_, connection)); }
    // Of the directory: filled while the client runs.
    Word put_introduction(unsigned connection) { return take_slot(give_to_directory(domain_, next_slot_, connection)); }
    // Pages of root's that the domain shares; their address there, 0 if there are none.
    Word map(const SharedPages& pages, seL4_CapRights_t rights, Word attributes) {
        if (pages.count == 0) return 0;
        Word const address = take_addresses(domain_, pages.count * kPageBytes);
        for (Word i = 0; i < pages.count; ++i) {
            if (!map_page(domain_, pages.first + i, Copy::kYes, address + i * kPageBytes, rights, attributes)) {
                failed_ = true;
            }
        }
        return address;
    }

    bool finish();
    Word next_slot() const { return next_slot_; }
    void fail() { failed_ = true; }
    bool ok() const { return !failed_; }

private:
    Word take_slot(bool is_done) {
        failed_ = failed_ || !is_done || next_slot_ >= Word{1} << domain_.cspace_bits;
        return next_slot_++;
    }
    template <typename T>
    T* fail() {
        static T nowhere;
        failed_ = true;
        return &nowhere;
    }
    Domain& domain_;
    size_t at_;
    Word next_slot_;
    kos_startup_table_t* table_ = nullptr;
    bool failed_ = false;
};

bool Writer::finish() {
    kos_startup_t& header = this->header();
    header.size_bytes = static_cast<uint32_t>(at_);
    header.free_slot_first = next_slot_;
    header.free_slot_end = Word{1} << domain_.cspace_bits;
    if (failed_) return false;
    Word const count = round_up(at_) / kPageBytes;
    Word slot = 0;
    if (!map_new_pages(domain_, domain_.startup_address, count, seL4_CanRead, kNormalMemory, &slot)) return false;
    for (Word i = 0; i < count; ++i) {
        __builtin_memcpy(map_scratch(domain_cap(domain_.number, slot + i)), block + i * kPageBytes, kPageBytes);
        unmap_scratch();
    }
    return true;
}

// The directory's own requests need its grant right: it answers with capabilities.
void write_ports(Writer& writer, const Domain& domain) {
    writer.begin(writer.header().ports);
    for (const auto& port : the_system.manifest.ports) {
        if (!port.name || port.server != domain.number) continue;
        auto* const entry = writer.entry<kos_startup_port_t>();
        Writer::name(entry->name, port.name);
        entry->port = port.number;
    }
}

void write_connections(Writer& writer, Domain& domain) {
    const Manifest& manifest = the_system.manifest;
    writer.begin(writer.header().connections);
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        const auto& connection = manifest.connections[i];
        if (connection.client != domain.number) continue;
        const auto& port = manifest.ports[connection.port];
        auto* const entry = writer.entry<kos_startup_connection_t>();
        Writer::name(entry->name, port.name);
        if (!connection.send_only) {
            if (connection.early) {
                entry->slot = writer.put_connection(i);
            } else if (!grant_by_directory(domain, i)) {
                writer.fail();
            }
        }
        if (!connection.send_only) entry->window = writer.map(window_of(i), seL4_ReadWrite, kNormalMemory);
        entry->queue = writer.map(queue_of(i), seL4_ReadWrite, kNormalMemory);
        if (entry->queue) {
            entry->queue_signal = writer.put(the_system.domains[port.server].notification, seL4_CanWrite,
                                             KOS_BADGE_NOTIFICATION | KOS_SIGNAL_QUEUE);
        }
        entry->port = port.number;
        entry->server = static_cast<uint16_t>(port.server);
        entry->flags = port.tokens ? KOS_CONNECTION_TOKENS : 0;
        if (connection.send_only) entry->flags = KOS_CONNECTION_SEND_ONLY;
    }
}

void write_clients(Writer& writer, const Domain& domain) {
    const Manifest& manifest = the_system.manifest;
    writer.begin(writer.header().clients);
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        const auto& connection = manifest.connections[i];
        const auto& port = manifest.ports[connection.port];
        if (port.server != domain.number) continue;
        auto* const entry = writer.entry<kos_startup_client_t>();
        Writer::name(entry->name, manifest.domains[connection.client].name);
        entry->window = writer.map(window_of(i), seL4_ReadWrite, kNormalMemory);
        entry->queue = writer.map(queue_of(i), seL4_ReadWrite, kNormalMemory);
        entry->port = port.number;
        entry->domain = static_cast<uint16_t>(connection.client);
        entry->flags = port.tokens ? KOS_CONNECTION_TOKENS : 0;
    }
}

// Answers carry capabilities only where the manifest says so: the kernel asks the reply object, not the caller.
void write_replies(Writer& writer, const Domain& domain) {
    bool has_tokens = false;
    for (const auto& port : the_system.manifest.ports) {
        has_tokens = has_tokens || (port.name && port.server == domain.number && port.tokens);
    }
    seL4_CapRights_t const rights = has_tokens ? seL4_AllRights : seL4_AllRights & ~seL4_CanGrant;
    writer.begin(writer.header().replies);
    for (Word i = 0; i < domain.spec->replies; ++i) {
        *writer.entry<uint64_t>() = writer.put(domain_cap(domain.number, kSlotReplies + i), rights);
    }
}

void write_devices(Writer& writer, const Domain& domain) {
    const Manifest& manifest = the_system.manifest;
    const DomainSpec& spec = *domain.spec;
    writer.begin(writer.header().devices);
    for (unsigned i = spec.devices.first; i < spec.devices.first + unsigned{spec.devices.count}; ++i) {
        auto* const entry = writer.entry<kos_startup_device_t>();
        Writer::name(entry->name, manifest.devices[i].name);
        entry->address = writer.map(device_pages(i), seL4_ReadWrite, kDeviceMemory);
        entry->physical = manifest.devices[i].address;
        entry->bytes = manifest.devices[i].bytes;
    }
    writer.begin(writer.header().interrupts);
    for (unsigned i = 0; i < spec.interrupts.count; ++i) {
        unsigned const index = spec.interrupts.first + i;
        CPtr const handler = interrupt_handler(index);
        // Whoever had it before may have left it masked or pending: the new driver acknowledges when it is ready.
        CPtr const signal = domain_cap(domain.number, new_domain_slot(const_cast<Domain&>(domain)));
        Word const badge = KOS_BADGE_NOTIFICATION | 1ull << (KOS_SIGNAL_IRQ_0 + i);
        if (!cnode_mint(path(signal), path(domain.notification), seL4_CanWrite, badge).ok() ||
            !irq_handler_set_notification(handler, signal).ok()) {
            writer.fail();
        }
        auto* const entry = writer.entry<kos_startup_interrupt_t>();
        Writer::name(entry->name, manifest.interrupts[index].name);
        entry->slot = writer.put(handler, seL4_AllRights);
        entry->number = manifest.interrupts[index].number;
        entry->edge = manifest.interrupts[index].edge;
    }
    writer.begin(writer.header().dma);
    for (unsigned i = spec.dma.first; i < spec.dma.first + unsigned{spec.dma.count}; ++i) {
        auto* const entry = writer.entry<kos_startup_dma_t>();
        Writer::name(entry->name, manifest.dma[i].name);
        entry->address = writer.map(dma_pages(i), seL4_ReadWrite, kNormalMemory);
        entry->physical = dma_pages(i).physical;
        entry->bytes = manifest.dma[i].bytes;
    }
}

// Rings of the manifest; ring n of a domain signals bit KOS_SIGNAL_RING_0 + n (modulo their count) of its notification.
// Two are root's own: for the domain that serves the port "log", and for the one that pushes.
void write_rings(Writer& writer, const Domain& domain) {
    const Manifest& manifest = the_system.manifest;
    writer.begin(writer.header().rings);
    for (uint32_t i = 0; i < manifest.ring_count; ++i) {
        const auto& ring = manifest.rings[i];
        if (ring.producer != domain.number && ring.consumer != domain.number) continue;
        bool const produces = ring.producer == domain.number;
        Word const peer = produces ? ring.consumer : ring.producer;
        auto* const entry = writer.entry<kos_startup_ring_t>();
        Writer::name(entry->name, ring.name);
        entry->address = writer.map(ring_pages(i), seL4_ReadWrite, kNormalMemory);
        entry->bytes = ring.bytes;
        entry->signal = writer.put(the_system.domains[peer].notification, seL4_CanWrite,
                                   KOS_BADGE_NOTIFICATION | ring_signal(manifest, static_cast<uint32_t>(peer), i));
        entry->producer = produces;
        entry->peer = static_cast<uint16_t>(peer);
        entry->is_stream = ring.stream;
        Writer::name(entry->peer_name, manifest.domains[peer].name);
        if (produces && ring.dma) entry->physical = ring_pages(i).physical;
    }
    if (SharedPages const window = push_window_of(domain); window.count) {
        auto* const entry = writer.entry<kos_startup_ring_t>();
        Writer::name(entry->name, KOS_PUSH_WINDOW);
        entry->address = writer.map(window, seL4_ReadWrite, kNormalMemory);
        entry->bytes = KOS_PUSH_WINDOW_BYTES;
    }
    uint32_t const log_port = kos::manifest::find_port(manifest, "log");
    if (log_port == 0 || manifest.ports[log_port].server != domain.number) return;
    auto* const entry = writer.entry<kos_startup_ring_t>();
    Writer::name(entry->name, "root_log");
    entry->address = writer.map(root_log_pages(), seL4_CanRead, kNormalMemory);
    entry->bytes = root_log_pages().count * kPageBytes;
}

void write_texts(Writer& writer, const Domain& domain) {
    const Manifest& manifest = the_system.manifest;
    const DomainSpec& spec = *domain.spec;
    kos_startup_t& header = writer.header();
    auto const list = [&](kos_startup_table_t& table, const kos::manifest::Range& range) {
        writer.begin(table);
        auto* const first = writer.entry<kos_startup_text_t>();
        for (unsigned i = 1; i < range.count; ++i) writer.entry<kos_startup_text_t>();
        table.count = range.count;
        for (unsigned i = 0; i < range.count && writer.ok(); ++i) {
            first[i] = writer.text(manifest.texts[range.first + i]);
        }
    };
    list(header.arguments, spec.arguments);
    list(header.environment, spec.environment);
    writer.begin(header.parameters);
    auto* const first = writer.entry<kos_startup_parameter_t>();
    for (unsigned i = 1; i < spec.parameters.count; ++i) writer.entry<kos_startup_parameter_t>();
    header.parameters.count = spec.parameters.count;
    for (unsigned i = 0; i < spec.parameters.count && writer.ok(); ++i) {
        const auto& parameter = manifest.parameters[spec.parameters.first + i];
        Writer::name(first[i].name, parameter.name);
        first[i].value = writer.text(parameter.value);
    }
}

bool serves_port(const Domain& domain, const char* name) {
    uint32_t const port = kos::manifest::find_port(the_system.manifest, name);
    return port != 0 && the_system.manifest.ports[port].server == domain.number;
}

void write_parks(Writer& writer, const Domain& domain) {
    if (domain.spec->threads == 1) return;
    writer.header().park_slot_first = writer.next_slot();
    for (Word n = 0; n < domain.spec->threads; ++n) {
        writer.put(thread_cap(domain.number, n, kThreadPark), seL4_ReadWrite);
    }
}

// What only the core services have.
void write_directory(Writer& writer) {
    const Manifest& manifest = the_system.manifest;
    for (const auto& port : manifest.ports) {
        if (!port.name) continue;
        auto* const entry = writer.entry<kos_startup_introduction_t>();
        Writer::name(entry->name, port.name);
        entry->port = port.number;
        entry->client = entry->server = static_cast<uint16_t>(port.server);
    }
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        const auto& connection = manifest.connections[i];
        if (connection.early || connection.send_only) continue;
        const auto& port = manifest.ports[connection.port];
        auto* const entry = writer.entry<kos_startup_introduction_t>();
        Writer::name(entry->name, port.name);
        entry->slot = writer.put_introduction(i);
        entry->port = port.number;
        entry->client = static_cast<uint16_t>(connection.client);
        entry->server = static_cast<uint16_t>(port.server);
    }
}

// With kernel_objects: untyped memory, spaces, images.
void write_kernel_objects(Writer& writer, Domain& domain) {
    kos_startup_t& header = writer.header();
    Word const d = domain.number;
    Word left = domain.spec->kernel_objects;
    for (Word i = 0; i < domain.kernel_untyped_count; ++i) {
        Word const bits = 63 - static_cast<Word>(__builtin_clzl(left));
        left -= Word{1} << bits;
        auto* const entry = writer.entry<kos_startup_untyped_t>();
        entry->slot = writer.put(domain.kernel_untypeds + i, seL4_AllRights);
        entry->size_bits = bits;
    }
    header.kernel.cspace = writer.put(domain_cap(d, kSlotTop), seL4_AllRights);
    header.kernel.cspace_bits = kTopCNodeBits;
    header.kernel.vspace = writer.put(domain_cap(d, kSlotVSpace), seL4_AllRights);
    header.kernel.asid_pool = writer.put(domain_cap(d, kSlotAsidPool), seL4_AllRights);
    header.kernel.authority = writer.put(domain_cap(d, kSlotAuthority), seL4_AllRights);
    header.kernel.endpoint = writer.put(domain.endpoint, seL4_CanWrite | seL4_CanGrantReply);
    header.kernel.program_priority = domain.spec->program_priority;
    writer.begin(header.images);
    const auto& images = domain.spec->images;
    for (Word i = 0; i < images.count; ++i) {
        const auto& image = the_system.manifest.images[images.first + i];
        auto* const entry = writer.entry<kos_startup_image_t>();
        Writer::name(entry->name, image.name);
        FileRef const file = image_file(domain, i);
        if (!file.bytes) writer.fail();
        entry->bytes = file.size;
    }
}

// With which bit the server of a port may signal its clients; 0: not at all.
Word signal_of(const kos::manifest::Port& port) {
    if (__builtin_strcmp(port.name, "timer") == 0) return KOS_SIGNAL_ALARM;
    if (__builtin_strcmp(port.interface, "appman") == 0) return KOS_SIGNAL_DOMAINS;
    return __builtin_strcmp(port.interface, "console") == 0 ? KOS_SIGNAL_CONSOLE : 0;
}

void write_privileges(Writer& writer, Domain& domain) {
    const Manifest& manifest = the_system.manifest;
    kos_startup_t& header = writer.header();
    writer.begin(header.introductions);
    if (serves_port(domain, "directory")) write_directory(writer);
    writer.begin(header.signals);
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        const auto& port = manifest.ports[manifest.connections[i].port];
        Word const signal = signal_of(port);
        if (port.server != domain.number || !signal) continue;
        Word const client = manifest.connections[i].client;
        auto* const entry = writer.entry<kos_startup_signal_t>();
        entry->slot =
            writer.put(the_system.domains[client].notification, seL4_CanWrite, KOS_BADGE_NOTIFICATION | signal);
        entry->domain = static_cast<uint16_t>(client);
    }
    writer.begin(header.lives);
    if (domain.spec->rights & kos::manifest::kRightControl) {
        for (const Domain& other : the_system.domains) {
            if (!other.spec) continue;
            auto* const entry = writer.entry<kos_startup_life_t>();
            entry->address = writer.map(life_page(other), seL4_ReadWrite, kNormalMemory);
            entry->domain = other.number;
        }
    }
    if (domain.spec->rights & kos::manifest::kRightManifest) {
        auto const start = reinterpret_cast<uintptr_t>(the_system.manifest_tree);
        Word const count = round_up(the_system.manifest_bytes) / kPageBytes;
        header.manifest_base = take_addresses(domain, count * kPageBytes);
        header.manifest_bytes = the_system.manifest_bytes;
        for (Word i = 0; i < count; ++i) {
            CPtr const frame = image_frame(reinterpret_cast<const void*>(start + i * kPageBytes));
            Word const address = header.manifest_base + i * kPageBytes;
            if (!frame || !map_page(domain, frame, Copy::kYes, address, seL4_CanRead, kNormalMemory)) writer.fail();
        }
    }
    writer.begin(header.untypeds);
    if (domain.spec->kernel_objects) {
        write_kernel_objects(writer, domain);
    }
}

}  // namespace

bool write_startup(Domain& domain) {
    Writer writer(domain);
    domain.startup_address = take_addresses(domain, kMaxBlock);
    kos_startup_t& header = writer.header();
    const DomainSpec& spec = *domain.spec;
    header.magic = KOS_STARTUP_MAGIC;
    Writer::name(header.name, spec.name);
    header.domain = domain.number;
    header.main_passive = spec.passive;
    header.instance = domain.instance;
    header.generation = the_system.manifest.generation;
    header.cores = static_cast<uint32_t>(boot_info->numNodes);
    header.threads_max = spec.threads;
    header.heap_base = kHeapBase;
    header.heap_end = kHeapBase + Word{domain.heap.pages} * kPageBytes;
    header.life_page = writer.map(life_page(domain), seL4_ReadWrite, kNormalMemory);
    header.counter_hz = ticks_per_second();
    header.tls_image = domain.tls_image;
    header.tls_file_bytes = domain.tls_file_bytes;
    header.tls_memory_bytes = domain.tls_memory_bytes;
    header.tls_align = domain.tls_align;
    header.persistent_base = writer.map(persistent_pages(domain), seL4_ReadWrite, kNormalMemory);
    header.persistent_bytes = header.persistent_base ? spec.persistent_bytes : 0;
    write_ports(writer, domain);
    write_connections(writer, domain);
    write_clients(writer, domain);
    write_replies(writer, domain);
    write_devices(writer, domain);
    write_rings(writer, domain);
    write_privileges(writer, domain);
    write_parks(writer, domain);
    write_texts(writer, domain);
    return writer.finish();
}

}  // namespace root
