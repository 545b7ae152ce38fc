// System V IPC (sysvipc(7)): what the three kinds of objects have in common, and where they are kept.
//
// Layouts: asm-generic/{ipcbuf,shmbuf,sembuf,msgbuf}.h of linux-libc-dev. Numbers of objects and what they may hold are
// bounded below; /proc/sys/kernel shows the same.
#pragma once

#include "mm/address_space.h"
#include "syscalls/call.h"
#include "syscalls/message_queue.h"
#include "task/system.h"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace kos::lx {

constexpr uint32_t kIPC_CREAT = 01000, kIPC_EXCL = 02000, kIPC_NOWAIT = 04000;
constexpr int32_t kIPC_PRIVATE = 0;
constexpr int kIPC_RMID = 0, kIPC_SET = 1, kIPC_STAT = 2, kIPC_INFO = 3;
constexpr int kIPC_64 = 0x100;  // of every command on old machines

constexpr size_t kSharedMemoriesMax = 1024, kSemaphoreSetsMax = 256, kQueuesMax = 128;
constexpr unsigned kSemaphoresPerSetMax = 1000, kSemaphoresMax = 16000, kSemaphoreOperationsMax = 500;
constexpr int kSemaphoreValueMax = 32767;
constexpr size_t kMessageBytesMax = 8192, kQueueBytesMax = 16384;

struct UserPermissions {  // struct ipc64_perm
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t sequence, padding;
    uint32_t padding2;
    uint64_t unused[2];
};
static_assert(sizeof(UserPermissions) == 48);

struct IpcObject {
    int32_t key = 0;
    uint32_t uid = 0, gid = 0, cuid = 0, cgid = 0, mode = 0;
    uint16_t sequence = 0;
    int64_t changed = 0;  // seconds
};

// `wanted`: 4 reads, 2 writes, 6 both. kEACCES.
Status check_ipc_access(const Process& process, const IpcObject& object, uint32_t wanted);
// IPC_SET, IPC_RMID. kEPERM.
Status check_ipc_owner(const Process& process, const IpcObject& object);
UserPermissions describe_ipc(const IpcObject& object);
void change_ipc(IpcObject& object, const UserPermissions& to, int64_t now);
int64_t ipc_now(Call& call);  // seconds

// Objects by number: a number names one object only, however often its place is used again.
template <class T>
class IpcTable {
public:
    explicit IpcTable(size_t most) : most_(most) {}

    // kEINVAL: nothing there; kEIDRM: another one by now.
    Result<T*> get(int number) {
        if (number < 0) return Errno::kEINVAL;
        auto const found = objects_.find(static_cast<size_t>(number) % kPlaces);
        if (found == objects_.end()) return Errno::kEINVAL;
        if (number_of(found->first, *found->second) != number) return Errno::kEIDRM;
        return found->second.get();
    }
    T* find(int32_t key) {
        for (auto& [place, object] : objects_) {
            if (key != kIPC_PRIVATE && object->key == key) return object.get();
        }
        return nullptr;
    }
    int number(const T& of) const {
        for (auto& [place, object] : objects_) {
            if (object.get() == &of) return number_of(place, of);
        }
        return -1;
    }
    Result<T*> add(Call& call, int32_t key, uint32_t flags) {
        if (objects_.size() >= most_) return Errno::kENOSPC;
        size_t place = 0;
        for (auto& [taken, object] : objects_) {
            if (taken != place) break;
            ++place;
        }
        Ref<T> made = make_ref<T>();
        const Credentials& owner = call.process().credentials;
        made->key = key;
        made->uid = made->cuid = owner.euid;
        made->gid = made->cgid = owner.egid;
        made->mode = flags & 0777;
        made->sequence = sequence_++ & 0x7fff;
        made->changed = ipc_now(call);
        objects_.emplace(place, made);
        return made.get();
    }
    void remove(const T& object) {
        std::erase_if(objects_, [&](const auto& one) { return one.second.get() == &object; });
    }
    // The one at a place, and the highest place (SHM_STAT and the like).
    T* at(int place) {
        auto const found = objects_.find(static_cast<size_t>(place));
        return place < 0 || found == objects_.end() ? nullptr : found->second.get();
    }
    int last_place() const { return objects_.empty() ? 0 : static_cast<int>(objects_.rbegin()->first); }
    size_t size() const { return objects_.size(); }
    std::map<size_t, Ref<T>>& all() { return objects_; }
    const std::map<size_t, Ref<T>>& all() const { return objects_; }

    // What shmget, semget and msgget do. `check`: whether the object that is there will do; `make`: fills a new one,
    // which is taken away again if it cannot.
    template <class Check, class Make>
    Result<int64_t> obtain(Call& call, int32_t key, uint32_t flags, Check check, Make make) {
        if (T* const found = find(key)) {
            if (flags & kIPC_CREAT && flags & kIPC_EXCL) return Errno::kEEXIST;
            KOS_TRY_STATUS(check(*found));
            KOS_TRY_STATUS(check_ipc_access(call.process(), *found, (flags >> 6 | flags >> 3 | flags) & 6));
            return int64_t{number(*found)};
        }
        if (key != kIPC_PRIVATE && !(flags & kIPC_CREAT)) return Errno::kENOENT;
        KOS_TRY(T* const made, add(call, key, flags));
        if (Status const status = make(*made); !status.ok()) {
            remove(*made);
            return status.error();
        }
        return int64_t{number(*made)};
    }

private:
    static constexpr size_t kPlaces = 32768;
    static int number_of(size_t place, const T& object) { return static_cast<int>(object.sequence * kPlaces + place); }
    size_t most_;
    uint32_t sequence_ = 0;
    std::map<size_t, Ref<T>> objects_;
};

// --- Shared memory

struct SharedSegment : IpcObject, Counted {
    Ref<File> file;
    uint64_t bytes = 0;
    int64_t attached = 0, detached = 0;  // when, in seconds
    int creator = 0, last = 0;           // processes
    bool is_removed = false;             // goes with the last that has it attached
};

// --- Semaphores

struct Semaphore {
    int16_t value = 0;
    int pid = 0;
};
struct SemaphoreSet : IpcObject, Counted {
    std::vector<Semaphore> semaphores;
    int64_t operated = 0;
    WaitQueue queue;  // any value has changed, or the set is gone
    // Who waits for which one: to become greater, or to become zero.
    std::vector<std::pair<unsigned, bool>> waiting;
    std::map<int, std::map<unsigned, int16_t>> undo;  // SEM_UNDO: by process and number
    bool is_removed = false;
};

// --- Messages

struct MessageQueue : IpcObject, Counted {
    struct Message {
        int64_t type;
        std::string text;
    };
    std::deque<Message> messages;
    size_t bytes = 0, bytes_most = kQueueBytesMax;
    int64_t sent = 0, received = 0;
    int last_sender = 0, last_receiver = 0;
    WaitQueue readable, writable;
    bool is_removed = false;
};

class Ipc final : public ProcessFollower {
public:
    IpcTable<SharedSegment> memories{kSharedMemoriesMax};
    IpcTable<SemaphoreSet> semaphores{kSemaphoreSetsMax};
    IpcTable<MessageQueue> queues{kQueuesMax};
    std::map<std::string, Ref<PosixQueue>> posix_queues;  // by name, without those that were unlinked

    void process_ended(Process& process) override;
    void forget_removed_memories();
    bool owes(int pid) const;  // operations with SEM_UNDO
};

Ipc& ipc_of(System& system);

}  // namespace kos::lx
