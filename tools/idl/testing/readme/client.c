#include <kos/idl/counter.h>
#include <kos/log.h>
int main(void) {
    kos_counter_client_t counter;
    uint64_t total;
    if (kos_counter_connect("counter", &counter) != KOS_STATUS_OK) return 1;
    if (kos_counter_client_add(counter, 5, &total) != KOS_STATUS_OK) return 1;
    kos_log_info("total %lu", total);
    return 0;
}
