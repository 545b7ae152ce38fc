// Local sockets (unix(7)): stream, datagram, seqpacket; names in the file system, abstract ones, none.
//
// A message waits at its receiver and is charged to its sender (SO_SNDBUF). Open files travel in messages
// (SCM_RIGHTS); sockets that only messages in such sockets refer to are found and emptied (collect_garbage).
#pragma once

#include "net/packet.h"
#include "net/socket.h"

#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace kos::lx {

class UnixSocket final : public Socket {
public:
    static constexpr size_t kNameMax = 108;        // sun_path
    static constexpr size_t kRightsMax = 253;      // files in one message
    static constexpr size_t kSocketsMax = 65536;   // kENFILE
    static constexpr size_t kInFlightMax = 16384;  // files in all messages; kETOOMANYREFS
    static constexpr size_t kDatagramsMax = 10;    // net.unix.max_dgram_qlen
    static constexpr int kBacklogMax = 4096;       // net.core.somaxconn

    struct Credentials {  // struct ucred
        int32_t pid = 0;
        uint32_t uid = ~0u, gid = ~0u;
        bool operator==(const Credentials&) const = default;
    };

    static Result<Ref<Socket>> create(Process& process, int type, int protocol);
    // socketpair(2).
    struct Pair {
        Ref<Socket> first, second;
    };
    static Result<Pair> create_pair(Process& process, int type, int protocol);
    ~UnixSocket() override;

    int family() const override { return kAF_UNIX; }
    int socket_type() const override { return type_; }
    int protocol() const override { return 0; }
    Status bind(const SocketAddress& address, Process& process) override;
    // kEAGAIN: the listener's queue is full.
    Status connect(const SocketAddress& address, Process& process) override;
    Status listen(int backlog) override;
    Result<Ref<Socket>> accept(SocketAddress& peer) override;
    Status shutdown(int how) override;
    Result<size_t> send(IoBuffer& from, SocketMessage& message, Process& process) override;
    Result<size_t> receive(IoBuffer& to, SocketMessage& message, Process& process) override;
    Result<SocketAddress> local_address() override;
    Result<SocketAddress> peer_address() override;
    Status set_option(int level, int name, std::string_view value) override;
    Result<std::string> option(int level, int name, size_t most) override;
    Errno take_error() override;
    bool is_listening() const override { return state_ == State::kListening; }

    uint32_t poll() override;
    bool can_poll() const override { return true; }
    Result<int64_t> ioctl(Call& call, uint32_t request, uint64_t argument) override;
    Result<Attributes> attributes() override { return attributes_; }
    std::string anonymous_name() const override;
    void descriptor_closed(Process& process) override;

    // --- Sockets of the system's own (net/kos_ports.h, net/kos_streams.h): no process, and no name in the file system.
    static Ref<UnixSocket> make_for_system(FrameSource& frames, int type = kSOCK_SEQPACKET);
    void set_send_buffer_for_system(uint32_t bytes) { send_buffer_ = bytes; }
    void name_for_system(const std::string& path);  // what the other side is told (getpeername(2))
    static void join_for_system(UnixSocket& one, UnixSocket& other);
    void listen_for_system(size_t backlog);
    // Makes this one a connection that waits to be accepted by `listener`. kECONNREFUSED; kEAGAIN: its queue is full.
    Status connect_for_system(UnixSocket& listener);
    Result<size_t> send_for_system(IoBuffer& from, std::vector<Ref<File>> files);
    Result<size_t> receive_for_system(IoBuffer& to, SocketMessage& message);
    // Takes what is written to a stream at once, before it comes into the queue of the socket that it is written to.
    // Asked while that is empty; what it leaves is queued, and so is what follows until somebody has read that.
    class Sink {
    public:
        // Bytes taken, 0 if none can be now; kEFAULT. Must not end the socket.
        virtual Result<size_t> take(IoBuffer& from) = 0;

    protected:
        ~Sink() = default;
    };
    void set_sink(Sink* sink) { sink_ = sink; }
    UnixSocket* peer() const { return peer_; }
    size_t unread() const { return queued_bytes_; }
    size_t unread_by_peer() const { return peer_ ? peer_->queued_bytes_ : 0; }

    // Empties the sockets that nobody can reach any more. Called by itself when that may have come about; `is_urgent`:
    // even if there are many sockets and little hope.
    static void collect_garbage(bool is_urgent = false);
    static size_t files_in_flight();

private:
    enum class State : uint8_t { kUnconnected, kListening, kConnected };

    // What a sender's messages that were not read yet amount to. Outlives the sender.
    struct Budget final : Counted {
        size_t queued = 0;
        UnixSocket* sender = nullptr;
    };

    // The name of a sender, for all its messages.
    struct Name final : Counted {
        explicit Name(const SocketAddress& is) : address(is) {}
        SocketAddress const address;
    };

    struct Packet {
        Packet() = default;
        Packet(Packet&&) = default;
        ~Packet();
        void charge(const Ref<Budget>& whose, size_t bytes);
        void discharge(size_t bytes);
        void take_files(std::vector<Ref<File>> taken);  // they are in flight now
        std::vector<Ref<File>> give_files();            // and no longer

        PacketBytes bytes;
        size_t used = 0;  // of a stream: read already
        std::vector<Ref<File>> files;
        Credentials from;
        Ref<Name> name;  // null: it has none
        Ref<Budget> budget;
        size_t charged = 0;
    };

    // Waits for room in another socket's queue on behalf of those that wait for this one.
    class RoomWait final : public WaitEntry {
    public:
        explicit RoomWait(UnixSocket& socket) : socket_(socket) {}
        bool woken(uint32_t) override {
            socket_.wake(kPOLLOUT | kPOLLWRNORM);
            return true;
        }

    private:
        UnixSocket& socket_;
    };

    UnixSocket(FrameSource& frames, int type);
    void wake(uint32_t events) { queue_.wake(events); }
    const Ref<Name>& name();  // of this one, for its messages
    static void give_name(const Packet& packet, SocketMessage& message);
    bool is_writable() const { return budget_->queued * 4 <= send_buffer_; }
    bool is_datagram() const { return type_ == kSOCK_DGRAM; }
    bool is_full_for(const UnixSocket& sender) const;
    void wait_for_room(UnixSocket& other);
    void set_peer(UnixSocket* peer);
    void leave_peer();
    void bury();  // everything that this socket holds; it may be destroyed then
    void buffers_changed() override;

    Result<Ref<UnixSocket>> find(const SocketAddress& address, Process& process) const;
    Status bind_path(const std::string& path, Process& process);
    Status bind_abstract(const SocketAddress& name);
    Status bind_automatically();

    Result<Ref<UnixSocket>> target(const SocketMessage& message, Process& process);
    static Status read_control(SocketMessage& message, Process& process, Packet& packet);
    Result<size_t> send_stream(IoBuffer& from, Packet& packet);
    Result<size_t> send_record(IoBuffer& from, Packet& packet, UnixSocket& to);
    Result<size_t> receive_stream(IoBuffer& to, SocketMessage& message);
    Result<size_t> receive_record(IoBuffer& to, SocketMessage& message);
    void give_control(Packet& packet, SocketMessage& message, bool stays) const;
    void connect_pair(UnixSocket& other);
    void wait_at(UnixSocket& listener, const Credentials& who);
    static UnixSocket* unix_socket(const Ref<File>& file);  // nullptr: something else
    static Credentials credentials_of(const Process& process);
    static std::vector<UnixSocket*>& all();
    static std::map<std::pair<int, SocketAddress>, UnixSocket*>& abstract_names();

    FrameSource& frames_;
    int const type_;
    State state_ = State::kUnconnected;
    bool is_receive_shut_ = false, is_send_shut_ = false;
    Errno error_ = Errno::kOK;

    SocketAddress address_;     // empty: unnamed
    Ref<Name> name_;            // `address_`, once it was needed
    bool is_abstract_ = false;  // and this one is in the table of names
    Location place_;            // of this one's name in the file system

    UnixSocket* peer_ = nullptr;
    std::vector<UnixSocket*> followers_;  // whose peer this one is
    bool has_lost_peer_ = false;          // of a datagram socket: the next message is refused
    SocketAddress peer_name_;
    Credentials credentials_;       // of who made, or listens
    Credentials peer_credentials_;  // SO_PEERCRED
    bool has_peer_credentials_ = false;

    Sink* sink_ = nullptr;
    std::deque<Packet> packets_;
    size_t queued_bytes_ = 0;
    std::deque<Ref<UnixSocket>> pending_;  // connections that were not accepted yet
    size_t backlog_ = 0;
    WaitQueue room_;  // woken when `packets_` or `pending_` has room again
    std::vector<std::unique_ptr<RoomWait>> room_waits_;

    Ref<Budget> budget_;
    uint32_t in_flight_ = 0;  // references to this one from messages, or from a listener
    bool is_reached_ = false;
    size_t index_of_all_ = 0;
    Attributes attributes_;
};

}  // namespace kos::lx
