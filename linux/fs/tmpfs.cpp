// tmpfs: the file system, attributes, directories. Contents of files: tmpfs_data.cpp.
#include "fs/tmpfs.h"

#include "vfs/fcntl.h"

#include <vector>

namespace kos::lx {

namespace {
constexpr uint32_t kLinksMax = 1 << 30;
}

// --- The file system.

TmpfsState::TmpfsState(FrameSource& frame_source, Timers& clock, const TmpfsOptions& limits)
    : frames(frame_source), timers(clock), pages_max(limits.bytes_max >> kPageBits), files_max(limits.files_max) {}

FileSystemStatus TmpfsState::status() {
    FileSystemStatus status;
    status.type = kTmpfsMagic;
    status.blocks = pages_max;
    status.blocks_free = pages_free();
    status.files = files_max;
    status.files_free = files_max - files_used;
    return status;
}

Result<Ref<Frame>> TmpfsState::allocate_page() {
    if (pages_used >= pages_max) return Errno::kENOSPC;
    KOS_TRY(auto frame, frames.allocate());
    ++pages_used;
    return frame;
}

Tmpfs::Tmpfs(Ref<TmpfsState> state, Ref<TmpfsInode> root) : state_(std::move(state)), root_(std::move(root)) {}

Ref<Tmpfs> Tmpfs::create(FrameSource& frames, Timers& timers, const TmpfsOptions& options) {
    Ref<TmpfsState> state = make_ref<TmpfsState>(frames, timers, options);
    // The root exists whatever the limit.
    Ref<TmpfsInode> root(new TmpfsInode(*state, kS_IFDIR | (options.mode & kPermissions), options.uid, options.gid));
    root->parent_ = root.get();
    return Ref<Tmpfs>(new Tmpfs(std::move(state), std::move(root)));
}

Tmpfs::~Tmpfs() {
    // A program chooses how deep its directories are: the tree ends without recursion.
    std::vector<Ref<TmpfsInode>> left{std::move(root_)};
    while (!left.empty()) {
        Ref<TmpfsInode> const inode = std::move(left.back());
        left.pop_back();
        for (auto& [name, entry] : inode->names_) {
            entry.inode->parent_ = nullptr;
            if (entry.inode->is_directory()) left.push_back(std::move(entry.inode));
        }
        inode->names_.clear();
        inode->order_.clear();
        inode->parent_ = nullptr;
    }
}

Ref<Inode> Tmpfs::root() { return root_; }

Result<Ref<TmpfsInode>> Tmpfs::make_unnamed(Mode mode, uint32_t uid, uint32_t gid, bool may_seal) {
    KOS_TRY(auto inode, TmpfsInode::make(*state_, kS_IFREG | (mode & kPermissions), uid, gid));
    inode->attributes_.links = 0;
    inode->is_linkable_ = true;
    if (may_seal) inode->allow_sealing();
    return inode;
}

// --- Inodes.

TmpfsInode::TmpfsInode(TmpfsState& state, Mode mode, uint32_t uid, uint32_t gid) : state_(&state) {
    ++state.files_used;
    attributes_.device = state.device();
    attributes_.inode = ++state.last_inode;
    attributes_.mode = mode;
    attributes_.links = (mode & kS_IFMT) == kS_IFDIR ? 2 : 1;
    attributes_.uid = uid;
    attributes_.gid = gid;
    attributes_.born = state.now();
    attributes_.accessed = attributes_.modified = attributes_.changed = attributes_.born;
}

Result<Ref<TmpfsInode>> TmpfsInode::make(TmpfsState& state, Mode mode, uint32_t uid, uint32_t gid) {
    if (state.files_used >= state.files_max) return Errno::kENOSPC;
    return Ref<TmpfsInode>(new TmpfsInode(state, mode, uid, gid));
}

TmpfsInode::~TmpfsInode() {
    state_->free_pages(pages_.count());
    --state_->files_used;
}

Result<Attributes> TmpfsInode::attributes() {
    Attributes result = attributes_;
    result.blocks = pages_.count() * (kPageBytes / 512);
    if (is_directory()) result.size = 40 + 20 * names_.size();
    return result;
}

Status TmpfsInode::change(const AttributeChange& change) {
    if (change.has_mode) attributes_.mode = (attributes_.mode & kS_IFMT) | (change.mode & kPermissions);
    if (change.has_uid) attributes_.uid = change.uid;
    if (change.has_gid) attributes_.gid = change.gid;
    if (change.has_accessed) attributes_.accessed = change.accessed;
    if (change.has_modified) attributes_.modified = change.modified;
    changed();
    return {};
}

void TmpfsInode::set_attributes(const Attributes& from) {
    attributes_.mode = (attributes_.mode & kS_IFMT) | (from.mode & kPermissions);
    attributes_.uid = from.uid;
    attributes_.gid = from.gid;
    if (!is_directory()) attributes_.links = from.links;
    attributes_.accessed = from.accessed;
    attributes_.modified = from.modified;
    attributes_.changed = from.changed;
    attributes_.born = from.born;
}

void TmpfsInode::set_target(std::string_view target) {
    target_ = target;
    attributes_.size = target.size();
}

void TmpfsInode::touch_accessed() {
    // As with "relatime", Linux's default: only if that tells something new since the last change, or once a day.
    Timespec const now = state_->now();
    auto const before = [](const Timespec& one, const Timespec& other) {
        return one.seconds != other.seconds ? one.seconds < other.seconds : one.nanoseconds <= other.nanoseconds;
    };
    constexpr int64_t kDay = 24 * 3600;
    if (before(attributes_.accessed, attributes_.modified) || before(attributes_.accessed, attributes_.changed) ||
        now.seconds - attributes_.accessed.seconds >= kDay) {
        attributes_.accessed = now;
    }
}

Result<uint32_t> TmpfsInode::seals() {
    if (!is_regular()) return Errno::kEINVAL;
    return seals_;
}

Status TmpfsInode::add_seals(uint32_t seals) {
    constexpr uint32_t kAll = kF_SEAL_SEAL | kF_SEAL_SHRINK | kF_SEAL_GROW | kF_SEAL_WRITE | kF_SEAL_FUTURE_WRITE;
    if (!is_regular() || seals & ~kAll) return Errno::kEINVAL;
    if (seals_ & kF_SEAL_SEAL) return Errno::kEPERM;
    seals_ |= seals;
    return {};
}

Result<Ref<Inode>> TmpfsInode::create_unnamed(Mode mode, uint32_t uid, uint32_t gid) {
    KOS_TRY(auto inode, make(*state_, kS_IFREG | (mode & kPermissions), uid, gid));
    inode->attributes_.links = 0;
    inode->is_linkable_ = true;
    return Ref<Inode>(std::move(inode));
}

// --- Directories.

Status TmpfsInode::check_directory() const {
    if (!is_directory()) return Errno::kENOTDIR;
    return attributes_.links == 0 ? Errno::kENOENT : Errno::kOK;  // removed, but somebody works in it
}

TmpfsInode* TmpfsInode::find_entry(std::string_view name) const {
    auto const found = names_.find(name);
    return found == names_.end() ? nullptr : found->second.inode.get();
}

void TmpfsInode::entered(TmpfsInode& directory) {
    parent_ = &directory;
    ++directory.attributes_.links;
}

void TmpfsInode::add_entry(std::string_view name, Ref<TmpfsInode> inode) {
    if (inode->is_directory()) inode->entered(*this);
    auto const [place, is_new] = names_.try_emplace(std::string(name));
    place->second = {++last_cookie_, std::move(inode)};
    order_.emplace(place->second.cookie, &place->first);
    modified();
}

// The inode may end by this.
void TmpfsInode::remove_entry(std::string_view name) {
    auto const found = names_.find(name);
    if (found->second.inode->is_directory()) {
        found->second.inode->parent_ = nullptr;
        --attributes_.links;
    }
    order_.erase(found->second.cookie);
    Ref<TmpfsInode> const hold = std::move(found->second.inode);
    names_.erase(found);
    modified();
}

void TmpfsInode::lost_name() {
    attributes_.links -= is_directory() ? attributes_.links : 1;
    changed();
}

Result<Ref<Inode>> TmpfsInode::lookup(std::string_view name) {
    if (!is_directory()) return Errno::kENOTDIR;
    TmpfsInode* const found = find_entry(name);
    if (!found) return Errno::kENOENT;
    return Ref<Inode>(found);
}

Result<Ref<Inode>> TmpfsInode::create(std::string_view name, Mode mode, uint64_t device_number, uint32_t uid,
                                      uint32_t gid) {
    KOS_TRY_STATUS(check_directory());
    if (find_entry(name)) return Errno::kEEXIST;
    switch (mode & kS_IFMT) {
        case kS_IFREG:
        case kS_IFDIR:
        case kS_IFIFO:
        case kS_IFSOCK:
        case kS_IFCHR:
        case kS_IFBLK: break;
        default: return Errno::kEINVAL;
    }
    KOS_TRY(auto inode, make(*state_, mode & (kS_IFMT | kPermissions), uid, gid));
    Mode const type = mode & kS_IFMT;
    if (type == kS_IFCHR || type == kS_IFBLK) inode->attributes_.device_number = device_number;
    add_entry(name, inode);
    return Ref<Inode>(std::move(inode));
}

Result<Ref<Inode>> TmpfsInode::symlink(std::string_view name, std::string_view target, uint32_t uid, uint32_t gid) {
    KOS_TRY_STATUS(check_directory());
    if (find_entry(name)) return Errno::kEEXIST;
    if (target.size() >= kPathMax) return Errno::kENAMETOOLONG;
    KOS_TRY(auto inode, make(*state_, kS_IFLNK | 0777, uid, gid));
    inode->target_ = target;
    inode->attributes_.size = target.size();
    add_entry(name, inode);
    return Ref<Inode>(std::move(inode));
}

Result<std::string> TmpfsInode::read_link() {
    if (!is_symlink()) return Errno::kEINVAL;
    return target_;
}

Status TmpfsInode::link(std::string_view name, Inode& target) {
    KOS_TRY_STATUS(check_directory());
    if (target.is_directory()) return Errno::kEPERM;
    if (&target.file_system() != state_.get()) return Errno::kEXDEV;
    if (find_entry(name)) return Errno::kEEXIST;
    auto& file = static_cast<TmpfsInode&>(target);
    if (file.attributes_.links >= kLinksMax) return Errno::kEMLINK;
    // What has lost its last name stays without (linkat(2)).
    if (file.attributes_.links == 0 && !file.is_linkable_) return Errno::kENOENT;
    ++file.attributes_.links;
    file.changed();
    add_entry(name, Ref<TmpfsInode>(&file));
    return {};
}

Status TmpfsInode::unlink(std::string_view name) {
    TmpfsInode* const found = find_entry(name);
    if (!found) return Errno::kENOENT;
    if (found->is_directory()) return Errno::kEISDIR;
    found->lost_name();
    remove_entry(name);
    return {};
}

Status TmpfsInode::rmdir(std::string_view name) {
    TmpfsInode* const found = find_entry(name);
    if (!found) return Errno::kENOENT;
    if (!found->is_directory()) return Errno::kENOTDIR;
    if (!found->is_empty()) return Errno::kENOTEMPTY;
    found->lost_name();
    remove_entry(name);
    return {};
}

Status TmpfsInode::rename(std::string_view name, Inode& to, std::string_view new_name, uint32_t flags) {
    if (&to.file_system() != state_.get()) return Errno::kEXDEV;
    auto& target = static_cast<TmpfsInode&>(to);
    KOS_TRY_STATUS(target.check_directory());
    Ref<TmpfsInode> const moving(find_entry(name));
    if (!moving) return Errno::kENOENT;
    Ref<TmpfsInode> const replaced(target.find_entry(new_name));
    if (flags & kRenameExchange) {
        if (!replaced) return Errno::kENOENT;
        remove_entry(name);
        target.remove_entry(new_name);
        add_entry(name, replaced);
        target.add_entry(new_name, moving);
        moving->changed();
        replaced->changed();
        return {};
    }
    if (replaced) {
        if (flags & kRenameNoReplace) return Errno::kEEXIST;
        if (replaced == moving) return {};
        if (replaced->is_directory()) {
            if (!moving->is_directory()) return Errno::kEISDIR;
            if (!replaced->is_empty()) return Errno::kENOTEMPTY;
        } else if (moving->is_directory()) {
            return Errno::kENOTDIR;
        }
        replaced->lost_name();
        target.remove_entry(new_name);
    }
    remove_entry(name);
    target.add_entry(new_name, moving);
    moving->changed();
    return {};
}

Status TmpfsInode::read_directory(uint64_t cookie, EntrySink& sink) {
    if (!is_directory()) return Errno::kENOTDIR;
    if (cookie == 0) {
        if (!sink.take({".", attributes_.inode, kS_IFDIR, 1})) return {};
        cookie = 1;
    }
    if (cookie == 1) {
        uint64_t const parent = parent_ ? parent_->attributes_.inode : attributes_.inode;
        if (!sink.take({"..", parent, kS_IFDIR, 2})) return {};
    }
    for (auto place = order_.lower_bound(cookie); place != order_.end(); ++place) {
        const TmpfsInode& inode = *names_.find(*place->second)->second.inode;
        if (!sink.take({*place->second, inode.attributes_.inode, inode.type(), place->first + 1})) return {};
    }
    return {};
}

}  // namespace kos::lx
