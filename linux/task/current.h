// The thread whose system call is being executed. For files whose answer depends on who asks (terminals, signalfd,
// credentials of socket messages); everything else gets its process as an argument.
#pragma once

#include "task/thread.h"

namespace kos::lx {

// nullptr: the server works for nobody in particular (timers, bytes from a device).
Thread* current_thread();
Process* current_process();

// Set by System::execute_call for as long as it executes.
class CurrentThread {
public:
    explicit CurrentThread(Thread& thread);
    ~CurrentThread();
    CurrentThread(const CurrentThread&) = delete;
    CurrentThread& operator=(const CurrentThread&) = delete;

private:
    Thread* outer_;
};

}  // namespace kos::lx
