// One server thread, so one current thread.
#include "task/current.h"

namespace kos::lx {

namespace {
Thread* current = nullptr;
}

Thread* current_thread() { return current; }
Process* current_process() { return current ? &current->process : nullptr; }

CurrentThread::CurrentThread(Thread& thread) : outer_(current) { current = &thread; }
CurrentThread::~CurrentThread() { current = outer_; }

}  // namespace kos::lx
