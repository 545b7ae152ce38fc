// IPv4 and IPv6 addresses and networks as text and as bytes.
#ifndef KOS_TOOLS_MANIFEST_ADDRESSES_H_
#define KOS_TOOLS_MANIFEST_ADDRESSES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kos::compiler {

// In network byte order; an IPv4 address is in the first 4 bytes.
struct Address {
    std::array<uint8_t, 16> bytes{};
    bool is_v6 = false;

    uint32_t bits() const { return is_v6 ? 128 : 32; }
    bool operator==(const Address&) const = default;
};

struct Subnet {
    Address address;
    uint32_t prefix = 0;

    bool contains(const Address& other) const;
    bool overlaps(const Subnet& other) const;
};

// "10.0.2.15", "fd00::1"; nothing else.
std::optional<Address> parse_address(const std::string& text);
// "10.0.2.0/24". A text without "/N" is a network of one address.
std::optional<Subnet> parse_subnet(const std::string& text);
// The same network with all bits behind its prefix cleared.
Subnet without_host_bits(const Subnet& subnet);
std::string address_text(const Address& address);
std::string subnet_text(const Subnet& subnet);
// Big-endian cells: one of an IPv4 address, four of an IPv6 address.
std::vector<uint64_t> address_cells(const Address& address);
// Whether the text can only be meant as an address: digits and dots, or a colon.
bool looks_like_address(const std::string& text);
// A host's name as RFC 1123 has it, underscores allowed, in lower case and without a final dot.
bool is_host_name(const std::string& text);

}  // namespace kos::compiler

#endif
