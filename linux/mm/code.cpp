// Code that is executed: where its stubs are, and pages with rewritten call sites (call_stubs.h).
#include "mm/address_space.h"
#include "mm/call_stubs.h"

#include <algorithm>
#include <utility>

namespace kos::lx {

namespace {

constexpr const char* kStubsName = "[kos-calls]";
constexpr size_t kAreasMost = 512;  // of an address space; code beyond them calls by trap

Inode* contents_of(const File& file) { return file.inode() ? file.inode()->immutable() : nullptr; }

}  // namespace

// Not the shim's own code, nor what somebody else may change under us (shared), nor what the program has changed
// itself.
bool AddressSpace::must_rewrite(const Mapping& mapping, const Page& page) const {
    return shim && mapping.file && !mapping.is_shared() && mapping.file->inode() && !page.is_anonymous && !page.is_code;
}

// Holes next to [start, end), below it first, from where all of it is in reach.
Result<uint64_t> AddressSpace::find_room_near(uint64_t start, uint64_t end, uint64_t bytes) const {
    if (end - start + bytes > kBranchReach) return Errno::kENOMEM;
    uint64_t const lowest = std::max(kUserBegin, end > kBranchReach ? end - kBranchReach : 0);
    uint64_t top = start;
    for (auto next = mappings_.lower_bound(start); top > lowest;) {
        uint64_t const floor = next == mappings_.begin() ? kUserBegin : std::prev(next)->second.end;
        if (floor < top && top - floor >= bytes && top - bytes >= lowest) return top - bytes;
        if (next == mappings_.begin()) break;
        --next;
        top = std::min(top, next->first);
    }
    uint64_t const highest = std::min(kUserEnd, start + kBranchReach);
    uint64_t bottom = end;
    for (auto next = mappings_.lower_bound(end); bottom < highest; ++next) {
        uint64_t const ceiling = next == mappings_.end() ? kUserEnd : next->first;
        if (ceiling > bottom && ceiling - bottom >= bytes && bottom + bytes <= highest) return bottom;
        if (next == mappings_.end()) break;
        bottom = std::max(bottom, next->second.end);
    }
    return Errno::kENOMEM;
}

Result<AddressSpace::StubArea*> AddressSpace::stub_area(const Mapping& mapping) {
    int64_t const file_start = static_cast<int64_t>(mapping.start) - static_cast<int64_t>(mapping.offset);
    const Inode* const contents = contents_of(*mapping.file);
    for (StubArea& area : stub_areas_) {
        if (area.file_start != file_start || !area.stubs->is_of(*mapping.file, contents)) continue;
        bool const reaches = mapping.end < area.start + kBranchReach && area.end < mapping.start + kBranchReach;
        if (reaches) return &area;
    }
    if (stub_areas_.size() >= kAreasMost) return Errno::kENOMEM;
    uint64_t const bytes = CallStubs::room_for(mapping.bytes() / kPageBytes) * kPageBytes;
    KOS_TRY(uint64_t const start, find_room_near(mapping.start, mapping.end, bytes));
    StubArea area;
    area.file_start = file_start;
    area.start = start;
    area.end = start + bytes;
    area.stubs = CallStubs::of(frames_, mapping.file, static_cast<int64_t>(start) - file_start, shim);
    Mapping stubs;
    stubs.start = area.start;
    stubs.end = area.end;
    stubs.protection = kPROT_READ | kPROT_EXEC;
    stubs.flags = kMAP_SHARED;
    stubs.file = area.stubs;
    stubs.name = kStubsName;
    mapped_ += bytes;
    mappings_.emplace(start, std::move(stubs));
    stub_areas_.push_back(std::move(area));
    return &stub_areas_.back();
}

// Gives the page its form for execution. Where there is no room for stubs it stays as it is, which is slower.
Status AddressSpace::rewrite(const Mapping& mapping, uint64_t address, Page& page) {
    page.is_code = true;
    // Of contents that never change the answer is kept with the frame.
    using CallSites = Frame::CallSites;
    CallSites sites = page.frame->call_sites;
    bool const is_constant = contents_of(*mapping.file) != nullptr;
    if (!is_constant || sites == CallSites::kUnknown) {
        sites = CallStubs::has_candidates(page.frame->data()) ? CallSites::kSome : CallSites::kNone;
        if (is_constant) page.frame->call_sites = sites;
    }
    if (sites == CallSites::kNone) return {};
    auto const area = stub_area(mapping);
    if (!area.ok()) return {};
    CallStubs& stubs = *(*area)->stubs;
    uint64_t const start = (*area)->start;
    uint64_t const index = (mapping.offset + (address - mapping.start)) / kPageBytes;
    CallStubs::Range needed;
    auto const made = stubs.rewrite(index, *page.frame, needed);
    if (!made.ok()) {
        page.is_code = false;
        return made.error();
    }
    if (!*made) return {};
    if (page.handle) {
        machine_->unmap(address, page.handle);
        page.handle = 0;
        page.machine_rights = 0;
    }
    page.frame = *made;
    page.is_anonymous = !stubs.is_shared();
    // Pages of stubs that are mapped already may have grown: mapped anew, so that no instruction cache has the old
    // words.
    if (std::exchange((*area)->seen, stubs.count()) == stubs.count()) return {};
    for (uint64_t number = needed.first; number < needed.end; ++number) {
        uint64_t const at = start + number * kPageBytes;
        Page* const stub = find_page(at);
        if (stub && stub->handle) machine_->protect(at, *stub->frame, stub->machine_rights, stub->handle);
    }
    return {};
}

// Some of the program's addresses have been taken away: areas whose own pages or whose code are gone.
void AddressSpace::forget_stubs(uint64_t start, uint64_t end) {
    for (size_t i = 0; i < stub_areas_.size();) {
        StubArea const area = stub_areas_[i];
        bool const is_hit = area.start < end && start < area.end;
        bool const is_used = std::any_of(mappings_.begin(), mappings_.end(), [&](const auto& entry) {
            const Mapping& mapping = entry.second;
            if (!mapping.file || mapping.file->as_call_stubs()) return false;
            int64_t const file_start = static_cast<int64_t>(mapping.start) - static_cast<int64_t>(mapping.offset);
            return file_start == area.file_start && area.stubs->is_of(*mapping.file, contents_of(*mapping.file));
        });
        if (!is_hit && is_used) {
            ++i;
            continue;
        }
        stub_areas_.erase(stub_areas_.begin() + static_cast<ptrdiff_t>(i));
        // Its pages; which mapping is there now has been seen to be its own.
        if (!is_hit) (void)unmap(area.start, area.end - area.start).ok();
        i = 0;
    }
}

uint64_t AddressSpace::stub_at(uint64_t address) const {
    for (const StubArea& area : stub_areas_) {
        if (address < area.start || address >= area.end) continue;
        uint64_t const in_page = address % kPageBytes;
        if (in_page / kStubBytes >= kStubsInPage) return 0;
        return address - in_page % kStubBytes;
    }
    return 0;
}

}  // namespace kos::lx
