// /proc/net: interfaces, addresses, routes, sockets.
#include "fs/proc/nodes.h"
#include "net/inet/interfaces.h"
#include "net/inet/socket.h"

#include <string.h>

namespace kos::lx::proc {

namespace {

using ulonglong = unsigned long long;

std::vector<InterfaceView> interfaces(const Subject& subject) { return Network::of(*subject.system).interfaces(); }

Text dev_text(const Subject& subject, Process&) {
    std::string text =
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
        "carrier compressed\n";
    for (const InterfaceView& view : interfaces(subject)) {
        const auto& of = view.counters;
        append(text, "%6s: %7llu %7llu %4llu %4llu    0     0          0         0 %8llu %7llu %4llu %4llu    0     0 ",
               view.name, static_cast<ulonglong>(of.received_bytes), static_cast<ulonglong>(of.received_packets),
               static_cast<ulonglong>(of.refused), static_cast<ulonglong>(of.no_memory),
               static_cast<ulonglong>(of.sent_bytes), static_cast<ulonglong>(of.sent_packets),
               static_cast<ulonglong>(of.lost), static_cast<ulonglong>(of.full));
        text += "      0          0\n";
    }
    return text;
}

// Lines of a table of fixed width.
void add_line(std::string& text, std::string line, size_t width) {
    if (line.size() < width) line.resize(width, ' ');
    text += line + "\n";
}

Text route_text(const Subject& subject, Process&) {
    constexpr size_t kWidth = 127;
    constexpr unsigned kUp = 1, kGateway = 2;
    std::string text;
    add_line(text, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT", kWidth);
    for (const InterfaceView& view : interfaces(subject)) {
        if (view.is_loopback || is_any(view.address4)) continue;
        uint32_t const gateway = ip4_addr_get_u32(netif_ip4_gw(view.lwip));
        uint32_t const mask = lwip_htonl(netmask_of(view.prefix4));
        uint32_t const network = ip4_addr_get_u32(ip_2_ip4(&view.address4)) & mask;
        auto const line = [&](uint32_t to, uint32_t through, unsigned flags, uint32_t of) {
            add_line(
                text,
                generated::format("%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0", view.name, to, through, flags, of),
                kWidth);
        };
        if (gateway) line(0, gateway, kUp | kGateway, 0);
        line(network, 0, kUp, mask);
    }
    return text;
}

Text if_inet6_text(const Subject& subject, Process&) {
    constexpr unsigned kHost = 0x10, kLink = 0x20, kPermanent = 0x80;
    std::string text;
    for (const InterfaceView& view : interfaces(subject)) {
        for (const ip_addr_t& address : view.addresses6) {
            for (char const byte : bytes_of_v6(address)) append(text, "%02x", static_cast<uint8_t>(byte));
            bool const is_link = ip6_addr_islinklocal(ip_2_ip6(&address));
            append(text, " %02x %02x %02x %02x %8s\n", static_cast<unsigned>(view.index), view.is_loopback ? 128u : 64u,
                   view.is_loopback ? kHost
                   : is_link        ? kLink
                                    : 0,
                   kPermanent, view.name);
        }
    }
    return text;
}

// As the kernel has them: words in the machine's order.
std::string name_of(const Endpoint& endpoint, int family) {
    std::string const bytes = family == kAF_INET                                     ? bytes_of_v4(endpoint.address)
                              : is_v6(endpoint.address) || !is_any(endpoint.address) ? bytes_of_v6(endpoint.address)
                                                                                     : std::string(16, '\0');
    std::string text;
    for (size_t at = 0; at < bytes.size(); at += sizeof(uint32_t)) {
        uint32_t word;
        memcpy(&word, bytes.data() + at, sizeof word);
        append(text, "%08X", word);
    }
    append(text, ":%04X", endpoint.port);
    return text;
}

constexpr char kHead4[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
constexpr char kHeadUdp4[] =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer "
    "drops";
constexpr char kHead6[] =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr "
    "tm->when retrnsmt   uid  timeout inode";
constexpr char kHeadUdp6[] =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr "
    "tm->when retrnsmt   uid  timeout inode ref pointer drops";

template <int Family, int Protocol, const char* Head, size_t Width>
Text sockets_text(const Subject& subject, Process&) {
    std::string text;
    add_line(text, Head, Width);
    Network* const network = Network::existing(*subject.system);
    if (!network) return text;
    unsigned number = 0;
    for (const InetSocket* const socket : network->sockets) {
        if (socket->family() != Family || socket->transport() != Protocol) continue;
        InetSocket::Line const line = socket->line();
        if (line.local.port == 0) continue;
        const Attributes& status = socket->status();
        std::string entry =
            generated::format("%4u: %s %s %02X %08llX:%08llX 00:00000000 00000000 %5u        0 %llu %u", number++,
                              name_of(line.local, Family).c_str(), name_of(line.remote, Family).c_str(), line.state,
                              static_cast<ulonglong>(line.to_send), static_cast<ulonglong>(line.to_receive), status.uid,
                              static_cast<ulonglong>(status.inode), socket->references());
        entry += Protocol == kIPPROTO_UDP ? " 0000000000000000 0" : " 0000000000000000 100 0 0 10 0";
        add_line(text, entry, Width);
    }
    return text;
}

Text unix_text(const Subject&, Process&) {
    return std::string("Num       RefCount Protocol Flags    Type St Inode Path\n");
}

constexpr Node kNetwork[] = {
    {"dev", kFile, dev_text},
    {"if_inet6", kFile, if_inet6_text},
    {"route", kFile, route_text},
    {"tcp", kFile, sockets_text<kAF_INET, kIPPROTO_TCP, kHead4, 149>},
    {"tcp6", kFile, sockets_text<kAF_INET6, kIPPROTO_TCP, kHead6, 0>},
    {"udp", kFile, sockets_text<kAF_INET, kIPPROTO_UDP, kHeadUdp4, 127>},
    {"udp6", kFile, sockets_text<kAF_INET6, kIPPROTO_UDP, kHeadUdp6, 0>},
    {"unix", kFile, unix_text},
};

}  // namespace

const std::span<const Node> kNetworkNodes = kNetwork;

}  // namespace kos::lx::proc
