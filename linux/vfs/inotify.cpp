// inotify.
#include "vfs/inotify.h"

#include "syscalls/call.h"
#include "vfs/anonymous.h"

#include <stdio.h>
#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kFIONREAD = 0x541B;
constexpr size_t kEventsOfAllMax = 65536;
constexpr uint32_t kMoreBits = kIN_ISDIR | kIN_UNMOUNT;  // told whatever was asked for

struct EventHeader {  // struct inotify_event
    int32_t number;
    uint32_t mask, cookie, name_bytes;
};

size_t watchers = 0, watches = 0, events_of_all = 0;

}  // namespace

// Whose watches an inode has. It goes when the last one does.
class Watcher::Watches final : public InodeWatches {
public:
    void event(uint32_t mask, std::string_view name, uint32_t cookie) override {
        // Telling may end watches, and with the last one this object.
        auto const now = list;
        for (Watch* watch : now) watch->owner.happened(*watch, mask, name, cookie);
    }
    std::vector<Watch*> list;
};

size_t Watcher::Event::bytes() const {
    // The name with at least one zero, a multiple of the header.
    size_t const padded = name.empty() ? 0 : (name.size() / sizeof(EventHeader) + 1) * sizeof(EventHeader);
    return sizeof(EventHeader) + padded;
}

Result<Ref<Watcher>> Watcher::create(uint32_t open_flags) {
    if (watchers >= kWatchersMax) return Errno::kEMFILE;
    return Ref<Watcher>(new Watcher(open_flags));
}

Watcher::Watcher(uint32_t open_flags) : attributes_(anonymous_attributes(kAnonymousDevice, 0600)) {
    flags = kO_RDONLY | (open_flags & kO_NONBLOCK);
    ++watchers;
}

Watcher::~Watcher() {
    while (!watches_.empty()) remove(watches_.begin()->first);
    events_of_all -= events_.size();
    --watchers;
}

Result<int> Watcher::watch(Inode& inode, uint32_t mask) {
    constexpr uint32_t kKept = kIN_ALL_EVENTS | kIN_UNMOUNT | kIN_EXCL_UNLINK | kIN_ONESHOT;
    Inode::Extras& extras = inode.make_extras();
    if (!extras.watches) extras.watches = std::make_unique<Watches>();
    auto& list = static_cast<Watches&>(*extras.watches).list;
    for (Watch* watch : list) {
        if (&watch->owner != this) continue;
        if (mask & kIN_MASK_CREATE) return Errno::kEEXIST;
        watch->mask = (mask & kIN_MASK_ADD ? watch->mask : 0) | (mask & kKept);
        return watch->number;
    }
    if (watches >= kWatchesMax || last_number_ == INT32_MAX) {
        if (list.empty()) extras.watches.reset();
        return Errno::kENOSPC;
    }
    ++watches;
    int const number = ++last_number_;
    auto made = std::make_unique<Watch>(Watch{*this, number, Ref<Inode>(&inode), mask & kKept});
    list.push_back(made.get());
    watches_.emplace(number, std::move(made));
    return number;
}

void Watcher::remove(int number) {
    auto const found = watches_.find(number);
    std::unique_ptr<Watch> const watch = std::move(found->second);
    watches_.erase(found);
    --watches;
    Inode::Extras& extras = *watch->inode->extras;
    auto& list = static_cast<Watches&>(*extras.watches).list;
    list.erase(std::find(list.begin(), list.end(), watch.get()));
    if (list.empty()) extras.watches.reset();
}

Status Watcher::forget(int number) {
    if (!watches_.count(number)) return Errno::kEINVAL;
    remove(number);
    add({number, kIN_IGNORED, 0, {}});
    return {};
}

void Watcher::happened(Watch& watch, uint32_t mask, std::string_view name, uint32_t cookie) {
    int const number = watch.number;
    uint32_t const wanted = watch.mask;
    bool const is_end = mask & (kIN_DELETE_SELF | kIN_UNMOUNT);
    if (mask & (wanted | kIN_UNMOUNT) & (kIN_ALL_EVENTS | kIN_UNMOUNT)) {
        add({number, mask & (kIN_ALL_EVENTS | kMoreBits), cookie, std::string(name)});
        if (wanted & kIN_ONESHOT) {
            (void)forget(number);
            return;
        }
    }
    if (is_end) (void)forget(number);
}

void Watcher::add(Event event) {
    if (!events_.empty() && events_.back() == event) return;
    if (events_.size() >= kEventsMax || events_of_all >= kEventsOfAllMax) {
        event = {-1, kIN_Q_OVERFLOW, 0, {}};
        if (!events_.empty() && events_.back() == event) return;
    }
    ++events_of_all;
    events_.push_back(std::move(event));
    queue_.wake(kPOLLIN | kPOLLRDNORM);
}

Result<size_t> Watcher::read(IoBuffer& to) {
    if (events_.empty()) return Errno::kEAGAIN;
    size_t done = 0;
    while (!events_.empty()) {
        const Event& event = events_.front();
        size_t const bytes = event.bytes();
        if (bytes > to.remaining()) {
            if (done == 0) return Errno::kEINVAL;
            break;
        }
        std::string record(bytes, '\0');
        EventHeader const header{event.number, event.mask, event.cookie,
                                 static_cast<uint32_t>(bytes - sizeof(EventHeader))};
        memcpy(record.data(), &header, sizeof header);
        memcpy(record.data() + sizeof header, event.name.data(), event.name.size());
        Status const status = out_whole(to, record.data(), bytes);
        if (!status.ok()) return done ? Result<size_t>(done) : status.error();
        done += bytes;
        events_.pop_front();
        --events_of_all;
    }
    return done;
}

Result<int64_t> Watcher::ioctl(Call& call, uint32_t request, uint64_t argument) {
    if (request != kFIONREAD) return Errno::kENOTTY;
    size_t bytes = 0;
    for (const Event& event : events_) bytes += event.bytes();
    KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(bytes)));
    return int64_t{0};
}

std::string Watcher::details() const {
    std::string text;
    for (const auto& [number, watch] : watches_) {
        char line[64];
        snprintf(line, sizeof line, "inotify wd:%x mask:%x\n", static_cast<unsigned>(number), watch->mask);
        text += line;
    }
    return text;
}

}  // namespace kos::lx
