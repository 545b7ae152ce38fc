// tmpfs: files in frames of the domain's own memory; they go with the domain.
//
// Data lies in frames of the FrameSource, so that mappings and read(2) see the same bytes. Bounded by bytes and by
// number of files (kENOSPC), so that names and the like cannot use up the server's memory. Mounted on /tmp, /run, the
// overlay's upper layer, and the files behind memfd_create(2) and shared anonymous memory.
#pragma once

#include "fs/sparse_pages.h"
#include "time/clock.h"
#include "vfs/inode.h"

#include <map>
#include <string>
#include <unordered_map>

namespace kos::lx {

struct TmpfsOptions {
    uint64_t bytes_max = uint64_t{64} << 20;
    uint64_t files_max = 16384;
    Mode mode = 01777;  // of the root
    uint32_t uid = 0, gid = 0;
};

constexpr int64_t kTmpfsMagic = 0x01021994;

class TmpfsInode;

// What the inodes share; lives as long as one of them.
class TmpfsState final : public FileSystem {
public:
    TmpfsState(FrameSource& frame_source, Timers& clock, const TmpfsOptions& limits);
    Ref<Inode> root() override { return nullptr; }  // Tmpfs has it
    FileSystemStatus status() override;
    std::string_view type_name() override { return "tmpfs"; }
    uint64_t device() override { return device_; }

    Result<Ref<Frame>> allocate_page();
    void free_pages(uint64_t count) { pages_used -= count; }
    uint64_t pages_free() const { return pages_max - pages_used; }
    Timespec now() { return timespec_of(timers.realtime()); }

    FrameSource& frames;
    Timers& timers;
    uint64_t const pages_max, files_max;
    uint64_t pages_used = 0, files_used = 0;
    uint64_t last_inode = 0;

private:
    uint64_t device_ = next_device_number();
};

class Tmpfs final : public FileSystem {
public:
    static Ref<Tmpfs> create(FrameSource& frames, Timers& timers, const TmpfsOptions& options = {});
    ~Tmpfs() override;
    Ref<Inode> root() override;
    FileSystemStatus status() override { return state_->status(); }
    std::string_view type_name() override { return "tmpfs"; }
    uint64_t device() override { return state_->device(); }

    // A regular file without a name; for memfd_create(2) (`may_seal`: MFD_ALLOW_SEALING) and shared memory. kENOSPC.
    Result<Ref<TmpfsInode>> make_unnamed(Mode mode, uint32_t uid, uint32_t gid, bool may_seal = false);
    TmpfsState& state() { return *state_; }

private:
    Tmpfs(Ref<TmpfsState> state, Ref<TmpfsInode> root);
    Ref<TmpfsState> state_;
    Ref<TmpfsInode> root_;
};

class TmpfsInode final : public Inode {
public:
    static Result<Ref<TmpfsInode>> make(TmpfsState& state, Mode mode, uint32_t uid, uint32_t gid);
    ~TmpfsInode() override;

    Mode type() const override { return attributes_.mode & kS_IFMT; }
    Result<Attributes> attributes() override;
    Status change(const AttributeChange& change) override;
    FileSystem& file_system() override { return *state_; }

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
    Result<uint64_t> size() override { return attributes_.size; }
    Result<size_t> read(IoBuffer& to, uint64_t offset) override;
    Result<size_t> write(IoBuffer& from, uint64_t offset) override;
    Status allocate(uint32_t mode, uint64_t offset, uint64_t bytes) override;
    Result<uint64_t> find(uint64_t offset, bool hole) override;
    void touch_accessed() override;
    Result<uint32_t> seals() override;
    Status add_seals(uint32_t seals) override;
    Result<Ref<Inode>> create_unnamed(Mode mode, uint32_t uid, uint32_t gid) override;

    // --- For the overlay whose upper layer this is, and the file system's end.
    TmpfsInode* find_entry(std::string_view name) const;  // nullptr: not there
    bool is_empty() const { return names_.empty(); }
    uint64_t number() const { return attributes_.inode; }
    void set_attributes(const Attributes& from);  // copy-up: owner, mode, times, number of links
    void attach(std::string_view name, Ref<TmpfsInode> inode) { add_entry(name, std::move(inode)); }
    void set_target(std::string_view target);  // of a symbolic link
    void set_device_number(uint64_t number) { attributes_.device_number = number; }
    void lost_name();
    Ref<Inode> below;           // the directory that shows through this one
    uint64_t shown_number = 0;  // the inode number that it had below; 0: its own
    bool is_whiteout = false;   // the name is absent, whatever is below
    void allow_sealing() { seals_ = 0; }

private:
    friend class Tmpfs;
    struct Entry {
        uint64_t cookie = 0;
        Ref<TmpfsInode> inode;
    };
    struct NameHash {
        using is_transparent = void;
        size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
    };
    TmpfsInode(TmpfsState& state, Mode mode, uint32_t uid, uint32_t gid);
    Status check_directory() const;
    void add_entry(std::string_view name, Ref<TmpfsInode> inode);
    void remove_entry(std::string_view name);
    void entered(TmpfsInode& directory);  // a directory got a new parent
    void changed() { attributes_.changed = state_->now(); }
    void modified() { attributes_.modified = attributes_.changed = state_->now(); }
    Result<Frame*> frame_for_write(uint64_t index);
    void zero_behind_end(uint64_t until);
    void drop_pages(uint64_t first, uint64_t last) { state_->free_pages(pages_.drop(first, last)); }
    Status punch_hole(uint64_t offset, uint64_t bytes);

    Ref<TmpfsState> state_;
    Attributes attributes_;
    SparsePages pages_;
    std::string target_;  // of a symbolic link
    std::unordered_map<std::string, Entry, NameHash, std::equal_to<>> names_;
    std::map<uint64_t, const std::string*> order_;  // by cookie
    uint64_t last_cookie_ = 1;                      // 0 and 1: "." and ".."
    TmpfsInode* parent_ = nullptr;                  // of a directory; itself at the root
    uint32_t seals_ = 1;                            // F_SEAL_SEAL
    bool is_linkable_ = false;                      // made without a name (O_TMPFILE): may still get one
};

}  // namespace kos::lx
