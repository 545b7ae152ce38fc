// Pages: made when they are first used, copied when they are written to, and the server's way to them.
#include "mm/address_space.h"

#include "mm/call_stubs.h"
#include "mm/page_state.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

// Mapped with a page that is missing, within their aligned block; the largest one of memory that is written to in
// order. Each costs about as much as a fault, so of files it is few at first, and more when the program goes on for
// longer. A child of fork(2) as a rule touches a page here and there before it executes another program or ends.
constexpr unsigned kAroundPages = 16, kAroundPagesAtFirst = 2, kAroundPagesOfChild = 1, kFaultsUntilMore = 16;
constexpr uint64_t kAroundPagesInOrder = 64;

template <class T>
T* word_at(std::span<std::byte> window) {
    return reinterpret_cast<T*>(window.data());
}

}  // namespace

Ref<Frame> zero_frame(FrameSource& frames) {
    static Ref<Frame> zeros;
    if (!zeros) {
        if (auto made = frames.allocate(); made.ok()) zeros = made.take();
    }
    return zeros;
}

AddressSpace::Table* AddressSpace::find_table(uint64_t address) {
    uint64_t const number = address / (kTablePages * kPageBytes);
    if (last_table_ && number == last_table_number_) return last_table_;
    auto const found = tables_.find(number);
    if (found == tables_.end()) return nullptr;
    last_table_ = found->second.get();
    last_table_number_ = number;
    return last_table_;
}

AddressSpace::Page* AddressSpace::find_page(uint64_t address) {
    Table* const table = find_table(address);
    if (!table) return nullptr;
    Page& page = table->pages[address / kPageBytes % kTablePages];
    return page.frame ? &page : nullptr;
}

AddressSpace::Page& AddressSpace::make_page(uint64_t address) {
    Table* table = find_table(address);
    if (!table) {
        uint64_t const number = address / (kTablePages * kPageBytes);
        table = tables_.emplace(number, std::make_unique<Table>()).first->second.get();
        last_table_ = table;
        last_table_number_ = number;
    }
    uint64_t const index = address / kPageBytes % kTablePages;
    table->made[index / kWordPages] |= uint64_t{1} << index % kWordPages;
    return table->pages[index];
}

unsigned AddressSpace::Table::count() const {
    unsigned sum = 0;
    for (uint64_t const word : made) sum += static_cast<unsigned>(__builtin_popcountll(word));
    return sum;
}

void AddressSpace::drop_page(uint64_t address, Table& table, Page& page) {
    uint64_t const index = address / kPageBytes % kTablePages;
    table.made[index / kWordPages] &= ~(uint64_t{1} << index % kWordPages);
    if (page.handle) machine_->unmap(address, page.handle);
    page = Page();
    --resident_;
}

void AddressSpace::drop_pages(uint64_t start, uint64_t end) {
    each_page(start, end, [&](uint64_t at, Table& table, Page& page) { drop_page(at, table, page); });
    each_large(start / kTableBytes * kTableBytes, end, [&](uint64_t base, Table& table) {
        uint64_t const from = std::max(start, base), to = std::min(end, base + kTableBytes);
        if (from >= to) return;
        if (to - from == kTableBytes) return drop_large(base, table);
        memset(table.large->data() + (from - base), 0, to - from);
    });
    // Tables that lie in the range as a whole are empty now.
    auto table = tables_.lower_bound((start + kTableBytes - 1) / kTableBytes);
    while (table != tables_.end() && (table->first + 1) * kTableBytes <= end) table = tables_.erase(table);
    last_table_ = nullptr;
}

// A frame for a page that is not there: the file's, a copy of it, or zeros.
Status AddressSpace::fill(const Mapping& mapping, uint64_t address, bool for_write, Page& page) {
    if (mapping.file) {
        uint64_t const index = (mapping.offset + (page_down(address) - mapping.start)) / kPageBytes;
        KOS_TRY(Ref<Frame> frame, mapping.file->page(index, for_write && mapping.is_shared()));
        page.frame = std::move(frame);
        page.is_anonymous = false;
    } else if (for_write) {
        KOS_TRY(Ref<Frame> frame, frames_.allocate());
        page.frame = std::move(frame);
        page.is_anonymous = true;
    } else {
        page.frame = zero_frame(frames_);
        page.is_anonymous = false;
        if (!page.frame) return Errno::kENOMEM;
    }
    ++resident_;
    return {};
}

Status AddressSpace::own(Page& page) {
    KOS_TRY(Ref<Frame> copy, frames_.allocate());
    memcpy(copy->data(), page.frame->data(), kPageBytes);
    page.frame = std::move(copy);
    page.is_anonymous = true;
    return {};
}

// Makes the processor's mapping of the page what the mapping allows now.
Status AddressSpace::show(const Mapping& mapping, uint64_t address, Page& page) {
    uint32_t rights = mapping.protection;
    bool const is_ours = page.is_anonymous && page.frame->references() == 1;
    bool const may_write = mapping.is_shared()
                               ? !page.frame->is_read_only() && mapping.file && !(page.frame == zero_frame(frames_))
                               : is_ours;
    if (!may_write) rights &= ~kPROT_WRITE;
    if (must_rewrite(mapping, page)) rights &= ~kPROT_EXEC;
    if (page.handle && page.machine_rights == rights) return {};
    if (page.handle) {
        machine_->protect(address, *page.frame, rights, page.handle);
    } else {
        KOS_TRY_STATUS(machine_->map(address, *page.frame, rights, page.handle));
    }
    page.machine_rights = static_cast<uint8_t>(rights);
    return {};
}

Result<std::byte*> AddressSpace::touch(const Mapping& mapping, uint64_t address, uint32_t access, Reach reach) {
    bool const for_write = access == kPROT_WRITE;
    address = page_down(address);
    if (Table* const table = find_table(address); table && table->large) {
        if (access != kPROT_EXEC) return touch_large(mapping, address, access, reach, *table);
        KOS_TRY_STATUS(break_large(address / kTableBytes * kTableBytes, *table, 0, 0));
    }
    Page& page = make_page(address);
    if (!page.frame) KOS_TRY_STATUS(fill(mapping, address, for_write, page));
    if (for_write) {
        bool const is_hole = mapping.is_shared() && mapping.file && page.frame == zero_frame(frames_);
        bool const is_others = !mapping.is_shared() && !(page.is_anonymous && page.frame->references() == 1);
        if ((is_hole || is_others) && page.handle) {
            machine_->unmap(address, page.handle);
            page.handle = 0;
            page.machine_rights = 0;
        }
        if (is_hole) {
            Page hole;
            std::swap(hole, page);
            --resident_;
            KOS_TRY_STATUS(fill(mapping, address, true, page));
        } else if (is_others) {
            KOS_TRY_STATUS(own(page));
        }
    }
    if (access == kPROT_EXEC && must_rewrite(mapping, page)) KOS_TRY_STATUS(rewrite(mapping, address, page));
    if (reach == Reach::kProgram) KOS_TRY_STATUS(show(mapping, address, page));
    return page.frame->data();
}

Result<std::byte*> AddressSpace::touch(uint64_t address, uint32_t access, Reach reach, int& code) {
    constexpr int kNotMapped = 1, kNoAccess = 2;  // SEGV_MAPERR, SEGV_ACCERR
    code = kNotMapped;
    const Mapping* const mapping = find(address);
    if (!mapping) return Errno::kEFAULT;
    code = kNoAccess;
    // What can be written can be read on this processor.
    uint32_t const allowed = mapping->protection & kPROT_WRITE ? mapping->protection | kPROT_READ : mapping->protection;
    if (!(allowed & access)) return Errno::kEFAULT;
    return touch(*mapping, address, access, reach);
}

// Pages next to one that was missing are wanted soon as a rule; one fault for all of them.
void AddressSpace::fault_around(const Mapping& mapping, uint64_t address, uint32_t access) {
    if (around_pages_ == 0) around_pages_ = kAroundPagesAtFirst;
    if (around_pages_ < kAroundPages && ++faults_ > kFaultsUntilMore) {
        around_pages_ *= 2;
        faults_ = 0;
    }
    if (mapping.bytes() < kAroundPages * kPageBytes) return;
    // Memory that may never be used is not spent when there is little.
    if (!mapping.file && frames_.free_frames() < frames_.total_frames() / 8) return;
    if (mapping.is_shared() && access == kPROT_WRITE) return;
    bool const copies = access == kPROT_WRITE && mapping.file;
    if (copies) return;
    unsigned const pages = mapping.file || around_pages_ < kAroundPagesAtFirst ? around_pages_ : kAroundPages;
    uint64_t bytes = pages * kPageBytes;
    uint64_t block = address & ~(bytes - 1);
    if (access == kPROT_WRITE && pages == kAroundPages && frames_.free_frames() >= frames_.total_frames() / 4 &&
        block > mapping.start) {
        // The block before is there as a whole.
        const Table* const before = find_table(block - kPageBytes);
        uint64_t const index = (block - kPageBytes) / kPageBytes % kTablePages;
        constexpr uint64_t kWhole = (1u << kAroundPages) - 1;
        unsigned const shift = static_cast<unsigned>(index % kWordPages + 1 - kAroundPages);
        if (before && (before->large || (before->made[index / kWordPages] >> shift & kWhole) == kWhole)) {
            bytes = kAroundPagesInOrder * kPageBytes;
            block = address & ~(bytes - 1);
        }
    }
    uint64_t const from = std::max(block, mapping.start), to = std::min(block + bytes, mapping.end);
    for (uint64_t at = from; at < to; at += kPageBytes) {
        const Page* const page = find_page(at);
        if (page && (access == kPROT_WRITE || page->machine_rights & access)) continue;
        if (!touch(mapping, at, access, Reach::kProgram).ok()) return;
    }
}

Status AddressSpace::fault(uint64_t address, uint32_t access, int& code) {
    if (access == kPROT_WRITE) {
        const Mapping* const mapping = find(address);
        uint64_t const base = address / kTableBytes * kTableBytes;
        // Without one it is small pages, as ever.
        if (mapping && may_be_large(*mapping, base)) (void)make_large(*mapping, base).ok();
    }
    auto const done = touch(address, access, Reach::kProgram, code);
    if (!done.ok()) return done.error();
    const Table* const table = find_table(address);
    if (table && table->large) return {};
    fault_around(*find(address), page_down(address), access);
    return {};
}

Result<std::span<std::byte>> AddressSpace::window(uint64_t address, size_t most, bool for_write) {
    int code = 0;
    if (address >= kUserEnd) return Errno::kEFAULT;
    auto const page = touch(address, for_write ? kPROT_WRITE : kPROT_READ, Reach::kServer, code);
    if (!page.ok()) return page.error() == Errno::kENOMEM ? Errno::kENOMEM : Errno::kEFAULT;
    size_t const offset = address % kPageBytes;
    return std::span(*page + offset, std::min(most, kPageBytes - offset));
}

Status AddressSpace::copy_in(void* to, uint64_t from, size_t bytes) {
    auto* next = static_cast<std::byte*>(to);
    while (bytes) {
        KOS_TRY(auto const part, window(from, bytes, false));
        memcpy(next, part.data(), part.size());
        next += part.size();
        from += part.size();
        bytes -= part.size();
    }
    return {};
}

Status AddressSpace::copy_out(uint64_t to, const void* from, size_t bytes) {
    auto* next = static_cast<const std::byte*>(from);
    while (bytes) {
        KOS_TRY(auto const part, window(to, bytes, true));
        memcpy(part.data(), next, part.size());
        next += part.size();
        to += part.size();
        bytes -= part.size();
    }
    return {};
}

Status AddressSpace::zero(uint64_t address, size_t bytes) {
    while (bytes) {
        KOS_TRY(auto const part, window(address, bytes, true));
        memset(part.data(), 0, part.size());
        address += part.size();
        bytes -= part.size();
    }
    return {};
}

Result<std::string> AddressSpace::read_text(uint64_t address, size_t most) {
    std::string text;
    while (text.size() < most) {
        KOS_TRY(auto const part, window(address, most - text.size(), false));
        auto const* const begin = reinterpret_cast<const char*>(part.data());
        if (const void* const end = memchr(begin, 0, part.size())) {
            text.append(begin, static_cast<size_t>(static_cast<const char*>(end) - begin));
            return text;
        }
        text.append(begin, part.size());
        address += part.size();
    }
    return Errno::kENAMETOOLONG;
}

Result<uint32_t> AddressSpace::load_word(uint64_t address) {
    if (address % 4) return Errno::kEINVAL;
    KOS_TRY(auto const part, window(address, 4, false));
    return __atomic_load_n(word_at<uint32_t>(part), __ATOMIC_SEQ_CST);
}

Result<bool> AddressSpace::exchange_word(uint64_t address, uint32_t expected, uint32_t desired, uint32_t& found) {
    if (address % 4) return Errno::kEINVAL;
    KOS_TRY(auto const part, window(address, 4, true));
    found = expected;
    return __atomic_compare_exchange_n(word_at<uint32_t>(part), &found, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

Result<AddressSpace::SharedKey> AddressSpace::shared_key(uint64_t address) {
    const Mapping* const mapping = find(address);
    if (!mapping) return Errno::kEFAULT;
    if (!mapping->is_shared() || !mapping->file) return SharedKey{reinterpret_cast<uint64_t>(this), address};
    const Inode* const inode = mapping->file->inode();
    uint64_t const object = inode ? reinterpret_cast<uint64_t>(inode) : reinterpret_cast<uint64_t>(mapping->file.get());
    return SharedKey{object, mapping->offset + (address - mapping->start)};
}

namespace {

uint8_t written(const Frame& frame) {
    return static_cast<uint8_t>(kPageWritten | (frame.references() > 1 ? kPageOthersToo : 0));
}

}  // namespace

Status AddressSpace::present(uint64_t address, uint64_t bytes, uint8_t* one_byte_per_page) {
    if (address % kPageBytes) return Errno::kEINVAL;
    if (bytes > kUserEnd || address > kUserEnd - bytes) return Errno::kENOMEM;
    for (uint64_t at = address; at < address + bytes; at += kPageBytes) {
        if (!find(at)) return Errno::kENOMEM;
        const Table* const table = find_table(at);
        uint8_t state = 0;
        if (table && table->large) {
            state = static_cast<uint8_t>(kPagePresent | written(*table->large));
        } else if (const Page* const page = find_page(at)) {
            bool const is_own = page->is_anonymous && !page->is_code;
            state = static_cast<uint8_t>(kPagePresent | (is_own ? written(*page->frame) : 0));
        }
        *one_byte_per_page++ = state;
    }
    return {};
}

void AddressSpace::forget_pages(const Inode& inode, uint64_t first, uint64_t last) {
    for (const auto& [start, mapping] : mappings_) {
        if (!mapping.file || mapping.file->inode() != &inode) continue;
        uint64_t const from = mapping.offset / kPageBytes, pages = mapping.bytes() / kPageBytes;
        uint64_t const begin = std::max(first, from), end = std::min(last, from + pages);
        if (begin >= end) continue;
        uint64_t const at = mapping.start + (begin - from) * kPageBytes;
        each_page(at, mapping.start + (end - from) * kPageBytes, [&](uint64_t where, Table& table, Page& page) {
            if (!page.is_anonymous) drop_page(where, table, page);
        });
    }
}

Result<Ref<AddressSpace>> AddressSpace::copy(std::unique_ptr<MachineSpace> machine) {
    KOS_TRY(Ref<AddressSpace> made, create(frames_, std::move(machine)));
    made->break_start = break_start;
    made->break_end = break_end;
    made->limit_bytes = limit_bytes;
    made->shim = shim;
    made->stub_areas_ = stub_areas_;
    made->around_pages_ = kAroundPagesOfChild;
    for (const auto& [start, mapping] : mappings_) {
        if (mapping.flags & kMappingDontFork) continue;
        made->mappings_.emplace(start, mapping);
        made->mapped_ += mapping.bytes();
        if (mapping.flags & kMappingWipeOnFork) continue;
        // Shared pages come from the file again; pages that nobody has changed too.
        if (mapping.is_shared()) continue;
        share_large(mapping, *made);
        each_page(mapping.start, mapping.end, [&](uint64_t at, Table&, Page& page) {
            if (!page.is_anonymous) return;
            Page& copy = made->make_page(at);
            copy.frame = page.frame;
            copy.is_anonymous = true;
            copy.is_code = page.is_code;
            ++made->resident_;
            if (page.handle && page.machine_rights & kPROT_WRITE) {
                page.machine_rights = static_cast<uint8_t>(page.machine_rights & ~kPROT_WRITE);
                machine_->protect(at, *page.frame, page.machine_rights, page.handle);
            }
        });
    }
    return made;
}

}  // namespace kos::lx
