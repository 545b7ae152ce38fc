// Shortening files that may be mapped.
#pragma once

#include "vfs/inode.h"

namespace kos::lx {

// kETXTBSY: a process runs this file.
Status check_not_running(Process& process, const Inode& inode);
// kETXTBSY: a process has this file open for writing.
Status check_not_written(Process& process, const Inode& inode);
// A process has mapped this file shared and may write to it.
bool is_mapped_for_writing(Process& process, const Inode& inode);
// Sets the size; pages that end up behind it vanish from all address spaces (SIGBUS).
Status truncate_inode(Process& process, Inode& inode, uint64_t size);
// The pages that cover [offset, offset + bytes) are other frames from now on (a hole was punched).
void forget_pages_everywhere(Process& process, const Inode& inode, uint64_t first, uint64_t last);

}  // namespace kos::lx
