// See thread_mgr_system.h: requests to root.
#include "thread_mgr_system.h"

#include "../libc/libc_locks.h"
#include "../runtime.h"

using namespace kos::runtime;

namespace kos::thread_mgr {

kos_status_t look_after_faults() { return call_root(KOS_ROOT_FAULT_HANDLER, 1).status; }

kos_status_t next_fault(kos_fault_t* fault) {
    constexpr Word kWords = sizeof(kos_fault_t) / sizeof(Word);
    sel4::Message const answer = sel4::call(KOS_SLOT_ROOT, Tag::make(KOS_ROOT_FAULT_NEXT, 0));
    kos_status_t const status = status_of_label(answer.label());
    if (!kos_status_is_ok(status)) return status;
    if (answer.length() < kWords) return KOS_STATUS_PEER_INVALID;
    Word words[kWords];
    for (Word i = 0; i < kWords; ++i) words[i] = answer.word(i);
    __builtin_memcpy(fault, words, sizeof words);
    // Nobody could ever allocate or print again; said here, because stopping such a thread would wait for it.
    if (kos::libc::is_inside(static_cast<unsigned>(fault->thread))) {
        kos_stop("a thread has had a fault while it held the heap or the output");
    }
    return KOS_STATUS_OK;
}

}  // namespace kos::thread_mgr
