// Signals about open files: O_ASYNC with F_SETOWN and F_SETSIG (fcntl(2)), and F_NOTIFY.
#pragma once

#include "base/result.h"
#include "task/process.h"
#include "vfs/file.h"

namespace kos::lx {

// Who is told about the file: a process (or thread) by its number, a group by the negative one, nobody by 0. kESRCH.
Status set_file_owner(Process& caller, File& file, int32_t number, bool is_thread);

// O_ASYNC is set or taken away by descriptor `fd`, which the signals name. kENOTTY: a file that is always ready.
Status set_asynchronous(Process& caller, File& file, int fd, bool is_on);

// F_NOTIFY: the caller hears what happens to entries of the directory (DN_*), once or (DN_MULTISHOT) until it closes
// the descriptor; 0: no longer. kENOTDIR, kEINVAL, kENOSPC, kEMFILE (as inotify).
Status notify_of_directory(Process& caller, File& file, int fd, uint32_t wanted);

}  // namespace kos::lx
