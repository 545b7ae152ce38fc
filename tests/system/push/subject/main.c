// Answers with the number of its version: 1 is the boot image's, 2 the one that is pushed.
#include <kos/app.h>
#include <kos/log.h>
#include <kos/server.h>

enum { kVersion = 1 };

#if defined(SUBJECT_GOOD)
#define VERSION 2
#else
#define VERSION 1
#endif

#if defined(SUBJECT_LARGE)
// More than there is staging for. Read-only, so that it does not count for the quota.
const unsigned char filler[6 << 20] = {1};
#endif

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server, (void)caller;
    if (request->label != kVersion) return KOS_STATUS_BAD_REQUEST;
    answer->param = VERSION;
    return KOS_STATUS_OK;
}

int main(void) {
#if defined(SUBJECT_BAD)
    kos_stop("a version that cannot start");
#elif defined(SUBJECT_LARGE)
    __asm__ volatile("" : : "r"(filler));  // lest it is left out
#endif
    kos_log_info("version %d starts", VERSION);
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
