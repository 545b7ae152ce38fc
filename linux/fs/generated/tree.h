// File systems whose files are made when somebody looks: /proc and /sys. Directories come from tables, texts from
// functions.
#pragma once

#include "vfs/file.h"
#include "vfs/inode.h"

#include <span>
#include <string>
#include <string_view>

namespace kos::lx {

class Process;
class System;
class Thread;

namespace generated {

class Tree;
struct Node;

// Whom a file tells about. Files of the system as a whole: only `system`.
struct Subject {
    System* system = nullptr;
    Ref<Process> process = {};
    Ref<Thread> thread = {};
    unsigned index = 0;  // of a processor, of a descriptor
};

// One name of a directory's table.
struct Node {
    std::string_view name;
    Mode mode = 0;  // type and permissions
    // The text of a regular file, or where a symbolic link leads. kESRCH: the process is gone.
    Result<std::string> (*text)(const Subject& subject, Process& reader) = nullptr;
    // What was written in one call, at most a page.
    Status (*store)(const Subject& subject, Process& writer, std::string_view text) = nullptr;
    std::span<const Node> children = {};
    // Files of other kinds.
    Ref<Inode> (*make)(Tree& tree, const Subject& subject, const Node& node, uint64_t number,
                       uint64_t parent) = nullptr;
};

class Tree : public FileSystem {
public:
    Tree(System& system, int64_t magic, std::string_view type_name);
    FileSystemStatus status() override;
    std::string_view type_name() override { return type_name_; }
    // Why nothing can be made here (open(2) with O_CREAT, mkdir(2) and the like).
    virtual Errno refusal(Mode /*type*/) const { return Errno::kEPERM; }
    uint64_t device() override { return device_; }
    System& system() const { return system_; }
    Timespec made() const { return made_; }

    // The inode of a table's entry.
    Ref<Inode> make(const Subject& subject, const Node& node, uint64_t parent);

private:
    System& system_;
    int64_t magic_;
    std::string_view type_name_;
    uint64_t device_;
    Timespec made_;
};

// Of a name below a directory: stable, and as good as unique.
uint64_t number_of(uint64_t parent, std::string_view name);

// What all inodes of such a file system have in common.
class TreeInode : public Inode {
public:
    TreeInode(Tree& tree, Subject subject, Mode mode, uint64_t number, uint64_t parent)
        : tree_(&tree), subject_(std::move(subject)), mode_(mode), number_(number), parent_(parent) {}

    Mode type() const override { return mode_ & kS_IFMT; }
    Result<Attributes> attributes() override;
    Status change(const AttributeChange&) override { return Errno::kEPERM; }
    FileSystem& file_system() override { return *tree_; }

    Tree& tree() const { return *tree_; }
    const Subject& subject() const { return subject_; }
    uint64_t number() const { return number_; }
    uint64_t parent() const { return parent_; }

private:
    Ref<Tree> tree_;
    Subject subject_;
    Mode mode_;
    uint64_t number_, parent_;
};

// A directory of a table; others begin with one and add entries of their own.
class TreeDirectory : public TreeInode {
public:
    TreeDirectory(Tree& tree, Subject subject, Mode mode, uint64_t number, uint64_t parent, std::span<const Node> table)
        : TreeInode(tree, std::move(subject), mode, number, parent), table_(table) {}

    Result<Ref<Inode>> lookup(std::string_view name) final;
    Status read_directory(uint64_t cookie, EntrySink& sink) final;
    Result<Ref<Inode>> create(std::string_view, Mode mode, uint64_t, uint32_t, uint32_t) override {
        return tree().refusal(mode & kS_IFMT);
    }
    Result<Ref<Inode>> symlink(std::string_view, std::string_view, uint32_t, uint32_t) override {
        return tree().refusal(kS_IFLNK);
    }
    Status link(std::string_view, Inode&) override { return tree().refusal(kS_IFLNK); }

protected:
    // Entries beside the table's, in order of their keys (numbers above 0).
    struct Extra {
        uint64_t key = 0;  // 0: there is none
        std::string name = {};
        Mode type = kS_IFDIR;
    };
    virtual Extra next_extra(uint64_t /*after*/) { return {}; }
    virtual Result<Ref<Inode>> lookup_extra(std::string_view /*name*/) { return Errno::kENOENT; }
    // The directory still stands for something.
    virtual Status check() { return {}; }

private:
    std::span<const Node> table_;
};

// A number as directories are named: decimal, no leading zeros, at most `most`. -1: none.
int64_t number_from_name(std::string_view name, int64_t most);

std::string format(const char* text, ...) __attribute__((format(printf, 1, 2)));
void append(std::string& to, const char* text, ...) __attribute__((format(printf, 2, 3)));

}  // namespace generated
}  // namespace kos::lx
