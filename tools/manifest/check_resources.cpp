// CPU time, memory, capability slots. See checks.h.
#include <kos/abi.h>
#include <kos/manifest/manifest.h>
#include <sel4/abi.h>

#include <algorithm>
#include <bit>

#include "board.h"
#include "checks.h"

#include <kos/push.h>
#include "table.h"

namespace kos::compiler {
namespace {

constexpr uint64_t kPage = KOS_PAGE_BYTES;
constexpr uint64_t kMillion = 1'000'000;
constexpr uint64_t kThreadStackBytes = 16 << 10;  // of threads other than the main one (thread.h)
constexpr uint64_t kFixedRootSlots = 280;         // services/root/build.cpp: kSlotDynamic and kTablesAndProgram
constexpr uint64_t kPagesOfTable = 512;
constexpr uint64_t kPageTables = 4;  // for the program and for what root maps behind it

std::string percent(uint64_t ppm) { return std::to_string(ppm / 10000) + "." + std::to_string(ppm / 1000 % 10) + " %"; }

std::string parts_text(const std::vector<MemoryPart>& parts) {
    std::vector<std::string> texts;
    for (const MemoryPart& part : parts) {
        if (part.bytes != 0) {
            texts.push_back(std::string(part.what) + " " + size_text(part.bytes));
        }
    }
    return joined(texts);
}

bool serves_directory(const Domain& domain) {
    return std::any_of(domain.serves.begin(), domain.serves.end(),
                       [](const ServedPort& port) { return port.name.value == "directory"; });
}

uint64_t cspace_bits(const Domain& domain) { return KOS_CSPACE_BITS + (serves_directory(domain) ? 1 : 0); }

size_t rings_of(const System& system, const Domain& domain) {
    size_t count = domain.rings.size();
    for (const Domain& other : system.domains) {
        count += static_cast<size_t>(std::count_if(other.rings.begin(), other.rings.end(), [&](const RingTo& ring) {
            return ring.to.value == domain.name.value;
        }));
    }
    return count;
}

// Pages that root maps into the domain and that are not of its quota; as root's build.cpp counts them.
uint64_t shared_pages(const System& system, const Domain& domain) {
    uint64_t bytes = domain.persistent.value;
    for (const Domain& other : system.domains) {
        for (const RingTo& ring : other.rings) {
            if (&other == &domain || ring.to.value == domain.name.value) {
                bytes += ring.size.value;
            }
        }
    }
    for (const DmaArea& area : domain.dma) {
        bytes += area.size.value;
    }
    for (const Device& device : domain.devices) {
        bytes += device.size.value;
    }
    uint64_t pages = bytes / kPage + (domain.staging.value != 0 ? KOS_PUSH_PAGES : 0);
    for (const Connection& connection : system.connections) {
        const Domain& server = system.domains[connection.server];
        if (&system.domains[connection.client] == &domain || &server == &domain) {
            const ServedPort& port = server.serves[connection.port];
            pages += (port.payload.value != 0 ? 1 : 0) + (port.queue ? 1 : 0);
        }
    }
    return pages;
}

size_t interrupts_of(const Domain& domain) {
    size_t count = 0;
    for (const Device& device : domain.devices) {
        count += device.interrupts.size();
    }
    return count;
}

void check_budget(const Domain& domain, Diagnostics& diagnostics) {
    const std::string& name = domain.name.value;
    if (domain.budget_us.value >= domain.period_us.value) {
        diagnostics.error(domain.budget_us.place,
                          "budget_us of " + name + " is " + std::to_string(domain.budget_us.value),
                          "less than period_us = " + std::to_string(domain.period_us.value));
    }
    if (domain.passive.value && domain.serves.empty() && domain.kernel_objects.value == 0 && !domain.is_incomplete) {
        diagnostics.error(domain.passive.place, name + " is passive and serves no port",
                          "a [[serves]], or passive = false: nobody would lend it time");
    }
    // With kernel_objects ports are served by an active thread (linux/platform/ports.h).
    if (domain.passive.value && domain.kernel_objects.value == 0 && domain.replies.value > domain.threads.value) {
        diagnostics.error(domain.replies.place,
                          "replies of " + name + ", which is passive, is " + std::to_string(domain.replies.value),
                          "at most " + std::to_string(domain.threads.value) +
                              ", one for each thread: who answers later needs time of its own (passive = false)");
    }
    if (domain.kernel_objects.value != 0 && !domain.serves.empty() && domain.threads.value < 2) {
        diagnostics.error(domain.threads.place, name + " has kernel_objects, serves ports, and has one thread",
                          "threads = 2 or more: one receives the calls");
    }
    if (domain.kernel_objects.value != 0 && domain.program_priority.value >= domain.priority.value) {
        diagnostics.error(domain.program_priority.place,
                          "program_priority of " + name + " is " + std::to_string(domain.program_priority.value),
                          "less than its priority = " + std::to_string(domain.priority.value));
    }
    if (domain.kernel_objects.value == 0 && !domain.images.empty()) {
        diagnostics.error(domain.images.front().name.place, name + " has an image and no kernel_objects",
                          "kernel_objects: images come as frames of its own CSpace");
    }
    if (domain.watchdog_ms.value != 0 && domain.watchdog_ms.value * 1000 <= domain.period_us.value) {
        diagnostics.error(domain.watchdog_ms.place,
                          "watchdog_ms of " + name + " is " + std::to_string(domain.watchdog_ms.value),
                          "more than its period of " + std::to_string(domain.period_us.value) + " us, or 0");
    }
}

// The first domain whose budget does not fit any more is the one that is complained about.
void check_core(const System& system, uint32_t mode, uint64_t core, std::set<const Domain*>& reported,
                Diagnostics& diagnostics) {
    const uint64_t limit = kMillion / 100 * system.core_budget_percent.value;
    uint64_t sum = 0;
    for (const Domain& domain : system.domains) {
        // A budget that fills its period has been reported.
        if (domain.core.value != core || (domain.mode_mask >> mode & 1) == 0 ||
            domain.budget_us.value >= domain.period_us.value) {
            continue;
        }
        sum += utilisation_ppm(domain);
        if (sum > limit) {
            if (reported.insert(&domain).second) {
                diagnostics.error(domain.budget_us.place,
                                  "with " + domain.name.value + " (" + percent(utilisation_ppm(domain)) +
                                      "), the budgets on core " + std::to_string(core) + " in mode " +
                                      system.modes[mode].value + " are " + percent(sum),
                                  "at most " + percent(limit) + " (core_budget_percent; root keeps " +
                                      std::to_string(kRootCorePercent) + " %)");
            }
            return;
        }
    }
}

void check_slots(const System& system, const Domain& domain, Diagnostics& diagnostics) {
    const uint64_t slots = slots_used(system, domain);
    if (const uint64_t limit = uint64_t{1} << cspace_bits(domain); slots > limit) {
        diagnostics.error(
            domain.app, domain.name.value + " needs " + std::to_string(slots) + " capability slots",
            "at most " + std::to_string(limit) + " (" + std::to_string(KOS_MAX_TOKENS) + " of them for tokens)");
    }
    if (const size_t count = interrupts_of(domain); count > manifest::kMaxDomainInterrupts) {
        diagnostics.error(domain.app, domain.name.value + " has " + std::to_string(count) + " interrupts",
                          "at most " + std::to_string(manifest::kMaxDomainInterrupts));
    }
    const size_t rings = rings_of(system, domain);
    // Bit 0 tells who controls domains of their events.
    const size_t most = domain.has_right("control") ? 0 : manifest::kMaxDomainRings;
    if (rings > most) {
        diagnostics.error(domain.rings.empty() ? domain.app : domain.rings.back().name.place,
                          domain.name.value + " has " + std::to_string(rings) + (rings == 1 ? " ring" : " rings"),
                          most == 0 ? "none: it has the right \"control\", whose events take their signal"
                                    : "at most " + std::to_string(most) + ", those to it included");
    }
}

void check_quota(const System& system, const Domain& domain, Diagnostics& diagnostics) {
    const std::vector<MemoryPart> parts = least_memory(system, domain);
    if (const uint64_t least = sum_of(parts); least > uint64_t{1} << domain.memory_bits) {
        diagnostics.error(domain.memory.place,
                          "memory of " + domain.name.value + " is " + size_text(uint64_t{1} << domain.memory_bits),
                          "at least " + size_text((least + 1023) / 1024 * 1024) + ": " + parts_text(parts));
    }
}

// Root makes the tables of read() of these numbers.
void check_totals(const System& system, Diagnostics& diagnostics) {
    struct Total {
        const char* what;
        size_t limit;
        size_t sum = 0;
        bool told = false;
    };
    Total totals[] = {{"devices", manifest::kMaxDevices},
                      {"interrupts", manifest::kMaxInterrupts},
                      {"DMA areas", manifest::kMaxDma},
                      {"rings", manifest::kMaxRings},
                      {"images", manifest::kMaxImages},
                      {"parameters", manifest::kMaxParameters},
                      {"arguments and environment entries", manifest::kMaxTexts}};
    for (const Domain& domain : system.domains) {
        const size_t counts[] = {domain.devices.size(),
                                 interrupts_of(domain),
                                 domain.dma.size(),
                                 domain.rings.size(),
                                 domain.images.size(),
                                 domain.parameters.size(),
                                 domain.arguments.size() + domain.environment.size()};
        for (size_t i = 0; i < std::size(totals); ++i) {
            Total& total = totals[i];
            total.sum += counts[i];
            if (total.sum > total.limit && !total.told) {
                total.told = true;
                diagnostics.error(
                    domain.app,
                    "with " + domain.name.value + " there are " + std::to_string(total.sum) + " " + total.what,
                    "at most " + std::to_string(total.limit) + " in all");
            }
        }
    }
    if (system.groups.size() > manifest::kMaxGroups) {
        diagnostics.error(system.groups[manifest::kMaxGroups].name.place,
                          "there are " + std::to_string(system.groups.size()) + " groups",
                          "at most " + std::to_string(manifest::kMaxGroups));
    }
}

}  // namespace

uint64_t utilisation_ppm(const Domain& domain) {
    return domain.threads.value * domain.budget_us.value * kMillion / std::max<uint64_t>(1, domain.period_us.value);
}

constexpr uint64_t kKernelSlots = 5;  // kos_startup_kernel_t

uint64_t slots_used(const System& system, const Domain& domain) {
    uint64_t slots = KOS_SLOT_FIRST_LISTED + domain.replies.value + interrupts_of(domain) + rings_of(system, domain) +
                     KOS_MAX_TOKENS;
    for (const UsedPort& use : domain.uses) {
        slots += use.send_only ? 1 : 2;  // connection, signal of the queue
    }
    if (domain.kernel_objects.value != 0) {
        slots += static_cast<uint64_t>(std::popcount(domain.kernel_objects.value)) + kKernelSlots;
    }
    // Those whose clients it may signal (kos_startup_signal_t).
    const auto is_signalled = [](const ServedPort& port) {
        return port.name.value == "timer" || port.interface.value == "console" || port.interface.value == "appman";
    };
    for (const Connection& connection : system.connections) {
        if (&system.domains[connection.server] == &domain && is_signalled(domain.serves[connection.port])) ++slots;
    }
    return slots + (serves_directory(domain) ? system.connections.size() : 0);
}

// services/root/build.cpp: granted()
static uint64_t grants_of(const System& system, const Domain& domain) {
    constexpr uint64_t kFixed = 4;
    uint64_t count = kFixed + domain.threads.value + rings_of(system, domain);
    for (const Connection& connection : system.connections) {
        if (&system.domains[connection.client] == &domain) count += 2;
        if (&system.domains[connection.server] == &domain) ++count;
    }
    return count;
}

std::vector<MemoryPart> least_memory(const System& system, const Domain& domain) {
    const uint64_t quota_pages = ((uint64_t{1} << domain.memory_bits) -
                                  std::min(domain.kernel_objects.value, uint64_t{1} << domain.memory_bits)) /
                                 kPage;
    constexpr uint64_t kSlot = uint64_t{1} << seL4_SlotBits;
    // Root keeps a slot for each page that the domain could have or that is mapped into it, and some more.
    const uint64_t shared = shared_pages(system, domain);
    uint64_t root_slots = 1;
    while (root_slots < quota_pages + shared + grants_of(system, domain) + kFixedRootSlots) {
        root_slots *= 2;
    }
    constexpr uint64_t kThreadBytes =
        (uint64_t{1} << seL4_TCBBits) + (uint64_t{1} << manifest::kThreadTimeBits) + kPage;
    // The top CNode (4096 entries), the ASID pool, the thread that limits priorities.
    constexpr uint64_t kKernelSpaces =
        (kSlot << 12) + (uint64_t{1} << seL4_ASIDPoolBits) + (uint64_t{1} << seL4_TCBBits);
    return {
        {"program", domain.program ? domain.program->writable_bytes : 0},
        {"stack", domain.stack.value},
        {"further threads", (domain.threads.value - 1) * (kThreadBytes + kThreadStackBytes)},
        {"capability tables", kSlot * ((uint64_t{1} << cspace_bits(domain)) + root_slots)},
        {"page tables", (kPageTables + 1 + shared / kPagesOfTable) * kPage},
        {"main thread", kThreadBytes + (domain.replies.value << seL4_ReplyBits)},
        {"startup block", kPage},
        {"kernel objects", domain.kernel_objects.value != 0 ? domain.kernel_objects.value + kKernelSpaces : 0},
    };
}

uint64_t sum_of(const std::vector<MemoryPart>& parts) {
    uint64_t sum = 0;
    for (const MemoryPart& part : parts) {
        sum += part.bytes;
    }
    return sum;
}

// Threads that a domain makes itself have no budget: they run on what others leave, and only below everybody else.
void check_program_priority(const System& system, const Domain& domain, Diagnostics& diagnostics) {
    if (domain.kernel_objects.value == 0) {
        return;
    }
    for (const Domain& other : system.domains) {
        if (other.priority.value <= domain.program_priority.value && (other.mode_mask & domain.mode_mask) != 0) {
            diagnostics.error(domain.program_priority.place,
                              "program_priority of " + domain.name.value + " is " +
                                  std::to_string(domain.program_priority.value) + ", the priority of " +
                                  other.name.value + " " + std::to_string(other.priority.value),
                              "less than the priority of every domain: programs have no budget");
            return;
        }
    }
}

void check_time(const System& system, Diagnostics& diagnostics) {
    for (const Domain& domain : system.domains) {
        check_budget(domain, diagnostics);
        check_program_priority(system, domain, diagnostics);
    }
    if (system.core_budget_percent.value > 100 - kRootCorePercent) {
        diagnostics.warning(system.core_budget_percent.place,
                            "core_budget_percent is " + std::to_string(system.core_budget_percent.value),
                            "at most " + std::to_string(100 - kRootCorePercent) + ": beyond, no budget is guaranteed");
    }
    std::set<const Domain*> reported;
    for (uint32_t mode = 0; mode < system.modes.size(); ++mode) {
        for (uint64_t core = 0; core < KOS_BOARD_MAX_CORES; ++core) {
            check_core(system, mode, core, reported, diagnostics);
        }
    }
}

// Root sets the memory of all domains aside when it starts, whatever the mode.
void check_memory(const System& system, Diagnostics& diagnostics) {
    constexpr uint64_t kLimit = KOS_BOARD_RAM_SIZE_BYTES - kRootMemoryBytes;
    uint64_t sum = 0;
    bool is_told = false;
    for (const Domain& domain : system.domains) {
        check_slots(system, domain, diagnostics);
        check_quota(system, domain, diagnostics);
        sum += (uint64_t{1} << domain.memory_bits) + domain.persistent.value + domain.staging.value;
        for (const DmaArea& area : domain.dma) {
            sum += area.size.value;
        }
        for (const RingTo& ring : domain.rings) {
            sum += ring.size.value;
        }
        if (sum > kLimit && !is_told) {
            is_told = true;
            diagnostics.error(domain.memory.place,
                              "with " + domain.name.value + " (" + size_text(uint64_t{1} << domain.memory_bits) +
                                  "), the memory of all domains is " + size_text(sum),
                              "at most " + size_text(kLimit) + " (" + size_text(KOS_BOARD_RAM_SIZE_BYTES) +
                                  " of RAM, of which kernel and root keep " + size_text(kRootMemoryBytes) + ")");
        }
    }
    check_totals(system, diagnostics);
}

}  // namespace kos::compiler
