// A tree of names on tmpfs for host tests, without processes.
#pragma once

#include "fs/tmpfs.h"
#include "mm/io_buffer.h"
#include "testing/frames.h"
#include "vfs/dentry.h"
#include "vfs/operations.h"

#include <string>
#include <vector>

namespace kos::lx::testing {

class TreeTime final : public TimeSource {
public:
    Nanoseconds monotonic() override { return now; }
    Nanoseconds realtime_offset() override { return 0; }
    void set_realtime_offset(Nanoseconds) override {}
    void set_alarm(Nanoseconds) override {}
    Nanoseconds now = 1'000'000'000;
};

inline Credentials ordinary_user(uint32_t id) {
    Credentials user;
    user.uid = user.euid = user.suid = user.fsuid = id;
    user.gid = user.egid = user.sgid = user.fsgid = id;
    user.capabilities = user.permitted = 0;
    return user;
}

struct Listed {
    std::string name;
    uint64_t inode, next;
    Mode type;
};

class Lister final : public Inode::EntrySink {
public:
    explicit Lister(size_t most = ~size_t{0}) : most_(most) {}
    bool take(const Inode::Entry& entry) override {
        if (entries.size() >= most_) return false;
        entries.push_back({std::string(entry.name), entry.inode, entry.next, entry.type});
        return true;
    }
    std::vector<Listed> entries;

private:
    size_t most_;
};

class Tree {
public:
    explicit Tree(const TmpfsOptions& options = {}) : Tree(nullptr, options) {}
    // On a file system made by the test.
    explicit Tree(Ref<FileSystem> file_system, const TmpfsOptions& options = {}) {
        if (!file_system) {
            tmpfs = Tmpfs::create(frames, timers, options);
            file_system = tmpfs;
        }
        context.root = context.working = mount_at({}, file_system, "none", 0).take();
        context.umask = 022;
    }
    ~Tree() {
        context = {};
        Dentry::drop_unused();
    }

    FakeFrames frames;
    TreeTime time;
    Timers timers{time};
    Ref<Tmpfs> tmpfs;
    PathContext context;
    Credentials user;  // root
    PathUser who{context, user};

    Result<Location> find(std::string_view path, uint32_t flags = kWalkFollow) {
        auto found = walk(context, user, context.working, path, flags);
        if (!found.ok()) return found.error();
        return found->location;
    }
    Errno error(std::string_view path, uint32_t flags = kWalkFollow) { return find(path, flags).error(); }
    Inode* inode(std::string_view path, uint32_t flags = 0) {
        auto found = find(path, flags);
        return found.ok() ? found->inode() : nullptr;
    }
    Attributes stat(std::string_view path) { return inode(path)->attributes().take(); }

    Errno mkdir(std::string_view path, Mode mode = 0755) {
        return make_node(who, context.working, path, kS_IFDIR | mode, 0).error();
    }
    Errno mknod(std::string_view path, Mode mode = kS_IFREG | 0644, uint64_t device = 0) {
        return make_node(who, context.working, path, mode, device).error();
    }
    Errno symlink(std::string_view target, std::string_view path) {
        return make_symlink(who, target, context.working, path).error();
    }
    Errno unlink(std::string_view path) { return remove_name(who, context.working, path, false).error(); }
    Errno rmdir(std::string_view path) { return remove_name(who, context.working, path, true).error(); }
    Errno rename(std::string_view from, std::string_view to, uint32_t flags = 0) {
        return rename_name(who, context.working, from, context.working, to, flags).error();
    }
    Errno link(std::string_view from, std::string_view to) {
        auto target = find(from, 0);
        return target.ok() ? link_name(who, *target, context.working, to).error() : target.error();
    }
    Errno open(std::string_view path, uint32_t flags, Mode mode = 0644) {
        return find_open_target(who, context.working, path, flags, mode).error();
    }
    Result<size_t> write(std::string_view path, std::string_view bytes, uint64_t offset = 0) {
        LocalBuffer from(const_cast<char*>(bytes.data()), bytes.size());
        return inode(path)->write(from, offset);
    }
    std::string read(std::string_view path, uint64_t offset = 0, size_t most = 1 << 16) {
        std::string bytes(most, '?');
        LocalBuffer to(bytes.data(), bytes.size());
        auto moved = inode(path)->read(to, offset);
        bytes.resize(moved.ok() ? *moved : 0);
        return bytes;
    }
    std::vector<std::string> list(std::string_view path) {
        Lister lister;
        (void)inode(path)->read_directory(0, lister);
        std::vector<std::string> names;
        for (const Listed& entry : lister.entries) names.push_back(entry.name);
        return names;
    }
    std::string path(const Location& location) { return path_of(location, context.root); }
};

}  // namespace kos::lx::testing
