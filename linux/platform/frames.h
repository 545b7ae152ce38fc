// Frames out of the domain's untyped memory, all of them mapped in the server as well.
//
// Memory comes in chunks of 2 MiB, mapped one after the other from kFrameWindow on: 512 frames each, or a large one.
// Frames that nobody refers to go back to a list. When small ones are wanted and there is nothing else, a large one
// that is free becomes 512 small ones, for good.
#pragma once

#include "mm/frame.h"
#include "platform/objects.h"

#include <memory>
#include <unordered_map>
#include <vector>

namespace kos::lx {

// Maps frames at addresses of one VSpace and makes the page tables that are missing.
class Mapper {
public:
    explicit Mapper(CPtr vspace) : vspace_(vspace) {}
    enum class Size : uint8_t { kSmall, kLarge };
    Status map(CPtr frame, uint64_t address, Word rights, Word attributes, Size size = Size::kSmall);
    // Takes the table of small pages at `address` away, in which nothing is mapped any more, for a large frame.
    void make_way(uint64_t address);
    void destroy_tables();

private:
    CPtr vspace_;
    std::vector<Objects::Object> tables_;                       // of all levels but the last
    std::unordered_map<uint64_t, Objects::Object> last_level_;  // those of small pages, by address / kLargeBytes
};

class KosFrames final : public FrameSource {
public:
    explicit KosFrames(CPtr own_vspace) : mapper_(own_vspace) {}

    Result<Ref<Frame>> allocate() override;
    Result<Ref<Frame>> allocate_large(Contents contents) override;
    uint64_t total_frames() override;  // those that could be made, too
    uint64_t free_frames() override;
    Mapper& mapper() { return mapper_; }

private:
    class PoolFrame;
    class LargeFrame;
    Status add_chunk();
    Status add_large();
    Status fill_chunk(CPtr untyped, uint64_t base);
    Status take_large_apart();
    static uint64_t unmade_frames();

    Mapper mapper_;
    std::vector<PoolFrame*> free_;
    std::vector<LargeFrame*> free_large_;
    uint64_t chunks_ = 0;
    uint64_t total_ = 0;
};

// A read-only file of the system image (KOS_ROOT_IMAGE_PAGES), fetched in batches when it is first used.
class KosImage final : public Image {
public:
    KosImage(uint32_t number, uint64_t bytes, uint64_t window, Mapper& mapper);
    ~KosImage() override;
    uint64_t pages() override { return pages_.size(); }
    Result<Ref<Frame>> page(uint64_t index) override;

private:
    class ImageFrame;
    Status fetch(uint64_t first);

    uint32_t number_;
    uint64_t window_;
    Mapper& mapper_;
    std::vector<Ref<Frame>> pages_;
    CPtr run_ = 0;  // slots for the next batches
    Word run_left_ = 0;
};

// Addresses of the server: frames, then images.
constexpr uint64_t kFrameWindow = 0x100'0000'0000, kImageWindow = 0x200'0000'0000;

}  // namespace kos::lx
