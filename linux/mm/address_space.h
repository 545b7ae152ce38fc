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

#include <map>
#include <memory>
#include <span>
#include <string>

namespace kos::lx {

constexpr uint32_t kPROT_READ = 1, kPROT_WRITE = 2, kPROT_EXEC = 4;
constexpr uint32_t kMAP_SHARED = 1, kMAP_PRIVATE = 2, kMAP_SHARED_VALIDATE = 3, kMAP_TYPE = 15, kMAP_FIXED = 0x10,
                   kMAP_ANONYMOUS = 0x20, kMAP_GROWSDOWN = 0x100, kMAP_DENYWRITE = 0x800, kMAP_EXECUTABLE = 0x1000,
                   kMAP_LOCKED = 0x2000, kMAP_NORESERVE = 0x4000, kMAP_POPULATE = 0x8000, kMAP_NONBLOCK = 0x10000,
                   kMAP_STACK = 0x20000, kMAP_HUGETLB = 0x40000, kMAP_SYNC = 0x80000, kMAP_FIXED_NOREPLACE = 0x100000;

// User addresses: below 2^47 on seL4 (sel4-abi 0.7); the first 64 KiB stay empty, as with vm.mmap_min_addr.
constexpr uint64_t kUserBegin = 0x10000, kUserEnd = 0x7fff'ffff'f000;

// The kernel's side of an address space.
class MachineSpace {
public:
    virtual ~MachineSpace() = default;
    // Maps a frame for the program. `handle` (0: not mapped yet) names the mapping from then on. kENOMEM.
    virtual Status map(uint64_t address, Frame& frame, uint32_t protection, uint32_t& handle) = 0;
    virtual void protect(uint64_t address, Frame& frame, uint32_t protection, uint32_t handle) = 0;
    virtual void unmap(uint64_t address, uint32_t handle) = 0;
};

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
    Status present(uint64_t address, uint64_t bytes, uint8_t* one_byte_per_page);  // mincore(2)
    uint64_t set_break(uint64_t address);                                          // brk(2): the break afterwards

    // A file's pages from `first` on (to `last`, exclusive) no longer exist (truncate): unmapped here.
    void forget_pages(const Inode& inode, uint64_t first, uint64_t last);

    const std::map<uint64_t, Mapping>& mappings() const { return mappings_; }
    const Mapping* find(uint64_t address) const;
    uint64_t resident_pages() const { return resident_; }
    uint64_t mapped_bytes() const;

    uint64_t break_start = 0, break_end = 0;
    uint64_t limit_bytes = ~uint64_t{0};  // RLIMIT_AS
    uint64_t shim = 0;                    // where the shim is mapped (shim/)
    MachineSpace& machine() { return *machine_; }

private:
    struct Page;
    struct Table;
    AddressSpace(FrameSource& frames, std::unique_ptr<MachineSpace> machine);
    Page* find_page(uint64_t address);
    Result<Page*> touch(uint64_t address, uint32_t access, int& code);
    std::map<uint64_t, Mapping>::iterator split(uint64_t address);
    void drop_pages(uint64_t start, uint64_t end);
    void merge(uint64_t start, uint64_t end);
    Result<uint64_t> find_room(uint64_t bytes, uint64_t hint) const;

    FrameSource& frames_;
    std::unique_ptr<MachineSpace> machine_;
    std::map<uint64_t, Mapping> mappings_;
    std::map<uint64_t, std::unique_ptr<Table>> tables_;
    Table* last_table_ = nullptr;
    uint64_t last_table_number_ = 0;
    uint64_t resident_ = 0;
};

}  // namespace kos::lx
