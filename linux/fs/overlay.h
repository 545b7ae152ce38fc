// overlay: a file system that nobody can change, with what programs changed kept in tmpfs above it.
//
// A file is the lower one until it is opened for writing or changed; then it is copied up, whole, with its number. A
// directory that was changed has an upper directory that remembers the lower one below it; names that are gone are
// whiteouts in it. So directories can be renamed without copying what is in them. Files that nobody changed are mapped
// from the lower file system's shared frames.
#pragma once

#include "fs/tmpfs.h"

#include <map>
#include <string>

namespace kos::lx {

class OverlayInode;

constexpr int64_t kOverlayMagic = 0x794c7630;

class Overlay final : public FileSystem {
public:
    // `upper` belongs to the overlay from now on; its root must be empty.
    static Ref<Overlay> create(Ref<FileSystem> lower, Ref<Tmpfs> upper);

    Ref<Inode> root() override;
    FileSystemStatus status() override;
    std::string_view type_name() override { return "overlay"; }
    uint64_t device() override { return device_; }
    FileSystem& lower() const { return *lower_; }

private:
    friend class OverlayInode;
    Overlay(Ref<FileSystem> lower, Ref<Tmpfs> upper);
    // The one node of an upper or a lower inode. `parent` and `name`: where it was found.
    Ref<OverlayInode> node_of_upper(TmpfsInode& inode, OverlayInode* parent, std::string_view name);
    Ref<OverlayInode> node_of_lower(Ref<Inode> inode, uint64_t number, OverlayInode* parent, std::string_view name);

    Ref<FileSystem> lower_;
    Ref<Tmpfs> upper_;
    Ref<TmpfsInode> whiteout_;
    std::map<const TmpfsInode*, OverlayInode*> by_upper_;
    std::map<uint64_t, OverlayInode*> by_lower_;  // by inode number; not those that have been copied up
    // Files with several lower names that have been copied up: the other names lead there, too.
    std::map<uint64_t, Ref<TmpfsInode>> copied_links_;
    std::map<uint64_t, uint32_t> lost_links_;  // of lower files: names that are hidden
    uint64_t device_ = next_device_number();
};

class OverlayInode final : public Inode {
public:
    ~OverlayInode() override;

    Mode type() const override { return type_; }
    Result<Attributes> attributes() override;
    Status change(const AttributeChange& change) override;
    FileSystem& file_system() override { return *overlay_; }

    Result<Ref<Inode>> lookup(std::string_view name) override;
    Result<Ref<Inode>> create(std::string_view name, Mode mode, uint64_t device_number, uint32_t uid,
                              uint32_t gid) override;
    Result<Ref<Inode>> symlink(std::string_view name, std::string_view target, uint32_t uid, uint32_t gid) override;
    Status link(std::string_view name, Inode& target) override;
    Status unlink(std::string_view name) override;
    Status rmdir(std::string_view name) override;
    Status rename(std::string_view name, Inode& to, std::string_view new_name, uint32_t flags) override;
    Status read_directory(uint64_t cookie, EntrySink& sink) override;
    Result<std::string> read_link() override;

    Status truncate(uint64_t size) override;
    Result<Ref<Frame>> page(uint64_t index, bool for_write) override;
    Result<uint64_t> size() override;
    Result<size_t> read(IoBuffer& to, uint64_t offset) override;
    Result<size_t> write(IoBuffer& from, uint64_t offset) override;
    Status allocate(uint32_t mode, uint64_t offset, uint64_t bytes) override;
    Result<uint64_t> find(uint64_t offset, bool hole) override;
    Inode* immutable() override { return top().immutable(); }
    void touch_accessed() override;
    Result<uint32_t> seals() override;
    Status add_seals(uint32_t seals) override;
    Result<Ref<Inode>> create_unnamed(Mode mode, uint32_t uid, uint32_t gid) override;
    Result<Ref<File>> open(uint32_t flags, Process& process) override;

    bool is_copied_up() const { return bool(upper_); }

private:
    friend class Overlay;
    static constexpr uint64_t kUpperCookie = uint64_t{1} << 62;
    static constexpr uint64_t kUpperNumbers = uint64_t{1} << 32;  // of files that are not below

    OverlayInode(Overlay& overlay, Ref<Inode> lower, uint64_t lower_number, Ref<TmpfsInode> upper);
    Inode& top() const { return upper_ ? *upper_ : *lower_; }
    uint64_t number() const;
    static uint64_t number_of(const TmpfsInode& upper);
    void found_at(OverlayInode* parent, std::string_view name);
    // Makes the upper inode: a regular file with its first `most` bytes.
    Status copy_up(uint64_t most = ~uint64_t{0});
    Status copy_data(TmpfsInode& to, uint64_t most);
    Status check_alive() const { return is_removed_ ? Errno::kENOENT : Errno::kOK; }
    Status prepare_entry(std::string_view name);  // a new one: the directory is above, no whiteout in the way
    bool is_in_lower(std::string_view name) const;
    Status hide(std::string_view name);          // whiteout, if the name shows from below
    void lost_name();                            // this inode
    uint32_t lower_links(uint32_t links) const;  // that are left of so many
    Status check_empty();                        // kENOTEMPTY
    void clear_whiteouts();                      // of an empty directory

    Ref<Overlay> overlay_;
    Mode const type_;
    Ref<Inode> lower_;  // of a directory: what shows through
    uint64_t lower_number_ = 0;
    Ref<TmpfsInode> upper_;
    // A name of it, for copying up; unset once it has none.
    Ref<OverlayInode> parent_;
    std::string name_;
    bool is_removed_ = false;  // a directory without a name
};

}  // namespace kos::lx
