/*
 * The hub of streams against another domain that writes anything into the rings, and programs of its own that connect,
 * write, read and close at any time. What must not happen: more streams than there may be, a hub that is never idle,
 * and whatever a sanitizer finds.
 */
#include "net/kos_streams.h"

#include "net/kos_ports.h"
#include "task/start.h"
#include "testing/files.h"

#include "fuzz.h"

namespace kos::fuzz {
namespace {

using namespace lx;
using namespace lx::testing;

constexpr size_t kRing = 16384;

enum Step : uint8_t {
    kRecord,
    kRawWord,
    kPeerOpens,
    kPeerReads,
    kEnd,
    kConnect,
    kListen,
    kAccept,
    kWrite,
    kRead,
    kShut,
    kClose,
    kRun,
    kSteps
};

class Rings final : public StreamPlatform {
public:
    explicit Rings(bool opens) : is_opener_(opens) {
        Link link;
        link.peer = "right";
        link.may_connect = opens;
        link.out = out_.data();
        link.in = in_.data();
        link.out_bytes = link.in_bytes = kRing;
        all_.push_back(link);
    }
    std::span<const Link> links() override { return all_; }
    void notify(size_t, bool) override {}

    // An honest ring operation with whatever it carries.
    void open() {
        kos_ring_core_open(&peer_out_, in_.data(), kRing, 1);
        kos_ring_core_open(&peer_in_, out_.data(), kRing, 0);
    }
    void record(uint32_t tag, Bytes payload) {
        void* place = nullptr;
        if (!peer_out_.own || kos_ring_core_reserve(&peer_out_, payload.size(), &place) != KOS_RING_OK) return;
        std::memcpy(place, payload.data(), payload.size());
        (void)kos_ring_core_commit(&peer_out_, payload.size(), tag);
    }
    void read() {
        const void* payload = nullptr;
        size_t length = 0;
        uint32_t tag = 0;
        while (peer_in_.own && kos_ring_core_peek(&peer_in_, &payload, &length, &tag) == KOS_RING_OK) {
            kos_ring_core_release(&peer_in_);
        }
    }
    uint64_t& word(bool is_out, size_t at) { return (is_out ? out_ : in_)[at % (kRing / 8)]; }
    void end() {
        for (uint64_t* memory : {in_.data(), out_.data()}) {
            auto* const shared = reinterpret_cast<kos_ring_shared_t*>(memory);
            (memory == in_.data() ? shared->producer : shared->consumer).epoch |= KOS_RING_OPENING;
        }
    }

private:
    std::vector<uint64_t> out_ = std::vector<uint64_t>(kRing / 8), in_ = std::vector<uint64_t>(kRing / 8);
    std::vector<Link> all_;
    kos_ring_core_t peer_out_{}, peer_in_{};
    bool is_opener_;
};

class NoPorts final : public PortPlatform {
public:
    std::span<const Port> used() override { return {}; }
    std::span<const Port> served() override { return {}; }
    std::span<const Parameter> parameters() override { return {}; }
    std::span<const Parameter> domain_facts() override { return {}; }
    std::string client_name(uint16_t) override { return {}; }
    std::span<PortJob> jobs() override { return {}; }
    void start(PortJob&) override {}
    uint32_t cast(unsigned, uint64_t, std::span<const std::byte>) override { return 0; }
    void delete_token(uint64_t) override {}
    uint32_t serve() override { return 0; }
    uint32_t answer(PortRequest&, const Answer&) override { return 0; }
    uint32_t revoke_token(unsigned, uint64_t) override { return 0; }
    void take_casts() override {}
};

class Target {
public:
    explicit Target(bool opens)
        : rings_(opens), streams_(world_.system, rings_), thread_(*world_.process->threads.front()) {
        world_.make_directory("run");
        world_.system.streams = &streams_;
        require(mount_kos(world_.system, ports_).ok(), "no /run/kos");
    }
    ~Target() {
        sockets_.clear();
        listener_ = {};
    }

    void step(Reader& input) {
        switch (input.below(kSteps)) {
            case kRecord: {
                uint32_t const kind = input.below(9), number = input.below(20);
                rings_.record(kind << KOS_STREAM_KIND_SHIFT | number, input.bytes(input.number<uint16_t>() % 6000));
                break;
            }
            case kRawWord: {
                bool const is_out = input.below(2) != 0;
                uint64_t& word = rings_.word(is_out, input.number<uint16_t>());
                word = input.below(2) ? input.value() : word + static_cast<uint64_t>(int64_t{input.number<int8_t>()});
                break;
            }
            case kPeerOpens: rings_.open(); break;
            case kPeerReads: rings_.read(); break;
            case kEnd: rings_.end(); break;
            case kConnect: connect(); break;
            case kListen: listen(); break;
            case kAccept: accept(); break;
            case kWrite: write(input); break;
            case kRead: read(input); break;
            case kShut:
                if (Ref<Socket> const socket = one(input)) (void)socket->shutdown(static_cast<int>(input.below(3)));
                break;
            case kClose:
                if (!sockets_.empty()) sockets_.erase(sockets_.begin() + input.below(255) % sockets_.size());
                break;
            default: break;
        }
        streams_.signalled();
        // A peer that breaks the rules makes it begin again; then it must come to an end.
        unsigned turns = 0;
        while (streams_.has_work()) {
            streams_.run();
            require(++turns < 1000, "never idle");
        }
        require(streams_.streams() <= KOS_STREAMS_MAX, "too many streams");
    }

private:
    static SocketAddress address(const char* path) {
        SocketAddress made("\1\0", 2);
        made += path;
        made.push_back(0);
        return made;
    }
    Ref<Socket> make() {
        Ref<Socket> socket = FileWorld::must(UnixSocket::create(*world_.process, kSOCK_STREAM, 0));
        socket->flags |= kO_NONBLOCK;
        return socket;
    }
    Ref<Socket> one(Reader& input) {
        return sockets_.empty() ? Ref<Socket>() : sockets_[input.below(255) % sockets_.size()];
    }
    void connect() {
        if (sockets_.size() > 64) return;
        Ref<Socket> const socket = make();
        if (socket->connect(address("/run/kos/stream/right"), *world_.process).ok()) sockets_.push_back(socket);
    }
    void listen() {
        if (listener_) {
            listener_ = {};
            return;
        }
        Ref<Socket> const socket = make();
        bool const is_bound = socket->bind(address("/run/kos/listen/stream"), *world_.process).ok();
        if (is_bound && socket->listen(4).ok()) listener_ = socket;
    }
    void accept() {
        SocketAddress peer;
        if (!listener_ || sockets_.size() > 64) return;
        if (auto made = listener_->accept(peer); made.ok()) sockets_.push_back(made.take());
    }
    void write(Reader& input) {
        Ref<Socket> const socket = one(input);
        if (!socket) return;
        Buffer bytes(input.number<uint16_t>() % 20000, 0x5a);
        LocalBuffer buffer(bytes.data(), bytes.size());
        SocketMessage message;
        (void)socket->send(buffer, message, *world_.process);
    }
    void read(Reader& input) {
        Ref<Socket> const socket = one(input);
        if (!socket) return;
        Buffer bytes(input.number<uint16_t>() % 20000);
        LocalBuffer buffer(bytes.data(), bytes.size());
        SocketMessage message;
        (void)socket->receive(buffer, message, *world_.process);
    }

    FileWorld world_;
    NoPorts none_;
    KosPorts ports_{world_.system, none_, {}};
    Rings rings_;
    KosStreams streams_;
    CurrentThread thread_;
    Ref<Socket> listener_;
    std::vector<Ref<Socket>> sockets_;
};

void put_record(Writer& writer, uint8_t kind, uint8_t number, const char* text) {
    Buffer const bytes = buffer_of(text);
    writer.number(kRecord).number<uint8_t>(kind).number<uint8_t>(number);
    writer.number<uint16_t>(static_cast<uint16_t>(bytes.size())).bytes(bytes);
}

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target(reader.below(2) != 0);
    while (!reader.empty()) target.step(reader);
}

std::vector<Buffer> seeds() {
    Writer opener;
    opener.number<uint8_t>(1).number(kPeerOpens);
    put_record(opener, KOS_STREAM_LISTENING, 1, "");
    opener.number(kConnect).number(kWrite).number<uint8_t>(0).number<uint16_t>(9000).number(kPeerReads);
    put_record(opener, KOS_STREAM_DATA, 1, "to the opener");
    put_record(opener, KOS_STREAM_CREDIT, 1, "\x10\x20");
    opener.number(kRead).number<uint8_t>(0).number<uint16_t>(100).number(kEnd);
    Writer acceptor;
    acceptor.number<uint8_t>(0).number(kListen).number(kPeerOpens);
    put_record(acceptor, KOS_STREAM_OPEN, 3, "");
    acceptor.number(kAccept);
    put_record(acceptor, KOS_STREAM_DATA, 3, "to the acceptor");
    acceptor.number(kRead).number<uint8_t>(0).number<uint16_t>(100).number(kWrite).number<uint8_t>(0).number<uint16_t>(
        20);
    put_record(acceptor, KOS_STREAM_SHUT, 3, "");
    acceptor.number(kShut).number<uint8_t>(0).number<uint8_t>(1).number(kClose).number<uint8_t>(0);
    put_record(acceptor, KOS_STREAM_END, 3, "");
    return {opener.result(), acceptor.result()};
}

}  // namespace kos::fuzz
