// Mounts: file systems at places of the tree.
#include "vfs/dentry.h"

#include <algorithm>

namespace kos::lx {

namespace {

std::vector<Mount*>& all_mounts() {
    static std::vector<Mount*>* const mounts = new std::vector<Mount*>;
    return *mounts;
}

int next_mount_id() {
    static int last = 0;
    return ++last;
}

}  // namespace

Inode* Location::inode() const { return dentry ? dentry->inode() : nullptr; }

Mount::Mount(Ref<FileSystem> file_system, Ref<Dentry> root, std::string_view source, uint32_t mount_flags)
    : id(next_mount_id()),
      flags(mount_flags),
      file_system_(std::move(file_system)),
      root_(std::move(root)),
      source_(source) {
    all_mounts().push_back(this);
}

Mount::~Mount() {
    std::erase(all_mounts(), this);
    for (const Ref<Mount>& child : children_) {
        child->parent_ = nullptr;
        if (child->place_) --child->place_->mounts;
        child->place_ = nullptr;
    }
    children_.clear();
    // The cache holds inodes, which must not outlive their file system.
    Ref<Dentry> const root = std::move(root_);
    Dentry::drop_unused_of(*root);
}

void Mount::attach(Mount& parent, Dentry& place) {
    place.keep();
    ++place.mounts;
    parent_ = &parent;
    place_ = Ref<Dentry>(&place);
    parent.children_.push_back(Ref<Mount>(this));
}

void Mount::detach() {
    Ref<Mount> const hold(this);
    Mount* const parent = std::exchange(parent_, nullptr);
    --place_->mounts;
    place_ = nullptr;
    std::erase(parent->children_, hold);
}

Mount* Mount::mounted_at(const Dentry& dentry) const {
    if (!dentry.mounts) return nullptr;
    for (const Ref<Mount>& child : children_) {
        if (child->place_.get() == &dentry) return child.get();
    }
    return nullptr;
}

namespace {

Result<Location> attach_at(const Location& where, Ref<FileSystem> file_system, Ref<Dentry> root,
                           std::string_view source, uint32_t flags) {
    if (all_mounts().size() >= kMountsMax) return Errno::kENOSPC;
    Ref<Mount> mount = make_ref<Mount>(std::move(file_system), std::move(root), source, flags & ~kMS_REMOUNT);
    if (where.is_set()) {
        if (!where.inode()) return Errno::kENOENT;
        if (where.inode()->is_directory() != mount->root().inode()->is_directory()) return Errno::kENOTDIR;
        if (where.dentry->is_deleted()) return Errno::kENOENT;
        mount->attach(*where.mount, *where.dentry);
    }
    Location result;
    result.dentry = Ref<Dentry>(&mount->root());
    result.mount = std::move(mount);
    return result;
}

}  // namespace

Result<Location> mount_at(const Location& where, Ref<FileSystem> file_system, std::string_view source, uint32_t flags) {
    Ref<Dentry> root;
    for (Mount* const mount : all_mounts()) {
        // One tree of names per file system, however often it is mounted.
        if (&mount->file_system() == file_system.get() && !mount->root().parent()) root = Ref<Dentry>(&mount->root());
    }
    if (!root) root = Dentry::make_root(file_system->root());
    return attach_at(where, std::move(file_system), std::move(root), source, flags);
}

Result<Location> bind_at(const Location& where, const Location& what, uint32_t flags) {
    if (!what.is_set() || !what.inode()) return Errno::kENOENT;
    if (what.dentry->is_deleted()) return Errno::kENOENT;
    return attach_at(where, Ref<FileSystem>(&what.mount->file_system()), what.dentry, what.mount->source(), flags);
}

Status unmount_at(const Location& where, bool even_if_busy) {
    if (!where.mount || !where.mount->parent() || &where.mount->root() != where.dentry.get()) return Errno::kEINVAL;
    // The tree's reference and the caller's.
    bool const is_busy = where.mount->references() > 2 || !where.mount->children().empty();
    if (is_busy && !even_if_busy) return Errno::kEBUSY;
    where.mount->detach();
    return {};
}

std::string path_of(const Location& location, const Location& root) {
    if (!location.is_set()) return {};
    std::vector<const std::string*> names;
    const Mount* mount = location.mount.get();
    const Dentry* dentry = location.dentry.get();
    bool is_reachable = true;
    for (;;) {
        if (dentry == root.dentry.get() && mount == root.mount.get()) break;
        if (mount && dentry == &mount->root()) {
            if (!mount->parent()) {
                is_reachable = false;
                break;
            }
            dentry = mount->place();
            mount = mount->parent();
            continue;
        }
        if (!dentry->parent()) {
            is_reachable = false;
            break;
        }
        names.push_back(&dentry->name());
        dentry = dentry->parent();
    }
    std::string path = is_reachable ? "" : "(unreachable)";
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        path += '/';
        path += **name;
    }
    if (names.empty()) path += '/';
    if (location.dentry->is_deleted()) path += " (deleted)";
    return path;
}

}  // namespace kos::lx
