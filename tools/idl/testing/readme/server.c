#include <kos/idl/counter.h>
static uint64_t sum;
static kos_status_t add(kos_counter_server_t* self, const kos_caller_t* caller, uint32_t by, uint64_t* total) {
    (void)self, (void)caller;
    *total = sum += by;
    return KOS_STATUS_OK;
}
int main(void) {
    static kos_counter_server_t server = {.add = add};
    return kos_counter_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
