// See addresses.h.
#include "addresses.h"

#include <arpa/inet.h>

#include <algorithm>

namespace kos::compiler {
namespace {

constexpr size_t kMaxHostBytes = 253, kMaxLabelBytes = 63;  // RFC 1035, 2.3.4

bool bit_of(const Address& address, uint32_t bit) { return (address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0; }

bool starts_alike(const Address& one, const Address& two, uint32_t bits) {
    for (uint32_t bit = 0; bit < bits; ++bit) {
        if (bit_of(one, bit) != bit_of(two, bit)) {
            return false;
        }
    }
    return one.is_v6 == two.is_v6;
}

}  // namespace

bool Subnet::contains(const Address& other) const { return starts_alike(address, other, prefix); }

bool Subnet::overlaps(const Subnet& other) const {
    return starts_alike(address, other.address, std::min(prefix, other.prefix));
}

std::optional<Address> parse_address(const std::string& text) {
    Address address;
    if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
        return address;
    }
    address.is_v6 = true;
    if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
        return address;
    }
    return std::nullopt;
}

std::optional<Subnet> parse_subnet(const std::string& text) {
    const size_t slash = text.find('/');
    const std::optional<Address> address = parse_address(text.substr(0, slash));
    if (!address) {
        return std::nullopt;
    }
    if (slash == std::string::npos) {
        return Subnet{*address, address->bits()};
    }
    const std::string length = text.substr(slash + 1);
    const bool is_number = !length.empty() && length.size() <= 3 &&
                           std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number || std::stoul(length) > address->bits()) {
        return std::nullopt;
    }
    return Subnet{*address, static_cast<uint32_t>(std::stoul(length))};
}

Subnet without_host_bits(const Subnet& subnet) {
    Subnet result = subnet;
    for (uint32_t bit = subnet.prefix; bit < subnet.address.bits(); ++bit) {
        result.address.bytes[bit / 8] = static_cast<uint8_t>(result.address.bytes[bit / 8] & ~(0x80u >> bit % 8));
    }
    return result;
}

std::string address_text(const Address& address) {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof(text));
    return text;
}

std::string subnet_text(const Subnet& subnet) {
    return address_text(subnet.address) + "/" + std::to_string(subnet.prefix);
}

std::vector<uint64_t> address_cells(const Address& address) {
    std::vector<uint64_t> cells;
    for (uint32_t byte = 0; byte < address.bits() / 8; byte += 4) {
        uint64_t cell = 0;
        for (uint32_t i = 0; i < 4; ++i) {
            cell = cell << 8 | address.bytes[byte + i];
        }
        cells.push_back(cell);
    }
    return cells;
}

bool looks_like_address(const std::string& text) {
    return text.find_first_of(":/") != std::string::npos || text.find_first_not_of("0123456789.") == std::string::npos;
}

bool is_host_name(const std::string& text) {
    if (text.empty() || text.size() > kMaxHostBytes) {
        return false;
    }
    size_t label = 0;
    for (const char c : text) {
        if (c == '.') {
            if (label == 0) {
                return false;
            }
            label = 0;
            continue;
        }
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!good || ++label > kMaxLabelBytes) {
            return false;
        }
    }
    return label != 0;
}

}  // namespace kos::compiler
