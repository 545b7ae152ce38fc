// One server thread, so one current thread.
#include "task/current.h"

namespace kos::lx {

Process* current_process() {
    Thread* const thread = current_thread();
    return thread ? &thread->process : nullptr;
}

}  // namespace kos::lx
