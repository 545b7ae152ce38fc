// Makes a domain: objects, program, startup block, main thread (domain.h). What it makes of the domain's memory is gone
// with one revoke, so nothing here is undone on failure; the caller destroys.
#include "console.h"
#include "push.h"
#include "threads.h"

#include <kos/push.h>

namespace root {

using namespace kos::sel4;

namespace {

constexpr Word kMaxControlledPriority = 0;  // no domain thread raises anybody's priority

unsigned bits_for(Word count) {
    unsigned bits = 1;
    while ((Word{1} << bits) < count) ++bits;
    return bits;
}

// Pages of memory that outlives the domain (shared.cpp) and is mapped into it.
Word shared_pages(const DomainSpec& spec) {
    const Manifest& manifest = the_system.manifest;
    Word bytes = spec.persistent_bytes;
    for (uint32_t i = 0; i < manifest.ring_count; ++i) {
        const auto& ring = manifest.rings[i];
        if (ring.producer == spec.number || ring.consumer == spec.number) bytes += ring.bytes;
    }
    for (unsigned i = 0; i < spec.dma.count; ++i) bytes += manifest.dma[spec.dma.first + i].bytes;
    for (unsigned i = 0; i < spec.devices.count; ++i) bytes += manifest.devices[spec.devices.first + i].bytes;
    Word pages = bytes / kPageBytes + (spec.staging_bytes ? KOS_PUSH_PAGES : 0);
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        const auto& port = manifest.ports[manifest.connections[i].port];
        if (manifest.connections[i].client != spec.number && port.server != spec.number) continue;
        pages += (port.payload ? 1 : 0) + (port.queue ? 1 : 0);
    }
    return pages;
}

// Capabilities that end with the domain (grants.cpp): to root, its own port and notification, one for each thread,
// connections with their signals, rings.
Word granted(const DomainSpec& spec) {
    constexpr Word kFixed = 4;
    const Manifest& manifest = the_system.manifest;
    Word count = kFixed + spec.threads;
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        const auto& connection = manifest.connections[i];
        if (connection.client == spec.number) count += 2;
        if (manifest.ports[connection.port].server == spec.number) ++count;
    }
    for (uint32_t i = 0; i < manifest.ring_count; ++i) {
        count += manifest.rings[i].producer == spec.number || manifest.rings[i].consumer == spec.number;
    }
    return count;
}

// Root's CNode for a domain: a slot for each page that its quota could be and each shared one, what is granted, and
// room for page tables, the program's read-only segments, the startup block and the manifest. tools/manifest counts
// alike.
unsigned cnode_bits(const DomainSpec& spec) {
    Word const pages = ((Word{1} << spec.memory_bits) - spec.kernel_objects) / kPageBytes;
    constexpr Word kTablesAndProgram = 160;
    return bits_for(kSlotDynamic + pages + shared_pages(spec) + granted(spec) + kTablesAndProgram);
}

CPtr mint_signal(CPtr notification, Word badge) {
    CPtr const slot = new_slot();
    if (!cnode_mint(path(slot), path(notification), seL4_CanWrite, badge).ok()) panic("cannot mint a signal");
    return slot;
}

bool serves(Word number) {
    for (const auto& port : the_system.manifest.ports) {
        if (port.name && port.server == number) return true;
    }
    return false;
}

void prepare(Domain& domain, const DomainSpec& spec) {
    domain.spec = &spec;
    domain.number = static_cast<uint16_t>(spec.number);
    domain.untyped_bits = spec.memory_bits;
    domain.untyped = new_untyped(spec.memory_bits);
    if (!domain.untyped) panic("not enough memory for domain ", spec.name);
    domain.cnode_bits = cnode_bits(spec);
    // The directory holds a capability for each connection.
    uint32_t const directory = kos::manifest::find_port(the_system.manifest, "directory");
    bool const is_directory = directory && the_system.manifest.ports[directory].server == spec.number;
    domain.cspace_bits = KOS_CSPACE_BITS + (is_directory ? 1 : 0);
    if (serves(spec.number) || spec.kernel_objects) domain.endpoint = new_object(seL4_EndpointObject);
    domain.notification = new_object(seL4_NotificationObject);
    domain.signal_health = mint_signal(domain.notification, KOS_BADGE_NOTIFICATION | KOS_SIGNAL_HEALTH);
    domain.signal_stop = mint_signal(domain.notification, KOS_BADGE_NOTIFICATION | KOS_SIGNAL_STOP);
    domain.signal_fault = mint_signal(domain.notification, KOS_BADGE_NOTIFICATION | KOS_SIGNAL_FAULT);
    domain.signal_events = mint_signal(domain.notification, KOS_BADGE_NOTIFICATION | 1ull << KOS_SIGNAL_RING_0);
    domain.heap.pages = static_cast<uint32_t>(((Word{1} << spec.memory_bits) - spec.kernel_objects) / kPageBytes);
    // Twice: the pages' slots, then the kept frames.
    domain.heap.slots = static_cast<uint32_t*>(new_memory(2 * sizeof(uint32_t) * domain.heap.pages));
    domain.grants = static_cast<uint32_t*>(new_memory(sizeof(uint32_t) << domain.cspace_bits));
    prepare_kernel_objects(domain);
}

bool make_spaces(Domain& domain) {
    Word const d = domain.number;
    if (!make_kernel_untypeds(domain)) return false;
    // Root's CNode for the domain: made in a slot of root's own, then moved to its place with its guard.
    static CPtr const kTemporary = new_slot();
    if (!untyped_retype(domain.untyped, seL4_CapTableObject, domain.cnode_bits, {top_cnode, 0, kTopBits, kTemporary, 1})
             .ok()) {
        return false;
    }
    if (!cnode_mutate(top_path(d), path(kTemporary), kLowerBits - domain.cnode_bits).ok()) return false;
    domain.next_slot = kSlotDynamic;
    domain.used_bytes = domain.spec->kernel_objects + (Word{1} << (domain.cnode_bits + seL4_SlotBits));
    Word const made = new_domain_slot(domain);
    if (!make_object(domain, seL4_CapTableObject, domain.cspace_bits, made)) return false;
    if (!cnode_mutate(path(domain_cap(d, kSlotCSpace)), path(domain_cap(d, made)), 64 - domain.cspace_bits).ok()) {
        return false;
    }
    domain.used_bytes += Word{1} << (domain.cspace_bits + seL4_SlotBits);
    if (!make_object(domain, seL4_ARM_VSpaceObject, 0, kSlotVSpace)) return false;
    domain.used_bytes += kPageBytes;
    return asid_pool_assign(seL4_CapInitThreadASIDPool, domain_cap(d, kSlotVSpace)).ok() && make_kernel_spaces(domain);
}

// What threads sleep on when they wait for each other.
bool make_parks(Domain& domain) {
    for (Word n = 0; domain.spec->threads > 1 && n < domain.spec->threads; ++n) {
        if (!make_object(domain, seL4_NotificationObject, 0, kSlotThreads + n * kThreadSlots + kThreadPark))
            return false;
    }
    return true;
}

bool make_replies(Domain& domain) {
    for (Word i = 0; i < domain.spec->replies; ++i) {
        if (!make_object(domain, seL4_ReplyObject, 0, kSlotReplies + i)) return false;
    }
    return true;
}

// TCB, message buffer, stack, notification to sleep on, and the untyped memory that its scheduling context is made of.
// Made once per number and instance.
bool make_thread_objects(Domain& domain, Word number, Word stack_bytes) {
    Word const d = domain.number;
    Word const base = kSlotThreads + number * kThreadSlots;
    if (!make_object(domain, seL4_TCBObject, 0, base + kThreadTcb)) return false;
    if (!make_object(domain, seL4_UntypedObject, kos::manifest::kThreadTimeBits, base + kThreadTimeUntyped))
        return false;
    domain.used_bytes += (Word{1} << seL4_TCBBits) + (Word{1} << kos::manifest::kThreadTimeBits);
    Thread& thread = domain.threads[number];
    Word buffer_slot = 0;
    thread.buffer = take_addresses(domain, kPageBytes);
    if (!map_new_pages(domain, thread.buffer, 1, seL4_ReadWrite, kNormalMemory, &buffer_slot)) return false;
    Word const stack = round_up(stack_bytes);
    Word const stack_base = take_addresses(domain, stack);
    if (!map_new_pages(domain, stack_base, stack / kPageBytes, seL4_ReadWrite, kNormalMemory)) return false;
    CPtr const fault = thread_cap(d, number, kThreadFault);
    if (!cnode_mint(path(fault), path(faults_endpoint), seL4_CanWrite | seL4_CanGrantReply, d << 8 | number).ok()) {
        return false;
    }
    if (!tcb_configure(thread_cap(d, number, kThreadTcb), {cspace_root(domain), 0, domain_cap(d, kSlotVSpace), 0},
                       thread.buffer, domain_cap(d, buffer_slot))
             .ok()) {
        return false;
    }
    thread.stack_base = stack_base;
    thread.stack_bytes = stack;
    return true;
}

// Ready to begin at its entry, on an empty stack, with time of its own.
bool set_start(Domain& domain, Word number) {
    Word const d = domain.number;
    CPtr const tcb = thread_cap(d, number, kThreadTcb);
    CPtr const fault = thread_cap(d, number, kThreadFault);
    const Thread& thread = domain.threads[number];
    SchedParams const params{kMaxControlledPriority, domain.spec->priority, kNullCap, fault};
    seL4_UserContext context{};
    context.pc = thread.entry;
    context.x0 = thread.argument;
    context.sp = thread.stack_base + thread.stack_bytes;
    context.tpidrro_el0 = thread.buffer;
    return tcb_set_sched_params(tcb, seL4_CapInitThreadTCB, params).ok() &&
           tcb_set_timeout_endpoint(tcb, kNullCap).ok() &&
           tcb_write_registers(tcb, Resume::kNo, seL4_UserContext_Words, context).ok() && give_time(domain, number);
}

bool grant_fixed(Domain& domain) {
    constexpr seL4_CapRights_t kCall = seL4_CanWrite | seL4_CanGrantReply;
    Word const caller = Word{domain.number} << 8;
    constexpr Word kReceiver = 1;  // nobody sees this badge: what has it may only receive
    bool const done =
        grant(domain, KOS_SLOT_ROOT, service_endpoint, kCall, kFromDomain | caller) &&
        grant(domain, KOS_SLOT_THREADS, service_endpoint, kCall, kFromDomain | caller) &&
        grant(domain, KOS_SLOT_NOTIFICATION, domain.notification, seL4_ReadWrite, KOS_BADGE_NOTIFICATION | 0xffff) &&
        grant(domain, KOS_SLOT_REPORT, faults_endpoint, kCall, caller | kReportMark) &&
        (!domain.endpoint || grant(domain, KOS_SLOT_PORT, domain.endpoint, seL4_CanRead, kReceiver));
    SlotPath const own{domain_cap(domain.number, kSlotCSpace), KOS_SLOT_CNODE, 64};
    return done && cnode_copy(own, path(domain_cap(domain.number, kSlotCSpace))).ok();
}

}  // namespace

void prepare_domains() {
    for (const DomainSpec& spec : the_system.manifest.domains) {
        if (spec.name) prepare(the_system.domains[spec.number], spec);
    }
}

BuildResult build(Domain& domain) {
    for (Thread& thread : domain.threads) thread = Thread{};
    domain.next_address = 0;
    domain.grant_count = 0;
    domain.used_bytes = 0;
    domain.heap.used = domain.heap.spare_count = 0;
    for (uint32_t page = 0; page < domain.heap.pages; ++page) domain.heap.slots[page] = 0;
    domain.handles_faults = false;
    domain.reports = domain.faults = 0;
    domain.faults_since = 0;
    domain.state = KOS_DOMAIN_STARTING;
    domain.end_reason = KOS_EXIT_NONE;
    ++domain.instance;
    clear_life_page(domain);
    nb_wait(domain.notification);  // signals for the instance before
    choose_version(domain);
    if (!make_spaces(domain) || !make_replies(domain)) return KOS_EXIT_MEMORY;
    BuildResult const program = map_program(domain);
    if (program != KOS_EXIT_NONE) return program;
    Thread& main = domain.threads[0];
    main.passive = domain.spec->passive;
    if (!make_thread_objects(domain, 0, domain.spec->stack_bytes) || !make_parks(domain)) return KOS_EXIT_MEMORY;
    if (!grant_fixed(domain) || !write_startup(domain)) return KOS_EXIT_MEMORY;
    CPtr const tcb = thread_cap(domain.number, 0, kThreadTcb);
    if (!tcb_bind_notification(tcb, domain.notification).ok()) return KOS_EXIT_MEMORY;
    main.entry = domain.entry;
    main.argument = domain.startup_address;
    if (!set_start(domain, 0)) return KOS_EXIT_MEMORY;
    domain.threads[0].state = Thread::State::kRunning;
    domain.thread_count = 1;
    return tcb_resume(tcb).ok() ? KOS_EXIT_NONE : KOS_EXIT_MEMORY;
}

void start(Domain& domain) {
    BuildResult const result = build(domain);
    log_start(domain.number, domain.instance, domain.spec->name);
    if (result == KOS_EXIT_NONE) return;
    Text line;
    line.add(domain.spec->name).add(": cannot be started: ");
    line.add(result == KOS_EXIT_IMAGE ? "its program is missing, damaged or not for this machine"
                                      : "its memory does not suffice");
    log(Level::kError, line, domain.number, domain.instance);
    destroy(domain, result);
}

kos_status_t make_thread(Domain& domain, Word entry, Word argument, Word stack_bytes, bool passive, Word& number) {
    constexpr Word kMaxStack = 1 << 20;
    if (stack_bytes == 0 || stack_bytes > kMaxStack) return KOS_STATUS_INVALID_ARGUMENT;
    if (domain.thread_count >= domain.spec->threads) return KOS_STATUS_FULL;
    for (Word n = 1; n < domain.spec->threads; ++n) {
        Thread& thread = domain.threads[n];
        if (thread.state != Thread::State::kNone) continue;
        // A number keeps the stack of its first thread.
        if (thread.stack_base && stack_bytes > thread.stack_bytes) continue;
        thread.passive = passive;
        thread.entry = entry;
        thread.argument = argument;
        if (thread.stack_base == 0) {
            if (!make_thread_objects(domain, n, stack_bytes)) return KOS_STATUS_NOT_ENOUGH_MEMORY;
            Word const caller = kFromDomain | Word{domain.number} << 8 | n;
            if (!grant(domain, KOS_SLOT_THREADS + n, service_endpoint, seL4_CanWrite | seL4_CanGrantReply, caller)) {
                return KOS_STATUS_INTERNAL_ERROR;
            }
        }
        if (!set_start(domain, n)) return KOS_STATUS_INTERNAL_ERROR;
        thread.state = Thread::State::kMade;
        ++domain.thread_count;
        if (domain.reports) --domain.reports;
        number = n;
        return KOS_STATUS_CREATED;
    }
    return KOS_STATUS_FULL;
}

kos_status_t start_thread(Domain& domain, Word number) {
    if (number == 0 || number >= KOS_MAX_THREADS || domain.threads[number].state != Thread::State::kMade) {
        return KOS_STATUS_NOT_FOUND;
    }
    if (!tcb_resume(thread_cap(domain.number, number, kThreadTcb)).ok()) return KOS_STATUS_INTERNAL_ERROR;
    domain.threads[number].state = Thread::State::kRunning;
    return KOS_STATUS_OK;
}

kos_status_t restart_thread(Domain& domain, Word number) {
    if (number == 0 || number >= KOS_MAX_THREADS || domain.threads[number].state != Thread::State::kFaulted) {
        return KOS_STATUS_NOT_FOUND;
    }
    Thread& thread = domain.threads[number];
    use_own_time();
    tcb_suspend(thread_cap(domain.number, number, kThreadTcb));
    drop_deadline(thread);
    if (!set_start(domain, number)) return KOS_STATUS_INTERNAL_ERROR;
    thread.state = Thread::State::kMade;
    thread.fault_is_new = false;
    return start_thread(domain, number);
}

kos_status_t stop_thread(Domain& domain, Word number) {
    if (number == 0 || number >= KOS_MAX_THREADS || domain.threads[number].state == Thread::State::kNone) {
        return KOS_STATUS_NOT_FOUND;
    }
    use_own_time();
    tcb_suspend(thread_cap(domain.number, number, kThreadTcb));
    domain.threads[number].state = Thread::State::kNone;
    drop_deadline(domain.threads[number]);
    --domain.thread_count;
    // If it was in a call, the server has its time.
    take_time(domain, number);
    wake_ticker();
    return KOS_STATUS_OK;
}

}  // namespace root
