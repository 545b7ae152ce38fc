// Job control: a whole process stops and goes on.
#include "signal/signals.h"
#include "task/relations.h"
#include "task/system.h"

namespace kos::lx {

void stop_process(Process& process, int signal) {
    ProcessSignals& signals = process.signals;
    if (signals.is_stopped || signals.is_exiting) return;
    signals.is_stopped = true;
    signals.stop_signal = signal;
    signals.has_continued = false;
    process.state = ProcessState::kStopped;
    for (auto& thread : process.threads) {
        switch (thread->state) {
            case ThreadState::kRunning: poke(*thread); break;
            case ThreadState::kAsleep:
                thread->state = ThreadState::kStopped;
                thread->signals.is_stopped_in_call = true;
                break;
            case ThreadState::kInterrupted:  // both will see it in deliver_signals
            case ThreadState::kInCall:
            case ThreadState::kStopped:
            case ThreadState::kDead: break;
        }
    }
    notify_parent(process);
}

void continue_process(Process& process) {
    ProcessSignals& signals = process.signals;
    if (!signals.is_stopped) return;
    signals.is_stopped = false;
    signals.stop_signal = 0;
    signals.has_continued = true;
    process.state = ProcessState::kAlive;
    for (auto& thread : process.threads) {
        if (thread->state != ThreadState::kStopped) continue;
        if (thread->signals.is_stopped_in_call) {
            thread->signals.is_stopped_in_call = false;
            thread->state = ThreadState::kAsleep;
            thread->wake();
        } else {
            thread->state = ThreadState::kInterrupted;
            process.system.add_ready(*thread);
        }
    }
    notify_parent(process);
}

}  // namespace kos::lx
