// Directory entries that have been looked up, and mounts: what a Location is made of.
#pragma once

#include "vfs/path.h"

#include <string>
#include <string_view>
#include <vector>

namespace kos::lx {

// A name in a directory. Its parent lives as long as it does. Those that nobody refers to stay known in an LRU list of
// bounded length, absent names too; a name that was removed or replaced is `is_hashed() == false` and leads nowhere.
class Dentry final : public Counted {
public:
    static constexpr size_t kUnusedMax = 8192;

    Dentry* parent() const { return parent_.get(); }  // nullptr: a file system's root
    const std::string& name() const { return name_; }
    Inode* inode() const { return inode_.get(); }  // nullptr: known to be absent
    Ref<Inode> inode_ref() const { return inode_; }
    bool is_hashed() const { return is_hashed_; }
    bool is_deleted() const { return parent_ && !is_hashed_ && !is_uncached_; }
    uint32_t mounts = 0;  // that are at this place, in any mount of the file system

    // The root of a file system.
    static Ref<Dentry> make_root(Ref<Inode> inode);
    // The entry `name`, from the cache or the file system; negative if absent. kENOENT never.
    static Result<Ref<Dentry>> find(Dentry& parent, std::string_view name);
    // From the cache alone; nullptr: not known.
    static Dentry* cached(const Dentry& parent, std::string_view name);
    // The name exists from now on (create, link).
    static Ref<Dentry> added(Dentry& parent, std::string_view name, Ref<Inode> inode);
    // An open file without a name (O_TMPFILE).
    static Ref<Dentry> unnamed(Dentry& parent, Ref<Inode> inode);
    void removed();                                        // unlink, rmdir: the name is free
    void moved(Dentry& to_parent, std::string_view name);  // rename: what was there must have been `removed`
    static void exchanged(Dentry& one, Dentry& other);
    void keep() { hash(); }  // even if its file system's names change by themselves: something is mounted here

    bool is_below(const Dentry& ancestor) const;     // or the same
    static void drop_unused();                       // forgets all that nobody refers to
    static void drop_unused_of(const Dentry& root);  // of the file system that it is in
    static size_t unused_count();

private:
    friend class DentryCache;
    Dentry(Ref<Dentry> parent, std::string_view name, Ref<Inode> inode);
    ~Dentry() override;
    void unreferenced() override;
    void hash();
    void unhash();

    Ref<Dentry> parent_;
    const Dentry* const root_;  // of the file system
    std::string name_;
    Ref<Inode> inode_;
    uint32_t hash_value_ = 0;
    bool is_hashed_ = false;
    bool is_uncached_ = false;  // found in a file system that does not allow caching
    bool is_unused_ = false;    // in the LRU list
    Dentry* next_in_bucket_ = nullptr;
    Dentry* newer_ = nullptr;
    Dentry* older_ = nullptr;
};

class Mount final : public Counted {
public:
    FileSystem& file_system() const { return *file_system_; }
    Dentry& root() const { return *root_; }
    // Where it is; unset: the root of a tree, or unmounted.
    Mount* parent() const { return parent_; }
    Dentry* place() const { return place_.get(); }
    const std::vector<Ref<Mount>>& children() const { return children_; }
    const std::string& source() const { return source_; }
    const int id;        // of /proc/self/mountinfo
    uint32_t flags = 0;  // kMS_*
    bool is_read_only() const { return flags & kMS_RDONLY || file_system_->is_read_only(); }

    // What is mounted at that entry of this mount (the last one), or nullptr.
    Mount* mounted_at(const Dentry& dentry) const;

    Mount(Ref<FileSystem> file_system, Ref<Dentry> root, std::string_view source, uint32_t mount_flags);
    ~Mount() override;
    void attach(Mount& parent, Dentry& place);
    void detach();

private:
    Ref<FileSystem> file_system_;
    Ref<Dentry> root_;
    Mount* parent_ = nullptr;
    Ref<Dentry> place_;
    std::vector<Ref<Mount>> children_;
    std::string source_;
};

constexpr size_t kMountsMax = 1024;

}  // namespace kos::lx
