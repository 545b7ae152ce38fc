// Regular files of generated trees: text that is made when it is read.
#pragma once

#include "fs/generated/tree.h"

namespace kos::lx::generated {

class TextInode final : public TreeInode {
public:
    TextInode(Tree& tree, Subject subject, const Node& node, uint64_t number, uint64_t parent)
        : TreeInode(tree, std::move(subject), node.mode, number, parent), node_(node) {}

    Result<Ref<File>> open(uint32_t flags, Process& process) override;
    // Opening with O_TRUNC, which shells do before they write, changes nothing.
    Status truncate(uint64_t) override { return {}; }
    const Node& node() const { return node_; }

private:
    const Node& node_;
};

// The text is made when the beginning is read, and stays the same until the beginning is read again: positions mean the
// same from one read to the next.
class TextFile final : public File {
public:
    TextFile(Ref<TextInode> inode, Process& opener);
    ~TextFile() override;

    Result<size_t> read_at(IoBuffer& to, uint64_t offset) override;
    Result<size_t> write_at(IoBuffer& from, uint64_t offset) override;
    bool is_seekable() const override { return true; }
    Result<uint64_t> seek(int64_t offset, unsigned whence) override;
    Result<Attributes> attributes() override { return inode_->attributes(); }
    bool can_map() const override { return false; }
    Status truncate(uint64_t) override { return {}; }

private:
    Ref<TextInode> inode_;
    Ref<Process> opener_;
    std::string text_;
    bool has_text_ = false;
};

}  // namespace kos::lx::generated
