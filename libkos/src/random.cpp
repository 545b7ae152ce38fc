// Client of the entropy service (kos/random.h).
#include "runtime.h"

#include <kos/dir.h>
#include <kos/ports.h>
#include <kos/random.h>
#include <kos/thread.h>

#include <string.h>

kos_status_t kos_random(void* bytes, size_t size_bytes) {
    kos_slot_t entropy = 0;
    kos_status_t const found = kos_dir_request("entropy", &entropy);
    if (!kos_status_is_ok(found)) return found;
    auto* at = static_cast<unsigned char*>(bytes);
    while (size_bytes > 0) {
        size_t const wanted = size_bytes < KOS_PAYLOAD_MAX ? size_bytes : size_t{KOS_PAYLOAD_MAX};
        kos_msg_t message{};
        message.label = KOS_ENTROPY_GET;
        message.param = wanted;
        kos_status_t const status = kos_msg_call(entropy, &message);
        // Not seeded yet (at boot only): a period later. Restarted meanwhile: the same again.
        if (status == KOS_STATUS_UNAVAILABLE) kos_thread_yield();
        if (status == KOS_STATUS_UNAVAILABLE || status == KOS_STATUS_PEER_GONE) continue;
        if (!kos_status_is_ok(status)) return status;
        if (message.payload_bytes != wanted) return KOS_STATUS_PEER_INVALID;
        memcpy(at, message.payload, wanted);
        at += wanted;
        size_bytes -= wanted;
    }
    return KOS_STATUS_OK;
}
