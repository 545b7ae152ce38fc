// A server in C: answers with the payload that it gets.
#include <kos/idl/echo.h>

static kos_status_t data(kos_echo_server_t* self, const kos_caller_t* caller, const uint8_t* bytes, size_t size,
                         const uint8_t** copy, size_t* copy_size) {
    (void)self, (void)caller;
    *copy = bytes;
    *copy_size = size;
    return KOS_STATUS_OK;
}

int main(void) {
    static kos_echo_server_t server = {.data = data};
    return kos_status_is_ok(kos_echo_server_run(&server)) ? 0 : 1;
}
