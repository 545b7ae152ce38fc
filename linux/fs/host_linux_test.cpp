// The same random calls on this machine's Linux and on tmpfs and overlay here: results and trees must be equal. Needs
// root, for a root directory of its own; skipped otherwise. KOS_SEED=N runs one round.
#include "fs/overlay.h"
#include "testing/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <random>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

Errno real(long result) { return result < 0 ? static_cast<Errno>(errno) : Errno::kOK; }

char folder[] = "/tmp/kos-vfs-XXXXXX";
int old_root = -1;

void leave_playground() {
    (void)!fchdir(old_root);
    (void)!chroot(".");
    (void)umount2(folder, MNT_DETACH);
    (void)rmdir(folder);
}

// A root of this process's own, on a tmpfs, until it ends.
bool enter_playground() {
    static bool const entered = [] {
        if (geteuid() != 0 || !mkdtemp(folder)) return false;
        old_root = open("/", O_RDONLY | O_DIRECTORY);
        if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("none", folder, "tmpfs", 0, "mode=1777") != 0 || chroot(folder) != 0 || chdir("/") != 0) {
            rmdir(folder);
            return false;
        }
        umask(022);
        atexit(leave_playground);
        return true;
    }();
    return entered;
}

void remove_all(const std::string& below) {
    DIR* const directory = opendir(below.c_str());
    if (!directory) return;
    while (dirent* const entry = readdir(directory)) {
        std::string const name = entry->d_name;
        if (name == "." || name == "..") continue;
        std::string const path = below + "/" + name;
        if (entry->d_type == DT_DIR) remove_all(path);
        if (unlinkat(AT_FDCWD, path.c_str(), entry->d_type == DT_DIR ? AT_REMOVEDIR : 0) != 0) perror(path.c_str());
    }
    closedir(directory);
}

class Twins {
public:
    Twins(uint32_t seed, Tree& tree, bool counts_directories)
        : random_(seed), tree_(tree), counts_directories_(counts_directories) {}

    uint32_t below(uint32_t most) { return static_cast<uint32_t>(random_() % most); }

    std::string path() {
        std::string made = below(4) ? "/" : "";
        for (uint32_t depth = 1 + below(4); depth; --depth) {
            uint32_t const kind = below(20);
            made += kind == 0 ? "." : kind == 1 ? ".." : std::string(1, static_cast<char>('a' + below(4)));
            if (depth > 1) made += below(15) ? "/" : "//";
        }
        if (below(12) == 0) made += '/';
        return made;
    }

    // Empty: they agree.
    std::string step() {
        std::string const one = path(), other = path();
        const char* const first = one.c_str();
        const char* const second = other.c_str();
        std::string what;
        Errno theirs = Errno::kOK, ours = Errno::kOK;
        switch (below(14)) {
            case 0:
            case 1:
                what = "mkdir " + one;
                theirs = real(mkdir(first, 0755)), ours = tree_.mkdir(one);
                break;
            case 2:
                what = "mknod " + one;
                theirs = real(mknod(first, S_IFREG | 0644, 0)), ours = tree_.mknod(one);
                break;
            case 3:
                what = "symlink " + other + " at " + one;
                theirs = real(symlink(second, first)), ours = tree_.symlink(other, one);
                break;
            case 4:
                what = "unlink " + one;
                theirs = real(unlink(first)), ours = tree_.unlink(one);
                break;
            case 5:
                what = "rmdir " + one;
                theirs = real(rmdir(first)), ours = tree_.rmdir(one);
                break;
            case 6: {
                bool const follows = below(2);
                what = "link " + one + " " + other + (follows ? " (follow)" : "");
                theirs = real(linkat(AT_FDCWD, first, AT_FDCWD, second, follows ? AT_SYMLINK_FOLLOW : 0));
                auto const target = tree_.find(one, follows ? kWalkFollow : 0u);
                ours =
                    target.ok() ? link_name(tree_.who, *target, tree_.context.working, other).error() : target.error();
                break;
            }
            case 7:
            case 8: {
                uint32_t const flags = below(3) ? 0 : 1 + below(2);
                what = "rename " + one + " " + other + " " + std::to_string(flags);
                theirs = real(syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, flags));
                ours = tree_.rename(one, other, flags);
                break;
            }
            case 9:
            case 10: {
                constexpr uint32_t kFlags[] = {kO_CREAT, kO_EXCL, kO_TRUNC, kO_NOFOLLOW, kO_APPEND};
                uint32_t flags = below(3);
                for (uint32_t const flag : kFlags) flags |= below(3) == 0 ? flag : 0;
                if (below(6) == 0) flags |= kO_DIRECTORY;
                if (below(8) == 0) flags |= kO_PATH;
                if (below(20) == 0) flags |= kO_TMPFILE;
                what = "open " + one + " " + std::to_string(flags);
                // The numbers are arm64's.
                int host = static_cast<int>(flags & ~(kO_DIRECTORY | kO_NOFOLLOW | kO_TMPFILE));
                if (flags & kO_DIRECTORY) host |= O_DIRECTORY;
                if (flags & kO_NOFOLLOW) host |= O_NOFOLLOW;
                if ((flags & kO_TMPFILE) == kO_TMPFILE) host |= O_TMPFILE;
                int const fd = open(first, host, 0644);
                theirs = real(fd);
                if (fd >= 0) close(fd);
                auto const target = find_open_target(tree_.who, tree_.context.working, one, flags, 0644);
                ours = target.error();
                if (target.ok() && flags & kO_TRUNC && !(flags & kO_PATH) && target->location.inode()->is_regular()) {
                    ours = target->location.inode()->truncate(0).error();
                }
                break;
            }
            case 11: {
                what = "stat " + one;
                bool const follows = below(2);
                struct stat found;
                theirs = real(fstatat(AT_FDCWD, first, &found, follows ? 0 : AT_SYMLINK_NOFOLLOW));
                ours = tree_.error(one, follows ? kWalkFollow : 0u);
                break;
            }
            case 12: {
                what = "write " + one;
                uint64_t const offset = below(10000);
                std::string const bytes(1 + below(3000), static_cast<char>('A' + below(26)));
                int const fd = open(first, O_WRONLY);
                theirs = real(fd);
                if (fd >= 0) {
                    if (pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)) < 0) return what;
                    close(fd);
                }
                auto const target = find_open_target(tree_.who, tree_.context.working, one, kO_WRONLY, 0);
                ours = target.error();
                if (target.ok()) {
                    LocalBuffer from(const_cast<char*>(bytes.data()), bytes.size());
                    ours = target->location.inode()->write(from, offset).error();
                }
                break;
            }
            case 13: {
                what = "chdir " + one;
                theirs = real(chdir(first));
                auto const target = tree_.find(one, kWalkFollow | kWalkDirectory);
                ours = target.error();
                if (target.ok()) tree_.context.working = *target;
                if (below(2)) {
                    (void)!chdir("/");
                    tree_.context.working = tree_.context.root;
                }
                break;
            }
        }
        if (theirs == ours) return {};
        return what + ": Linux says " + strerror(static_cast<int>(theirs)) + ", we say " +
               strerror(static_cast<int>(ours));
    }

    std::string compare(const std::string& path) {
        struct stat host;
        if (lstat(path.c_str(), &host) != 0) return path + ": lstat";
        Inode* const inode = tree_.inode(path);
        if (!inode) return path + ": only Linux has it";
        Attributes const ours = inode->attributes().take();
        if (ours.mode != host.st_mode) return path + ": mode";
        bool const is_directory = S_ISDIR(host.st_mode);
        if (is_directory ? counts_directories_ && ours.links != host.st_nlink : ours.links != host.st_nlink) {
            return path + ": links " + std::to_string(host.st_nlink) + " " + std::to_string(ours.links);
        }
        if (!is_directory && ours.size != static_cast<uint64_t>(host.st_size)) return path + ": size";
        if (S_ISREG(host.st_mode)) {
            std::string bytes(static_cast<size_t>(host.st_size), 0);
            int const fd = open(path.c_str(), O_RDONLY);
            if (read(fd, bytes.data(), bytes.size()) != host.st_size) return path + ": read";
            close(fd);
            if (tree_.read(path) != bytes) return path + ": contents";
        }
        if (S_ISLNK(host.st_mode)) {
            char target[4096];
            ssize_t const bytes = readlink(path.c_str(), target, sizeof target);
            if (inode->read_link().take() != std::string(target, static_cast<size_t>(bytes))) return path + ": target";
        }
        if (!is_directory) return {};
        std::map<std::string, int> names;
        DIR* const directory = opendir(path.c_str());
        while (dirent* const entry = readdir(directory)) ++names[entry->d_name];
        closedir(directory);
        for (const std::string& name : tree_.list(path)) --names[name];
        for (const auto& [name, count] : names) {
            if (count) return path + ": entry " + name;
            if (name == "." || name == "..") continue;
            std::string const problem = compare((path == "/" ? "" : path) + "/" + name);
            if (!problem.empty()) return problem;
        }
        return {};
    }

    void rewind() {
        (void)!chdir("/");
        tree_.context.working = tree_.context.root;
    }

private:
    std::mt19937 random_;
    Tree& tree_;
    bool counts_directories_;
};

std::pair<uint32_t, uint32_t> seeds(uint32_t count) {
    if (const char* const text = getenv("KOS_SEED")) {
        auto const seed = static_cast<uint32_t>(strtoul(text, nullptr, 0));
        return {seed, seed + 1};
    }
    if (const char* const text = getenv("KOS_ROUNDS")) count = static_cast<uint32_t>(strtoul(text, nullptr, 0));
    return {1, count + 1};
}

void run(Twins& twins, int steps, uint32_t seed) {
    for (int step = 0; step < steps; ++step) {
        ASSERT_EQ(twins.step(), "") << "KOS_SEED=" << seed << " step " << step;
        if (step % 50 == 49) {
            ASSERT_EQ(twins.compare("/"), "") << "KOS_SEED=" << seed << " step " << step;
        }
        if (step % 70 == 69) Dentry::drop_unused();
    }
    twins.rewind();
}

TEST(LikeLinux, Tmpfs) {
    if (!enter_playground()) GTEST_SKIP() << "needs root";
    auto const [first, last] = seeds(100);
    for (uint32_t seed = first; seed < last && !HasFatalFailure(); ++seed) {
        Tree tree;
        Twins twins(seed, tree, true);
        run(twins, 400, seed);
        remove_all("/");
    }
}

TEST(LikeLinux, Overlay) {
    if (!enter_playground()) GTEST_SKIP() << "needs root";
    auto const [first, last] = seeds(100);
    for (uint32_t seed = first; seed < last && !HasFatalFailure(); ++seed) {
        Tree below;
        Twins before(seed, below, true);
        run(before, 200, seed);
        if (HasFatalFailure()) return;
        Dentry::drop_unused();
        Tree tree(Overlay::create(below.tmpfs, Tmpfs::create(below.frames, below.timers)));
        Twins twins(seed + 1'000'000, tree, false);
        run(twins, 300, seed);
        remove_all("/");
    }
}

}  // namespace
