/*
 * Initial sequence numbers of TCP (RFC 6528): a clock of 4 us plus a keyed hash of the connection's addresses and
 * ports, so that nobody off the path can guess them, and a new connection of the same addresses begins behind the last
 * one.
 */
#include "sequence.h"

#include <lwip/ip_addr.h>

#include "current.h"

namespace kos::net {
namespace {

uint64_t rotate(uint64_t value, unsigned bits) { return value << bits | value >> (64 - bits); }

struct State {
    uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = rotate(v1, 13) ^ v0;
        v0 = rotate(v0, 32);
        v2 += v3;
        v3 = rotate(v3, 16) ^ v2;
        v0 += v3;
        v3 = rotate(v3, 21) ^ v0;
        v2 += v1;
        v1 = rotate(v1, 17) ^ v2;
        v2 = rotate(v2, 32);
    }
    void word(uint64_t value) {
        v3 ^= value;
        round();
        round();
        v0 ^= value;
    }
};

}  // namespace

uint64_t siphash(const uint64_t (&key)[2], const void* bytes, size_t count) {
    State state{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
                key[1] ^ 0x7465646279746573};
    const auto* at = static_cast<const unsigned char*>(bytes);
    size_t left = count;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word = 0;
        __builtin_memcpy(&word, at, 8);
        state.word(word);
    }
    uint64_t last = uint64_t{count & 0xff} << 56;
    for (size_t i = 0; i < left; ++i) last |= uint64_t{at[i]} << (8 * i);
    state.word(last);
    state.v2 ^= 0xff;
    for (unsigned i = 0; i < 4; ++i) state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace kos::net

uint32_t kos_lwip_initial_sequence(const ip_addr_t* local, uint16_t local_port, const ip_addr_t* remote,
                                   uint16_t remote_port) {
    struct {
        uint32_t local[4], remote[4];
        uint16_t local_port, remote_port;
        uint32_t version;
    } connection{};
    const bool is_v6 = IP_IS_V6_VAL(*local);
    const size_t bytes = is_v6 ? 16 : 4;
    __builtin_memcpy(connection.local, is_v6 ? ip_2_ip6(local)->addr : &ip_2_ip4(local)->addr, bytes);
    __builtin_memcpy(connection.remote, is_v6 ? ip_2_ip6(remote)->addr : &ip_2_ip4(remote)->addr, bytes);
    connection.local_port = local_port;
    connection.remote_port = remote_port;
    connection.version = is_v6 ? 6 : 4;
    const uint64_t hash = kos::net::siphash(kos::net::current_key(), &connection, sizeof connection);
    return static_cast<uint32_t>(hash) + kos::net::current_surroundings().now_ms() * 250;
}
