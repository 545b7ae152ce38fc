// Objects and pages of one domain, all of its own untyped memory (domain.h).
#include "domain.h"

namespace root {

using namespace kos::sel4;

namespace {

// Where root's mappings go: above any program, below the heap. The heap has its own range up to 2^38.
constexpr Word kMapBase = 0x10000000;
constexpr Word kMaxTables = 3;

RetypeWindow domain_window(const Domain& domain, Word slot, Word count) {
    return {top_cnode, domain.number + Word{1}, kTopBits, slot, count};
}

bool make_many(Domain& domain, Word type, Word size_bits, Word slot, Word count) {
    return untyped_retype(domain.untyped, type, size_bits, domain_window(domain, slot, count)).ok();
}

}  // namespace

bool make_object(Domain& domain, Word type, Word size_bits, Word slot) {
    return make_many(domain, type, size_bits, slot, 1);
}

Word new_domain_slot(Domain& domain) {
    if (domain.next_slot >= Word{1} << domain.cnode_bits) return 0;
    return domain.next_slot++;
}

Word take_addresses(Domain& domain, Word bytes) {
    if (domain.next_address == 0) domain.next_address = kMapBase;
    Word const address = domain.next_address + kPageBytes;
    domain.next_address = address + round_up(bytes);
    return address;
}

bool map_page(Domain& domain, CPtr frame, Copy copy, Word address, seL4_CapRights_t rights, Word attributes) {
    CPtr const vspace = domain_cap(domain.number, kSlotVSpace);
    CPtr mapped = frame;
    if (copy == Copy::kYes) {
        Word const slot = new_domain_slot(domain);
        if (!slot) return false;
        mapped = domain_cap(domain.number, slot);
        if (!cnode_copy(path(mapped), path(frame)).ok()) return false;
    }
    Result result = page_map(mapped, vspace, address, rights, attributes);
    for (Word level = 0; level < kMaxTables && result.error == seL4_FailedLookup; ++level) {
        Word const slot = new_domain_slot(domain);
        if (!slot || !make_object(domain, seL4_ARM_PageTableObject, 0, slot)) return false;
        domain.used_bytes += kPageBytes;
        if (!page_table_map(domain_cap(domain.number, slot), vspace, address).ok()) return false;
        result = page_map(mapped, vspace, address, rights, attributes);
    }
    return result.ok();
}

bool map_new_pages(Domain& domain, Word address, Word count, seL4_CapRights_t rights, Word attributes, Word* slot) {
    Word const first = domain.next_slot;
    if (count > (Word{1} << domain.cnode_bits) - first) return false;
    domain.next_slot += count;
    if (slot) *slot = first;
    for (Word done = 0; done < count;) {
        Word const batch = count - done < SEL4_RETYPE_FAN_OUT_LIMIT ? count - done : SEL4_RETYPE_FAN_OUT_LIMIT;
        if (!make_many(domain, seL4_ARM_SmallPageObject, 0, first + done, batch)) return false;
        done += batch;
    }
    domain.used_bytes += count * kPageBytes;
    for (Word i = 0; i < count; ++i) {
        CPtr const frame = domain_cap(domain.number, first + i);
        if (!map_page(domain, frame, Copy::kNo, address + i * kPageBytes, rights, attributes)) return false;
    }
    return true;
}

// --- The heap: pages on request

namespace {

constexpr Word kHeapBase = 0x40000000;

seL4_CapRights_t heap_rights(Word rights) { return (rights & 1 ? seL4_CanRead : 0) | (rights & 2 ? seL4_CanWrite : 0); }

// First page of `count` free pages with a free one on either side; heap.pages if there is none.
uint32_t find_free(const Heap& heap, Word count) {
    uint32_t run = 0;
    for (uint32_t page = 0; page < heap.pages; ++page) {
        run = heap.slots[page] ? 0 : run + 1;
        if (run == count + 2) return page - static_cast<uint32_t>(count);
    }
    return heap.pages;
}

void clear_frame(CPtr frame) {
    __builtin_memset(map_scratch(frame), 0, kPageBytes);
    unmap_scratch();
}

// A frame that is zero and not mapped: a kept one, or a new one. 0: neither.
Word take_frame(Domain& domain) {
    Heap& heap = domain.heap;
    if (heap.spare_count) {
        Word const slot = heap.slots[heap.pages + --heap.spare_count];
        clear_frame(domain_cap(domain.number, slot));
        return slot;
    }
    Word const slot = new_domain_slot(domain);
    if (!slot || !make_many(domain, seL4_ARM_SmallPageObject, 0, slot, 1)) return 0;
    domain.used_bytes += kPageBytes;
    return slot;
}

void give_frame(Domain& domain, uint32_t page) {
    Heap& heap = domain.heap;
    Word const slot = heap.slots[page];
    page_unmap(domain_cap(domain.number, slot));
    heap.slots[page] = 0;
    heap.slots[heap.pages + heap.spare_count++] = static_cast<uint32_t>(slot);
    --heap.used;
}

}  // namespace

namespace {

// Of one request: more would be more of root's time than its caller pays for.
constexpr Word kPagesPerRequest = 64;
// A page that belongs to a mapping and is not mapped yet.
constexpr uint32_t kReserved = ~uint32_t{0};

kos_status_t map_reserved(Domain& domain, Word first, Word count, Word rights) {
    Heap& heap = domain.heap;
    Word const attributes = rights & 4 ? kExecutable : kNormalMemory;
    for (Word i = 0; i < count; ++i) {
        Word const slot = take_frame(domain);
        if (!slot) return KOS_STATUS_NOT_ENOUGH_MEMORY;
        heap.slots[first + i] = static_cast<uint32_t>(slot);
        ++heap.used;
        Word const at = kHeapBase + (first + i) * kPageBytes;
        if (!map_page(domain, domain_cap(domain.number, slot), Copy::kNo, at, heap_rights(rights), attributes)) {
            return KOS_STATUS_NOT_ENOUGH_MEMORY;
        }
    }
    return KOS_STATUS_OK;
}

// Frees `count` pages, mapped or reserved.
void give_pages(Domain& domain, Word first, Word count) {
    for (Word page = first; page < first + count; ++page) {
        if (domain.heap.slots[page] == kReserved) {
            domain.heap.slots[page] = 0;
        } else if (domain.heap.slots[page]) {
            give_frame(domain, static_cast<uint32_t>(page));
        }
    }
}

}  // namespace

kos_status_t map_heap(Domain& domain, Word bytes, Word rights, Word& address, Word& mapped_bytes) {
    bool const is_wx = (rights & 2) && (rights & 4);
    // No processor of ours has memory that can be written or executed but not read.
    if (bytes == 0 || !(rights & 1) || rights > 7 || is_wx) return KOS_STATUS_INVALID_ARGUMENT;
    Heap& heap = domain.heap;
    Word const count = bytes > Word{heap.pages} * kPageBytes ? heap.pages : round_up(bytes) / kPageBytes;
    // What cannot be there need not be tried.
    Word const quota = Word{1} << domain.untyped_bits;
    Word const in_use = domain.used_bytes - Word{heap.spare_count} * kPageBytes;
    if (in_use > quota || count > (quota - in_use) / kPageBytes) return KOS_STATUS_NOT_ENOUGH_MEMORY;
    uint32_t const first = find_free(heap, count);
    if (first == heap.pages) return KOS_STATUS_NOT_ENOUGH_MEMORY;
    for (Word page = first; page < first + count; ++page) heap.slots[page] = kReserved;
    Word const now = count < kPagesPerRequest ? count : kPagesPerRequest;
    kos_status_t const status = map_reserved(domain, first, now, rights);
    if (status != KOS_STATUS_OK) {
        give_pages(domain, first, count);
        return status;
    }
    address = kHeapBase + first * kPageBytes;
    mapped_bytes = now * kPageBytes;
    return KOS_STATUS_OK;
}

kos_status_t continue_map(Domain& domain, Word address, Word rights, Word& mapped_bytes) {
    Heap& heap = domain.heap;
    Word const first = (address - kHeapBase) / kPageBytes;
    bool const is_wx = (rights & 2) && (rights & 4);
    bool const is_reserved =
        address >= kHeapBase && address % kPageBytes == 0 && first < heap.pages && heap.slots[first] == kReserved;
    if (!is_reserved || !(rights & 1) || rights > 7 || is_wx) return KOS_STATUS_INVALID_ARGUMENT;
    Word count = 0;
    while (count < kPagesPerRequest && first + count < heap.pages && heap.slots[first + count] == kReserved) ++count;
    mapped_bytes = count * kPageBytes;
    return map_reserved(domain, first, count, rights);
}

kos_status_t unmap_heap(Domain& domain, Word address, Word bytes, Word& left_bytes) {
    Heap& heap = domain.heap;
    Word const first = (address - kHeapBase) / kPageBytes;
    Word const count = round_up(bytes) / kPageBytes;
    bool const is_inside = address >= kHeapBase && address % kPageBytes == 0 && count != 0 && first < heap.pages &&
                           count <= heap.pages - first;
    if (!is_inside) return KOS_STATUS_INVALID_ARGUMENT;
    // Whole mappings only: an unmapped page lies on either side of each.
    for (Word i = 0; i < count; ++i) {
        if (!heap.slots[first + i]) return KOS_STATUS_INVALID_ARGUMENT;
    }
    bool const is_whole =
        (first == 0 || !heap.slots[first - 1]) && (first + count == heap.pages || !heap.slots[first + count]);
    if (!is_whole) return KOS_STATUS_INVALID_ARGUMENT;
    // From the end, so that what is left is a whole mapping as well.
    Word const now = count < kPagesPerRequest ? count : kPagesPerRequest;
    give_pages(domain, first + count - now, now);
    left_bytes = (count - now) * kPageBytes;
    return KOS_STATUS_OK;
}

}  // namespace root
