// Families of sockets, and what all of them share.
#include "net/socket.h"

#include "net/unix.h"
#include "task/current.h"
#include "task/process.h"

#include <string.h>

#include <algorithm>
#include <array>

namespace kos::lx {

namespace {

constexpr int kFamilies = 46;

std::array<SocketFactory, kFamilies>& factories() {
    static std::array<SocketFactory, kFamilies> all{};
    return all;
}

// Limits of net.core and of socket(7).
constexpr int64_t kBufferMax = 212992, kSendBufferLeast = 4608, kReceiveBufferLeast = 2304, kForcedMost = 4 << 20;

struct Timeval {
    int64_t seconds, microseconds;
};
struct Linger {
    int32_t is_on, seconds;
};

template <class T>
std::string bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

uint32_t buffer_bytes(int32_t wanted, int64_t least, int64_t most) {
    int64_t const value = std::min<int64_t>(wanted < 0 ? most : wanted, most) * 2;  // half of it is for bookkeeping
    return static_cast<uint32_t>(std::max(value, least));
}

bool is_kept(int name) {
    switch (name) {
        case kSO_DEBUG:
        case kSO_DONTROUTE:
        case kSO_OOBINLINE:
        case kSO_NO_CHECK:
        case kSO_TIMESTAMP:
        case kSO_TIMESTAMPNS:
        case kSO_PASSSEC:
        case kSO_WIFI_STATUS:
        case kSO_NOFCS:
        case kSO_LOCK_FILTER:
        case kSO_SELECT_ERR_QUEUE:
        case kSO_RXQ_OVFL: return true;
        default: return false;
    }
}

}  // namespace

void register_socket_family(int family, SocketFactory factory) {
    if (family >= 0 && family < kFamilies) factories()[static_cast<size_t>(family)] = factory;
}

Result<Ref<Socket>> make_socket(Process& process, int family, int type, int protocol) {
    if (family < 0 || family >= kFamilies) return Errno::kEAFNOSUPPORT;
    if (type < 0 || type > 10) return Errno::kEINVAL;
    if (family == kAF_UNIX) return UnixSocket::create(process, type, protocol);
    SocketFactory const factory = factories()[static_cast<size_t>(family)];
    if (!factory) return Errno::kEAFNOSUPPORT;
    return factory(process, type, protocol);
}

std::string int_option(int32_t value) { return bytes_of(value); }

Result<int32_t> option_int(std::string_view value) {
    int32_t number;
    if (value.size() < sizeof number) return Errno::kEINVAL;
    memcpy(&number, value.data(), sizeof number);
    return number;
}

Result<size_t> Socket::read(IoBuffer& to) {
    Process* const process = current_process();
    if (!process) return Errno::kEIO;
    SocketMessage message;
    return receive(to, message, *process);
}

Result<size_t> Socket::write(IoBuffer& from) {
    Process* const process = current_process();
    if (!process) return Errno::kEIO;
    SocketMessage message;
    return send(from, message, *process);
}

Status Socket::set_common_option(int name, std::string_view value) {
    if (name == kSO_RCVTIMEO_OLD || name == kSO_SNDTIMEO_OLD || name == kSO_RCVTIMEO_NEW || name == kSO_SNDTIMEO_NEW) {
        Timeval time;
        if (value.size() < sizeof time) return Errno::kEINVAL;
        memcpy(&time, value.data(), sizeof time);
        if (time.microseconds < 0 || time.microseconds >= 1'000'000) return Errno::kEDOM;
        bool const is_receive = name == kSO_RCVTIMEO_OLD || name == kSO_RCVTIMEO_NEW;
        Nanoseconds& timeout = is_receive ? receive_timeout : send_timeout;
        constexpr int64_t kSecondsMost = INT64_MAX / 1'000'000'000 - 1;
        if (time.seconds < 0) {
            timeout = 1;  // over at once
        } else {
            timeout = std::min(time.seconds, kSecondsMost) * 1'000'000'000 + time.microseconds * 1000;
        }
        return {};
    }
    KOS_TRY(int32_t const number, option_int(value));
    bool const is_on = number != 0;
    if (is_kept(name)) {
        kept_options_ = (kept_options_ & ~(uint64_t{1} << name)) | uint64_t{is_on} << name;
        return {};
    }
    switch (name) {
        case kSO_SNDBUF:
        case kSO_SNDBUFFORCE:
            send_buffer_ = buffer_bytes(number, kSendBufferLeast, name == kSO_SNDBUF ? kBufferMax : kForcedMost);
            buffers_changed();
            return {};
        case kSO_RCVBUF:
        case kSO_RCVBUFFORCE:
            receive_buffer_ = buffer_bytes(number, kReceiveBufferLeast, name == kSO_RCVBUF ? kBufferMax : kForcedMost);
            buffers_changed();
            return {};
        case kSO_LINGER: {
            Linger linger;
            if (value.size() < sizeof linger) return Errno::kEINVAL;
            memcpy(&linger, value.data(), sizeof linger);
            lingers_ = linger.is_on != 0;
            linger_seconds_ = linger.seconds;
            return {};
        }
        case kSO_REUSEADDR: reuses_address_ = is_on; return {};
        case kSO_REUSEPORT: reuses_port_ = is_on; return {};
        case kSO_KEEPALIVE: keeps_alive_ = is_on; return {};
        case kSO_BROADCAST: may_broadcast_ = is_on; return {};
        case kSO_PRIORITY: priority_ = number; return {};
        case kSO_MARK: mark_ = number; return {};
        case kSO_BUSY_POLL:
            if (number < 0) return Errno::kEINVAL;
            busy_poll_ = number;
            return {};
        case kSO_RCVLOWAT: receive_low_water_ = number < 0 ? INT32_MAX : std::max(number, 1); return {};
        case kSO_PASSCRED: passes_credentials_ = is_on; return {};
        default: return Errno::kENOPROTOOPT;  // also of those that can only be read
    }
}

Result<std::string> Socket::common_option(int name) {
    if (is_kept(name)) return int_option(kept_options_ >> name & 1);
    switch (name) {
        case kSO_TYPE: return int_option(socket_type());
        case kSO_DOMAIN: return int_option(family());
        case kSO_PROTOCOL: return int_option(protocol());
        case kSO_ERROR: return int_option(static_cast<int32_t>(take_error()));
        case kSO_ACCEPTCONN: return int_option(is_listening());
        case kSO_SNDBUF: return int_option(static_cast<int32_t>(send_buffer_));
        case kSO_RCVBUF: return int_option(static_cast<int32_t>(receive_buffer_));
        case kSO_REUSEADDR: return int_option(reuses_address_);
        case kSO_REUSEPORT: return int_option(reuses_port_);
        case kSO_KEEPALIVE: return int_option(keeps_alive_);
        case kSO_BROADCAST: return int_option(may_broadcast_);
        case kSO_PRIORITY: return int_option(priority_);
        case kSO_MARK: return int_option(mark_);
        case kSO_RCVLOWAT: return int_option(receive_low_water_);
        case kSO_SNDLOWAT: return int_option(1);
        case kSO_PASSCRED: return int_option(passes_credentials_);
        case kSO_BUSY_POLL: return int_option(busy_poll_);
        case kSO_LINGER: return bytes_of(Linger{lingers_, linger_seconds_});
        case kSO_RCVTIMEO_OLD:
        case kSO_RCVTIMEO_NEW:
        case kSO_SNDTIMEO_OLD:
        case kSO_SNDTIMEO_NEW: {
            bool const is_receive = name == kSO_RCVTIMEO_OLD || name == kSO_RCVTIMEO_NEW;
            Nanoseconds const timeout = is_receive ? receive_timeout : send_timeout;
            return bytes_of(Timeval{timeout / 1'000'000'000, timeout % 1'000'000'000 / 1000});
        }
        case kSO_PEERNAME: return peer_address();
        default: return Errno::kENOPROTOOPT;
    }
}

}  // namespace kos::lx
