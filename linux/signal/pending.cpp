// Pending signals: a set, and a queue of what is known about each.
#include "signal/pending.h"

#include "signal/signals.h"

#include <bit>

namespace kos::lx {

size_t queue_limit(const Process& process) {
    uint64_t const limit = process.limits[kRLIMIT_SIGPENDING].now;
    return limit < kQueuedMax ? static_cast<size_t>(limit) : kQueuedMax;
}

Status add_signal(PendingSignals& pending, const SignalInfo& info, size_t most) {
    SignalSet const bit = signal_bit(info.signal);
    if (info.signal < kSIGRTMIN) {
        if (pending.set & bit) return {};
    } else if (pending.queue.size() >= most || queued_signals >= kAllQueuedMax) {
        if (info.code != kSI_USER && info.code != kSI_TKILL && info.code != kSI_KERNEL) return Errno::kEAGAIN;
        pending.set |= bit;
        return {};
    }
    pending.set |= bit;
    pending.queue.push_back(info);
    return {};
}

bool take_pending(PendingSignals& pending, SignalSet wanted, SignalInfo& info) {
    SignalSet const set = pending.set & wanted;
    if (!set) return false;
    int const signal = 1 + std::countr_zero(set & kSynchronousSignals ? set & kSynchronousSignals : set);
    info = SignalInfo{};
    info.signal = signal;
    bool has_found = false, has_more = false;
    for (auto entry = pending.queue.begin(); entry != pending.queue.end();) {
        auto const present = entry++;
        if (present->signal != signal) continue;
        if (has_found) {
            has_more = true;
            break;
        }
        info = *present;
        has_found = true;
        pending.queue.erase(present);
    }
    if (!has_more) pending.set &= ~signal_bit(signal);
    return true;
}

void forget_signals(PendingSignals& pending, SignalSet set) {
    if (!(pending.set & set)) return;
    pending.set &= ~set;
    pending.queue.remove_if([&](const SignalInfo& info) { return signal_bit(info.signal) & set; });
}

}  // namespace kos::lx
