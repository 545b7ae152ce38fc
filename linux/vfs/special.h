// Who opens what is neither a regular file nor a directory: fifos (vfs/pipe.cpp), device nodes (fs/dev). They register
// themselves when the system starts; without them such a file cannot be opened (kENXIO).
#pragma once

#include "vfs/inode.h"

namespace kos::lx {

// A fifo's File exists at once, see File::is_connected; kENXIO for O_WRONLY | O_NONBLOCK without a reader.
using SpecialOpen = Result<Ref<File>> (*)(Inode& inode, uint32_t flags, Process& process);

struct SpecialFiles {
    SpecialOpen fifo = nullptr;
    SpecialOpen character = nullptr;  // the number is in the inode's attributes
    SpecialOpen block = nullptr;
};
extern SpecialFiles special_files;

}  // namespace kos::lx
