// epoll: members that may be ready are in a list; whether they are is asked when somebody wants to know.
#include "vfs/epoll.h"

#include "vfs/anonymous.h"

#include <stdio.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kAlways = kPOLLERR | kPOLLHUP;
constexpr uint32_t kModes = kEPOLLEXCLUSIVE | kEPOLLWAKEUP | kEPOLLONESHOT | kEPOLLET;
constexpr uint32_t kExclusiveMay = kPOLLIN | kPOLLOUT | kAlways | kEPOLLWAKEUP | kEPOLLET | kEPOLLEXCLUSIVE;

size_t members_of_all = 0;

// By which results know a member.
template <class T>
uintptr_t number_of(const T& member) {
    return reinterpret_cast<uintptr_t>(&member);
}

}  // namespace

struct EpollFile::Member final : WaitEntry {
    Member(EpollFile& of, File& member, int number) : set(of), file(member), fd(number) { ++members_of_all; }
    ~Member() override { --members_of_all; }

    bool woken(uint32_t) override {
        set.make_ready(*this);
        return true;
    }
    void queue_gone() override { set.forget(*this); }

    EpollFile& set;
    File& file;
    int const fd;
    uint32_t wanted = 0;  // kPOLL*; 0: none until changed (one-shot)
    uint32_t mode = 0;    // kModes
    uint64_t data = 0;
    bool is_ready = false;
    Member* next = nullptr;
    Member* previous = nullptr;
};

EpollFile::EpollFile() : attributes_(anonymous_attributes(kAnonymousDevice, 0600)) { flags = kO_RDWR; }

EpollFile::~EpollFile() {
    for (auto& [key, member] : members_) {
        if (EpollFile* const below = member->file.as_epoll()) {
            below->parents_.erase(std::find(below->parents_.begin(), below->parents_.end(), this));
        }
    }
}

EpollFile::Member* EpollFile::find(File& file, int fd) {
    auto const found = members_.find({&file, fd});
    return found == members_.end() ? nullptr : found->second.get();
}

void EpollFile::make_ready(Member& member) {
    if (!member.is_ready) {
        member.is_ready = true;
        member.previous = last_ready_;
        member.next = nullptr;
        (last_ready_ ? last_ready_->next : first_ready_) = &member;
        last_ready_ = &member;
    }
    queue_.wake(kPOLLIN | kPOLLRDNORM);
}

void EpollFile::take_from_ready(Member& member) {
    if (!member.is_ready) return;
    (member.previous ? member.previous->next : first_ready_) = member.next;
    (member.next ? member.next->previous : last_ready_) = member.previous;
    member.next = member.previous = nullptr;
    member.is_ready = false;
}

void EpollFile::forget(Member& member) {
    changes(number_of(member));
    take_from_ready(member);
    members_.erase({&member.file, member.fd});
}

unsigned EpollFile::height() const {
    unsigned most = 0;
    for (const auto& [key, member] : members_) {
        if (const EpollFile* const below = member->file.as_epoll()) most = std::max(most, below->height());
    }
    return most + 1;
}

unsigned EpollFile::depth() const {
    unsigned most = 0;
    for (const EpollFile* parent : parents_) most = std::max(most, parent->depth());
    return most + 1;
}

bool EpollFile::reaches(const EpollFile& other) const {
    if (this == &other) return true;
    // Upwards from the other one: there are fewer ways.
    for (const EpollFile* parent : other.parents_) {
        if (reaches(*parent)) return true;
    }
    return false;
}

void EpollFile::watch(Member& member, const EpollEvent& event) {
    member.mode = event.events & kModes;
    member.wanted = (event.events & ~kModes) | kAlways;
    member.data = event.data;
    member.file.queue().add(member, member.wanted);
    if (member.file.poll() & member.wanted) make_ready(member);
}

Status EpollFile::add(File& file, int fd, const EpollEvent& event) {
    if (!file.can_poll()) return Errno::kEPERM;
    if (&file == this) return Errno::kEINVAL;
    EpollFile* const below = file.as_epoll();
    if (event.events & kEPOLLEXCLUSIVE && (below || event.events & ~kExclusiveMay)) return Errno::kEINVAL;
    if (find(file, fd)) return Errno::kEEXIST;
    if (below) {
        if (below->reaches(*this) || depth() + below->height() > kNestingMax) return Errno::kELOOP;
        if (below->parents_.size() >= kParentsMax) return Errno::kEINVAL;
    }
    if (members_of_all >= kMembersMax) return Errno::kENOSPC;
    auto made = std::make_unique<Member>(*this, file, fd);
    Member& member = *made;
    members_.emplace(Key{&file, fd}, std::move(made));
    if (below) below->parents_.push_back(this);
    watch(member, event);
    return {};
}

Status EpollFile::change(File& file, int fd, const EpollEvent& event) {
    if (!file.can_poll()) return Errno::kEPERM;
    if (&file == this) return Errno::kEINVAL;
    Member* const member = find(file, fd);
    if (event.events & kEPOLLEXCLUSIVE) return Errno::kEINVAL;
    if (!member) return Errno::kENOENT;
    if (member->mode & kEPOLLEXCLUSIVE) return Errno::kEINVAL;
    changes(number_of(*member));
    take_from_ready(*member);
    watch(*member, event);
    return {};
}

Status EpollFile::remove(File& file, int fd) {
    if (!file.can_poll()) return Errno::kEPERM;
    if (&file == this) return Errno::kEINVAL;
    Member* const member = find(file, fd);
    if (!member) return Errno::kENOENT;
    if (EpollFile* const below = file.as_epoll()) {
        below->parents_.erase(std::find(below->parents_.begin(), below->parents_.end(), this));
    }
    forget(*member);
    return {};
}

// Members of level-triggered events are in the list anyway.
void EpollFile::undo(std::span<const UnseenResult::Part> parts, uintptr_t about) {
    for (const UnseenResult::Part& part : parts) {
        if (part.about == about) continue;
        Member& member = *reinterpret_cast<Member*>(part.about);
        if (member.mode & kEPOLLONESHOT) {
            member.wanted = part.detail;
            member.file.queue().add(member, member.wanted);
        }
        make_ready(member);
    }
}

size_t EpollFile::collect(Sink& sink, size_t most, UnseenResult* unseen) {
    size_t given = 0;
    if (unseen) unseen->open(*this);
    // Those that stay ready go to the end, so that each gets its turn; none is given twice.
    Member* const end = last_ready_;
    for (Member* member = first_ready_; member && given < most;) {
        Member* const next = member == end ? nullptr : member->next;
        uint32_t const events = member->file.poll() & member->wanted;
        if (events == 0) {
            take_from_ready(*member);
        } else {
            if (!sink.take({events, 0, member->data})) break;
            ++given;
            if (unseen) unseen->add(number_of(*member), member->wanted);
            take_from_ready(*member);
            if (member->mode & kEPOLLONESHOT) {
                member->wanted = 0;
                member->file.queue().add(*member, 0);  // to hear of its end
            } else if (!(member->mode & kEPOLLET)) {
                member->is_ready = true;
                member->previous = last_ready_;
                (last_ready_ ? last_ready_->next : first_ready_) = member;
                last_ready_ = member;
            }
        }
        member = next;
    }
    if (unseen && given == 0) unseen->close();
    return given;
}

uint32_t EpollFile::poll() {
    while (first_ready_) {
        if (first_ready_->file.poll() & first_ready_->wanted) return kPOLLIN | kPOLLRDNORM;
        take_from_ready(*first_ready_);
    }
    return 0;
}

std::string EpollFile::details() const {
    std::string text;
    for (const auto& [key, member] : members_) {
        char line[96];
        snprintf(line, sizeof line, "tfd: %8d events: %8x data: %16llx\n", member->fd, member->wanted | member->mode,
                 static_cast<unsigned long long>(member->data));
        text += line;
    }
    return text;
}

}  // namespace kos::lx
