// open(2): from the file that was found to an open one.
#include "task/process.h"
#include "vfs/dentry.h"
#include "vfs/extras.h"
#include "vfs/file.h"
#include "vfs/operations.h"
#include "vfs/truncate.h"

namespace kos::lx {

namespace {

constexpr uint32_t kCreationFlags = kO_CREAT | kO_EXCL | kO_NOCTTY | kO_TRUNC | kO_CLOEXEC;

// O_PATH: a name held open, nothing else.
class PathFile final : public File {
public:
    Result<size_t> read(IoBuffer&) override { return Errno::kEBADF; }
    Result<size_t> write(IoBuffer&) override { return Errno::kEBADF; }
    Result<uint64_t> seek(int64_t, unsigned) override { return Errno::kEBADF; }
    bool can_map() const override { return false; }
};

}  // namespace

Result<Ref<File>> open_location(Process& process, const Location& location, uint32_t flags) {
    if (!location.inode()) return Errno::kENOENT;
    Ref<File> file;
    if (flags & kO_PATH) {
        file = make_ref<PathFile>();
        flags &= kO_PATH | kO_DIRECTORY | kO_NOFOLLOW;
    } else {
        KOS_TRY(file, location.inode()->open(flags, process));
    }
    file->flags = flags & ~kCreationFlags;
    file->location = location;
    if (!(flags & kO_PATH)) notify(location, kIN_OPEN);
    return file;
}

Result<Ref<File>> open_path(Process& process, const Location& start, std::string_view path, uint32_t flags, Mode mode,
                            uint32_t walk_flags) {
    PathUser const user{process.paths->context, process.credentials};
    KOS_TRY(auto const target, find_open_target(user, start, path, flags, mode, walk_flags));
    if (target.is_object && !(flags & kO_PATH)) {
        Ref<File> file = target.location.inode()->follow_file();
        if (!file) return Errno::kENOENT;
        return file->open_again(flags & ~kCreationFlags);
    }
    Inode& inode = *target.location.inode();
    bool const writes = (flags & kO_ACCMODE) != kO_RDONLY || flags & kO_TRUNC;
    if (writes && !(flags & kO_PATH) && inode.is_regular() && !target.is_new) {
        KOS_TRY_STATUS(check_not_running(process, inode));
    }
    bool const truncates = flags & kO_TRUNC && !(flags & kO_PATH) && inode.is_regular() && !target.is_new;
    if (truncates) KOS_TRY_STATUS(truncate_inode(process, inode, 0));
    KOS_TRY(Ref<File> file, open_location(process, target.location, flags));
    if (truncates) notify(target.location, kIN_MODIFY);
    return file;
}

}  // namespace kos::lx
