// Handlers of the calls about interval timers and POSIX timers; the table is in time.cpp.
#pragma once

#include "syscalls/call.h"

namespace kos::lx {

Result<int64_t> getitimer(Call& call);
Result<int64_t> setitimer(Call& call);
Result<int64_t> timer_create(Call& call);
Result<int64_t> timer_gettime(Call& call);
Result<int64_t> timer_getoverrun(Call& call);
Result<int64_t> timer_settime(Call& call);
Result<int64_t> timer_delete(Call& call);

}  // namespace kos::lx
