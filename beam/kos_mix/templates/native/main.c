// <%= @name %>: keeps a sum.
#include <kos/idl/<%= @name %>.h>
#include <kos/log.h>

static kos_status_t add(kos_<%= @symbol %>_server_t* self, const kos_caller_t* caller, uint64_t by, uint64_t* total) {
    static uint64_t sum;
    (void)self, (void)caller;
    if (__builtin_add_overflow(sum, by, &sum)) {
        sum -= by;
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    *total = sum;
    return KOS_STATUS_OK;
}

int main(void) {
    static kos_<%= @symbol %>_server_t server = {.add = add};
    kos_log_info("<%= @name %> is ready");
    return kos_status_is_ok(kos_<%= @symbol %>_server_run(&server)) ? 0 : 1;
}
