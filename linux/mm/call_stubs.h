// Call sites of a program's code: each `svc #0` of a file that is mapped to be executed becomes a branch to a stub,
// which calls the shim (docs/adr/0008). So a call costs no fault that carries all registers, the shim can answer some
// itself, and no value of x7 is taken for a call of the kernel.
//
// A CallStubs is the stubs of one file, as a file of its own: its pages are mapped near the code, at a fixed distance.
// Who maps the same file with the same distance shares stubs and rewritten pages.
#pragma once

#include "mm/frame.h"
#include "vfs/file.h"

#include <map>
#include <span>
#include <vector>

namespace kos::lx {

// A branch reaches 128 MiB either way; and some room for the stubs themselves.
constexpr uint64_t kBranchReach = (uint64_t{128} << 20) - (uint64_t{1} << 20);

// --- One stub, in words: store x16 and x30; load the shim's entry; call it; restore both; branch behind the site.
constexpr uint32_t kStubWords = 5, kStubBytes = kStubWords * 4;
constexpr uint32_t kStubReturn = 3;     // word behind the call
constexpr uint32_t kStubsInPage = 204;  // the page's last eight bytes are the entry's address

class CallStubs final : public File {
public:
    // `distance`: from the first byte of the file to the first stub, in whichever address space. `shim`: its address.
    // Of a file whose contents never change (Inode::immutable) there is one for each distance; else one for each
    // caller.
    static Ref<CallStubs> of(FrameSource& frames, const Ref<File>& file, int64_t distance, uint64_t shim);
    ~CallStubs() override;
    // Some that nobody maps just now are kept for who comes next: not any more.
    static void forget_unused();

    static bool has_candidates(const std::byte* page);
    // Page `index` of the file with its calls rewritten, a frame of its own; null: it has none. `original`: its bytes.
    // kENOMEM also when there is no stub left. `stubs`: the pages of stubs that it needs.
    struct Range {
        uint64_t first = 0, end = 0;
    };
    Result<Ref<Frame>> rewrite(uint64_t index, const Frame& original, Range& stubs);
    // Who maps the file with this distance shares it; else it is one program's alone.
    bool is_shared() const { return bool(identity_); }
    uint32_t count() const { return count_; }  // of stubs; never fewer than before
    // `contents`: the file's Inode::immutable.
    bool is_of(const File& file, const Inode* contents) const {
        return contents ? contents == identity_.get() : !identity_ && file.inode() == inode_.get();
    }
    CallStubs* as_call_stubs() override { return this; }

    bool can_map() const override { return true; }
    Result<Ref<Frame>> page(uint64_t index, bool) override;

    // Pages that the stubs of a file with so many pages of code may need.
    static uint64_t room_for(uint64_t code_pages);

private:
    struct Part {  // of the file, in bytes
        uint64_t start, end;
    };
    struct Rewritten {
        Ref<Frame> frame;
        Range stubs;
    };
    using Key = std::pair<const Inode*, int64_t>;
    CallStubs(FrameSource& frames, int64_t distance, uint64_t shim)
        : frames_(frames), distance_(distance), shim_(shim) {}
    void read_sections(File& file);
    bool is_site(const uint32_t* words, uint64_t index, unsigned at) const;
    Result<uint64_t> add(uint64_t site);  // offset of the new stub; `site`: offset in the file

    static std::map<Key, CallStubs*> known_;
    static Ref<CallStubs> recent_[8];  // kept although nobody maps them just now
    static unsigned next_recent_;

    FrameSource& frames_;
    int64_t const distance_;
    uint64_t const shim_;
    Ref<Inode> identity_;  // of contents that never change
    Ref<Inode> inode_;     // both are kept alive, so that their addresses mean them
    std::vector<Part> code_;
    bool has_sections_ = false;
    std::vector<Ref<Frame>> pages_;
    uint32_t count_ = 0;
    std::map<uint64_t, Rewritten> rewritten_;
};

}  // namespace kos::lx
