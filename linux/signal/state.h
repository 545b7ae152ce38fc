// Signals: what is kept of them per thread, per process and per group of processes that share handlers.
//
// Numbers and layouts: asm-generic/{signal,siginfo}.h and arm64's asm/{signal,sigcontext,ucontext}.h of linux-libc-dev.
#pragma once

#include "base/ref.h"
#include "base/wait_queue.h"

#include <stddef.h>
#include <stdint.h>

#include <list>
#include <memory>

namespace kos::lx {

constexpr int kSIGHUP = 1, kSIGINT = 2, kSIGQUIT = 3, kSIGILL = 4, kSIGTRAP = 5, kSIGABRT = 6, kSIGBUS = 7, kSIGFPE = 8,
              kSIGKILL = 9, kSIGUSR1 = 10, kSIGSEGV = 11, kSIGUSR2 = 12, kSIGPIPE = 13, kSIGALRM = 14, kSIGTERM = 15,
              kSIGSTKFLT = 16, kSIGCHLD = 17, kSIGCONT = 18, kSIGSTOP = 19, kSIGTSTP = 20, kSIGTTIN = 21, kSIGTTOU = 22,
              kSIGURG = 23, kSIGXCPU = 24, kSIGXFSZ = 25, kSIGVTALRM = 26, kSIGPROF = 27, kSIGWINCH = 28, kSIGIO = 29,
              kSIGPWR = 30, kSIGSYS = 31, kSIGRTMIN = 32, kSignals = 64;

using SignalSet = uint64_t;  // bit signal - 1
constexpr SignalSet signal_bit(int signal) { return uint64_t{1} << (signal - 1); }

constexpr uint64_t kSA_NOCLDSTOP = 1, kSA_NOCLDWAIT = 2, kSA_SIGINFO = 4, kSA_RESTORER = 0x04000000,
                   kSA_ONSTACK = 0x08000000, kSA_RESTART = 0x10000000, kSA_NODEFER = 0x40000000,
                   kSA_RESETHAND = 0x80000000;
constexpr uint64_t kSIG_DFL = 0, kSIG_IGN = 1;

// siginfo_t without its padding; written out as 128 bytes.
struct SignalInfo {
    int32_t signal = 0, error = 0, code = 0;
    int32_t pid = 0;                         // SI_USER, SIGCHLD; SI_TIMER: timer id
    uint32_t uid = 0;                        // SI_TIMER: overrun
    int32_t status = 0;                      // SIGCHLD
    uint64_t address = 0;                    // SIGSEGV and the like
    uint64_t value = 0;                      // sigqueue, timers
    int64_t user_time = 0, system_time = 0;  // SIGCHLD, clock ticks
    int32_t band = 0, fd = 0;                // SIGIO
};

struct SignalAction {
    uint64_t handler = kSIG_DFL;
    uint64_t flags = 0;
    uint64_t restorer = 0;
    SignalSet mask = 0;
};

class SignalHandlers final : public Counted {
public:
    SignalAction actions[kSignals];
};

// Allocates as std::allocator, and counts: what all programs together have queued is limited (signal/pending.h).
inline size_t queued_signals = 0;
template <class T>
struct QueueAllocator {
    using value_type = T;
    QueueAllocator() = default;
    template <class U>
    QueueAllocator(const QueueAllocator<U>&) {}
    T* allocate(size_t count) {
        queued_signals += count;
        return std::allocator<T>().allocate(count);
    }
    void deallocate(T* at, size_t count) {
        queued_signals -= count;
        std::allocator<T>().deallocate(at, count);
    }
    bool operator==(const QueueAllocator&) const { return true; }
};
using SignalQueue = std::list<SignalInfo, QueueAllocator<SignalInfo>>;

// A signal may be in `set` without an entry in `queue`: there were too many (RLIMIT_SIGPENDING).
struct PendingSignals {
    SignalSet set = 0;
    SignalQueue queue;  // one each below kSIGRTMIN, in order of arrival
};

// Of a thread.
struct SignalState {
    SignalSet blocked = 0;
    PendingSignals pending;
    // sigsuspend, ppoll, pselect, epoll_pwait: the mask to go back to once the call is over.
    bool has_saved_mask = false;
    SignalSet saved_mask = 0;
    uint64_t alternate_stack = 0, alternate_bytes = 0;
    uint32_t alternate_flags = 2;  // SS_DISABLE; else SS_AUTODISARM or 0
    // Stopped: its call is executed again when it goes on.
    bool is_stopped_in_call = false;
};

// Interval timers and POSIX timers (task/timers.h).
class ProcessTimers {
public:
    virtual ~ProcessTimers() = default;
};

// Of a process.
struct ProcessSignals {
    PendingSignals pending;
    WaitQueue arrived;  // signalfd, sigtimedwait: woken for each new pending signal
    bool is_stopped = false;
    int stop_signal = 0;         // for wait4(WUNTRACED); 0: told already
    bool has_continued = false;  // for wait4(WCONTINUED)
    bool is_exiting = false;     // all threads end at their next return to the program, with this wait status
    int exit_status = 0;
    std::unique_ptr<ProcessTimers> timers;
};

}  // namespace kos::lx
