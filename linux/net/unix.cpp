// Local sockets: making, names, connections, ends. Messages: unix_messages.cpp.
#include "net/unix.h"

#include "net/inet/socket.h"
#include "syscalls/call.h"
#include "task/current.h"
#include "task/process.h"
#include "task/system.h"
#include "vfs/anonymous.h"
#include "vfs/extras.h"
#include "vfs/operations.h"

#include <stdio.h>
#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kSIOCINQ = 0x541B, kSIOCOUTQ = 0x5411;
constexpr uint32_t kReadable = kPOLLIN | kPOLLRDNORM, kWritable = kPOLLOUT | kPOLLWRNORM | kPOLLWRBAND;
constexpr size_t kFamilyBytes = 2;

SocketAddress make_address(std::string_view path) {
    SocketAddress address;
    address.push_back(static_cast<char>(kAF_UNIX));
    address.push_back(0);
    address += path;
    return address;
}

// Checks a program's struct sockaddr_un and cuts it to what counts: names in the file system end with their first zero
// (which is kept), abstract ones have all bytes. kEINVAL.
Result<SocketAddress> read_address(const SocketAddress& given) {
    if (given.size() <= kFamilyBytes || given.size() > kFamilyBytes + UnixSocket::kNameMax) return Errno::kEINVAL;
    if (given[0] != kAF_UNIX || given[1] != 0) return Errno::kEINVAL;
    if (given[kFamilyBytes] == 0) return given;
    SocketAddress address(given.data(),
                          kFamilyBytes + strnlen(given.data() + kFamilyBytes, given.size() - kFamilyBytes));
    address.push_back(0);
    return address;
}

bool is_abstract(const SocketAddress& address) { return address[kFamilyBytes] == 0; }

bool is_unspecified(const SocketAddress& address) {
    return address.size() >= kFamilyBytes && address[0] == kAF_UNSPEC && address[1] == 0;
}

// Of a name in the file system.
std::string path_in(const SocketAddress& address) { return address.c_str() + kFamilyBytes; }

Result<int> check_type(int type, int protocol) {
    if (protocol != 0 && protocol != kAF_UNIX) return Errno::kEPROTONOSUPPORT;
    switch (type) {
        case kSOCK_RAW: return kSOCK_DGRAM;  // as Linux does
        case kSOCK_STREAM:
        case kSOCK_DGRAM:
        case kSOCK_SEQPACKET: return type;
        default: return Errno::kESOCKTNOSUPPORT;
    }
}

}  // namespace

std::vector<UnixSocket*>& UnixSocket::all() {
    static std::vector<UnixSocket*> sockets;
    return sockets;
}

std::map<std::pair<int, SocketAddress>, UnixSocket*>& UnixSocket::abstract_names() {
    static std::map<std::pair<int, SocketAddress>, UnixSocket*> names;
    return names;
}

UnixSocket::Credentials UnixSocket::credentials_of(const Process& process) {
    return {process.pid, process.credentials.euid, process.credentials.egid};
}

UnixSocket::UnixSocket(FrameSource& frames, int type)
    : frames_(frames),
      type_(type),
      budget_(make_ref<Budget>()),
      attributes_(anonymous_attributes(kSocketDevice, kS_IFSOCK | 0777)) {
    flags = kO_RDWR;
    budget_->sender = this;
    index_of_all_ = all().size();
    all().push_back(this);
}

Result<Ref<Socket>> UnixSocket::create(Process& process, int type, int protocol) {
    KOS_TRY(int const checked, check_type(type, protocol));
    collect_garbage();
    if (all().size() >= kSocketsMax) return Errno::kENFILE;
    return Ref<Socket>(new UnixSocket(process.system.frames, checked));
}

Result<UnixSocket::Pair> UnixSocket::create_pair(Process& process, int type, int protocol) {
    KOS_TRY(int const checked, check_type(type, protocol));
    collect_garbage();
    if (all().size() + 2 > kSocketsMax) return Errno::kENFILE;
    Ref<UnixSocket> first(new UnixSocket(process.system.frames, checked));
    Ref<UnixSocket> second(new UnixSocket(process.system.frames, checked));
    first->connect_pair(*second);
    for (const auto& socket : {first, second}) {
        socket->peer_credentials_ = credentials_of(process);
        socket->has_peer_credentials_ = true;
    }
    return Pair{first, second};
}

void UnixSocket::connect_pair(UnixSocket& other) {
    set_peer(&other);
    other.set_peer(this);
    state_ = other.state_ = State::kConnected;
}

UnixSocket::~UnixSocket() {
    all().back()->index_of_all_ = index_of_all_;
    all()[index_of_all_] = all().back();
    all().pop_back();
    if (is_abstract_) abstract_names().erase({type_, address_});
    if (Inode* const inode = place_.inode(); inode && inode->extras && inode->extras->endpoint == this) {
        inode->extras->endpoint = nullptr;
        inode->socket_listens(nullptr);
    }
    bool const has_unread = !packets_.empty();
    leave_peer();
    // Each leaves the list.
    while (!followers_.empty()) {
        UnixSocket& follower = *followers_.back();
        follower.leave_peer();
        if (is_datagram()) {
            follower.has_lost_peer_ = true;
        } else {
            follower.is_receive_shut_ = follower.is_send_shut_ = true;
            if (has_unread) follower.error_ = Errno::kECONNRESET;
        }
        follower.wake(kReadable | kWritable | kPOLLHUP | kPOLLRDHUP | kPOLLERR);
    }
    // Whom nobody has accepted is cut off.
    for (const auto& connection : pending_) {
        for (UnixSocket* client : connection->followers_) client->error_ = Errno::kECONNRESET;
    }
    budget_->sender = nullptr;
    bury();
    room_.wake();
}

void UnixSocket::set_peer(UnixSocket* peer) {
    leave_peer();
    peer_ = peer;
    peer->followers_.push_back(this);
    peer_name_ = peer->address_;
    has_lost_peer_ = false;
}

void UnixSocket::leave_peer() {
    if (!peer_) return;
    auto& followers = peer_->followers_;
    auto const place = std::find(followers.begin(), followers.end(), this);
    *place = followers.back();
    followers.pop_back();
    peer_ = nullptr;
}

std::string UnixSocket::anonymous_name() const { return numbered_name("socket", attributes_.inode); }

// --- Names

Result<Ref<UnixSocket>> UnixSocket::find(const SocketAddress& address, Process& process) const {
    if (is_abstract(address)) {
        auto const found = abstract_names().find({type_, address});
        if (found == abstract_names().end()) return Errno::kECONNREFUSED;
        return Ref<UnixSocket>(found->second);
    }
    const PathContext& context = process.paths->context;
    KOS_TRY(auto const walked, walk(context, process.credentials, context.working, path_in(address), kWalkFollow));
    Inode* const inode = walked.location.inode();
    if (!inode) return Errno::kENOENT;
    KOS_TRY_STATUS(check_location(walked.location, kMayWrite, process.credentials));
    if (inode->type() != kS_IFSOCK || !inode->extras || !inode->extras->endpoint) return Errno::kECONNREFUSED;
    Ref<UnixSocket> socket(static_cast<UnixSocket*>(inode->extras->endpoint));
    if (socket->type_ != type_) return Errno::kEPROTOTYPE;
    return socket;
}

Status UnixSocket::bind(const SocketAddress& given, Process& process) {
    if (given.size() == kFamilyBytes && given[0] == kAF_UNIX && given[1] == 0) return bind_automatically();
    KOS_TRY(SocketAddress const address, read_address(given));
    if (!address_.empty()) return Errno::kEINVAL;
    if (is_abstract(address)) return bind_abstract(address);
    PathUser const user{process.paths->context, process.credentials};
    auto place = make_node(user, process.paths->context.working, path_in(address), kS_IFSOCK | 0777, 0);
    if (!place.ok()) return place.error() == Errno::kEEXIST ? Errno::kEADDRINUSE : place.error();
    place_ = place.take();
    place_.inode()->make_extras().endpoint = this;
    address_ = address;
    return {};
}

Status UnixSocket::bind_abstract(const SocketAddress& address) {
    if (!abstract_names().emplace(std::pair{type_, address}, this).second) return Errno::kEADDRINUSE;
    address_ = address;
    is_abstract_ = true;
    return {};
}

Status UnixSocket::bind_automatically() {
    static uint32_t last = 0;
    if (!address_.empty()) return {};
    constexpr uint32_t kNames = 1 << 20;
    for (uint32_t tries = 0; tries < kNames; ++tries) {
        char name[8];
        last = (last + 1) % kNames;
        snprintf(name, sizeof name, "%05x", last);
        if (bind_abstract(make_address(std::string(1, '\0') + name)).ok()) return {};
    }
    return Errno::kENOSPC;
}

Result<SocketAddress> UnixSocket::local_address() { return address_.empty() ? make_address({}) : address_; }

Result<SocketAddress> UnixSocket::peer_address() {
    bool const had_peer = state_ == State::kConnected && !is_datagram();
    if (!peer_ && !had_peer) return Errno::kENOTCONN;
    const SocketAddress& name = peer_ ? peer_->address_ : peer_name_;
    return name.empty() ? make_address({}) : name;
}

// --- Connections

Status UnixSocket::connect(const SocketAddress& given, Process& process) {
    if (is_datagram() && is_unspecified(given)) {
        if (UnixSocket* const old = peer_) {
            leave_peer();
            if (old->peer_ == this) old->error_ = Errno::kECONNRESET;
        }
        state_ = State::kUnconnected;
        return {};
    }
    KOS_TRY(SocketAddress const address, read_address(given));
    if (passes_credentials_ && address_.empty()) KOS_TRY_STATUS(bind_automatically());
    KOS_TRY(Ref<UnixSocket> const other, find(address, process));
    if (is_datagram()) {
        if (other->peer_ && other->peer_ != this) return Errno::kEPERM;
        if (peer_ && peer_ != other.get()) {
            packets_.clear();
            queued_bytes_ = 0;
        }
        set_peer(other.get());
        state_ = State::kConnected;
        return {};
    }
    if (other->state_ != State::kListening || other->is_receive_shut_) return Errno::kECONNREFUSED;
    if (other->pending_.size() > other->backlog_) {
        wait_for_room(*other);
        return Errno::kEAGAIN;
    }
    if (state_ == State::kConnected) return Errno::kEISCONN;
    if (state_ != State::kUnconnected) return Errno::kEINVAL;
    if (all().size() >= kSocketsMax) return Errno::kENOMEM;
    wait_at(*other, credentials_of(process));
    return {};
}

// As a connection that `listener` may accept.
void UnixSocket::wait_at(UnixSocket& listener, const Credentials& who) {
    Ref<UnixSocket> const server(new UnixSocket(frames_, type_));
    server->address_ = listener.address_;
    server->peer_credentials_ = who;
    peer_credentials_ = listener.credentials_;
    server->has_peer_credentials_ = has_peer_credentials_ = true;
    server->passes_credentials_ = listener.passes_credentials_;
    connect_pair(*server);
    ++server->in_flight_;
    listener.pending_.push_back(server);
    listener.wake(kReadable);
}

// --- Of the system's own

Ref<UnixSocket> UnixSocket::make_for_system(FrameSource& frames, int type) {
    return Ref<UnixSocket>(new UnixSocket(frames, type));
}

void UnixSocket::name_for_system(const std::string& path) {
    address_ = make_address(path);
    address_.push_back(0);
}

void UnixSocket::join_for_system(UnixSocket& one, UnixSocket& other) {
    one.connect_pair(other);
    for (UnixSocket* const socket : {&one, &other}) {
        socket->peer_credentials_ = {0, 0, 0};
        socket->has_peer_credentials_ = true;
    }
}

void UnixSocket::listen_for_system(size_t backlog) {
    backlog_ = backlog;
    state_ = State::kListening;
    credentials_ = {0, 0, 0};
}

Status UnixSocket::connect_for_system(UnixSocket& listener) {
    if (listener.type_ != type_ || listener.state_ != State::kListening || listener.is_receive_shut_) {
        return Errno::kECONNREFUSED;
    }
    if (listener.pending_.size() > listener.backlog_) return Errno::kEAGAIN;
    wait_at(listener, {0, 0, 0});
    return {};
}

Status UnixSocket::listen(int backlog) {
    if (is_datagram()) return Errno::kEOPNOTSUPP;
    if (address_.empty() || state_ == State::kConnected) return Errno::kEINVAL;
    backlog_ = static_cast<size_t>(backlog < 0 || backlog > kBacklogMax ? kBacklogMax : backlog);
    state_ = State::kListening;
    if (Process* const process = current_process()) credentials_ = credentials_of(*process);
    room_.wake();
    if (Inode* const inode = place_.inode()) inode->socket_listens(this);
    return {};
}

Result<Ref<Socket>> UnixSocket::accept(SocketAddress& peer) {
    if (is_datagram()) return Errno::kEOPNOTSUPP;
    if (state_ != State::kListening) return Errno::kEINVAL;
    if (pending_.empty()) return is_receive_shut_ ? Errno::kEINVAL : Errno::kEAGAIN;
    Ref<UnixSocket> const server = std::move(pending_.front());
    pending_.pop_front();
    --server->in_flight_;
    KOS_TRY(peer, server->peer_address());
    room_.wake();
    return Ref<Socket>(server);
}

Status UnixSocket::shutdown(int how) {
    if (how < 0 || how > 2) return Errno::kEINVAL;
    bool const receive = how != 1, send = how != 0;
    is_receive_shut_ |= receive;
    is_send_shut_ |= send;
    if (peer_ && !is_datagram()) {
        peer_->is_send_shut_ |= receive;
        peer_->is_receive_shut_ |= send;
        peer_->wake(kReadable | kWritable | kPOLLHUP | kPOLLRDHUP);
    }
    wake(kReadable | kWritable | kPOLLHUP | kPOLLRDHUP);
    room_.wake();
    return {};
}

void UnixSocket::wait_for_room(UnixSocket& other) {
    RoomWait* free = nullptr;
    for (const auto& wait : room_waits_) {
        if (wait->queue() == &other.room_) return;
        if (!wait->is_waiting()) free = wait.get();
    }
    // More than a few at once come from threads that send to different receivers by one socket; the oldest is told, too
    // early.
    constexpr size_t kMost = 8;
    if (!free && room_waits_.size() < kMost) {
        room_waits_.push_back(std::make_unique<RoomWait>(*this));
        free = room_waits_.back().get();
    }
    if (!free) {
        std::rotate(room_waits_.begin(), room_waits_.begin() + 1, room_waits_.end());
        free = room_waits_.back().get();
        other.room_.add(*free);
        wake(kWritable);
        return;
    }
    other.room_.add(*free);
}

// --- Readiness and options

uint32_t UnixSocket::poll() {
    uint32_t events = 0;
    if (error_ != Errno::kOK) events |= kPOLLERR;
    if (is_receive_shut_) events |= kPOLLRDHUP | kReadable;
    if (is_receive_shut_ && is_send_shut_) events |= kPOLLHUP;
    if (!packets_.empty() || !pending_.empty()) events |= kReadable;
    if (!is_datagram() && state_ == State::kUnconnected) events |= kPOLLHUP;
    bool may_write = state_ != State::kListening && is_writable();
    if (may_write && is_datagram() && peer_ && peer_->is_full_for(*this)) {
        wait_for_room(*peer_);
        may_write = false;
    }
    if (may_write) events |= kWritable;
    return events;
}

Errno UnixSocket::take_error() { return std::exchange(error_, Errno::kOK); }

void UnixSocket::buffers_changed() {
    if (is_writable()) wake(kWritable);
}

Status UnixSocket::set_option(int level, int name, std::string_view value) {
    if (level != kSOL_SOCKET) return Errno::kEOPNOTSUPP;
    return set_common_option(name, value);
}

Result<std::string> UnixSocket::option(int level, int name, size_t) {
    if (level != kSOL_SOCKET) return Errno::kEOPNOTSUPP;
    if (name == kSO_PEERCRED) {
        return std::string(reinterpret_cast<const char*>(&peer_credentials_), sizeof peer_credentials_);
    }
    return common_option(name);
}

Result<int64_t> UnixSocket::ioctl(Call& call, uint32_t request, uint64_t argument) {
    size_t bytes = 0;
    if (request == kSIOCINQ) {
        if (state_ == State::kListening) return Errno::kEINVAL;
        bytes = queued_bytes_;
        if (!is_stream()) bytes = packets_.empty() ? 0 : packets_.front().bytes.size();
    } else if (request == kSIOCOUTQ) {
        bytes = budget_->queued;
    } else {
        return interface_ioctl(call, request, argument);
    }
    KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(bytes)));
    return int64_t{0};
}

}  // namespace kos::lx
