/*
 * ICMP's and ICMPv6's "destination unreachable": lwIP ignores them, so a raw control block takes them apart. A
 * connection that is being set up fails at once instead of after two minutes; of other protocols the stack's owner is
 * told.
 */
#include <kos/net/stack.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/raw.h>

#include <optional>

namespace kos::net {
namespace {

constexpr size_t kIcmpHeader = 8;
// Of the transport header inside, all that every router must quote.
constexpr size_t kQuoted = 8;

uint16_t be16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
uint32_t be32(const uint8_t* at) { return uint32_t{be16(at)} << 16 | be16(at + 2); }

// Packets to oneself have no checksums.
bool is_summed(uint16_t check) { return (ip_current_input_netif()->chksum_flags & check) != 0; }

struct Quote {
    Unreachable what;
    uint32_t tcp_sequence;
};

void read_transport(const uint8_t* at, Quote* quote) {
    if (quote->what.protocol != IP_PROTO_TCP && quote->what.protocol != IP_PROTO_UDP) return;
    quote->what.local_port = be16(at);
    quote->what.remote_port = be16(at + 2);
    quote->tcp_sequence = be32(at + 4);
}

// `packet` begins with the IP header of the error. lwIP has checked that header.
std::optional<Quote> read4(pbuf* packet) {
    uint8_t bytes[60 + kIcmpHeader + 60 + kQuoted];
    const size_t count = pbuf_copy_partial(packet, bytes, sizeof bytes, 0);
    if (count < IP_HLEN) return {};
    const size_t outer = size_t{bytes[0] & 0xfu} * 4;
    const size_t inner = outer + kIcmpHeader;
    if (outer < IP_HLEN || count < inner + IP_HLEN + kQuoted || bytes[outer] != ICMP_DUR) return {};
    const uint8_t code = bytes[outer + 1];
    if (code > 15 || code == ICMP_DUR_FRAG) return {};
    const uint8_t* const header = bytes + inner;
    const size_t header_bytes = size_t{header[0] & 0xfu} * 4;
    const bool is_first_fragment = (be16(header + 6) & IP_OFFMASK) == 0;
    if (header[0] >> 4 != 4 || header_bytes < IP_HLEN || !is_first_fragment || count < inner + header_bytes + kQuoted ||
        pbuf_remove_header(packet, outer) != 0) {
        return {};
    }
    const bool is_intact = !is_summed(NETIF_CHECKSUM_CHECK_ICMP) || inet_chksum_pbuf(packet) == 0;
    pbuf_add_header(packet, outer);
    if (!is_intact) return {};
    Quote quote{};
    quote.what.is_port = code == ICMP_DUR_PORT;
    quote.what.is_forbidden = code == 9 || code == 10 || code == 13;
    quote.what.protocol = header[9];
    ip4_addr_t address;
    __builtin_memcpy(&address.addr, header + 12, 4);
    ip_addr_copy_from_ip4(quote.what.local, address);
    __builtin_memcpy(&address.addr, header + 16, 4);
    ip_addr_copy_from_ip4(quote.what.remote, address);
    read_transport(header + header_bytes, &quote);
    return quote;
}

// Without extension headers, in both: errors about fragments are not worth more.
std::optional<Quote> read6(pbuf* packet) {
    constexpr size_t kInner = IP6_HLEN + kIcmpHeader;
    uint8_t bytes[kInner + IP6_HLEN + kQuoted];
    if (pbuf_copy_partial(packet, bytes, sizeof bytes, 0) != sizeof bytes) return {};
    const uint8_t* const header = bytes + kInner;
    if (bytes[6] != IP6_NEXTH_ICMP6 || bytes[IP6_HLEN] != ICMP6_TYPE_DUR || header[0] >> 4 != 6) return {};
    ip6_addr_t from{};
    ip6_addr_t to{};
    __builtin_memcpy(from.addr, bytes + 8, 16);
    __builtin_memcpy(to.addr, bytes + 24, 16);
    if (pbuf_remove_header(packet, IP6_HLEN) != 0) return {};
    const bool is_intact = !is_summed(NETIF_CHECKSUM_CHECK_ICMP6) ||
                           ip6_chksum_pseudo(packet, IP6_NEXTH_ICMP6, packet->tot_len, &from, &to) == 0;
    pbuf_add_header(packet, IP6_HLEN);
    if (!is_intact) return {};
    Quote quote{};
    const uint8_t code = bytes[IP6_HLEN + 1];
    quote.what.is_port = code == ICMP6_DUR_PORT;
    quote.what.is_forbidden = code == 1 || code == 5 || code == 6;
    quote.what.protocol = header[6];
    ip6_addr_t address{};
    __builtin_memcpy(address.addr, header + 8, 16);
    ip_addr_copy_from_ip6(quote.what.local, address);
    __builtin_memcpy(address.addr, header + 24, 16);
    ip_addr_copy_from_ip6(quote.what.remote, address);
    read_transport(header + IP6_HLEN, &quote);
    return quote;
}

}  // namespace

uint8_t Stack::receive_icmp(void* self, raw_pcb*, pbuf* packet, const ip_addr_t* from) {
    const std::optional<Quote> quote = IP_IS_V6(from) ? read6(packet) : read4(packet);
    if (quote) static_cast<Stack*>(self)->icmp_error(quote->what, quote->tcp_sequence);
    return 0;  // lwIP goes on with it
}

void Stack::icmp_error(const Unreachable& what, uint32_t tcp_sequence) {
    if (what.protocol != IP_PROTO_TCP) {
        surroundings_.unreachable(what);
        return;
    }
    for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
        if (pcb->local_port != what.local_port || pcb->remote_port != what.remote_port ||
            !ip_addr_cmp(&pcb->remote_ip, &what.remote) || !ip_addr_cmp(&pcb->local_ip, &what.local)) {
            continue;
        }
        // An established connection is not given up for it (RFC 5461).
        if (pcb->state != SYN_SENT || pcb->lastack != tcp_sequence) return;
        const tcp_err_fn on_error = pcb->errf;
        void* const argument = pcb->callback_arg;
        pcb->errf = nullptr;
        tcp_abandon(pcb, 0);
        if (on_error != nullptr) on_error(argument, what.is_port ? ERR_RST : ERR_RTE);
        return;
    }
}

}  // namespace kos::net
