// Waiting for signals outside the server loop (kos/signal.h).
#include "runtime.h"

#include <kos/signal.h>
#include <kos/time.h>

namespace kos::runtime {

namespace {

// Signals that somebody took from the notification without being the one they are for. Main thread only.
Word kept;

// Takes what the notification has: a health question is answered, a request to stop is noted, everything else is kept.
void take(Word badge) {
    if (badge & KOS_SIGNAL_HEALTH) kos_app_alive();
    if (badge & KOS_SIGNAL_STOP) __atomic_store_n(&life()->state, KOS_LIFE_STOPPING, __ATOMIC_RELEASE);
    // The timer does not say which alarm it is. ALARM itself stays: it wakes a server loop (leave).
    if (badge & KOS_SIGNAL_ALARM) kept |= kos_time_alarm_bits();
    kept |= badge & ~(KOS_BADGE_NOTIFICATION | KOS_SIGNAL_HEALTH);
}

// The request to stop stays, for everybody to see.
Word take_kept(Word bits) {
    Word const taken = kept & bits;
    kept &= ~taken | KOS_SIGNAL_STOP;
    return taken;
}

}  // namespace

bool is_serving;

Word take_kept_signals() { return take_kept(~Word{0}); }

}  // namespace kos::runtime

using namespace kos::runtime;

namespace {

// The server loop sleeps in its port: a signal of one's own makes it look at what was kept. It sees the user bits then,
// too.
uint64_t leave(uint64_t taken) {
    if (is_serving && kept & ~(Word{0xffff} << KOS_SIGNAL_USER_0)) kos::sel4::signal(KOS_SLOT_NOTIFICATION);
    return taken;
}

}  // namespace

uint64_t kos_signal_poll(uint64_t bits) {
    acknowledge_what_was_left();
    take(kos::sel4::nb_wait(KOS_SLOT_NOTIFICATION).badge);
    return leave(take_kept(bits));
}

uint64_t kos_signal_wait(uint64_t bits) {
    acknowledge_what_was_left();
    for (;;) {
        if (Word const taken = take_kept(bits | KOS_SIGNAL_STOP)) return leave(taken);
        take(kos::sel4::wait(KOS_SLOT_NOTIFICATION).badge);
    }
}
