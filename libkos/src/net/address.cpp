// Addresses: text, and lwIP's form of them.
#include <lwip/def.h>
#include <lwip/ip_addr.h>
#include <string.h>

#include "network.h"

namespace kos::net {

ip_addr_t to_lwip(const kos_net_address_t& address) {
    ip_addr_t result = *IP_ANY_TYPE;
    if (address.version == 4) {
        ip4_addr_t v4;
        memcpy(&v4.addr, address.bytes, 4);
        ip_addr_copy_from_ip4(result, v4);
    } else if (address.version == 6) {
        ip6_addr_t v6{};
        memcpy(v6.addr, address.bytes, 16);
        ip_addr_copy_from_ip6(result, v6);
    }
    return result;
}

kos_net_address_t from_lwip(const ip_addr_t& address, uint16_t port) {
    kos_net_address_t result{};
    result.port = port;
    if (IP_IS_V4_VAL(address)) {
        result.version = 4;
        memcpy(result.bytes, &ip_2_ip4(&address)->addr, 4);
    } else if (IP_IS_V6_VAL(address)) {
        result.version = 6;
        memcpy(result.bytes, ip_2_ip6(&address)->addr, 16);
    }
    return result;
}

bool is_valid(const kos_net_address_t& address, bool allows_any) {
    const bool is_any = address.version == 0;
    return address.reserved == 0 && (is_any ? allows_any : address.version == 4 || address.version == 6);
}

}  // namespace kos::net

kos_status_t kos_net_address_parse(const char* text, uint16_t port, kos_net_address_t* address) {
    ip4_addr_t v4;
    ip6_addr_t v6{};
    ip_addr_t parsed;
    // Its reading of IPv6 takes groups of any length.
    size_t digits = 0;
    size_t longest = 0;
    for (const char* at = text; *at != '\0'; ++at) {
        digits = *at == ':' || *at == '.' ? 0 : digits + 1;
        if (digits > longest) longest = digits;
    }
    // lwIP's reading of IPv4 takes "1", "0x7f.1" and what follows a blank: four decimal numbers it must be.
    size_t dots = 0;
    size_t others = 0;
    for (const char* at = text; *at != '\0'; ++at) {
        dots += *at == '.';
        others += *at != '.' && !(*at >= '0' && *at <= '9');
    }
    if (dots == 3 && others == 0 && strlen(text) <= 15 && ip4addr_aton(text, &v4) != 0) {
        ip_addr_copy_from_ip4(parsed, v4);
    } else if (strchr(text, ':') != nullptr && strspn(text, "0123456789abcdefABCDEF:.") == strlen(text) &&
               longest <= 4 && strlen(text) < IPADDR_STRLEN_MAX && ip6addr_aton(text, &v6) != 0) {
        ip_addr_copy_from_ip6(parsed, v6);
    } else {
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    *address = kos::net::from_lwip(parsed, port);
    return KOS_STATUS_OK;
}

void kos_net_address_format(const kos_net_address_t* address, char* text, size_t room) {
    char whole[KOS_NET_TEXT_BYTES] = "";
    size_t at = 0;
    const ip_addr_t value = kos::net::to_lwip(*address);
    const bool has_brackets = address->version == 6 && address->port != 0;
    if (has_brackets) whole[at++] = '[';
    if (address->version == 4 || address->version == 6) {
        if (ipaddr_ntoa_r(&value, whole + at, static_cast<int>(sizeof whole - at)) == nullptr) whole[at] = '\0';
    } else {
        whole[at++] = '*';
        whole[at] = '\0';
    }
    at = strlen(whole);
    if (has_brackets) whole[at++] = ']';
    if (address->port != 0) {
        whole[at++] = ':';
        char digits[5];
        size_t count = 0;
        for (unsigned left = address->port; left != 0; left /= 10) digits[count++] = static_cast<char>('0' + left % 10);
        while (count > 0) whole[at++] = digits[--count];
    }
    whole[at] = '\0';
    if (at >= room) at = room - 1;
    memcpy(text, whole, at);
    text[at] = '\0';
}
