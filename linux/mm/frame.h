// Page frames: 4 KiB of memory that files and address spaces share by reference. Large ones are 2 MiB: for anonymous
// memory only, of which an address space replaces them by small ones where it has to (address_space.h).
//
// A frame's bytes are always mapped in the server (`data`). Where the frames come from is the platform's matter
// (kernel objects; read-only pages of an image; on the host plain memory).
#pragma once

#include "base/ref.h"
#include "base/result.h"

#include <stddef.h>
#include <stdint.h>

#include <cstddef>
#include <vector>

namespace kos::lx {

constexpr size_t kPageBytes = 4096;
constexpr unsigned kPageBits = 12;
constexpr size_t kLargePages = 512,
                 kLargeBytes = kLargePages * kPageBytes;  // what one mapping of the processor can cover

constexpr uint64_t page_down(uint64_t address) { return address & ~uint64_t{kPageBytes - 1}; }
constexpr uint64_t page_up(uint64_t address) { return (address + kPageBytes - 1) & ~uint64_t{kPageBytes - 1}; }

class Frame : public Counted {
public:
    std::byte* data() const { return data_; }
    bool is_read_only() const { return is_read_only_; }  // an image's: nobody may write to `data`
    uint64_t platform_handle() const { return platform_handle_; }
    bool is_large() const { return is_large_; }  // kLargeBytes

    // Of a frame whose contents never change: whether code in it has calls to be rewritten, once somebody has looked.
    enum class CallSites : uint8_t { kUnknown, kNone, kSome };
    mutable CallSites call_sites = CallSites::kUnknown;
    // Nobody writes to it any more as long as it is anybody's; and if so, the address at which the instruction cache
    // has been told of it last (of MachineSpace).
    bool is_constant = false;
    mutable uint64_t fetched_at = 0;

protected:
    Frame(std::byte* data, bool is_read_only, uint64_t platform_handle, bool is_large = false)
        : data_(data), is_read_only_(is_read_only), is_large_(is_large), platform_handle_(platform_handle) {}

private:
    std::byte* data_;
    bool is_read_only_;
    bool is_large_;
    uint64_t platform_handle_;
};

// Who keeps frames only because they save work: a cache.
class FrameReclaimer {
public:
    // Gives back about `wanted` frames; says how many. Called from within FrameSource::allocate: must not allocate.
    virtual uint64_t reclaim(uint64_t wanted) = 0;
    virtual uint64_t reclaimable() = 0;  // at most

protected:
    ~FrameReclaimer() = default;
};

class FrameSource {
public:
    // A zeroed frame. kENOMEM: the domain's quota is used up, and no cache has any left.
    virtual Result<Ref<Frame>> allocate() = 0;
    // A frame of kLargeBytes at a multiple of that. kENOMEM: there is none. Does not ask caches: small frames are as
    // good.
    enum class Contents : uint8_t { kZeros, kAny };
    virtual Result<Ref<Frame>> allocate_large(Contents) { return Errno::kENOMEM; }
    virtual uint64_t total_frames() = 0;  // of 4 KiB, large ones as many as they could be
    virtual uint64_t free_frames() = 0;

    void add_reclaimer(FrameReclaimer& reclaimer) { reclaimers_.push_back(&reclaimer); }
    void remove_reclaimer(FrameReclaimer& reclaimer) { std::erase(reclaimers_, &reclaimer); }
    uint64_t reclaimable_frames() const {
        uint64_t sum = 0;
        for (FrameReclaimer* const reclaimer : reclaimers_) sum += reclaimer->reclaimable();
        return sum;
    }

protected:
    ~FrameSource() = default;
    // For allocate, when there is none: true if some have come back.
    bool reclaim() {
        constexpr uint64_t kAtOnce = 64;
        for (FrameReclaimer* const reclaimer : reclaimers_) {
            if (reclaimer->reclaim(kAtOnce)) return true;
        }
        return false;
    }

private:
    std::vector<FrameReclaimer*> reclaimers_;
};

// A read-only image in memory, by pages: a root file system.
class Image {
public:
    virtual ~Image() = default;
    virtual uint64_t pages() = 0;
    // The frame of page `index` (< pages()); the same one as long as somebody has it. kENOMEM, kEIO.
    virtual Result<Ref<Frame>> page(uint64_t index) = 0;
};

}  // namespace kos::lx
