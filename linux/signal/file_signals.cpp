// O_ASYNC, F_NOTIFY.
#include "signal/file_signals.h"

#include "signal/signals.h"
#include "task/system.h"
#include "vfs/inotify.h"

namespace kos::lx {

namespace {

constexpr int kPollIn = 1, kPollOut = 2, kPollMessage = 3, kPollError = 4, kPollUrgent = 5, kPollHangup = 6;  // POLL_*
constexpr uint32_t kDN_ACCESS = 1, kDN_MODIFY = 2, kDN_CREATE = 4, kDN_DELETE = 8, kDN_RENAME = 0x10, kDN_ATTRIB = 0x20,
                   kDN_MULTISHOT = 0x80000000;

bool may_tell(const File::Owner& owner, const Process& target) {
    const Credentials& to = target.credentials;
    return owner.euid == 0 || owner.euid == to.uid || owner.euid == to.suid || owner.uid == to.uid ||
           owner.uid == to.suid;
}

template <class Target>
void tell(const File::Owner& owner, Process& process, Target& target, const SignalInfo& info) {
    if (!may_tell(owner, process)) return;
    // Nothing is lost silently: SIGIO says that a queue was full.
    if (!queue_signal(target, info).ok()) send_signal(target, kernel_signal(kSIGIO));
}

// Something happened to the file, of kind POLL_*.
void tell_owner(System& system, const File::Owner& owner, int fd, int code, uint32_t band) {
    SignalInfo info = kernel_signal(kSIGIO);
    if (owner.signal) {
        info.signal = static_cast<int32_t>(owner.signal);
        info.code = code;
        info.band = static_cast<int32_t>(band);
        info.fd = fd;
    }
    if (owner.is_thread) {
        if (Thread* const thread = system.find_thread(owner.number)) tell(owner, thread->process, *thread, info);
    } else if (owner.number > 0) {
        if (Process* const process = system.find_process(owner.number)) tell(owner, *process, *process, info);
    } else if (owner.number < 0) {
        for (auto& [number, process] : system.processes()) {
            if (process->group == -owner.number) tell(owner, *process, *process, info);
        }
    }
}

class Signals final : public FileSignals {
public:
    Signals(System& system, File& file) : system_(system), file_(file), ready_(*this) {}

    void follow(int fd) {
        ready_.fd = fd;
        file_.queue().add(ready_);
    }
    void unfollow() { ready_.leave(); }

    Status watch(Process& caller, int fd, uint32_t mask) {
        if (!notice_) notice_ = make_ref<Notice>(*this);
        notice_->fd = fd;
        table_ = caller.files.get();
        KOS_TRY([[maybe_unused]] int const number, notice_->watch(*file_.inode(), mask));
        return {};
    }
    void unwatch() { notice_ = {}; }

    void descriptor_closed(const FdTable& table) override {
        if (&table == table_) unwatch();
    }

private:
    class Ready final : public WaitEntry {
    public:
        explicit Ready(Signals& of) : of_(of) {}
        bool woken(uint32_t events) override {
            struct Kind {
                uint32_t event;
                int code;
                uint32_t band;
            };
            constexpr Kind kKinds[] = {{kPOLLERR, kPollError, kPOLLERR},
                                       {kPOLLHUP, kPollHangup, kPOLLHUP | kPOLLERR},
                                       {kPOLLPRI, kPollUrgent, kPOLLPRI | kPOLLRDBAND},
                                       {kPOLLIN, kPollIn, kPOLLIN | kPOLLRDNORM},
                                       {kPOLLOUT, kPollOut, kPOLLOUT | kPOLLWRNORM | kPOLLWRBAND}};
            if (of_.file_.references() == 0) return false;  // about to be destroyed: nobody can look at it
            uint32_t const now = events & (of_.file_.poll() | kPOLLERR | kPOLLHUP);
            for (const Kind& kind : kKinds) {
                if (now & kind.event) tell_owner(of_.system_, of_.file_.owner, fd, kind.code, kind.band);
            }
            return false;  // it takes nothing from those that wait
        }
        int fd = -1;

    private:
        Signals& of_;
    };

    class Notice final : public Watcher {
    public:
        explicit Notice(Signals& of) : Watcher(0), of_(of) {}
        int fd = -1;

    private:
        void add(Event event) override {
            if (!(event.mask & kIN_ALL_EVENTS)) return;
            tell_owner(of_.system_, of_.file_.owner, fd, kPollMessage, kPOLLIN | kPOLLRDNORM | kPOLLMSG);
        }
        Signals& of_;
    };

    System& system_;
    File& file_;
    Ready ready_;
    Ref<Notice> notice_;
    const FdTable* table_ = nullptr;  // whose descriptor asked for it; only compared
};

Signals& signals_of(Process& caller, File& file) {
    if (!file.signals) file.signals = std::make_unique<Signals>(caller.system, file);
    return static_cast<Signals&>(*file.signals);
}

}  // namespace

Status set_file_owner(Process& caller, File& file, int32_t number, bool is_thread) {
    System& system = caller.system;
    bool is_there = number == 0;
    if (is_thread) {
        is_there |= system.find_thread(number) != nullptr;
    } else if (number > 0) {
        is_there = system.find_process(number) != nullptr;
    } else if (number < 0) {
        if (number == INT32_MIN) return Errno::kEINVAL;
        for (auto& [pid, process] : system.processes()) is_there |= process->group == -number;
    }
    if (!is_there) return Errno::kESRCH;
    file.owner.number = number;
    file.owner.is_thread = is_thread && number;
    file.owner.uid = caller.credentials.uid;
    file.owner.euid = caller.credentials.euid;
    return {};
}

Status set_asynchronous(Process& caller, File& file, int fd, bool is_on) {
    if (!file.can_poll()) return Errno::kENOTTY;
    file.flags = is_on ? file.flags | kO_ASYNC : file.flags & ~kO_ASYNC;
    if (is_on) {
        signals_of(caller, file).follow(fd);
    } else if (file.signals) {
        signals_of(caller, file).unfollow();
    }
    return {};
}

Status notify_of_directory(Process& caller, File& file, int fd, uint32_t wanted) {
    Inode* const inode = file.inode();
    if (!inode || !inode->is_directory()) return Errno::kENOTDIR;
    uint32_t mask = 0;
    if (wanted & kDN_ACCESS) mask |= kIN_ACCESS;
    if (wanted & kDN_MODIFY) mask |= kIN_MODIFY;
    if (wanted & kDN_CREATE) mask |= kIN_CREATE | kIN_MOVED_TO;
    if (wanted & kDN_DELETE) mask |= kIN_DELETE | kIN_MOVED_FROM;
    if (wanted & kDN_RENAME) mask |= kIN_MOVED_TO;
    if (wanted & kDN_ATTRIB) mask |= kIN_ATTRIB;
    if (!mask) {
        if (file.signals) signals_of(caller, file).unwatch();
        return {};
    }
    KOS_TRY_STATUS(
        signals_of(caller, file).watch(caller, fd, mask | kIN_MASK_ADD | (wanted & kDN_MULTISHOT ? 0 : kIN_ONESHOT)));
    return set_file_owner(caller, file, caller.pid, false);
}

}  // namespace kos::lx
