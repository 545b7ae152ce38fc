// Calls the application that is replaced, again and again, and says when another version answers. What it must never
// see is an error other than that the server has gone while it had the request.
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/log.h>
#include <kos/msg.h>
#include <kos/time.h>

enum { kVersion = 1, kPauseUs = 20000 };

int main(void) {
    kos_slot_t subject = 0;
    kos_assert_ok(kos_dir_request("push_subject", &subject));
    kos_assert_ok(kos_app_ready());
    uint64_t last = 0;
    for (uint64_t calls = 1;; ++calls) {
        uint64_t version = 0, words[2] = {0, 0};
        kos_status_t const status = kos_msg_call_words(subject, kVersion, &version, words);
        if (status != KOS_STATUS_OK && status != KOS_STATUS_PEER_GONE) {
            kos_log_error("call %llu failed: %s", (unsigned long long)calls, kos_status_name(status));
        }
        if (status == KOS_STATUS_OK && version != last) {
            kos_log_info("version %llu answers call %llu", (unsigned long long)version, (unsigned long long)calls);
            last = version;
        }
        kos_delay(kPauseUs);
    }
}
