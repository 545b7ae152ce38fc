// /proc/PID: stat, status, limits.
#include "fs/proc/nodes.h"
#include "mm/address_space.h"
#include "tty/terminal.h"

#include <algorithm>

namespace kos::lx::proc {

namespace {

using ulonglong = unsigned long long;
constexpr uint64_t kInfinity = ~uint64_t{0};

const char* state_name(char state) {
    switch (state) {
        case 'S': return "S (sleeping)";
        case 'T': return "T (stopped)";
        case 'Z': return "Z (zombie)";
        case 'X': return "X (dead)";
        default: return "R (running)";
    }
}

struct SignalSets {
    SignalSet ignored = 0, caught = 0;
};

SignalSets signal_sets(const Process& process) {
    SignalSets sets;
    if (!process.handlers) return sets;
    for (int signal = 1; signal <= kSignals; ++signal) {
        uint64_t const handler = process.handlers->actions[signal - 1].handler;
        if (handler == kSIG_IGN) sets.ignored |= signal_bit(signal);
        if (handler != kSIG_IGN && handler != kSIG_DFL) sets.caught |= signal_bit(signal);
    }
    return sets;
}

int parent_of(const Process& process) { return process.parent ? process.parent->pid : 0; }

unsigned descriptors_size(const Process& process) {
    if (!process.files) return 0;
    int last = -1;
    for (int fd = process.files->next_open(0); fd >= 0; fd = process.files->next_open(fd + 1)) last = fd;
    // The table's size, which grows in these steps.
    return std::max(64u, (static_cast<unsigned>(last + 1) + 63) / 64 * 64);
}

void append_ids(std::string& to, const char* name, uint32_t real, uint32_t effective, uint32_t saved, uint32_t fs) {
    append(to, "%s:\t%u\t%u\t%u\t%u\n", name, real, effective, saved, fs);
}

// A control character would make lines and columns that are none.
std::string printable(std::string command) { return escaped(command, "\n\\"); }

}  // namespace

Text stat_text(const Subject& subject, Process&) {
    const Process& process = *subject.process;
    KOS_TRY(Thread* const thread, subject_thread(subject));
    bool const is_task = bool(subject.thread);
    MemoryUse const use = memory_use(process);
    SignalSets const signals = signal_sets(process);
    Nanoseconds const used = is_task ? processor_time(*subject.thread) : processor_time(process);
    Nanoseconds const started = is_task ? subject.thread->started : process.started;
    int const nice = thread ? thread->nice : 0;
    const Terminal* const terminal = process.session ? process.session->terminal : nullptr;

    std::string result = format("%d (%s) %c %d %d %d %d %d", is_task ? subject.thread->tid : process.pid,
                                printable(command_of(process, thread)).c_str(), state_of(process, thread),
                                parent_of(process), process.group, process.session ? process.session->id : 0,
                                terminal ? static_cast<int>(terminal->device_number()) : 0,
                                terminal ? process.session->foreground_group : -1);
    // flags minflt cminflt majflt cmajflt utime stime cutime cstime priority nice threads itrealvalue starttime
    append(result, " 4194304 0 0 0 0 %llu 0 %llu 0 %d %d %zu 0 %llu", static_cast<ulonglong>(ticks_of(used)),
           static_cast<ulonglong>(ticks_of(process.children_time)), 20 + nice, nice, process.threads.size(),
           static_cast<ulonglong>(ticks_of(started)));
    // vsize rss rsslim startcode endcode startstack kstkesp kstkeip
    append(result, " %llu %llu %llu %llu %llu %llu 0 0", static_cast<ulonglong>(use.total),
           static_cast<ulonglong>(use.resident / kPageBytes), static_cast<ulonglong>(process.limits[kRLIMIT_RSS].now),
           static_cast<ulonglong>(use.code_start), static_cast<ulonglong>(use.code_end),
           static_cast<ulonglong>(use.stack_start));
    // signal blocked sigignore sigcatch (those below 32) wchan nswap cnswap exit_signal processor rt_priority policy
    auto const low = [](SignalSet set) { return static_cast<ulonglong>(set & 0x7fffffff); };
    append(result, " %llu %llu %llu %llu 0 0 0 %d %u %d %u", thread ? low(thread->signals.pending.set) : 0,
           thread ? low(thread->signals.blocked) : 0, low(signals.ignored), low(signals.caught),
           is_task && subject.thread->tid != process.pid ? -1 : process.exit_signal,
           thread && thread->machine ? thread->machine->core() : 0, thread ? thread->priority : 0,
           thread ? thread->policy : 0);
    // delayacct guest cguest start_data end_data start_brk arg_start arg_end env_start env_end exit_code
    append(result, " 0 0 0 0 0 %llu %llu %llu %llu %llu %d\n",
           static_cast<ulonglong>(process.memory ? process.memory->break_start : 0),
           static_cast<ulonglong>(process.arguments_start), static_cast<ulonglong>(process.arguments_end),
           static_cast<ulonglong>(process.environment_start), static_cast<ulonglong>(process.environment_end),
           process.wait_status);
    return result;
}

Text status_text(const Subject& subject, Process&) {
    const Process& process = *subject.process;
    KOS_TRY(Thread* const thread, subject_thread(subject));
    const Credentials& who = process.credentials;
    SignalSets const signals = signal_sets(process);
    int const number = subject.thread ? subject.thread->tid : process.pid;
    int const session = process.session ? process.session->id : 0;

    std::string result = "Name:\t" + printable(command_of(process, thread)) + "\n";
    if (process.paths) append(result, "Umask:\t%04o\n", process.paths->context.umask);
    append(result, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
           state_name(state_of(process, thread)), process.pid, number, parent_of(process));
    append_ids(result, "Uid", who.uid, who.euid, who.suid, who.fsuid);
    append_ids(result, "Gid", who.gid, who.egid, who.sgid, who.fsgid);
    append(result, "FDSize:\t%u\nGroups:\t", descriptors_size(process));
    for (uint32_t const group : who.groups) append(result, "%u ", group);
    if (who.groups.empty()) result += ' ';
    append(result, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", process.pid, number, process.group, session);
    if (process.memory) {
        MemoryUse const use = memory_use(process);
        uint64_t const anonymous = std::min(use.resident, use.data + use.stack);
        struct {
            const char* name;
            uint64_t bytes;
        } const lines[] = {{"VmPeak", use.total},
                           {"VmSize", use.total},
                           {"VmLck", 0},
                           {"VmPin", 0},
                           {"VmHWM", use.resident},
                           {"VmRSS", use.resident},
                           {"RssAnon", anonymous},
                           {"RssFile", use.resident - anonymous},
                           {"RssShmem", 0},
                           {"VmData", use.data},
                           {"VmStk", use.stack},
                           {"VmExe", use.code},
                           {"VmLib", use.libraries},
                           {"VmPTE", use.resident / 512},
                           {"VmSwap", 0},
                           {"HugetlbPages", 0}};
        for (const auto& line : lines) {
            append(result, "%s:\t%8llu kB\n", line.name, static_cast<ulonglong>(line.bytes >> 10));
        }
        result += "CoreDumping:\t0\nTHP_enabled:\t0\n";
    }
    size_t const queued = process.signals.pending.queue.size() + (thread ? thread->signals.pending.queue.size() : 0);
    append(result, "Threads:\t%zu\nSigQ:\t%zu/%llu\n", process.threads.size(), queued,
           static_cast<ulonglong>(process.limits[kRLIMIT_SIGPENDING].now));
    append(result, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
           static_cast<ulonglong>(thread ? thread->signals.pending.set : 0),
           static_cast<ulonglong>(process.signals.pending.set),
           static_cast<ulonglong>(thread ? thread->signals.blocked : 0), static_cast<ulonglong>(signals.ignored),
           static_cast<ulonglong>(signals.caught));
    append(result, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n",
           static_cast<ulonglong>(who.inheritable), static_cast<ulonglong>(who.permitted),
           static_cast<ulonglong>(who.capabilities & Credentials::kAllCapabilities),
           static_cast<ulonglong>(who.bounding), static_cast<ulonglong>(who.ambient));
    append(result, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", process.no_new_privileges ? 1 : 0);
    result += "Speculation_Store_Bypass:\tnot vulnerable\nSpeculationIndirectBranch:\tunknown\n";
    unsigned const cores = process.system.platform.cores();
    uint64_t const all = cores >= 64 ? ~uint64_t{0} : (uint64_t{1} << cores) - 1;
    uint64_t const allowed = thread ? thread->affinity & all : all;
    std::string list;
    for (unsigned core = 0; core < 64; ++core) {
        if (!(allowed >> core & 1)) continue;
        unsigned last = core;
        while (last + 1 < 64 && allowed >> (last + 1) & 1) ++last;
        if (!list.empty()) list += ',';
        append(list, last > core ? "%u-%u" : "%u", core, last);
        core = last;
    }
    append(result, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t%s\nMems_allowed:\t1\nMems_allowed_list:\t0\n",
           static_cast<ulonglong>(allowed), list.c_str());
    result += "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n";
    return result;
}

Text limits_text(const Subject& subject, Process&) {
    struct {
        const char* name;
        const char* unit;
        unsigned limit;
    } const rows[] = {
        {"Max cpu time", "seconds", kRLIMIT_CPU},         {"Max file size", "bytes", kRLIMIT_FSIZE},
        {"Max data size", "bytes", kRLIMIT_DATA},         {"Max stack size", "bytes", kRLIMIT_STACK},
        {"Max core file size", "bytes", kRLIMIT_CORE},    {"Max resident set", "bytes", kRLIMIT_RSS},
        {"Max processes", "processes", kRLIMIT_NPROC},    {"Max open files", "files", kRLIMIT_NOFILE},
        {"Max locked memory", "bytes", kRLIMIT_MEMLOCK},  {"Max address space", "bytes", kRLIMIT_AS},
        {"Max file locks", "locks", kRLIMIT_LOCKS},       {"Max pending signals", "signals", kRLIMIT_SIGPENDING},
        {"Max msgqueue size", "bytes", kRLIMIT_MSGQUEUE}, {"Max nice priority", "", kRLIMIT_NICE},
        {"Max realtime priority", "", kRLIMIT_RTPRIO},    {"Max realtime timeout", "us", kRLIMIT_RTTIME}};
    auto const value = [](uint64_t limit) {
        return limit == kInfinity ? std::string("unlimited") : std::to_string(limit);
    };
    std::string result = format("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (const auto& row : rows) {
        const ResourceLimit& limit = subject.process->limits[row.limit];
        append(result, "%-25s %-20s %-20s %-10s\n", row.name, value(limit.now).c_str(), value(limit.most).c_str(),
               row.unit);
    }
    return result;
}

}  // namespace kos::lx::proc
