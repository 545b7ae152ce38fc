// Numbers of processes, process groups and sessions.
#include "syscalls/task.h"
#include "task/system.h"

namespace kos::lx {

namespace {

// 0 is the caller. Zombies are found too. kESRCH.
Result<Process*> process_argument(Call& call, unsigned index) {
    int const pid = call.argument_as<int>(index);
    if (pid == 0) return &call.process();
    Process* const process = pid < 0 ? nullptr : call.process().system.find_process(pid);
    if (!process) return Errno::kESRCH;
    return process;
}

bool is_session_leader(const Process& process) { return process.session && process.session->id == process.pid; }

}  // namespace

Result<int64_t> getpid(Call& call) { return call.process().pid; }
Result<int64_t> getppid(Call& call) { return call.process().parent ? call.process().parent->pid : 0; }
Result<int64_t> gettid(Call& call) { return call.thread.tid; }

Result<int64_t> setpgid(Call& call) {
    Process& self = call.process();
    if (call.argument_as<int>(1) < 0) return Errno::kEINVAL;
    KOS_TRY(Process* const process, process_argument(call, 0));
    int const group = call.argument_as<int>(1) == 0 ? process->pid : call.argument_as<int>(1);
    if (process != &self) {
        if (process->parent != &self) return Errno::kESRCH;
        if (process->session != self.session) return Errno::kEPERM;
        if (process->has_executed) return Errno::kEACCES;
    }
    if (is_session_leader(*process)) return Errno::kEPERM;
    if (group != process->pid) {
        bool is_found = false;
        for (auto& [number, member] : self.system.processes()) {
            is_found = is_found || (member->group == group && member->session == self.session);
        }
        if (!is_found) return Errno::kEPERM;
    }
    process->group = group;
    return 0;
}

Result<int64_t> getpgid(Call& call) {
    KOS_TRY(Process* const process, process_argument(call, 0));
    return process->group;
}

Result<int64_t> getsid(Call& call) {
    KOS_TRY(Process* const process, process_argument(call, 0));
    return process->session ? process->session->id : 0;
}

Result<int64_t> setsid(Call& call) {
    Process& self = call.process();
    for (auto& [number, process] : self.system.processes()) {
        if (process->group == self.pid) return Errno::kEPERM;
    }
    self.session = make_ref<Session>(self.pid);
    self.group = self.pid;
    return self.pid;
}

Result<int64_t> set_tid_address(Call& call) {
    call.thread.clear_tid = call.argument(0);
    return call.thread.tid;
}

}  // namespace kos::lx
