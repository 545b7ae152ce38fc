// Handlers of the path family that stand outside path.cpp; its table has them all.
#pragma once

#include "syscalls/call.h"

namespace kos::lx {

// path_stat.cpp
Result<int64_t> sys_newfstatat(Call& call);
Result<int64_t> sys_fstat(Call& call);
Result<int64_t> sys_statx(Call& call);
Result<int64_t> sys_statfs(Call& call);
Result<int64_t> sys_fstatfs(Call& call);
Result<int64_t> sys_faccessat(Call& call);
Result<int64_t> sys_faccessat2(Call& call);
Result<int64_t> sys_readlinkat(Call& call);

// path_mount.cpp
Result<int64_t> sys_mount(Call& call);
Result<int64_t> sys_umount2(Call& call);
Result<int64_t> sys_setxattr(Call& call);
Result<int64_t> sys_lsetxattr(Call& call);
Result<int64_t> sys_fsetxattr(Call& call);
Result<int64_t> sys_getxattr(Call& call);
Result<int64_t> sys_lgetxattr(Call& call);
Result<int64_t> sys_fgetxattr(Call& call);
Result<int64_t> sys_listxattr(Call& call);
Result<int64_t> sys_llistxattr(Call& call);
Result<int64_t> sys_flistxattr(Call& call);

}  // namespace kos::lx
