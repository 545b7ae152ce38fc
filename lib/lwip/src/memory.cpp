/*
 * Memory for lwIP: the program's heap, up to a limit in bytes, and connections and ports up to limits in number.
 *
 * In place of lwIP's memp.c. A packet takes and gives back several blocks, always of the same few sizes, and a heap
 * that checks itself spends more on them than the stack does on the packet. So blocks of such sizes wait here for the
 * next one that needs them: at most an eighth of the limit, which they count against, and never instead of another
 * block. What is given back twice, or written to in front of, is found out as the heap would.
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
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes)
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes)
#endif

kos_lwip_limits_t kos_lwip_limits;

namespace kos::net::memory {
namespace {

// In front of each block; what follows is aligned as lwIP is told (MEM_ALIGNMENT).
struct Block {
    uint32_t bytes;  // with this
    uint32_t mark;
    Block* next;  // of those that wait; part of the contents else
};
constexpr size_t kHeadBytes = offsetof(Block, next);
static_assert(kHeadBytes == MEM_ALIGNMENT);
constexpr uint32_t kUsed = 0x75736564;
constexpr uint32_t kWaiting = 0x77616974;

// Of the objects that a packet needs, acknowledgements, and packets of the usual MTU.
constexpr uint32_t kSizes[] = {64, 128, 256, 512, 1024, 1664};
constexpr size_t kClasses = sizeof kSizes / sizeof kSizes[0];

Block* waiting[kClasses];
size_t waiting_bytes;
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

size_t class_of(size_t bytes) {
    size_t found = 0;
    while (found < kClasses && kSizes[found] < bytes) ++found;
    return found;
}

void* contents(Block* block) { return reinterpret_cast<unsigned char*>(block) + kHeadBytes; }

Block* take_waiting(size_t size_class) {
    Block* const block = waiting[size_class];
    ASAN_UNPOISON_MEMORY_REGION(block, kSizes[size_class]);
    LWIP_ASSERT("a block that waits is as it was", block->mark == kWaiting && block->bytes == kSizes[size_class]);
    waiting[size_class] = block->next;
    waiting_bytes -= block->bytes;
    return block;
}

Block* new_block(size_t bytes) {
    // What waits gives way to what is needed.
    if (used_bytes + waiting_bytes + bytes > kos_lwip_limits.memory_bytes) release_waiting();
    if (used_bytes + bytes > kos_lwip_limits.memory_bytes) return nullptr;
    void* memory = malloc(bytes);
    if (memory == nullptr && waiting_bytes != 0) {
        release_waiting();
        memory = malloc(bytes);
    }
    auto* const block = static_cast<Block*>(memory);
    if (block != nullptr) block->bytes = static_cast<uint32_t>(bytes);
    return block;
}

}  // namespace

size_t used() { return used_bytes; }

void release_waiting() {
    for (size_t i = 0; i < kClasses; ++i) {
        while (waiting[i] != nullptr) free(take_waiting(i));
    }
}

uint32_t used_of(memp_t pool) { return pool_used[pool]; }

bool take_failure() {
    const bool failed = has_failed;
    has_failed = false;
    return failed;
}

}  // namespace kos::net::memory

using namespace kos::net::memory;

void* kos_lwip_allocate(size_t bytes) {
    if (bytes > UINT32_MAX - kHeadBytes) return nullptr;
    const size_t size_class = class_of(bytes + kHeadBytes);
    const size_t whole = size_class < kClasses ? kSizes[size_class] : bytes + kHeadBytes;
    Block* const block =
        size_class < kClasses && waiting[size_class] != nullptr ? take_waiting(size_class) : new_block(whole);
    if (block == nullptr) {
        has_failed = true;
        return nullptr;
    }
    block->mark = kUsed;
    used_bytes += block->bytes;
    return contents(block);
}

void* kos_lwip_allocate_zeroed(size_t count, size_t bytes) {
    size_t total = 0;
    if (__builtin_mul_overflow(count, bytes, &total)) return nullptr;
    void* const memory = kos_lwip_allocate(total);
    if (memory != nullptr) __builtin_memset(memory, 0, total);
    return memory;
}

void kos_lwip_free(void* memory) {
    if (memory == nullptr) return;
    auto* const block = reinterpret_cast<Block*>(static_cast<unsigned char*>(memory) - kHeadBytes);
    LWIP_ASSERT("given back what was taken, once", block->mark == kUsed);
    used_bytes -= block->bytes;
    const size_t size_class = class_of(block->bytes);
    block->mark = kWaiting;
    if (size_class == kClasses || waiting_bytes + block->bytes > kos_lwip_limits.memory_bytes / 8) {
        free(block);
        return;
    }
    waiting_bytes += block->bytes;
    block->next = waiting[size_class];
    waiting[size_class] = block;
    ASAN_POISON_MEMORY_REGION(block, block->bytes);
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
