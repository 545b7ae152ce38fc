// The tables that /proc is made of, and what their texts have in common.
#pragma once

#include "fs/generated/tree.h"
#include "task/process.h"
#include "task/system.h"

namespace kos::lx::proc {

using generated::append;
using generated::format;
using generated::Node;
using generated::Subject;
using generated::Tree;
using Text = Result<std::string>;

constexpr Mode kFile = kS_IFREG | 0444, kWritable = kS_IFREG | 0644, kPrivate = kS_IFREG | 0400;
constexpr Mode kDirectory = kS_IFDIR | 0555, kLink = kS_IFLNK | 0777;

extern const std::span<const Node> kSystemNodes;   // of /proc itself (system_files.cpp)
extern const std::span<const Node> kSettings;      // of /proc/sys (settings.cpp)
extern const std::span<const Node> kProcessNodes;  // of /proc/PID (process_files.cpp)
extern const std::span<const Node> kThreadNodes;   // of /proc/PID/task/TID
extern const std::span<const Node> kNetworkNodes;  // of /proc/PID/net (network_files.cpp)

// --- Files of processes that have a source file of their own.
Text maps_text(const Subject& subject, Process& reader);
Text smaps_text(const Subject& subject, Process& reader);
Text smaps_rollup_text(const Subject& subject, Process& reader);
Text statm_text(const Subject& subject, Process& reader);
Text cmdline_text(const Subject& subject, Process& reader);
Text environ_text(const Subject& subject, Process& reader);
Text mounts_text(const Subject& subject, Process& reader);
Text mountinfo_text(const Subject& subject, Process& reader);
Text stat_text(const Subject& subject, Process& reader);
Text status_text(const Subject& subject, Process& reader);
Text limits_text(const Subject& subject, Process& reader);

// Pages of a process's memory by what they are for, in bytes.
struct MemoryUse {
    uint64_t total = 0, resident = 0, data = 0, stack = 0, code = 0, libraries = 0, shared = 0;
    uint64_t code_start = 0, code_end = 0;  // of the program's file
    uint64_t stack_start = 0;
};
MemoryUse memory_use(const Process& process);

// --- Directories and links that are not of tables.
Ref<Inode> make_descriptors(Tree& tree, const Subject& subject, const Node& node, uint64_t number, uint64_t parent);
Ref<Inode> make_descriptor_infos(Tree& tree, const Subject& subject, const Node& node, uint64_t number,
                                 uint64_t parent);
Ref<Inode> make_tasks(Tree& tree, const Subject& subject, const Node& node, uint64_t number, uint64_t parent);
// exe, cwd, root: lead to the place itself.
Ref<Inode> make_place(Tree& tree, const Subject& subject, const Node& node, uint64_t number, uint64_t parent);

// --- What several texts say.
constexpr Nanoseconds kTick = 10'000'000;  // USER_HZ is 100
inline uint64_t ticks_of(Nanoseconds time) { return static_cast<uint64_t>(time / kTick); }
Nanoseconds processor_time(const Thread& thread);
Nanoseconds processor_time(const Process& process);  // of all its threads, past ones too
std::string command_of(const Process& process, const Thread* thread);
// Whoever makes the present call may look into the process (ptrace(2), PTRACE_MODE_READ_FSCREDS). kEACCES.
Status check_may_inspect(const Process& process);
char state_of(const Process& process, const Thread* thread);
Result<Thread*> subject_thread(const Subject& subject);  // of a task directory, or the leader; nullptr: has ended
std::string cpu_list(unsigned cores);                    // "0-3"
// A path in a table of lines: blank, tab, line feed and backslash as octal escapes.
std::string escaped(std::string_view path, std::string_view special);

}  // namespace kos::lx::proc
