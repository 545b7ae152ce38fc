// Requests to root (kos/root.h).
#include "runtime.h"

#include <kos/root.h>

kos_status_t kos_root_request(enum kos_root_label label, uint64_t words[4]) {
    kos::runtime::Answer const answer = kos::runtime::call_root(label, words[0], words[1], words[2], words[3]);
    for (unsigned i = 0; i < 4; ++i) words[i] = answer.words[i];
    return answer.status;
}

void kos_root_signal(uint64_t slot) { kos::sel4::signal(slot); }

kos_status_t kos_root_slot_take(uint64_t* slot) {
    kos_slot_t const taken = kos::runtime::allocate_slot();
    if (!taken) return KOS_STATUS_FULL;
    *slot = taken;
    return KOS_STATUS_OK;
}
