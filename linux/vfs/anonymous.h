// What files that no file system has in common: a number for stat(2) and /proc/PID/fd, and attributes.
#pragma once

#include "mm/io_buffer.h"
#include "vfs/types.h"

#include <string>

namespace kos::lx {

// st_dev of these files, as stat(2) packs 0:n.
constexpr uint64_t kSocketDevice = 8, kPipeDevice = 13, kAnonymousDevice = 14;

uint64_t next_anonymous_number();

// Attributes of such a file, owned by who made it (the current process) at this time.
Attributes anonymous_attributes(uint64_t device, Mode mode);

// "kind:[number]"
std::string numbered_name(const char* kind, uint64_t number);

// The whole object or kEFAULT: for records that a read or write moves at once.
Status out_whole(IoBuffer& to, const void* bytes, size_t count);
Status in_whole(IoBuffer& from, void* bytes, size_t count);

}  // namespace kos::lx
