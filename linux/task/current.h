// The thread whose system call is being executed. For files whose answer depends on who asks (terminals, signalfd,
// credentials of socket messages); everything else gets its process as an argument.
#pragma once

#include "task/thread.h"

#include <utility>

namespace kos::lx {

namespace current {
inline Thread* thread = nullptr;
}

// nullptr: the server works for nobody in particular (timers, bytes from a device).
inline Thread* current_thread() { return current::thread; }
Process* current_process();

// Set by System::execute_call for as long as it executes.
class CurrentThread {
public:
    explicit CurrentThread(Thread& thread) : outer_(std::exchange(current::thread, &thread)) {}
    ~CurrentThread() { current::thread = outer_; }
    CurrentThread(const CurrentThread&) = delete;
    CurrentThread& operator=(const CurrentThread&) = delete;

private:
    Thread* outer_;
};

}  // namespace kos::lx
