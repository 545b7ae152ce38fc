// overlay: directories. What is in the upper one counts; the rest shows from the lower one.
#include "fs/overlay.h"

#include <algorithm>

namespace kos::lx {

namespace {

bool is_dots(std::string_view name) { return name == "." || name == ".."; }

}  // namespace

bool OverlayInode::is_in_lower(std::string_view name) const { return lower_ && lower_->lookup(name).ok(); }

Result<Ref<Inode>> OverlayInode::lookup(std::string_view name) {
    if (!is_directory()) return Errno::kENOTDIR;
    if (upper_) {
        if (TmpfsInode* const found = upper_->find_entry(name)) {
            if (found->is_whiteout) return Errno::kENOENT;
            return Ref<Inode>(overlay_->node_of_upper(*found, this, name));
        }
    }
    if (!lower_ || is_removed_) return Errno::kENOENT;
    KOS_TRY(auto inode, lower_->lookup(name));
    KOS_TRY(auto const attributes, inode->attributes());
    return Ref<Inode>(overlay_->node_of_lower(std::move(inode), attributes.inode, this, name));
}

// --- Making.

Status OverlayInode::prepare_entry(std::string_view name) {
    if (!is_directory()) return Errno::kENOTDIR;
    KOS_TRY_STATUS(check_alive());
    KOS_TRY_STATUS(copy_up());
    TmpfsInode* const found = upper_->find_entry(name);
    if (found && found->is_whiteout) return upper_->unlink(name);
    return {};
}

// If making failed, the name must not show from below again.
#define KOS_OVERLAY_MAKE(declaration, expression) \
    auto attempt = (expression);                  \
    if (!attempt.ok()) {                          \
        if (is_in_lower(name)) (void)hide(name);  \
        return attempt.error();                   \
    }                                             \
    declaration = attempt.take()

Result<Ref<Inode>> OverlayInode::create(std::string_view name, Mode mode, uint64_t device_number, uint32_t uid,
                                        uint32_t gid) {
    if (lookup(name).ok()) return Errno::kEEXIST;
    KOS_TRY_STATUS(prepare_entry(name));
    KOS_OVERLAY_MAKE(Ref<Inode> made, upper_->create(name, mode, device_number, uid, gid));
    return Ref<Inode>(overlay_->node_of_upper(static_cast<TmpfsInode&>(*made), this, name));
}

Result<Ref<Inode>> OverlayInode::symlink(std::string_view name, std::string_view target, uint32_t uid, uint32_t gid) {
    if (lookup(name).ok()) return Errno::kEEXIST;
    KOS_TRY_STATUS(prepare_entry(name));
    KOS_OVERLAY_MAKE(Ref<Inode> made, upper_->symlink(name, target, uid, gid));
    return Ref<Inode>(overlay_->node_of_upper(static_cast<TmpfsInode&>(*made), this, name));
}

#undef KOS_OVERLAY_MAKE

Result<Ref<Inode>> OverlayInode::create_unnamed(Mode mode, uint32_t uid, uint32_t gid) {
    KOS_TRY_STATUS(check_alive());
    KOS_TRY(auto made, overlay_->upper_->make_unnamed(mode, uid, gid));
    return Ref<Inode>(overlay_->node_of_upper(*made, nullptr, {}));
}

Status OverlayInode::link(std::string_view name, Inode& target) {
    if (&target.file_system() != overlay_.get()) return Errno::kEXDEV;
    if (target.is_directory()) return Errno::kEPERM;
    if (lookup(name).ok()) return Errno::kEEXIST;
    auto& file = static_cast<OverlayInode&>(target);
    if (file.is_removed_) return Errno::kENOENT;
    KOS_TRY_STATUS(file.copy_up());
    KOS_TRY_STATUS(prepare_entry(name));
    if (Status const made = upper_->link(name, *file.upper_); !made.ok()) {
        (void)hide(name);
        return made;
    }
    file.found_at(this, name);
    return {};
}

// --- Removing.

Status OverlayInode::hide(std::string_view name) {
    if (!is_in_lower(name)) return {};
    KOS_TRY_STATUS(copy_up());
    if (!overlay_->whiteout_) return Errno::kENOSPC;
    return upper_->link(name, *overlay_->whiteout_);
}

void OverlayInode::lost_name() {
    if (is_directory()) {
        is_removed_ = true;
        return;
    }
    if (!upper_) {
        auto const attributes = lower_->attributes();
        uint32_t const links = attributes.ok() ? attributes->links : 1;
        is_removed_ = links <= 1 || ++overlay_->lost_links_[lower_number_] >= links;
    }
}

uint32_t OverlayInode::lower_links(uint32_t links) const {
    auto const lost = overlay_->lost_links_.find(lower_number_);
    if (is_directory() || lost == overlay_->lost_links_.end()) return links;
    return links - std::min(links, lost->second);
}

Status OverlayInode::unlink(std::string_view name) {
    KOS_TRY(auto const found, lookup(name));
    auto& victim = static_cast<OverlayInode&>(*found);
    if (victim.is_directory()) return Errno::kEISDIR;
    KOS_TRY_STATUS(copy_up());
    if (upper_->find_entry(name)) {
        KOS_TRY_STATUS(upper_->unlink(name));
    } else if (victim.upper_) {
        victim.upper_->lost_name();  // by one of its lower names
    }
    KOS_TRY_STATUS(hide(name));
    if (victim.parent_.get() == this && victim.name_ == name) victim.parent_ = nullptr;  // not to be copied up there
    victim.lost_name();
    return {};
}

Status OverlayInode::check_empty() {
    class AnyEntry final : public EntrySink {
    public:
        bool take(const Entry& entry) override {
            has_any = !is_dots(entry.name);
            return !has_any;
        }
        bool has_any = false;
    } any;
    KOS_TRY_STATUS(read_directory(0, any));
    return any.has_any ? Errno::kENOTEMPTY : Errno::kOK;
}

void OverlayInode::clear_whiteouts() {
    class Names final : public EntrySink {
    public:
        bool take(const Entry& entry) override {
            if (!is_dots(entry.name)) names.emplace_back(entry.name);
            return names.size() < 256;
        }
        std::vector<std::string> names;
    };
    while (upper_ && !upper_->is_empty()) {
        Names some;
        if (!upper_->read_directory(0, some).ok()) return;
        for (const std::string& name : some.names) (void)upper_->unlink(name);
    }
}

Status OverlayInode::rmdir(std::string_view name) {
    KOS_TRY(auto const found, lookup(name));
    if (!found->is_directory()) return Errno::kENOTDIR;
    auto& victim = static_cast<OverlayInode&>(*found);
    KOS_TRY_STATUS(victim.check_empty());
    KOS_TRY_STATUS(copy_up());
    if (victim.upper_) {
        victim.clear_whiteouts();
        KOS_TRY_STATUS(upper_->rmdir(name));
    }
    KOS_TRY_STATUS(hide(name));
    victim.lost_name();
    return {};
}

Status OverlayInode::rename(std::string_view name, Inode& to, std::string_view new_name, uint32_t flags) {
    if (&to.file_system() != overlay_.get()) return Errno::kEXDEV;
    auto& target = static_cast<OverlayInode&>(to);
    KOS_TRY(auto const found, lookup(name));
    auto& moving = static_cast<OverlayInode&>(*found);
    auto const present = target.lookup(new_name);
    if (!present.ok() && present.error() != Errno::kENOENT) return present.error();
    OverlayInode* const replaced = present.ok() ? static_cast<OverlayInode*>(present->get()) : nullptr;
    if (replaced && flags & kRenameNoReplace) return Errno::kEEXIST;
    if (replaced == &moving) return {};
    KOS_TRY_STATUS(target.check_alive());
    // Everything that can fail for want of memory comes before the first change that shows.
    KOS_TRY_STATUS(copy_up());
    KOS_TRY_STATUS(target.copy_up());
    KOS_TRY_STATUS(moving.copy_up());
    // A file with several lower names may have been copied up by another of them.
    if (!upper_->find_entry(name)) upper_->attach(name, moving.upper_);
    if (flags & kRenameExchange) {
        if (!replaced) return Errno::kENOENT;
        KOS_TRY_STATUS(replaced->copy_up());
        if (!target.upper_->find_entry(new_name)) target.upper_->attach(new_name, replaced->upper_);
        KOS_TRY_STATUS(upper_->rename(name, *target.upper_, new_name, flags));
        moving.found_at(&target, new_name);
        replaced->found_at(this, name);
        return {};
    }
    if (replaced) {
        if (replaced->is_directory()) {
            if (!moving.is_directory()) return Errno::kEISDIR;
            KOS_TRY_STATUS(replaced->check_empty());
            replaced->clear_whiteouts();
        } else if (moving.is_directory()) {
            return Errno::kENOTDIR;
        }
        // Of a file that was copied up under another of its names.
        if (replaced->upper_ && !target.upper_->find_entry(new_name)) replaced->upper_->lost_name();
    } else if (target.upper_->find_entry(new_name)) {
        KOS_TRY_STATUS(target.upper_->unlink(new_name));  // a whiteout
    }
    KOS_TRY_STATUS(upper_->rename(name, *target.upper_, new_name, 0));
    if (replaced) replaced->lost_name();
    moving.found_at(&target, new_name);
    return hide(name);
}

// --- Reading. First what the lower directory has, in its order, as far as it shows; then what only the upper one has.
// So an entry keeps its place when it is copied up.

Status OverlayInode::read_directory(uint64_t cookie, EntrySink& sink) {
    if (!is_directory()) return Errno::kENOTDIR;

    class FromLower final : public EntrySink {
    public:
        FromLower(OverlayInode& of, EntrySink& to) : directory_(of), sink_(to) {}
        bool take(const Entry& entry) override {
            Entry shown = entry;
            if (entry.name == ".") {
                shown.inode = directory_.number();
            } else if (entry.name == "..") {
                shown.inode = (directory_.parent_ ? *directory_.parent_ : directory_).number();
            } else if (directory_.upper_) {
                if (TmpfsInode* const above = directory_.upper_->find_entry(entry.name)) {
                    if (above->is_whiteout) return true;
                    shown.inode = number_of(*above);
                    shown.type = above->type();
                }
            }
            is_full = !sink_.take(shown);
            return !is_full;
        }
        bool is_full = false;

    private:
        OverlayInode& directory_;
        EntrySink& sink_;
    };

    class FromUpper final : public EntrySink {
    public:
        FromUpper(OverlayInode& of, EntrySink& to) : directory_(of), sink_(to) {}
        bool take(const Entry& entry) override {
            Entry shown = entry;
            bool const is_merged = bool(directory_.lower_);
            if (is_dots(entry.name)) {
                if (is_merged) return true;
                const OverlayInode& which = entry.name == ".." && directory_.parent_ ? *directory_.parent_ : directory_;
                shown.inode = which.number();
            } else {
                const TmpfsInode& above = *directory_.upper_->find_entry(entry.name);
                if (above.is_whiteout || directory_.is_in_lower(entry.name)) return true;
                shown.inode = number_of(above);
            }
            if (is_merged) shown.next |= kUpperCookie;
            return sink_.take(shown);
        }

    private:
        OverlayInode& directory_;
        EntrySink& sink_;
    };

    if (is_removed_) return {};
    FromUpper above(*this, sink);
    if (!lower_) return upper_->read_directory(cookie, above);
    if (!(cookie & kUpperCookie)) {
        FromLower below(*this, sink);
        KOS_TRY_STATUS(lower_->read_directory(cookie, below));
        if (below.is_full) return {};
        cookie = kUpperCookie;
    }
    if (!upper_) return {};
    return upper_->read_directory(cookie & ~kUpperCookie, above);
}

}  // namespace kos::lx
