// Sleeping (kos/time.h): the timer answers when it is time.
#include "runtime.h"

#include <kos/dir.h>
#include <kos/ports.h>
#include <kos/time.h>

kos_status_t kos_delay(uint64_t microseconds) {
    kos_slot_t timer = 0;
    uint64_t const until = kos_time_after_us(microseconds);
    kos_status_t status = kos_dir_request("timer", &timer);
    while (kos_status_is_ok(status) && kos_time_ticks() < until) {
        uint64_t time = until;
        uint64_t words[2] = {};
        status = kos_msg_call_words(timer, KOS_TIMER_SLEEP, &time, words);
        // A timer that was restarted meanwhile is asked for what is left.
        if (status == KOS_STATUS_PEER_GONE) status = KOS_STATUS_OK;
    }
    return status;
}
