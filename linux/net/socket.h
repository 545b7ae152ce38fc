// Sockets as the system calls see them; families: net/unix.h, later net/inet.h.
//
// As with files nothing blocks: kEAGAIN, and `poll` and `queue` of the File tell when to ask again. connect gives
// kEINPROGRESS when it has begun and kEALREADY while it goes on; the call layer waits for kPOLLOUT and asks
// `take_error`.
#pragma once

#include "vfs/file.h"

#include <string>
#include <vector>

namespace kos::lx {

constexpr int kAF_UNSPEC = 0, kAF_UNIX = 1, kAF_INET = 2, kAF_INET6 = 10, kAF_NETLINK = 16;
constexpr int kSOCK_STREAM = 1, kSOCK_DGRAM = 2, kSOCK_RAW = 3, kSOCK_SEQPACKET = 5;
constexpr int kSOCK_NONBLOCK = 04000, kSOCK_CLOEXEC = 02000000;
constexpr uint32_t kMSG_OOB = 1, kMSG_PEEK = 2, kMSG_DONTROUTE = 4, kMSG_CTRUNC = 8, kMSG_TRUNC = 0x20,
                   kMSG_DONTWAIT = 0x40, kMSG_EOR = 0x80, kMSG_WAITALL = 0x100, kMSG_NOSIGNAL = 0x4000,
                   kMSG_MORE = 0x8000, kMSG_ERRQUEUE = 0x2000, kMSG_CMSG_CLOEXEC = 0x40000000;

using SocketAddress = std::string;  // struct sockaddr_* as bytes, family first

struct ControlMessage {  // one cmsg, without its header
    int level = 0, type = 0;
    std::string data;
    std::vector<Ref<File>> files;  // SCM_RIGHTS instead of data
};

struct SocketMessage {
    SocketAddress address;  // of the peer: where to, where from; empty: none
    std::vector<ControlMessage> control;
    uint32_t flags = 0;  // in: kMSG_* of the call; out: msg_flags
};

class Socket : public File {
public:
    virtual int family() const = 0;
    virtual int socket_type() const = 0;
    virtual int protocol() const = 0;

    virtual Status bind(const SocketAddress& address, Process& process) = 0;
    virtual Status connect(const SocketAddress& address, Process& process) = 0;
    virtual Status listen(int backlog) = 0;
    virtual Result<Ref<Socket>> accept(SocketAddress& peer) = 0;
    virtual Status shutdown(int how) = 0;  // 0 RD, 1 WR, 2 RDWR
    virtual Result<size_t> send(IoBuffer& from, SocketMessage& message, Process& process) = 0;
    virtual Result<size_t> receive(IoBuffer& to, SocketMessage& message, Process& process) = 0;
    virtual Result<SocketAddress> local_address() = 0;
    virtual Result<SocketAddress> peer_address() = 0;
    virtual Status set_option(int level, int name, std::string_view value) = 0;  // kENOPROTOOPT
    virtual Result<std::string> option(int level, int name, size_t most) = 0;
    virtual Errno take_error() { return Errno::kOK; }  // SO_ERROR

    Socket* as_socket() override { return this; }
    Result<size_t> read(IoBuffer& to) override;
    Result<size_t> write(IoBuffer& from) override;

    Nanoseconds send_timeout = 0, receive_timeout = 0;  // SO_SNDTIMEO, SO_RCVTIMEO; 0: none
};

// Makes a socket of the family; kEAFNOSUPPORT, kEPROTONOSUPPORT, kESOCKTNOSUPPORT. Families register themselves here.
Result<Ref<Socket>> make_socket(Process& process, int family, int type, int protocol);

}  // namespace kos::lx
