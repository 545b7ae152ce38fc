// Fixture for tests of messages; see ipc_test.h.
#include "testing/ipc_test.h"

#include "core/endpoint.h"
#include "core/scheduler.h"
#include "core/thread.h"

namespace keel::testing {

void IpcTest::schedule_now() {
    reschedule(cpu());
    schedule(cpu());
}

void IpcTest::receive_as(Tcb& tcb, CPtr from, CPtr reply) {
    if (tcb.sched_context) {
        syscall_as(tcb, reply ? seL4_SysRecv : seL4_SysWait, from, {}, reply);
        return;
    }
    tcb.context.fault_pc = kSvcAddress;
    tcb.context.pc = kSvcAddress + 4;
    tcb.context.x[7] = static_cast<Word>(reply ? seL4_SysRecv : seL4_SysWait);
    receive(tcb, cap(from), reply ? cap(reply).reply() : nullptr, true);
    schedule_now();
}

}  // namespace keel::testing
