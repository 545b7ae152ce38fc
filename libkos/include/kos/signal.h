// Signals to the own domain, for a main thread that has no server loop (server.h), or waits for something inside it.
//
// A signal is a bit of the domain's notification: interrupts, rings, alarms, user bits (KOS_SIGNAL_* in abi.h). Bits
// are remembered until somebody takes them; several signals of one bit become one.
#pragma once

#include <kos/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

// Waits until one of `bits` or KOS_SIGNAL_STOP has been signalled and takes those. The others are kept for the next
// call and for the server loop. Health questions are answered meanwhile. Main thread only. Blocks without limit: for a
// deadline, set an alarm (kos_time_alarm) and wait for its bit as well.
uint64_t kos_signal_wait(uint64_t bits);

// As kos_signal_wait, without waiting: 0 if none of them has been signalled.
uint64_t kos_signal_poll(uint64_t bits);

#ifdef __cplusplus
}
#endif
