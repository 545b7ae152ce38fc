/*
 * Addresses of both versions in one type, and numbers as they are on the wire. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_IP_H_
#define KOS_SERVICES_NETROUTER_IP_H_

#include <stddef.h>
#include <stdint.h>

namespace kos::netrouter {

// Numbers in network byte order, at any alignment.
inline uint16_t load16(const uint8_t* at) {
    uint16_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return __builtin_bswap16(value);
}
inline uint32_t load32(const uint8_t* at) {
    uint32_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}
inline uint64_t load64(const uint8_t* at) {
    uint64_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return __builtin_bswap64(value);
}
inline void store16(uint8_t* at, uint16_t value) {
    value = __builtin_bswap16(value);
    __builtin_memcpy(at, &value, sizeof value);
}
inline void store32(uint8_t* at, uint32_t value) {
    value = __builtin_bswap32(value);
    __builtin_memcpy(at, &value, sizeof value);
}
inline void store64(uint8_t* at, uint64_t value) {
    value = __builtin_bswap64(value);
    __builtin_memcpy(at, &value, sizeof value);
}

// An address. IPv4 in the mapped form ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), which no IPv6 packet may carry.
struct Ip {
    uint64_t high = 0;
    uint64_t low = 0;

    friend constexpr bool operator==(const Ip&, const Ip&) = default;
    constexpr bool is_none() const { return high == 0 && low == 0; }
    constexpr bool is_v4() const { return high == 0 && low >> 32 == 0xffff; }
    constexpr uint32_t v4() const { return static_cast<uint32_t>(low); }
};

constexpr Ip ip4(uint32_t address) { return {0, 0xffff00000000u | address}; }
constexpr Ip ip4(unsigned a, unsigned b, unsigned c, unsigned d) { return ip4(a << 24 | b << 16 | c << 8 | d); }
inline Ip load_ip4(const uint8_t* at) { return ip4(load32(at)); }
inline Ip load_ip6(const uint8_t* at) { return {load64(at), load64(at + 8)}; }
inline void store_ip6(uint8_t* at, const Ip& ip) {
    store64(at, ip.high);
    store64(at + 8, ip.low);
}

// Networks. `length`: bits of the prefix, of 128; an IPv4 network of n bits has 96 + n.
struct Prefix {
    Ip ip;
    uint8_t length = 0;
};

constexpr Ip mask_of(unsigned length) {
    const uint64_t high = length == 0 ? 0 : length >= 64 ? ~uint64_t{0} : ~uint64_t{0} << (64 - length);
    const uint64_t low = length <= 64 ? 0 : length >= 128 ? ~uint64_t{0} : ~uint64_t{0} << (128 - length);
    return {high, low};
}
constexpr bool contains(const Prefix& prefix, const Ip& ip) {
    const Ip mask = mask_of(prefix.length);
    return ((prefix.ip.high ^ ip.high) & mask.high) == 0 && ((prefix.ip.low ^ ip.low) & mask.low) == 0;
}
constexpr Prefix net4(const Ip& ip, unsigned bits) { return {ip, static_cast<uint8_t>(96 + bits)}; }

constexpr bool is_multicast(const Ip& ip) { return ip.is_v4() ? ip.v4() >> 28 == 0xe : ip.high >> 56 == 0xff; }
constexpr bool is_link_local(const Ip& ip) {
    return ip.is_v4() ? ip.v4() >> 16 == 0xa9fe : ip.high >> 54 == 0xfe80 >> 6;
}
// What no host on a network may have as its address: unspecified, loopback, multicast, reserved, broadcast; mapped
// addresses cannot appear, the parser refuses them.
constexpr bool is_host(const Ip& ip) {
    if (ip.is_v4()) {
        const uint32_t first = ip.v4() >> 24;
        return first != 0 && first != 127 && first < 224;
    }
    return !is_multicast(ip) && !(ip.high == 0 && ip.low >> 32 == 0);
}

// The networks of links (docs/manifest.md): 10.78.0.0/16, fd6b:6f73::/32.
constexpr Prefix kLinks4 = net4(ip4(10, 78, 0, 0), 16);
constexpr Prefix kLinks6 = {{0xfd6b6f7300000000u, 0}, 32};
constexpr bool is_of_links(const Ip& ip) { return contains(kLinks4, ip) || contains(kLinks6, ip); }

// Of an Ethernet device, in the low 48 bits.
struct Mac {
    uint64_t value = 0;

    friend constexpr bool operator==(const Mac&, const Mac&) = default;
    constexpr bool is_group() const { return (value >> 40 & 1) != 0; }
    constexpr bool is_none() const { return value == 0; }
};
constexpr Mac kBroadcast{0xffffffffffff};
inline Mac load_mac(const uint8_t* at) { return {uint64_t{load16(at)} << 32 | load32(at + 2)}; }
inline void store_mac(uint8_t* at, Mac mac) {
    store16(at, static_cast<uint16_t>(mac.value >> 32));
    store32(at + 2, static_cast<uint32_t>(mac.value));
}

// Numbers of protocols (IANA, "Protocol Numbers").
enum : uint8_t {
    kHopByHop = 0,
    kIcmp4 = 1,
    kTcp = 6,
    kUdp = 17,
    kRouting = 43,
    kFragment = 44,
    kIcmp6 = 58,
    kNoNext = 59,
    kOptions = 60
};

}  // namespace kos::netrouter

#endif
