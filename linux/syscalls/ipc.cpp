// System V IPC: permissions, ends of processes.
#include "syscalls/ipc.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr unsigned kCAP_IPC_OWNER = 15;

}  // namespace

Status check_ipc_access(const Process& process, const IpcObject& object, uint32_t wanted) {
    const Credentials& by = process.credentials;
    uint32_t granted = object.mode;
    if (by.euid == object.uid || by.euid == object.cuid) {
        granted >>= 6;
    } else if (by.in_group(object.gid) || by.in_group(object.cgid)) {
        granted >>= 3;
    }
    return wanted & ~granted & 6 && !by.has_capability(kCAP_IPC_OWNER) ? Status(Errno::kEACCES) : Status();
}

Status check_ipc_owner(const Process& process, const IpcObject& object) {
    const Credentials& by = process.credentials;
    bool const is_owner = by.euid == object.uid || by.euid == object.cuid || by.has_capability(kCAP_SYS_ADMIN);
    return is_owner ? Status() : Status(Errno::kEPERM);
}

UserPermissions describe_ipc(const IpcObject& object) {
    return {object.key, object.uid, object.gid, object.cuid, object.cgid, object.mode, object.sequence, 0, 0, {}};
}

void change_ipc(IpcObject& object, const UserPermissions& to, int64_t now) {
    object.uid = to.uid;
    object.gid = to.gid;
    object.mode = (object.mode & ~0777u) | (to.mode & 0777);
    object.changed = now;
}

int64_t ipc_now(Call& call) { return call.process().system.timers.realtime() / 1'000'000'000; }

Ipc& ipc_of(System& system) {
    if (!system.ipc) system.ipc = make_ref<Ipc>();
    return static_cast<Ipc&>(*system.ipc);
}

void Ipc::forget_removed_memories() {
    std::erase_if(memories.all(),
                  [](const auto& one) { return one.second->is_removed && one.second->file->references() == 1; });
}

bool Ipc::owes(int pid) const {
    for (const auto& [place, set] : semaphores.all()) {
        if (set->undo.count(pid)) return true;
    }
    return false;
}

void Ipc::process_ended(Process& process) {
    for (auto& [place, set] : semaphores.all()) {
        auto const undone = set->undo.find(process.pid);
        if (undone == set->undo.end()) continue;
        for (auto const& [number, by] : undone->second) {
            Semaphore& semaphore = set->semaphores[number];
            semaphore.value = static_cast<int16_t>(std::clamp(semaphore.value + by, 0, kSemaphoreValueMax));
            semaphore.pid = process.pid;
        }
        set->undo.erase(undone);
        set->queue.wake();
    }
    forget_removed_memories();
}

}  // namespace kos::lx
