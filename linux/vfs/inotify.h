// inotify(7): events of files and directories. The operations of vfs tell (extras.h: notify...); a Watcher collects.
#pragma once

#include "vfs/extras.h"
#include "vfs/file.h"

#include <deque>
#include <map>
#include <memory>

namespace kos::lx {

constexpr uint32_t kIN_ALL_EVENTS = 0xfff, kIN_Q_OVERFLOW = 0x4000, kIN_IGNORED = 0x8000, kIN_ONLYDIR = 0x01000000,
                   kIN_DONT_FOLLOW = 0x02000000, kIN_EXCL_UNLINK = 0x04000000, kIN_MASK_CREATE = 0x10000000,
                   kIN_MASK_ADD = 0x20000000, kIN_ONESHOT = 0x80000000;

class Watcher : public File {
public:
    static constexpr size_t kWatchersMax = 128, kWatchesMax = 16384;  // of all; kEMFILE, kENOSPC
    static constexpr size_t kEventsMax = 16384;                       // of one; then kIN_Q_OVERFLOW

    static Result<Ref<Watcher>> create(uint32_t open_flags);
    ~Watcher() override;

    // The watch's number. An inode that is watched already keeps its number and gets the new mask. kEEXIST
    // (kIN_MASK_CREATE), kENOSPC.
    Result<int> watch(Inode& inode, uint32_t mask);
    Status forget(int number);  // kEINVAL

    Result<size_t> read(IoBuffer& to) override;  // struct inotify_event, as many as fit; kEINVAL if the first does not
    uint32_t poll() override { return events_.empty() ? 0 : kPOLLIN | kPOLLRDNORM; }
    bool can_poll() const override { return true; }
    Result<int64_t> ioctl(Call& call, uint32_t request, uint64_t argument) override;
    Watcher* as_watcher() override { return this; }
    Result<Attributes> attributes() override { return attributes_; }
    std::string anonymous_name() const override { return "anon_inode:inotify"; }
    std::string details() const override;

protected:
    struct Event {
        int32_t number;
        uint32_t mask, cookie;
        std::string name;
        bool operator==(const Event&) const = default;
        size_t bytes() const;
    };
    explicit Watcher(uint32_t open_flags);
    virtual void add(Event event);

private:
    struct Watch {
        Watcher& owner;
        int number;
        Ref<Inode> inode;
        uint32_t mask;
    };
    class Watches;  // an inode's
    friend class Watches;

    void happened(Watch& watch, uint32_t mask, std::string_view name, uint32_t cookie);
    void remove(int number);  // without an event

    std::map<int, std::unique_ptr<Watch>> watches_;
    int last_number_ = 0;
    std::deque<Event> events_;
    Attributes attributes_;
};

}  // namespace kos::lx
