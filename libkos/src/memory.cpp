// Memory of the own domain (kos/mem.h): requests to root.
#include "runtime.h"

#include <kos/mem.h>

using namespace kos::runtime;

kos_status_t kos_mem_map(size_t size_bytes, uint32_t rights, void** address) {
    Answer answer = call_root(KOS_ROOT_MEM_MAP, size_bytes, rights);
    if (!kos_status_is_ok(answer.status)) return answer.status;
    Word const first = answer.words[0];
    for (Word mapped = answer.words[1]; mapped < size_bytes; mapped += answer.words[1]) {
        answer = call_root(KOS_ROOT_MEM_MAP, size_bytes, rights, first + mapped);
        if (kos_status_is_ok(answer.status)) continue;
        kos_mem_unmap(reinterpret_cast<void*>(first), size_bytes);
        return answer.status;
    }
    *address = reinterpret_cast<void*>(first);
    return KOS_STATUS_OK;
}

kos_status_t kos_mem_unmap(void* address, size_t size_bytes) {
    for (;;) {
        Answer const answer = call_root(KOS_ROOT_MEM_UNMAP, reinterpret_cast<Word>(address), size_bytes);
        if (!kos_status_is_ok(answer.status) || answer.words[0] == 0) return answer.status;
        size_bytes = answer.words[0];
    }
}

kos_status_t kos_mem_status(kos_mem_status_t* status) {
    Answer const answer = call_root(KOS_ROOT_MEM_STATUS);
    if (kos_status_is_ok(answer.status)) *status = {answer.words[0], answer.words[1]};
    return answer.status;
}
