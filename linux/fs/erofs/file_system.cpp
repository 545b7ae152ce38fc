// EROFS as vfs sees it: inodes, names, pages (erofs.h).
#include "fs/erofs/cluster_index.h"
#include "fs/erofs/directory.h"
#include "fs/erofs/erofs.h"
#include "fs/erofs/extents.h"
#include "fs/erofs/page_cache.h"
#include "fs/erofs/volume.h"

#include <string.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace kos::lx {

namespace erofs {

namespace {

constexpr int64_t kMagicOfStatfs = 0xe0f5e1e2;
// Of an extent that was decompressed for one page, so many more pages are made.
constexpr uint64_t kReadAheadPages = 64;
// The chunk is a hole.
constexpr uint32_t kHole = ~0u;

class ErofsInode;

class ErofsFileSystem final : public FileSystem {
public:
    ErofsFileSystem(std::unique_ptr<Volume> of, const InodeRecord& root, FrameSource& frames)
        : volume(std::move(of)), cache(frames), extents(*volume), root_(root), device_(next_device_number()) {}

    Ref<Inode> root() override;
    FileSystemStatus status() override;
    std::string_view type_name() override { return "erofs"; }
    uint64_t device() override { return device_; }
    bool is_read_only() override { return true; }

    // The same object as long as somebody has it. kEIO.
    Result<Ref<Inode>> inode(uint64_t number);

    std::unique_ptr<Volume> volume;
    PageCache cache;
    Extents extents;
    std::unordered_map<uint64_t, ErofsInode*> inodes;  // that exist

private:
    InodeRecord root_;
    uint64_t device_;
};

class ErofsInode final : public Inode {
public:
    ErofsInode(Ref<ErofsFileSystem> file_system, const InodeRecord& record)
        : fs_(std::move(file_system)), record_(record) {
        fs_->inodes.emplace(record_.number, this);
    }
    ~ErofsInode() override { fs_->inodes.erase(record_.number); }

    Mode type() const override { return record_.mode & kS_IFMT; }
    Result<Attributes> attributes() override;
    Status change(const AttributeChange&) override { return Errno::kEROFS; }
    FileSystem& file_system() override { return *fs_; }
    Result<uint64_t> size() override { return record_.size; }
    Inode* immutable() override { return this; }

    Result<Ref<Inode>> lookup(std::string_view name) override;
    Status read_directory(uint64_t cookie, EntrySink& sink) override;
    Result<std::string> read_link() override;
    Result<Ref<Frame>> page(uint64_t index, bool for_write) override;

private:
    // A page's bytes where they lie.
    struct Piece {
        Ref<Frame> frame;
        std::span<const std::byte> bytes;
    };
    Result<Piece> piece(uint64_t index);
    bool is_inline_tail(uint64_t index) const {
        return record_.layout == Layout::kInline && index == record_.size >> kPageBits;
    }
    uint64_t bytes_of_page(uint64_t index) const {
        return std::min<uint64_t>(record_.size - (index << kPageBits), kPageBytes);
    }
    Result<Ref<Frame>> tail_page(uint64_t index);
    Result<Ref<Frame>> chunk_page(uint64_t index);
    Result<Ref<Frame>> compressed_page(uint64_t index);
    Status copy_extent(const Extent& extent, uint64_t page, std::byte* to);
    void read_ahead(const Extent& extent, uint64_t page);
    Result<std::optional<DirectoryBlock::Entry>> find_entry(std::string_view name);

    Ref<ErofsFileSystem> fs_;
    InodeRecord record_;
    std::optional<ClusterIndex> index_;
    // The directory's block that was searched last: keeps what find_entry returns in place.
    Piece searched_;
};

Ref<Inode> ErofsFileSystem::root() {
    if (auto const found = inodes.find(root_.number); found != inodes.end()) return Ref<Inode>(found->second);
    return make_ref<ErofsInode>(Ref<ErofsFileSystem>(this), root_);
}

FileSystemStatus ErofsFileSystem::status() {
    FileSystemStatus result;
    result.type = kMagicOfStatfs;
    result.blocks = volume->blocks();
    result.files = volume->inodes();
    result.is_read_only = true;
    return result;
}

Result<Ref<Inode>> ErofsFileSystem::inode(uint64_t number) {
    if (auto const found = inodes.find(number); found != inodes.end()) return Ref<Inode>(found->second);
    KOS_TRY(InodeRecord const record, volume->read_inode(number));
    return Ref<Inode>(make_ref<ErofsInode>(Ref<ErofsFileSystem>(this), record));
}

Result<Attributes> ErofsInode::attributes() {
    Attributes result;
    result.device = fs_->device();
    result.inode = record_.number;
    result.mode = record_.mode;
    result.links = record_.links;
    result.uid = record_.uid;
    result.gid = record_.gid;
    result.size = record_.size;
    bool const is_compressed =
        record_.layout == Layout::kCompressedFull || record_.layout == Layout::kCompressedCompact;
    if (type() == kS_IFCHR || type() == kS_IFBLK) {
        result.device_number = record_.place;
        result.size = 0;
    } else {
        result.blocks = (is_compressed ? record_.place : record_.pages()) * (kBlockBytes / 512);
    }
    result.accessed = result.modified = result.changed = result.born = record_.modified;
    return result;
}

// --- Names.

Result<std::optional<DirectoryBlock::Entry>> ErofsInode::find_entry(std::string_view name) {
    // The block is the last one whose first name is not after `name`.
    uint64_t low = 0, high = record_.pages();
    std::optional<DirectoryBlock> block;
    while (low < high) {
        uint64_t const middle = low + (high - low) / 2;
        KOS_TRY(Piece here, piece(middle));
        KOS_TRY(DirectoryBlock const candidate, DirectoryBlock::of(here.bytes));
        KOS_TRY(DirectoryBlock::Entry const first, candidate.entry(0));
        if (first.name > name) {
            high = middle;
            continue;
        }
        searched_ = std::move(here);
        block = candidate;
        low = middle + 1;
    }
    if (!block) return std::optional<DirectoryBlock::Entry>();
    KOS_TRY(unsigned const place, block->lower_bound(name));
    if (place == block->entries()) return std::optional<DirectoryBlock::Entry>();
    KOS_TRY(DirectoryBlock::Entry const entry, block->entry(place));
    if (entry.name != name) return std::optional<DirectoryBlock::Entry>();
    return std::optional(entry);
}

Result<Ref<Inode>> ErofsInode::lookup(std::string_view name) {
    if (!is_directory()) return Errno::kENOTDIR;
    KOS_TRY(auto const entry, find_entry(name));
    searched_ = {};
    if (!entry) return Errno::kENOENT;
    return fs_->inode(entry->inode);
}

Status ErofsInode::read_directory(uint64_t cookie, EntrySink& sink) {
    if (!is_directory()) return Errno::kENOTDIR;
    // Cookies: 0 and 1 are "." and "..", then the entries by block and place in it. A block has less than 512.
    constexpr uint64_t kFirst = 2;
    constexpr unsigned kPlaceBits = 9;
    if (cookie == 0) {
        if (!sink.take({".", record_.number, kS_IFDIR, 1})) return {};
        cookie = 1;
    }
    if (cookie == 1) {
        KOS_TRY(auto const parent, find_entry(".."));
        searched_ = {};
        if (!sink.take({"..", parent ? parent->inode : record_.number, kS_IFDIR, kFirst})) return {};
        cookie = kFirst;
    }
    uint64_t index = (cookie - kFirst) >> kPlaceBits;
    auto place = static_cast<unsigned>((cookie - kFirst) & ((1u << kPlaceBits) - 1));
    for (; index < record_.pages(); ++index, place = 0) {
        KOS_TRY(Piece const here, piece(index));
        KOS_TRY(DirectoryBlock const block, DirectoryBlock::of(here.bytes));
        for (; place < block.entries(); ++place) {
            KOS_TRY(DirectoryBlock::Entry const entry, block.entry(place));
            if (entry.name == "." || entry.name == "..") continue;
            uint64_t const next = kFirst + (index << kPlaceBits) + place + 1;
            if (!sink.take({entry.name, entry.inode, entry.type, next})) return {};
        }
    }
    return {};
}

Result<std::string> ErofsInode::read_link() {
    if (!is_symlink()) return Errno::kEINVAL;
    if (record_.size == 0 || record_.size >= kPathMax) return Errno::kEIO;
    KOS_TRY(Piece const here, piece(0));
    if (here.bytes.size() < record_.size) return Errno::kEIO;
    std::string result(reinterpret_cast<const char*>(here.bytes.data()), record_.size);
    if (result.find('\0') != result.npos) return Errno::kEIO;
    return result;
}

// --- Contents.

Result<ErofsInode::Piece> ErofsInode::piece(uint64_t index) {
    if (index >= record_.pages()) return Errno::kEIO;
    if (is_inline_tail(index)) {
        KOS_TRY(Ref<Frame> const frame, fs_->volume->block(record_.data_offset >> kBlockBits));
        auto const* const begin = frame->data() + (record_.data_offset & (kBlockBytes - 1));
        return Piece{frame, {begin, bytes_of_page(index)}};
    }
    KOS_TRY(Ref<Frame> const frame, page(index, false));
    return Piece{frame, {frame->data(), bytes_of_page(index)}};
}

Result<Ref<Frame>> ErofsInode::page(uint64_t index, bool for_write) {
    if (for_write) return Errno::kEROFS;
    if (index >= record_.pages()) return Errno::kENXIO;
    switch (record_.layout) {
        case Layout::kPlain: return fs_->volume->block(record_.place + index);
        case Layout::kInline:
            return is_inline_tail(index) ? tail_page(index) : fs_->volume->block(record_.place + index);
        case Layout::kChunks: return chunk_page(index);
        case Layout::kCompressedFull:
        case Layout::kCompressedCompact: return compressed_page(index);
    }
    return Errno::kEIO;
}

Result<Ref<Frame>> ErofsInode::tail_page(uint64_t index) {
    if (auto known = fs_->cache.find(record_.number, index)) return known;
    KOS_TRY(Ref<Frame> frame, fs_->cache.allocate());
    KOS_TRY_STATUS(fs_->volume->read(record_.data_offset, frame->data(), bytes_of_page(index)));
    fs_->cache.add(record_.number, index, frame);
    return frame;
}

Result<Ref<Frame>> ErofsInode::chunk_page(uint64_t index) {
    // Chunk format: log2 of the blocks in a chunk; bit 5: entries of 8 bytes, the first four of which name a device.
    unsigned const bits = record_.place & 31;
    bool const has_indexes = record_.place & 0x20;
    if (record_.place >> 6) return Errno::kEIO;
    uint64_t const entry_bytes = has_indexes ? 8 : 4;
    uint64_t const first = (record_.data_offset + entry_bytes - 1) & ~(entry_bytes - 1);
    uint64_t const chunk = index >> bits;
    if (chunk > fs_->volume->bytes() / entry_bytes) return Errno::kEIO;
    uint8_t entry[8];
    KOS_TRY_STATUS(fs_->volume->read(first + chunk * entry_bytes, entry, entry_bytes));
    if (has_indexes && little16(entry + 2) != 0) return Errno::kEIO;
    uint32_t const start = little32(entry + (has_indexes ? 4 : 0));
    if (start == kHole) return fs_->cache.zeros();
    return fs_->volume->block(start + (index & ((uint64_t{1} << bits) - 1)));
}

Result<Ref<Frame>> ErofsInode::compressed_page(uint64_t index) {
    if (auto known = fs_->cache.find(record_.number, index)) return known;
    if (!index_) {
        KOS_TRY(index_, ClusterIndex::open(*fs_->volume, record_));
    }
    uint64_t const begin = index << kPageBits, end = begin + bytes_of_page(index);
    KOS_TRY(Extent extent, index_->find(begin));
    // Did not become smaller by compression: lies in the image as it is.
    if (extent.is_plain && extent.start == begin && extent.end == end && (extent.offset & (kBlockBytes - 1)) == 0) {
        return fs_->volume->block(extent.offset >> kBlockBits);
    }
    KOS_TRY(Ref<Frame> frame, fs_->cache.allocate());
    for (;;) {
        KOS_TRY_STATUS(copy_extent(extent, index, frame->data()));
        if (extent.end >= end) break;
        KOS_TRY(extent, index_->find(extent.end));
    }
    fs_->cache.add(record_.number, index, frame);
    if (!extent.is_plain) read_ahead(extent, index);
    return frame;
}

// What is both in the extent and in the page.
Status ErofsInode::copy_extent(const Extent& extent, uint64_t page, std::byte* to) {
    uint64_t const page_begin = page << kPageBits;
    uint64_t const begin = std::max(extent.start, page_begin);
    uint64_t const end = std::min(extent.end, page_begin + kPageBytes);
    if (extent.is_plain) {
        return fs_->volume->read(extent.offset + (begin - extent.start), to + (begin - page_begin), end - begin);
    }
    KOS_TRY(auto const bytes, fs_->extents.data(record_.number, extent));
    memcpy(to + (begin - page_begin), bytes.data() + (begin - extent.start), end - begin);
    return {};
}

// The extent is decompressed: makes those of its pages that lie in it as a whole, the ones behind `page` first.
void ErofsInode::read_ahead(const Extent& extent, uint64_t page) {
    uint64_t const first = page_up(extent.start) >> kPageBits;
    uint64_t const last = (extent.end == record_.size ? page_up(extent.end) : page_down(extent.end)) >> kPageBits;
    uint64_t left = kReadAheadPages;
    auto const make = [&](uint64_t from, uint64_t to) {
        for (uint64_t index = from; index < to && left; ++index) {
            if (fs_->cache.has(record_.number, index)) continue;
            if (!fs_->cache.may_read_ahead()) return;
            auto frame = fs_->cache.allocate();
            if (!frame.ok() || !copy_extent(extent, index, (*frame)->data()).ok()) return;
            fs_->cache.add(record_.number, index, *frame);
            --left;
        }
    };
    make(std::max(first, page + 1), last);
    make(first, std::min(page, last));
}

}  // namespace

}  // namespace erofs

Result<Ref<FileSystem>> make_erofs(std::unique_ptr<Image> image, FrameSource& frames) {
    KOS_TRY(auto volume, erofs::Volume::open(std::move(image)));
    KOS_TRY(auto const root, volume->read_inode(volume->root()));
    if ((root.mode & kS_IFMT) != kS_IFDIR) return Errno::kEIO;
    return Ref<FileSystem>(make_ref<erofs::ErofsFileSystem>(std::move(volume), root, frames));
}

}  // namespace kos::lx
