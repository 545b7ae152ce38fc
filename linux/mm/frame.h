// Page frames: 4 KiB of memory that files and address spaces share by reference.
//
// A frame's bytes are always mapped in the server (`data`). Where the frames come from is the platform's matter
// (kernel objects; read-only pages of an image; on the host plain memory).
#pragma once

#include "base/ref.h"
#include "base/result.h"

#include <stddef.h>
#include <stdint.h>

#include <cstddef>

namespace kos::lx {

constexpr size_t kPageBytes = 4096;
constexpr unsigned kPageBits = 12;

constexpr uint64_t page_down(uint64_t address) { return address & ~uint64_t{kPageBytes - 1}; }
constexpr uint64_t page_up(uint64_t address) { return (address + kPageBytes - 1) & ~uint64_t{kPageBytes - 1}; }

class Frame : public Counted {
public:
    std::byte* data() const { return data_; }
    bool is_read_only() const { return is_read_only_; }  // an image's: nobody may write to `data`
    uint64_t platform_handle() const { return platform_handle_; }

protected:
    Frame(std::byte* data, bool is_read_only, uint64_t platform_handle)
        : data_(data), is_read_only_(is_read_only), platform_handle_(platform_handle) {}

private:
    std::byte* data_;
    bool is_read_only_;
    uint64_t platform_handle_;
};

class FrameSource {
public:
    // A zeroed frame. kENOMEM: the domain's quota is used up.
    virtual Result<Ref<Frame>> allocate() = 0;
    virtual uint64_t total_frames() = 0;
    virtual uint64_t free_frames() = 0;

protected:
    ~FrameSource() = default;
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
