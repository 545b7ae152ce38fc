// What lwIP does not read in the options of a TCP segment.
#include <kos/net/lwip_port.h>

int kos_lwip_tells_gap(const uint8_t* first, uint16_t first_bytes, const uint8_t* rest, uint16_t bytes) {
    constexpr uint8_t kEnd = 0;
    constexpr uint8_t kNothing = 1;
    constexpr uint8_t kSack = 5;
    const auto at = [&](size_t i) { return i < first_bytes ? first[i] : rest[i - first_bytes]; };
    for (size_t i = 0; i < bytes;) {
        const uint8_t kind = at(i);
        if (kind == kEnd) return 0;
        if (kind == kNothing) {
            ++i;
            continue;
        }
        if (i + 1 >= bytes) return 0;
        const uint8_t length = at(i + 1);
        if (length < 2 || i + length > bytes) return 0;
        // A header of two bytes and at least one block.
        if (kind == kSack) return length >= 10;
        i += length;
    }
    return 0;
}
