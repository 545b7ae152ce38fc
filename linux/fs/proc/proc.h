// /proc (proc(5)): what the programs of this system may know of it and of each other. Formats as Linux 6.1 prints them
// on arm64; what has no meaning here is zero or absent.
#pragma once

#include "vfs/inode.h"

namespace kos::lx {

class System;

Ref<FileSystem> make_proc(System& system);

}  // namespace kos::lx
