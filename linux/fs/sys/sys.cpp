// The tables of /sys (sys.h).
//
// Topology as Linux gives it for cores without a cache in common: each core is a core of its own in one package.
#include "fs/sys/sys.h"

#include "fs/generated/tree.h"
#include "task/system.h"

#include <algorithm>

namespace kos::lx {

namespace sys {

namespace {

using generated::append;
using generated::format;
using generated::Node;
using generated::Subject;
using generated::Tree;
using generated::TreeDirectory;
using Text = Result<std::string>;

constexpr int64_t kMagic = 0x62656572;
constexpr Mode kFile = kS_IFREG | 0444, kDirectory = kS_IFDIR | 0755;

unsigned cores_of(const Subject& subject) { return std::clamp(subject.system->platform.cores(), 1u, 64u); }

std::string list_of(unsigned cores) { return cores > 1 ? format("0-%u\n", cores - 1) : std::string("0\n"); }

// A set of processors as hexadecimal words, as wide as the number of processors needs.
std::string mask_of(uint64_t set, unsigned cores) {
    int const digits = static_cast<int>((cores + 3) / 4);
    if (cores <= 32) return format("%0*llx\n", digits, static_cast<unsigned long long>(set));
    return format("%0*llx,%08llx\n", digits - 8, static_cast<unsigned long long>(set >> 32),
                  static_cast<unsigned long long>(set & 0xffffffff));
}
uint64_t all_of(unsigned cores) { return cores >= 64 ? ~uint64_t{0} : (uint64_t{1} << cores) - 1; }

Text all_list(const Subject& subject, Process&) { return list_of(cores_of(subject)); }
Text all_mask(const Subject& subject, Process&) { return mask_of(all_of(cores_of(subject)), cores_of(subject)); }
Text own_list(const Subject& subject, Process&) { return format("%u\n", subject.index); }
Text own_mask(const Subject& subject, Process&) { return mask_of(uint64_t{1} << subject.index, cores_of(subject)); }
Text empty_line(const Subject&, Process&) { return std::string("\n"); }

template <const char* Value>
Text constant(const Subject&, Process&) {
    return std::string(Value) + "\n";
}
constexpr char kZero[] = "0", kKernelMax[] = "255", kNever[] = "always madvise [never]", kTen[] = "10",
               kAffected[] = "Not affected", kNotSupported[] = "notsupported";

constexpr Node kTopology[] = {
    {"cluster_cpus", kFile, own_mask},
    {"cluster_cpus_list", kFile, own_list},
    {"core_cpus", kFile, own_mask},
    {"core_cpus_list", kFile, own_list},
    {"core_id", kFile, own_list},
    {"core_siblings", kFile, all_mask},
    {"core_siblings_list", kFile, all_list},
    {"package_cpus", kFile, all_mask},
    {"package_cpus_list", kFile, all_list},
    {"physical_package_id", kFile, constant<kZero>},
    {"thread_siblings", kFile, own_mask},
    {"thread_siblings_list", kFile, own_list},
};

// No `online`: processors do not come and go.
constexpr Node kProcessor[] = {
    {"topology", kDirectory, nullptr, nullptr, kTopology},
};

constexpr Node kVulnerabilities[] = {
    {"meltdown", kFile, constant<kAffected>},
    {"spectre_v1", kFile, constant<kAffected>},
    {"spectre_v2", kFile, constant<kAffected>},
};
constexpr Node kSmt[] = {{"active", kFile, constant<kZero>}, {"control", kFile, constant<kNotSupported>}};

constexpr Node kProcessors[] = {
    {"isolated", kFile, empty_line},
    {"kernel_max", kFile, constant<kKernelMax>},
    {"offline", kFile, empty_line},
    {"online", kFile, all_list},
    {"possible", kFile, all_list},
    {"present", kFile, all_list},
    {"smt", kDirectory, nullptr, nullptr, kSmt},
    {"vulnerabilities", kDirectory, nullptr, nullptr, kVulnerabilities},
};

Text node_meminfo(const Subject& subject, Process&) {
    FrameSource& frames = subject.system->frames;
    uint64_t const total = frames.total_frames() * 4, free = std::min(total, frames.free_frames() * 4);
    std::string result;
    append(result, "Node 0 MemTotal:       %8llu kB\n", static_cast<unsigned long long>(total));
    append(result, "Node 0 MemFree:        %8llu kB\n", static_cast<unsigned long long>(free));
    append(result, "Node 0 MemUsed:        %8llu kB\n", static_cast<unsigned long long>(total - free));
    return result;
}

constexpr Node kMemoryNode[] = {
    {"cpulist", kFile, all_list},
    {"cpumap", kFile, all_mask},
    {"distance", kFile, constant<kTen>},
    {"meminfo", kFile, node_meminfo},
};

// Entries NAME0, NAME1, ... with the same table, one for each processor.
class Numbered final : public TreeDirectory {
public:
    Numbered(Tree& of, Subject whom, uint64_t number, uint64_t parent, std::span<const Node> table,
             std::span<const Node> each)
        : TreeDirectory(of, std::move(whom), kDirectory, number, parent, table), each_(each) {}

private:
    static constexpr std::string_view kPrefix = "cpu";
    // In node0 they are links to the processors themselves, which have a directory for each.
    Extra next_extra(uint64_t after) override {
        if (after >= cores_of(subject())) return {};
        return {after + 1, std::string(kPrefix) + std::to_string(after), each_.empty() ? kS_IFLNK : kS_IFDIR};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override;

    std::span<const Node> each_;
};

Text link_to_processor(const Subject& subject, Process&) { return format("../../cpu/cpu%u", subject.index); }
constexpr Node kProcessorLink = {"", kS_IFLNK | 0777, link_to_processor};

Result<Ref<Inode>> Numbered::lookup_extra(std::string_view name) {
    if (!name.starts_with(kPrefix)) return Errno::kENOENT;
    int64_t const index = generated::number_from_name(name.substr(kPrefix.size()), cores_of(subject()) - 1);
    if (index < 0) return Errno::kENOENT;
    Subject whom = subject();
    whom.index = static_cast<unsigned>(index);
    uint64_t const child = generated::number_of(number(), name);
    if (each_.empty()) return tree().make(whom, kProcessorLink, child);
    return Ref<Inode>(make_ref<TreeDirectory>(tree(), std::move(whom), kDirectory, child, number(), each_));
}

Ref<Inode> make_processors(Tree& tree, const Subject& subject, const Node&, uint64_t number, uint64_t parent) {
    return make_ref<Numbered>(tree, subject, number, parent, kProcessors, kProcessor);
}
Ref<Inode> make_memory_node(Tree& tree, const Subject& subject, const Node&, uint64_t number, uint64_t parent) {
    return make_ref<Numbered>(tree, subject, number, parent, kMemoryNode, std::span<const Node>());
}

constexpr Node kMemoryNodes[] = {
    {"has_cpu", kFile, constant<kZero>},
    {"has_memory", kFile, constant<kZero>},
    {"has_normal_memory", kFile, constant<kZero>},
    {"node0", kDirectory, nullptr, nullptr, {}, make_memory_node},
    {"online", kFile, constant<kZero>},
    {"possible", kFile, constant<kZero>},
};
constexpr Node kSystemDevices[] = {
    {"cpu", kDirectory, nullptr, nullptr, {}, make_processors},
    {"node", kDirectory, nullptr, nullptr, kMemoryNodes},
};
constexpr Node kDevices[] = {{"system", kDirectory, nullptr, nullptr, kSystemDevices}};

constexpr Node kHugePages[] = {{"defrag", kFile, constant<kNever>},
                               {"enabled", kFile, constant<kNever>},
                               {"use_zero_page", kFile, constant<kZero>}};
constexpr Node kMemory[] = {{"transparent_hugepage", kDirectory, nullptr, nullptr, kHugePages}};
constexpr Node kKernel[] = {{"mm", kDirectory, nullptr, nullptr, kMemory}};

constexpr Node kClasses[] = {{"net", kDirectory}, {"tty", kDirectory}};
constexpr Node kFileSystems[] = {{"cgroup", kDirectory}};

constexpr Node kRoot[] = {
    {"block", kDirectory},
    {"bus", kDirectory},
    {"class", kDirectory, nullptr, nullptr, kClasses},
    {"dev", kDirectory},
    {"devices", kDirectory, nullptr, nullptr, kDevices},
    {"firmware", kDirectory},
    {"fs", kDirectory, nullptr, nullptr, kFileSystems},
    {"kernel", kDirectory, nullptr, nullptr, kKernel},
    {"module", kDirectory},
};

// Nothing of it ever changes its name.
class SysTree final : public Tree {
public:
    explicit SysTree(System& of) : Tree(of, kMagic, "sysfs") {}
    Errno refusal(Mode type) const override { return type == kS_IFREG ? Errno::kEACCES : Errno::kEPERM; }
    Ref<Inode> root() override {
        return make_ref<TreeDirectory>(*this, Subject{&system()}, kS_IFDIR | Mode{0555}, uint64_t{1}, uint64_t{1},
                                       kRoot);
    }
};

}  // namespace

}  // namespace sys

Ref<FileSystem> make_sys(System& system) { return make_ref<sys::SysTree>(system); }

}  // namespace kos::lx
