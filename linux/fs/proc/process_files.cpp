// /proc/PID: the table, and its short texts.
#include "fs/proc/nodes.h"

#include <string.h>

#include <algorithm>

namespace kos::lx::proc {

namespace {

Text comm_text(const Subject& subject, Process&) {
    KOS_TRY(Thread* const thread, subject_thread(subject));
    return command_of(*subject.process, thread) + "\n";
}

Status store_comm(const Subject& subject, Process& writer, std::string_view text) {
    // Of the writer's own process only.
    if (&writer != subject.process.get()) return Errno::kEINVAL;
    KOS_TRY(Thread* const thread, subject_thread(subject));
    if (!thread) return Errno::kESRCH;
    memset(thread->name, 0, sizeof thread->name);
    text.copy(thread->name, std::min(text.find('\n'), sizeof thread->name - 1));
    return {};
}

Text auxv_text(const Subject& subject, Process&) { return subject.process->auxiliary_vector; }
Text cgroup_text(const Subject&, Process&) { return std::string("0::/\n"); }
Text zero_text(const Subject&, Process&) { return std::string("0\n"); }
Text personality_text(const Subject& subject, Process&) { return format("%08x\n", subject.process->personality); }
Text wchan_text(const Subject&, Process&) { return std::string("0"); }
Text one_user_text(const Subject&, Process&) { return std::string("         0          0 4294967295\n"); }

Text oom_text(const Subject& subject, Process&) { return format("%d\n", subject.process->oom_adjustment); }

Status store_oom(const Subject& subject, Process& writer, std::string_view text) {
    bool const is_negative = text.starts_with('-');
    if (is_negative) text.remove_prefix(1);
    while (text.ends_with('\n')) text.remove_suffix(1);
    int64_t value = generated::number_from_name(text, 1000);
    if (value < 0) return Errno::kEINVAL;
    if (is_negative) value = -value;
    if (value < subject.process->oom_adjustment && !writer.credentials.has_capability(kCAP_SYS_RESOURCE)) {
        return Errno::kEACCES;
    }
    subject.process->oom_adjustment = static_cast<int>(value);
    return {};
}

Text timer_slack_text(const Subject& subject, Process&) {
    KOS_TRY(Thread* const thread, subject_thread(subject));
    return format("%llu\n", static_cast<unsigned long long>(thread ? thread->timer_slack : 0));
}

constexpr Node kTable[] = {
    {"auxv", kPrivate, auxv_text},
    {"cgroup", kFile, cgroup_text},
    {"cmdline", kFile, cmdline_text},
    {"comm", kWritable, comm_text, store_comm},
    {"cwd", kLink, nullptr, nullptr, {}, make_place},
    {"environ", kPrivate, environ_text},
    {"exe", kLink, nullptr, nullptr, {}, make_place},
    {"fd", kS_IFDIR | 0500, nullptr, nullptr, {}, make_descriptors},
    {"fdinfo", kS_IFDIR | 0555, nullptr, nullptr, {}, make_descriptor_infos},
    {"gid_map", kFile, one_user_text},
    {"limits", kFile, limits_text},
    {"maps", kFile, maps_text},
    {"mountinfo", kFile, mountinfo_text},
    {"mounts", kFile, mounts_text},
    {"net",
     kDirectory,
     nullptr,
     nullptr,
     {},
     [](Tree& tree, const Subject& subject, const Node&, uint64_t number, uint64_t parent) -> Ref<Inode> {
         return make_ref<generated::TreeDirectory>(tree, subject, kDirectory, number, parent, kNetworkNodes);
     }},
    {"oom_score", kFile, zero_text},
    {"oom_score_adj", kWritable, oom_text, store_oom},
    {"personality", kPrivate, personality_text},
    {"root", kLink, nullptr, nullptr, {}, make_place},
    {"smaps", kFile, smaps_text},
    {"smaps_rollup", kFile, smaps_rollup_text},
    {"stat", kFile, stat_text},
    {"statm", kFile, statm_text},
    {"status", kFile, status_text},
    {"task", kDirectory, nullptr, nullptr, {}, make_tasks},
    {"timerslack_ns", kFile, timer_slack_text},
    {"uid_map", kFile, one_user_text},
    {"wchan", kFile, wchan_text},
};

constexpr Node kTaskTable[] = {
    {"cgroup", kFile, cgroup_text},
    {"cmdline", kFile, cmdline_text},
    {"comm", kWritable, comm_text, store_comm},
    {"cwd", kLink, nullptr, nullptr, {}, make_place},
    {"exe", kLink, nullptr, nullptr, {}, make_place},
    {"fd", kS_IFDIR | 0500, nullptr, nullptr, {}, make_descriptors},
    {"fdinfo", kS_IFDIR | 0555, nullptr, nullptr, {}, make_descriptor_infos},
    {"limits", kFile, limits_text},
    {"maps", kFile, maps_text},
    {"mountinfo", kFile, mountinfo_text},
    {"mounts", kFile, mounts_text},
    {"oom_score_adj", kWritable, oom_text, store_oom},
    {"root", kLink, nullptr, nullptr, {}, make_place},
    {"stat", kFile, stat_text},
    {"statm", kFile, statm_text},
    {"status", kFile, status_text},
    {"timerslack_ns", kFile, timer_slack_text},
    {"wchan", kFile, wchan_text},
};

}  // namespace

const std::span<const Node> kProcessNodes = kTable;
const std::span<const Node> kThreadNodes = kTaskTable;

}  // namespace kos::lx::proc
