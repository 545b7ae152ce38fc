// Numbers and names of files without a file system.
#include "vfs/anonymous.h"

#include "task/current.h"
#include "task/process.h"
#include "task/system.h"

#include <stdio.h>

namespace kos::lx {

uint64_t next_anonymous_number() {
    static uint64_t last = 1024;  // below: other file systems' roots and fixed nodes
    return ++last;
}

Attributes anonymous_attributes(uint64_t device, Mode mode) {
    Attributes attributes;
    attributes.device = device;
    attributes.inode = next_anonymous_number();
    attributes.mode = mode;
    if (Process* const process = current_process()) {
        attributes.uid = process->credentials.fsuid;
        attributes.gid = process->credentials.fsgid;
        Timespec const now = timespec_of(process->system.timers.realtime());
        attributes.accessed = attributes.modified = attributes.changed = attributes.born = now;
    }
    return attributes;
}

std::string numbered_name(const char* kind, uint64_t number) {
    char text[64];
    snprintf(text, sizeof text, "%s:[%llu]", kind, static_cast<unsigned long long>(number));
    return text;
}

Status out_whole(IoBuffer& to, const void* bytes, size_t count) {
    KOS_TRY(size_t const moved, to.out(bytes, count));
    return moved == count ? Status() : Status(Errno::kEFAULT);
}

Status in_whole(IoBuffer& from, void* bytes, size_t count) {
    KOS_TRY(size_t const moved, from.in(bytes, count));
    return moved == count ? Status() : Status(Errno::kEFAULT);
}

}  // namespace kos::lx
