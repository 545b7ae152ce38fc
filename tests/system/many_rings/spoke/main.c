// Sends each record of its ring from the hub back, with its number added to the tag.
#include <kos/app.h>
#include <kos/ring.h>

#include <stdio.h>

int main(void) {
    uint32_t const number = (uint32_t)kos_app_parameter_number("number", 0);
    char name[16];
    static kos_ring_t in, out;
    snprintf(name, sizeof name, "out_%u", number);
    kos_assert_ok(kos_ring_open(name, &in));
    snprintf(name, sizeof name, "back_%u", number);
    kos_assert_ok(kos_ring_open(name, &out));
    kos_assert_ok(kos_app_ready());
    for (;;) {
        uint64_t word;
        size_t length;
        uint32_t tag;
        kos_status_t const status = kos_ring_receive(&in, &word, sizeof word, &length, &tag);
        if (status == KOS_STATUS_EMPTY) {
            if (kos_ring_wait(&in, 1) == KOS_STATUS_UNAVAILABLE) return 0;
            continue;
        }
        kos_assert_ok(status);
        // The hub sends the next record only when it has this one, so there is room, once it has opened the ring.
        while (kos_ring_send(&out, tag + number, &word, length) == KOS_STATUS_FULL) {
            if (kos_ring_wait(&out, kos_ring_record_needs(&out, length)) == KOS_STATUS_UNAVAILABLE) return 0;
        }
    }
}
