// Bytes of messages.
#include "net/packet.h"

#include <algorithm>

namespace kos::lx {

namespace {

size_t small_of_all = 0;

// Memory of small messages that were read, for the next ones: most are read before the next one is written.
constexpr size_t kSpares = 4, kSpareBytes = 256;
std::string spares[kSpares];
size_t spare_count = 0;

void keep(std::string& bytes) {
    constexpr size_t kInPlace = 15;  // needs no memory
    if (bytes.capacity() <= kInPlace || bytes.capacity() > kSpareBytes || spare_count == kSpares) return;
    bytes.clear();
    spares[spare_count++].swap(bytes);
}

}  // namespace

PacketBytes::PacketBytes(PacketBytes&& other) noexcept
    : small_(std::move(other.small_)), frames_(std::move(other.frames_)), size_(std::exchange(other.size_, 0)) {
    other.small_.clear();
}

PacketBytes::~PacketBytes() {
    small_of_all -= small_.size();
    keep(small_);
}

Result<size_t> PacketBytes::append(FrameSource& frames, IoBuffer& from, size_t most) {
    most = std::min(most, from.remaining());
    if (most == 0) return size_t{0};
    if (frames_.empty()) {
        bool const fits = size_ + most <= kSmall && small_of_all + most <= kSmallOfAll;
        if (!fits && size_) return size_t{0};
        if (fits) {
            if (size_ == 0 && most > small_.capacity() && spare_count) small_.swap(spares[--spare_count]);
            small_.resize(size_ + most);
            auto const moved = from.in(small_.data() + size_, most);
            small_.resize(size_ + (moved.ok() ? *moved : 0));
            if (!moved.ok()) return moved.error();
            size_ += *moved;
            small_of_all += *moved;
            return *moved;
        }
    }
    size_t done = 0;
    while (done < most) {
        size_t const used = size_ % kPageBytes;
        if (used == 0) {
            auto frame = frames.allocate();
            if (!frame.ok()) return done ? Result<size_t>(done) : frame.error();
            frames_.push_back(frame.take());
        }
        size_t const wanted = std::min(most - done, kPageBytes - used);
        auto const moved = from.in(frames_.back()->data() + used, wanted);
        if (!moved.ok() && used == 0) frames_.pop_back();
        if (!moved.ok()) return done ? Result<size_t>(done) : moved.error();
        size_ += *moved;
        done += *moved;
        if (*moved < wanted) break;
    }
    return done;
}

Result<size_t> PacketBytes::copy(IoBuffer& to, size_t offset, size_t most) const {
    if (offset >= size_) return size_t{0};
    most = std::min({most, size_ - offset, to.remaining()});
    if (most == 0) return size_t{0};
    if (frames_.empty()) return to.out(small_.data() + offset, most);
    size_t done = 0;
    while (done < most) {
        size_t const place = (offset + done) % kPageBytes;
        size_t const wanted = std::min(most - done, kPageBytes - place);
        auto const moved = to.out(frames_[(offset + done) / kPageBytes]->data() + place, wanted);
        if (!moved.ok()) return done ? Result<size_t>(done) : moved.error();
        done += *moved;
        if (*moved < wanted) break;
    }
    return done;
}

}  // namespace kos::lx
