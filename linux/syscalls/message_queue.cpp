// Messages by priority, and who is told of them.
#include "syscalls/message_queue.h"

#include "net/netlink.h"
#include "signal/signals.h"
#include "task/system.h"

#include <stdio.h>

#include <algorithm>
#include <set>

namespace kos::lx {

namespace {

constexpr int kSIGEV_SIGNAL = 0, kSIGEV_THREAD = 2;
constexpr char kNotifyWokenUp = 1, kNotifyRemoved = 2;  // NOTIFY_* of linux/mqueue.h

// What the queues of each user may hold: RLIMIT_MSGQUEUE counts what was asked for, not what is used.
std::map<uint32_t, size_t>& promised() {
    static std::map<uint32_t, size_t> by_user;
    return by_user;
}

// All descriptors' files, to tell them from others.
std::set<const File*>& all_files() {
    static std::set<const File*> all;
    return all;
}

}  // namespace

Result<Ref<PosixQueue>> PosixQueue::create(const Attributes& attributes, int64_t messages_max,
                                           int64_t message_bytes_max, uint64_t limit) {
    size_t const bytes =
        static_cast<size_t>(messages_max) * (static_cast<size_t>(message_bytes_max) + kMessageOverheadBytes);
    size_t all = 0;
    for (const auto& [user, held] : promised()) all += held;
    auto const found = promised().find(attributes.uid);
    size_t const own = found == promised().end() ? 0 : found->second;
    if (own + bytes > limit) return Errno::kEMFILE;
    if (all + bytes > kAllBytesMax) return Errno::kENOMEM;
    return Ref<PosixQueue>(new PosixQueue(attributes, messages_max, message_bytes_max, bytes));
}

PosixQueue::PosixQueue(const Attributes& of, int64_t messages, int64_t message_bytes, size_t bytes)
    : attributes(of), messages_max(messages), message_bytes_max(message_bytes), promised_bytes_(bytes) {
    promised()[attributes.uid] += bytes;
}

PosixQueue::~PosixQueue() {
    auto const found = promised().find(attributes.uid);
    found->second -= promised_bytes_;
    if (found->second == 0) promised().erase(found);
}

void PosixQueue::put(std::string text, uint32_t priority, Process& sender) {
    bool const was_empty = is_empty();
    text_bytes_ += text.size();
    ++count_;
    messages_[priority].push_back({std::move(text), priority});
    attributes.modified = attributes.changed = timespec_of(sender.system.timers.realtime());
    bool const is_awaited = !readable.is_empty();
    readable.wake();
    wake_pollers(kPOLLIN | kPOLLRDNORM);
    if (was_empty && !is_awaited) notify(sender);
}

void PosixQueue::remove_first() {
    auto const last = std::prev(messages_.end());
    text_bytes_ -= last->second.front().text.size();
    --count_;
    last->second.pop_front();
    if (last->second.empty()) messages_.erase(last);
    writable.wake();
    wake_pollers(kPOLLOUT | kPOLLWRNORM);
}

void PosixQueue::wake_pollers(uint32_t events) {
    // Those who are woken run later: nobody opens or closes a descriptor meanwhile.
    for (QueueFile* const file : files_) file->queue_.wake(events);
}

Status PosixQueue::ask_notification(Notification wanted) {
    if (notification_.pid) return Errno::kEBUSY;
    notification_ = std::move(wanted);
    return {};
}

void PosixQueue::forget_notification(int pid) {
    if (notification_.pid != pid) return;
    if (notification_.notify == kSIGEV_THREAD) tell_socket(kNotifyRemoved);
    notification_ = {};
}

void PosixQueue::notify(Process& sender) {
    if (!notification_.pid) return;
    Process* const to = sender.system.find_process(notification_.pid);
    if (notification_.notify == kSIGEV_SIGNAL && to && notification_.signal) {
        SignalInfo info;
        info.signal = notification_.signal;
        info.code = kSI_MESGQ;
        info.pid = sender.pid;
        info.uid = sender.credentials.uid;
        info.value = notification_.value;
        send_signal(*to, info);
    } else if (notification_.notify == kSIGEV_THREAD) {
        tell_socket(kNotifyWokenUp);
    }
    notification_ = {};
}

void PosixQueue::tell_socket(char what) {
    notification_.cookie.back() = what;
    static_cast<NetlinkSocket&>(*notification_.socket->as_socket()).deliver(notification_.cookie);
}

std::string PosixQueue::state_line() const {
    char text[128];
    snprintf(text, sizeof text, "QSIZE:%-10zu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", text_bytes_,
             notification_.pid ? notification_.notify : 0,
             notification_.pid && notification_.notify == kSIGEV_SIGNAL ? notification_.signal : 0, notification_.pid);
    return text;
}

QueueFile::QueueFile(Ref<PosixQueue> queue, std::string_view name, uint32_t open_flags)
    : messages_(std::move(queue)), name_("/" + std::string(name)) {
    flags = open_flags & (kO_ACCMODE | kO_NONBLOCK);
    messages_->files_.push_back(this);
    all_files().insert(this);
}

QueueFile::~QueueFile() {
    std::erase(messages_->files_, this);
    all_files().erase(this);
}

QueueFile* QueueFile::of(File& file) { return all_files().count(&file) ? static_cast<QueueFile*>(&file) : nullptr; }

Result<size_t> QueueFile::read_at(IoBuffer& to, uint64_t offset) {
    std::string const line = messages_->state_line();
    if (offset >= line.size()) return size_t{0};
    return to.out(line.data() + offset, std::min<size_t>(line.size() - offset, to.remaining()));
}

uint32_t QueueFile::poll() {
    return (messages_->is_empty() ? 0 : kPOLLIN | kPOLLRDNORM) | (messages_->is_full() ? 0 : kPOLLOUT | kPOLLWRNORM);
}

}  // namespace kos::lx
