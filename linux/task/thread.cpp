// Threads: making, waking, finding.
#include "task/thread.h"

#include "task/system.h"

namespace kos::lx {

Thread::Thread(Process& of, int number) : process(of), tid(number), progress(*this) {}

Thread::~Thread() = default;

void Thread::wake() {
    if (state == ThreadState::kAsleep) process.system.add_ready(*this);
}

Process::Process(System& of, int number) : system(of), pid(number) {}

Process::~Process() = default;

Thread* Process::find_thread(int tid) {
    for (const Ref<Thread>& thread : threads) {
        if (thread->tid == tid) return thread.get();
    }
    return nullptr;
}

}  // namespace kos::lx
