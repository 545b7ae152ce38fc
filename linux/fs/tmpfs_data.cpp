// tmpfs: contents of files.
#include "fs/tmpfs.h"

#include "mm/io_buffer.h"
#include "vfs/fcntl.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

Result<Frame*> TmpfsInode::frame_for_write(uint64_t index) {
    if (Frame* const present = pages_.find(index)) return present;
    KOS_TRY(auto frame, state_->allocate_page());
    Frame* const made = frame.get();
    pages_.set(index, std::move(frame));
    return made;
}

// A mapping of the last page lets a program write behind the file's end; nobody may see that when the file grows.
void TmpfsInode::zero_behind_end(uint64_t until) {
    uint64_t const end = attributes_.size;
    size_t const in_page = end & (kPageBytes - 1);
    if (in_page == 0 || until <= end) return;
    Frame* const frame = pages_.find(end >> kPageBits);
    if (frame) memset(frame->data() + in_page, 0, std::min<uint64_t>(kPageBytes - in_page, until - end));
}

Result<size_t> TmpfsInode::read(IoBuffer& to, uint64_t offset) {
    if (!is_regular()) return Errno::kEINVAL;
    size_t done = 0;
    while (to.remaining() && offset < attributes_.size) {
        uint64_t const index = offset >> kPageBits;
        size_t const in_page = offset & (kPageBytes - 1);
        Frame* const frame = pages_.find(index);
        uint64_t count = std::min<uint64_t>(kPageBytes - in_page, attributes_.size - offset);
        if (!frame) {
            uint64_t const data = pages_.next(index, false);
            if (data < attributes_.size >> kPageBits) {
                count = (data << kPageBits) - offset;
            } else if (data > attributes_.size >> kPageBits) {
                count = attributes_.size - offset;
            }
        }
        auto const moved = frame ? to.out(frame->data() + in_page, count) : to.out_zeros(count);
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

Result<size_t> TmpfsInode::write(IoBuffer& from, uint64_t offset) {
    if (!is_regular()) return Errno::kEINVAL;
    if (seals_ & (kF_SEAL_WRITE | kF_SEAL_FUTURE_WRITE)) return Errno::kEPERM;
    if (offset >= kFileBytesMax) return Errno::kEFBIG;
    uint64_t most = kFileBytesMax - offset;
    if (seals_ & kF_SEAL_GROW) {
        if (offset >= attributes_.size) return Errno::kEPERM;
        most = attributes_.size - offset;
    }
    size_t done = 0;
    Errno error = Errno::kOK;
    while (from.remaining() && done < most) {
        uint64_t const at = offset + done;
        uint64_t const index = at >> kPageBits;
        size_t const in_page = at & (kPageBytes - 1);
        size_t const count = std::min<uint64_t>({kPageBytes - in_page, from.remaining(), most - done});
        // The program's memory first: a bad address leaves no page behind.
        if (auto const window = from.window(count); !window.ok()) {
            error = window.error();
            break;
        }
        auto const frame = frame_for_write(index);
        if (!frame.ok()) {
            error = frame.error();
            break;
        }
        if (at > attributes_.size) zero_behind_end(at);
        auto const moved = from.in((*frame)->data() + in_page, count);
        if (!moved.ok()) {
            error = moved.error();
            break;
        }
        done += *moved;
        attributes_.size = std::max(attributes_.size, at + *moved);
        if (*moved < count) break;
    }
    if (done == 0) return error == Errno::kOK ? Result<size_t>(size_t{0}) : error;
    modified();
    return done;
}

Status TmpfsInode::truncate(uint64_t size) {
    if (is_directory()) return Errno::kEISDIR;
    if (!is_regular()) return Errno::kEINVAL;
    if (size > kFileBytesMax) return Errno::kEFBIG;
    if (size < attributes_.size && seals_ & kF_SEAL_SHRINK) return Errno::kEPERM;
    if (size > attributes_.size && seals_ & kF_SEAL_GROW) return Errno::kEPERM;
    if (size < attributes_.size) {
        drop_pages(page_up(size) >> kPageBits, ~uint64_t{0});
        attributes_.size = size;
        zero_behind_end(page_up(size));
    } else {
        zero_behind_end(size);
        attributes_.size = size;
    }
    modified();
    return {};
}

Result<Ref<Frame>> TmpfsInode::page(uint64_t index, bool for_write) {
    if (!is_regular()) return Errno::kENODEV;
    if (index >= page_up(attributes_.size) >> kPageBits) return Errno::kENXIO;
    KOS_TRY(Frame* const frame, frame_for_write(index));
    if (for_write) modified();
    return Ref<Frame>(frame);
}

Status TmpfsInode::punch_hole(uint64_t offset, uint64_t bytes) {
    if (seals_ & (kF_SEAL_WRITE | kF_SEAL_FUTURE_WRITE)) return Errno::kEPERM;
    uint64_t const end = offset + bytes;
    auto const zero = [&](uint64_t from, uint64_t to) {
        Frame* const frame = pages_.find(from >> kPageBits);
        if (frame && from < to) memset(frame->data() + (from & (kPageBytes - 1)), 0, to - from);
    };
    uint64_t const first = page_up(offset), last = page_down(end);
    if (first > last) {  // within one page
        zero(offset, end);
    } else {
        zero(offset, first);
        zero(last, end);
        drop_pages(first >> kPageBits, last >> kPageBits);
    }
    modified();
    return {};
}

Status TmpfsInode::allocate(uint32_t mode, uint64_t offset, uint64_t bytes) {
    if (!is_regular()) return Errno::kENODEV;
    if (offset > kFileBytesMax || bytes > kFileBytesMax - offset) return Errno::kEFBIG;
    if (mode == (kFALLOC_FL_PUNCH_HOLE | kFALLOC_FL_KEEP_SIZE)) return punch_hole(offset, bytes);
    if (mode & ~kFALLOC_FL_KEEP_SIZE) return Errno::kEOPNOTSUPP;
    uint64_t const end = offset + bytes;
    if (end > attributes_.size && seals_ & kF_SEAL_GROW) return Errno::kEPERM;
    uint64_t const first = offset >> kPageBits, last = page_up(end) >> kPageBits;
    // At most this many of them are there already.
    if (last - first > pages_.count() + state_->pages_free()) return Errno::kENOSPC;
    for (uint64_t index = pages_.next(first, true); index < last; index = pages_.next(index, true)) {
        if (auto const frame = frame_for_write(index); !frame.ok()) return frame.error();
    }
    if (!(mode & kFALLOC_FL_KEEP_SIZE) && end > attributes_.size) {
        zero_behind_end(end);
        attributes_.size = end;
    }
    modified();
    return {};
}

Result<uint64_t> TmpfsInode::find(uint64_t offset, bool hole) {
    if (offset >= attributes_.size) return Errno::kENXIO;
    uint64_t const index = offset >> kPageBits;
    uint64_t const found = pages_.next(index, hole);
    if (found == index) return offset;
    if (found >= page_up(attributes_.size) >> kPageBits) {
        return hole ? Result<uint64_t>(attributes_.size) : Errno::kENXIO;
    }
    return found << kPageBits;
}

}  // namespace kos::lx
