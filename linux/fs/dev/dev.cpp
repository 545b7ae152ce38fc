// The nodes of /dev (dev.h).
#include "fs/dev/dev.h"

#include "vfs/devices.h"

namespace kos::lx {

namespace {

struct Node {
    const char* name;
    Mode mode;
    uint32_t major, minor;  // devices.txt (admin-guide/devices of docs.kernel.org)
};

constexpr Node kNodes[] = {
    {"console", kS_IFCHR | 0600, 5, 1}, {"full", kS_IFCHR | 0666, 1, 7},           {"kmsg", kS_IFCHR | 0644, 1, 11},
    {"null", kS_IFCHR | 0666, 1, 3},    {"ptmx", kS_IFCHR | 0666, 5, 2},           {"random", kS_IFCHR | 0666, 1, 8},
    {"tty", kS_IFCHR | 0666, 5, 0},     {"urandom", kS_IFCHR | 0666, 1, 9},        {"zero", kS_IFCHR | 0666, 1, 5},
    {"pts", kS_IFDIR | 0755, 0, 0},     {"shm", kS_IFDIR | kS_ISVTX | 0777, 0, 0},
};

struct Link {
    const char* name;
    const char* target;
};

constexpr Link kLinks[] = {{"fd", "/proc/self/fd"},
                           {"stdin", "/proc/self/fd/0"},
                           {"stdout", "/proc/self/fd/1"},
                           {"stderr", "/proc/self/fd/2"}};

}  // namespace

Status populate_dev(Inode& directory) {
    for (const Node& node : kNodes) {
        auto made = directory.create(node.name, node.mode, make_device(node.major, node.minor), 0, 0);
        if (!made.ok()) return made.error();
    }
    for (const Link& link : kLinks) {
        auto made = directory.symlink(link.name, link.target, 0, 0);
        if (!made.ok()) return made.error();
    }
    return {};
}

}  // namespace kos::lx
