// Frames out of the domain's untyped memory, all of them mapped in the server as well.
//
// Memory comes in chunks of 2 MiB, 512 frames each, mapped one after the other from kWindow on. Frames that nobody
// refers to go back to a list; chunks stay frames.
#pragma once

#include "mm/frame.h"
#include "platform/objects.h"

#include <memory>
#include <vector>

namespace kos::lx {

// Maps frames at addresses of one VSpace and makes the page tables that are missing.
class Mapper {
public:
    explicit Mapper(CPtr vspace) : vspace_(vspace) {}
    Status map(CPtr frame, uint64_t address, Word rights, Word attributes);
    void destroy_tables();

private:
    CPtr vspace_;
    std::vector<Objects::Object> tables_;
};

class KosFrames final : public FrameSource {
public:
    explicit KosFrames(CPtr own_vspace) : mapper_(own_vspace) {}

    Result<Ref<Frame>> allocate() override;
    uint64_t total_frames() override;  // those that could be made, too
    uint64_t free_frames() override;
    Mapper& mapper() { return mapper_; }

private:
    class PoolFrame;
    Status add_chunk();
    static uint64_t unmade_frames();

    Mapper mapper_;
    std::vector<PoolFrame*> free_;
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
