// The Internet checksum's sum, eight bytes at a time.
#include <kos/net/lwip_port.h>

namespace {

template <typename T>
T load(const unsigned char* at) {
    T value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

}  // namespace

uint16_t kos_lwip_checksum(const void* data, int bytes) {
    const auto* at = static_cast<const unsigned char*>(data);
    size_t left = bytes > 0 ? static_cast<size_t>(bytes) : 0;
    // Two halves of 32 bits per load: 2^32 of them before a sum of 64 bits could overflow.
    uint64_t low = 0;
    uint64_t high = 0;
    for (; left >= 32; left -= 32, at += 32) {
        for (unsigned i = 0; i < 32; i += 8) {
            const auto word = load<uint64_t>(at + i);
            low += static_cast<uint32_t>(word);
            high += word >> 32;
        }
    }
    for (; left >= 4; left -= 4, at += 4) low += load<uint32_t>(at);
    if (left >= 2) {
        low += load<uint16_t>(at);
        at += 2;
        left -= 2;
    }
    // The last odd byte is the first of a word whose second is 0; the machine is little endian.
    if (left != 0) low += *at;
    uint64_t sum = (low & 0xffffffff) + (low >> 32) + (high & 0xffffffff) + (high >> 32);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
}
