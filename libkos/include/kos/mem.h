// Memory of the own domain: mapping, unmapping, the quota. malloc is built on it.
#pragma once

#include <kos/abi.h>
#include <kos/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KOS_MEM_READ = 1, KOS_MEM_WRITE = 2, KOS_MEM_EXECUTE = 4 };

// Maps whole zeroed pages at an address that root chooses, with an unmapped page on either side. WRITE and EXECUTE
// together are INVALID_ARGUMENT. Errors: NOT_ENOUGH_MEMORY (quota or address range).
kos_status_t kos_mem_map(size_t size_bytes, uint32_t rights, void** address);

// Takes a whole mapping of kos_mem_map away; its memory counts towards the quota again.
kos_status_t kos_mem_unmap(void* address, size_t size_bytes);

typedef struct {
    uint64_t quota_bytes, used_bytes;
} kos_mem_status_t;
kos_status_t kos_mem_status(kos_mem_status_t* status);

#ifdef __cplusplus
}
#endif
