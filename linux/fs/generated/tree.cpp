// Directories and files of generated trees (tree.h).
#include "fs/generated/tree.h"

#include "fs/generated/text_file.h"
#include "task/current.h"
#include "task/system.h"

#include <stdarg.h>
#include <stdio.h>

#include <algorithm>

namespace kos::lx::generated {

namespace {

// Cookies of directories: "." and "..", the table's entries, then the others by their keys.
constexpr uint64_t kFirstOfTable = 2, kFirstExtra = 1 << 16;

// A symbolic link whose target depends on who looks.
class TextLink final : public TreeInode {
public:
    TextLink(Tree& tree, Subject subject, const Node& node, uint64_t number, uint64_t parent)
        : TreeInode(tree, std::move(subject), node.mode, number, parent), node_(node) {}
    Result<std::string> read_link() override {
        Process* const reader = current_process();
        if (!reader) return Errno::kENOENT;
        return node_.text(subject(), *reader);
    }

private:
    const Node& node_;
};

}  // namespace

uint64_t number_of(uint64_t parent, std::string_view name) {
    // FNV-1a over both, 48 bits of it: 32-bit programs are not to see them.
    uint64_t hash = 0xcbf29ce484222325 ^ parent;
    hash *= 0x100000001b3;
    for (char const c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return (hash ^ hash >> 48) & 0xffff'ffff'ffff;
}

int64_t number_from_name(std::string_view name, int64_t most) {
    if (name.empty() || name.size() > 18 || (name[0] == '0' && name.size() > 1)) return -1;
    int64_t value = 0;
    for (char const c : name) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    return value <= most ? value : -1;
}

void append(std::string& to, const char* text, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, text);
    int const length = vsnprintf(line, sizeof line, text, arguments);
    va_end(arguments);
    if (length > 0) to.append(line, std::min<size_t>(static_cast<size_t>(length), sizeof line - 1));
}

std::string format(const char* text, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, text);
    int const length = vsnprintf(line, sizeof line, text, arguments);
    va_end(arguments);
    if (length <= 0) return {};
    return {line, std::min<size_t>(static_cast<size_t>(length), sizeof line - 1)};
}

Tree::Tree(System& system, int64_t magic, std::string_view type_name)
    : system_(system),
      magic_(magic),
      type_name_(type_name),
      device_(next_device_number()),
      made_(timespec_of(system.timers.realtime())) {}

FileSystemStatus Tree::status() {
    FileSystemStatus result;
    result.type = magic_;
    return result;
}

Ref<Inode> Tree::make(const Subject& subject, const Node& node, uint64_t parent) {
    uint64_t const number = number_of(parent, node.name);
    if (node.make) return node.make(*this, subject, node, number, parent);
    switch (node.mode & kS_IFMT) {
        case kS_IFDIR: return make_ref<TreeDirectory>(*this, subject, node.mode, number, parent, node.children);
        case kS_IFLNK: return make_ref<TextLink>(*this, subject, node, number, parent);
        default: return make_ref<TextInode>(*this, subject, node, number, parent);
    }
}

Result<Attributes> TreeInode::attributes() {
    Attributes result;
    result.device = tree_->device();
    result.inode = number_;
    result.mode = mode_;
    result.links = is_directory() ? 2 : 1;
    result.block_bytes = 1024;
    if (subject_.process) {
        result.uid = subject_.process->credentials.euid;
        result.gid = subject_.process->credentials.egid;
    }
    result.accessed = result.modified = result.changed = result.born = tree_->made();
    return result;
}

Result<Ref<Inode>> TreeDirectory::lookup(std::string_view name) {
    KOS_TRY_STATUS(check());
    for (const Node& node : table_) {
        if (node.name == name) return tree().make(subject(), node, number());
    }
    return lookup_extra(name);
}

Status TreeDirectory::read_directory(uint64_t cookie, EntrySink& sink) {
    KOS_TRY_STATUS(check());
    if (cookie == 0 && !sink.take({".", number(), kS_IFDIR, 1})) return {};
    if (cookie <= 1 && !sink.take({"..", parent(), kS_IFDIR, kFirstOfTable})) return {};
    cookie = std::max(cookie, kFirstOfTable);
    for (uint64_t i = cookie - kFirstOfTable; i < table_.size(); ++i) {
        const Node& node = table_[i];
        uint64_t const next = i + 1 < table_.size() ? kFirstOfTable + i + 1 : kFirstExtra;
        if (!sink.take({node.name, number_of(number(), node.name), node.mode & kS_IFMT, next})) return {};
    }
    uint64_t key = std::max(cookie, kFirstExtra) - kFirstExtra;
    for (;;) {
        Extra const extra = next_extra(key);
        if (extra.key == 0) return {};
        key = extra.key;
        if (!sink.take({extra.name, number_of(number(), extra.name), extra.type, kFirstExtra + key})) return {};
    }
}

}  // namespace kos::lx::generated
