// /proc: what is said of the system as a whole.
#include "fs/proc/load.h"
#include "fs/proc/nodes.h"
#include "mm/address_space.h"
#include "task/current.h"
#include "vfs/devices.h"
#include "vfs/file_systems.h"

#include <algorithm>

namespace kos::lx::proc {

namespace {

using ulonglong = unsigned long long;

// HWCAP_* by bit as asm/hwcap.h numbers them, named as in arm64's /proc/cpuinfo.
constexpr const char* kFeatures[] = {"fp",      "asimd", "evtstrm", "aes",   "pmull",    "sha1",   "sha2", "crc32",
                                     "atomics", "fphp",  "asimdhp", "cpuid", "asimdrdm", "jscvt",  "fcma", "lrcpc",
                                     "dcpop",   "sha3",  "sm3",     "sm4",   "asimddp",  "sha512", "sve",  "asimdfhm",
                                     "dit",     "uscat", "ilrcpc",  "flagm", "ssbs",     "sb",     "paca", "pacg"};

Text cpuinfo_text(const Subject& subject, Process&) {
    ProcessorFacts const facts = subject.system->platform.processor();
    // BogoMIPS of arm64: loops per second of a loop that waits for the timer.
    uint32_t const bogo = static_cast<uint32_t>(uint64_t{facts.counter_hz} * 2 / 10'000);
    std::string features;
    for (size_t bit = 0; bit < std::size(kFeatures); ++bit) {
        if (facts.capabilities >> bit & 1) features += std::string(features.empty() ? "" : " ") + kFeatures[bit];
    }
    std::string result;
    for (unsigned core = 0; core < subject.system->platform.cores(); ++core) {
        append(result, "processor\t: %u\nBogoMIPS\t: %u.%02u\nFeatures\t: ", core, bogo / 100, bogo % 100);
        result += features;
        append(result,
               "\nCPU implementer\t: 0x%02x\nCPU architecture: 8\nCPU variant\t: 0x%x\nCPU part\t: 0x%03x\nCPU "
               "revision\t: %u\n\n",
               facts.implementer, facts.variant, facts.part, facts.revision);
    }
    return result;
}

// In KiB.
struct MemoryFigures {
    uint64_t total, free, cached, mapped, resident, used, anonymous;
};

MemoryFigures memory_figures(System& system) {
    constexpr uint64_t kPage = kPageBytes / 1024;
    MemoryFigures found{};
    found.total = system.frames.total_frames() * kPage;
    found.free = std::min(found.total, system.frames.free_frames() * kPage);
    found.cached = system.frames.reclaimable_frames() * kPage;
    for (const auto& [pid, process] : system.processes()) {
        if (!process->memory) continue;
        found.mapped += process->memory->mapped_bytes() >> 10;
        found.resident += process->memory->resident_pages() * kPage;
    }
    found.used = found.total - found.free;
    found.anonymous = std::min(found.resident, found.used);
    return found;
}

Text meminfo_text(const Subject& subject, Process&) {
    auto const [total, free, cached, mapped, resident, used, anonymous] = memory_figures(*subject.system);
    struct {
        const char* name;
        uint64_t kilobytes;
    } const lines[] = {{"MemTotal", total},
                       {"MemFree", free},
                       {"MemAvailable", std::min(total, free + cached)},
                       {"Buffers", 0},
                       {"Cached", used - anonymous},
                       {"SwapCached", 0},
                       {"Active", anonymous},
                       {"Inactive", used - anonymous},
                       {"Active(anon)", anonymous},
                       {"Inactive(anon)", 0},
                       {"Active(file)", 0},
                       {"Inactive(file)", used - anonymous},
                       {"Unevictable", 0},
                       {"Mlocked", 0},
                       {"SwapTotal", 0},
                       {"SwapFree", 0},
                       {"Dirty", 0},
                       {"Writeback", 0},
                       {"AnonPages", anonymous},
                       {"Mapped", resident},
                       {"Shmem", 0},
                       {"KReclaimable", 0},
                       {"Slab", 0},
                       {"SReclaimable", 0},
                       {"SUnreclaim", 0},
                       {"KernelStack", 0},
                       {"PageTables", 0},
                       {"NFS_Unstable", 0},
                       {"Bounce", 0},
                       {"WritebackTmp", 0},
                       {"CommitLimit", total},
                       {"Committed_AS", mapped},
                       {"VmallocTotal", 0},
                       {"VmallocUsed", 0},
                       {"VmallocChunk", 0},
                       {"Percpu", 0}};
    std::string result;
    for (const auto& line : lines) {
        append(result, "%-16s%8llu kB\n", (std::string(line.name) + ":").c_str(),
               static_cast<ulonglong>(line.kilobytes));
    }
    result +=
        "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n";
    result += "Hugepagesize:       2048 kB\nHugetlb:               0 kB\n";
    return result;
}

// In pages. There is neither swap nor a disk; faults are not counted, so their lines are not there.
Text vmstat_text(const Subject& subject, Process&) {
    constexpr uint64_t kPage = kPageBytes / 1024;
    auto const [total, free, cached, mapped, resident, used, anonymous] = memory_figures(*subject.system);
    struct {
        const char* name;
        uint64_t value;
    } const lines[] = {{"nr_free_pages", free / kPage},
                       {"nr_active_anon", anonymous / kPage},
                       {"nr_inactive_file", (used - anonymous) / kPage},
                       {"nr_anon_pages", anonymous / kPage},
                       {"nr_mapped", resident / kPage},
                       {"nr_file_pages", (used - anonymous) / kPage},
                       {"nr_dirty", 0},
                       {"nr_writeback", 0},
                       {"pgpgin", 0},
                       {"pgpgout", 0},
                       {"pswpin", 0},
                       {"pswpout", 0}};
    std::string result;
    for (const auto& line : lines) append(result, "%s %llu\n", line.name, static_cast<ulonglong>(line.value));
    return result;
}

Text uptime_text(const Subject& subject, Process&) {
    Nanoseconds const now = subject.system->timers.now();
    Nanoseconds const idle =
        std::max<Nanoseconds>(0, now * subject.system->platform.cores() - busy_time(*subject.system));
    auto const hundredths = [](Nanoseconds time) { return static_cast<ulonglong>(time / 10'000'000 % 100); };
    auto const seconds = [](Nanoseconds time) { return static_cast<ulonglong>(time / 1'000'000'000); };
    return format("%llu.%02llu %llu.%02llu\n", seconds(now), hundredths(now), seconds(idle), hundredths(idle));
}

struct ThreadCounts {
    unsigned all = 0, running = 0;
    int last = 0;
};

ThreadCounts count_threads(const System& system) {
    ThreadCounts counts;
    for (const auto& [pid, process] : system.processes()) {
        for (const Ref<Thread>& thread : process->threads) {
            ++counts.all;
            if (thread->state == ThreadState::kRunning || thread->state == ThreadState::kInCall) ++counts.running;
            counts.last = std::max(counts.last, thread->tid);
        }
    }
    return counts;
}

Text stat_of_system(const Subject& subject, Process&) {
    System& system = *subject.system;
    unsigned const cores = std::max(1u, system.platform.cores());
    uint64_t const now = ticks_of(system.timers.now());
    // Which processor it was is not known: all have the same share.
    uint64_t const busy = std::min(ticks_of(busy_time(system)), now * cores);
    auto const line = [](std::string& to, const char* name, uint64_t user, uint64_t idle) {
        append(to, "%s %llu 0 0 %llu 0 0 0 0 0 0\n", name, static_cast<ulonglong>(user), static_cast<ulonglong>(idle));
    };
    std::string result;
    line(result, "cpu ", busy, now * cores - busy);
    for (unsigned core = 0; core < cores; ++core) {
        line(result, ("cpu" + std::to_string(core)).c_str(), busy / cores, now - busy / cores);
    }
    ThreadCounts const threads = count_threads(system);
    append(result, "intr 0\nctxt %llu\nbtime %lld\nprocesses %llu\nprocs_running %u\nprocs_blocked 0\n",
           static_cast<ulonglong>(system.context_switches),
           static_cast<long long>(system.timers.source().realtime_offset() / 1'000'000'000),
           static_cast<ulonglong>(system.forks + 1), std::max(1u, threads.running));
    result += "softirq 0 0 0 0 0 0 0 0 0 0 0\n";
    return result;
}

Text loadavg_text(const Subject& subject, Process&) {
    Load const& average = load_average(*subject.system);
    ThreadCounts const threads = count_threads(*subject.system);
    std::string result;
    for (uint64_t const load : average.of) {
        append(result, "%llu.%02llu ", static_cast<ulonglong>(load / 2048),
               static_cast<ulonglong>(load % 2048 * 100 / 2048));
    }
    append(result, "%u/%u %d\n", threads.running, threads.all, threads.last);
    return result;
}

Text version_text(const Subject&, Process&) {
    return format("%s version %s (kos@kos) (gcc (Debian 12) 12.2.0) %s\n", kSystemName, kRelease, kVersion);
}

Text filesystems_text(const Subject&, Process&) {
    std::string result = "nodev\ttmpfs\nnodev\toverlay\nnodev\tpipefs\nnodev\tsockfs\n";
    for (size_t i = 0; const char* const type = file_system_type(i); ++i) append(result, "nodev\t%s\n", type);
    return result + "\terofs\n";
}

Text devices_text(const Subject&, Process&) {
    std::string result = "Character devices:\n";
    std::vector<CharacterDevices> devices(registered_devices().begin(), registered_devices().end());
    std::sort(devices.begin(), devices.end(), [](const auto& a, const auto& b) { return a.major < b.major; });
    for (const CharacterDevices& one : devices) append(result, "%3u %s\n", one.major, one.name);
    return result + "\nBlock devices:\n";
}

Text self_text(const Subject&, Process& reader) { return std::to_string(reader.pid); }

Text thread_self_text(const Subject&, Process& reader) {
    Thread* const thread = current_thread();
    return format("%d/task/%d", reader.pid, thread ? thread->tid : reader.pid);
}

Text empty_text(const Subject&, Process&) { return std::string(); }
Text cmdline_of_kernel(const Subject&, Process&) { return std::string("\n"); }
Text cgroups_text(const Subject&, Process&) { return std::string("#subsys_name\thierarchy\tnum_cgroups\tenabled\n"); }
Text partitions_text(const Subject&, Process&) { return std::string("major minor  #blocks  name\n\n"); }
Text swaps_text(const Subject&, Process&) { return std::string("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"); }
template <const char* Target>
Text link_text(const Subject&, Process&) {
    return std::string(Target);
}
constexpr char kSelfMounts[] = "self/mounts", kSelfNet[] = "self/net";

constexpr Node kTable[] = {
    {"cgroups", kFile, cgroups_text},
    {"cmdline", kFile, cmdline_of_kernel},
    {"cpuinfo", kFile, cpuinfo_text},
    {"devices", kFile, devices_text},
    {"diskstats", kFile, empty_text},
    {"filesystems", kFile, filesystems_text},
    {"loadavg", kFile, loadavg_text},
    {"meminfo", kFile, meminfo_text},
    {"modules", kFile, empty_text},
    {"mounts", kLink, link_text<kSelfMounts>},
    {"net", kLink, link_text<kSelfNet>},
    {"partitions", kFile, partitions_text},
    {"self", kLink, self_text},
    {"stat", kFile, stat_of_system},
    {"swaps", kFile, swaps_text},
    {"sys",
     kDirectory,
     nullptr,
     nullptr,
     {},
     [](Tree& tree, const Subject& subject, const Node&, uint64_t number, uint64_t parent) -> Ref<Inode> {
         return make_ref<generated::TreeDirectory>(tree, subject, kDirectory, number, parent, kSettings);
     }},
    {"thread-self", kLink, thread_self_text},
    {"uptime", kFile, uptime_text},
    {"version", kFile, version_text},
    {"vmstat", kFile, vmstat_text},
};

}  // namespace

const std::span<const Node> kSystemNodes = kTable;

}  // namespace kos::lx::proc
