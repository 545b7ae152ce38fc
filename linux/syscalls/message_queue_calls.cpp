// mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr: the calls below mq_open(3) and the
// others.
#include "net/socket.h"
#include "syscalls/families.h"
#include "syscalls/ipc.h"
#include "syscalls/message_queue.h"
#include "syscalls/time.h"
#include "vfs/anonymous.h"
#include "vfs/operations.h"

namespace kos::lx {

namespace {

constexpr uint64_t kMessageQueueDevice = 15;  // st_dev
constexpr uint64_t kStateBytes = 80;          // st_size of each
constexpr int kSIGEV_SIGNAL = 0, kSIGEV_NONE = 1, kSIGEV_THREAD = 2;
constexpr size_t kCookieBytes = 32;  // NOTIFY_COOKIE_LEN of linux/mqueue.h

struct UserAttributes {  // struct mq_attr
    int64_t flags, messages_max, message_bytes_max, messages, reserved[4];
};
static_assert(sizeof(UserAttributes) == 64);
struct UserEvent {  // struct sigevent
    uint64_t value;
    int32_t signal, notify;
    int32_t padding[12];
};
static_assert(sizeof(UserEvent) == 64);

// One name, as below the root of a file system of their own. The library has taken the slash away.
Result<std::string> queue_name(Call& call) {
    KOS_TRY(std::string name, call.path(0));
    if (name.empty()) return Errno::kENOENT;
    if (name.size() > kNameMax) return Errno::kENAMETOOLONG;
    if (name.find('/') != std::string::npos || name == "." || name == "..") return Errno::kEACCES;
    return name;
}

Result<Ref<PosixQueue>> make_queue(Call& call, const UserAttributes* wanted) {
    Process& process = call.process();
    int64_t messages = kQueueMessagesDefault, bytes = kQueueMessageBytesDefault;
    if (wanted) {
        messages = wanted->messages_max;
        bytes = wanted->message_bytes_max;
        bool const is_privileged = process.credentials.has_capability(kCAP_SYS_RESOURCE);
        int64_t const most = is_privileged ? kQueueMessagesMax : kQueueMessagesDefault;
        int64_t const most_bytes = is_privileged ? kQueueMessageBytesMax : kQueueMessageBytesDefault;
        if (messages <= 0 || bytes <= 0 || messages > most || bytes > most_bytes) return Errno::kEINVAL;
    }
    if (ipc_of(process.system).posix_queues.size() >= kPosixQueuesMax) return Errno::kENOSPC;
    Mode const mode = call.argument_as<Mode>(2) & 07777 & ~process.paths->context.umask;
    Attributes attributes = anonymous_attributes(kMessageQueueDevice, kS_IFREG | mode);
    attributes.size = kStateBytes;
    return PosixQueue::create(attributes, messages, bytes, process.limits[kRLIMIT_MSGQUEUE].now);
}

Result<int64_t> mq_open(Call& call) {
    constexpr uint32_t kMay[] = {kMayRead, kMayWrite, kMayRead | kMayWrite};
    uint32_t const flags = call.argument_as<uint32_t>(1), access = flags & kO_ACCMODE;
    Process& process = call.process();
    UserAttributes wanted{};
    if (call.argument(3)) {
        KOS_TRY(wanted, call.read_user<UserAttributes>(call.argument(3)));
    }
    KOS_TRY(std::string const name, queue_name(call));
    if (access > 2) return Errno::kEINVAL;
    KOS_TRY_STATUS(process.files->check_room());
    auto& queues = ipc_of(process.system).posix_queues;
    auto const found = queues.find(name);
    Ref<PosixQueue> queue;
    if (found != queues.end()) {
        if (flags & kO_CREAT && flags & kO_EXCL) return Errno::kEEXIST;
        queue = found->second;
        KOS_TRY_STATUS(check_access(queue->attributes, kMay[access], process.credentials));
    } else {
        if (!(flags & kO_CREAT)) return Errno::kENOENT;
        KOS_TRY(queue, make_queue(call, call.argument(3) ? &wanted : nullptr));
        queues.emplace(name, queue);
    }
    KOS_TRY(int const fd, process.files->add(Ref<File>(new QueueFile(std::move(queue), name, flags)), true));
    return int64_t{fd};
}

Result<int64_t> mq_unlink(Call& call) {
    KOS_TRY(std::string const name, queue_name(call));
    auto& queues = ipc_of(call.process().system).posix_queues;
    auto const found = queues.find(name);
    if (found == queues.end()) return Errno::kENOENT;
    // As in a directory with the sticky bit that belongs to the superuser; the library makes EACCES of it.
    const Credentials& who = call.process().credentials;
    if (who.fsuid != found->second->attributes.uid && !who.has_capability(kCAP_FOWNER)) return Errno::kEPERM;
    queues.erase(found);
    return int64_t{0};
}

Result<QueueFile*> queue_argument(Call& call, Ref<File>& file) {
    KOS_TRY(file, call.file(0));
    QueueFile* const queue = QueueFile::of(*file);
    if (!queue) return Errno::kEBADF;
    return queue;
}

// Argument 4, an absolute time of the realtime clock; kNever: as long as it takes. It is looked at even if nobody
// waits.
Result<Nanoseconds> deadline(Call& call) {
    uint64_t const address = call.argument(4);
    if (!address) return kNever;
    KOS_TRY(Nanoseconds const until, read_timespec(call, address));
    return monotonic_of_realtime(call.process().system.timers, until);
}

Result<int64_t> wait_on(Call& call, const File& file, WaitQueue& queue, Nanoseconds until) {
    if (file.is_non_blocking()) return Errno::kEAGAIN;
    if (until != kNever) call.set_deadline(until);
    call.wait_for(queue);
    return call.sleep();
}

Result<int64_t> mq_timedsend(Call& call) {
    uint64_t const bytes = call.argument(2);
    uint32_t const priority = call.argument_as<uint32_t>(3);
    KOS_TRY(Nanoseconds const until, deadline(call));
    if (priority >= kQueuePriorities) return Errno::kEINVAL;
    Ref<File> file;
    KOS_TRY(QueueFile* const descriptor, queue_argument(call, file));
    if (!file->may_write()) return Errno::kEBADF;
    PosixQueue& queue = descriptor->messages();
    if (bytes > static_cast<uint64_t>(queue.message_bytes_max)) return Errno::kEMSGSIZE;
    std::string text(bytes, '\0');
    KOS_TRY_STATUS(call.memory().copy_in(text.data(), call.argument(1), bytes));
    if (queue.is_full()) return wait_on(call, *file, queue.writable, until);
    queue.put(std::move(text), priority, call.process());
    return int64_t{0};
}

Result<int64_t> mq_timedreceive(Call& call) {
    KOS_TRY(Nanoseconds const until, deadline(call));
    Ref<File> file;
    KOS_TRY(QueueFile* const descriptor, queue_argument(call, file));
    if (!file->may_read()) return Errno::kEBADF;
    PosixQueue& queue = descriptor->messages();
    if (call.argument(2) < static_cast<uint64_t>(queue.message_bytes_max)) return Errno::kEMSGSIZE;
    if (queue.is_empty()) return wait_on(call, *file, queue.readable, until);
    PosixQueue::Message const message = queue.first();
    // It is gone even if it could not be given to the program.
    queue.remove_first();
    if (call.argument(3)) KOS_TRY_STATUS(call.write_user(call.argument(3), message.priority));
    KOS_TRY_STATUS(call.memory().copy_out(call.argument(1), message.text.data(), message.text.size()));
    return static_cast<int64_t>(message.text.size());
}

// SIGEV_THREAD: the library has put a netlink socket's descriptor where the signal is, and a cookie where the value is.
Status take_socket(Call& call, PosixQueue::Notification& wanted) {
    wanted.cookie.resize(kCookieBytes);
    KOS_TRY_STATUS(call.memory().copy_in(wanted.cookie.data(), wanted.value, kCookieBytes));
    KOS_TRY(wanted.socket, call.process().files->get(wanted.signal));
    const Socket* const socket = wanted.socket->as_socket();
    if (!socket) return Errno::kENOTSOCK;
    return socket->family() == kAF_NETLINK ? Status() : Status(Errno::kEINVAL);
}

Result<int64_t> mq_notify(Call& call) {
    PosixQueue::Notification wanted;
    if (call.argument(1)) {
        KOS_TRY(auto const event, call.read_user<UserEvent>(call.argument(1)));
        if (event.notify != kSIGEV_NONE && event.notify != kSIGEV_SIGNAL && event.notify != kSIGEV_THREAD) {
            return Errno::kEINVAL;
        }
        if (event.notify == kSIGEV_SIGNAL && (event.signal < 0 || event.signal > kSignals)) return Errno::kEINVAL;
        wanted.pid = call.process().pid;
        wanted.notify = event.notify;
        wanted.signal = event.signal;
        wanted.value = event.value;
        if (event.notify == kSIGEV_THREAD) KOS_TRY_STATUS(take_socket(call, wanted));
    }
    Ref<File> file;
    KOS_TRY(QueueFile* const descriptor, queue_argument(call, file));
    if (wanted.pid) {
        KOS_TRY_STATUS(descriptor->messages().ask_notification(std::move(wanted)));
    } else {
        descriptor->messages().forget_notification(call.process().pid);
    }
    return int64_t{0};
}

Result<int64_t> mq_getsetattr(Call& call) {
    UserAttributes wanted{};
    if (call.argument(1)) {
        KOS_TRY(wanted, call.read_user<UserAttributes>(call.argument(1)));
        if (wanted.flags & ~int64_t{kO_NONBLOCK}) return Errno::kEINVAL;
    }
    Ref<File> file;
    KOS_TRY(QueueFile* const descriptor, queue_argument(call, file));
    const PosixQueue& queue = descriptor->messages();
    UserAttributes const now{file->flags & kO_NONBLOCK, queue.messages_max, queue.message_bytes_max, queue.count(), {}};
    if (call.argument(1)) {
        file->flags = (file->flags & ~kO_NONBLOCK) | static_cast<uint32_t>(wanted.flags);
    }
    if (call.argument(2)) KOS_TRY_STATUS(call.write_user(call.argument(2), now));
    return int64_t{0};
}

constexpr SystemCall kTable[] = {
    {180, "mq_open", mq_open, Support::kPartial,
     "no file system shows the queues; a message has at most 1 MiB, all queues together hold 8 MiB"},
    {181, "mq_unlink", mq_unlink, Support::kFull, ""},
    {182, "mq_timedsend", mq_timedsend, Support::kFull, ""},
    {183, "mq_timedreceive", mq_timedreceive, Support::kFull, ""},
    {184, "mq_notify", mq_notify, Support::kFull, ""},
    {185, "mq_getsetattr", mq_getsetattr, Support::kFull, ""},
};

}  // namespace

const std::span<const SystemCall> kPosixQueueCalls = kTable;

}  // namespace kos::lx
