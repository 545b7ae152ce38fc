// Memory of the own domain (kos/mem.h): requests to root.
#include "runtime.h"

#include <kos/mem.h>

using namespace kos::runtime;

kos_status_t kos_mem_map(size_t size_bytes, uint32_t rights, void** address) {
    Answer const answer = call_root(KOS_ROOT_MEM_MAP, size_bytes, rights);
    if (kos_status_is_ok(answer.status)) *address = reinterpret_cast<void*>(answer.words[0]);
    return answer.status;
}

kos_status_t kos_mem_unmap(void* address, size_t size_bytes) {
    return call_root(KOS_ROOT_MEM_UNMAP, reinterpret_cast<Word>(address), size_bytes).status;
}

kos_status_t kos_mem_status(kos_mem_status_t* status) {
    Answer const answer = call_root(KOS_ROOT_MEM_STATUS);
    if (kos_status_is_ok(answer.status)) *status = {answer.words[0], answer.words[1]};
    return answer.status;
}
