// A thread of a Linux program.
//
// It is in one of these states: running in the program (the server knows nothing of its registers), in a system call
// that is being executed, asleep in a system call (in wait queues, or with a deadline), or stopped by a signal. The
// platform (platform/) moves it between the program and the server; task/ and signal/ decide.
#pragma once

#include "base/ref.h"
#include "base/wait_queue.h"
#include "signal/state.h"
#include "syscalls/progress.h"
#include "task/registers.h"
#include "time/clock.h"

#include <memory>

namespace kos::lx {

class AddressSpace;
class Process;
class MachineThread;

enum class ThreadState : uint8_t {
    kRunning,      // in the program
    kInCall,       // the server works for it just now
    kAsleep,       // in a call that waits
    kStopped,      // SIGSTOP and the like: asleep until SIGCONT, whatever it was doing
    kInterrupted,  // taken out of the program for a signal, in System's list: run_ready calls resume_interrupted
    kDead,
};

class Thread final : public Counted {
public:
    Thread(Process& process, int tid);
    ~Thread() override;

    Process& process;
    const int tid;
    ThreadState state = ThreadState::kInCall;
    char name[16] = {};

    // The kernel's thread, made by the platform. nullptr in host tests and when dead.
    std::unique_ptr<MachineThread> machine;
    // All integer registers. Valid after MachineThread::load, which makes them what the program resumes with.
    Registers registers;

    SignalState signals;

    // --- The present system call.
    unsigned call_number = 0;
    uint64_t call_arguments[6] = {};
    CallProgress progress;

    // Of a clone(2) whose floating-point registers the shim is saving, or a child that is loading them.
    std::unique_ptr<CallExtra> clone_extra;
    std::unique_ptr<Registers> clone_registers;

    // set_tid_address(2), CLONE_CHILD_CLEARTID: zeroed and woken (futex) at the thread's end; 0: none.
    uint64_t clear_tid = 0;
    uint64_t robust_list = 0;  // get_robust_list(2)
    uint64_t robust_list_bytes = 0;
    uint64_t affinity = ~uint64_t{0};  // sched_setaffinity(2), of the domain's cores
    int nice = 0;
    uint16_t io_priority = 0;  // ioprio_set(2), remembered only
    uint32_t policy = 0;       // sched_setscheduler(2), remembered only
    int priority = 0;
    bool resets_on_fork = false;
    uint64_t timer_slack = 50'000;
    Nanoseconds started = 0;

    // Wakes it if it is asleep: its call is executed again soon (System::run_ready). Also after its deadline.
    void wake();

    bool is_ready = false;  // in System's list
};

// What the platform does for a thread. Only while the thread is not running, unless said otherwise.
class MachineThread {
public:
    virtual ~MachineThread() = default;
    // Fills thread.registers (all of them) from the kernel and makes them count: what they say when the thread resumes
    // is what it resumes with. Does nothing if they count already.
    virtual void load() = 0;
    // Result of the call: what x0 will be. If the registers count (load), sets x[0] there.
    virtual void set_result(int64_t value) = 0;
    // The call is over without a result of its own (rt_sigreturn, execve): registers say everything.
    virtual void set_no_result() = 0;
    // The call shall be made again by the program itself: resumes at the svc with its old x0. If the registers count
    // (load), sets pc and x[0] there.
    virtual void set_again() = 0;
    // Takes a running thread out of the program (signals): afterwards it is stopped and can be loaded.
    virtual void interrupt() = 0;
    // It was resumed with the result of a call. True: it has executed nothing since, and is in that call again.
    virtual bool take_back_result() = 0;
    // Lets it run. The counterpart of interrupt, of sleeping and of a call's end.
    virtual void resume() = 0;
    // execve(2): the thread's program is in another address space from now on; the registers count.
    virtual void set_memory(AddressSpace& /*memory*/) {}
    // CPU time used so far, at most one slice less than it is; never less than it said before (time/cpu_clock.h).
    virtual Nanoseconds cpu_time() = 0;
    virtual unsigned core() = 0;
    virtual void set_affinity(uint64_t cores) = 0;
};

}  // namespace kos::lx
