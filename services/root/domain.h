// Root's record of each domain and what the files of root do with it. Only the service thread touches any of this.
//
//   build.cpp    makes the objects, starts the main thread
//   destroy.cpp  ends a domain, tells appman
//   space.cpp    pages and addresses
//   time.cpp     scheduling contexts, loans, the sweep
//   program.cpp  the ELF file
//   startup.cpp  the startup block
//   grants.cpp   capabilities that are not to its own memory, and still end with it
//   shared.cpp   memory that outlives domains: windows, queues, rings, DMA, devices, persistent, life pages
#pragma once

#include "boot.h"

#include <kos/manifest/manifest.h>
#include <kos/status.h>

namespace root {

using Manifest = kos::manifest::Manifest;
using DomainSpec = kos::manifest::Domain;

// A thread of a domain. The main thread is 0.
struct Thread {
    enum class State : uint8_t { kNone, kMade, kRunning, kFaulted };
    State state = State::kNone;
    bool passive = false;     // runs on its callers' time
    Word deadline_ticks = 0;  // of its current call; 0: none
    Word deadline_cookie = 0;
    Word stack_base = 0, stack_bytes = 0;  // 0: this number has not been used in this instance
    Word buffer = 0;                       // address of its message buffer
    Word entry = 0, argument = 0;
    kos_fault_t fault{};  // in state kFaulted, for the domain's thread manager
    bool fault_is_new = false;
};

// A page of kos_mem_map: the slot of its frame, 0 if not mapped. Frames that were unmapped are kept for the next
// mapping, because untyped memory takes nothing back before the domain ends.
struct Heap {
    uint32_t* slots = nullptr;  // by page of the range; for the life of the system
    uint32_t pages = 0;         // of the range
    uint32_t used = 0;          // frames in use
    uint32_t spare_first = 0;   // slot of a kept frame; they are chained through `slots` of root's table
    uint32_t spare_count = 0;
};

struct Domain {
    const DomainSpec* spec = nullptr;  // null: no such domain
    uint16_t number = 0;
    uint8_t state = KOS_DOMAIN_STOPPED;
    uint8_t end_reason = KOS_EXIT_NONE;
    uint32_t instance = 0;  // starts so far

    // For the life of the system
    CPtr untyped = 0;  // everything that the domain is made of
    Word untyped_bits = 0;
    unsigned cnode_bits = 0;  // of root's CNode for it
    CPtr endpoint = 0;        // of its ports; 0: it serves nothing
    CPtr notification = 0;
    CPtr signal_health = 0, signal_stop = 0, signal_events = 0, signal_fault = 0;  // minted from it
    Word cspace_bits = 0;
    CPtr kernel_untypeds = 0;  // kernel_objects: consecutive slots of root's, largest first; empty between instances
    Word kernel_untyped_count = 0;
    uint32_t* grants = nullptr;  // grants.cpp: slots of root's CNode for it; room for as many as its CSpace has

    // Of this instance
    Word next_slot = 0;  // of root's CNode for it
    Word grant_count = 0;
    Word next_address = 0;  // where the next mapping goes, apart from program and heap
    Word used_bytes = 0;    // of its untyped memory, as root counts it
    Word startup_address = 0;
    Word entry = 0;
    Word tls_image = 0, tls_file_bytes = 0, tls_memory_bytes = 0, tls_align = 0;
    Thread threads[KOS_MAX_THREADS];
    uint32_t thread_count = 0;
    bool handles_faults = false;  // of its threads other than the main one
    uint32_t reports = 0;         // taken so far, less the threads made: each costs root's time, so they are limited
    uint32_t faults = 0;          // left to the domain since faults_since, limited for the same reason
    Word faults_since = 0;        // ticks
    Heap heap;
};

struct System {
    const void* manifest_tree = nullptr;
    size_t manifest_bytes = 0;
    Manifest manifest{};
    Domain domains[KOS_MAX_DOMAINS];
};
extern System the_system;

inline Domain* find(Word number) {
    return number < KOS_MAX_DOMAINS && the_system.domains[number].spec ? &the_system.domains[number] : nullptr;
}

// Why building has failed; KOS_EXIT_NONE: it has not.
using BuildResult = kos_exit_reason;

// --- build.cpp
void prepare_domains();      // at boot: memory, endpoints, notifications
void start(Domain& domain);  // from nothing to a running main thread; a failure is recorded and is an end
kos_status_t make_thread(Domain& domain, Word entry, Word argument, Word stack_bytes, bool passive, Word& number);
kos_status_t start_thread(Domain& domain, Word number);
kos_status_t stop_thread(Domain& domain, Word number);
kos_status_t restart_thread(Domain& domain, Word number);

// --- space.cpp: objects and pages of one domain. false: the quota does not suffice
bool make_object(Domain& domain, Word type, Word size_bits, Word slot);
Word new_domain_slot(Domain& domain);  // 0: none left
// Maps the frame `cap` (copied if `copy`, so that the original stays root's) at `address`.
enum class Copy : bool { kNo, kYes };
bool map_page(Domain& domain, CPtr frame, Copy copy, Word address, seL4_CapRights_t rights, Word attributes);
// New zeroed frames; `slot` gets the slot of the first if not null.
bool map_new_pages(Domain& domain, Word address, Word count, seL4_CapRights_t rights, Word attributes,
                   Word* slot = nullptr);
// Address of `bytes` of free address range with an unmapped page before it.
Word take_addresses(Domain& domain, Word bytes);
constexpr Word kNormalMemory = seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever;
constexpr Word kExecutable = seL4_ARM_Default_VMAttributes;
constexpr Word kDeviceMemory = seL4_ARM_ExecuteNever;
// A part of it per request; `mapped_bytes`, `left_bytes`: how much is done, or to do.
kos_status_t map_heap(Domain& domain, Word bytes, Word rights, Word& address, Word& mapped_bytes);
kos_status_t continue_map(Domain& domain, Word address, Word rights, Word& mapped_bytes);
kos_status_t unmap_heap(Domain& domain, Word address, Word bytes, Word& left_bytes);

// --- grants.cpp: capabilities to what is not made of the domain's memory. Revoked when it ends, wherever they have
// been passed on to. false: no room, or `slot` is not empty
bool grant(Domain& domain, Word slot, CPtr from, seL4_CapRights_t rights, Word badge);  // badge: not 0
bool grant_connection(Domain& domain, Word slot, unsigned connection);
bool grant_by_directory(Domain& domain, unsigned connection);  // if the client asks for it
bool give_to_directory(Domain& directory, Word slot, unsigned connection);
void revoke_grants(Domain& domain);

// --- kernel_objects.cpp: what a domain needs for threads and address spaces of its own
constexpr unsigned kTopCNodeBits = 12;
void prepare_kernel_objects(Domain& domain);  // at boot
bool make_kernel_untypeds(Domain& domain);    // before anything else is made of the domain's memory
bool make_kernel_spaces(Domain& domain);      // top CNode, ASID pool, authority
kos_status_t give_program_time(Domain& domain, Word address, Word core);
kos_status_t give_image_pages(Domain& domain, const Word words[4]);
// The CNode that the domain's threads have as their CSpace.
inline CPtr cspace_root(const Domain& domain) {
    return domain_cap(domain.number, domain.spec->kernel_objects ? Word{kSlotTop} : Word{kSlotCSpace});
}

// --- program.cpp
BuildResult map_program(Domain& domain);
bool is_system_call(const Domain& domain, Word pc);  // the instruction there, in the program's code
const char* check_programs();  // at boot: every program and image is there and unaltered; null: yes

// --- shared.cpp
void prepare_shared();
struct SharedPages {
    CPtr first = 0;  // consecutive slots of root's CNode
    Word count = 0;
    Word physical = 0;
};
SharedPages window_of(unsigned connection);
SharedPages queue_of(unsigned connection);
SharedPages ring_pages(unsigned ring);
// Of the rings of streams that the domain has: the other side finds the ring left (lib/ring: opening) and is signalled.
void leave_streams(const Domain& domain);
SharedPages dma_pages(unsigned dma);
SharedPages device_pages(unsigned device);
SharedPages persistent_pages(const Domain& domain);
SharedPages life_page(const Domain& domain);
void clear_life_page(const Domain& domain);
kos_life_t& life_of(const Domain& domain);
void tell_loan(const Domain& domain, Word thread, bool is_out);  // on its life page
CPtr interrupt_handler(unsigned interrupt);
SharedPages root_log_pages();

// --- startup.cpp: maps everything that the startup block names and writes it
bool write_startup(Domain& domain);

// --- destroy.cpp
void destroy(Domain& domain, kos_exit_reason reason);
void tell_ready(Domain& domain);
struct Event {
    Word kind;  // kos_event_kind
    Word domain;
    Word detail;
};
bool next_event(Event& event);

// --- supervisor.cpp: the domain with the right "control"
Domain* supervisor();                // null: there is none
void restart_later(Domain& domain);  // nobody else restarts it
bool restart_due();                  // does it when it is time; false: not yet
void watch_supervisor();             // ends it if it has given no sign of life for its watchdog time; asks again

// --- incidents.cpp
void record_hung(const Domain& domain);  // the fault record of one that gives no sign of life
void end_hung(Domain& domain);           // with it

// --- time.cpp
bool give_time(Domain& domain, Word thread);  // a new scheduling context of its own, bound
void lend_after_timeout(Domain& domain, Word thread, Word sched_context_badge, bool& hung);
bool return_loan(Domain& domain, Word thread);   // as it says; false: it has none
void make_passive(Domain& domain, Word thread);  // main thread's time goes to the notification
void sweep();
bool is_settled();  // nothing is lent, no deadline is running
unsigned loans_out();
kos_status_t set_deadline(Domain& domain, Word thread, Word ticks, Word cookie);
void end_late_calls();
void drop_deadline(Thread& thread);
void drop_deadlines(Domain& domain);  // of a domain that ends
// The scheduling context of a thread that has been stopped, wherever it is: a server that runs on it gets a loan.
void take_time(Domain& domain, Word thread);
void prepare_loans();

}  // namespace root
