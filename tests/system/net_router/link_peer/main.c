// A domain with a link that says what it is told to: link_peer.h. No TCP/IP stack, so that it can lie.
#include <kos/app.h>
#include <kos/ring.h>
#include <kos/server.h>

#include <stdio.h>
#include <string.h>

#include "../link_peer.h"

static kos_ring_t out, in;

static kos_status_t send(const void* packet, size_t size_bytes, uint32_t tag) {
    kos_status_t status = kos_ring_send(&out, tag, packet, size_bytes);
    // The router was restarted; once each time.
    if (status == KOS_STATUS_PEER_GONE) status = kos_ring_send(&out, tag, packet, size_bytes);
    return status;
}

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server, (void)caller;
    static uint8_t packet[2048];
    switch (request->label) {
        case kLinkSend: {
            uint64_t const count = request->words[0] ? request->words[0] : 1;
            for (uint64_t i = 0; i < count; ++i) {
                kos_status_t const status = send(request->payload, request->payload_bytes, (uint32_t)request->param);
                if (status != KOS_STATUS_OK) return status;
            }
            return KOS_STATUS_OK;
        }
        case kLinkReceive: {
            size_t length = 0;
            uint32_t tag = 0;
            kos_status_t status = kos_ring_receive(&in, packet, sizeof packet, &length, &tag);
            if (status == KOS_STATUS_PEER_GONE) status = kos_ring_receive(&in, packet, sizeof packet, &length, &tag);
            if (status != KOS_STATUS_OK) return status;
            answer->param = tag;
            answer->payload = packet;
            answer->payload_bytes = (uint32_t)length;
            return KOS_STATUS_OK;
        }
        case kLinkBreak: {
            // Positions that cannot be, as a domain under attack might write them.
            kos_ring_shared_t* const shared = out.memory;
            __atomic_store_n(&shared->producer.position, ~0ull >> 1, __ATOMIC_RELEASE);
            kos_ring_core_t* const core = &out.core;
            core->must_wake = 1;
            (void)kos_ring_prepare_wait(&out, 1);
            return KOS_STATUS_OK;
        }
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

int main(void) {
    char name[40];
    snprintf(name, sizeof name, "net_%s_out", kos_app_startup()->name);
    kos_assert_ok(kos_ring_open(name, &out));
    snprintf(name, sizeof name, "net_%s_in", kos_app_startup()->name);
    kos_assert_ok(kos_ring_open(name, &in));
    static kos_server_t server = {.call = call};
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
