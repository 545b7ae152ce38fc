// Switching the core from one thread to another.
#pragma once

namespace keel {

struct Cpu;
struct Tcb;

// `to` runs next: address space, FPU and thread registers. Either may be the idle thread, which has no user context;
// the exception exit code takes the general registers from `to`.
void switch_context(Cpu& cpu, Tcb& from, Tcb& to);

// Sets the thread pointer register of a thread, also if it is the one that runs.
void set_thread_pointer(Cpu& cpu, Tcb& tcb, unsigned long value);

}  // namespace keel
