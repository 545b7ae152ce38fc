// What the thread manager asks of root; faked in its test.
#pragma once

#include <kos/abi.h>
#include <kos/status.h>

namespace kos::thread_mgr {

kos_status_t look_after_faults();
kos_status_t next_fault(kos_fault_t* fault);  // EMPTY

}  // namespace kos::thread_mgr
