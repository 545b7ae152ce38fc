// Messages of UDP and raw sockets.
#include "net/inet/datagram.h"

#include "task/process.h"

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

// Types of control data (ip(7), ipv6(7)).
constexpr int kIP_TOS = 1, kIP_TTL = 2, kIP_PKTINFO = 8, kIPV6_PKTINFO = 50, kIPV6_HOPLIMIT = 52, kIPV6_TCLASS = 67;
constexpr unsigned kTimevalBytes = 16;

struct PacketInfo4 {  // struct in_pktinfo
    int32_t interface;
    uint32_t local, destination;
};
struct PacketInfo6 {  // struct in6_pktinfo
    uint32_t address[4];
    int32_t interface;
};

template <class T>
std::string bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
Result<T> read_as(const std::string& data) {
    T value;
    if (data.size() < sizeof value) return Errno::kEINVAL;
    memcpy(&value, data.data(), sizeof value);
    return value;
}

Result<uint8_t> read_byte(const std::string& data, bool may_be_default, uint8_t initial) {
    if (data.size() == 1) return static_cast<uint8_t>(data[0]);
    KOS_TRY(int32_t const number, read_as<int32_t>(data));
    if (number == -1 && may_be_default) return initial;
    if (number < 0 || number > 255) return Errno::kEINVAL;
    return static_cast<uint8_t>(number);
}

}  // namespace

DatagramSocket::~DatagramSocket() {
    while (!messages_.empty()) pop();
    drained(false);
}

// --- Names

Status DatagramSocket::connect(const SocketAddress& address, Process&) {
    if (family_of(address) == kAF_UNSPEC && address.size() >= sizeof(uint16_t)) {
        KOS_TRY_STATUS(connect_block(nullptr));
        has_remote_ = false;
        remote_ = {any_address(family_), 0};
        if (std::exchange(has_chosen_address_, false)) local_.address = any_address(family_);
        return {};
    }
    KOS_TRY(Endpoint to, read_endpoint(address, family_));
    KOS_TRY_STATUS(check_destination(to));
    if (!may_broadcast_ && !is_v6(to.address) && ip4_addr_get_u32(ip_2_ip4(&to.address)) == IPADDR_BROADCAST) {
        return Errno::kEACCES;
    }
    ip_addr_t const source = Network::source_for(to.address);
    if (is_any(source)) return Errno::kENETUNREACH;
    KOS_TRY_STATUS(connect_block(&to));
    has_remote_ = true;
    remote_ = to;
    if (is_any(local_.address) || has_chosen_address_) {
        local_.address = source;
        has_chosen_address_ = true;
    }
    return {};
}

Status DatagramSocket::shutdown(int how) {
    if (how < 0 || how > 2) return Errno::kEINVAL;
    // Linux does it nevertheless.
    if (how != 1) is_receive_shut_ = true;
    if (how != 0) is_send_shut_ = true;
    wake(kReadable | kWritable | kPOLLRDHUP | kPOLLHUP);
    return has_remote_ ? Status() : Status(Errno::kENOTCONN);
}

// --- Sending

Status DatagramSocket::read_control(const SocketMessage& message, Manner& manner) const {
    for (const ControlMessage& control : message.control) {
        if (control.level == kSOL_SOCKET) return Errno::kEINVAL;
        if (control.level == kIPPROTO_IP && control.type == kIP_PKTINFO) {
            KOS_TRY(auto const info, read_as<PacketInfo4>(control.data));
            manner.interface = info.interface;
            if (info.local) ip_addr_set_ip4_u32_val(manner.source, info.local);
        } else if (control.level == kIPPROTO_IPV6 && control.type == kIPV6_PKTINFO) {
            KOS_TRY(auto const info, read_as<PacketInfo6>(control.data));
            manner.interface = info.interface;
            IP_SET_TYPE_VAL(manner.source, IPADDR_TYPE_V6);
            memcpy(ip_2_ip6(&manner.source)->addr, info.address, sizeof info.address);
        } else if (control.level == kIPPROTO_IP && control.type == kIP_TTL) {
            KOS_TRY(manner.ttl, read_byte(control.data, false, 0));
            if (manner.ttl == 0) return Errno::kEINVAL;
        } else if (control.level == kIPPROTO_IP && control.type == kIP_TOS) {
            KOS_TRY(manner.tos, read_byte(control.data, false, 0));
        } else if (control.level == kIPPROTO_IPV6 && control.type == kIPV6_HOPLIMIT) {
            KOS_TRY(manner.ttl, read_byte(control.data, true, manner.ttl));
        } else if (control.level == kIPPROTO_IPV6 && control.type == kIPV6_TCLASS) {
            KOS_TRY(manner.tos, read_byte(control.data, true, manner.tos));
        } else if (control.level == kIPPROTO_IP || control.level == kIPPROTO_IPV6) {
            return Errno::kEINVAL;
        }
    }
    if (manner.interface && !Network::find(manner.interface)) return Errno::kENODEV;
    if (!is_any(manner.source) && !Network::is_local(manner.source)) return Errno::kEINVAL;
    return {};
}

Result<size_t> DatagramSocket::send(IoBuffer& from, SocketMessage& message, Process&) {
    if (message.flags & kMSG_OOB) return Errno::kEOPNOTSUPP;
    Manner manner;
    if (!message.address.empty()) {
        if (family_ == kAF_INET && family_of(message.address) == kAF_UNSPEC &&
            message.address.size() >= kAddress4Bytes) {
            message.address[0] = static_cast<char>(kAF_INET);  // ip(7)
        }
        KOS_TRY(manner.to, read_endpoint(message.address, family_));
        KOS_TRY_STATUS(check_destination(manner.to));
    } else if (has_remote_) {
        manner.to = remote_;
    } else {
        return Errno::kEDESTADDRREQ;
    }
    KOS_TRY_STATUS(check_send(manner.to));
    if (error_ != Errno::kOK) return take_error();
    if (is_send_shut_) return Errno::kEPIPE;
    manner.ttl = ttl_for(manner.to.address);
    manner.tos = tos_for(manner.to.address);
    KOS_TRY_STATUS(read_control(message, manner));
    size_t const bytes = from.remaining();
    if (bytes > bytes_most(manner.to)) return Errno::kEMSGSIZE;
    pbuf* const packet = make_packet(bytes);
    if (!packet) return Errno::kENOBUFS;
    Status status;
    if (bytes) {
        // The header that lwIP puts in front has room there already.
        auto const copied = from.in(packet->payload, bytes);
        status = !copied.ok() ? copied.error() : *copied == bytes ? Errno::kOK : Errno::kEFAULT;
    }
    if (status.ok()) status = transmit(packet, manner);
    pbuf_free(packet);
    network_.sent();
    if (!status.ok()) return status.error();
    return bytes;
}

// --- Receiving

size_t DatagramSocket::charge(const Message& message) const { return message.packet->tot_len + kOverhead; }

void DatagramSocket::received(pbuf* packet, const Endpoint& from) {
    Message message{packet, from, plain(*ip_current_dest_addr()),     Network::index_of(*ip_current_input_netif()),
                    0,      0,    network_.system().timers.realtime()};
    if (ip_current_is_v6()) {
        const ip6_hdr* const header = ip6_current_header();
        message.ttl = IP6H_HOPLIM(header);
        message.tos = static_cast<uint8_t>(IP6H_TC(header));
    } else {
        message.ttl = IPH_TTL(ip4_current_header());
        message.tos = IPH_TOS(ip4_current_header());
    }
    if (queued_ + charge(message) > receive_buffer_ || is_receive_shut_) {
        pbuf_free(packet);
        return drop();
    }
    queued_ += charge(message);
    messages_.push_back(message);
    wake(kReadable);
}

void DatagramSocket::drop() {
    ++dropped_;
    // What the domain sends to itself has cost its sender's time.
    if (!network_.is_taking()) return;
    bool const can_drain = queued_ > receive_buffer_ / 2;
    if (can_drain && !std::exchange(is_full_, true)) network_.became_full();
    network_.dropped();
}

void DatagramSocket::pop() {
    queued_ -= charge(messages_.front());
    pbuf_free(messages_.front().packet);
    messages_.pop_front();
}

void DatagramSocket::drained(bool at_once) {
    if (queued_ <= receive_buffer_ / 2 && std::exchange(is_full_, false)) network_.drained(at_once);
}

std::vector<ControlMessage> DatagramSocket::control_of(const Message& message) const {
    std::vector<ControlMessage> all;
    auto const add = [&all](int level, int type, std::string data) {
        all.push_back({level, type, std::move(data), {}});
    };
    if (kept_options_ >> kSO_TIMESTAMP & 1 || kept_options_ >> kSO_TIMESTAMPNS & 1) {
        bool const is_micro = kept_options_ >> kSO_TIMESTAMP & 1;
        int64_t const part = message.at % 1'000'000'000;
        int64_t const time[2] = {message.at / 1'000'000'000, is_micro ? part / 1000 : part};
        static_assert(sizeof time == kTimevalBytes);
        add(kSOL_SOCKET, is_micro ? kSO_TIMESTAMP : kSO_TIMESTAMPNS, bytes_of(time));
    }
    bool const is_4 = !is_v6(message.from.address);
    if (is_4) {
        if (is_on(Option::kPacketInfo)) {
            uint32_t const to = ip4_addr_get_u32(ip_2_ip4(&message.to));
            add(kIPPROTO_IP, kIP_PKTINFO, bytes_of(PacketInfo4{message.interface, to, to}));
        }
        if (is_on(Option::kReceiveTtl)) add(kIPPROTO_IP, kIP_TTL, int_option(message.ttl));
        if (is_on(Option::kReceiveTos)) add(kIPPROTO_IP, kIP_TOS, std::string(1, static_cast<char>(message.tos)));
    }
    if (family_ != kAF_INET6) return all;
    if (is_on(Option::kPacketInfo6)) {
        PacketInfo6 info{};
        memcpy(info.address, bytes_of_v6(message.to).data(), sizeof info.address);
        info.interface = message.interface;
        add(kIPPROTO_IPV6, kIPV6_PKTINFO, bytes_of(info));
    }
    if (is_on(Option::kReceiveHops)) add(kIPPROTO_IPV6, kIPV6_HOPLIMIT, int_option(message.ttl));
    if (is_on(Option::kReceiveClass)) add(kIPPROTO_IPV6, kIPV6_TCLASS, int_option(message.tos));
    return all;
}

Result<size_t> DatagramSocket::receive(IoBuffer& to, SocketMessage& message, Process&) {
    uint32_t const asked = message.flags;
    message.flags = 0;
    message.address.clear();
    if (asked & kMSG_OOB) return Errno::kEOPNOTSUPP;
    if (asked & kMSG_ERRQUEUE) return Errno::kEAGAIN;
    if (error_ != Errno::kOK) return take_error();
    if (messages_.empty()) return is_receive_shut_ ? Result<size_t>(size_t{0}) : Errno::kEAGAIN;
    const Message& first = messages_.front();
    size_t const bytes = first.packet->tot_len;
    size_t done = 0;
    for (const pbuf* piece = first.packet; piece && to.remaining(); piece = piece->next) {
        size_t const wanted = std::min<size_t>(piece->len, to.remaining());
        if (wanted == 0) continue;
        KOS_TRY(size_t const moved, to.out(piece->payload, wanted));
        if (moved < wanted) return Errno::kEFAULT;
        done += moved;
    }
    write_endpoint(first.from, family_, message.address);
    message.control = control_of(first);
    if (done < bytes) message.flags |= kMSG_TRUNC;
    if (!(asked & kMSG_PEEK)) {
        pop();
        drained(true);
    }
    return asked & kMSG_TRUNC ? bytes : done;
}

uint64_t DatagramSocket::receive_bytes() const { return messages_.empty() ? 0 : messages_.front().packet->tot_len; }

uint32_t DatagramSocket::poll() {
    uint32_t events = kWritable;
    if (error_ != Errno::kOK) events |= kPOLLERR;
    if (!messages_.empty() || is_receive_shut_) events |= kReadable;
    if (is_receive_shut_) events |= kPOLLRDHUP;
    if (is_receive_shut_ && is_send_shut_) events |= kPOLLHUP;
    return events;
}

void DatagramSocket::unreachable(const kos::net::Unreachable& what) {
    if (!has_sent(what)) return;
    bool const is_v4 = !IP_IS_V6_VAL(what.remote);
    bool const wants_all = is_on(is_v4 ? Option::kReceiveError : Option::kReceiveError6);
    // Without a connection only who asks for errors gets them.
    if (!wants_all && !has_remote_) return;
    // What may be different a moment later is no error of a connection; a port or a permission is (tried on Linux).
    if (!wants_all && !what.is_port && !what.is_forbidden) return;
    Errno const no_way = what.is_forbidden && !is_v4 ? Errno::kEACCES : Errno::kEHOSTUNREACH;
    error_ = what.is_port ? Errno::kECONNREFUSED : no_way;
    wake(kReadable | kWritable | kPOLLERR);
}

InetSocket::Line DatagramSocket::line() const {
    constexpr unsigned kEstablished = 1, kClosed = 7;
    return {local_, remote_, has_remote_ ? kEstablished : kClosed, 0, queued_};
}

}  // namespace kos::lx
