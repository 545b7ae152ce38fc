// open(2): from a path to the file that shall be opened.
#include "vfs/dentry.h"
#include "vfs/extras.h"
#include "vfs/operations.h"

namespace kos::lx {

namespace {

bool is_tmpfile(uint32_t flags) { return (flags & kO_TMPFILE) == kO_TMPFILE; }

Status check_flags(uint32_t flags) {
    if (flags & kO_PATH) return {};
    if (is_tmpfile(flags)) {
        if ((flags & kO_ACCMODE) == kO_RDONLY || flags & kO_CREAT) return Errno::kEINVAL;
    } else if (flags & (kO_TMPFILE & ~kO_DIRECTORY)) {
        return Errno::kEINVAL;
    } else if (flags & kO_CREAT && flags & kO_DIRECTORY) {
        return Errno::kEINVAL;
    }
    return {};
}

uint32_t wanted_access(uint32_t flags) {
    uint32_t const mode = flags & kO_ACCMODE;
    uint32_t wanted = mode == kO_RDONLY ? kMayRead : mode == kO_WRONLY ? kMayWrite : kMayRead | kMayWrite;
    if (flags & kO_TRUNC) wanted |= kMayWrite;
    return wanted;
}

// What exists may be opened like that.
Status check_open(const PathUser& user, const Location& location, uint32_t flags) {
    Inode& inode = *location.inode();
    if (flags & kO_DIRECTORY && !inode.is_directory()) return Errno::kENOTDIR;
    if (flags & kO_PATH) return {};
    uint32_t const wanted = wanted_access(flags);
    switch (inode.type()) {
        case kS_IFLNK: return Errno::kELOOP;
        case kS_IFDIR:
            if (wanted & kMayWrite || flags & kO_CREAT) return Errno::kEISDIR;
            break;
        case kS_IFCHR:
        case kS_IFBLK:
            if (location.mount && location.mount->flags & kMS_NODEV) return Errno::kEACCES;
            break;
        default: break;
    }
    // Reading is what most opens are for, and what root may always do.
    if (wanted != kMayRead || !user.credentials.has_capability(kCAP_DAC_OVERRIDE)) {
        KOS_TRY_STATUS(check_location(location, wanted, user.credentials));
    }
    if (flags & kO_NOATIME && !user.credentials.has_capability(kCAP_FOWNER)) {
        KOS_TRY(auto const attributes, inode.attributes());
        if (attributes.uid != user.credentials.fsuid) return Errno::kEPERM;
    }
    return {};
}

Result<OpenTarget> existing(const PathUser& user, Location location, uint32_t flags) {
    OpenTarget target;
    if (location.inode()->is_symlink() && !(flags & kO_NOFOLLOW)) {
        // A walk that follows ends at a link only if that leads to an object.
        target.is_object = true;
    } else {
        KOS_TRY_STATUS(check_open(user, location, flags));
    }
    target.location = std::move(location);
    return target;
}

Result<OpenTarget> unnamed(const PathUser& user, const Location& start, std::string_view path, Mode mode,
                           uint32_t walk_flags) {
    KOS_TRY(auto found, walk(user.context, user.credentials, start, path, walk_flags | kWalkDirectory));
    Location& directory = found.location;
    KOS_TRY_STATUS(check_location(directory, kMayWrite | kMayExecute, user.credentials));
    KOS_TRY(auto inode, directory.inode()->create_unnamed(kS_IFREG | (mode & kPermissions), user.credentials.fsuid,
                                                          user.credentials.fsgid));
    OpenTarget target;
    target.is_new = true;
    target.location = {directory.mount, Dentry::unnamed(*directory.dentry, std::move(inode))};
    return target;
}

// With O_CREAT: looks at the last name itself, so that it can be made; links lead to another last name.
Result<OpenTarget> create_or_find(const PathUser& user, const Location& start, std::string_view path, uint32_t flags,
                                  Mode mode, uint32_t walk_flags) {
    Location from = start;
    std::string text(path);
    for (unsigned links = 0; links <= kSymlinksMax; ++links) {
        KOS_TRY(auto place, walk(user.context, user.credentials, from, text, walk_flags | kWalkParent));
        if (place.last.empty() || place.last == "." || place.last == "..") {
            return flags & kO_EXCL ? Errno::kEEXIST : Errno::kEISDIR;
        }
        if (place.has_slash) return Errno::kEISDIR;
        Location& directory = place.location;
        KOS_TRY(auto const entry, Dentry::find(*directory.dentry, place.last));
        if (!entry->inode()) {
            if (directory.dentry->is_deleted()) return Errno::kENOENT;
            KOS_TRY_STATUS(check_location(directory, kMayWrite | kMayExecute, user.credentials));
            KOS_TRY(auto const parent, directory.inode()->attributes());
            uint32_t const gid = parent.mode & kS_ISGID ? parent.gid : user.credentials.fsgid;
            KOS_TRY(auto inode, directory.inode()->create(place.last, kS_IFREG | (mode & kPermissions), 0,
                                                          user.credentials.fsuid, gid));
            OpenTarget target;
            target.is_new = true;
            target.location = {directory.mount, Dentry::added(*directory.dentry, place.last, std::move(inode))};
            notify_entry(*directory.inode(), kIN_CREATE, place.last);
            return target;
        }
        if (flags & kO_EXCL) return Errno::kEEXIST;
        if (!entry->inode()->is_symlink()) {
            // The walk again, for what may be mounted there.
            if (!entry->mounts) return existing(user, {directory.mount, entry}, flags);
            KOS_TRY(auto found, walk(user.context, user.credentials, directory, place.last, walk_flags));
            return existing(user, std::move(found.location), flags);
        }
        if (flags & kO_NOFOLLOW || walk_flags & kWalkNoSymlinks) return Errno::kELOOP;
        // The next walk would begin elsewhere.
        if (walk_flags & (kWalkBeneath | kWalkInRoot)) return Errno::kEXDEV;
        Location magic;
        KOS_TRY(bool const is_magic, entry->inode()->follow(magic));
        if (is_magic) {
            KOS_TRY(auto found, walk(user.context, user.credentials, directory, place.last, walk_flags | kWalkFollow));
            return existing(user, std::move(found.location), flags);
        }
        KOS_TRY(text, entry->inode()->read_link());
        from = directory;
    }
    return Errno::kELOOP;
}

}  // namespace

Result<OpenTarget> find_open_target(const PathUser& user, const Location& start, std::string_view path, uint32_t flags,
                                    Mode mode, uint32_t walk_flags) {
    KOS_TRY_STATUS(check_flags(flags));
    if (!(flags & kO_PATH)) {
        if (is_tmpfile(flags)) {
            return unnamed(user, start, path, mode, walk_flags | (flags & kO_NOFOLLOW ? 0u : kWalkFollow));
        }
        if (flags & kO_CREAT) return create_or_find(user, start, path, flags, mode, walk_flags);
    }
    uint32_t const follow = flags & kO_NOFOLLOW ? 0u : kWalkFollow;
    uint32_t const directory = flags & kO_DIRECTORY ? kWalkDirectory : 0u;
    KOS_TRY(auto found, walk(user.context, user.credentials, start, path, walk_flags | follow | directory));
    return existing(user, std::move(found.location), flags);
}

}  // namespace kos::lx
