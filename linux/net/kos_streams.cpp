// Streams over rings: the hub (kos_streams.h).
#include "net/kos_streams.h"

#include "task/system.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kWindow = KOS_STREAM_WINDOW;
constexpr uint32_t kCreditStep = kWindow / 4;
// Room for a whole window; and the hub is told when a reader has come down to half a window (UnixSocket: writable while
// a quarter of the buffer waits), when it owes more than kCreditStep.
constexpr uint32_t kBuffer = 2 * kWindow;
constexpr size_t kControlMax = 4 * KOS_STREAMS_MAX;
constexpr unsigned kReportsMax = 3;

uint32_t tag_of(kos_stream_kind kind, uint32_t number) {
    return static_cast<uint32_t>(kind) << KOS_STREAM_KIND_SHIFT | number;
}

}  // namespace

class KosStreams::Stream final : public WaitEntry, private UnixSocket::Sink {
public:
    Stream(Link& of, uint32_t number_of, Ref<UnixSocket> socket);
    ~Stream() { end->set_sink(nullptr); }
    bool woken(uint32_t) override;

    Ref<UnixSocket> const end;
    uint32_t const number;
    uint32_t credit = kWindow;  // bytes that may be sent
    uint32_t received = 0;      // not given back yet as credit
    bool has_shut = false;      // SHUT is sent
    bool peer_has_shut = false;
    bool is_over = false;

private:
    Result<size_t> take(IoBuffer& from) override;
    Link& link_;
};

class KosStreams::Listener final : public WaitEntry {
public:
    Listener(Link& link, FrameSource& frames) : socket(UnixSocket::make_for_system(frames, kSOCK_STREAM)), link_(link) {
        socket->listen_for_system(kBacklog);
        socket->queue().add(*this);
    }
    bool woken(uint32_t) override;
    Ref<UnixSocket> const socket;

private:
    Link& link_;
};

// One pair of rings.
class KosStreams::Link final {
public:
    Link(KosStreams& streams, size_t index, const StreamPlatform::Link& about);

    void make_ready() {
        is_ready = true;
        hub_.has_work_ = true;
    }
    // Whether the other side has written, read what was waited for, or begun anew since this side last looked.
    bool has_news() const;
    void run();
    // Into the ring, past everything, what a program writes to a stream of which nothing waits. See UnixSocket::Sink.
    Result<size_t> write_through(Stream& stream, IoBuffer& from);
    void wake_peer();
    void listening_changed();
    UnixSocket* listener();

    const StreamPlatform::Link& about;
    bool is_ready = true;
    std::vector<std::unique_ptr<Stream>> streams;

private:
    struct Control {
        uint32_t tag;
        uint32_t value;
    };
    void open_rings();
    bool has_begun_anew() const;
    void tell_peer();
    bool attend();
    bool may_not_sleep();
    void lose_all();
    void broken();
    void control(kos_stream_kind kind, uint32_t number, uint32_t value = 0) {
        control_.push_back({tag_of(kind, number), value});
    }
    bool has_room_for_control() const { return control_.size() < kControlMax; }

    // --- From programs to the ring
    bool send_control();
    void accept();
    bool send_data();
    bool send_one(Stream& stream, bool& has_moved);
    void give_credit();
    void end_when_closed(Stream& stream);

    // --- From the ring to programs
    bool receive(unsigned& left);
    bool take(uint32_t tag, std::span<std::byte> payload);
    bool take_open(uint32_t number);
    bool take_data(Stream& stream, std::span<std::byte> payload);
    bool take_credit(Stream& stream, std::span<const std::byte> payload);
    Stream* find(uint32_t number);
    void forget_ended();

    KosStreams& hub_;
    size_t const index_;
    kos_ring_core_t out_{}, in_{};
    std::unique_ptr<Listener> listener_;  // of who may connect
    std::deque<Control> control_;
    uint32_t last_number_ = 0;
    size_t next_ = 0;  // whose turn it is to send
    unsigned reports_ = 0;
    size_t written_ = 0;      // since the other side was woken
    bool has_moved_ = false;  // a record, in any direction, since then
    SocketMessage message_;   // of send_one(): keeps its memory
    uint64_t wants_ = 0;      // room that `out_` lacks
    bool is_up_ = false;
    bool is_gone_ = false;     // `out_` has said so, and attend() does not know it yet
    bool is_held_up_ = false;  // no record can be taken until `out_` has room
    bool peer_listens_ = false;
    bool owes_listening_ = false;
};

// --- Sockets

KosStreams::Stream::Stream(Link& of, uint32_t number_of, Ref<UnixSocket> socket)
    : end(std::move(socket)), number(number_of), link_(of) {
    end->set_send_buffer_for_system(kBuffer);
    end->queue().add(*this);
    end->set_sink(this);
}

Result<size_t> KosStreams::Stream::take(IoBuffer& from) { return link_.write_through(*this, from); }

bool KosStreams::Stream::woken(uint32_t) {
    link_.make_ready();
    return true;
}

bool KosStreams::Listener::woken(uint32_t) {
    link_.make_ready();
    return true;
}

// --- A pair of rings

KosStreams::Link::Link(KosStreams& streams_of, size_t index, const StreamPlatform::Link& about_link)
    : about(about_link), hub_(streams_of), index_(index) {
    if (about.may_connect) listener_ = std::make_unique<Listener>(*this, hub_.system_.frames);
    open_rings();
}

void KosStreams::Link::open_rings() {
    // The manifest's sizes are checked when the system is built, so that this cannot fail.
    (void)kos_ring_core_open(&out_, about.out, about.out_bytes, 1);
    (void)kos_ring_core_open(&in_, about.in, about.in_bytes, 0);
    wake_peer();
}

void KosStreams::Link::wake_peer() {
    written_ = 0;
    has_moved_ = false;
    if (kos_ring_core_take_wake(&out_)) hub_.platform_.notify(index_, true);
    if (kos_ring_core_take_wake(&in_)) hub_.platform_.notify(index_, false);
}

void KosStreams::Link::lose_all() {
    streams.clear();
    control_.clear();
    is_up_ = is_held_up_ = peer_listens_ = owes_listening_ = false;
    wants_ = 0;
}

// The other side does not keep the rules: both begin anew.
void KosStreams::Link::broken() {
    lose_all();
    open_rings();
    if (reports_++ < kReportsMax) {
        hub_.system_.platform.report(("stream: " + about.peer + " broke the rules").c_str());
    }
}

// False: nothing can be moved now. The ring that is read is looked at first: if the other side has just begun anew,
// then root, or it itself, has marked the other ring before it began to use this one.
bool KosStreams::Link::attend() {
    const void* record = nullptr;
    void* room = nullptr;
    size_t length = 0;
    uint32_t tag = 0;
    kos_ring_result_t const in = kos_ring_core_peek(&in_, &record, &length, &tag);
    kos_ring_result_t const out = kos_ring_core_reserve(&out_, 0, &room);
    if (in == KOS_RING_GONE || out == KOS_RING_GONE || std::exchange(is_gone_, false)) {
        lose_all();
        is_ready = true;
        return false;
    }
    if (in == KOS_RING_INVALID || out == KOS_RING_INVALID) {
        broken();
        return false;
    }
    if (!in_.is_met || !out_.is_met) return false;
    if (!is_up_) {
        is_up_ = true;
        owes_listening_ = !about.may_connect;
    }
    return true;
}

// Only compared; what it means is attend()'s to say.
bool KosStreams::Link::has_begun_anew() const {
    auto const differs = [](const kos_ring_core_t& ring) {
        return __atomic_load_n(&ring.peer->epoch, __ATOMIC_ACQUIRE) != ring.peer_epoch;
    };
    return differs(in_) || differs(out_);
}

bool KosStreams::Link::has_news() const {
    if (!is_up_ || is_held_up_ || wants_ || has_begun_anew()) return true;
    // Whoever wakes this side takes its wish to be woken back, whether there is news or not: run() says it anew.
    if (__atomic_load_n(&in_.own->sleeps, __ATOMIC_ACQUIRE) == 0) return true;
    return __atomic_load_n(&in_.peer->position, __ATOMIC_ACQUIRE) != in_.position;
}

UnixSocket* KosStreams::Link::listener() {
    bool const is_possible = is_up_ && peer_listens_ && streams.size() < KOS_STREAMS_MAX;
    return listener_ && is_possible ? listener_->socket.get() : nullptr;
}

void KosStreams::Link::listening_changed() {
    if (about.may_connect) return;
    owes_listening_ = true;
    make_ready();
}

void KosStreams::Link::run() {
    is_ready = false;
    unsigned left = kRecordsAtOnce;
    if (attend()) {
        bool const is_sound = receive(left);
        if (!is_sound) {
            broken();
        } else {
            accept();
            give_credit();
            if (send_data()) is_ready = true;
            forget_ended();
            // The other side has made room meanwhile, and will not say so: it was not asked to.
            if (is_held_up_ && !wants_) is_ready = true;
        }
    } else if (listener_) {
        accept();
    }
    tell_peer();
    if (left == 0) is_ready = true;
    if (!is_ready) is_ready = may_not_sleep();
    if (is_ready) hub_.has_work_ = true;
}

void KosStreams::Link::tell_peer() {
    if (written_ >= kWakeBytes) {
        wake_peer();
    } else if (has_moved_ || out_.must_wake || in_.must_wake) {
        hub_.owe_wake();
    }
}

// Says for what this side is to be woken. A ring with records that cannot be taken now is no reason to stay awake: it
// waits for the other ring then.
bool KosStreams::Link::may_not_sleep() {
    bool const takes_records = is_up_ ? !is_held_up_ : !in_.is_met;
    bool const is_ready_to_read = takes_records && kos_ring_core_prepare_wait(&in_, 1);
    bool const wants_room = wants_ || !out_.is_met;
    bool const has_room = wants_room && kos_ring_core_prepare_wait(&out_, wants_ ? wants_ : 1);
    return is_ready_to_read || has_room;
}

// --- From programs to the ring

// Connections of programs of this side. Those that nobody will answer are cut off.
void KosStreams::Link::accept() {
    while (listener_) {
        SocketAddress peer;
        if (!has_room_for_control()) return;
        auto made = listener_->socket->accept(peer);
        if (!made.ok()) return;
        if (!is_up_ || !peer_listens_ || streams.size() >= KOS_STREAMS_MAX) continue;
        do {
            last_number_ = (last_number_ + 1) & KOS_STREAM_NUMBER_MASK;
        } while (find(last_number_));
        streams.push_back(std::make_unique<Stream>(*this, last_number_, ref_cast<UnixSocket>(*made)));
        control(KOS_STREAM_OPEN, last_number_);
    }
}

// What programs have read may be sent anew.
void KosStreams::Link::give_credit() {
    for (const auto& stream : streams) {
        auto const unread = static_cast<uint32_t>(stream->end->unread_by_peer());
        if (stream->received - std::min(stream->received, unread) < kCreditStep || !has_room_for_control()) continue;
        control(KOS_STREAM_CREDIT, stream->number, stream->received - unread);
        stream->received = unread;
    }
}

// False: the ring is full.
bool KosStreams::Link::send_control() {
    if (owes_listening_ && has_room_for_control()) {
        owes_listening_ = false;
        control(KOS_STREAM_LISTENING, hub_.listener_ != nullptr ? 1 : 0);
    }
    while (!control_.empty()) {
        const Control& next = control_.front();
        bool const has_value = next.tag >> KOS_STREAM_KIND_SHIFT == KOS_STREAM_CREDIT;
        size_t const bytes = has_value ? sizeof next.value : 0;
        void* payload = nullptr;
        if (kos_ring_core_reserve(&out_, bytes, &payload) != KOS_RING_OK) {
            wants_ = kos_ring_core_reserve_needs(&out_, bytes);
            return false;
        }
        memcpy(payload, &next.value, bytes);
        if (kos_ring_core_commit(&out_, bytes, next.tag) != KOS_RING_OK) return false;
        has_moved_ = true;
        control_.pop_front();
    }
    return true;
}

// Whether there is more to send, and room for it.
bool KosStreams::Link::send_data() {
    wants_ = 0;
    for (unsigned left = kRecordsAtOnce; left; --left) {
        if (!send_control()) return false;
        bool has_moved = false;
        size_t const count = streams.size();
        next_ = count ? (next_ + 1) % count : 0;
        for (size_t i = 0; i < count; ++i) {
            Stream& stream = *streams[(next_ + i) % count];
            if (!stream.is_over && !send_one(stream, has_moved)) return false;
        }
        if (!has_moved && control_.empty()) return false;
    }
    return true;
}

// At most one record of the stream; false: the ring is full. The bytes go from the socket's packets into the ring.
bool KosStreams::Link::send_one(Stream& stream, bool& has_moved) {
    if (stream.has_shut) {
        end_when_closed(stream);
        return true;
    }
    if (!(stream.end->poll() & kPOLLIN)) return true;
    size_t const there = stream.end->unread();
    size_t const most =
        std::min({size_t{KOS_STREAM_DATA_MAX}, size_t{stream.credit}, there, kos_ring_core_record_max(&out_)});
    if (there && most == 0) return true;  // until there is credit
    if (there == 0) {
        if (!has_room_for_control()) return true;
        SocketMessage message;
        std::byte none[1];
        LocalBuffer nothing(none, 1);
        auto const read = stream.end->receive_for_system(nothing, message);
        if (!read.ok() && read.error() == Errno::kEAGAIN) return true;
        control(KOS_STREAM_SHUT, stream.number);
        stream.has_shut = true;
        has_moved = true;
        end_when_closed(stream);
        return true;
    }
    void* payload = nullptr;
    if (kos_ring_core_reserve(&out_, most, &payload) != KOS_RING_OK) {
        wants_ = kos_ring_core_reserve_needs(&out_, most);
        return false;
    }
    LocalBuffer buffer(payload, most);
    message_.flags = 0;
    message_.control.clear();
    auto const moved = stream.end->receive_for_system(buffer, message_);
    message_.control.clear();
    if (!moved.ok() || *moved == 0) return true;
    if (kos_ring_core_commit(&out_, *moved, tag_of(KOS_STREAM_DATA, stream.number)) != KOS_RING_OK) {
        // The other side has just ended, and the stream with it.
        make_ready();
        return false;
    }
    stream.credit -= static_cast<uint32_t>(*moved);
    written_ += *moved;
    has_moved = has_moved_ = true;
    return true;
}

// A stream that has lost its other side stays until run(): its socket is in use here.
Result<size_t> KosStreams::Link::write_through(Stream& stream, IoBuffer& from) {
    bool const must_wait = !is_up_ || is_gone_ || is_held_up_ || wants_ || owes_listening_ || !control_.empty();
    if (must_wait || stream.has_shut || stream.is_over || has_begun_anew()) return size_t{0};
    size_t done = 0;
    while (from.remaining()) {
        size_t const most = std::min(
            {size_t{KOS_STREAM_DATA_MAX}, size_t{stream.credit}, from.remaining(), kos_ring_core_record_max(&out_)});
        void* payload = nullptr;
        kos_ring_result_t const room = most ? kos_ring_core_reserve(&out_, most, &payload) : KOS_RING_WAIT;
        is_gone_ = room == KOS_RING_GONE;
        if (room != KOS_RING_OK) break;
        auto const moved = from.in(payload, most);
        if (!moved.ok() && done == 0) return moved.error();
        if (!moved.ok() || *moved == 0) break;
        kos_ring_result_t const sent = kos_ring_core_commit(&out_, *moved, tag_of(KOS_STREAM_DATA, stream.number));
        is_gone_ = sent == KOS_RING_GONE;
        done += *moved;
        if (sent != KOS_RING_OK) break;  // the other side has just ended, and the stream with it
        stream.credit -= static_cast<uint32_t>(*moved);
        written_ += *moved;
        has_moved_ = true;
    }
    if (is_gone_) make_ready();
    tell_peer();
    return done;
}

// The program neither reads nor writes any more, and all it wrote is sent.
void KosStreams::Link::end_when_closed(Stream& stream) {
    if (!(stream.end->poll() & kPOLLHUP) || !has_room_for_control()) return;
    control(KOS_STREAM_END, stream.number);
    stream.is_over = true;
}

void KosStreams::Link::forget_ended() {
    std::erase_if(streams, [](const auto& stream) { return stream->is_over; });
}

// --- From the ring to programs

KosStreams::Stream* KosStreams::Link::find(uint32_t number) {
    for (const auto& stream : streams) {
        if (stream->number == number && !stream->is_over) return stream.get();
    }
    return nullptr;
}

// False: the other side broke the rules. No record is taken out while its answer could have no room.
bool KosStreams::Link::receive(unsigned& left) {
    is_held_up_ = false;
    while (left) {
        if (!has_room_for_control()) {
            is_held_up_ = !send_control();
            if (is_held_up_) return true;
            continue;
        }
        const void* payload = nullptr;
        size_t length = 0;
        uint32_t tag = 0;
        kos_ring_result_t const there = kos_ring_core_peek(&in_, &payload, &length, &tag);
        if (there == KOS_RING_INVALID) return false;
        if (there != KOS_RING_OK) {
            if (there == KOS_RING_GONE) {
                lose_all();
                is_ready = true;
            }
            return true;
        }
        --left;
        // Only read: IoBuffer has no constant form.
        auto* const bytes = static_cast<std::byte*>(const_cast<void*>(payload));
        if (!take(tag, {bytes, length})) return false;
        (void)kos_ring_core_release(&in_);
        has_moved_ = true;
    }
    return true;
}

bool KosStreams::Link::take(uint32_t tag, std::span<std::byte> payload) {
    uint32_t const number = tag & KOS_STREAM_NUMBER_MASK;
    auto const kind = static_cast<kos_stream_kind>(tag >> KOS_STREAM_KIND_SHIFT);
    Stream* const stream = find(number);
    switch (kind) {
        case KOS_STREAM_LISTENING:
            if (!about.may_connect || number > 1 || !payload.empty()) return false;
            peer_listens_ = number == 1;
            return true;
        case KOS_STREAM_OPEN: return payload.empty() && take_open(number);
        case KOS_STREAM_DATA:
            if (payload.empty() || payload.size() > KOS_STREAM_DATA_MAX) return false;
            return !stream || take_data(*stream, payload);
        case KOS_STREAM_CREDIT:
            if (payload.size() != sizeof(uint32_t)) return false;
            return !stream || take_credit(*stream, payload);
        case KOS_STREAM_SHUT:
            if (!payload.empty() || (stream && stream->peer_has_shut)) return false;
            if (stream) {
                stream->peer_has_shut = true;
                (void)stream->end->shutdown(1);
            }
            return true;
        case KOS_STREAM_END:
            if (!payload.empty()) return false;
            // What has arrived is still read by the program: it lies in its own socket.
            if (stream) std::erase_if(streams, [&](const auto& one) { return one.get() == stream; });
            return true;
    }
    return false;
}

bool KosStreams::Link::take_open(uint32_t number) {
    if (about.may_connect || find(number)) return false;
    bool is_taken = hub_.listener_ != nullptr && streams.size() < KOS_STREAMS_MAX;
    if (is_taken) {
        Ref<UnixSocket> const end = UnixSocket::make_for_system(hub_.system_.frames, kSOCK_STREAM);
        end->name_for_system("/run/kos/stream/" + about.peer);
        is_taken = end->connect_for_system(*hub_.listener_).ok();
        if (is_taken) streams.push_back(std::make_unique<Stream>(*this, number, end));
    }
    if (!is_taken) control(KOS_STREAM_END, number);
    return true;
}

bool KosStreams::Link::take_data(Stream& stream, std::span<std::byte> payload) {
    if (stream.peer_has_shut || payload.size() > kWindow - stream.received) return false;
    stream.received += static_cast<uint32_t>(payload.size());
    LocalBuffer buffer(payload.data(), payload.size());
    auto const moved = stream.end->send_for_system(buffer, {});
    if (moved.ok() && *moved == payload.size()) return true;
    // A program that has closed its side does not want it; memory that is used up ends the stream.
    control(KOS_STREAM_END, stream.number);
    stream.is_over = true;
    return true;
}

bool KosStreams::Link::take_credit(Stream& stream, std::span<const std::byte> payload) {
    uint32_t more = 0;
    memcpy(&more, payload.data(), sizeof more);
    if (more == 0 || more > kWindow - stream.credit) return false;
    stream.credit += more;
    return true;
}

// --- The hub

KosStreams::KosStreams(System& system, StreamPlatform& platform) : system_(system), platform_(platform) {
    auto const all = platform.links();
    for (size_t i = 0; i < all.size(); ++i) links_.push_back(std::make_unique<Link>(*this, i, all[i]));
}

KosStreams::~KosStreams() = default;

const StreamPlatform::Link& KosStreams::about(size_t link) const { return links_[link]->about; }
UnixSocket* KosStreams::listener_of(size_t link) { return links_[link]->listener(); }

size_t KosStreams::streams() const {
    size_t count = 0;
    for (const auto& link : links_) count += link->streams.size();
    return count;
}

void KosStreams::listens(UnixSocket* listener) {
    listener_ = listener;
    if (!listener) bound_ = {};
    for (const auto& link : links_) link->listening_changed();
}

void KosStreams::signalled() {
    for (const auto& link : links_) {
        if (link->has_news()) link->make_ready();
    }
}

void KosStreams::owe_wake() {
    owes_wake_ = true;
    if (!is_set()) system_.timers.set(*this, system_.timers.now() + kWakeLatest);
}

void KosStreams::wake_peers() {
    owes_wake_ = false;
    cancel();
    for (const auto& link : links_) link->wake_peer();
}

void KosStreams::run() {
    has_work_ = false;
    for (const auto& link : links_) {
        if (link->is_ready) link->run();
    }
}

}  // namespace kos::lx
