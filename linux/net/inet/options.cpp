// Options of Internet sockets, and their ioctls.
#include "net/inet/options.h"

#include "net/inet/socket.h"
#include "syscalls/call.h"

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

// linux/in.h, linux/in6.h, linux/tcp.h.
constexpr int kIP_MTU = 14, kIP_MULTICAST_IF = 32, kIP_ADD_MEMBERSHIP = 35, kIP_DROP_MEMBERSHIP = 36,
              kIPV6_MULTICAST_IF = 17, kIPV6_ADD_MEMBERSHIP = 20, kIPV6_DROP_MEMBERSHIP = 21, kIPV6_MTU = 24;
constexpr uint32_t kFIONREAD = 0x541B, kTIOCOUTQ = 0x5411, kSIOCOUTQNSD = 0x894B;
constexpr int32_t kMost = INT32_MAX;

struct Spec {
    Option option;
    int level, name;
    int32_t initial, least, most;
    bool is_flag = false;  // any number, kept as 0 or 1
};

// In the order of Option. A value outside its range is kEINVAL.
constexpr Spec kSpecs[] = {
    {Option::kTtl, kIPPROTO_IP, 2, 64, -1, 255},
    {Option::kTypeOfService, kIPPROTO_IP, 1, 0, INT32_MIN, kMost},
    {Option::kReceiveTtl, kIPPROTO_IP, 12, 0, 0, 1, true},
    {Option::kReceiveTos, kIPPROTO_IP, 13, 0, 0, 1, true},
    {Option::kPacketInfo, kIPPROTO_IP, 8, 0, 0, 1, true},
    {Option::kReceiveError, kIPPROTO_IP, 11, 0, 0, 1, true},
    {Option::kMtuDiscover, kIPPROTO_IP, 10, 1, 0, 5},
    {Option::kMinTtl, kIPPROTO_IP, 21, 0, 0, 255},
    {Option::kFreeBind, kIPPROTO_IP, 15, 0, 0, 1, true},
    {Option::kTransparent, kIPPROTO_IP, 19, 0, 0, 1, true},
    {Option::kBindNoPort, kIPPROTO_IP, 24, 0, 0, 1, true},
    {Option::kMulticastTtl, kIPPROTO_IP, 33, 1, -1, 255},
    {Option::kMulticastLoop, kIPPROTO_IP, 34, 1, 0, 1, true},
    {Option::kMulticastAll, kIPPROTO_IP, 49, 1, 0, 1},
    // Packets with options are dropped, so that there are never any.
    {Option::kReceiveOptions, kIPPROTO_IP, 6, 0, 0, 1, true},
    {Option::kReturnOptions, kIPPROTO_IP, 7, 0, 0, 1, true},
    {Option::kReceiveOriginal, kIPPROTO_IP, 20, 0, 0, 1, true},
    {Option::kHops, kIPPROTO_IPV6, 16, 64, -1, 255},
    {Option::kTrafficClass, kIPPROTO_IPV6, 67, 0, -1, 255},
    {Option::kV6Only, kIPPROTO_IPV6, 26, 0, 0, 1, true},
    {Option::kPacketInfo6, kIPPROTO_IPV6, 49, 0, 0, 1, true},
    {Option::kReceiveHops, kIPPROTO_IPV6, 51, 0, 0, 1, true},
    {Option::kReceiveClass, kIPPROTO_IPV6, 66, 0, 0, 1, true},
    {Option::kReceiveError6, kIPPROTO_IPV6, 25, 0, 0, 1, true},
    {Option::kMtuDiscover6, kIPPROTO_IPV6, 23, 1, 0, 5},
    {Option::kMulticastHops, kIPPROTO_IPV6, 18, 1, -1, 255},
    {Option::kMulticastLoop6, kIPPROTO_IPV6, 19, 1, 0, 1},
    {Option::kDontFragment, kIPPROTO_IPV6, 62, 0, 0, 1, true},
    {Option::kFlowInfo, kIPPROTO_IPV6, 11, 0, 0, 1, true},
    {Option::kNoDelay, kIPPROTO_TCP, 1, 0, 0, 1, true},
    {Option::kCork, kIPPROTO_TCP, 3, 0, 0, 1, true},
    {Option::kKeepIdle, kIPPROTO_TCP, 4, 7200, 1, 32767},
    {Option::kKeepInterval, kIPPROTO_TCP, 5, 75, 1, 32767},
    {Option::kKeepCount, kIPPROTO_TCP, 6, 9, 1, 127},
    {Option::kSynCount, kIPPROTO_TCP, 7, 6, 1, 127},
    {Option::kLinger2, kIPPROTO_TCP, 8, 60, INT32_MIN, kMost},
    {Option::kDeferAccept, kIPPROTO_TCP, 9, 0, INT32_MIN, kMost},
    {Option::kWindowClamp, kIPPROTO_TCP, 10, 0, 0, kMost},
    {Option::kQuickAck, kIPPROTO_TCP, 12, 1, INT32_MIN, kMost, true},
    {Option::kUserTimeout, kIPPROTO_TCP, 18, 0, 0, kMost},
    {Option::kNotSentLow, kIPPROTO_TCP, 25, 0, INT32_MIN, kMost},
    {Option::kDatagramCork, kIPPROTO_UDP, 1, 0, 0, 1, true},
};
constexpr bool is_in_order() {
    for (size_t i = 0; i < std::size(kSpecs); ++i) {
        if (kSpecs[i].option != static_cast<Option>(i)) return false;
    }
    return std::size(kSpecs) == kOptions;
}
static_assert(is_in_order());

const Spec* find(int level, int name) {
    for (const Spec& spec : kSpecs) {
        if (spec.level == level && spec.name == name) return &spec;
    }
    return nullptr;
}

bool is_membership(int level, int name) {
    if (level == kIPPROTO_IP) return name == kIP_ADD_MEMBERSHIP || name == kIP_DROP_MEMBERSHIP;
    return name == kIPV6_ADD_MEMBERSHIP || name == kIPV6_DROP_MEMBERSHIP;
}

// Of SOL_IP a single byte will do, too.
Result<int32_t> number_of(int level, std::string_view value) {
    if (level == kIPPROTO_IP && !value.empty() && value.size() < sizeof(int32_t)) {
        return static_cast<int32_t>(static_cast<uint8_t>(value[0]));
    }
    return option_int(value);
}

}  // namespace

int32_t default_value(Option option) { return kSpecs[static_cast<size_t>(option)].initial; }

void InetSocket::take_options(const InetSocket& of) {
    values_ = of.values_;
    send_buffer_ = of.send_buffer_;
    receive_buffer_ = of.receive_buffer_;
    keeps_alive_ = of.keeps_alive_;
    reuses_address_ = of.reuses_address_;
    reuses_port_ = of.reuses_port_;
    may_broadcast_ = of.may_broadcast_;
    lingers_ = of.lingers_;
    linger_seconds_ = of.linger_seconds_;
    priority_ = of.priority_;
    mark_ = of.mark_;
    receive_low_water_ = of.receive_low_water_;
    kept_options_ = of.kept_options_;
    interface_ = of.interface_;
    send_timeout = of.send_timeout;
    receive_timeout = of.receive_timeout;
}

uint8_t InetSocket::ttl_for(const ip_addr_t& to) const {
    return static_cast<uint8_t>(get(is_v6(to) ? Option::kHops : Option::kTtl));
}

uint8_t InetSocket::tos_for(const ip_addr_t& to) const {
    return static_cast<uint8_t>(get(is_v6(to) ? Option::kTrafficClass : Option::kTypeOfService));
}

Status InetSocket::set_option(int level, int name, std::string_view value) {
    if (level == kSOL_SOCKET) {
        if (name == kSO_BINDTODEVICE) {
            std::string const text(value.substr(0, strnlen(value.data(), value.size())));
            const netif* const interface = text.empty() ? nullptr : Network::find(text);
            if (!text.empty() && !interface) return Errno::kENODEV;
            KOS_TRY_STATUS(bind_interface(interface));
            interface_ = interface ? Network::index_of(*interface) : 0;
            return {};
        }
        KOS_TRY_STATUS(set_common_option(name, value));
        apply_options();
        return {};
    }
    if (!has_level(level)) return Errno::kENOPROTOOPT;
    const Spec* const spec = find(level, name);
    if (!spec) return set_special_option(level, name, value);
    if (type_ == kSOCK_STREAM && spec->option == Option::kMulticastHops) return Errno::kENOPROTOOPT;
    if (type_ == kSOCK_STREAM && spec->option == Option::kMulticastTtl) return Errno::kEINVAL;
    KOS_TRY(int32_t number, number_of(level, value));
    if (spec->is_flag) number = number != 0;
    if (number < spec->least || number > spec->most) return Errno::kEINVAL;
    if (spec->option == Option::kTtl && number == 0) return Errno::kEINVAL;
    if (number == -1 && spec->least == -1) number = spec->initial;
    if (spec->option == Option::kTypeOfService) {
        number &= 0xff;
    }
    // Of a stream the lowest two bits are congestion control's.
    bool const is_class = spec->option == Option::kTypeOfService || spec->option == Option::kTrafficClass;
    if (is_class && type_ == kSOCK_STREAM) number &= ~3;
    if (spec->option == Option::kV6Only && (is_bound_ || has_remote_)) return Errno::kEINVAL;
    values_[static_cast<size_t>(spec->option)] = number;
    apply_options();
    return {};
}

Result<std::string> InetSocket::option(int level, int name, size_t most) {
    if (level == kSOL_SOCKET) {
        if (name == kSO_BINDTODEVICE) {
            const netif* const interface = Network::find(interface_);
            return interface ? std::string(Network::name_of(*interface)) + '\0' : std::string();
        }
        return common_option(name);
    }
    if (!has_level(level)) return Errno::kEOPNOTSUPP;
    const Spec* const spec = find(level, name);
    if (!spec) return special_option(level, name);
    int32_t const number = get(spec->option);
    if (level == kIPPROTO_IP && most > 0 && most < sizeof number && number >= 0 && number <= 255) {
        return std::string(1, static_cast<char>(number));
    }
    return int_option(number);
}

Result<std::string> InetSocket::special_option(int level, int name) {
    bool const is_ip = level == kIPPROTO_IP, is_ip6 = level == kIPPROTO_IPV6;
    if ((is_ip && name == kIP_MTU) || (is_ip6 && name == kIPV6_MTU)) {
        if (!has_remote_) return Errno::kENOTCONN;
        const netif* const interface = ip_route(&local_.address, &remote_.address);
        int32_t const loopback = is_ip ? 65535 : 65536;  // a packet of IPv4 is no longer
        return int_option(interface && interface->mtu ? interface->mtu : loopback);
    }
    if (is_ip && name == kIP_MULTICAST_IF) return bytes_of_v4(any_address(kAF_INET));
    if (is_ip6 && name == kIPV6_MULTICAST_IF) return int_option(0);
    return Errno::kENOPROTOOPT;
}

// Streams have nothing to do with groups.
Status InetSocket::set_special_option(int level, int name, std::string_view) {
    if (level == kIPPROTO_IP && name == kIP_MULTICAST_IF) return Errno::kEINVAL;
    bool const is_ip = level == kIPPROTO_IP || level == kIPPROTO_IPV6;
    return is_ip && is_membership(level, name) ? Errno::kEPROTO : Errno::kENOPROTOOPT;
}

bool InetSocket::has_level(int level) const {
    switch (level) {
        case kIPPROTO_IP: return true;
        case kIPPROTO_IPV6: return family_ == kAF_INET6;
        case kIPPROTO_TCP:
        case kIPPROTO_UDP: return level == protocol_;
        default: return false;
    }
}

Result<int64_t> InetSocket::ioctl(Call& call, uint32_t request, uint64_t argument) {
    constexpr uint32_t kSIOCATMARK = 0x8905;
    uint64_t value;
    switch (request) {
        case kFIONREAD:
            if (is_listening()) return Errno::kEINVAL;
            value = receive_bytes();
            break;
        case kTIOCOUTQ:
            if (is_listening()) return Errno::kEINVAL;
            value = send_bytes();
            break;
        case kSIOCOUTQNSD: value = unsent_bytes(); break;
        case kSIOCATMARK: value = is_at_mark(); break;
        default: return interface_ioctl(call, request, argument);
    }
    KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(std::min<uint64_t>(value, kMost))));
    return int64_t{0};
}

}  // namespace kos::lx
