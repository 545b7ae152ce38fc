// Sockets of all families.
#include "net/socket.h"

#include "net/unix.h"
#include "signal/signals.h"
#include "syscalls/families.h"
#include "syscalls/socket_message.h"
#include "syscalls/waiting.h"
#include "task/system.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kMSG_WAITFORONE = 0x10000;
constexpr uint32_t kReading = kPOLLIN | kPOLLPRI | kPOLLRDHUP, kWriting = kPOLLOUT;
constexpr uint32_t kMessagesMost = 1024;  // of sendmmsg and recvmmsg
constexpr size_t kOptionMost = 4096;

// Argument 0, which must be a socket: kEBADF, kENOTSOCK.
struct SocketArgument {
    Ref<File> file;
    Socket* socket;

    static Result<SocketArgument> of(Call& call) {
        KOS_TRY(auto file, call.file(0));
        Socket* const socket = file->as_socket();
        if (!socket) return Errno::kENOTSOCK;
        return SocketArgument{std::move(file), socket};
    }
    Socket* operator->() const { return socket; }
    Socket& operator*() const { return *socket; }
};

struct TypeArgument {
    int type;
    uint32_t flags;  // kO_*

    static Result<TypeArgument> of(int value) {
        constexpr int kTypeBits = 0xf;
        if (value & ~(kTypeBits | kSOCK_NONBLOCK | kSOCK_CLOEXEC)) return Errno::kEINVAL;
        return TypeArgument{value & kTypeBits, static_cast<uint32_t>(value & ~kTypeBits)};
    }
};

Result<int64_t> sys_socket(Call& call) {
    KOS_TRY(auto const type, TypeArgument::of(call.argument_as<int>(1)));
    KOS_TRY(auto socket, make_socket(call.process(), call.argument_as<int>(0), type.type, call.argument_as<int>(2)));
    socket->flags |= type.flags & kO_NONBLOCK;
    KOS_TRY(int const fd, call.process().files->add(std::move(socket), type.flags & kO_CLOEXEC));
    return int64_t{fd};
}

Result<int64_t> sys_socketpair(Call& call) {
    KOS_TRY(auto const type, TypeArgument::of(call.argument_as<int>(1)));
    Process& process = call.process();
    int const family = call.argument_as<int>(0);
    if (family != kAF_UNIX) {
        // Says what is wrong with the family itself first.
        KOS_TRY(auto const socket, make_socket(process, family, type.type, call.argument_as<int>(2)));
        return Errno::kEOPNOTSUPP;
    }
    KOS_TRY(auto pair, UnixSocket::create_pair(process, type.type, call.argument_as<int>(2)));
    pair.first->flags |= type.flags & kO_NONBLOCK;
    pair.second->flags |= type.flags & kO_NONBLOCK;
    KOS_TRY(int const first, process.files->add(std::move(pair.first), type.flags & kO_CLOEXEC));
    auto const second = process.files->add(std::move(pair.second), type.flags & kO_CLOEXEC);
    Status status = second.error();
    if (second.ok()) {
        int32_t const both[2] = {first, *second};
        status = call.memory().copy_out(call.argument(3), both, sizeof both);
        if (status.ok()) return int64_t{0};
        (void)process.files->close(*second, process);
    }
    (void)process.files->close(first, process);
    return status.error();
}

Result<int64_t> sys_bind(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    KOS_TRY(auto const address, read_socket_address(call, call.argument(1), call.argument_as<int>(2)));
    KOS_TRY_STATUS(socket->bind(address, call.process()));
    return int64_t{0};
}

Result<int64_t> sys_listen(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    KOS_TRY_STATUS(socket->listen(call.argument_as<int>(1)));
    return int64_t{0};
}

// --- Waiting

// `socket` cannot do it now. kEAGAIN: it shall not be waited for, or SO_RCVTIMEO or SO_SNDTIMEO is over.
Errno wait_for_socket(Call& call, Socket& socket, uint32_t events, uint32_t message_flags) {
    return call.wait_for_file(socket, events, message_flags & kMSG_DONTWAIT);
}

Result<int64_t> accept(Call& call, uint32_t flags) {
    if (flags & ~static_cast<uint32_t>(kSOCK_NONBLOCK | kSOCK_CLOEXEC)) return Errno::kEINVAL;
    KOS_TRY(auto const socket, SocketArgument::of(call));
    Process& process = call.process();
    // The descriptor first: a connection that cannot get one stays where it is.
    int fd = -1;
    if (socket->is_listening() && socket->poll() & kPOLLIN) {
        KOS_TRY(fd, process.files->add(socket.file, flags & kO_CLOEXEC));
    }
    SocketAddress peer;
    auto accepted = socket->accept(peer);
    if (!accepted.ok()) {
        if (fd >= 0) (void)process.files->close(fd, process);
        if (accepted.error() != Errno::kEAGAIN) return accepted.error();
        return wait_for_socket(call, *socket, kReading, 0);
    }
    (*accepted)->flags |= flags & kO_NONBLOCK;
    Ref<Socket> connection = accepted.take();
    if (fd < 0) {
        KOS_TRY(fd, process.files->add(connection, flags & kO_CLOEXEC));
    } else {
        KOS_TRY_STATUS(process.files->set(fd, connection, flags & kO_CLOEXEC, process));
    }
    Status const status = write_socket_address(call, peer, call.argument(1), call.argument(2));
    if (!status.ok()) {
        (void)process.files->close(fd, process);
        return status.error();
    }
    return int64_t{fd};
}

Result<int64_t> sys_accept(Call& call) { return accept(call, 0); }
Result<int64_t> sys_accept4(Call& call) { return accept(call, call.argument_as<uint32_t>(3)); }

Result<int64_t> sys_connect(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    uint64_t& has_begun = call.progress.words[0];
    if (has_begun && socket->poll() & (kPOLLOUT | kPOLLERR | kPOLLHUP)) {
        Errno const error = socket->take_error();
        return error == Errno::kOK ? Result<int64_t>(0) : error;
    }
    if (!has_begun) {
        KOS_TRY(auto const address, read_socket_address(call, call.argument(1), call.argument_as<int>(2)));
        Status const status = socket->connect(address, call.process());
        if (status.ok()) return int64_t{0};
        Errno const error = status.error();
        bool const goes_on = error == Errno::kEINPROGRESS || error == Errno::kEALREADY;
        if (!goes_on && error != Errno::kEAGAIN) return error;
        if (socket->is_non_blocking()) return error;
        has_begun = goes_on;
    }
    Errno const error = wait_for_socket(call, *socket, kWriting, 0);
    return error == Errno::kEAGAIN && has_begun ? Errno::kEINPROGRESS : error;
}

Result<int64_t> sys_getsockname(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    KOS_TRY(auto const address, socket->local_address());
    if (call.argument(1) == 0) return Errno::kEFAULT;
    KOS_TRY_STATUS(write_socket_address(call, address, call.argument(1), call.argument(2)));
    return int64_t{0};
}

Result<int64_t> sys_getpeername(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    KOS_TRY(auto const address, socket->peer_address());
    if (call.argument(1) == 0) return Errno::kEFAULT;
    KOS_TRY_STATUS(write_socket_address(call, address, call.argument(1), call.argument(2)));
    return int64_t{0};
}

// --- Messages. `call.progress.done` counts what a stream has moved of the present message.

// What a wait that has ended means if something was moved before.
Result<int64_t> end_of_message(Call& call, Errno error) {
    uint64_t const done = std::exchange(call.progress.done, error == Errno::kRetry ? call.progress.done : 0);
    if (error == Errno::kRetry || done == 0) return error;
    return static_cast<int64_t>(done);
}

Result<int64_t> send_message(Call& call, Socket& socket, UserBuffer& buffer, SocketMessage& message, uint32_t flags) {
    uint64_t& done = call.progress.done;
    buffer.skip(done);
    while (true) {
        message.flags = flags;
        if (done) message.control.clear();
        auto const moved = socket.send(buffer, message, call.process());
        if (moved.ok()) {
            done += *moved;
            if (socket.is_stream() && buffer.remaining() && *moved) continue;
            return static_cast<int64_t>(std::exchange(done, 0));
        }
        Errno error = moved.error();
        if (error == Errno::kEPIPE && done == 0 && socket.is_stream() && !(flags & kMSG_NOSIGNAL)) {
            send_signal(call.thread, kernel_signal(kSIGPIPE));
        }
        if (error == Errno::kEAGAIN) error = wait_for_socket(call, socket, kWriting, flags);
        return end_of_message(call, error);
    }
}

Result<int64_t> receive_message(Call& call, Socket& socket, UserBuffer& buffer, SocketMessage& message,
                                uint32_t flags) {
    uint64_t& done = call.progress.done;
    buffer.skip(done);
    bool const wants_all = flags & kMSG_WAITALL && socket.is_stream() && !(flags & kMSG_PEEK);
    while (true) {
        message.flags = flags;
        message.control.clear();
        auto const moved = socket.receive(buffer, message, call.process());
        if (moved.ok()) {
            done += *moved;
            if (wants_all && *moved && buffer.remaining() && message.control.empty()) continue;
            return static_cast<int64_t>(std::exchange(done, 0));
        }
        Errno error = moved.error();
        if (error == Errno::kEAGAIN) error = wait_for_socket(call, socket, kReading, flags);
        message.address.clear();
        message.control.clear();
        return end_of_message(call, error);
    }
}

// Of a call: its address keeps its memory for the next one. No call is executed within another.
class CallMessage {
public:
    CallMessage() { clear(); }
    ~CallMessage() { clear(); }
    CallMessage(const CallMessage&) = delete;
    CallMessage& operator=(const CallMessage&) = delete;
    SocketMessage& operator*() { return kept(); }
    SocketMessage* operator->() { return &kept(); }

private:
    static SocketMessage& kept() {
        static SocketMessage message;
        return message;
    }
    static void clear() {
        kept().address.clear();
        kept().control.clear();
        kept().flags = 0;
    }
};

Result<int64_t> sys_sendto(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    CallMessage message;
    if (call.argument(4)) {
        KOS_TRY_STATUS(read_socket_address(call, call.argument(4), call.argument_as<int>(5), message->address));
    }
    UserBuffer buffer(call.memory(), call.argument(1), std::min(call.argument(2), kIoMax),
                      IoBuffer::Direction::kFromProgram);
    return send_message(call, *socket, buffer, *message, call.argument_as<uint32_t>(3));
}

Result<int64_t> sys_recvfrom(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    CallMessage message;
    UserBuffer buffer(call.memory(), call.argument(1), std::min(call.argument(2), kIoMax),
                      IoBuffer::Direction::kToProgram);
    KOS_TRY(int64_t const bytes, receive_message(call, *socket, buffer, *message, call.argument_as<uint32_t>(3)));
    KOS_TRY_STATUS(write_socket_address(call, message->address, call.argument(4), call.argument(5)));
    return bytes;
}

Result<int64_t> send_user_message(Call& call, Socket& socket, uint64_t address, uint32_t flags) {
    KOS_TRY(auto const user, call.read_user<UserMessage>(address));
    if (user.name_bytes < 0) return Errno::kEINVAL;
    if (user.piece_count > kIovMax) return Errno::kEMSGSIZE;
    SocketMessage message;
    if (user.name && user.name_bytes) {
        int const bytes = std::min(user.name_bytes, static_cast<int>(kAddressMost));
        KOS_TRY(message.address, read_socket_address(call, user.name, bytes));
    }
    KOS_TRY(auto buffer,
            UserBuffer::of_vector(call.memory(), user.pieces, user.piece_count, IoBuffer::Direction::kFromProgram));
    if (call.progress.done == 0) {
        KOS_TRY(message.control, read_control_data(call, user));
    }
    return send_message(call, socket, buffer, message, flags);
}

Result<int64_t> receive_user_message(Call& call, Socket& socket, uint64_t address, uint32_t flags) {
    KOS_TRY(auto const user, call.read_user<UserMessage>(address));
    if (user.name_bytes < 0) return Errno::kEINVAL;
    if (user.piece_count > kIovMax) return Errno::kEMSGSIZE;
    KOS_TRY(auto buffer,
            UserBuffer::of_vector(call.memory(), user.pieces, user.piece_count, IoBuffer::Direction::kToProgram));
    SocketMessage message;
    KOS_TRY(int64_t const bytes, receive_message(call, socket, buffer, message, flags));
    uint32_t result_flags = message.flags | (flags & kMSG_CMSG_CLOEXEC);
    uint64_t const control =
        write_control_data(call, user, message.control, (flags & kMSG_CMSG_CLOEXEC) != 0, result_flags);
    if (user.name) {
        size_t const room = std::min(message.address.size(), static_cast<size_t>(user.name_bytes));
        KOS_TRY_STATUS(call.memory().copy_out(user.name, message.address.data(), room));
        auto const length = static_cast<int32_t>(message.address.size());
        KOS_TRY_STATUS(call.write_user(address + offsetof(UserMessage, name_bytes), length));
    }
    KOS_TRY_STATUS(call.write_user(address + offsetof(UserMessage, control_bytes), control));
    KOS_TRY_STATUS(call.write_user(address + offsetof(UserMessage, flags), result_flags));
    return bytes;
}

Result<int64_t> sys_sendmsg(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    return send_user_message(call, *socket, call.argument(1), call.argument_as<uint32_t>(2));
}

Result<int64_t> sys_recvmsg(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    return receive_user_message(call, *socket, call.argument(1), call.argument_as<uint32_t>(2));
}

struct UserMessages {  // struct mmsghdr
    UserMessage message;
    uint32_t bytes;
    uint32_t padding;
};

// Several messages: `words[0]` counts those that are done.
template <class Step>
Result<int64_t> several(Call& call, Step step) {
    uint64_t const count = std::min(call.argument_as<uint32_t>(2), kMessagesMost);
    uint64_t& index = call.progress.words[0];
    while (index < count) {
        uint64_t const address = call.argument(1) + index * sizeof(UserMessages);
        Result<int64_t> const bytes = step(address, index);
        Errno error = bytes.error();
        if (bytes.ok())
            error = call.write_user(address + offsetof(UserMessages, bytes), static_cast<uint32_t>(*bytes)).error();
        if (error == Errno::kRetry) return error;
        if (error != Errno::kOK) {
            if (error == Errno::kETIMEDOUT) error = Errno::kEAGAIN;
            if (index == 0) return error;
            break;
        }
        ++index;
        if (call.timed_out()) break;
    }
    return static_cast<int64_t>(index);
}

Result<int64_t> sys_sendmmsg(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    uint32_t const flags = call.argument_as<uint32_t>(3);
    return several(call, [&](uint64_t address, uint64_t) { return send_user_message(call, *socket, address, flags); });
}

Result<int64_t> sys_recvmmsg(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    uint32_t const flags = call.argument_as<uint32_t>(3);
    if (call.argument(4) && !call.progress.is_again) {
        KOS_TRY(Nanoseconds const span, read_time(call, call.argument(4)));
        call.set_deadline(after(call.process().system.timers.now(), span));
    }
    return several(call, [&](uint64_t address, uint64_t index) {
        uint32_t now = flags & ~kMSG_WAITFORONE;
        if (index && flags & kMSG_WAITFORONE) now |= kMSG_DONTWAIT;
        return receive_user_message(call, *socket, address, now);
    });
}

// --- Options

Result<int64_t> sys_setsockopt(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    int const bytes = call.argument_as<int>(4);
    if (bytes < 0 || static_cast<size_t>(bytes) > kOptionMost) return Errno::kEINVAL;
    std::string value(static_cast<size_t>(bytes), '\0');
    KOS_TRY_STATUS(call.memory().copy_in(value.data(), call.argument(3), value.size()));
    KOS_TRY_STATUS(socket->set_option(call.argument_as<int>(1), call.argument_as<int>(2), value));
    return int64_t{0};
}

Result<int64_t> sys_getsockopt(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    KOS_TRY(int32_t const room, call.read_user<int32_t>(call.argument(4)));
    if (room < 0) return Errno::kEINVAL;
    KOS_TRY(auto const value,
            socket->option(call.argument_as<int>(1), call.argument_as<int>(2), static_cast<size_t>(room)));
    size_t const bytes = std::min(value.size(), static_cast<size_t>(room));
    KOS_TRY_STATUS(call.memory().copy_out(call.argument(3), value.data(), bytes));
    KOS_TRY_STATUS(call.write_user(call.argument(4), static_cast<int32_t>(bytes)));
    return int64_t{0};
}

Result<int64_t> sys_shutdown(Call& call) {
    KOS_TRY(auto const socket, SocketArgument::of(call));
    KOS_TRY_STATUS(socket->shutdown(call.argument_as<int>(1)));
    return int64_t{0};
}

constexpr SystemCall kCalls[] = {
    {198, "socket", sys_socket, Support::kPartial, "families: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (route)"},
    {199, "socketpair", sys_socketpair, Support::kFull, ""},
    {200, "bind", sys_bind, Support::kFull, ""},
    {201, "listen", sys_listen, Support::kFull, ""},
    {202, "accept", sys_accept, Support::kFull, ""},
    {203, "connect", sys_connect, Support::kFull, ""},
    {204, "getsockname", sys_getsockname, Support::kFull, ""},
    {205, "getpeername", sys_getpeername, Support::kFull, ""},
    {206, "sendto", sys_sendto, Support::kPartial, "MSG_OOB only within the domain"},
    {207, "recvfrom", sys_recvfrom, Support::kPartial, "MSG_OOB only within the domain"},
    {208, "setsockopt", sys_setsockopt, Support::kPartial, "SO_PEEK_OFF, socket filters"},
    {209, "getsockopt", sys_getsockopt, Support::kPartial, "SO_PEEK_OFF, SO_PEERGROUPS, SO_PEERSEC"},
    {210, "shutdown", sys_shutdown, Support::kFull, ""},
    {211, "sendmsg", sys_sendmsg, Support::kPartial, "MSG_OOB only within the domain"},
    {212, "recvmsg", sys_recvmsg, Support::kPartial, "MSG_OOB only within the domain"},
    {242, "accept4", sys_accept4, Support::kFull, ""},
    {243, "recvmmsg", sys_recvmmsg, Support::kPartial, "the rest of the time limit is not told"},
    {269, "sendmmsg", sys_sendmmsg, Support::kFull, ""},
};

// Number, name, handler, support, what is missing.
constexpr std::span<const SystemCall> kTable{kCalls};

}  // namespace

const std::span<const SystemCall> kSocketCalls = kTable;

}  // namespace kos::lx
