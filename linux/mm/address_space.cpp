// Mappings: what mmap(2) and its relatives make, split and take away. The pages are in pages.cpp.
#include "mm/address_space.h"

#include "mm/call_stubs.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint64_t kMappingsMax = 65530;        // vm.max_map_count
constexpr uint64_t kMapTop = 0x7fff'0000'0000;  // mappings without an address go downwards from here
constexpr uint32_t kKnownProtection = kPROT_READ | kPROT_WRITE | kPROT_EXEC;
constexpr uint32_t kMREMAP_MAYMOVE = 1, kMREMAP_FIXED = 2, kMREMAP_DONTUNMAP = 4;

bool is_range(uint64_t start, uint64_t bytes) {
    return start >= kUserBegin && start <= kUserEnd && bytes <= kUserEnd - start;
}

bool may_join(const Mapping& first, const Mapping& second) {
    if (first.end != second.start || first.protection != second.protection || first.flags != second.flags) return false;
    if (!(first.file == second.file) || first.name != second.name) return false;
    return !first.file || first.offset + first.bytes() == second.offset;
}

// What mmap(2) refuses about a file; access(2)'s bits are those of the open file.
Status check_file(File& file, uint32_t protection, uint32_t flags) {
    if (!file.may_read()) return Errno::kEACCES;
    bool const is_shared = (flags & kMAP_TYPE) != kMAP_PRIVATE;
    if (is_shared && protection & kPROT_WRITE && !file.may_write()) return Errno::kEACCES;
    if (is_shared && protection & kPROT_WRITE && file.inode()) {
        constexpr uint32_t kSealWrite = 8, kSealFutureWrite = 16;  // F_SEAL_* of linux/fcntl.h
        auto const seals = file.inode()->seals();
        if (seals.ok() && *seals & (kSealWrite | kSealFutureWrite)) return Errno::kEPERM;
    }
    if (!file.can_map()) return Errno::kENODEV;
    return {};
}

}  // namespace

AddressSpace::AddressSpace(FrameSource& frames, std::unique_ptr<MachineSpace> machine)
    : frames_(frames), machine_(std::move(machine)) {}

Result<Ref<AddressSpace>> AddressSpace::create(FrameSource& frames, std::unique_ptr<MachineSpace> machine) {
    return Ref<AddressSpace>(new AddressSpace(frames, std::move(machine)));
}

AddressSpace::~AddressSpace() {
    machine_->close();
    drop_pages(0, kUserEnd);
}

const Mapping* AddressSpace::find(uint64_t address) const {
    auto next = mappings_.upper_bound(address);
    if (next == mappings_.begin()) return nullptr;
    const Mapping& mapping = std::prev(next)->second;
    return address < mapping.end ? &mapping : nullptr;
}

// The mapping that begins at `address`, which is cut in two there if need be; otherwise the first one behind it.
AddressSpace::Mappings::iterator AddressSpace::split(uint64_t address) {
    auto next = mappings_.lower_bound(address);
    if (next != mappings_.begin()) {
        Mapping& before = std::prev(next)->second;
        if (before.end > address) {
            Mapping behind = before;
            behind.start = address;
            behind.offset += address - before.start;
            before.end = address;
            next = mappings_.emplace(address, std::move(behind)).first;
        }
    }
    return next;
}

void AddressSpace::merge_around(Mappings::iterator mapping) {
    if (mapping != mappings_.begin()) {
        auto before = std::prev(mapping);
        if (may_join(before->second, mapping->second)) {
            before->second.end = mapping->second.end;
            mappings_.erase(mapping);
            mapping = before;
        }
    }
    auto behind = std::next(mapping);
    if (behind != mappings_.end() && may_join(mapping->second, behind->second)) {
        mapping->second.end = behind->second.end;
        mappings_.erase(behind);
    }
}

bool AddressSpace::is_free(uint64_t start, uint64_t end) const {
    auto next = mappings_.lower_bound(start);
    if (next != mappings_.end() && next->first < end) return false;
    return next == mappings_.begin() || std::prev(next)->second.end <= start;
}

// Downwards from `end`, at a multiple of 2 MiB if it is large enough for a frame of that; `floor`: the least.
constexpr uint64_t place_below(uint64_t end, uint64_t floor, uint64_t bytes) {
    uint64_t const highest = end - bytes, aligned = highest & ~uint64_t{kLargeBytes - 1};
    return bytes >= kLargeBytes && aligned >= floor ? aligned : highest;
}

Result<uint64_t> AddressSpace::find_room(uint64_t bytes, uint64_t hint) const {
    hint = page_down(hint);
    if (hint && is_range(hint, bytes) && is_free(hint, hint + bytes)) return hint;
    // Downwards from the top, with a hole of a page below the stack's part.
    uint64_t end = kMapTop;
    auto mapping = mappings_.lower_bound(kMapTop);
    for (;;) {
        uint64_t const floor = mapping == mappings_.begin() ? kUserBegin : std::prev(mapping)->second.end;
        if (floor < end && end - floor >= bytes) return place_below(end, floor, bytes);
        if (mapping == mappings_.begin()) break;
        --mapping;
        end = std::min(end, mapping->first);
    }
    return Errno::kENOMEM;
}

Result<uint64_t> AddressSpace::map(uint64_t address, uint64_t bytes, uint32_t protection, uint32_t flags,
                                   Ref<File> file, uint64_t offset, const char* name) {
    uint32_t const type = flags & kMAP_TYPE;
    if (type != kMAP_SHARED && type != kMAP_PRIVATE && type != kMAP_SHARED_VALIDATE) return Errno::kEINVAL;
    if (bytes == 0 || offset % kPageBytes || flags & kMAP_HUGETLB) return Errno::kEINVAL;
    if (bytes > kUserEnd) return Errno::kENOMEM;
    bytes = page_up(bytes);
    if (file && (offset > uint64_t{INT64_MAX} || bytes > uint64_t{INT64_MAX} - offset)) return Errno::kEOVERFLOW;
    bool const is_fixed = flags & (kMAP_FIXED | kMAP_FIXED_NOREPLACE);
    if (is_fixed && address % kPageBytes) return Errno::kEINVAL;
    if (is_fixed && !is_range(address, bytes)) return address < kUserBegin ? Errno::kEPERM : Errno::kENOMEM;
    if (file) KOS_TRY_STATUS(check_file(*file, protection, flags));
    if (mappings_.size() >= kMappingsMax) return Errno::kENOMEM;
    if (mapped_ + bytes > limit_bytes) return Errno::kENOMEM;
    if (!is_fixed) {
        KOS_TRY(address, find_room(bytes, address));
    } else if (flags & kMAP_FIXED_NOREPLACE && !is_free(address, address + bytes)) {
        return Errno::kEEXIST;
    } else {
        KOS_TRY_STATUS(unmap(address, bytes));
    }
    Mapping mapping;
    mapping.start = address;
    mapping.end = address + bytes;
    mapping.protection = protection & kKnownProtection;
    // Only what may differ between neighbours.
    mapping.flags = (type == kMAP_PRIVATE ? kMAP_PRIVATE : kMAP_SHARED) |
                    (flags & (kMAP_ANONYMOUS | kMAP_GROWSDOWN | kMAP_STACK | kMAP_NORESERVE));
    mapping.file = std::move(file);
    mapping.offset = mapping.file ? offset : 0;
    mapping.name = name;
    mapped_ += bytes;
    auto const place = mappings_.emplace(address, std::move(mapping)).first;
    if (flags & kMAP_POPULATE) {
        int code = 0;
        uint32_t const access = place->second.protection & kPROT_WRITE ? kPROT_WRITE : kPROT_READ;
        for (uint64_t at = address; at < address + bytes; at += kPageBytes) {
            if (!touch(at, access, Reach::kProgram, code).ok()) break;
        }
    }
    merge_around(place);
    return address;
}

Status AddressSpace::unmap(uint64_t address, uint64_t bytes) {
    if (address % kPageBytes || bytes == 0 || bytes > kUserEnd || address > kUserEnd - bytes) return Errno::kEINVAL;
    uint64_t const end = address + page_up(bytes);
    if (is_free(address, end)) return {};
    KOS_TRY_STATUS(break_around(address, end));
    auto mapping = split(address);
    split(end);
    drop_pages(address, end);
    bool has_file = false;
    while (mapping != mappings_.end() && mapping->first < end) {
        mapped_ -= mapping->second.bytes();
        has_file |= bool(mapping->second.file);
        mapping = mappings_.erase(mapping);
    }
    if (has_file && !stub_areas_.empty()) forget_stubs(address, end);
    return {};
}

template <class Visit>
Status AddressSpace::each_mapping(uint64_t start, uint64_t end, Visit visit) {
    KOS_TRY_STATUS(break_at(start));
    KOS_TRY_STATUS(break_at(end));
    auto mapping = split(start);
    split(end);
    uint64_t reached = start;
    while (mapping != mappings_.end() && mapping->first < end) {
        if (mapping->first != reached) return Errno::kENOMEM;
        reached = mapping->second.end;
        KOS_TRY_STATUS(visit(mapping->second));
        ++mapping;
    }
    return reached == end ? Status() : Status(Errno::kENOMEM);
}

Status AddressSpace::protect(uint64_t address, uint64_t bytes, uint32_t protection) {
    constexpr uint32_t kGrowsDown = 0x01000000, kGrowsUp = 0x02000000;
    if (address % kPageBytes || protection & ~(kKnownProtection | kGrowsDown | kGrowsUp)) return Errno::kEINVAL;
    if (bytes == 0) return {};
    if (bytes > kUserEnd || address > kUserEnd - bytes) return Errno::kENOMEM;
    protection &= kKnownProtection;
    uint64_t const end = address + page_up(bytes);
    Status const done = each_mapping(address, end, [&](Mapping& mapping) -> Status {
        if (protection & kPROT_WRITE && mapping.is_shared() && mapping.file && !mapping.file->may_write()) {
            return Errno::kEACCES;
        }
        mapping.protection = protection;
        each_page(mapping.start, mapping.end, [&](uint64_t at, Table&, Page& page) {
            if (!page.handle) return;
            // What is allowed now the next fault maps; what is forbidden now ends at once.
            uint8_t const rights = static_cast<uint8_t>(page.machine_rights & protection);
            if (rights == page.machine_rights) return;
            page.machine_rights = rights;
            machine_->protect(at, *page.frame, rights, page.handle);
        });
        each_large(mapping.start, mapping.end, [&](uint64_t base, Table& table) {
            uint8_t const rights = static_cast<uint8_t>(table.large_rights & protection);
            if (!table.large_handle || rights == table.large_rights) return;
            table.large_rights = rights;
            machine_->protect(base, *table.large, rights, table.large_handle);
        });
        return {};
    });
    // Neighbours that have become alike again (heaps that grow by mprotect make thousands of them otherwise).
    if (auto mapping = mappings_.upper_bound(address); mapping != mappings_.begin()) merge_around(std::prev(mapping));
    if (auto mapping = mappings_.lower_bound(end); mapping != mappings_.end()) merge_around(mapping);
    return done;
}

Result<uint64_t> AddressSpace::remap(uint64_t old_address, uint64_t old_bytes, uint64_t new_bytes, uint32_t flags,
                                     uint64_t new_address) {
    if (old_address % kPageBytes || flags & ~(kMREMAP_MAYMOVE | kMREMAP_FIXED | kMREMAP_DONTUNMAP)) {
        return Errno::kEINVAL;
    }
    if (flags & (kMREMAP_FIXED | kMREMAP_DONTUNMAP) && !(flags & kMREMAP_MAYMOVE)) return Errno::kEINVAL;
    if (new_bytes == 0 || new_bytes > kUserEnd || old_bytes > kUserEnd) return Errno::kEINVAL;
    old_bytes = page_up(old_bytes);
    new_bytes = page_up(new_bytes);
    const Mapping* const found = find(old_address);
    if (!found) return Errno::kEFAULT;
    if (old_bytes == 0) {
        // A second view of shared memory.
        if (!found->is_shared() || !(flags & kMREMAP_MAYMOVE)) return Errno::kEINVAL;
        Mapping const copy = *found;
        uint32_t const fixed = flags & kMREMAP_FIXED ? kMAP_FIXED : 0;
        return map(new_address, new_bytes, copy.protection, copy.flags | fixed, copy.file,
                   copy.offset + (old_address - copy.start), copy.name);
    }
    if (old_address + old_bytes > found->end) return Errno::kEFAULT;
    if (!(flags & kMREMAP_FIXED) && new_bytes <= old_bytes && !(flags & kMREMAP_DONTUNMAP)) {
        if (new_bytes < old_bytes) KOS_TRY_STATUS(unmap(old_address + new_bytes, old_bytes - new_bytes));
        return old_address;
    }
    if (flags & kMREMAP_FIXED) {
        if (new_address % kPageBytes || !is_range(new_address, new_bytes)) return Errno::kEINVAL;
        if (new_address < old_address + old_bytes && old_address < new_address + new_bytes) return Errno::kEINVAL;
    }
    Mapping const whole = *found;
    if (mapped_ + new_bytes - std::min(old_bytes, new_bytes) > limit_bytes) return Errno::kENOMEM;
    bool const is_end = old_address + old_bytes == whole.end;
    uint64_t const grown_end = old_address + new_bytes;
    if (!(flags & (kMREMAP_FIXED | kMREMAP_DONTUNMAP)) && is_end && is_range(old_address, new_bytes) &&
        is_free(whole.end, grown_end)) {
        auto const mapping = std::prev(mappings_.upper_bound(old_address));
        mapping->second.end = grown_end;
        mapped_ += new_bytes - old_bytes;
        merge_around(mapping);
        return old_address;
    }
    if (!(flags & kMREMAP_MAYMOVE)) return Errno::kENOMEM;
    uint32_t const fixed = flags & kMREMAP_FIXED ? kMAP_FIXED : 0;
    KOS_TRY(uint64_t const target, map(new_address, new_bytes, whole.protection, whole.flags | fixed, whole.file,
                                       whole.offset + (old_address - whole.start), whole.name));
    uint64_t const moved = std::min(old_bytes, new_bytes);
    if (Status const done = move_large(old_address, target, moved); !done.ok()) {
        KOS_TRY_STATUS(unmap(target, new_bytes));
        return done.error();
    }
    each_page(old_address, old_address + moved, [&](uint64_t at, Table& table, Page& page) {
        Page& to = make_page(target + (at - old_address));
        to.frame = page.frame;
        to.is_anonymous = page.is_anonymous;
        to.is_code = page.is_code && page.is_anonymous;
        ++resident_;
        drop_page(at, table, page);
    });
    if (!(flags & kMREMAP_DONTUNMAP)) KOS_TRY_STATUS(unmap(old_address, old_bytes));
    return target;
}

Status AddressSpace::advise(uint64_t address, uint64_t bytes, unsigned advice) {
    constexpr unsigned kWillNeed = 3, kDontNeed = 4, kFree = 8, kRemove = 9, kPopulateRead = 22, kPopulateWrite = 23;
    constexpr uint64_t kHints = 0b111 | 1u << kWillNeed | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 |
                                1u << 15 | 1u << 16 | 1u << 17 | 1u << 18 | 1u << 19 | 1u << 20 | 1u << 21;
    if (address % kPageBytes || bytes > kUserEnd || address > kUserEnd - bytes) return Errno::kEINVAL;
    uint64_t const end = address + page_up(bytes);
    bool const is_known = advice == kDontNeed || advice == kFree || advice == kRemove || advice == kPopulateRead ||
                          advice == kPopulateWrite || (advice < 64 && kHints >> advice & 1);
    if (!is_known) return Errno::kEINVAL;
    if (end == address) return {};
    constexpr unsigned kDontFork = 10, kDoFork = 11, kWipeOnFork = 18, kKeepOnFork = 19;
    if (advice == kDontFork || advice == kDoFork || advice == kWipeOnFork || advice == kKeepOnFork) {
        return each_mapping(address, end, [&](Mapping& mapping) -> Status {
            if (advice == kWipeOnFork && (mapping.file || mapping.is_shared())) return Errno::kEINVAL;
            if (advice == kDontFork) mapping.flags |= kMappingDontFork;
            if (advice == kDoFork) mapping.flags &= ~kMappingDontFork;
            if (advice == kWipeOnFork) mapping.flags |= kMappingWipeOnFork;
            if (advice == kKeepOnFork) mapping.flags &= ~kMappingWipeOnFork;
            return {};
        });
    }
    bool has_gap = false;
    uint64_t reached = address;
    for (auto mapping = mappings_.upper_bound(address); reached < end;) {
        if (mapping != mappings_.begin() && std::prev(mapping)->second.end > reached) {
            Mapping const now = std::prev(mapping)->second;
            uint64_t const until = std::min(end, now.end);
            if (advice == kFree && (now.is_shared() || now.file)) return Errno::kEINVAL;
            if (advice == kDontNeed || advice == kFree) {
                KOS_TRY_STATUS(forget_part(reached, until));
                drop_pages(reached, until);
            }
            if (advice == kRemove) return Errno::kEOPNOTSUPP;
            if (advice == kPopulateRead || advice == kPopulateWrite) {
                int code = 0;
                uint32_t const access = advice == kPopulateWrite ? kPROT_WRITE : kPROT_READ;
                for (uint64_t at = reached; at < until; at += kPageBytes) {
                    if (auto done = touch(at, access, Reach::kProgram, code); !done.ok()) return done.error();
                }
            }
            reached = until;
            mapping = mappings_.upper_bound(reached);
        } else {
            has_gap = true;
            reached = mapping == mappings_.end() ? end : std::min(end, mapping->first);
            if (mapping != mappings_.end()) ++mapping;
        }
    }
    return has_gap ? Status(Errno::kENOMEM) : Status();
}

Status AddressSpace::synchronize(uint64_t address, uint64_t bytes, uint32_t flags) {
    constexpr uint32_t kAsync = 1, kInvalidate = 2, kSync = 4;
    if (address % kPageBytes || flags & ~(kAsync | kInvalidate | kSync) || (flags & kAsync && flags & kSync)) {
        return Errno::kEINVAL;
    }
    if (bytes > kUserEnd || address > kUserEnd - bytes) return Errno::kENOMEM;
    // A file's pages are the mapping's frames: there is nothing to write back here.
    for (uint64_t at = address; at < address + bytes;) {
        const Mapping* const mapping = find(at);
        if (!mapping) return Errno::kENOMEM;
        if (mapping->file && mapping->is_shared()) KOS_TRY_STATUS(mapping->file->synchronize());
        at = mapping->end;
    }
    return {};
}

uint64_t AddressSpace::set_break(uint64_t address) {
    if (address < break_start || !is_range(break_start, address - break_start)) return break_end;
    uint64_t const old_end = page_up(break_end), new_end = page_up(address);
    if (new_end < old_end) {
        if (!unmap(new_end, old_end - new_end).ok()) return break_end;
    } else if (new_end > old_end) {
        bool const done = is_free(old_end, new_end + kPageBytes) &&
                          map(old_end, new_end - old_end, kPROT_READ | kPROT_WRITE,
                              kMAP_PRIVATE | kMAP_ANONYMOUS | kMAP_FIXED, nullptr, 0, "[heap]")
                              .ok();
        if (!done) return break_end;
    }
    break_end = address;
    return break_end;
}

}  // namespace kos::lx
