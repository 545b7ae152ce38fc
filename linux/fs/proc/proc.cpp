// The root of /proc, processes and threads as directories.
#include "fs/proc/proc.h"

#include "fs/proc/nodes.h"
#include "task/current.h"

#include <string.h>

namespace kos::lx {

namespace proc {

namespace {

constexpr int64_t kMagic = 0x9fa0;
constexpr int64_t kNumberMost = 1 << 30;

using generated::TreeDirectory;

// Processes come, go and are named anew: nothing of it may be remembered.
class ProcTree final : public Tree {
public:
    explicit ProcTree(System& of) : Tree(of, kMagic, "proc") {}
    bool may_cache_names() override { return false; }
    // A name that is not there is not there for those who would make it either.
    Errno refusal(Mode) const override { return Errno::kENOENT; }
    Ref<Inode> root() override;
};

// /proc/PID and /proc/PID/task/TID.
class ProcessDirectory final : public TreeDirectory {
public:
    ProcessDirectory(Tree& of, Subject whom, uint64_t number, uint64_t parent, std::span<const Node> table)
        : TreeDirectory(of, std::move(whom), kDirectory, number, parent, table) {}

    Process* as_process() override { return subject().thread ? nullptr : subject().process.get(); }

private:
    Status check() override {
        const Process& process = *subject().process;
        // Waited for; the number may be somebody else's by now.
        if (process.system.find_process(process.pid) != &process) return Errno::kESRCH;
        if (subject().thread && subject().thread->state == ThreadState::kDead) return Errno::kESRCH;
        return {};
    }
};

class Tasks final : public TreeDirectory {
public:
    Tasks(Tree& of, Subject whom, uint64_t number, uint64_t parent)
        : TreeDirectory(of, std::move(whom), kDirectory, number, parent, {}) {}

private:
    Extra next_extra(uint64_t after) override {
        uint64_t next = 0;
        for (const Ref<Thread>& thread : subject().process->threads) {
            auto const tid = static_cast<uint64_t>(thread->tid);
            if (tid > after && (next == 0 || tid < next)) next = tid;
        }
        return next ? Extra{next, std::to_string(next)} : Extra{};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override {
        int64_t const tid = generated::number_from_name(name, kNumberMost);
        for (const Ref<Thread>& thread : subject().process->threads) {
            if (thread->tid != tid) continue;
            Subject whom = subject();
            whom.thread = thread;
            return Ref<Inode>(make_ref<ProcessDirectory>(tree(), std::move(whom), generated::number_of(number(), name),
                                                         number(), kThreadNodes));
        }
        return Errno::kENOENT;
    }
};

class Root final : public TreeDirectory {
public:
    explicit Root(Tree& of) : TreeDirectory(of, {&of.system()}, kDirectory, 1, 1, kSystemNodes) {}

private:
    Extra next_extra(uint64_t after) override {
        const auto& processes = tree().system().processes();
        auto const next = processes.upper_bound(static_cast<int>(after));
        if (next == processes.end()) return {};
        return {static_cast<uint64_t>(next->first), std::to_string(next->first)};
    }
    Result<Ref<Inode>> lookup_extra(std::string_view name) override {
        int64_t const pid = generated::number_from_name(name, kNumberMost);
        if (pid <= 0) return Errno::kENOENT;
        Subject whom{&tree().system(), {}};
        Process* process = tree().system().find_process(static_cast<int>(pid));
        if (!process) {
            // A thread's number leads to its process, as this thread sees it, though it is not listed.
            Thread* const thread = tree().system().find_thread(static_cast<int>(pid));
            if (!thread || tree().system().find_process(thread->process.pid) != &thread->process) return Errno::kENOENT;
            process = &thread->process;
            whom.thread = Ref<Thread>(thread);
        }
        whom.process = Ref<Process>(process);
        return Ref<Inode>(make_ref<ProcessDirectory>(tree(), std::move(whom), generated::number_of(number(), name),
                                                     number(), kProcessNodes));
    }
};

Ref<Inode> ProcTree::root() { return make_ref<Root>(*this); }

}  // namespace

Ref<Inode> make_tasks(Tree& tree, const Subject& subject, const Node&, uint64_t number, uint64_t parent) {
    return make_ref<Tasks>(tree, subject, number, parent);
}

Nanoseconds processor_time(const Thread& thread) { return thread.machine ? thread.machine->cpu_time() : 0; }

Nanoseconds processor_time(const Process& process) {
    Nanoseconds sum = process.ended_threads_time;
    for (const Ref<Thread>& thread : process.threads) sum += processor_time(*thread);
    return sum;
}

std::string command_of(const Process& process, const Thread* thread) {
    if (!thread) thread = const_cast<Process&>(process).find_thread(process.pid);
    if (thread && thread->name[0]) return {thread->name, strnlen(thread->name, sizeof thread->name)};
    return process.command;
}

Status check_may_inspect(const Process& process) {
    const Process* const reader = current_process();
    if (!reader || reader == &process) return {};
    const Credentials &from = reader->credentials, &to = process.credentials;
    bool const is_same = from.fsuid == to.uid && from.fsuid == to.euid && from.fsuid == to.suid &&
                         from.fsgid == to.gid && from.fsgid == to.egid && from.fsgid == to.sgid && process.is_dumpable;
    return is_same || from.has_capability(kCAP_SYS_PTRACE) ? Status() : Status(Errno::kEACCES);
}

char state_of(const Process& process, const Thread* thread) {
    if (process.state == ProcessState::kZombie) return 'Z';
    if (!thread) thread = const_cast<Process&>(process).find_thread(process.pid);
    if (!thread) return 'Z';  // the leader has ended, others go on
    switch (thread->state) {
        case ThreadState::kAsleep: return 'S';
        case ThreadState::kStopped: return 'T';
        case ThreadState::kDead: return 'X';
        default: return 'R';
    }
}

Result<Thread*> subject_thread(const Subject& subject) {
    if (subject.thread) {
        if (subject.thread->state == ThreadState::kDead) return Errno::kESRCH;
        return subject.thread.get();
    }
    return subject.process->find_thread(subject.process->pid);
}

std::string cpu_list(unsigned cores) { return cores > 1 ? "0-" + std::to_string(cores - 1) : "0"; }

std::string escaped(std::string_view path, std::string_view special) {
    std::string result;
    for (char const c : path) {
        if (special.find(c) == special.npos) {
            result += c;
        } else {
            append(result, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
        }
    }
    return result;
}

}  // namespace proc

Ref<FileSystem> make_proc(System& system) { return make_ref<proc::ProcTree>(system); }

}  // namespace kos::lx
