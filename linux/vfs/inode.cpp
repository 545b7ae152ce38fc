// What inodes do if their file system says nothing else; the things that vfs keeps with them.
#include "vfs/inode.h"

#include "mm/io_buffer.h"
#include "vfs/dentry.h"
#include "vfs/extras.h"
#include "vfs/locks.h"
#include "vfs/regular_file.h"
#include "vfs/special.h"

#include <algorithm>

namespace kos::lx {

SpecialFiles special_files;

Inode::Extras::Extras() = default;
Inode::Extras::~Extras() = default;

Inode::~Inode() { delete extras; }

Inode::Extras& Inode::make_extras() {
    if (!extras) extras = new Extras;
    return *extras;
}

Result<Ref<Inode>> Inode::lookup(std::string_view) { return Errno::kENOTDIR; }
Result<Ref<Inode>> Inode::create(std::string_view, Mode, uint64_t, uint32_t, uint32_t) { return Errno::kEPERM; }
Result<Ref<Inode>> Inode::symlink(std::string_view, std::string_view, uint32_t, uint32_t) { return Errno::kEPERM; }
Status Inode::link(std::string_view, Inode&) { return Errno::kEPERM; }
Status Inode::unlink(std::string_view) { return Errno::kEPERM; }
Status Inode::rmdir(std::string_view) { return Errno::kEPERM; }
Status Inode::rename(std::string_view, Inode&, std::string_view, uint32_t) { return Errno::kEPERM; }
Status Inode::read_directory(uint64_t, EntrySink&) { return Errno::kENOTDIR; }
Result<std::string> Inode::read_link() { return Errno::kEINVAL; }
Result<bool> Inode::follow(Location&) { return false; }
Ref<File> Inode::follow_file() { return nullptr; }
Status Inode::truncate(uint64_t) { return Errno::kEINVAL; }
Result<Ref<Frame>> Inode::page(uint64_t, bool) { return Errno::kENODEV; }
Result<size_t> Inode::write(IoBuffer&, uint64_t) { return Errno::kEINVAL; }
Status Inode::allocate(uint32_t, uint64_t, uint64_t) { return Errno::kEOPNOTSUPP; }
Result<uint32_t> Inode::seals() { return Errno::kEINVAL; }
Status Inode::add_seals(uint32_t) { return Errno::kEINVAL; }
Result<Ref<Inode>> Inode::create_unnamed(Mode, uint32_t, uint32_t) { return Errno::kEOPNOTSUPP; }

Result<uint64_t> Inode::size() {
    KOS_TRY(auto const known, attributes());
    return known.size;
}

Result<size_t> Inode::read(IoBuffer& to, uint64_t offset) {
    KOS_TRY(uint64_t const bytes, size());
    size_t done = 0;
    while (to.remaining() && offset < bytes) {
        auto frame = page(offset >> kPageBits, false);
        size_t const in_page = offset & (kPageBytes - 1);
        size_t const count = std::min<uint64_t>(kPageBytes - in_page, bytes - offset);
        auto const moved = frame.ok() ? to.out((*frame)->data() + in_page, count) : Result<size_t>(frame.error());
        if (!moved.ok()) {
            if (done == 0) return moved.error();
            break;
        }
        done += *moved;
        offset += *moved;
        if (*moved < count) break;
    }
    return done;
}

Result<uint64_t> Inode::find(uint64_t offset, bool hole) {
    KOS_TRY(uint64_t const bytes, size());
    if (offset >= bytes) return Errno::kENXIO;
    return hole ? bytes : offset;
}

Result<Ref<File>> Inode::open(uint32_t flags, Process& process) {
    SpecialOpen special = nullptr;
    switch (type()) {
        case kS_IFREG: return Ref<File>(make_ref<RegularFile>(Ref<Inode>(this)));
        case kS_IFDIR: return Ref<File>(make_ref<DirectoryFile>(Ref<Inode>(this)));
        case kS_IFLNK: return Errno::kELOOP;
        case kS_IFIFO: special = special_files.fifo; break;
        case kS_IFCHR: special = special_files.character; break;
        case kS_IFBLK: special = special_files.block; break;
        default: break;
    }
    if (!special) return Errno::kENXIO;
    return special(*this, flags, process);
}

uint64_t next_device_number() {
    static uint64_t last = 0x10;
    ++last;
    // As stat(2) packs major 0 and minor n (makedev(3)).
    return (last & 0xff) | (last & 0xfff00) << 12;
}

// --- Watches.

void notify_inode(Inode& inode, uint32_t mask) {
    if (!inode.extras || !inode.extras->watches) return;
    inode.extras->watches->event(mask | (inode.is_directory() ? kIN_ISDIR : 0), {}, 0);
}

void notify_entry(Inode& directory, uint32_t mask, std::string_view name, uint32_t cookie) {
    if (!directory.extras || !directory.extras->watches) return;
    directory.extras->watches->event(mask, name, cookie);
}

void notify(const Location& location, uint32_t mask) {
    Inode* const inode = location.inode();
    if (!inode) return;
    // Most systems watch nothing, and this is asked at each read.
    Dentry* const parent = location.dentry->parent();
    if (parent && parent->inode() && parent->inode()->extras && parent->inode()->extras->watches &&
        location.dentry->is_hashed()) {
        notify_entry(*parent->inode(), mask | (inode->is_directory() ? kIN_ISDIR : 0), location.dentry->name());
    }
    notify_inode(*inode, mask);
}

}  // namespace kos::lx
