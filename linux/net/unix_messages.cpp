// Messages of local sockets, and what happens to those that nobody can receive any more.
#include "net/unix.h"

#include "task/process.h"
#include "task/system.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kReadable = kPOLLIN | kPOLLRDNORM, kWritable = kPOLLOUT | kPOLLWRNORM | kPOLLWRBAND;
constexpr size_t kOverhead = 512;        // what a message is charged beyond its bytes
constexpr size_t kStreamPacket = 32768;  // bytes that small writes to a stream are put together to

size_t of_all_in_flight = 0;
size_t sockets_in_flight = 0;
size_t suspects = 0;  // ends since the last collection that may have made garbage

}  // namespace

UnixSocket* UnixSocket::unix_socket(const Ref<File>& file) {
    Socket* const socket = file->as_socket();
    return socket && socket->family() == kAF_UNIX ? static_cast<UnixSocket*>(socket) : nullptr;
}

// --- Packets

void UnixSocket::Packet::take_files(std::vector<Ref<File>> taken) {
    files = std::move(taken);
    of_all_in_flight += files.size();
    for (const auto& file : files) {
        if (UnixSocket* const socket = unix_socket(file)) {
            ++socket->in_flight_;
            ++sockets_in_flight;
        }
    }
}

std::vector<Ref<File>> UnixSocket::Packet::give_files() {
    of_all_in_flight -= files.size();
    for (const auto& file : files) {
        if (UnixSocket* const socket = unix_socket(file)) {
            --socket->in_flight_;
            --sockets_in_flight;
        }
    }
    return std::move(files);
}

void UnixSocket::Packet::charge(const Ref<Budget>& whose, size_t bytes_charged) {
    budget = whose;
    charged += bytes_charged;
    budget->queued += bytes_charged;
}

void UnixSocket::Packet::discharge(size_t bytes_charged) {
    UnixSocket* const sender = budget->sender;
    bool const was_writable = !sender || sender->is_writable();
    charged -= bytes_charged;
    budget->queued -= bytes_charged;
    if (!was_writable && sender->is_writable()) sender->wake(kWritable);
}

UnixSocket::Packet::~Packet() {
    if (budget) discharge(charged);
    if (!files.empty()) {
        if (sockets_in_flight) ++suspects;
        give_files();
    }
}

// --- Sending

const Ref<UnixSocket::Name>& UnixSocket::name() {
    bool const is_current = name_ ? name_->address == address_ : address_.empty();
    if (!is_current) name_ = address_.empty() ? Ref<Name>() : Ref<Name>(new Name(address_));
    return name_;
}

void UnixSocket::give_name(const Packet& packet, SocketMessage& message) {
    if (packet.name) {
        message.address = packet.name->address;
    } else {
        message.address.clear();
    }
}

Status UnixSocket::read_control(SocketMessage& message, Process& process, Packet& packet) {
    std::vector<Ref<File>> files;
    packet.from = {process.pid, process.credentials.uid, process.credentials.gid};
    for (ControlMessage& control : message.control) {
        if (control.level != kSOL_SOCKET) continue;
        if (control.type == kSCM_RIGHTS) {
            if (files.size() + control.files.size() > kRightsMax) return Errno::kEINVAL;
            for (auto& file : control.files) files.push_back(std::move(file));
        } else if (control.type == kSCM_CREDENTIALS) {
            Credentials wanted;
            if (control.data.size() != sizeof wanted) return Errno::kEINVAL;
            memcpy(&wanted, control.data.data(), sizeof wanted);
            const kos::lx::Credentials& own = process.credentials;
            bool const is_pid = wanted.pid == process.pid || own.has_capability(kCAP_SYS_ADMIN);
            bool const is_uid = wanted.uid == own.uid || wanted.uid == own.euid || wanted.uid == own.suid ||
                                own.has_capability(kCAP_SETUID);
            bool const is_gid = wanted.gid == own.gid || wanted.gid == own.egid || wanted.gid == own.sgid ||
                                own.has_capability(kCAP_SETGID);
            if (!is_pid || !is_uid || !is_gid) return Errno::kEPERM;
            if (wanted.pid != process.pid && !process.system.find_process(wanted.pid)) return Errno::kESRCH;
            packet.from = wanted;
        } else {
            return Errno::kEINVAL;
        }
    }
    if (files.empty()) return {};
    collect_garbage(of_all_in_flight + files.size() > kInFlightMax);
    if (of_all_in_flight + files.size() > kInFlightMax) return Errno::kETOOMANYREFS;
    packet.take_files(std::move(files));
    return {};
}

bool UnixSocket::is_full_for(const UnixSocket& sender) const {
    return is_datagram() && peer_ != &sender && packets_.size() > kDatagramsMax;
}

Result<Ref<UnixSocket>> UnixSocket::target(const SocketMessage& message, Process& process) {
    if (!message.address.empty() && is_datagram()) {
        const SocketAddress& given = message.address;
        if (given.size() <= 2 || given.size() > 2 + kNameMax || given[0] != kAF_UNIX || given[1]) return Errno::kEINVAL;
        SocketAddress address = given;
        if (address[2]) {
            address.resize(2 + strnlen(address.data() + 2, address.size() - 2));
            address.push_back(0);
        }
        return find(address, process);
    }
    if (std::exchange(has_lost_peer_, false)) {
        state_ = State::kUnconnected;
        return Errno::kECONNREFUSED;
    }
    if (!peer_) return Errno::kENOTCONN;
    return Ref<UnixSocket>(peer_);
}

Result<size_t> UnixSocket::send(IoBuffer& from, SocketMessage& message, Process& process) {
    if (message.flags & kMSG_OOB) return Errno::kEOPNOTSUPP;
    Packet packet;
    KOS_TRY_STATUS(read_control(message, process, packet));
    if (is_stream()) {
        if (!message.address.empty()) {
            return state_ == State::kConnected ? Errno::kEISCONN : Errno::kEOPNOTSUPP;
        }
        if (state_ != State::kConnected) return Errno::kENOTCONN;
        if (is_send_shut_) return Errno::kEPIPE;
        return send_stream(from, packet);
    }
    if (!is_datagram()) {
        if (error_ != Errno::kOK) return take_error();
        if (state_ != State::kConnected) return Errno::kENOTCONN;
        if (is_send_shut_) return Errno::kEPIPE;
    }
    if (passes_credentials_ && address_.empty()) KOS_TRY_STATUS(bind_automatically());
    KOS_TRY(Ref<UnixSocket> const to, target(message, process));
    if (is_datagram()) {
        if (from.remaining() > send_buffer_ - 32) return Errno::kEMSGSIZE;
        if (to->peer_ && to->peer_ != this) return Errno::kEPERM;
        if (is_send_shut_) return Errno::kEPIPE;
    }
    return send_record(from, packet, *to);
}

Result<size_t> UnixSocket::send_for_system(IoBuffer& from, std::vector<Ref<File>> files) {
    if (state_ != State::kConnected) return Errno::kENOTCONN;
    if (is_send_shut_ || !peer_) return Errno::kEPIPE;
    Packet packet;
    packet.from = {0, 0, 0};
    if (!files.empty()) packet.take_files(std::move(files));
    return is_stream() ? send_stream(from, packet) : send_record(from, packet, *peer_);
}

Result<size_t> UnixSocket::receive_for_system(IoBuffer& to, SocketMessage& message) {
    if (state_ != State::kConnected) return Errno::kENOTCONN;
    if (is_stream()) return receive_stream(to, message);
    if (packets_.empty() && error_ == Errno::kOK) return Errno::kEAGAIN;  // 0 is an empty record here
    return receive_record(to, message);
}

Result<size_t> UnixSocket::send_stream(IoBuffer& from, Packet& packet) {
    UnixSocket& to = *peer_;
    size_t done = 0;
    if (to.sink_ && to.packets_.empty() && packet.files.empty()) {
        KOS_TRY(done, to.sink_->take(from));
        if (from.remaining() == 0) return done;
    }
    size_t const taken = done;
    while (from.remaining()) {
        size_t const room = send_buffer_ > budget_->queued ? send_buffer_ - budget_->queued : 0;
        if (room == 0) {
            if (done == 0) return Errno::kEAGAIN;
            break;
        }
        Result<size_t> moved = size_t{0};
        if (packet.files.empty() && !to.packets_.empty()) {
            Packet& last = to.packets_.back();
            size_t const most = kStreamPacket - std::min(kStreamPacket, last.bytes.size());
            if (last.files.empty() && last.from == packet.from && last.budget == budget_) {
                moved = last.bytes.append(frames_, from, std::min(most, room));
                if (moved.ok()) last.charge(budget_, *moved);
            }
        }
        if (moved.ok() && *moved == 0) {
            Packet next;
            next.from = packet.from;
            next.name = name();
            moved = next.bytes.append(frames_, from, std::min(kStreamPacket, room));
            if (moved.ok() && *moved) {
                next.charge(budget_, *moved + kOverhead);
                if (!packet.files.empty()) next.take_files(packet.give_files());
                to.packets_.push_back(std::move(next));
            }
        }
        if (!moved.ok() && done == 0) return moved.error();
        if (!moved.ok() || *moved == 0) break;
        to.queued_bytes_ += *moved;
        done += *moved;
    }
    if (done > taken) to.wake(kReadable);
    return done;
}

Result<size_t> UnixSocket::send_record(IoBuffer& from, Packet& packet, UnixSocket& to) {
    size_t const bytes = from.remaining();
    if (bytes > send_buffer_ - 32) return Errno::kEMSGSIZE;
    if (to.is_receive_shut_) return Errno::kEPIPE;
    if (budget_->queued >= send_buffer_) return Errno::kEAGAIN;
    if (&to != this && to.is_full_for(*this)) {
        wait_for_room(to);
        return Errno::kEAGAIN;
    }
    packet.name = name();
    KOS_TRY(size_t const moved, packet.bytes.append(frames_, from, bytes));
    if (moved < bytes) return Errno::kEFAULT;
    packet.charge(budget_, bytes + kOverhead);
    to.queued_bytes_ += bytes;
    to.packets_.push_back(std::move(packet));
    to.wake(kReadable);
    return bytes;
}

// --- Receiving

Result<size_t> UnixSocket::receive(IoBuffer& to, SocketMessage& message, Process&) {
    uint32_t const asked = message.flags;
    if (asked & kMSG_OOB) return Errno::kEOPNOTSUPP;
    if (asked & kMSG_ERRQUEUE) return Errno::kEAGAIN;
    if (is_stream()) {
        if (state_ != State::kConnected) return Errno::kEINVAL;
        return receive_stream(to, message);
    }
    if (!is_datagram() && state_ != State::kConnected) return Errno::kENOTCONN;
    return receive_record(to, message);
}

void UnixSocket::give_control(Packet& packet, SocketMessage& message, bool stays) const {
    if (passes_credentials_) {
        ControlMessage credentials;
        credentials.level = kSOL_SOCKET;
        credentials.type = kSCM_CREDENTIALS;
        credentials.data.assign(reinterpret_cast<const char*>(&packet.from), sizeof packet.from);
        message.control.push_back(std::move(credentials));
    }
    if (packet.files.empty()) return;
    ControlMessage rights;
    rights.level = kSOL_SOCKET;
    rights.type = kSCM_RIGHTS;
    rights.files = stays ? packet.files : packet.give_files();
    message.control.push_back(std::move(rights));
}

Result<size_t> UnixSocket::receive_stream(IoBuffer& to, SocketMessage& message) {
    bool const stays = message.flags & kMSG_PEEK;
    message.flags = 0;
    message.address.clear();
    if (packets_.empty()) {
        if (error_ != Errno::kOK) return take_error();
        if (is_receive_shut_) return size_t{0};
        return Errno::kEAGAIN;
    }
    size_t done = 0;
    size_t index = 0;  // moves on only if the bytes stay
    Credentials const from = packets_.front().from;
    while (index < packets_.size() && to.remaining()) {
        Packet& packet = packets_[index];
        if (passes_credentials_ && done && !(packet.from == from)) break;
        auto const moved = packet.bytes.copy(to, packet.used, to.remaining());
        if (!moved.ok() && done == 0) return moved.error();
        if (!moved.ok()) break;
        if (done == 0) give_name(packet, message);
        bool const had_files = !packet.files.empty();
        if (done == 0 || had_files) {
            // The credentials once.
            bool const with_credentials = std::exchange(passes_credentials_, passes_credentials_ && done == 0);
            give_control(packet, message, stays);
            passes_credentials_ = with_credentials;
        }
        done += *moved;
        bool const is_used_up = packet.used + *moved == packet.bytes.size();
        if (stays) {
            ++index;
        } else {
            packet.used += *moved;
            packet.discharge(*moved);
            queued_bytes_ -= *moved;
            if (is_used_up) packets_.pop_front();
        }
        // Files are a border: what follows them is not read with them.
        if (had_files || !is_used_up) break;
    }
    return done;
}

Result<size_t> UnixSocket::receive_record(IoBuffer& to, SocketMessage& message) {
    uint32_t const asked = message.flags;
    bool const stays = asked & kMSG_PEEK;
    message.flags = 0;
    message.address.clear();
    if (error_ != Errno::kOK) return take_error();
    if (packets_.empty()) {
        bool const would_wait = !is_non_blocking() && !(asked & kMSG_DONTWAIT);
        if (is_receive_shut_ && (!is_datagram() || would_wait)) return size_t{0};
        return Errno::kEAGAIN;
    }
    Packet& packet = packets_.front();
    size_t const bytes = packet.bytes.size();
    size_t const wanted = std::min(bytes, to.remaining());
    KOS_TRY(size_t const moved, packet.bytes.copy(to, 0, wanted));
    if (moved < wanted) return Errno::kEFAULT;
    give_name(packet, message);
    if (moved < bytes) message.flags |= kMSG_TRUNC;
    give_control(packet, message, stays);
    if (!stays) {
        queued_bytes_ -= bytes;
        packets_.pop_front();
        room_.wake();
    }
    return asked & kMSG_TRUNC ? bytes : moved;
}

// --- Ends

namespace {

// What sockets held that were destroyed. Emptied one by one: a message may hold a socket that holds a message, and so
// on, deeper than a stack.
template <class T>
struct Graveyard {
    std::deque<T> graves;
};

}  // namespace

void UnixSocket::bury() {
    static Graveyard<Packet> packets;
    static Graveyard<Ref<UnixSocket>> connections;
    static bool is_emptying = false;
    if (sockets_in_flight) ++suspects;
    for (auto& packet : packets_) packets.graves.push_back(std::move(packet));
    for (auto& connection : pending_) {
        --connection->in_flight_;
        connections.graves.push_back(std::move(connection));
    }
    packets_.clear();
    pending_.clear();
    queued_bytes_ = 0;
    if (is_emptying) return;
    is_emptying = true;
    while (!packets.graves.empty() || !connections.graves.empty()) {
        if (!packets.graves.empty()) {
            Packet const packet = std::move(packets.graves.front());
            packets.graves.pop_front();
        } else {
            Ref<UnixSocket> const connection = std::move(connections.graves.front());
            connections.graves.pop_front();
        }
    }
    is_emptying = false;
}

void UnixSocket::descriptor_closed(Process&) {
    if (in_flight_) ++suspects;
}

size_t UnixSocket::files_in_flight() { return of_all_in_flight; }

void UnixSocket::collect_garbage(bool is_urgent) {
    if (suspects == 0 || sockets_in_flight == 0) return;
    // It looks at every socket; so it waits until that is worth it.
    if (!is_urgent && suspects * 8 < all().size()) return;
    suspects = 0;
    std::vector<UnixSocket*> reached;
    for (UnixSocket* socket : all()) {
        socket->is_reached_ = socket->references() > socket->in_flight_;
        if (socket->is_reached_) reached.push_back(socket);
    }
    auto const reach = [&reached](UnixSocket* socket) {
        if (!socket || socket->is_reached_) return;
        socket->is_reached_ = true;
        reached.push_back(socket);
    };
    while (!reached.empty()) {
        UnixSocket* const socket = reached.back();
        reached.pop_back();
        for (const Packet& packet : socket->packets_) {
            for (const auto& file : packet.files) reach(unix_socket(file));
        }
        for (const auto& connection : socket->pending_) reach(connection.get());
    }
    std::vector<Ref<UnixSocket>> garbage;
    for (UnixSocket* socket : all()) {
        if (!socket->is_reached_) garbage.emplace_back(socket);
    }
    for (const auto& socket : garbage) socket->bury();
}

}  // namespace kos::lx
