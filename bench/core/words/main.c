// Server without bindings: answers with what it got.
#include <kos/server.h>

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    (void)caller;
    answer->param = request->param;
    answer->has_words = request->has_words;
    answer->words[0] = request->words[0];
    answer->words[1] = request->words[1];
    if (request->payload_bytes) {
        answer->payload = request->payload;
        answer->payload_bytes = request->payload_bytes;
    }
    return KOS_STATUS_OK;
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
