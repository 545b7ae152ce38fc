// Answers each request with one of its capabilities (../gifts.h).
#include <kos/app.h>
#include <kos/dir.h>

#include <string.h>

#include "../gifts.h"

#include <kos/sel4/objects.h>

using namespace kos::sel4;

namespace {

const kos_startup_connection_t& connection_to_peer() {
    const kos_startup_t* const startup = kos_app_startup();
    auto* entry = reinterpret_cast<const kos_startup_connection_t*>(reinterpret_cast<uintptr_t>(startup) +
                                                                    startup->connections.offset);
    for (uint32_t i = 0; i < startup->connections.count; ++i) {
        if (!strcmp(entry[i].name, "peer")) return entry[i];
    }
    kos_stop("no connection to peer");
}

}  // namespace

int main(int, char**) {
    kos_slot_t peer = 0;
    kos_assert_ok(kos_dir_request("peer", &peer));
    Word const gifts[kGiftCount] = {peer,
                                    KOS_SLOT_ROOT,
                                    KOS_SLOT_THREADS,
                                    KOS_SLOT_REPORT,
                                    KOS_SLOT_NOTIFICATION,
                                    KOS_SLOT_PORT,
                                    connection_to_peer().queue_signal};
    const kos_startup_t* const startup = kos_app_startup();
    Word const reply_slot =
        *reinterpret_cast<const uint64_t*>(reinterpret_cast<uintptr_t>(startup) + startup->replies.offset);
    // By hand, as libkos sends no capability where none is allowed.
    kos_assert_ok(kos_dir_bind(
        reinterpret_cast<const kos_startup_port_t*>(reinterpret_cast<uintptr_t>(startup) + startup->ports.offset)
            ->name));
    kos_assert_ok(kos_app_ready());
    Message message = recv(KOS_SLOT_PORT, reply_slot);
    for (;;) {
        if (message.badge & KOS_BADGE_NOTIFICATION) {
            message = recv(KOS_SLOT_PORT, reply_slot);
            continue;
        }
        if (message.label() == kEnd) *static_cast<volatile int*>(nullptr) = 1;
        Word const which = message.words[0];
        ipc_buffer()->caps_or_badges[0] = which < kGiftCount ? gifts[which] : 0;
        message = reply_recv(KOS_SLOT_PORT, reply_slot, Tag::make(KOS_STATUS_OK, 4, 1), {{which, 0, 0, 0}});
    }
}
