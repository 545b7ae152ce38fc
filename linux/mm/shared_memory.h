// The file behind memory that is shared without a name: mmap(2) with MAP_SHARED | MAP_ANONYMOUS.
#pragma once

#include "vfs/file.h"

namespace kos::lx {

class System;

// `bytes` of zeros; frames are taken when a page is first used.
Result<Ref<File>> make_shared_memory(System& system, uint64_t bytes);

}  // namespace kos::lx
