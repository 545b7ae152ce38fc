// A program's memory: mappings, the pages that are present, and the server's way to them.
//
// The server never uses a program's addresses: `window` finds the frame behind an address, makes it present as a fault
// of the program would, and gives the server's own mapping of it. What is mapped for the program's processor is the
// business of MachineSpace.
#pragma once

#include "base/ref.h"
#include "base/result.h"
#include "mm/frame.h"
#include "vfs/file.h"

#include <stdint.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kos::lx {

constexpr uint32_t kPROT_READ = 1, kPROT_WRITE = 2, kPROT_EXEC = 4;
constexpr uint32_t kMAP_SHARED = 1, kMAP_PRIVATE = 2, kMAP_SHARED_VALIDATE = 3, kMAP_TYPE = 15, kMAP_FIXED = 0x10,
                   kMAP_ANONYMOUS = 0x20, kMAP_GROWSDOWN = 0x100, kMAP_DENYWRITE = 0x800, kMAP_EXECUTABLE = 0x1000,
                   kMAP_LOCKED = 0x2000, kMAP_NORESERVE = 0x4000, kMAP_POPULATE = 0x8000, kMAP_NONBLOCK = 0x10000,
                   kMAP_STACK = 0x20000, kMAP_HUGETLB = 0x40000, kMAP_SYNC = 0x80000, kMAP_FIXED_NOREPLACE = 0x100000;

// User addresses: below 2^47 on seL4 (sel4-abi 0.7); the first 64 KiB stay empty, as with vm.mmap_min_addr.
constexpr uint64_t kUserBegin = 0x10000, kUserEnd = 0x7fff'ffff'f000;

class CallStubs;

// The kernel's side of an address space.
class MachineSpace {
public:
    virtual ~MachineSpace() = default;
    // Maps a frame for the program. `handle` (0: not mapped yet) names the mapping from then on. kENOMEM.
    virtual Status map(uint64_t address, Frame& frame, uint32_t protection, uint32_t& handle) = 0;
    // The same of a large frame; no page of the kLargeBytes at `address` is mapped.
    virtual Status map_large(uint64_t, Frame&, uint32_t, uint32_t&) { return Errno::kENOMEM; }
    virtual void protect(uint64_t address, Frame& frame, uint32_t protection, uint32_t handle) = 0;
    virtual void unmap(uint64_t address, uint32_t handle) = 0;
    // Nobody runs in it any more: what is left is only unmapped.
    virtual void close() {}
};

// madvise(2), in Mapping::flags.
constexpr uint32_t kMappingDontFork = 1u << 30, kMappingWipeOnFork = 1u << 31;

struct Mapping {
    uint64_t start = 0, end = 0;
    uint32_t protection = 0;
    uint32_t flags = 0;          // kMAP_*
    Ref<File> file;              // nullptr: anonymous. Shared anonymous memory has a file of its own (tmpfs)
    uint64_t offset = 0;         // in the file, of `start`
    const char* name = nullptr;  // "[heap]", "[stack]", "[vdso]"; of /proc/self/maps

    uint64_t bytes() const { return end - start; }
    bool is_shared() const { return flags & kMAP_SHARED; }
};

class AddressSpace final : public Counted {
public:
    static Result<Ref<AddressSpace>> create(FrameSource& frames, std::unique_ptr<MachineSpace> machine);
    ~AddressSpace() override;
    // For fork(2): the same mappings; private pages are copied when one of the two writes.
    Result<Ref<AddressSpace>> copy(std::unique_ptr<MachineSpace> machine);

    // --- The server's access. kEFAULT where the program itself would get SIGSEGV or SIGBUS; what was moved before the
    // bad byte stays moved.
    Status copy_in(void* to, uint64_t from, size_t bytes);
    Status copy_out(uint64_t to, const void* from, size_t bytes);
    Status zero(uint64_t address, size_t bytes);
    // At most `most` bytes with the zero; kENAMETOOLONG.
    Result<std::string> read_text(uint64_t address, size_t most);
    // Up to the end of the page. Writable if `for_write`. Valid until the address space changes.
    Result<std::span<std::byte>> window(uint64_t address, size_t most, bool for_write);
    // Aligned words that programs change at the same time (futexes). Sequentially consistent.
    Result<uint32_t> load_word(uint64_t address);
    Result<bool> exchange_word(uint64_t address, uint32_t expected, uint32_t desired, uint32_t& found);
    // What names a word across address spaces for futexes of shared memory: the frame and offset. kEFAULT.
    struct SharedKey {
        uint64_t object, offset;
    };
    Result<SharedKey> shared_key(uint64_t address);

    // --- A fault of the program: `access` is a kPROT_*. OK: go on. kEFAULT: SIGSEGV (`code`: SEGV_MAPERR 1,
    // SEGV_ACCERR 2); kENXIO: SIGBUS; kENOMEM: the quota is used up.
    Status fault(uint64_t address, uint32_t access, int& code);

    // --- The calls of mmap(2) and relatives; arguments as the program gave them.
    Result<uint64_t> map(uint64_t address, uint64_t bytes, uint32_t protection, uint32_t flags, Ref<File> file,
                         uint64_t offset, const char* name = nullptr);
    Status unmap(uint64_t address, uint64_t bytes);
    Status protect(uint64_t address, uint64_t bytes, uint32_t protection);
    Result<uint64_t> remap(uint64_t old_address, uint64_t old_bytes, uint64_t new_bytes, uint32_t flags,
                           uint64_t new_address);
    Status advise(uint64_t address, uint64_t bytes, unsigned advice);
    Status synchronize(uint64_t address, uint64_t bytes, uint32_t flags);
    Status present(uint64_t address, uint64_t bytes, uint8_t* one_byte_per_page);  // page_state.h
    uint64_t set_break(uint64_t address);                                          // brk(2): the break afterwards

    // A file's pages from `first` on (to `last`, exclusive) no longer exist (truncate): unmapped here.
    void forget_pages(const Inode& inode, uint64_t first, uint64_t last);

    const std::map<uint64_t, Mapping>& mappings() const { return mappings_; }
    const Mapping* find(uint64_t address) const;
    // The call behind whose stub (mm/call_stubs.h) `address` is: the stub's first word; 0: none there.
    uint64_t stub_at(uint64_t address) const;
    uint64_t resident_pages() const { return resident_; }
    uint64_t mapped_bytes() const { return mapped_; }

    uint64_t break_start = 0, break_end = 0;
    uint64_t limit_bytes = ~uint64_t{0};  // RLIMIT_AS
    uint64_t shim = 0;                    // where the shim is mapped (shim/)
    MachineSpace& machine() { return *machine_; }

private:
    // One page of the program that is present.
    struct Page {
        Ref<Frame> frame;
        uint32_t handle = 0;         // of MachineSpace; 0: the program's processor does not know it
        uint8_t machine_rights = 0;  // kPROT_*, as the processor has it
        bool is_anonymous = false;   // a copy of this program's, which it may write to if nobody else has it
        bool is_code = false;        // of a file, to be executed: its call sites are rewritten
    };
    static constexpr unsigned kTablePages = kLargePages;
    static constexpr uint64_t kTableBytes = kLargeBytes;
    static constexpr unsigned kWordPages = 64;
    // All of it is either pages or one large frame. That is always anonymous and private, of one mapping, and without
    // kPROT_EXEC for the processor.
    struct Table {
        Page pages[kTablePages];
        uint64_t made[kTablePages / kWordPages] = {};  // those that may be there
        Ref<Frame> large;
        uint32_t large_handle = 0;
        uint8_t large_rights = 0;
        unsigned count() const;  // of pages that may be there
    };
    using Mappings = std::map<uint64_t, Mapping>;

    AddressSpace(FrameSource& frames, std::unique_ptr<MachineSpace> machine);
    enum class Reach : uint8_t { kServer, kProgram };
    Table* find_table(uint64_t address);
    Page* find_page(uint64_t address);  // nullptr: not present
    Page& make_page(uint64_t address);  // an empty one, if it is not there
    void drop_page(uint64_t address, Table& table, Page& page);
    void drop_pages(uint64_t start, uint64_t end);  // of a large frame that is needed further: zeroed
    // --- Large frames (large_pages.cpp). [from, to): what need not be kept, within the table.
    bool may_be_large(const Mapping& mapping, uint64_t base);
    Status make_large(const Mapping& mapping, uint64_t base);
    Status break_large(uint64_t base, Table& table, uint64_t from, uint64_t to);
    Status break_at(uint64_t address);                  // so that a mapping may begin or end there
    Status break_around(uint64_t start, uint64_t end);  // the same for what will be dropped
    Status forget_part(uint64_t start, uint64_t end);   // before drop_pages of what stays mapped
    Status own_large(uint64_t base, Table& table);
    Status show_large(const Mapping& mapping, uint64_t base, Table& table);
    Result<std::byte*> touch_large(const Mapping& mapping, uint64_t address, uint32_t access, Reach reach,
                                   Table& table);
    void drop_large(uint64_t base, Table& table);
    void share_large(const Mapping& mapping, AddressSpace& with);
    Status move_large(uint64_t from, uint64_t to, uint64_t bytes);
    template <class Visit>
    void each_large(uint64_t start, uint64_t end, Visit visit);  // visit(base, table) of those with a part in it
    template <class Visit>
    void each_page(uint64_t start, uint64_t end, Visit visit);  // visit(address, table, page) of the present ones

    // The page behind `address`, with a frame that `access` is allowed on. kProgram: the processor gets it too.
    Result<std::byte*> touch(uint64_t address, uint32_t access, Reach reach, int& code);  // its first byte
    Result<std::byte*> touch(const Mapping& mapping, uint64_t address, uint32_t access, Reach reach);
    Status fill(const Mapping& mapping, uint64_t address, bool for_write, Page& page);
    Status own(Page& page);  // replaces a frame that others have as well by a copy
    Status show(const Mapping& mapping, uint64_t address, Page& page);
    // Stubs of a mapped file's code.
    struct StubArea {
        Ref<CallStubs> stubs;
        int64_t file_start;  // where the file's first byte is or would be
        uint64_t start, end;
        uint32_t seen = 0;  // stubs that there were when this space's mappings of them were last brought up to date
    };
    bool must_rewrite(const Mapping& mapping, const Page& page) const;
    Status rewrite(const Mapping& mapping, uint64_t address, Page& page);
    Result<StubArea*> stub_area(const Mapping& mapping);
    Result<uint64_t> find_room_near(uint64_t start, uint64_t end, uint64_t bytes) const;
    void forget_stubs(uint64_t start, uint64_t end);
    void fault_around(const Mapping& mapping, uint64_t address, uint32_t access);

    Mappings::iterator split(uint64_t address);
    void merge_around(Mappings::iterator mapping);
    bool is_free(uint64_t start, uint64_t end) const;
    Result<uint64_t> find_room(uint64_t bytes, uint64_t hint) const;
    template <class Visit>
    Status each_mapping(uint64_t start, uint64_t end, Visit visit);  // whole ones; kENOMEM if there are gaps

    FrameSource& frames_;
    std::unique_ptr<MachineSpace> machine_;
    unsigned around_pages_ = 0;  // fault_around; 0: no fault yet
    unsigned faults_ = 0;        // since it has grown
    Mappings mappings_;
    std::map<uint64_t, std::unique_ptr<Table>> tables_;  // by address / (kTablePages * kPageBytes)
    std::vector<StubArea> stub_areas_;
    Table* last_table_ = nullptr;
    uint64_t last_table_number_ = 0;
    uint64_t resident_ = 0;
    uint64_t mapped_ = 0;
};

template <class Visit>
void AddressSpace::each_page(uint64_t start, uint64_t end, Visit visit) {
    for (auto table = tables_.lower_bound(start / kTableBytes); table != tables_.end(); ++table) {
        uint64_t const base = table->first * kTableBytes;
        if (base >= end) break;
        uint64_t const from = std::max(start, base), to = std::min(end, base + kTableBytes);
        for (uint64_t at = from; at < to; at += kPageBytes) {
            uint64_t const index = (at - base) / kPageBytes;
            uint64_t const rest = table->second->made[index / kWordPages] >> index % kWordPages;
            if (rest == 0) {
                at = base + (index / kWordPages * kWordPages + kWordPages - 1) * kPageBytes;
                continue;
            }
            at += static_cast<uint64_t>(__builtin_ctzll(rest)) * kPageBytes;
            if (at >= to) break;
            Page& page = table->second->pages[(at - base) / kPageBytes];
            if (page.frame) visit(at, *table->second, page);
        }
    }
}

template <class Visit>
void AddressSpace::each_large(uint64_t start, uint64_t end, Visit visit) {
    for (auto table = tables_.lower_bound(start / kTableBytes); table != tables_.end(); ++table) {
        uint64_t const base = table->first * kTableBytes;
        if (base >= end) break;
        if (table->second->large) visit(base, *table->second);
    }
}

// A frame of zeros that everybody may read, for pages that nobody has written to.
Ref<Frame> zero_frame(FrameSource& frames);

}  // namespace kos::lx
