// msgget, msgsnd, msgrcv, msgctl.
#include "syscalls/families.h"
#include "syscalls/ipc.h"

namespace kos::lx {

namespace {

constexpr int kMSG_STAT = 11, kMSG_INFO = 12, kMSG_STAT_ANY = 13;
constexpr uint32_t kMSG_NOERROR = 010000, kMSG_EXCEPT = 020000, kMSG_COPY = 040000;
constexpr unsigned kCAP_SYS_RESOURCE = 24;

struct UserQueue {  // struct msqid64_ds
    UserPermissions permissions;
    int64_t sent, received, changed;
    uint64_t bytes, messages, bytes_most;
    int32_t last_sender, last_receiver;
    uint64_t unused[2];
};
static_assert(sizeof(UserQueue) == 120);
struct UserLimits {  // struct msginfo
    int32_t pool, map, message_bytes, queue_bytes, queues, segment_bytes, messages;
    uint16_t segments;
};

// Lives while a call waits: a removed queue is told from one that never was.
class Waiting final : public CallExtra {
public:
    explicit Waiting(MessageQueue& of) : queue(&of) {}
    Ref<MessageQueue> queue;
};

Result<MessageQueue*> queue_argument(Call& call) {
    auto* const waited = static_cast<Waiting*>(call.progress.extra.get());
    if (waited && waited->queue->is_removed) return Errno::kEIDRM;
    return ipc_of(call.process().system).queues.get(call.argument_as<int>(0));
}

Result<int64_t> wait(Call& call, MessageQueue& queue, WaitQueue& on) {
    if (!call.progress.extra) call.progress.extra = std::make_unique<Waiting>(queue);
    call.wait_for(on);
    return call.sleep(Call::Interrupted::kEINTR);
}

Result<int64_t> msgget(Call& call) {
    auto const nothing = [](MessageQueue&) { return Status(); };
    return ipc_of(call.process().system)
        .queues.obtain(call, call.argument_as<int32_t>(0), call.argument_as<uint32_t>(1), nothing, nothing);
}

Result<int64_t> msgsnd(Call& call) {
    uint64_t const from = call.argument(1), bytes = call.argument(2);
    KOS_TRY(int64_t const type, call.read_user<int64_t>(from));
    if (bytes > kMessageBytesMax || call.argument_as<int>(0) < 0 || type < 1) return Errno::kEINVAL;
    std::string text(bytes, '\0');
    KOS_TRY_STATUS(call.memory().copy_in(text.data(), from + sizeof type, bytes));
    KOS_TRY(MessageQueue* const queue, queue_argument(call));
    KOS_TRY_STATUS(check_ipc_access(call.process(), *queue, 2));
    // Empty messages count, too.
    if (bytes > queue->bytes_most - std::min(queue->bytes, queue->bytes_most) ||
        queue->messages.size() >= queue->bytes_most) {
        if (call.argument_as<uint32_t>(3) & kIPC_NOWAIT) return Errno::kEAGAIN;
        return wait(call, *queue, queue->writable);
    }
    queue->messages.push_back({type, std::move(text)});
    queue->bytes += bytes;
    queue->last_sender = call.process().pid;
    queue->sent = ipc_now(call);
    queue->readable.wake();
    return int64_t{0};
}

using Messages = std::deque<MessageQueue::Message>;

Messages::iterator find_message(Messages& messages, int64_t type, uint32_t flags) {
    if (flags & kMSG_COPY) {
        bool const is_there = type >= 0 && static_cast<uint64_t>(type) < messages.size();
        return is_there ? messages.begin() + type : messages.end();
    }
    if (type == 0) return messages.begin();
    auto found = messages.end();
    for (auto at = messages.begin(); at != messages.end(); ++at) {
        if (type > 0) {
            if ((at->type == type) != bool(flags & kMSG_EXCEPT)) return at;
        } else if (at->type <= (type == INT64_MIN ? INT64_MAX : -type) &&
                   (found == messages.end() || at->type < found->type)) {
            found = at;
        }
    }
    return found;
}

Result<int64_t> msgrcv(Call& call) {
    uint64_t const to = call.argument(1), most = call.argument(2);
    int64_t const type = call.argument_as<int64_t>(3);
    uint32_t const flags = call.argument_as<uint32_t>(4);
    if (call.argument_as<int>(0) < 0 || call.argument_as<int64_t>(2) < 0) return Errno::kEINVAL;
    if (flags & kMSG_COPY && (flags & kMSG_EXCEPT || !(flags & kIPC_NOWAIT))) return Errno::kEINVAL;
    KOS_TRY(MessageQueue* const queue, queue_argument(call));
    KOS_TRY_STATUS(check_ipc_access(call.process(), *queue, 4));
    auto const found = find_message(queue->messages, type, flags);
    if (found == queue->messages.end()) {
        if (flags & kIPC_NOWAIT) return Errno::kENOMSG;
        return wait(call, *queue, queue->readable);
    }
    if (found->text.size() > most && !(flags & kMSG_NOERROR)) return Errno::kE2BIG;
    size_t const bytes = std::min<uint64_t>(found->text.size(), most);
    KOS_TRY_STATUS(call.write_user(to, found->type));
    KOS_TRY_STATUS(call.memory().copy_out(to + sizeof found->type, found->text.data(), bytes));
    if (!(flags & kMSG_COPY)) {
        queue->bytes -= found->text.size();
        queue->messages.erase(found);
        queue->last_receiver = call.process().pid;
        queue->received = ipc_now(call);
        queue->writable.wake();
    }
    return static_cast<int64_t>(bytes);
}

UserQueue describe(const MessageQueue& queue) {
    UserQueue to{};
    to.permissions = describe_ipc(queue);
    to.sent = queue.sent;
    to.received = queue.received;
    to.changed = queue.changed;
    to.bytes = queue.bytes;
    to.messages = queue.messages.size();
    to.bytes_most = queue.bytes_most;
    to.last_sender = queue.last_sender;
    to.last_receiver = queue.last_receiver;
    return to;
}

Result<int64_t> limits_of(Call& call, Ipc& ipc, bool as_used) {
    UserLimits limits{0, 0, kMessageBytesMax, kQueueBytesMax, kQueuesMax, 16, 0, 0xffff};
    if (as_used) {
        limits.pool = static_cast<int32_t>(ipc.queues.size());
        for (auto& [place, queue] : ipc.queues.all()) {
            limits.map += static_cast<int32_t>(queue->messages.size());
            limits.messages += static_cast<int32_t>(queue->bytes);
        }
    }
    KOS_TRY_STATUS(call.write_user(call.argument(2), limits));
    return int64_t{ipc.queues.last_place()};
}

Result<int64_t> msgctl(Call& call) {
    int const number = call.argument_as<int>(0), command = call.argument_as<int>(1) & ~kIPC_64;
    uint64_t const buffer = call.argument(2);
    Ipc& ipc = ipc_of(call.process().system);
    auto& table = ipc.queues;
    if (number < 0) return Errno::kEINVAL;
    if (command == kIPC_INFO || command == kMSG_INFO) return limits_of(call, ipc, command == kMSG_INFO);
    if (command == kMSG_STAT || command == kMSG_STAT_ANY || command == kIPC_STAT) {
        MessageQueue* queue = table.at(number);
        if (command == kIPC_STAT) {
            KOS_TRY(queue, table.get(number));
        }
        if (!queue) return Errno::kEINVAL;
        if (command != kMSG_STAT_ANY) KOS_TRY_STATUS(check_ipc_access(call.process(), *queue, 4));
        KOS_TRY_STATUS(call.write_user(buffer, describe(*queue)));
        return command == kIPC_STAT ? int64_t{0} : int64_t{table.number(*queue)};
    }
    if (command != kIPC_SET && command != kIPC_RMID) return Errno::kEINVAL;
    UserQueue from{};
    if (command == kIPC_SET) {
        KOS_TRY(from, call.read_user<UserQueue>(buffer));
    }
    KOS_TRY(MessageQueue* const queue, table.get(number));
    KOS_TRY_STATUS(check_ipc_owner(call.process(), *queue));
    if (command == kIPC_SET) {
        // More than the default is the privileged's alone, and here nobody's: it is the server's memory.
        if (from.bytes_most > kQueueBytesMax) {
            return call.process().credentials.has_capability(kCAP_SYS_RESOURCE) ? Errno::kEINVAL : Errno::kEPERM;
        }
        queue->bytes_most = from.bytes_most;
        change_ipc(*queue, from.permissions, ipc_now(call));
        queue->writable.wake();
        return int64_t{0};
    }
    Ref<MessageQueue> const keep(queue);
    table.remove(*queue);
    keep->is_removed = true;
    keep->readable.wake();
    keep->writable.wake();
    return int64_t{0};
}

constexpr SystemCall kTable[] = {
    {186, "msgget", msgget, Support::kFull, ""},
    {187, "msgctl", msgctl, Support::kPartial, "a queue holds at most 16384 bytes"},
    {188, "msgrcv", msgrcv, Support::kFull, ""},
    {189, "msgsnd", msgsnd, Support::kFull, ""},
};

}  // namespace

const std::span<const SystemCall> kMessageCalls = kTable;

}  // namespace kos::lx
