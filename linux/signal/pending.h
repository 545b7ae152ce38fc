// Queues of pending signals.
#pragma once

#include "base/result.h"
#include "signal/state.h"

namespace kos::lx {

class Process;

// Signals below kSIGRTMIN are there once; realtime signals each time. kEAGAIN: a realtime signal that was queued
// (sigqueue(3), a timer) finds more than `most` waiting; from kill(2) it is then pending without its information.
Status add_signal(PendingSignals& pending, const SignalInfo& info, size_t most);
// Takes the next one of `wanted`, faults first, then by number, each number in order of arrival.
bool take_pending(PendingSignals& pending, SignalSet wanted, SignalInfo& info);
void forget_signals(PendingSignals& pending, SignalSet set);
// Caused by the thread itself, so delivered before all others.
constexpr SignalSet kSynchronousSignals = signal_bit(kSIGSEGV) | signal_bit(kSIGBUS) | signal_bit(kSIGILL) |
                                          signal_bit(kSIGTRAP) | signal_bit(kSIGFPE) | signal_bit(kSIGSYS);
// RLIMIT_SIGPENDING, and never more than kQueuedMax. All queues together: kAllQueuedMax.
constexpr size_t kQueuedMax = 4096, kAllQueuedMax = 16384;
size_t queue_limit(const Process& process);

}  // namespace kos::lx
