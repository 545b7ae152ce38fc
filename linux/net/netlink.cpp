// Netlink: requests in, tables of links, addresses and routes out.
#include "net/netlink.h"

#include "net/inet/interfaces.h"
#include "net/inet/socket.h"
#include "task/process.h"
#include "vfs/anonymous.h"

#include <string.h>

#include <algorithm>
#include <set>

namespace kos::lx {

namespace {

constexpr size_t kRequestMost = 32768, kAnswerMost = 4096;
constexpr uint16_t kNLMSG_ERROR = 2, kNLMSG_DONE = 3, kRTM_NEWLINK = 16, kRTM_GETLINK = 18, kRTM_NEWADDR = 20,
                   kRTM_GETADDR = 22, kRTM_NEWROUTE = 24, kRTM_GETROUTE = 26, kFirstControl = 16;
constexpr uint16_t kNLM_F_REQUEST = 1, kNLM_F_MULTI = 2, kNLM_F_ACK = 4, kNLM_F_DUMP = 0x300;

struct Address {  // struct sockaddr_nl
    uint16_t family, padding;
    uint32_t port, groups;
};
struct Header {  // struct nlmsghdr
    uint32_t bytes;
    uint16_t type, flags;
    uint32_t sequence, port;
};
struct LinkMessage {  // struct ifinfomsg
    uint8_t family, padding;
    uint16_t type;
    int32_t index;
    uint32_t flags, change;
};
struct AddressMessage {  // struct ifaddrmsg
    uint8_t family, prefix, flags, scope;
    uint32_t index;
};
struct RouteMessage {  // struct rtmsg
    uint8_t family, destination_prefix, source_prefix, tos, table, protocol, scope, type;
    uint32_t flags;
};
struct AttributeHeader {  // struct rtattr
    uint16_t bytes, type;
};

constexpr size_t aligned(size_t bytes) { return (bytes + 3) & ~size_t{3}; }

template <class T>
std::string_view view_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::set<uint32_t>& ports() {
    static std::set<uint32_t> all;
    return all;
}

// One message that is being written.
class Message {
public:
    template <class T>
    Message(const Header& request, uint16_t type, uint16_t flags, uint32_t port, const T& body)
        : header_{0, type, flags, request.sequence, port} {
        bytes_.assign(view_of(header_));
        bytes_ += view_of(body);
    }
    void add(uint16_t type, std::string_view value) {
        AttributeHeader const header{static_cast<uint16_t>(sizeof header + value.size()), type};
        bytes_.resize(aligned(bytes_.size()));
        bytes_ += view_of(header);
        bytes_ += value;
    }
    void add_number(uint16_t type, uint32_t value) { add(type, view_of(value)); }
    std::string take() {
        bytes_.resize(aligned(bytes_.size()));
        auto const bytes = static_cast<uint32_t>(bytes_.size());
        memcpy(bytes_.data(), &bytes, sizeof bytes);
        return std::move(bytes_);
    }

private:
    Header header_;
    std::string bytes_;
};

// The answers to one request.
struct Answer {
    const Header& request;
    uint32_t port;
    uint16_t flags;  // of each message
    std::vector<std::string> messages{};

    template <class T>
    Message begin(uint16_t type, const T& body) const {
        return {request, type, flags, port, body};
    }
    void add(Message& message) { messages.push_back(message.take()); }
};

void add_link(Answer& answer, const InterfaceView& view) {
    constexpr uint16_t kIFLA_ADDRESS = 1, kIFLA_BROADCAST = 2, kIFLA_IFNAME = 3, kIFLA_MTU = 4, kIFLA_TXQLEN = 13,
                       kIFLA_OPERSTATE = 16, kIFLA_STATS64 = 23;
    constexpr uint32_t kIFF_LOWER_UP = 1 << 16;
    constexpr uint8_t kOperUnknown = 0, kOperUp = 6;
    uint32_t const flags = interface_flags(view) | (view.is_up ? kIFF_LOWER_UP : 0);
    Message message = answer.begin(kRTM_NEWLINK, LinkMessage{0, 0, hardware_type(view), view.index, flags, 0});
    message.add(kIFLA_IFNAME, std::string(view.name) + '\0');
    message.add_number(kIFLA_TXQLEN, kTransmitQueue);
    message.add(kIFLA_OPERSTATE, view_of(view.is_loopback ? kOperUnknown : kOperUp));
    message.add_number(kIFLA_MTU, view.mtu);
    if (view.is_loopback) {
        message.add(kIFLA_ADDRESS, std::string(6, '\0'));
        message.add(kIFLA_BROADCAST, std::string(6, '\0'));
    }
    // struct rtnl_link_stats64: packets and bytes of both directions, errors, dropped; the rest is not counted.
    uint64_t counters[24] = {view.counters.received_packets, view.counters.sent_packets, view.counters.received_bytes,
                             view.counters.sent_bytes,       view.counters.refused,      view.counters.lost,
                             view.counters.no_memory,        view.counters.full};
    message.add(kIFLA_STATS64, view_of(counters));
    answer.add(message);
}

constexpr uint8_t kScopeUniverse = 0, kScopeHost = 254, kScopeLink = 253;

void add_address(Answer& answer, const InterfaceView& view, const ip_addr_t& address, unsigned prefix) {
    constexpr uint16_t kIFA_ADDRESS = 1, kIFA_LOCAL = 2, kIFA_LABEL = 3, kIFA_FLAGS = 8;
    constexpr uint8_t kPermanent = 0x80;
    bool const is_6 = is_v6(address);
    bool const is_link_local = is_6 && ip6_addr_islinklocal(ip_2_ip6(&address));
    uint8_t const scope = view.is_loopback ? kScopeHost : is_link_local ? kScopeLink : kScopeUniverse;
    Message message = answer.begin(
        kRTM_NEWADDR, AddressMessage{static_cast<uint8_t>(is_6 ? kAF_INET6 : kAF_INET), static_cast<uint8_t>(prefix),
                                     kPermanent, scope, static_cast<uint32_t>(view.index)});
    std::string const bytes = is_6 ? bytes_of_v6(address) : bytes_of_v4(address);
    message.add(kIFA_ADDRESS, bytes);
    if (!is_6) {
        message.add(kIFA_LOCAL, bytes);
        message.add(kIFA_LABEL, std::string(view.name) + '\0');
    }
    message.add_number(kIFA_FLAGS, kPermanent);
    answer.add(message);
}

constexpr unsigned kPrefix6Loopback = 128, kPrefix6 = 64;

void add_addresses(Answer& answer, const InterfaceView& view, int family) {
    if (family != kAF_INET6 && !is_any(view.address4)) add_address(answer, view, view.address4, view.prefix4);
    if (family == kAF_INET) return;
    for (const ip_addr_t& address : view.addresses6) {
        add_address(answer, view, address, view.is_loopback ? kPrefix6Loopback : kPrefix6);
    }
}

// The network of the link's address, and everything else through its gateway.
void add_routes(Answer& answer, const InterfaceView& view, int family) {
    constexpr uint16_t kRTA_DST = 1, kRTA_OIF = 4, kRTA_GATEWAY = 5, kRTA_PREFSRC = 7, kRTA_TABLE = 15;
    constexpr uint8_t kTableMain = 254, kByKernel = 2, kByBoot = 3, kUnicast = 1;
    if (view.is_loopback || is_any(view.address4) || family == kAF_INET6) return;
    uint32_t const network =
        lwip_htonl(lwip_ntohl(ip4_addr_get_u32(ip_2_ip4(&view.address4))) & netmask_of(view.prefix4));
    RouteMessage route{kAF_INET, 0, 0, 0, kTableMain, kByBoot, kScopeUniverse, kUnicast, 0};
    if (const ip4_addr_t* const gateway = netif_ip4_gw(view.lwip); ip4_addr_get_u32(gateway)) {
        Message message = answer.begin(kRTM_NEWROUTE, route);
        message.add_number(kRTA_TABLE, kTableMain);
        message.add_number(kRTA_GATEWAY, ip4_addr_get_u32(gateway));
        message.add_number(kRTA_OIF, static_cast<uint32_t>(view.index));
        answer.add(message);
    }
    route.destination_prefix = static_cast<uint8_t>(view.prefix4);
    route.protocol = kByKernel;
    route.scope = kScopeLink;
    Message message = answer.begin(kRTM_NEWROUTE, route);
    message.add_number(kRTA_TABLE, kTableMain);
    message.add_number(kRTA_DST, network);
    message.add_number(kRTA_OIF, static_cast<uint32_t>(view.index));
    message.add(kRTA_PREFSRC, bytes_of_v4(view.address4));
    answer.add(message);
}

// Of a single link's request: by number, or by name (IFLA_IFNAME).
const InterfaceView* named(std::string_view body, const std::vector<InterfaceView>& all) {
    constexpr uint16_t kIFLA_IFNAME = 3;
    LinkMessage wanted;
    if (body.size() < sizeof wanted) return nullptr;
    memcpy(&wanted, body.data(), sizeof wanted);
    std::string_view name;
    for (size_t at = aligned(sizeof wanted); at + sizeof(AttributeHeader) <= body.size();) {
        AttributeHeader header;
        memcpy(&header, body.data() + at, sizeof header);
        if (header.bytes < sizeof header || header.bytes > body.size() - at) break;
        if (header.type == kIFLA_IFNAME) {
            name = body.substr(at + sizeof header, header.bytes - sizeof header);
            name = name.substr(0, name.find('\0'));
        }
        at += aligned(header.bytes);
    }
    for (const InterfaceView& view : all) {
        if (wanted.index > 0 ? view.index == wanted.index : !name.empty() && name == view.name) return &view;
    }
    return nullptr;
}

Errno fill(Answer& answer, std::string_view body, const std::vector<InterfaceView>& all, Process& process) {
    constexpr unsigned kCAP_NET_ADMIN = 12;
    bool const is_dump = (answer.request.flags & kNLM_F_DUMP) != 0;
    int const family = body.empty() ? kAF_UNSPEC : static_cast<uint8_t>(body[0]);
    switch (answer.request.type) {
        case kRTM_GETLINK:
            if (!is_dump) {
                const InterfaceView* const view = named(body, all);
                if (!view) return Errno::kENODEV;
                add_link(answer, *view);
                return Errno::kOK;
            }
            for (const InterfaceView& view : all) add_link(answer, view);
            return Errno::kOK;
        case kRTM_GETADDR:
            if (!is_dump) return Errno::kEOPNOTSUPP;
            for (const InterfaceView& view : all) add_addresses(answer, view, family);
            return Errno::kOK;
        case kRTM_GETROUTE:
            if (!is_dump) return Errno::kEOPNOTSUPP;
            for (const InterfaceView& view : all) add_routes(answer, view, family);
            return Errno::kOK;
        default: break;
    }
    // Numbers come in fours: new, delete, get, set. Only reading is anybody's right.
    constexpr unsigned kGet = 2;
    if ((answer.request.type & 3) == kGet) return Errno::kEOPNOTSUPP;
    return process.credentials.has_capability(kCAP_NET_ADMIN) ? Errno::kEOPNOTSUPP : Errno::kEPERM;
}

}  // namespace

Result<Ref<Socket>> make_netlink_socket(Process& process, int type, int protocol) {
    if (type != kSOCK_RAW && type != kSOCK_DGRAM) return Errno::kESOCKTNOSUPPORT;
    if (protocol != 0) return Errno::kEPROTONOSUPPORT;
    return Ref<Socket>(new NetlinkSocket(process.system, type));
}

NetlinkSocket::NetlinkSocket(System& system, int type)
    : system_(system), type_(type), attributes_(anonymous_attributes(kSocketDevice, kS_IFSOCK | 0777)) {
    flags = kO_RDWR;
}

NetlinkSocket::~NetlinkSocket() { ports().erase(port_); }

std::string NetlinkSocket::anonymous_name() const { return numbered_name("socket", attributes_.inode); }

// The process's number if that is free.
void NetlinkSocket::choose_port(Process& process) {
    if (port_) return;
    static uint32_t last = 0;
    uint32_t wanted = static_cast<uint32_t>(process.pid);
    while (!ports().insert(wanted).second) wanted = ~uint32_t{0} - ++last % 0x7fff'ffff;
    port_ = wanted;
}

Status NetlinkSocket::bind(const SocketAddress& given, Process& process) {
    Address address;
    if (given.size() < sizeof address) return Errno::kEINVAL;
    memcpy(&address, given.data(), sizeof address);
    if (address.family != kAF_NETLINK) return Errno::kEINVAL;
    if (port_ && address.port && address.port != port_) return Errno::kEINVAL;
    if (!port_ && address.port) {
        if (!ports().insert(address.port).second) return Errno::kEADDRINUSE;
        port_ = address.port;
    }
    choose_port(process);
    groups_ = address.groups;
    return {};
}

Status NetlinkSocket::connect(const SocketAddress& given, Process& process) {
    Address address;
    uint16_t family;
    if (given.size() < sizeof family) return Errno::kEINVAL;
    memcpy(&family, given.data(), sizeof family);
    if (family == kAF_UNSPEC) return {};
    if (family != kAF_NETLINK || given.size() < sizeof address) return Errno::kEINVAL;
    memcpy(&address, given.data(), sizeof address);
    if (address.port) return Errno::kECONNREFUSED;  // other than the system's
    choose_port(process);
    return {};
}

Result<SocketAddress> NetlinkSocket::local_address() {
    return SocketAddress(view_of(Address{kAF_NETLINK, 0, port_, groups_}));
}

Result<SocketAddress> NetlinkSocket::peer_address() { return SocketAddress(view_of(Address{kAF_NETLINK, 0, 0, 0})); }

Result<size_t> NetlinkSocket::send(IoBuffer& from, SocketMessage& message, Process& process) {
    if (message.flags & kMSG_OOB) return Errno::kEOPNOTSUPP;
    if (!message.address.empty()) {
        Address address;
        if (message.address.size() < sizeof address) return Errno::kEINVAL;
        memcpy(&address, message.address.data(), sizeof address);
        if (address.family != kAF_NETLINK) return Errno::kEINVAL;
        if (address.port) return Errno::kECONNREFUSED;
    }
    size_t const bytes = from.remaining();
    if (bytes > kRequestMost) return Errno::kEMSGSIZE;
    std::string request(bytes, '\0');
    KOS_TRY(size_t const moved, from.in(request.data(), bytes));
    if (moved < bytes) return Errno::kEFAULT;
    choose_port(process);
    std::vector<InterfaceView> const all = Network::of(system_).interfaces();
    for (size_t at = 0; at + sizeof(Header) <= request.size();) {
        Header header;
        memcpy(&header, request.data() + at, sizeof header);
        if (header.bytes < sizeof header || header.bytes > request.size() - at) break;
        std::string_view const body(request.data() + at + sizeof header, header.bytes - sizeof header);
        at += aligned(header.bytes);
        if (!(header.flags & kNLM_F_REQUEST) || header.type < kFirstControl) continue;
        if (answers_.size() >= kAnswersMax) return Errno::kENOBUFS;
        bool const is_dump = header.flags & kNLM_F_DUMP;
        Answer answer{header, port_, static_cast<uint16_t>(is_dump ? kNLM_F_MULTI : 0)};
        Errno const error = fill(answer, body, all, process);
        // Messages go together as far as they fit a small buffer.
        std::string packet;
        auto const flush = [&] {
            if (!packet.empty()) answers_.push_back(std::move(packet));
            packet.clear();
        };
        for (const std::string& part : answer.messages) {
            if (packet.size() + part.size() > kAnswerMost) flush();
            packet += part;
        }
        if (error != Errno::kOK || (!is_dump && header.flags & kNLM_F_ACK)) {
            struct {
                int32_t error;
                Header request;
            } const what{-static_cast<int32_t>(error), header};
            packet += Message(header, kNLMSG_ERROR, 0, port_, what).take();
        } else if (is_dump) {
            flush();
            packet = Message(header, kNLMSG_DONE, kNLM_F_MULTI, port_, int32_t{0}).take();
        }
        flush();
    }
    if (!answers_.empty()) queue_.wake(kPOLLIN | kPOLLRDNORM);
    return bytes;
}

Result<size_t> NetlinkSocket::receive(IoBuffer& to, SocketMessage& message, Process&) {
    uint32_t const asked = message.flags;
    message.flags = 0;
    message.address.clear();
    if (asked & kMSG_OOB) return Errno::kEOPNOTSUPP;
    if (answers_.empty()) return Errno::kEAGAIN;
    const std::string& first = answers_.front();
    size_t const bytes = first.size(), wanted = std::min(bytes, to.remaining());
    if (wanted) {
        KOS_TRY(size_t const moved, to.out(first.data(), wanted));
        if (moved < wanted) return Errno::kEFAULT;
    }
    if (wanted < bytes) message.flags |= kMSG_TRUNC;
    message.address = SocketAddress(view_of(Address{kAF_NETLINK, 0, 0, 0}));
    if (!(asked & kMSG_PEEK)) answers_.pop_front();
    return asked & kMSG_TRUNC ? bytes : wanted;
}

void NetlinkSocket::deliver(std::string packet) {
    if (answers_.size() >= kAnswersMax) return;
    answers_.push_back(std::move(packet));
    queue_.wake(kPOLLIN | kPOLLRDNORM);
}

uint32_t NetlinkSocket::poll() {
    return kPOLLOUT | kPOLLWRNORM | kPOLLWRBAND | (answers_.empty() ? 0 : kPOLLIN | kPOLLRDNORM);
}

Status NetlinkSocket::set_option(int level, int name, std::string_view value) {
    constexpr int kSOL_NETLINK = 270, kLastKnown = 12;
    if (level == kSOL_SOCKET) return set_common_option(name, value);
    // Groups that are never told anything, extended errors that are never given, strict checks that change nothing.
    if (level == kSOL_NETLINK && name >= 1 && name <= kLastKnown) {
        KOS_TRY([[maybe_unused]] int32_t const number, option_int(value));
        return {};
    }
    return Errno::kENOPROTOOPT;
}

Result<std::string> NetlinkSocket::option(int level, int name, size_t) {
    return level == kSOL_SOCKET ? common_option(name) : Errno::kENOPROTOOPT;
}

Result<int64_t> NetlinkSocket::ioctl(Call& call, uint32_t request, uint64_t argument) {
    return interface_ioctl(call, request, argument);
}

}  // namespace kos::lx
