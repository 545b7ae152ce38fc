// /run/kos/stream and /run/kos/listen/stream: byte streams to other domains over rings, without the network.
//
// A program's socket (AF_UNIX, SOCK_STREAM) is joined to one of the hub's; the hub moves bytes between that and the
// rings (net/kos_stream_record.h). A stream that is not read stops its sender and nobody else. When the other domain
// ends, root says so in the rings (lib/ring: KOS_RING_GONE), and every stream to it ends at once.
//
// The other domain may write anything into the rings: each record is checked, each stream and queue is bounded, and who
// breaks the rules loses his streams. Nothing waits for it.
#pragma once

#include "net/kos_stream_record.h"
#include "net/unix.h"
#include "time/clock.h"

#include <kos/ring_core.h>

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kos::lx {

class System;

// The rings of the manifest. Those of a link live as long as the platform.
class StreamPlatform {
public:
    struct Link {
        std::string peer;          // name of the other domain
        bool may_connect = false;  // this side opens streams; else it accepts them
        void* out = nullptr;       // ring that this side writes, and its size
        size_t out_bytes = 0;
        void* in = nullptr;
        size_t in_bytes = 0;
    };
    virtual std::span<const Link> links() = 0;
    // Wakes the other side of a link's ring.
    virtual void notify(size_t link, bool is_out) = 0;

protected:
    ~StreamPlatform() = default;
};

class KosStreams final : private Timer {
public:
    static constexpr size_t kBacklog = 8;
    static constexpr unsigned kRecordsAtOnce = 256;
    // While a program runs on, the other domains are woken for several of its writes at once (`wake_peers`): at the
    // latest after so many bytes of a link, or, if the program computes and calls nobody, so long.
    static constexpr size_t kWakeBytes = 16384;
    static constexpr Nanoseconds kWakeLatest = 10'000'000;

    KosStreams(System& system, StreamPlatform& platform);
    ~KosStreams();

    // Does what sockets have asked for and what has arrived. Called when no call is being executed.
    bool has_work() const { return has_work_; }
    void run();
    // The domain's notification has come with the bits of rings.
    void signalled();
    // The other sides have not been told yet of what `run` did. To be called as soon as no program runs on.
    bool owes_wake() const { return owes_wake_; }
    void wake_peers();

    // --- For /run/kos
    size_t links() const { return links_.size(); }
    const StreamPlatform::Link& about(size_t link) const;
    // Where connections to the link's domain wait; nullptr: nobody listens there, or there are too many.
    UnixSocket* listener_of(size_t link);
    Inode* bound_inode() { return bound_.get(); }
    void bind(Ref<Inode> inode) { bound_ = std::move(inode); }
    void listens(UnixSocket* listener);

    size_t streams() const;

private:
    class Link;
    class Stream;
    class Listener;
    void expired() override { wake_peers(); }
    void owe_wake();

    System& system_;
    StreamPlatform& platform_;
    std::vector<std::unique_ptr<Link>> links_;
    Ref<Inode> bound_;
    UnixSocket* listener_ = nullptr;  // the program's
    bool has_work_ = true;
    bool owes_wake_ = false;
};

}  // namespace kos::lx
