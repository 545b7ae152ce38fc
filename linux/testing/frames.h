// Frames of plain memory for host tests, with a quota that can run out.
#pragma once

#include "mm/frame.h"

#include <stdlib.h>
#include <string.h>

#include <vector>

namespace kos::lx::testing {

class FakeFrames final : public FrameSource {
public:
    explicit FakeFrames(uint64_t quota = 1 << 16) : quota_(quota) {}

    Result<Ref<Frame>> allocate() override {
        if (used_ >= quota_ && (!reclaim() || used_ >= quota_)) return Errno::kENOMEM;
        return Ref<Frame>(make_ref<PlainFrame>(*this));
    }
    Result<Ref<Frame>> allocate_large(Contents) override {
        if (quota_ < used_ + kLargePages || large_left_ == 0) return Errno::kENOMEM;
        --large_left_;
        return Ref<Frame>(make_ref<PlainFrame>(*this, kLargePages));
    }
    uint64_t total_frames() override { return quota_; }
    uint64_t free_frames() override { return quota_ > used_ ? quota_ - used_ : 0; }

    void set_quota(uint64_t frames) { quota_ = frames; }
    void allow_large(uint64_t count) { large_left_ = count; }  // how many more; none before the first call
    uint64_t used() const { return used_; }

private:
    class PlainFrame final : public Frame {
    public:
        explicit PlainFrame(FakeFrames& of, size_t pages = 1)
            : Frame(static_cast<std::byte*>(calloc(pages, kPageBytes)), false, 0, pages > 1), of_(of), pages_(pages) {
            of_.used_ += pages;
        }
        ~PlainFrame() override {
            of_.used_ -= pages_;
            free(data());
        }

    private:
        FakeFrames& of_;
        size_t pages_;
    };

    uint64_t quota_;
    uint64_t used_ = 0, large_left_ = 0;
};

// An image in memory; the rest of the last page is zero. Each page is an allocation of its own, so that ASan sees an
// access beyond it; or all are one (`kTogether`), as on the device.
class FakeImage final : public Image {
public:
    enum class Memory : uint8_t { kApart, kTogether };
    explicit FakeImage(const std::vector<uint8_t>& bytes, Memory memory = Memory::kApart) {
        if (memory == Memory::kTogether) {
            together_ = bytes;
            together_.resize((bytes.size() + kPageBytes - 1) / kPageBytes * kPageBytes);
            for (size_t offset = 0; offset < together_.size(); offset += kPageBytes) {
                pages_.push_back(make_ref<PartFrame>(together_.data() + offset));
            }
            return;
        }
        for (size_t offset = 0; offset < bytes.size(); offset += kPageBytes) {
            size_t const count = bytes.size() - offset < kPageBytes ? bytes.size() - offset : kPageBytes;
            pages_.push_back(make_ref<ImageFrame>(bytes.data() + offset, count));
        }
    }
    uint64_t pages() override { return pages_.size(); }
    Result<Ref<Frame>> page(uint64_t index) override {
        if (index >= pages_.size()) abort();
        return pages_[index];
    }

private:
    class ImageFrame final : public Frame {
    public:
        ImageFrame(const uint8_t* bytes, size_t count)
            : Frame(static_cast<std::byte*>(calloc(1, kPageBytes)), true, 0) {
            memcpy(data(), bytes, count);
        }
        ~ImageFrame() override { free(data()); }
    };
    class PartFrame final : public Frame {
    public:
        explicit PartFrame(uint8_t* bytes) : Frame(reinterpret_cast<std::byte*>(bytes), true, 0) {}
    };
    std::vector<uint8_t> together_;
    std::vector<Ref<Frame>> pages_;
};

}  // namespace kos::lx::testing
