// What core services ask of root and the kernel (kos/core.h).
#include "runtime.h"

#include <kos/core.h>

using namespace kos::runtime;

kos_status_t kos_core_root(uint64_t label, uint64_t words[4]) {
    Answer const answer = call_root(label, words[0], words[1], words[2], words[3]);
    for (int i = 0; i < 4; ++i) words[i] = answer.words[i];
    return answer.status;
}

void kos_core_signal(kos_slot_t slot) { kos::sel4::signal(slot); }
