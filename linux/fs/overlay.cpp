// overlay: nodes, copying up, contents of files. Directories: overlay_directory.cpp.
#include "fs/overlay.h"

#include "mm/io_buffer.h"
#include "vfs/file.h"

#include <algorithm>

namespace kos::lx {

Overlay::Overlay(Ref<FileSystem> lower, Ref<Tmpfs> upper) : lower_(std::move(lower)), upper_(std::move(upper)) {}

Ref<Overlay> Overlay::create(Ref<FileSystem> lower, Ref<Tmpfs> upper) {
    Ref<Overlay> overlay(new Overlay(std::move(lower), std::move(upper)));
    Ref<Inode> const bottom = overlay->lower_->root();
    auto& top = static_cast<TmpfsInode&>(*overlay->upper_->root());
    if (auto const attributes = bottom->attributes(); attributes.ok()) {
        top.set_attributes(*attributes);
        top.shown_number = attributes->inode;
    }
    top.below = bottom;
    // Below all limits: a file that can be hidden must not need a new inode for that.
    if (auto made = TmpfsInode::make(overlay->upper_->state(), kS_IFCHR, 0, 0); made.ok()) {
        overlay->whiteout_ = made.take();
        overlay->whiteout_->is_whiteout = true;
    }
    return overlay;
}

Ref<Inode> Overlay::root() { return node_of_upper(static_cast<TmpfsInode&>(*upper_->root()), nullptr, {}); }

FileSystemStatus Overlay::status() {
    FileSystemStatus status = upper_->status();
    status.type = kOverlayMagic;
    return status;
}

Ref<OverlayInode> Overlay::node_of_upper(TmpfsInode& inode, OverlayInode* parent, std::string_view name) {
    Ref<OverlayInode> node;
    if (auto const known = by_upper_.find(&inode); known != by_upper_.end()) {
        node = Ref<OverlayInode>(known->second);
    } else {
        node = Ref<OverlayInode>(new OverlayInode(*this, inode.below, 0, Ref<TmpfsInode>(&inode)));
        by_upper_.emplace(&inode, node.get());
    }
    node->found_at(parent, name);
    return node;
}

Ref<OverlayInode> Overlay::node_of_lower(Ref<Inode> inode, uint64_t number, OverlayInode* parent,
                                         std::string_view name) {
    if (auto const copied = copied_links_.find(number); copied != copied_links_.end()) {
        return node_of_upper(*copied->second, parent, name);
    }
    Ref<OverlayInode> node;
    if (auto const known = by_lower_.find(number); known != by_lower_.end()) {
        node = Ref<OverlayInode>(known->second);
    } else {
        node = Ref<OverlayInode>(new OverlayInode(*this, std::move(inode), number, nullptr));
        by_lower_.emplace(number, node.get());
    }
    node->found_at(parent, name);
    return node;
}

// --- Nodes.

OverlayInode::OverlayInode(Overlay& overlay, Ref<Inode> lower, uint64_t lower_number, Ref<TmpfsInode> upper)
    : overlay_(&overlay),
      type_(upper ? upper->type() : lower->type()),
      lower_(std::move(lower)),
      lower_number_(lower_number),
      upper_(std::move(upper)) {}

OverlayInode::~OverlayInode() {
    if (upper_) {
        overlay_->by_upper_.erase(upper_.get());
    } else {
        overlay_->by_lower_.erase(lower_number_);
    }
    // Parents follow one by one, however deep the tree is.
    Ref<OverlayInode> next = std::move(parent_);
    while (next && next->references() == 1) {
        Ref<OverlayInode> above = std::move(next->parent_);
        next = std::move(above);
    }
}

uint64_t OverlayInode::number_of(const TmpfsInode& upper) {
    return upper.shown_number ? upper.shown_number : kUpperNumbers + upper.number();
}

uint64_t OverlayInode::number() const { return upper_ ? number_of(*upper_) : lower_number_; }

void OverlayInode::found_at(OverlayInode* parent, std::string_view name) {
    if (!parent || parent == this) return;
    if (parent_.get() != parent) parent_ = Ref<OverlayInode>(parent);
    if (name_ != name) name_ = name;
}

Result<Attributes> OverlayInode::attributes() {
    KOS_TRY(Attributes result, top().attributes());
    result.device = overlay_->device();
    result.inode = number();
    if (!upper_) {
        result.links = lower_links(result.links);
        if (is_removed_) result.links = 0;
    } else if (lower_ && result.links) {
        result.links = 1;  // a merged directory: nobody counts its subdirectories (as Linux's overlay)
    }
    return result;
}

Status OverlayInode::change(const AttributeChange& change) {
    KOS_TRY_STATUS(copy_up());
    return upper_->change(change);
}

Status OverlayInode::copy_data(TmpfsInode& to, uint64_t most) {
    KOS_TRY(uint64_t const whole, lower_->size());
    uint64_t const bytes = std::min(whole, most);
    for (uint64_t offset = 0; offset < bytes;) {
        KOS_TRY(auto const frame, lower_->page(offset >> kPageBits, false));
        size_t const count = std::min<uint64_t>(kPageBytes, bytes - offset);
        LocalBuffer from(frame->data(), count);
        KOS_TRY(size_t const moved, to.write(from, offset));
        if (moved != count) return Errno::kENOSPC;
        offset += count;
    }
    return {};
}

Status OverlayInode::copy_up(uint64_t most) {
    if (upper_) return {};
    // From the top down, without recursion.
    for (;;) {
        OverlayInode* highest = this;
        while (highest->parent_ && !highest->parent_->upper_) highest = highest->parent_.get();
        if (highest == this) break;
        KOS_TRY_STATUS(highest->copy_up());
    }
    KOS_TRY(auto attributes, lower_->attributes());
    uint64_t const number = attributes.inode;
    bool const has_other_names = type_ != kS_IFDIR && attributes.links > 1;
    attributes.links = is_removed_ ? 0 : lower_links(attributes.links);
    KOS_TRY(auto made, TmpfsInode::make(overlay_->upper_->state(), attributes.mode, attributes.uid, attributes.gid));
    switch (type_) {
        case kS_IFREG: KOS_TRY_STATUS(copy_data(*made, most)); break;
        case kS_IFLNK: {
            KOS_TRY(std::string const target, lower_->read_link());
            made->set_target(target);
            break;
        }
        case kS_IFDIR: made->below = lower_; break;
        default: made->set_device_number(attributes.device_number); break;
    }
    made->set_attributes(attributes);
    made->shown_number = number;
    if (parent_ && !is_removed_) {
        KOS_TRY(auto const before, parent_->upper_->attributes());
        parent_->upper_->attach(name_, made);
        parent_->upper_->set_attributes(before);  // nothing has changed for who looks
    }
    if (has_other_names) overlay_->copied_links_.emplace(number, made);
    overlay_->by_lower_.erase(lower_number_);
    overlay_->by_upper_.emplace(made.get(), this);
    upper_ = std::move(made);
    if (type_ != kS_IFDIR) lower_ = nullptr;
    return {};
}

// --- Contents.

Result<std::string> OverlayInode::read_link() { return top().read_link(); }

Status OverlayInode::truncate(uint64_t size) {
    KOS_TRY_STATUS(copy_up(size));
    return upper_->truncate(size);
}

Result<Ref<Frame>> OverlayInode::page(uint64_t index, bool for_write) {
    if (for_write) KOS_TRY_STATUS(copy_up());
    return top().page(index, for_write);
}

Result<uint64_t> OverlayInode::size() { return top().size(); }
Result<size_t> OverlayInode::read(IoBuffer& to, uint64_t offset) { return top().read(to, offset); }

Result<size_t> OverlayInode::write(IoBuffer& from, uint64_t offset) {
    KOS_TRY_STATUS(copy_up());
    return upper_->write(from, offset);
}

Status OverlayInode::allocate(uint32_t mode, uint64_t offset, uint64_t bytes) {
    KOS_TRY_STATUS(copy_up());
    return upper_->allocate(mode, offset, bytes);
}

Result<uint64_t> OverlayInode::find(uint64_t offset, bool hole) { return top().find(offset, hole); }

void OverlayInode::touch_accessed() {
    if (upper_) upper_->touch_accessed();
}

Result<uint32_t> OverlayInode::seals() { return top().seals(); }

Status OverlayInode::add_seals(uint32_t seals) {
    if (!upper_) return Errno::kEPERM;
    return upper_->add_seals(seals);
}

Result<Ref<File>> OverlayInode::open(uint32_t flags, Process& process) {
    bool const writes = (flags & kO_ACCMODE) != kO_RDONLY || flags & kO_TRUNC;
    if (is_regular() && writes) KOS_TRY_STATUS(copy_up());
    return Inode::open(flags, process);
}

}  // namespace kos::lx
