// Kinds of file systems that mount(2) knows by name, besides tmpfs: those of the domain's own (proc, sysfs, devtmpfs)
// register themselves when the system starts.
#pragma once

#include "vfs/inode.h"

#include <string_view>

namespace kos::lx {

class System;

using FileSystemMaker = Result<Ref<FileSystem>> (*)(System& system, std::string_view source, std::string_view options);
void register_file_system(const char* type, FileSystemMaker maker);  // `type` stays valid; the last one counts

Result<Ref<FileSystem>> make_file_system(std::string_view type, System& system, std::string_view source,
                                         std::string_view options);  // kENODEV
// All types, for /proc/filesystems.
const char* file_system_type(size_t index);  // nullptr: no more

}  // namespace kos::lx
