/*
 * Memory for lwIP: the program's heap, up to a limit in bytes, and connections and ports up to limits in number.
 *
 * In place of lwIP's memp.c. Blocks are counted with what the heap really spends on them, so that nothing needs a
 * header of our own.
 */
#include "memory.h"

#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/memp.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <malloc.h>
#include <stdlib.h>

kos_lwip_limits_t kos_lwip_limits;

namespace kos::net::memory {
namespace {

size_t used_bytes;
bool has_failed;
uint32_t pool_used[MEMP_MAX];

constexpr uint16_t kPoolSizes[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, num, size, desc) LWIP_MEM_ALIGN_SIZE(size),
#include <lwip/priv/memp_std.h>
};

uint32_t pool_limit(memp_t pool) {
    switch (pool) {
        case MEMP_TCP_PCB: return kos_lwip_limits.tcp_connections;
        case MEMP_TCP_PCB_LISTEN: return kos_lwip_limits.tcp_listeners;
        case MEMP_UDP_PCB: return kos_lwip_limits.udp_ports;
        case MEMP_RAW_PCB: return kos_lwip_limits.raw_ports;
        // The oldest incomplete datagrams are given up beyond it.
        case MEMP_REASSDATA:
        case MEMP_IP6_REASSDATA: return 16;
        default: return UINT32_MAX;  // bytes are the limit
    }
}

}  // namespace

size_t used() { return used_bytes; }
uint32_t used_of(memp_t pool) { return pool_used[pool]; }

bool take_failure() {
    const bool failed = has_failed;
    has_failed = false;
    return failed;
}

}  // namespace kos::net::memory

using namespace kos::net::memory;

void* kos_lwip_allocate(size_t bytes) {
    if (used_bytes + bytes > kos_lwip_limits.memory_bytes) {
        has_failed = true;
        return nullptr;
    }
    void* const memory = malloc(bytes);
    if (memory == nullptr) {
        has_failed = true;
        return nullptr;
    }
    used_bytes += malloc_usable_size(memory);
    return memory;
}

void* kos_lwip_allocate_zeroed(size_t count, size_t bytes) {
    size_t total = 0;
    if (__builtin_mul_overflow(count, bytes, &total)) return nullptr;
    void* const memory = kos_lwip_allocate(total);
    if (memory != nullptr) __builtin_memset(memory, 0, total);
    return memory;
}

void kos_lwip_free(void* memory) {
    used_bytes -= malloc_usable_size(memory);
    free(memory);
}

void memp_init(void) {}

void* memp_malloc(memp_t type) {
    LWIP_ASSERT("pool exists", type < MEMP_MAX);
    if (pool_used[type] >= pool_limit(type)) return nullptr;
    void* const object = kos_lwip_allocate(kPoolSizes[type]);
    if (object != nullptr) ++pool_used[type];
    return object;
}

void memp_free(memp_t type, void* object) {
    LWIP_ASSERT("pool exists", type < MEMP_MAX);
    if (object == nullptr) return;
    LWIP_ASSERT("pool is not empty", pool_used[type] > 0);
    --pool_used[type];
    kos_lwip_free(object);
}
