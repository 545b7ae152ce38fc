// A process's interval timers (setitimer(2)) and POSIX timers (timer_create(2)).
#pragma once

#include "base/result.h"
#include "base/wait_queue.h"
#include "signal/state.h"
#include "time/clock.h"

#include <map>
#include <memory>

namespace kos::lx {

class Process;

// A clock that goes off at a time of its own: realtime ones follow it when it is set, those of CPU time are looked at
// now and then.
class AlarmClock : public Timer {
public:
    enum class Kind : uint8_t { kMonotonic, kRealtime, kProcessCpu, kThreadCpu };
    AlarmClock(Process& process, Kind kind, int tid = 0) : process_(process), kind_(kind), tid_(tid), on_set_(*this) {}

    // What the clock shows.
    Nanoseconds now() const;
    void set(Nanoseconds target, Nanoseconds interval);
    void stop();
    bool is_running() const { return is_running_; }
    Nanoseconds interval() const { return interval_; }
    // Until it goes off; 0: stopped. At least 1 if it runs.
    Nanoseconds left() const;

    void expired() final;

protected:
    // It went off. A periodic one is set for its next period by `next`, now or later; any other has stopped.
    virtual void fire() = 0;
    // The next period that is yet to come; returns how many have been missed besides the one that was due.
    uint64_t next();
    Process& process() { return process_; }

private:
    class OnSet final : public WaitEntry {
    public:
        explicit OnSet(AlarmClock& of) : clock_(of) {}
        bool woken(uint32_t) override;

    private:
        AlarmClock& clock_;
    };
    void schedule();

    Process& process_;
    Kind kind_;
    int tid_;
    bool is_running_ = false;
    Nanoseconds target_ = 0, interval_ = 0;
    OnSet on_set_;
};

class IntervalTimer final : public AlarmClock {
public:
    IntervalTimer(Process& process, Kind kind, int signal) : AlarmClock(process, kind), signal_(signal) {}

private:
    void fire() override;
    int signal_;
};

// RLIMIT_CPU: SIGXCPU when the soft limit is reached and each second from then on, SIGKILL at the hard one.
class CpuLimit final : public AlarmClock {
public:
    explicit CpuLimit(Process& process) : AlarmClock(process, Kind::kProcessCpu) {}

private:
    void fire() override;
};

class PosixTimer final : public AlarmClock {
public:
    PosixTimer(Process& process, Kind kind, int of_tid, int number) : AlarmClock(process, kind, of_tid), id(number) {}

    const int id;
    int signal = 0;     // 0: none
    int thread_id = 0;  // who gets the signal; 0: the process
    uint64_t value = 0;
    int32_t overrun = 0;  // of the signal that was taken last
    bool is_queued = false;

    // timer_settime(2); 0 stops it. A signal of earlier settings that is still pending no longer counts as this
    // timer's.
    void set_by_program(Nanoseconds time, Nanoseconds period, bool is_absolute);
    // Its signal was taken: the next period begins to count.
    void taken();

private:
    void fire() override;
};

class AllTimers final : public ProcessTimers {
public:
    explicit AllTimers(Process& process);
    static constexpr size_t kPosixTimersMax = 256;
    IntervalTimer real, virtual_time, profiling;
    CpuLimit cpu_limit;
    std::map<int, std::unique_ptr<PosixTimer>> posix;
    int last_id = -1;
};

// RLIMIT_CPU is what process.limits says from now on.
void cpu_limit_changed(Process& process);

AllTimers& timers_of(Process& process);  // made when first asked for

// A POSIX timer's signal was taken: fills in the overrun and lets the timer's next period count. False: the timer no
// longer exists, the signal means nothing.
bool timer_signal_taken(Process& process, SignalInfo& info);
// execve(2): POSIX timers go, interval timers stay.
void timers_at_exec(Process& process);

}  // namespace kos::lx
