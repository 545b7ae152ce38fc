// Open regular files and directories, for all file systems that have no File of their own.
#pragma once

#include "vfs/file.h"

namespace kos::lx {

class RegularFile : public File {
public:
    explicit RegularFile(Ref<Inode> inode) : inode_(std::move(inode)) {}

    Result<size_t> read_at(IoBuffer& to, uint64_t offset) override;
    Result<size_t> write_at(IoBuffer& from, uint64_t offset) override;
    bool is_seekable() const override { return true; }
    Result<uint64_t> seek(int64_t offset, unsigned whence) override;
    Status truncate(uint64_t size) override;
    Result<Attributes> attributes() override { return inode_->attributes(); }
    Result<Ref<Frame>> page(uint64_t index, bool for_write) override { return inode_->page(index, for_write); }
    bool can_map() const override { return true; }
    Status allocate(uint32_t mode, uint64_t offset, uint64_t bytes) override;
    Result<int64_t> control(unsigned command, uint64_t argument) override;
    Inode* inode() const override { return inode_.get(); }

private:
    // Its own reference: files without a name have no location.
    Ref<Inode> inode_;
};

class DirectoryFile final : public File {
public:
    explicit DirectoryFile(Ref<Inode> inode) : inode_(std::move(inode)) {}

    Result<size_t> read(IoBuffer&) override { return Errno::kEISDIR; }
    Result<size_t> write(IoBuffer&) override { return Errno::kEBADF; }
    Result<size_t> read_at(IoBuffer&, uint64_t) override { return Errno::kEISDIR; }
    Result<size_t> write_at(IoBuffer&, uint64_t) override { return Errno::kEBADF; }
    bool is_seekable() const override { return true; }
    Result<uint64_t> seek(int64_t offset, unsigned whence) override;
    Result<Attributes> attributes() override { return inode_->attributes(); }
    Status read_directory(Inode::EntrySink& sink, uint64_t cookie) override;
    Inode* inode() const override { return inode_.get(); }

private:
    Ref<Inode> inode_;
};

}  // namespace kos::lx
