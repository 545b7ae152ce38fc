// Changes to the tree of names.
#include "vfs/operations.h"

#include "vfs/dentry.h"
#include "vfs/extras.h"

namespace kos::lx {

namespace {

// The directory and the name that a path ends with.
struct Place {
    Location directory;
    std::string name;
    bool has_slash = false;

    bool is_dot() const { return name == "."; }
    bool is_dot_dot() const { return name == ".."; }
    bool is_root() const { return name.empty(); }  // the path was "/"
    bool is_special() const { return is_dot() || is_dot_dot() || is_root(); }
    Inode& inode() const { return *directory.inode(); }
};

Result<Place> find_place(const PathUser& user, const Location& start, std::string_view path) {
    KOS_TRY(WalkResult found, walk(user.context, user.credentials, start, path, kWalkParent));
    return Place{std::move(found.location), std::move(found.last), found.has_slash};
}

Status may_change(const PathUser& user, const Place& place) {
    KOS_TRY_STATUS(check_location(place.directory, kMayWrite | kMayExecute, user.credentials));
    if (place.directory.dentry->is_deleted()) return Errno::kENOENT;
    return {};
}

// unlink(2), rename(2): in a directory with the sticky bit only the owners of file and directory may.
Status check_sticky(const PathUser& user, Inode& directory, Inode& victim) {
    KOS_TRY(auto const place, directory.attributes());
    if (!(place.mode & kS_ISVTX) || user.credentials.has_capability(kCAP_FOWNER)) return {};
    KOS_TRY(auto const attributes, victim.attributes());
    uint32_t const uid = user.credentials.fsuid;
    return attributes.uid == uid || place.uid == uid ? Status() : Errno::kEPERM;
}

// What a new file belongs to: in a set-group-ID directory, the directory's group.
struct Ownership {
    uint32_t uid, gid;
    Mode inherited;
};
Result<Ownership> owner_of_new(const PathUser& user, Inode& directory, Mode type) {
    KOS_TRY(auto const place, directory.attributes());
    Ownership owner{user.credentials.fsuid, user.credentials.fsgid, 0};
    if (place.mode & kS_ISGID) {
        owner.gid = place.gid;
        if (type == kS_IFDIR) owner.inherited = kS_ISGID;
    }
    return owner;
}

// The entry that is to be made: not there yet, and the directory can be changed.
Status check_new(const PathUser& user, const Place& place, bool is_directory) {
    if (place.is_special()) return Errno::kEEXIST;
    KOS_TRY(auto const entry, Dentry::find(*place.directory.dentry, place.name));
    if (entry->inode()) return Errno::kEEXIST;
    if (place.has_slash && !is_directory) return Errno::kENOENT;
    return may_change(user, place);
}

bool is_mount_point(const Dentry& entry) { return entry.mounts != 0; }

}  // namespace

Status check_location(const Location& location, uint32_t wanted, const Credentials& credentials) {
    Inode* const inode = location.inode();
    if (!inode) return Errno::kENOENT;
    if (wanted & kMayWrite && location.mount && location.mount->is_read_only()) {
        Mode const type = inode->type();
        if (type == kS_IFREG || type == kS_IFDIR || type == kS_IFLNK) return Errno::kEROFS;
    }
    KOS_TRY(auto const attributes, inode->attributes());
    return check_access(attributes, wanted, credentials);
}

Result<Location> make_node(const PathUser& user, const Location& start, std::string_view path, Mode mode,
                           uint64_t device_number) {
    Mode type = mode & kS_IFMT;
    if (type == 0) type = kS_IFREG;
    KOS_TRY(auto place, find_place(user, start, path));
    KOS_TRY_STATUS(check_new(user, place, type == kS_IFDIR));
    KOS_TRY(auto const owner, owner_of_new(user, place.inode(), type));
    // mkdir(2): beyond the permissions only the sticky bit counts.
    Mode const allowed = type == kS_IFDIR ? 0777 | kS_ISVTX : kPermissions;
    Mode const permissions = (mode & allowed & ~user.context.umask) | owner.inherited;
    KOS_TRY(auto inode, place.inode().create(place.name, type | permissions, device_number, owner.uid, owner.gid));
    Location made{place.directory.mount, Dentry::added(*place.directory.dentry, place.name, std::move(inode))};
    notify_entry(place.inode(), kIN_CREATE | (type == kS_IFDIR ? kIN_ISDIR : 0), place.name);
    return made;
}

Status make_symlink(const PathUser& user, std::string_view target, const Location& start, std::string_view path) {
    if (target.empty()) return Errno::kENOENT;
    if (target.size() >= kPathMax) return Errno::kENAMETOOLONG;
    KOS_TRY(auto place, find_place(user, start, path));
    KOS_TRY_STATUS(check_new(user, place, false));
    KOS_TRY(auto const owner, owner_of_new(user, place.inode(), kS_IFLNK));
    KOS_TRY(auto inode, place.inode().symlink(place.name, target, owner.uid, owner.gid));
    Dentry::added(*place.directory.dentry, place.name, std::move(inode));
    notify_entry(place.inode(), kIN_CREATE, place.name);
    return {};
}

Status remove_name(const PathUser& user, const Location& start, std::string_view path, bool directory) {
    KOS_TRY(auto place, find_place(user, start, path));
    if (place.is_special()) {
        if (!directory) return Errno::kEISDIR;
        return place.is_dot() ? Errno::kEINVAL : place.is_dot_dot() ? Errno::kENOTEMPTY : Errno::kEBUSY;
    }
    KOS_TRY(auto const entry, Dentry::find(*place.directory.dentry, place.name));
    if (!entry->inode()) return Errno::kENOENT;
    Ref<Inode> const victim = entry->inode_ref();
    if (place.has_slash && !directory) return victim->is_directory() ? Errno::kEISDIR : Errno::kENOTDIR;
    KOS_TRY_STATUS(may_change(user, place));
    KOS_TRY_STATUS(check_sticky(user, place.inode(), *victim));
    if (directory && !victim->is_directory()) return Errno::kENOTDIR;
    if (!directory && victim->is_directory()) return Errno::kEISDIR;
    if (is_mount_point(*entry)) return Errno::kEBUSY;
    KOS_TRY_STATUS(directory ? place.inode().rmdir(place.name) : place.inode().unlink(place.name));
    entry->removed();
    notify_entry(place.inode(), kIN_DELETE | (directory ? kIN_ISDIR : 0), place.name);
    if (victim->extras && victim->extras->watches) {
        auto const left = victim->attributes();
        bool const is_gone = directory || (left.ok() && left->links == 0);
        notify_inode(*victim, is_gone ? kIN_DELETE_SELF : kIN_ATTRIB);
    }
    return {};
}

Status link_name(const PathUser& user, const Location& target, const Location& start, std::string_view path) {
    if (!target.inode()) return Errno::kENOENT;
    KOS_TRY(auto place, find_place(user, start, path));
    KOS_TRY_STATUS(check_new(user, place, false));
    if (target.mount != place.directory.mount) return Errno::kEXDEV;
    if (target.inode()->is_directory()) return Errno::kEPERM;
    KOS_TRY_STATUS(place.inode().link(place.name, *target.inode()));
    Dentry::added(*place.directory.dentry, place.name, target.dentry->inode_ref());
    notify_inode(*target.inode(), kIN_ATTRIB);
    notify_entry(place.inode(), kIN_CREATE, place.name);
    return {};
}

Status rename_name(const PathUser& user, const Location& old_start, std::string_view old_path,
                   const Location& new_start, std::string_view new_path, uint32_t flags) {
    KOS_TRY(auto from, find_place(user, old_start, old_path));
    KOS_TRY(auto to, find_place(user, new_start, new_path));
    if (from.directory.mount != to.directory.mount) return Errno::kEXDEV;
    if (from.is_special()) return Errno::kEBUSY;
    if (to.is_special()) return flags & kRenameNoReplace ? Errno::kEEXIST : Errno::kEBUSY;
    bool const exchange = flags & kRenameExchange;

    KOS_TRY(auto const old_entry, Dentry::find(*from.directory.dentry, from.name));
    if (!old_entry->inode()) return Errno::kENOENT;
    KOS_TRY(auto const new_entry, Dentry::find(*to.directory.dentry, to.name));
    Ref<Inode> const moving = old_entry->inode_ref();
    Ref<Inode> const replaced = new_entry->inode_ref();
    if (replaced && flags & kRenameNoReplace) return Errno::kEEXIST;
    if (!replaced && exchange) return Errno::kENOENT;
    if (!moving->is_directory()) {
        if (from.has_slash || (!exchange && to.has_slash)) return Errno::kENOTDIR;
    }
    if (exchange && to.has_slash && !replaced->is_directory()) return Errno::kENOTDIR;
    // A directory cannot go into itself; nor can it be replaced by what is in it.
    if (to.directory.dentry->is_below(*old_entry)) return Errno::kEINVAL;
    if (from.directory.dentry->is_below(*new_entry)) return exchange ? Errno::kEINVAL : Errno::kENOTEMPTY;
    if (replaced == moving) return {};  // two names of one file: rename(2) does nothing

    KOS_TRY_STATUS(may_change(user, from));
    KOS_TRY_STATUS(check_sticky(user, from.inode(), *moving));
    KOS_TRY_STATUS(may_change(user, to));
    if (replaced) {
        KOS_TRY_STATUS(check_sticky(user, to.inode(), *replaced));
        if (!exchange) {
            if (moving->is_directory() && !replaced->is_directory()) return Errno::kENOTDIR;
            if (!moving->is_directory() && replaced->is_directory()) return Errno::kEISDIR;
        }
    }
    bool const changes_parent = from.directory.dentry != to.directory.dentry;
    if (changes_parent) {
        // ".." of a moved directory changes: that is a write to it.
        if (moving->is_directory())
            KOS_TRY_STATUS(check_location({from.directory.mount, old_entry}, kMayWrite, user.credentials));
        if (exchange && replaced->is_directory()) {
            KOS_TRY_STATUS(check_location({to.directory.mount, new_entry}, kMayWrite, user.credentials));
        }
    }
    if (is_mount_point(*old_entry) || is_mount_point(*new_entry)) return Errno::kEBUSY;
    KOS_TRY_STATUS(from.inode().rename(from.name, to.inode(), to.name, flags));

    if (exchange) {
        Dentry::exchanged(*old_entry, *new_entry);
    } else {
        new_entry->removed();
        old_entry->moved(*to.directory.dentry, to.name);
    }
    static uint32_t last_cookie = 0;
    uint32_t const cookie = ++last_cookie;
    uint32_t const kind = moving->is_directory() ? kIN_ISDIR : 0;
    notify_entry(from.inode(), kIN_MOVED_FROM | kind, from.name, cookie);
    notify_entry(to.inode(), kIN_MOVED_TO | kind, to.name, cookie);
    notify_inode(*moving, kIN_MOVE_SELF);
    if (exchange) {
        uint32_t const other = ++last_cookie;
        uint32_t const other_kind = replaced->is_directory() ? kIN_ISDIR : 0;
        notify_entry(to.inode(), kIN_MOVED_FROM | other_kind, to.name, other);
        notify_entry(from.inode(), kIN_MOVED_TO | other_kind, from.name, other);
        notify_inode(*replaced, kIN_MOVE_SELF);
    } else if (replaced) {
        notify_inode(*replaced, kIN_DELETE_SELF);
    }
    return {};
}

Status change_mode(const PathUser& user, const Location& location, Mode mode) {
    Inode* const inode = location.inode();
    if (!inode) return Errno::kENOENT;
    if (location.mount && location.mount->is_read_only()) return Errno::kEROFS;
    KOS_TRY(auto const now, inode->attributes());
    const Credentials& who = user.credentials;
    if (now.uid != who.fsuid && !who.has_capability(kCAP_FOWNER)) return Errno::kEPERM;
    AttributeChange change;
    change.has_mode = true;
    change.mode = mode & kPermissions;
    if (!who.in_group(now.gid) && !who.has_capability(kCAP_FSETID)) change.mode &= ~kS_ISGID;
    KOS_TRY_STATUS(inode->change(change));
    notify(location, kIN_ATTRIB);
    return {};
}

Status change_owner(const PathUser& user, const Location& location, uint32_t uid, uint32_t gid) {
    Inode* const inode = location.inode();
    if (!inode) return Errno::kENOENT;
    if (location.mount && location.mount->is_read_only()) return Errno::kEROFS;
    KOS_TRY(auto const now, inode->attributes());
    const Credentials& who = user.credentials;
    if (!who.has_capability(kCAP_CHOWN)) {
        // The owner may give the file to another of his groups, nobody may give it away.
        if (uid != ~0u && !(uid == now.uid && who.fsuid == now.uid)) return Errno::kEPERM;
        if (gid != ~0u && !(who.fsuid == now.uid && (gid == now.gid || who.in_group(gid)))) return Errno::kEPERM;
    }
    AttributeChange change;
    change.has_uid = uid != ~0u;
    change.uid = uid;
    change.has_gid = gid != ~0u;
    change.gid = gid;
    if (!inode->is_directory() && (now.mode & kS_ISUID || (now.mode & kS_ISGID && now.mode & 0010))) {
        change.has_mode = true;  // chown(2): set-ID bits do not survive
        change.mode = now.mode & kPermissions & ~kS_ISUID;
        if (now.mode & 0010) change.mode &= ~kS_ISGID;
    }
    if (!change.has_uid && !change.has_gid) return {};
    KOS_TRY_STATUS(inode->change(change));
    notify(location, kIN_ATTRIB);
    return {};
}

}  // namespace kos::lx
