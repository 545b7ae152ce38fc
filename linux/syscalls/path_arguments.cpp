// Directory and path arguments of the *at calls.
#include "syscalls/path_arguments.h"

#include "vfs/dentry.h"

namespace kos::lx {

Result<Location> start_of(Call& call, unsigned index, std::string_view path) {
    if (call.argument_as<int>(index) == kAT_FDCWD) return call.process().paths->context.working;
    if (!path.empty() && path.front() == '/') return call.process().paths->context.root;
    KOS_TRY(Ref<File> const file, call.any_file(index));
    if (!file->location.inode() || !file->location.inode()->is_directory()) return Errno::kENOTDIR;
    return file->location;
}

Result<Location> Target::changeable() const {
    if (location.is_set()) return location;
    if (file && file->inode()) return Location{nullptr, Dentry::make_root(Ref<Inode>(file->inode()))};
    return Errno::kEBADF;
}

Result<Target> find_target(Call& call, unsigned index, std::string_view path, uint32_t walk_flags, uint32_t at_flags) {
    Target target;
    if (path.empty() && at_flags & kAT_EMPTY_PATH && call.argument_as<int>(index) != kAT_FDCWD) {
        KOS_TRY(target.file, call.any_file(index));
        target.location = target.file->location;
        return target;
    }
    if (path.empty() && !(at_flags & kAT_EMPTY_PATH)) return Errno::kENOENT;
    KOS_TRY(Location const start, start_of(call, index, path));
    uint32_t const flags = walk_flags | (at_flags & kAT_EMPTY_PATH ? kWalkEmpty : 0u);
    KOS_TRY(auto found, walk(call.process().paths->context, call.process().credentials, start, path, flags));
    target.location = std::move(found.location);
    if (walk_flags & kWalkFollow && target.location.inode()->is_symlink()) {
        target.file = target.location.inode()->follow_file();
        if (!target.file) return Errno::kENOENT;
        target.location = target.file->location;
    }
    return target;
}

Result<Target> find_target(Call& call, unsigned index, uint32_t walk_flags, uint32_t at_flags) {
    KOS_TRY(std::string const path, call.path(index + 1));
    return find_target(call, index, path, walk_flags, at_flags);
}

}  // namespace kos::lx
