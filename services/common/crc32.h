/*
 * CRC-32 (the one of IEEE 802.3, reflected, 0xedb88320): tells torn and stale records in memory that survives restarts
 * from whole ones. No protection against anyone who wants to deceive; nobody but its owner writes that memory.
 */
#ifndef KOS_SERVICES_COMMON_CRC32_H_
#define KOS_SERVICES_COMMON_CRC32_H_

#include <stddef.h>
#include <stdint.h>

namespace kos::service {

// Goes on with `crc`, the result for the bytes before; 0 at first.
inline uint32_t crc32(const void* bytes, size_t size_bytes, uint32_t crc = 0) {
    // By half bytes: a table of 64 bytes stays in the cache.
    static constexpr uint32_t kTable[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                            0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                            0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const auto* at = static_cast<const uint8_t*>(bytes);
    crc = ~crc;
    for (size_t i = 0; i < size_bytes; ++i) {
        crc ^= at[i];
        crc = (crc >> 4) ^ kTable[crc & 15];
        crc = (crc >> 4) ^ kTable[crc & 15];
    }
    return ~crc;
}

}  // namespace kos::service

#endif
