// A server in C: answers with the payload that it gets.
#include <kos/server.h>

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    (void)caller;
    answer->payload = request->payload;
    answer->payload_bytes = request->payload_bytes;
    return KOS_STATUS_OK;
}

int main(void) {
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
