// Restarts the network driver again and again while the test's peer keeps TCP connections busy. What becomes of these
// is the peer's to judge (peer.py); here: the driver comes back each time.
#define RECORDS_HERE
#include "records.h"

#include <kos/ports.h>

enum { kRestarts = 5, kBetweenUs = 1200000, kBeforeUs = 3000000, kAfterUs = 5000000 };

static kos_appman_entry_t driver(kos_slot_t appman, uint64_t label) {
    kos_appman_entry_t entry = {0};
    kos_msg_t message = {.label = label, .payload = "net_virtio", .payload_bytes = sizeof "net_virtio" - 1};
    if (kos_msg_call(appman, &message) == KOS_STATUS_OK && message.payload_bytes >= sizeof entry)
        memcpy(&entry, message.payload, sizeof entry);
    return entry;
}

int main(void) {
    kos_slot_t appman;
    begin_records();
    kos_assert_ok(kos_dir_request("appman", &appman));
    kos_assert_ok(kos_delay(kBeforeUs));
    for (int i = 0; i < kRestarts; ++i) {
        uint32_t const before = driver(appman, KOS_APPMAN_STATUS).instance;
        driver(appman, KOS_APPMAN_RESTART);
        kos_assert_ok(kos_delay(kBetweenUs));
        kos_appman_entry_t const now = driver(appman, KOS_APPMAN_STATUS);
        check("the driver is back", now.instance == before + 1 && now.state == KOS_APPMAN_READY, now.instance);
    }
    kos_assert_ok(kos_delay(kAfterUs));
    print_verdict();
}
