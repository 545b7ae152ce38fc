// Asks a file system everything that a program could ask it, bounded: for damaged images.
#pragma once

#include "vfs/inode.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kos::lx::testing {

// Visits at most `left` inodes: damage may make directories contain themselves.
inline void visit(const Ref<Inode>& inode, unsigned depth, unsigned& left) {
    if (left == 0) return;
    --left;
    (void)inode->attributes();
    if (inode->is_symlink()) (void)inode->read_link();
    if (inode->is_regular()) {
        auto const size = inode->size();
        uint64_t const pages = size.ok() ? (*size + kPageBytes - 1) / kPageBytes : 0;
        uint64_t const step = std::max<uint64_t>(1, pages / 40);
        for (uint64_t page = 0; page < pages; page += step) (void)inode->page(page, false);
        if (pages) (void)inode->page(pages - 1, false);
    }
    if (!inode->is_directory() || depth == 6) return;
    class Names final : public Inode::EntrySink {
    public:
        bool take(const Inode::Entry& entry) override {
            names.emplace_back(entry.name);
            return names.size() < 64;
        }
        std::vector<std::string> names;
    } sink;
    (void)inode->read_directory(0, sink);
    (void)inode->lookup("absent");
    for (const std::string& name : sink.names) {
        if (name == "." || name == "..") continue;
        if (auto child = inode->lookup(name); child.ok()) visit(*child, depth + 1, left);
    }
}

}  // namespace kos::lx::testing
