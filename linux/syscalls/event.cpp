// Files without a name: pipes, eventfd, timerfd, signalfd, inotify, memfd.
#include "syscalls/families.h"
#include "syscalls/waiting.h"
#include "task/system.h"
#include "vfs/eventfd.h"
#include "vfs/pipe.h"
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

constexpr SystemCall kCalls[] = {
    {19, "eventfd2", sys_eventfd2, Support::kFull, ""},
    {59, "pipe2", sys_pipe2, Support::kFull, ""},
    {85, "timerfd_create", sys_timerfd_create, Support::kFull, ""},
    {86, "timerfd_settime", sys_timerfd_settime, Support::kFull, ""},
    {87, "timerfd_gettime", sys_timerfd_gettime, Support::kFull, ""},
};

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{kCalls};

}  // namespace

const std::span<const SystemCall> kEventCalls = kTable;

}  // namespace kos::lx
