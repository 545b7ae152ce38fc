// Echo with the C bindings.
#include <kos/idl/echo.h>

static kos_status_t add(kos_echo_server_t* self, const kos_caller_t* caller, uint32_t a, uint32_t b, uint32_t* sum) {
    (void)self;
    (void)caller;
    *sum = a + b;
    return KOS_STATUS_OK;
}

static kos_status_t data(kos_echo_server_t* self, const kos_caller_t* caller, const uint8_t* bytes, size_t size,
                         const uint8_t** copy, size_t* copy_size) {
    (void)self;
    (void)caller;
    *copy = bytes;
    *copy_size = size;
    return KOS_STATUS_OK;
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_echo_server_t server = {.add = add, .data = data};
    return kos_status_is_ok(kos_echo_server_run(&server)) ? 0 : 1;
}
