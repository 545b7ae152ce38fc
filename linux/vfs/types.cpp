// Who may do what to a file.
#include "vfs/types.h"

#include <algorithm>

namespace kos::lx {

bool Credentials::in_group(uint32_t group) const {
    return group == fsgid || std::find(groups.begin(), groups.end(), group) != groups.end();
}

void Credentials::begin_program() {
    keeps_capabilities = false;
    suid = fsuid = euid;
    sgid = fsgid = egid;
    bool const is_root = uid == 0 || euid == 0;
    permitted = is_root ? inheritable | bounding : ambient;
    capabilities = euid == 0 ? permitted : ambient;
}

Status check_access(const Attributes& attributes, uint32_t wanted, const Credentials& credentials) {
    Mode allowed = attributes.mode;
    if (attributes.uid == credentials.fsuid) {
        allowed >>= 6;
    } else if (credentials.in_group(attributes.gid)) {
        allowed >>= 3;
    }
    if ((wanted & ~allowed & 7) == 0) return {};
    bool const is_directory = (attributes.mode & kS_IFMT) == kS_IFDIR;
    // capabilities(7): CAP_DAC_OVERRIDE makes nothing executable that nobody may execute.
    if (credentials.has_capability(kCAP_DAC_OVERRIDE)) {
        if (is_directory || !(wanted & kMayExecute) || attributes.mode & 0111) return {};
    }
    if (credentials.has_capability(kCAP_DAC_READ_SEARCH)) {
        if (!(wanted & ~(is_directory ? kMayRead | kMayExecute : kMayRead))) return {};
    }
    return Errno::kEACCES;
}

}  // namespace kos::lx
