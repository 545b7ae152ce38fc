// A domain of 1 MiB that has a fault when it is told to, and remembers when: its persistent page survives.
#include "victim.h"

#include <kos/app.h>
#include <kos/server.h>
#include <kos/time.h>

#include <string.h>

static uint8_t state[512 << 10];  // with code, tables and the rest of the quota: most of 1 MiB
static uint64_t at_main;

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    (void)caller;
    volatile uint64_t* const fault_ticks = (volatile uint64_t*)kos_app_startup()->persistent_base;
    switch (request->label) {
        case kVictimFault:
            state[request->param % sizeof state] = 1;
            *fault_ticks = kos_time_ticks();
            *(volatile uint64_t*)(request->param & 0) = 1;  // NOLINT(clang-analyzer-core.NullDereference): as asked
            return KOS_STATUS_INTERNAL_ERROR;
        case kVictimTimes:
            answer->param = *fault_ticks;
            answer->has_words = 1;
            answer->words[0] = at_main;
            answer->words[1] = kos_app_startup()->instance;
            return KOS_STATUS_OK;
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    at_main = kos_time_ticks();
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
