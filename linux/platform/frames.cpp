// Chunks, frames, page tables, images.
#include "platform/frames.h"

#include <kos/abi.h>
#include <kos/root.h>

#include <string.h>

namespace kos::lx {

using namespace sel4;

namespace {

constexpr Word kNormal = seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever;
constexpr uint64_t kChunkBytes = uint64_t{1} << kChunkBits;
constexpr unsigned kLevels = 3;  // of page tables below the VSpace
constexpr Word kRetypeMost = SEL4_RETYPE_FAN_OUT_LIMIT;
// Kept back from frames for page tables, threads and capability tables.
constexpr uint64_t kChunksKept = 2;

}  // namespace

Status Mapper::map(CPtr frame, uint64_t address, Word rights, Word attributes) {
    sel4::Result result = page_map(frame, vspace_, address, rights, attributes);
    for (unsigned level = 0; level < kLevels && result.error == seL4_FailedLookup; ++level) {
        KOS_TRY(Objects::Object const table, Objects::make(seL4_ARM_PageTableObject, 0, seL4_PageTableBits));
        tables_.push_back(table);
        if (!page_table_map(table.cap, vspace_, address).ok()) return Errno::kENOMEM;
        result = page_map(frame, vspace_, address, rights, attributes);
    }
    return result.ok() ? Status() : Status(Errno::kENOMEM);
}

void Mapper::destroy_tables() {
    for (Objects::Object& table : tables_) Objects::destroy(table);
    tables_.clear();
}

class KosFrames::PoolFrame final : public Frame {
public:
    PoolFrame(KosFrames& pool, std::byte* data, CPtr cap) : Frame(data, false, cap), pool_(pool) {}
    bool is_clean = true;  // zero since the kernel made it

private:
    void unreferenced() override {
        is_clean = false;
        pool_.free_.push_back(this);
    }
    KosFrames& pool_;
};

Status KosFrames::add_chunk() {
    if (Objects::free_chunks() <= kChunksKept) return Errno::kENOMEM;
    KOS_TRY(CPtr const untyped, Objects::take_untyped(kChunkBits));
    KOS_TRY(CPtr const first, Objects::take_run());
    for (Word made = 0; made < Objects::kRunSlots; made += kRetypeMost) {
        KOS_TRY_STATUS(Objects::retype(untyped, seL4_ARM_SmallPageObject, 0, first + made, kRetypeMost));
    }
    uint64_t const base = kFrameWindow + chunks_ * kChunkBytes;
    free_.reserve(free_.size() + Objects::kRunSlots);
    for (Word i = Objects::kRunSlots; i-- > 0;) {
        uint64_t const address = base + i * kPageBytes;
        KOS_TRY_STATUS(mapper_.map(first + i, address, seL4_ReadWrite, kNormal));
        free_.push_back(new PoolFrame(*this, reinterpret_cast<std::byte*>(address), first + i));
    }
    ++chunks_;
    total_ += Objects::kRunSlots;
    return {};
}

Result<Ref<Frame>> KosFrames::allocate() {
    if (free_.empty()) {
        auto const added = add_chunk();
        if (!added.ok() && (!reclaim() || free_.empty())) return added.error();
    }
    PoolFrame* const frame = free_.back();
    free_.pop_back();
    if (!frame->is_clean) memset(frame->data(), 0, kPageBytes);
    frame->is_clean = false;
    return Ref<Frame>(frame);
}

uint64_t KosFrames::unmade_frames() {
    uint64_t const chunks = Objects::free_chunks();
    return chunks > kChunksKept ? (chunks - kChunksKept) * Objects::kRunSlots : 0;
}

uint64_t KosFrames::total_frames() { return total_ + unmade_frames(); }

uint64_t KosFrames::free_frames() { return free_.size() + unmade_frames(); }

class KosImage::ImageFrame final : public Frame {
public:
    ImageFrame(std::byte* data, CPtr cap) : Frame(data, true, cap) {}
};

KosImage::KosImage(uint32_t number, uint64_t bytes, uint64_t window, Mapper& mapper)
    : number_(number), window_(window), mapper_(mapper), pages_(page_up(bytes) / kPageBytes) {}

KosImage::~KosImage() = default;

Status KosImage::fetch(uint64_t index) {
    constexpr uint64_t kBatch = 8;  // root hashes each the first time
    static_assert(Objects::kRunSlots % kBatch == 0);
    if (run_left_ == 0) {
        KOS_TRY(run_, Objects::take_run());
        run_left_ = Objects::kRunSlots;
    }
    uint64_t const first = index / kBatch * kBatch;
    uint64_t const count = std::min(kBatch, pages_.size() - first);
    uint64_t words[4] = {number_, first, count, run_};
    if (!kos_status_is_ok(kos_root_request(KOS_ROOT_IMAGE_PAGES, words))) return Errno::kEIO;
    for (uint64_t i = 0; i < count; ++i) {
        uint64_t const address = window_ + (first + i) * kPageBytes;
        KOS_TRY_STATUS(mapper_.map(run_ + i, address, seL4_CanRead, kNormal));
        pages_[first + i] = Ref<Frame>(new ImageFrame(reinterpret_cast<std::byte*>(address), run_ + i));
    }
    run_ += kBatch;
    run_left_ -= kBatch;
    return {};
}

Result<Ref<Frame>> KosImage::page(uint64_t index) {
    if (index >= pages_.size()) return Errno::kEIO;
    if (!pages_[index]) KOS_TRY_STATUS(fetch(index));
    return pages_[index];
}

}  // namespace kos::lx
