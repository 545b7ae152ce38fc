// Random operations on tmpfs and on the overlay, against a simple model of what a file system is. The seed of a round
// is printed when it fails; KOS_SEED=N runs that round alone.
#include "fs/overlay.h"
#include "testing/tree.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

struct Node {
    Mode type = kS_IFREG;
    Mode permissions = 0644;
    std::string data;  // of a file; the target of a link
    std::map<std::string, std::shared_ptr<Node>> entries;
};
using NodeRef = std::shared_ptr<Node>;

class Model {
public:
    NodeRef root = std::make_shared<Node>(Node{kS_IFDIR, 01777, {}, {}});

    struct Place {
        NodeRef directory;
        std::string name;
        Errno error = Errno::kOK;
        NodeRef find() const {
            auto const found = directory->entries.find(name);
            return found == directory->entries.end() ? nullptr : found->second;
        }
    };
    // All links lead to what does not exist.
    static Errno enter(const Node& node) {
        return node.type == kS_IFDIR ? Errno::kOK : node.type == kS_IFLNK ? Errno::kENOENT : Errno::kENOTDIR;
    }
    Place place(const std::string& path) const {
        Place at{root, {}, Errno::kOK};
        size_t begin = 1;
        for (;;) {
            size_t const end = path.find('/', begin);
            std::string const name = path.substr(begin, end - begin);
            if (end == std::string::npos) {
                at.name = name;
                at.error = enter(*at.directory);
                return at;
            }
            if (Errno const error = enter(*at.directory); error != Errno::kOK) return {nullptr, {}, error};
            auto const found = at.directory->entries.find(name);
            if (found == at.directory->entries.end()) return {nullptr, {}, Errno::kENOENT};
            at.directory = found->second;
            begin = end + 1;
        }
    }
    static bool is_in(const NodeRef& node, const NodeRef& tree) {
        if (node == tree) return true;
        for (const auto& [name, entry] : tree->entries) {
            if (entry->type == kS_IFDIR && is_in(node, entry)) return true;
        }
        return false;
    }

    Errno make(const std::string& path, Mode type, const std::string& data = {}) {
        Place const at = place(path);
        if (at.error != Errno::kOK) return at.error;
        if (at.find()) return Errno::kEEXIST;
        Mode const permissions = type == kS_IFLNK ? 0777 : type == kS_IFDIR ? 0755 : 0644;
        at.directory->entries[at.name] = std::make_shared<Node>(Node{type, permissions, data, {}});
        return Errno::kOK;
    }
    Errno remove(const std::string& path, bool directory) {
        Place const at = place(path);
        if (at.error != Errno::kOK) return at.error;
        NodeRef const node = at.find();
        if (!node) return Errno::kENOENT;
        if (directory && node->type != kS_IFDIR) return Errno::kENOTDIR;
        if (!directory && node->type == kS_IFDIR) return Errno::kEISDIR;
        if (directory && !node->entries.empty()) return Errno::kENOTEMPTY;
        at.directory->entries.erase(at.name);
        return Errno::kOK;
    }
    Errno link(const std::string& from, const std::string& to) {
        Place const old = place(from);
        if (old.error != Errno::kOK) return old.error;
        if (!old.find()) return Errno::kENOENT;
        Place const at = place(to);
        if (at.error != Errno::kOK) return at.error;
        if (at.find()) return Errno::kEEXIST;
        if (old.find()->type == kS_IFDIR) return Errno::kEPERM;
        at.directory->entries[at.name] = old.find();
        return Errno::kOK;
    }
    Errno rename(const std::string& from, const std::string& to, uint32_t flags) {
        Place const old = place(from), at = place(to);
        if (old.error != Errno::kOK) return old.error;
        if (at.error != Errno::kOK) return at.error;
        NodeRef const moving = old.find(), there = at.find();
        if (!moving) return Errno::kENOENT;
        if (there && flags & kRenameNoReplace) return Errno::kEEXIST;
        bool const exchange = flags & kRenameExchange;
        if (!there && exchange) return Errno::kENOENT;
        if (moving->type == kS_IFDIR && is_in(at.directory, moving)) return Errno::kEINVAL;
        if (there && there->type == kS_IFDIR && is_in(old.directory, there)) {
            return exchange ? Errno::kEINVAL : Errno::kENOTEMPTY;
        }
        if (there == moving) return Errno::kOK;
        if (exchange) {
            std::swap(old.directory->entries[old.name], at.directory->entries[at.name]);
            return Errno::kOK;
        }
        if (there) {
            if (moving->type == kS_IFDIR && there->type != kS_IFDIR) return Errno::kENOTDIR;
            if (moving->type != kS_IFDIR && there->type == kS_IFDIR) return Errno::kEISDIR;
            if (!there->entries.empty()) return Errno::kENOTEMPTY;
        }
        old.directory->entries.erase(old.name);
        at.directory->entries[at.name] = moving;
        return Errno::kOK;
    }
    NodeRef file(const std::string& path) const {
        Place const at = place(path);
        if (at.error != Errno::kOK) return nullptr;
        NodeRef const node = at.find();
        return node && node->type == kS_IFREG ? node : nullptr;
    }
};

class Walker {
public:
    explicit Walker(uint32_t seed) : random_(seed) {}

    uint32_t below(uint32_t most) { return static_cast<uint32_t>(random_() % most); }

    std::string path() {
        std::string made;
        for (uint32_t depth = 1 + below(3); depth; --depth) {
            made += '/';
            made += static_cast<char>('a' + below(4));
        }
        return made;
    }

    // One operation on both. Empty: they agree.
    std::string step(Tree& tree, Model& model) {
        std::string const one = path(), other = path();
        Errno real = Errno::kOK, wanted = Errno::kOK;
        std::string what;
        switch (below(13)) {
            case 0:
            case 1:
                what = "mkdir " + one;
                real = tree.mkdir(one), wanted = model.make(one, kS_IFDIR);
                break;
            case 2:
            case 3:
                what = "create " + one;
                real = tree.mknod(one), wanted = model.make(one, kS_IFREG);
                break;
            case 4:
                what = "symlink " + one;
                real = tree.symlink("to/" + other, one), wanted = model.make(one, kS_IFLNK, "to/" + other);
                break;
            case 5:
                what = "unlink " + one;
                real = tree.unlink(one), wanted = model.remove(one, false);
                break;
            case 6:
                what = "rmdir " + one;
                real = tree.rmdir(one), wanted = model.remove(one, true);
                break;
            case 7:
                what = "link " + one + " " + other;
                real = tree.link(one, other), wanted = model.link(one, other);
                break;
            case 8:
            case 9: {
                uint32_t const flags = below(4) == 0 ? kRenameExchange : below(4) == 0 ? kRenameNoReplace : 0;
                what = "rename " + one + " " + other + " " + std::to_string(flags);
                real = tree.rename(one, other, flags), wanted = model.rename(one, other, flags);
                break;
            }
            case 10: {
                what = "write " + one;
                NodeRef const node = model.file(one);
                Inode* const inode = tree.inode(one);
                if (bool(node) != (inode && inode->is_regular())) return what + ": is it a file?";
                if (!node) break;
                uint64_t const offset = below(3) ? below(12000) : below(3) * kPageBytes;
                std::string const bytes(1 + below(5000), static_cast<char>('A' + below(26)));
                auto const moved = tree.write(one, bytes, offset);
                if (!moved.ok() || *moved != bytes.size()) return what + ": could not";
                if (node->data.size() < offset + bytes.size()) node->data.resize(offset + bytes.size());
                node->data.replace(offset, bytes.size(), bytes);
                break;
            }
            case 11: {
                what = "truncate " + one;
                NodeRef const node = model.file(one);
                if (!node) break;
                uint64_t const size = below(14000);
                real = tree.inode(one)->truncate(size).error();
                node->data.resize(size);
                break;
            }
            case 12: {
                what = "chmod " + one;
                auto const where = tree.find(one, 0);
                Model::Place const at = model.place(one);
                NodeRef const node = at.error == Errno::kOK ? at.find() : nullptr;
                if (bool(node) != where.ok()) return what + ": is it there?";
                if (!node || node->type == kS_IFLNK) break;
                node->permissions = 0700 | below(0100);
                real = change_mode(tree.who, *where, node->permissions).error();
                break;
            }
        }
        if (real == wanted) return {};
        return what + ": error " + std::to_string(static_cast<int>(real)) + ", should be " +
               std::to_string(static_cast<int>(wanted));
    }

    // Everything is the same. Empty: so it is.
    static std::string compare(Tree& tree, const Node& node, const std::string& path, bool hot) {
        std::string const name = path.empty() ? "/" : path;
        Inode* const inode = tree.inode(name);
        if (!inode) return name + ": is not there";
        Attributes const attributes = inode->attributes().take();
        if (inode->type() != node.type) return name + ": type";
        if ((attributes.mode & 07777) != node.permissions && node.type != kS_IFLNK && !path.empty()) {
            return name + ": permissions";
        }
        if (node.type == kS_IFLNK && inode->read_link().take() != node.data) return name + ": target";
        if (node.type == kS_IFREG && (attributes.size != node.data.size() || tree.read(name) != node.data)) {
            return name + ": contents";
        }
        if (node.type != kS_IFDIR) return {};
        std::map<std::string, Mode> listed;
        uint64_t cookie = 0;
        for (;;) {
            Lister lister(hot ? 2 : 100);
            if (!inode->read_directory(cookie, lister).ok()) return name + ": cannot be read";
            if (lister.entries.empty()) break;
            cookie = lister.entries.back().next;
            for (const Listed& entry : lister.entries) {
                if (!listed.emplace(entry.name, entry.type).second) return name + ": " + entry.name + " twice";
                if (entry.name[0] == '.') continue;
                if (entry.inode != tree.stat(name + "/" + entry.name).inode)
                    return name + "/" + entry.name + ": number";
            }
        }
        if (listed.size() != node.entries.size() + 2) return name + ": number of entries";
        for (const auto& [entry_name, entry] : node.entries) {
            auto const found = listed.find(entry_name);
            if (found == listed.end() || found->second != entry->type) return name + ": entry " + entry_name;
            std::string const problem = compare(tree, *entry, path + "/" + entry_name, hot);
            if (!problem.empty()) return problem;
        }
        return {};
    }

private:
    std::mt19937 random_;
};

std::pair<uint32_t, uint32_t> seeds(uint32_t count) {
    if (const char* const text = getenv("KOS_SEED")) {
        auto const seed = static_cast<uint32_t>(strtoul(text, nullptr, 0));
        return {seed, seed + 1};
    }
    if (const char* const text = getenv("KOS_ROUNDS")) count = static_cast<uint32_t>(strtoul(text, nullptr, 0));
    return {1, count + 1};
}

TEST(RandomOperations, Tmpfs) {
    auto const [first, last] = seeds(60);
    for (uint32_t seed = first; seed < last; ++seed) {
        Walker walker(seed);
        Tree tree;
        Model model;
        for (int step = 0; step < 400; ++step) {
            ASSERT_EQ(walker.step(tree, model), "") << "KOS_SEED=" << seed << " step " << step;
            if (step % 40 == 39) {
                ASSERT_EQ(Walker::compare(tree, *model.root, "", step % 80 == 39), "")
                    << "KOS_SEED=" << seed << " step " << step;
            }
            if (step % 100 == 99) Dentry::drop_unused();
        }
    }
}

TEST(RandomOperations, Overlay) {
    auto const [first, last] = seeds(100);
    for (uint32_t seed = first; seed < last; ++seed) {
        Walker walker(seed);
        Tree below;
        Model model;
        for (int step = 0; step < 150; ++step) {
            ASSERT_EQ(walker.step(below, model), "") << "KOS_SEED=" << seed << " below, step " << step;
        }
        Dentry::drop_unused();
        Model before;
        before.root = model.root;
        {
            Tree tree(Overlay::create(below.tmpfs, Tmpfs::create(below.frames, below.timers)));
            ASSERT_EQ(Walker::compare(tree, *model.root, "", false), "") << "KOS_SEED=" << seed << " at first";
            for (int step = 0; step < 300; ++step) {
                ASSERT_EQ(walker.step(tree, model), "") << "KOS_SEED=" << seed << " step " << step;
                if (step % 30 == 29) {
                    ASSERT_EQ(Walker::compare(tree, *model.root, "", step % 60 == 29), "")
                        << "KOS_SEED=" << seed << " step " << step;
                }
                // Nothing may depend on what happens to be remembered.
                if (step % 50 == 49 || seed % 5 == 0) Dentry::drop_unused();
            }
        }
    }
}

}  // namespace
