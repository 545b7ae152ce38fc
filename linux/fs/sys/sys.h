// /sys (sysfs(5)): the processors and their topology, and the directories that programs look into.
#pragma once

#include "vfs/inode.h"

namespace kos::lx {

class System;

Ref<FileSystem> make_sys(System& system);

}  // namespace kos::lx
