// Sends numbered records into a ring and fails in the middle, again and again: each instance begins with number 0.
#include <kos/app.h>
#include <kos/ring.h>

#include <string.h>

typedef struct {
    uint32_t instance;
    uint32_t number;
    unsigned char filling[92];
} sample_t;

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_ring_t ring;
    kos_assert_ok(kos_ring_open("samples", &ring));
    kos_app_ready();
    uint32_t const records = (uint32_t)kos_app_parameter_number("records", 0);
    sample_t sample = {.instance = kos_app_startup()->instance};
    for (;;) {
        // Every other record is shorter.
        size_t const bytes = sample.number % 2 ? sizeof sample : 8 + sample.number % 50;
        memset(sample.filling, (int)sample.number, sizeof sample.filling);
        kos_status_t const status = kos_ring_send(&ring, sample.number ^ 0x5a, &sample, bytes);
        if (status == KOS_STATUS_FULL) {
            if (kos_ring_wait(&ring, kos_ring_record_needs(&ring, bytes)) != KOS_STATUS_OK) return 0;
        } else if (status == KOS_STATUS_PEER_GONE) {
            sample.number = 0;
        } else {
            kos_assert_ok(status);
            if (++sample.number == records) __builtin_trap();
        }
    }
}
