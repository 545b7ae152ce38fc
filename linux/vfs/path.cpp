// The walk along a path.
#include "vfs/path.h"

#include "vfs/dentry.h"

namespace kos::lx {

namespace {

class Walk {
public:
    Walk(const PathContext& context, const Credentials& credentials, const Location& start, uint32_t flags)
        : root_(flags & kWalkInRoot && start.is_set() ? start : context.root),
          start_(start),
          credentials_(credentials),
          // Whom no directory refuses need not be looked up in it.
          may_search_all_(credentials.has_capability(kCAP_DAC_OVERRIDE) ||
                          credentials.has_capability(kCAP_DAC_READ_SEARCH)),
          flags_(flags) {}

    Result<WalkResult> run(std::string_view path) {
        if (path.size() >= kPathMax) return Errno::kENAMETOOLONG;
        WalkResult result;
        if (path.empty()) {
            if (!(flags_ & kWalkEmpty) || flags_ & kWalkParent) return Errno::kENOENT;
            result.location = start_;
            return result;
        }
        result.has_slash = path.back() == '/';
        if (path.front() == '/') {
            if (flags_ & kWalkBeneath) return Errno::kEXDEV;
            at_ = root_;
        } else {
            at_ = start_;
        }
        if (!at_.inode()) return Errno::kENOENT;
        if (!at_.inode()->is_directory()) return Errno::kENOTDIR;
        rest_ = path;
        bool must_be_directory = flags_ & kWalkDirectory;
        for (;;) {
            size_t const begin = rest_.find_first_not_of('/');
            if (begin == std::string_view::npos) {
                must_be_directory |= !rest_.empty();
                break;
            }
            rest_.remove_prefix(begin);
            size_t const length = std::min(rest_.find('/'), rest_.size());
            std::string_view const name = rest_.substr(0, length);
            rest_.remove_prefix(length);
            bool const is_last = rest_.find_first_not_of('/') == std::string_view::npos;

            if (!at_.inode()->is_directory()) return Errno::kENOTDIR;
            KOS_TRY_STATUS(may_search());
            if (is_last && flags_ & kWalkParent) {
                // Also what follows a link that stood for the last name: that is why callers look it up themselves.
                if (name.size() > kNameMax) return Errno::kENAMETOOLONG;
                result.last = name;
                result.has_slash = !rest_.empty();
                break;
            }
            if (name == ".") continue;
            if (name == "..") {
                KOS_TRY_STATUS(go_up());
                continue;
            }
            KOS_TRY_STATUS(step(name, is_last));
        }
        if (must_be_directory && !(flags_ & kWalkParent) && !at_.inode()->is_directory()) return Errno::kENOTDIR;
        result.location = std::move(at_);
        return result;
    }

private:
    Status may_search() {
        if (may_search_all_) return {};
        KOS_TRY(auto const attributes, at_.inode()->attributes());
        return check_access(attributes, kMayExecute, credentials_);
    }

    Status go_up() {
        if (at_ == root_) return {};
        if (flags_ & kWalkBeneath && at_ == start_) return Errno::kEXDEV;
        while (at_.dentry.get() == &at_.mount->root()) {
            if (!at_.mount->parent()) return {};
            if (flags_ & kWalkNoMounts) return Errno::kEXDEV;
            Ref<Dentry> place(at_.mount->place());
            at_.mount = Ref<Mount>(at_.mount->parent());
            at_.dentry = std::move(place);
            if (at_ == root_) return {};
        }
        if (at_.dentry->parent()) at_.dentry = Ref<Dentry>(at_.dentry->parent());
        return cross_mounts(at_);
    }

    Status cross_mounts(Location& location) {
        while (location.dentry->mounts) {
            Mount* const mount = location.mount->mounted_at(*location.dentry);
            if (!mount) break;
            if (flags_ & kWalkNoMounts) return Errno::kEXDEV;
            location.mount = Ref<Mount>(mount);
            location.dentry = Ref<Dentry>(&mount->root());
        }
        return {};
    }

    Status step(std::string_view name, bool is_last) {
        if (name.size() > kNameMax) return Errno::kENAMETOOLONG;
        KOS_TRY(Ref<Dentry> entry, Dentry::find(*at_.dentry, name));
        if (!entry->inode()) return Errno::kENOENT;
        if (entry->inode()->is_symlink() && (!is_last || flags_ & kWalkFollow || !rest_.empty())) {
            return follow(std::move(entry));
        }
        at_.dentry = std::move(entry);
        return cross_mounts(at_);
    }

    Status follow(Ref<Dentry> link) {
        if (++links_ > kSymlinksMax || flags_ & kWalkNoSymlinks) return Errno::kELOOP;
        Location to;
        KOS_TRY(bool const is_magic, link->inode()->follow(to));
        if (is_magic) {
            if (flags_ & kWalkNoMagic) return Errno::kELOOP;
            if (flags_ & (kWalkBeneath | kWalkInRoot)) return Errno::kEXDEV;
            if (to.is_set()) {
                if (!to.inode()) return Errno::kENOENT;
                at_ = std::move(to);
            } else {
                // An open file without a name: the link itself stands for it (Inode::follow_file).
                at_.dentry = std::move(link);
            }
            return {};
        }
        KOS_TRY(std::string target, link->inode()->read_link());
        if (target.empty()) return Errno::kENOENT;
        if (target.front() == '/') {
            if (flags_ & kWalkBeneath) return Errno::kEXDEV;
            at_ = root_;
        }
        target += rest_;
        text_.swap(target);  // `rest_` may be a part of what is in `target` now
        rest_ = text_;
        return {};
    }

    const Location& root_;
    const Location& start_;
    const Credentials& credentials_;
    bool const may_search_all_;
    uint32_t const flags_;
    Location at_;
    std::string_view rest_;
    std::string text_;
    unsigned links_ = 0;
};

}  // namespace

Result<WalkResult> walk(const PathContext& context, const Credentials& credentials, const Location& start,
                        std::string_view path, uint32_t flags) {
    return Walk(context, credentials, start, flags).run(path);
}

}  // namespace kos::lx
