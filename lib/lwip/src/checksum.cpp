// lwIP's own sum takes two bytes at a time.
#include <kos/internet_sum.h>
#include <kos/net/lwip_port.h>

uint16_t kos_lwip_checksum(const void* data, int bytes) {
    return kos::internet_sum(data, bytes > 0 ? static_cast<size_t>(bytes) : 0);
}
