// /dev: the nodes that programs expect, in an empty directory of a writable file system (tmpfs), and the devices of
// memory and chance behind them: null, zero, full, random, urandom, kmsg (mem(4), null(4), random(4)).
//
// Terminals register themselves (tty/); their nodes are made here.
#pragma once

#include "vfs/inode.h"

namespace kos::lx {

// Once, when the system starts.
void register_memory_devices();

// console, full, kmsg, null, ptmx, random, tty, urandom, zero; links fd, stdin, stdout, stderr; directories
// pts, shm.
Status populate_dev(Inode& directory);

}  // namespace kos::lx
