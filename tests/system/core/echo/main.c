// Server of the core test: answers with what it gets, and misbehaves on request.
#include <kos/app.h>
#include <kos/log.h>
#include <kos/server.h>

#include <string.h>

enum { kEcho = 1, kFault = 2, kHang = 3, kExit = 4 };

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    switch (request->label) {
        case kEcho:
            answer->param = request->param + 1;
            answer->has_words = request->has_words;
            answer->words[0] = request->words[0];
            answer->words[1] = caller->domain;
            answer->payload = request->payload;
            answer->payload_bytes = request->payload_bytes;
            return KOS_STATUS_OK;
        case kFault: *(volatile uint64_t*)request->param = 1; return KOS_STATUS_OK;
        case kHang:
            for (;;) __asm__ volatile("");
        case kExit: kos_app_exit((int)request->param);
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_log_info("echo starts");
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
