// /proc/PID/mounts and mountinfo: the mounts that the process can reach from its root.
#include "fs/proc/nodes.h"
#include "vfs/dentry.h"

#include <vector>

namespace kos::lx::proc {

namespace {

constexpr std::string_view kSpecial = " \t\n\\";

std::string options(const Mount& mount) {
    std::string result = mount.flags & kMS_RDONLY ? "ro" : "rw";
    if (mount.flags & kMS_NOSUID) result += ",nosuid";
    if (mount.flags & kMS_NODEV) result += ",nodev";
    if (mount.flags & kMS_NOEXEC) result += ",noexec";
    result += mount.flags & kMS_NOATIME ? ",noatime" : ",relatime";
    return result;
}

struct Reached {
    Ref<Mount> mount;
    std::string place;  // as the process names it
};

// Parents before their children.
std::vector<Reached> reached_mounts(const Process& process) {
    std::vector<Reached> result;
    if (!process.paths || !process.paths->context.root.is_set()) return result;
    const Location& root = process.paths->context.root;
    result.push_back({root.mount, "/"});
    for (size_t i = 0; i < result.size() && result.size() < kMountsMax; ++i) {
        Ref<Mount> const parent = result[i].mount;
        for (const Ref<Mount>& child : parent->children()) {
            if (!child->place()) continue;
            std::string place = path_of({parent, Ref<Dentry>(child->place())}, root);
            if (!place.starts_with('/')) continue;  // outside of the process's root
            result.push_back({child, std::move(place)});
        }
    }
    return result;
}

std::string source_of(const Mount& mount) {
    return mount.source().empty() ? "none" : escaped(mount.source(), kSpecial);
}

std::string type_of(const Mount& mount) { return std::string(mount.file_system().type_name()); }

}  // namespace

Text mounts_text(const Subject& subject, Process&) {
    std::string result;
    for (const Reached& one : reached_mounts(*subject.process)) {
        std::string flags = options(*one.mount);
        if (one.mount->is_read_only()) flags.replace(0, 2, "ro");
        result += source_of(*one.mount) + " " + escaped(one.place, kSpecial) + " " + type_of(*one.mount) + " " + flags +
                  " 0 0\n";
    }
    return result;
}

Text mountinfo_text(const Subject& subject, Process&) {
    std::string result;
    for (const Reached& one : reached_mounts(*subject.process)) {
        const Mount& mount = *one.mount;
        uint64_t const device = mount.file_system().device();
        // What of the file system is mounted there: a part of it, if it was bound.
        std::string within;
        for (const Dentry* at = &mount.root(); at->parent(); at = at->parent()) within = "/" + at->name() + within;
        append(result, "%d %d %llu:%llu ", mount.id, mount.parent() ? mount.parent()->id : mount.id,
               static_cast<unsigned long long>(device >> 8 & 0xfff),
               static_cast<unsigned long long>((device & 0xff) | (device >> 12 & 0xfff00)));
        result += (within.empty() ? "/" : escaped(within, kSpecial)) + " " + escaped(one.place, kSpecial) + " " +
                  options(mount) + " - " + type_of(mount) + " " + source_of(mount) + " " +
                  (mount.file_system().is_read_only() ? "ro" : "rw") + "\n";
    }
    return result;
}

}  // namespace kos::lx::proc
