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

constexpr int kSOL_SOCKET = 1;
constexpr int kSCM_RIGHTS = 1, kSCM_CREDENTIALS = 2;
constexpr int kSO_DEBUG = 1, kSO_REUSEADDR = 2, kSO_TYPE = 3, kSO_ERROR = 4, kSO_DONTROUTE = 5, kSO_BROADCAST = 6,
              kSO_SNDBUF = 7, kSO_RCVBUF = 8, kSO_KEEPALIVE = 9, kSO_OOBINLINE = 10, kSO_NO_CHECK = 11,
              kSO_PRIORITY = 12, kSO_LINGER = 13, kSO_REUSEPORT = 15, kSO_PASSCRED = 16, kSO_PEERCRED = 17,
              kSO_RCVLOWAT = 18, kSO_SNDLOWAT = 19, kSO_RCVTIMEO_OLD = 20, kSO_SNDTIMEO_OLD = 21, kSO_BINDTODEVICE = 25,
              kSO_PEERNAME = 28, kSO_TIMESTAMP = 29, kSO_ACCEPTCONN = 30, kSO_PEERSEC = 31, kSO_SNDBUFFORCE = 32,
              kSO_RCVBUFFORCE = 33, kSO_PASSSEC = 34, kSO_TIMESTAMPNS = 35, kSO_MARK = 36, kSO_PROTOCOL = 38,
              kSO_DOMAIN = 39, kSO_RXQ_OVFL = 40, kSO_WIFI_STATUS = 41, kSO_PEEK_OFF = 42, kSO_NOFCS = 43,
              kSO_LOCK_FILTER = 44, kSO_SELECT_ERR_QUEUE = 45, kSO_BUSY_POLL = 46, kSO_PEERGROUPS = 59,
              kSO_RCVTIMEO_NEW = 66, kSO_SNDTIMEO_NEW = 67;

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
    virtual bool is_listening() const { return false; }
    // A stream: a blocking send goes on until everything is sent, MSG_WAITALL until everything is received.
    bool is_stream() const { return socket_type() == kSOCK_STREAM; }

    Socket* as_socket() override { return this; }
    Result<size_t> read(IoBuffer& to) override;
    Result<size_t> write(IoBuffer& from) override;

    Nanoseconds send_timeout = 0, receive_timeout = 0;  // SO_SNDTIMEO, SO_RCVTIMEO; 0: none

protected:
    // SOL_SOCKET's options that every family has, most of them kept and given back; kENOPROTOOPT for others. The owner
    // looks at the fields.
    Status set_common_option(int name, std::string_view value);
    Result<std::string> common_option(int name);
    virtual void buffers_changed() {}

    static constexpr uint32_t kBufferDefault = 212992;  // net.core.wmem_default
    uint32_t send_buffer_ = kBufferDefault, receive_buffer_ = kBufferDefault;
    bool passes_credentials_ = false;
    bool keeps_alive_ = false, reuses_address_ = false, reuses_port_ = false, may_broadcast_ = false;
    bool lingers_ = false;
    int32_t linger_seconds_ = 0, priority_ = 0, receive_low_water_ = 1;
    uint64_t kept_options_ = 0;         // on or off, by number, without effect
    int32_t mark_ = 0, busy_poll_ = 0;  // kept
};

// Makes a socket of the family; kEAFNOSUPPORT, kEPROTONOSUPPORT, kESOCKTNOSUPPORT. `type` without flags. AF_UNIX is
// always there; others register when the system starts.
Result<Ref<Socket>> make_socket(Process& process, int family, int type, int protocol);
using SocketFactory = Result<Ref<Socket>> (*)(Process& process, int type, int protocol);
void register_socket_family(int family, SocketFactory factory);

// Options' values.
std::string int_option(int32_t value);
Result<int32_t> option_int(std::string_view value);  // kEINVAL: too short

}  // namespace kos::lx
