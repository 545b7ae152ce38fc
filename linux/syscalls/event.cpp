// Files without a name: pipes, eventfd, timerfd, signalfd, inotify, memfd.
#include "signal/signals.h"
#include "syscalls/families.h"
#include "syscalls/waiting.h"
#include "task/system.h"
#include "vfs/eventfd.h"
#include "vfs/inotify.h"
#include "vfs/memfd.h"
#include "vfs/pipe.h"
#include "vfs/signalfd.h"
#include "vfs/timerfd.h"

namespace kos::lx {

namespace {

constexpr uint32_t kO_NOTIFICATION_PIPE = kO_EXCL;

Result<int64_t> give(Call& call, Ref<File> file, bool close_on_exec) {
    KOS_TRY(int const fd, call.process().files->add(std::move(file), close_on_exec));
    return int64_t{fd};
}

Result<int64_t> sys_pipe2(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(1);
    if (flags & kO_NOTIFICATION_PIPE) return Errno::kENOPKG;
    if (flags & ~(kO_CLOEXEC | kO_NONBLOCK | kO_DIRECT)) return Errno::kEINVAL;
    Process& process = call.process();
    PipePair pair = make_pipe(process.system.frames, flags);
    KOS_TRY(int const reader, process.files->add(std::move(pair.reader), flags & kO_CLOEXEC));
    auto const writer = process.files->add(std::move(pair.writer), flags & kO_CLOEXEC);
    Status status = writer.error();
    if (writer.ok()) {
        int32_t const both[2] = {reader, *writer};
        status = call.memory().copy_out(call.argument(0), both, sizeof both);
        if (status.ok()) return int64_t{0};
        (void)process.files->close(*writer, process);
    }
    (void)process.files->close(reader, process);
    return status.error();
}

Result<int64_t> sys_eventfd2(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(1);
    if (flags & ~(kEFD_SEMAPHORE | kO_CLOEXEC | kO_NONBLOCK)) return Errno::kEINVAL;
    auto file = make_ref<EventFile>(call.argument_as<uint32_t>(0), flags, (flags & kEFD_SEMAPHORE) != 0);
    return give(call, std::move(file), flags & kO_CLOEXEC);
}

// --- timerfd

struct UserTimerSetting {  // struct itimerspec
    Timespec interval, value;
};

Result<TimerFile*> timer_file(const Ref<File>& file) {
    if (TimerFile* const timer = file->as_timer()) return timer;
    return Errno::kEINVAL;
}

UserTimerSetting to_user(const TimerFile::Setting& setting) {
    return {timespec_of(setting.interval), timespec_of(setting.value)};
}

Result<int64_t> sys_timerfd_create(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(1);
    if (flags & ~(kO_CLOEXEC | kO_NONBLOCK)) return Errno::kEINVAL;
    KOS_TRY(auto file, TimerFile::create(call.process().system.timers, call.argument_as<int>(0), flags));
    return give(call, std::move(file), flags & kO_CLOEXEC);
}

Result<int64_t> sys_timerfd_settime(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(1);
    KOS_TRY(auto const user, call.read_user<UserTimerSetting>(call.argument(2)));
    if (flags & ~(kTFD_TIMER_ABSTIME | kTFD_TIMER_CANCEL_ON_SET)) return Errno::kEINVAL;
    TimerFile::Setting setting;
    KOS_TRY(setting.value, time_of(user.value));
    KOS_TRY(setting.interval, time_of(user.interval));
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(TimerFile* const timer, timer_file(file));
    auto const before = to_user(timer->set(setting, flags));
    if (call.argument(3)) KOS_TRY_STATUS(call.write_user(call.argument(3), before));
    return int64_t{0};
}

Result<int64_t> sys_timerfd_gettime(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(TimerFile* const timer, timer_file(file));
    KOS_TRY_STATUS(call.write_user(call.argument(1), to_user(timer->get())));
    return int64_t{0};
}

// --- signalfd

Result<int64_t> sys_signalfd4(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(3);
    if (flags & ~(kO_CLOEXEC | kO_NONBLOCK) || call.argument(2) != sizeof(SignalSet)) return Errno::kEINVAL;
    KOS_TRY(SignalSet wanted, call.read_user<SignalSet>(call.argument(1)));
    wanted &= ~kUnblockable;
    if (call.argument_as<int>(0) == -1) return give(call, make_ref<SignalFile>(wanted, flags), flags & kO_CLOEXEC);
    KOS_TRY(auto const file, call.file(0));
    SignalFile* const signals = file->as_signal_file();
    if (!signals) return Errno::kEINVAL;
    signals->set_wanted(wanted);
    return int64_t{call.argument_as<int>(0)};
}

// --- inotify

Result<int64_t> sys_inotify_init1(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(0);
    if (flags & ~(kO_CLOEXEC | kO_NONBLOCK)) return Errno::kEINVAL;
    KOS_TRY(auto watcher, Watcher::create(flags));
    return give(call, std::move(watcher), flags & kO_CLOEXEC);
}

Result<int64_t> sys_inotify_add_watch(Call& call) {
    constexpr uint32_t kHow =
        kIN_ONLYDIR | kIN_DONT_FOLLOW | kIN_EXCL_UNLINK | kIN_MASK_CREATE | kIN_MASK_ADD | kIN_ISDIR | kIN_ONESHOT;
    uint32_t const mask = call.argument_as<uint32_t>(2);
    if (!(mask & (kIN_ALL_EVENTS | kIN_UNMOUNT | kIN_Q_OVERFLOW | kIN_IGNORED | kHow))) return Errno::kEINVAL;
    if (mask & kIN_MASK_ADD && mask & kIN_MASK_CREATE) return Errno::kEINVAL;
    KOS_TRY(auto const file, call.file(0));
    Watcher* const watcher = file->as_watcher();
    if (!watcher) return Errno::kEINVAL;
    KOS_TRY(std::string const path, call.path(1));
    Process& process = call.process();
    const PathContext& paths = process.paths->context;
    uint32_t const how = (mask & kIN_DONT_FOLLOW ? 0u : kWalkFollow) | (mask & kIN_ONLYDIR ? kWalkDirectory : 0u);
    KOS_TRY(auto const found, walk(paths, process.credentials, paths.working, path, how));
    Inode* const inode = found.location.inode();
    if (!inode) return Errno::kENOENT;
    KOS_TRY(auto const attributes, inode->attributes());
    KOS_TRY_STATUS(check_access(attributes, kMayRead, process.credentials));
    KOS_TRY(int const number, watcher->watch(*inode, mask));
    return int64_t{number};
}

Result<int64_t> sys_inotify_rm_watch(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    Watcher* const watcher = file->as_watcher();
    if (!watcher) return Errno::kEINVAL;
    KOS_TRY_STATUS(watcher->forget(call.argument_as<int>(1)));
    return int64_t{0};
}

// --- memfd

Result<int64_t> sys_memfd_create(Call& call) {
    constexpr uint32_t kMFD_CLOEXEC = 1, kMFD_ALLOW_SEALING = 2;
    constexpr size_t kNameMost = kNameMax - 6;  // of "memfd:"
    uint32_t const flags = call.argument_as<uint32_t>(1);
    if (flags & ~(kMFD_CLOEXEC | kMFD_ALLOW_SEALING)) return Errno::kEINVAL;
    auto const name = call.text(0, kNameMost + 1);
    if (!name.ok()) return name.error() == Errno::kENAMETOOLONG ? Errno::kEINVAL : name.error();
    Process& process = call.process();
    KOS_TRY(auto file, make_memory_file(process.system, process.credentials, *name, flags & kMFD_ALLOW_SEALING));
    return give(call, std::move(file), flags & kMFD_CLOEXEC);
}

constexpr SystemCall kCalls[] = {
    {19, "eventfd2", sys_eventfd2, Support::kFull, ""},
    {26, "inotify_init1", sys_inotify_init1, Support::kFull, ""},
    {27, "inotify_add_watch", sys_inotify_add_watch, Support::kFull, ""},
    {28, "inotify_rm_watch", sys_inotify_rm_watch, Support::kFull, ""},
    {59, "pipe2", sys_pipe2, Support::kFull, ""},
    {74, "signalfd4", sys_signalfd4, Support::kFull, ""},
    {85, "timerfd_create", sys_timerfd_create, Support::kFull, ""},
    {86, "timerfd_settime", sys_timerfd_settime, Support::kFull, ""},
    {87, "timerfd_gettime", sys_timerfd_gettime, Support::kFull, ""},
    {279, "memfd_create", sys_memfd_create, Support::kPartial, "MFD_HUGETLB"},
};

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{kCalls};

}  // namespace

const std::span<const SystemCall> kEventCalls = kTable;

}  // namespace kos::lx
