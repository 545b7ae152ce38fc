// POSIX message queues (mq_overview(7)): messages with priorities, and the descriptors to them.
//
// Names, rights and waiting are the calls' (message_queue_calls.cpp); nothing here blocks. What queues hold is the
// server's memory: all of them together may be asked to hold kAllBytesMax.
#pragma once

#include "signal/state.h"
#include "task/process.h"
#include "vfs/file.h"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace kos::lx {

class QueueFile;

// What a queue may hold; mq_overview(7), "/proc interfaces", has Linux's bounds.
constexpr size_t kPosixQueuesMax = 256;
constexpr int64_t kQueueMessagesDefault = 10, kQueueMessageBytesDefault = 8192;  // and the most without privilege
constexpr int64_t kQueueMessagesMax = 65536, kQueueMessageBytesMax = 1 << 20;    // Linux: 16 MiB
constexpr uint32_t kQueuePriorities = 32768;                                     // MQ_PRIO_MAX

class PosixQueue final : public Counted {
public:
    static constexpr size_t kAllBytesMax = 8 << 20;
    static constexpr size_t kMessageOverheadBytes = 96;  // counted for each message beside its text

    // kEMFILE: its owner's queues would hold more than `limit` (RLIMIT_MSGQUEUE); kENOMEM: all queues kAllBytesMax.
    static Result<Ref<PosixQueue>> create(const Attributes& attributes, int64_t messages_max, int64_t message_bytes_max,
                                          uint64_t limit);
    ~PosixQueue() override;

    bool is_full() const { return count_ >= static_cast<size_t>(messages_max); }
    bool is_empty() const { return count_ == 0; }
    int64_t count() const { return static_cast<int64_t>(count_); }
    // Behind those of its priority, before those of a lower one; not into a full queue. The sender is who a
    // notification names.
    void put(std::string text, uint32_t priority, Process& sender);
    struct Message {
        std::string text;
        uint32_t priority = 0;
    };
    const Message& first() const { return messages_.rbegin()->second.front(); }  // not of an empty queue
    void remove_first();

    // mq_notify(3): one process is told, once, of a message that comes to the empty queue when no call waits for it.
    struct Notification {
        int pid = 0;     // 0: nobody
        int notify = 0;  // SIGEV_*
        int signal = 0;
        uint64_t value = 0;
        Ref<File> socket;    // SIGEV_THREAD: of AF_NETLINK, which receives the cookie
        std::string cookie;  // NOTIFY_COOKIE_LEN bytes, the last one says what has happened (linux/mqueue.h)
    };
    Status ask_notification(Notification wanted);  // kEBUSY
    void forget_notification(int pid);             // if it is this process's

    std::string state_line() const;  // what reading a descriptor gives

    Attributes attributes;
    int64_t const messages_max, message_bytes_max;
    WaitQueue readable, writable;  // calls that wait

private:
    friend class QueueFile;
    PosixQueue(const Attributes& attributes, int64_t messages_max, int64_t message_bytes_max, size_t bytes);
    void notify(Process& sender);
    void tell_socket(char what);
    void wake_pollers(uint32_t events);

    size_t const promised_bytes_;
    size_t count_ = 0, text_bytes_ = 0;
    std::map<uint32_t, std::deque<Message>> messages_;  // by priority; none empty
    Notification notification_;
    std::vector<QueueFile*> files_;
};

// A descriptor of mq_open(3).
class QueueFile final : public File {
public:
    QueueFile(Ref<PosixQueue> queue, std::string_view name, uint32_t open_flags);
    ~QueueFile() override;

    PosixQueue& messages() { return *messages_; }
    static QueueFile* of(File& file);  // nullptr: it is none
    Result<size_t> read_at(IoBuffer& to, uint64_t offset) override;
    Result<size_t> write_at(IoBuffer&, uint64_t) override { return Errno::kEINVAL; }
    bool is_seekable() const override { return true; }
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    Result<Attributes> attributes() override { return messages_->attributes; }
    std::string anonymous_name() const override { return name_; }
    void descriptor_closed(Process& process) override { messages_->forget_notification(process.pid); }

private:
    friend class PosixQueue;
    Ref<PosixQueue> messages_;
    std::string name_;
};

}  // namespace kos::lx
