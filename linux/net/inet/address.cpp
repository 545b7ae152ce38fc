// Addresses in and out.
#include "net/inet/address.h"

#include <lwip/def.h>
#include <string.h>

namespace kos::lx {

namespace {

struct Address4 {  // struct sockaddr_in
    uint16_t family, port;
    uint32_t address;
    uint8_t zero[8];
};
static_assert(sizeof(Address4) == kAddress4Bytes);

struct Address6 {  // struct sockaddr_in6
    uint16_t family, port;
    uint32_t flow;
    uint32_t address[4];
    uint32_t scope;
};
static_assert(sizeof(Address6) == kAddress6Bytes);

template <class T>
std::string bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
void store(const T& value, SocketAddress& to) {
    to.assign(reinterpret_cast<const char*>(&value), sizeof value);
}

void set_v4(ip_addr_t& to, uint32_t network_order) { ip_addr_set_ip4_u32_val(to, network_order); }

}  // namespace

int family_of(const SocketAddress& address) {
    uint16_t family = kAF_UNSPEC;
    if (address.size() >= sizeof family) memcpy(&family, address.data(), sizeof family);
    return family;
}

Result<Endpoint> read_endpoint(const SocketAddress& address, int family) {
    if (address.size() < sizeof(uint16_t)) return Errno::kEINVAL;
    Endpoint endpoint;
    if (family == kAF_INET) {
        if (address.size() < kAddress4Bytes) return Errno::kEINVAL;
        if (family_of(address) != kAF_INET) return Errno::kEAFNOSUPPORT;
        Address4 value;
        memcpy(&value, address.data(), sizeof value);
        endpoint.port = lwip_ntohs(value.port);
        set_v4(endpoint.address, value.address);
        return endpoint;
    }
    if (address.size() < kAddress6Least) return Errno::kEINVAL;
    if (family_of(address) != kAF_INET6) return Errno::kEAFNOSUPPORT;
    Address6 value{};
    memcpy(&value, address.data(), address.size() < sizeof value ? address.size() : sizeof value);
    endpoint.port = lwip_ntohs(value.port);
    constexpr uint32_t kMapped = PP_HTONL(0xffff);
    if (value.address[0] == 0 && value.address[1] == 0 && value.address[2] == kMapped) {
        set_v4(endpoint.address, value.address[3]);
        return endpoint;
    }
    IP_SET_TYPE_VAL(endpoint.address, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(&endpoint.address)->addr, value.address, sizeof value.address);
    return endpoint;
}

SocketAddress write_endpoint(const Endpoint& endpoint, int family) {
    SocketAddress address;
    write_endpoint(endpoint, family, address);
    return address;
}

void write_endpoint(const Endpoint& endpoint, int family, SocketAddress& to) {
    if (family == kAF_INET) {
        Address4 value{};
        value.family = kAF_INET;
        value.port = lwip_htons(endpoint.port);
        if (!is_v6(endpoint.address)) value.address = ip4_addr_get_u32(ip_2_ip4(&endpoint.address));
        return store(value, to);
    }
    Address6 value{};
    value.family = kAF_INET6;
    value.port = lwip_htons(endpoint.port);
    // The unspecified IPv4 address is that of an IPv6 socket that nobody has bound.
    if (is_v6(endpoint.address) || !is_any(endpoint.address)) {
        memcpy(value.address, bytes_of_v6(endpoint.address).data(), sizeof value.address);
    }
    store(value, to);
}

uint32_t scope_of(const SocketAddress& address) {
    Address6 value{};
    if (address.size() >= sizeof value) memcpy(&value, address.data(), sizeof value);
    return value.scope;
}

ip_addr_t any_address(int family) {
    ip_addr_t address{};
    IP_SET_TYPE_VAL(address, family == kAF_INET6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
    return address;
}

ip_addr_t loopback_address(bool is_v6) {
    ip_addr_t address{};
    if (is_v6) {
        IP_SET_TYPE_VAL(address, IPADDR_TYPE_V6);
        ip6_addr_set_loopback(ip_2_ip6(&address));
    } else {
        set_v4(address, PP_HTONL(IPADDR_LOOPBACK));
    }
    return address;
}

bool is_broadcast(const ip_addr_t& address) {
    if (is_v6(address)) return false;
    constexpr uint32_t kOfLoopback = PP_HTONL(0x7fffffff);
    uint32_t const value = ip4_addr_get_u32(ip_2_ip4(&address));
    return value == IPADDR_BROADCAST || value == kOfLoopback;
}

bool is_link_local(const ip_addr_t& address) { return is_v6(address) && ip6_addr_islinklocal(ip_2_ip6(&address)); }

bool is_same(const ip_addr_t& a, const ip_addr_t& b) {
    if (is_v6(a) != is_v6(b)) return false;
    if (!is_v6(a)) return ip4_addr_cmp(ip_2_ip4(&a), ip_2_ip4(&b));
    return memcmp(ip_2_ip6(&a)->addr, ip_2_ip6(&b)->addr, sizeof ip_2_ip6(&a)->addr) == 0;
}

ip_addr_t plain(const ip_addr_t& address) {
    ip_addr_t copy = address;
    if (IP_GET_TYPE(&copy) == IPADDR_TYPE_ANY) IP_SET_TYPE_VAL(copy, IPADDR_TYPE_V6);
    return copy;
}

std::string bytes_of_v6(const ip_addr_t& address) {
    uint32_t words[4] = {};
    if (is_v6(address)) {
        memcpy(words, ip_2_ip6(&address)->addr, sizeof words);
    } else {
        words[2] = PP_HTONL(0xffff);
        words[3] = ip4_addr_get_u32(ip_2_ip4(&address));
    }
    return bytes_of(words);
}

std::string bytes_of_v4(const ip_addr_t& address) {
    uint32_t const word = is_v6(address) ? 0 : ip4_addr_get_u32(ip_2_ip4(&address));
    return bytes_of(word);
}

Errno errno_of(err_t error) {
    switch (error) {
        case ERR_OK:
        case ERR_CLSD: return Errno::kOK;  // the connection has ended as it should
        case ERR_MEM: return Errno::kENOBUFS;
        case ERR_BUF: return Errno::kEADDRNOTAVAIL;  // no port is left
        case ERR_TIMEOUT:
        case ERR_ABRT: return Errno::kETIMEDOUT;  // nobody has answered
        case ERR_RTE: return Errno::kENETUNREACH;
        case ERR_INPROGRESS: return Errno::kEINPROGRESS;
        case ERR_WOULDBLOCK: return Errno::kEAGAIN;
        case ERR_USE: return Errno::kEADDRINUSE;
        case ERR_ALREADY: return Errno::kEALREADY;
        case ERR_ISCONN: return Errno::kEISCONN;
        case ERR_CONN: return Errno::kENOTCONN;
        case ERR_IF: return Errno::kENETDOWN;
        case ERR_RST: return Errno::kECONNRESET;
        default: return Errno::kEINVAL;
    }
}

}  // namespace kos::lx
