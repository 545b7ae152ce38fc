/*
 * A clock for services that must go on when nothing else works: a second, active thread that wakes once per period of
 * its scheduling context, because it gives up its time at once. It needs no device and no other domain.
 *
 * Target only.
 */
#ifndef KOS_SERVICES_COMMON_WAKE_H_
#define KOS_SERVICES_COMMON_WAKE_H_

#include <kos/thread.h>

namespace kos::service {

// Ends the calling thread's time until its next period.
inline void wait_for_next_period() { kos_thread_yield(); }

// Makes the server loop of this domain call `signalled` (with user bits), on the domain's own time.
inline void wake_server() { kos_thread_signal_server(); }

}  // namespace kos::service

#endif
