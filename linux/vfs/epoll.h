// epoll(7): a set of files that is told when one of them becomes ready.
//
// Each member waits in its file's queue for as long as it is in the set, so an event costs the same however many
// members there are. A set does not keep its files open: a member goes when its file does.
#pragma once

#include "vfs/file.h"
#include "vfs/unseen.h"

#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace kos::lx {

constexpr uint32_t kEPOLLEXCLUSIVE = 1u << 28, kEPOLLWAKEUP = 1u << 29, kEPOLLONESHOT = 1u << 30, kEPOLLET = 1u << 31;

struct EpollEvent {  // struct epoll_event of arm64
    uint32_t events = 0;
    uint32_t padding = 0;
    uint64_t data = 0;
};

class EpollFile final : public File, private ResultSource {
public:
    static constexpr size_t kMembersMax = 65536;  // of all sets together; kENOSPC
    static constexpr unsigned kNestingMax = 5;    // sets in sets; kELOOP
    static constexpr size_t kParentsMax = 8;      // sets that one set is in; kEINVAL

    EpollFile();
    ~EpollFile() override;

    // epoll_ctl(2). A member is a file under a descriptor number. kEPERM: the file cannot be waited for; kEINVAL,
    // kELOOP: a set within itself or too deep; kEEXIST, kENOENT, kENOSPC.
    Status add(File& file, int fd, const EpollEvent& event);
    Status change(File& file, int fd, const EpollEvent& event);
    Status remove(File& file, int fd);

    // Gives at most `most` events to `sink`, which says false if it cannot take one (that one stays). The number given.
    // `unseen`: where this is remembered in, until the events are seen: edges and one-shots of events that are taken
    // back count as never given. nullptr: they are seen at once.
    class Sink {
    public:
        virtual bool take(const EpollEvent& event) = 0;

    protected:
        ~Sink() = default;
    };
    size_t collect(Sink& sink, size_t most, UnseenResult* unseen = nullptr);

    uint32_t poll() override;
    bool can_poll() const override { return true; }
    EpollFile* as_epoll() override { return this; }
    Result<Attributes> attributes() override { return attributes_; }
    std::string anonymous_name() const override { return "anon_inode:[eventpoll]"; }
    std::string details() const override;

private:
    struct Member;
    using Key = std::pair<File*, int>;

    Member* find(File& file, int fd);
    void watch(Member& member, const EpollEvent& event);
    void make_ready(Member& member);
    void undo(std::span<const UnseenResult::Part> parts, uintptr_t about) override;
    void take_from_ready(Member& member);
    void forget(Member& member);
    unsigned height() const;  // sets below, this one included
    unsigned depth() const;   // sets above, this one included
    bool reaches(const EpollFile& other) const;

    std::map<Key, std::unique_ptr<Member>> members_;
    Member* first_ready_ = nullptr;
    Member* last_ready_ = nullptr;
    std::vector<EpollFile*> parents_;
    Attributes attributes_;
};

}  // namespace kos::lx
