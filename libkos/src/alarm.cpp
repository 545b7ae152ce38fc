// Alarms and the wall clock (kos/time.h): client of the timer.
#include "runtime.h"

#include <kos/dir.h>
#include <kos/ports.h>
#include <kos/time.h>

using namespace kos::runtime;

namespace {

constexpr unsigned kBits = 16;
constexpr uint64_t kNsPerSecond = 1000000000;

// The timer's signal does not say which alarm it is (a capability has one badge): the times are kept here as well.
uint64_t alarms[kBits];  // 0: not set

}  // namespace

kos_status_t kos_time_alarm(unsigned user_bit, uint64_t deadline_ticks) {
    if (user_bit >= kBits) return KOS_STATUS_INVALID_ARGUMENT;
    kos_slot_t timer = 0;
    kos_status_t const found = kos_dir_request("timer", &timer);
    if (!kos_status_is_ok(found)) return found;
    // Before the timer knows: its signal may come before its answer.
    __atomic_store_n(&alarms[user_bit], deadline_ticks, __ATOMIC_RELEASE);
    uint64_t const entry[2] = {user_bit, deadline_ticks};
    // One way if the port has a queue: a server must not wait for another one.
    if (kos_msg_send(timer, KOS_TIMER_ALARM, entry, sizeof entry) == KOS_STATUS_OK) return KOS_STATUS_OK;
    kos_status_t status;
    do {
        uint64_t param = user_bit;
        uint64_t words[2] = {deadline_ticks, 0};
        status = kos_msg_call_words(timer, KOS_TIMER_ALARM, &param, words);
    } while (status == KOS_STATUS_PEER_GONE);
    return status;
}

uint64_t kos_time_alarm_bits(void) {
    uint64_t const now = kos_time_ticks();
    uint64_t bits = 0;
    for (unsigned bit = 0; bit < kBits; ++bit) {
        uint64_t deadline = __atomic_load_n(&alarms[bit], __ATOMIC_ACQUIRE);
        if (deadline == 0 || deadline > now) continue;
        // Unless another thread has just set it anew.
        if (__atomic_compare_exchange_n(&alarms[bit], &deadline, uint64_t{0}, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            bits |= uint64_t{1} << (KOS_SIGNAL_USER_0 + bit);
        }
    }
    return bits;
}

kos_status_t kos_time_wall_ns(uint64_t* ns) {
    kos_slot_t timer = 0;
    kos_status_t status = kos_dir_request("timer", &timer);
    if (!kos_status_is_ok(status)) return status;
    uint64_t words[2];
    do {
        uint64_t param = 0;
        words[0] = words[1] = 0;
        status = kos_msg_call_words(timer, KOS_TIMER_WALL, &param, words);
    } while (status == KOS_STATUS_PEER_GONE);
    if (!kos_status_is_ok(status)) return status;
    uint64_t const ticks = kos_time_ticks();
    uint64_t const hz = startup->counter_hz;
    *ns = words[0] + ticks / hz * kNsPerSecond + ticks % hz * kNsPerSecond / hz;
    return KOS_STATUS_OK;
}
