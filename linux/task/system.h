// One Linux system: everything that the processes of this domain share.
#pragma once

#include "mm/address_space.h"
#include "mm/frame.h"
#include "task/process.h"
#include "task/release.h"
#include "task/thread.h"
#include "time/clock.h"
#include "vfs/path.h"

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace kos::lx {

class KosPorts;
class KosStreams;
struct SystemCall;

// What the system asks the outside for. Implemented by the platform, and by fakes in host tests.
class Platform {
public:
    virtual Result<std::unique_ptr<MachineThread>> make_thread(Thread& thread, AddressSpace& memory) = 0;
    virtual Result<std::unique_ptr<MachineSpace>> make_space() { return Errno::kENOMEM; }
    // The frames of the shim (shim/), which every process gets at AddressSpace::shim; none in host tests.
    virtual std::span<const Ref<Frame>> shim_frames() { return {}; }
    virtual Status random(void* bytes, size_t count) = 0;
    // An event for the log and for who watches the domain: unknown system calls, killed programs.
    virtual void report(const char* text) = 0;
    // A line about a call, of a traced system.
    virtual void trace(const char* /*text*/) {}
    // The first process has ended (wait status), or reboot(2) was called: the domain ends, or begins again.
    [[noreturn]] virtual void end(int status) = 0;
    // reboot(2): the domain begins again.
    [[noreturn]] virtual void restart() {
        end(0);
        __builtin_unreachable();  // with sanitizers the compiler forgets that `end` does not return
    }
    virtual unsigned cores() = 0;
    virtual ProcessorFacts processor() { return {}; }
    virtual const char* host_name() = 0;
    // What all Internet sockets together may hold of the server's heap, in bytes.
    virtual size_t network_memory() { return 12 << 20; }

protected:
    ~Platform() = default;
};

// What has to know of the end of processes, beyond what they hold themselves.
class ProcessFollower : public Counted {
public:
    virtual void process_ended(Process& process) = 0;
};

class System {
public:
    System(Platform& platform, FrameSource& frames, TimeSource& time);
    ~System();  // of host tests: on a device it lives as long as the domain

    Platform& platform;
    FrameSource& frames;
    Timers timers;
    std::string host_name;
    std::string domain_name = "(none)";
    Location root;              // of the tree of mounts
    KosPorts* ports = nullptr;  // what /run/kos shows; of systems that have it
    KosStreams* streams = nullptr;
    Ref<Counted> network;      // net/inet/network.h; made when it is first needed
    Ref<ProcessFollower> ipc;  // System V IPC (syscalls/ipc.h); the same

    // --- Processes and threads by number. A thread group's number is that of its first thread.
    static constexpr int kProcessesMax = 512, kThreadsMax = 2048;
    Result<Ref<Process>> make_process(Process* parent);          // kEAGAIN; no thread yet
    Result<Ref<Thread>> make_thread(Process& process);           // kEAGAIN; not started
    Result<Ref<Thread>> make_thread(Process& process, int tid);  // a number that is free
    Process* find_process(int pid);
    Thread* find_thread(int tid);
    const std::map<int, Ref<Process>>& processes() const { return processes_; }
    void forget(Process& process);  // waited for
    void forget(Thread& thread);    // ended

    // --- Execution. Called by the platform.
    // Executes the thread's call (call_number, call_arguments) and does what follows: result, signals, sleep, end.
    void execute_call(Thread& thread);
    // The thread did what its processor refuses (fault): a signal, with siginfo's code and address.
    void fault(Thread& thread, int signal, int code, uint64_t address);
    // Executes the calls of threads that were woken, until there are none.
    void run_ready();
    // Of those whose calls it has ended since it was asked last, the last one that goes on in its program; nullptr:
    // none.
    const Thread* take_resumed();
    bool has_ready() const { return !ready_.empty(); }
    void add_ready(Thread& thread);
    // Another thread's call ends what this one is doing, in its program or in a call of its own (execve(2)): it stands
    // still, with no call, and can be given registers.
    void abandon_call(Thread& thread);

    // Every call's end is told to the platform (Platform::trace), for developers.
    bool is_traced = false;
    uint64_t calls_executed = 0;
    uint64_t context_switches = 0;
    uint64_t forks = 0;
    Nanoseconds booted_realtime = 0;

private:
    int next_number();
    void trace(const Thread& thread, const SystemCall* call, const Result<int64_t>& result);
    void report_unknown(const Thread& thread, unsigned number);
    void finish(Thread& thread, int64_t value, Errno error);

    std::map<int, Ref<Process>> processes_;
    std::map<int, Ref<Thread>> threads_;
    int last_number_ = 0;
    std::deque<Ref<Thread>> ready_;
    int resumed_ = 0;  // take_resumed
    bool is_ending_ = false;
    uint64_t reported_calls_[8] = {};  // unknown numbers that were reported already
};

}  // namespace kos::lx
