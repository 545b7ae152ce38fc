// Large frames: 2 MiB of anonymous memory that the processor maps at once.
//
// A program gets one when it writes to a place whose neighbourhood it has used already, so that memory which is touched
// here and there stays small, and only while a quarter of the domain's memory is free. What concerns a part of it (a
// mapping that ends there, execution) replaces it by small frames with the same contents; if there are none for that,
// the call fails with ENOMEM, and nothing has changed.
#include "mm/address_space.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr unsigned kDensePages = kLargePages * 7 / 8;  // what a neighbour has to have

}  // namespace

bool AddressSpace::may_be_large(const Mapping& mapping, uint64_t base) {
    if (mapping.file || mapping.is_shared() || !(mapping.protection & kPROT_WRITE)) return false;
    if (mapping.protection & kPROT_EXEC || base < mapping.start || mapping.end - base < kTableBytes) return false;
    if (frames_.free_frames() < frames_.total_frames() / 4) return false;
    if (const Table* const here = find_table(base); here && (here->large || here->count())) return false;
    auto const is_dense = [&](uint64_t at) {
        const Table* const table = find_table(at);
        return table && (table->large || table->count() >= kDensePages);
    };
    return is_dense(base - kTableBytes) || is_dense(base + kTableBytes);
}

Status AddressSpace::make_large(const Mapping& mapping, uint64_t base) {
    KOS_TRY(Ref<Frame> frame, frames_.allocate_large(FrameSource::Contents::kZeros));
    (void)make_page(base);  // its table
    Table& table = *find_table(base);
    std::fill(std::begin(table.made), std::end(table.made), 0);
    table.large = std::move(frame);
    resident_ += kLargePages;
    if (Status const shown = show_large(mapping, base, table); !shown.ok()) {
        drop_large(base, table);
        return shown;
    }
    return {};
}

void AddressSpace::drop_large(uint64_t base, Table& table) {
    if (table.large_handle) machine_->unmap(base, table.large_handle);
    table.large = nullptr;
    table.large_handle = 0;
    table.large_rights = 0;
    resident_ -= kLargePages;
}

// Small frames in its place, without those of [from, to). All of them are there before anything changes.
Status AddressSpace::break_large(uint64_t base, Table& table, uint64_t from, uint64_t to) {
    std::vector<Ref<Frame>> frames(kLargePages);
    auto const is_kept = [&](uint64_t at) { return at < from || at >= to; };
    for (unsigned i = 0; i < kLargePages; ++i) {
        if (!is_kept(base + i * kPageBytes)) continue;
        KOS_TRY(frames[i], frames_.allocate());
    }
    Ref<Frame> const whole = table.large;
    drop_large(base, table);
    for (unsigned i = 0; i < kLargePages; ++i) {
        if (!frames[i]) continue;
        memcpy(frames[i]->data(), whole->data() + i * kPageBytes, kPageBytes);
        Page& page = make_page(base + i * kPageBytes);
        page.frame = std::move(frames[i]);
        page.is_anonymous = true;
        ++resident_;
    }
    return {};
}

Status AddressSpace::break_at(uint64_t address) {
    uint64_t const base = address / kTableBytes * kTableBytes;
    Table* const table = address == base ? nullptr : find_table(address);
    return table && table->large ? break_large(base, *table, 0, 0) : Status();
}

Status AddressSpace::break_around(uint64_t start, uint64_t end) {
    for (uint64_t const edge : {start, end}) {
        uint64_t const base = edge / kTableBytes * kTableBytes;
        Table* const table = edge == base ? nullptr : find_table(edge);
        if (table && table->large) KOS_TRY_STATUS(break_large(base, *table, start, end));
    }
    return {};
}

// Where the greater part of a large frame is given back, the rest becomes small. Otherwise it stays, and the part is
// zeroed, unless somebody else has the frame as well.
Status AddressSpace::forget_part(uint64_t start, uint64_t end) {
    for (uint64_t const edge : {start, end}) {
        uint64_t const base = edge / kTableBytes * kTableBytes;
        Table* const table = edge == base ? nullptr : find_table(edge);
        if (!table || !table->large) continue;
        uint64_t const part = std::min(end, base + kTableBytes) - std::max(start, base);
        bool const is_ours = table->large->references() == 1;
        if (is_ours && part < kTableBytes / 2) continue;
        if (Status const done = break_large(base, *table, start, end); !done.ok() && !is_ours) return done;
    }
    return {};
}

// A copy for a program that writes to what others have as well.
Status AddressSpace::own_large(uint64_t base, Table& table) {
    if (frames_.free_frames() < frames_.total_frames() / 4) return break_large(base, table, 0, 0);
    auto copy = frames_.allocate_large(FrameSource::Contents::kAny);
    if (!copy.ok()) return break_large(base, table, 0, 0);
    memcpy((*copy)->data(), table.large->data(), kLargeBytes);
    drop_large(base, table);
    table.large = copy.take();
    resident_ += kLargePages;
    return {};
}

Status AddressSpace::show_large(const Mapping& mapping, uint64_t base, Table& table) {
    uint32_t rights = mapping.protection & ~kPROT_EXEC;
    if (table.large->references() > 1) rights &= ~kPROT_WRITE;
    if (table.large_handle && table.large_rights == rights) return {};
    if (table.large_handle) {
        machine_->protect(base, *table.large, rights, table.large_handle);
    } else {
        KOS_TRY_STATUS(machine_->map_large(base, *table.large, rights, table.large_handle));
    }
    table.large_rights = static_cast<uint8_t>(rights);
    return {};
}

Result<std::byte*> AddressSpace::touch_large(const Mapping& mapping, uint64_t address, uint32_t access, Reach reach,
                                             Table& table) {
    uint64_t const base = address / kTableBytes * kTableBytes;
    if (access == kPROT_WRITE && table.large->references() > 1) {
        KOS_TRY_STATUS(own_large(base, table));
        if (!table.large) return touch(mapping, address, access, reach);
    }
    if (reach == Reach::kProgram) {
        // The kernel may have no memory for its tables: small pages are no better then.
        KOS_TRY_STATUS(show_large(mapping, base, table));
    }
    return table.large->data() + (address - base);
}

// For fork(2): both have it until one of them writes.
void AddressSpace::share_large(const Mapping& mapping, AddressSpace& with) {
    each_large(mapping.start, mapping.end, [&](uint64_t base, Table& table) {
        (void)with.make_page(base);
        Table& other = *with.find_table(base);
        std::fill(std::begin(other.made), std::end(other.made), 0);
        other.large = table.large;
        with.resident_ += kLargePages;
        if (!table.large_handle || !(table.large_rights & kPROT_WRITE)) return;
        table.large_rights = static_cast<uint8_t>(table.large_rights & ~kPROT_WRITE);
        machine_->protect(base, *table.large, table.large_rights, table.large_handle);
    });
}

// For mremap(2), to a place where nothing is yet. Those that do not lie in the same way there become small.
Status AddressSpace::move_large(uint64_t from, uint64_t to, uint64_t bytes) {
    KOS_TRY_STATUS(break_at(from));
    KOS_TRY_STATUS(break_at(from + bytes));
    bool const fits = (to - from) % kTableBytes == 0;
    std::vector<uint64_t> bases;
    each_large(from, from + bytes, [&](uint64_t base, Table&) { bases.push_back(base); });
    for (uint64_t const base : bases) {
        Table& table = *find_table(base);
        if (!fits) {
            KOS_TRY_STATUS(break_large(base, table, 0, 0));
            continue;
        }
        Ref<Frame> const frame = table.large;
        drop_large(base, table);
        uint64_t const target = base + (to - from);
        (void)make_page(target);
        Table& other = *find_table(target);
        std::fill(std::begin(other.made), std::end(other.made), 0);
        other.large = frame;
        resident_ += kLargePages;
    }
    return {};
}

}  // namespace kos::lx
