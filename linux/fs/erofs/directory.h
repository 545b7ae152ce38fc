// Blocks of an EROFS directory: entries of 12 bytes in the order of their names, then the names.
#pragma once

#include "vfs/types.h"

#include <span>
#include <string_view>

namespace kos::lx::erofs {

constexpr size_t kEntryBytes = 12;

class DirectoryBlock {
public:
    struct Entry {
        std::string_view name;
        uint64_t inode;
        Mode type;
    };

    // kEIO: cannot be one.
    static Result<DirectoryBlock> of(std::span<const std::byte> bytes);

    unsigned entries() const { return count_; }
    Result<Entry> entry(unsigned index) const;  // kEIO
    // The first entry whose name is not before `name`; entries() if there is none. kEIO.
    Result<unsigned> lower_bound(std::string_view name) const;

private:
    explicit DirectoryBlock(std::span<const std::byte> bytes) : bytes_(bytes) {}
    Result<std::string_view> name(unsigned index) const;

    std::span<const std::byte> bytes_;
    unsigned count_ = 0;
};

}  // namespace kos::lx::erofs
