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

Status Mapper::map(CPtr frame, uint64_t address, Word rights, Word attributes, Size size) {
    sel4::Result result = page_map(frame, vspace_, address, rights, attributes);
    for (unsigned level = 0; level < kLevels && result.error == seL4_FailedLookup; ++level) {
        KOS_TRY(Objects::Object table, Objects::make(seL4_ARM_PageTableObject, 0, seL4_PageTableBits));
        if (!page_table_map(table.cap, vspace_, address).ok()) {
            Objects::destroy(table);
            return Errno::kENOMEM;
        }
        result = page_map(frame, vspace_, address, rights, attributes);
        // A small page finds its way once the last level is there.
        if (size == Size::kSmall && result.ok()) {
            last_level_.emplace(address / kLargeBytes, table);
        } else {
            tables_.push_back(table);
        }
    }
    return result.ok() ? Status() : Status(Errno::kENOMEM);
}

void Mapper::make_way(uint64_t address) {
    auto const found = last_level_.find(address / kLargeBytes);
    if (found == last_level_.end()) return;
    Objects::destroy(found->second);
    last_level_.erase(found);
}

void Mapper::destroy_tables() {
    for (auto& [number, table] : last_level_) Objects::destroy(table);
    last_level_.clear();
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
        call_sites = CallSites::kUnknown;
        is_constant = false;
        fetched_at = 0;
        pool_.free_.push_back(this);
    }
    KosFrames& pool_;
};

class KosFrames::LargeFrame final : public Frame {
public:
    LargeFrame(KosFrames& pool, std::byte* data, CPtr cap, CPtr of)
        : Frame(data, false, cap, true), untyped(of), pool_(pool) {}
    CPtr const untyped;
    bool is_clean = true;

private:
    void unreferenced() override {
        is_clean = false;
        pool_.free_large_.push_back(this);
    }
    KosFrames& pool_;
};

// Small frames of a chunk's memory, mapped from `base` on.
Status KosFrames::fill_chunk(CPtr untyped, uint64_t base) {
    KOS_TRY(CPtr const first, Objects::take_run());
    for (Word made = 0; made < Objects::kRunSlots; made += kRetypeMost) {
        KOS_TRY_STATUS(Objects::retype(untyped, seL4_ARM_SmallPageObject, 0, first + made, kRetypeMost));
    }
    free_.reserve(free_.size() + Objects::kRunSlots);
    for (Word i = Objects::kRunSlots; i-- > 0;) {
        uint64_t const address = base + i * kPageBytes;
        KOS_TRY_STATUS(mapper_.map(first + i, address, seL4_ReadWrite, kNormal));
        free_.push_back(new PoolFrame(*this, reinterpret_cast<std::byte*>(address), first + i));
    }
    total_ += Objects::kRunSlots;
    return {};
}

Status KosFrames::add_chunk() {
    if (Objects::free_chunks() <= kChunksKept) return take_large_apart();
    KOS_TRY(CPtr const untyped, Objects::take_untyped(kChunkBits));
    return fill_chunk(untyped, kFrameWindow + chunks_++ * kChunkBytes);
}

Status KosFrames::take_large_apart() {
    if (free_large_.empty()) return Errno::kENOMEM;
    LargeFrame* const frame = free_large_.back();
    free_large_.pop_back();
    total_ -= kLargePages;
    auto const base = reinterpret_cast<uint64_t>(frame->data());
    CPtr const untyped = frame->untyped, cap = frame->platform_handle();
    delete frame;
    // Takes the frame and the server's mapping of it; programs have none any more.
    cnode_revoke(Objects::path(untyped));
    Objects::give_slot(cap);
    return fill_chunk(untyped, base);
}

Status KosFrames::add_large() {
    if (Objects::free_chunks() <= kChunksKept) return Errno::kENOMEM;
    KOS_TRY(CPtr const untyped, Objects::take_untyped(kChunkBits));
    uint64_t const base = kFrameWindow + chunks_ * kChunkBytes;
    CPtr cap = 0;
    auto const made = [&]() -> Status {
        KOS_TRY(cap, Objects::take_slot());
        KOS_TRY_STATUS(Objects::retype(untyped, seL4_ARM_LargePageObject, 0, cap, 1));
        return mapper_.map(cap, base, seL4_ReadWrite, kNormal, Mapper::Size::kLarge);
    }();
    if (!made.ok()) {
        cnode_revoke(Objects::path(untyped));
        if (cap) Objects::give_slot(cap);
        Objects::give_untyped(untyped, kChunkBits);
        return made;
    }
    ++chunks_;
    total_ += kLargePages;
    free_large_.push_back(new LargeFrame(*this, reinterpret_cast<std::byte*>(base), cap, untyped));
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

Result<Ref<Frame>> KosFrames::allocate_large(Contents contents) {
    if (free_large_.empty()) KOS_TRY_STATUS(add_large());
    LargeFrame* const frame = free_large_.back();
    free_large_.pop_back();
    if (!frame->is_clean && contents == Contents::kZeros) memset(frame->data(), 0, kLargeBytes);
    frame->is_clean = false;
    return Ref<Frame>(frame);
}

uint64_t KosFrames::unmade_frames() {
    uint64_t const chunks = Objects::free_chunks();
    return chunks > kChunksKept ? (chunks - kChunksKept) * Objects::kRunSlots : 0;
}

uint64_t KosFrames::total_frames() { return total_ + unmade_frames(); }

uint64_t KosFrames::free_frames() { return free_.size() + free_large_.size() * kLargePages + unmade_frames(); }

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
