// Finds call sites and writes stubs. Encodings: Arm Architecture Reference Manual, A64 base instructions.
#include "mm/call_stubs.h"

#include "shim/layout.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kSvc = 0xd400'0001;           // svc #0
constexpr uint32_t kSignalReturn = 0xd280'1168;  // mov x8, #139
constexpr uint32_t kBranch = 0x1400'0000, kBranchMask = 0x03ff'ffff;
constexpr unsigned kWordsInPage = kPageBytes / 4;
constexpr uint64_t kLiteral = kPageBytes - 8;
constexpr uint64_t kPagesMost = 64;  // 13 000 sites; libc.so.6 has 510

constexpr uint32_t branch(int64_t bytes) { return kBranch | (static_cast<uint32_t>(bytes / 4) & kBranchMask); }

// Bits 28 to 25 of an instruction: 0, 1 and 3 are not allocated to any.
constexpr bool may_be_instruction(uint32_t word) {
    uint32_t const kind = word >> 25 & 0xf;
    return kind != 0 && kind != 1 && kind != 3;
}

struct SectionHeader {  // Elf64_Shdr
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t alignment, entry_size;
};
constexpr uint64_t kElfSections = 40, kElfSectionBytes = 58;  // e_shoff; e_shentsize and e_shnum
constexpr uint64_t kExecutable = 4;                           // SHF_EXECINSTR
constexpr uint32_t kNoBits = 8;                               // SHT_NOBITS
constexpr unsigned kSectionsMost = 512;

template <class T>
bool read_object(File& file, uint64_t offset, T& to) {
    LocalBuffer buffer(&to, sizeof to);
    auto const done = file.read_at(buffer, offset);
    return done.ok() && *done == sizeof to;
}

}  // namespace

std::map<CallStubs::Key, CallStubs*> CallStubs::known_;
Ref<CallStubs> CallStubs::recent_[8];
unsigned CallStubs::next_recent_;

uint64_t CallStubs::room_for(uint64_t code_pages) { return std::clamp(code_pages / 16 + 1, uint64_t{2}, kPagesMost); }

bool CallStubs::has_candidates(const std::byte* page) {
    auto const* const words = reinterpret_cast<const uint32_t*>(page);
    bool found = false;
    for (unsigned i = 0; i < kWordsInPage; ++i) found |= words[i] == kSvc;
    return found;
}

Ref<CallStubs> CallStubs::of(FrameSource& frames, const Ref<File>& file, int64_t distance, uint64_t shim) {
    Inode* const identity = file->inode() ? file->inode()->immutable() : nullptr;
    if (identity) {
        auto const found = known_.find({identity, distance});
        if (found != known_.end() && found->second->shim_ == shim) return Ref<CallStubs>(found->second);
    }
    auto const made = Ref<CallStubs>(new CallStubs(frames, distance, shim));
    made->inode_ = Ref<Inode>(file->inode());
    made->read_sections(*file);
    if (identity && known_.emplace(Key{identity, distance}, made.get()).second) {
        made->identity_ = Ref<Inode>(identity);
        recent_[next_recent_++ % std::size(recent_)] = made;
    }
    return made;
}

void CallStubs::forget_unused() {
    for (Ref<CallStubs>& stubs : recent_) stubs = nullptr;
}

CallStubs::~CallStubs() {
    if (identity_) known_.erase({identity_.get(), distance_});
}

// Where the file says that there is code. Without section headers: everywhere.
void CallStubs::read_sections(File& file) {
    uint64_t table = 0;
    struct {
        uint16_t entry_bytes, count;
    } sizes{};
    if (!read_object(file, kElfSections, table) || !read_object(file, kElfSectionBytes, sizes)) return;
    if (table == 0 || sizes.entry_bytes != sizeof(SectionHeader) || sizes.count == 0) return;
    if (table > uint64_t{INT64_MAX} / 2) return;
    unsigned const count = std::min<unsigned>(sizes.count, kSectionsMost);
    for (unsigned i = 0; i < count; ++i) {
        SectionHeader section{};
        if (!read_object(file, table + i * sizeof section, section)) return;
        if (!(section.flags & kExecutable) || section.type == kNoBits) continue;
        if (section.size > UINT64_MAX - section.offset) continue;
        code_.push_back({section.offset, section.offset + section.size});
        has_sections_ = true;
    }
}

bool CallStubs::is_site(const uint32_t* words, uint64_t index, unsigned at) const {
    if (words[at] != kSvc) return false;
    if (at > 0) {
        // Behind what is no instruction there is data. Unwinders know a signal's frame by this pair.
        if (!may_be_instruction(words[at - 1]) || words[at - 1] == kSignalReturn) return false;
    }
    uint64_t const offset = index * kPageBytes + at * 4;
    auto const holds = [&](const Part& part) { return offset >= part.start && offset + 4 <= part.end; };
    return !has_sections_ || std::any_of(code_.begin(), code_.end(), holds);
}

Result<uint64_t> CallStubs::add(uint64_t site) {
    unsigned const number = count_ % kStubsInPage;
    if (number == 0) {
        if (pages_.size() >= kPagesMost) return Errno::kENOMEM;
        KOS_TRY(Ref<Frame> page, frames_.allocate());
        uint64_t const entry = shim_ + kShimCall;
        memcpy(page->data() + kLiteral, &entry, sizeof entry);
        pages_.push_back(std::move(page));
    }
    uint64_t const in_page = number * kStubBytes;
    uint64_t const offset = (pages_.size() - 1) * kPageBytes + in_page;
    int64_t const back = static_cast<int64_t>(site + 4) - (distance_ + static_cast<int64_t>(offset) + 16);
    uint32_t const to_literal = static_cast<uint32_t>((kLiteral - (in_page + 4)) / 4);
    uint32_t const words[kStubWords] = {
        0xa93f'7bf0,                    // stp x16, x30, [sp, #-16]
        0x5800'0010 | to_literal << 5,  // ldr x16, literal
        0xd63f'0200,                    // blr x16
        0xa97f'7bf0,                    // ldp x16, x30, [sp, #-16]
        branch(back),
    };
    memcpy(pages_.back()->data() + in_page, words, sizeof words);
    ++count_;
    return offset;
}

Result<Ref<Frame>> CallStubs::rewrite(uint64_t index, const Frame& original, Range& stubs) {
    if (is_shared()) {
        if (auto const found = rewritten_.find(index); found != rewritten_.end()) {
            stubs = found->second.stubs;
            return found->second.frame;
        }
    }
    auto const* const words = reinterpret_cast<const uint32_t*>(original.data());
    Rewritten made;
    made.stubs = {count_ / kStubsInPage, 0};
    for (unsigned at = 0; at < kWordsInPage; ++at) {
        if (!is_site(words, index, at)) continue;
        if (!made.frame) {
            KOS_TRY(made.frame, frames_.allocate());
            memcpy(made.frame->data(), original.data(), kPageBytes);
        }
        uint64_t const site = index * kPageBytes + at * 4;
        auto const stub = add(site);
        if (!stub.ok()) {
            if (pages_.size() < kPagesMost) return stub.error();
            break;  // the rest stays as it is: calls by trap
        }
        uint32_t const word = branch(distance_ + static_cast<int64_t>(*stub) - static_cast<int64_t>(site));
        memcpy(made.frame->data() + at * 4, &word, sizeof word);
    }
    made.stubs.end = (count_ + kStubsInPage - 1) / kStubsInPage;
    stubs = made.stubs;
    Ref<Frame> const frame = made.frame;
    if (is_shared()) {
        if (frame) frame->is_constant = true;
        rewritten_.emplace(index, std::move(made));
    }
    return frame;
}

Result<Ref<Frame>> CallStubs::page(uint64_t index, bool) {
    if (index >= pages_.size()) return Errno::kENXIO;
    return pages_[index];
}

}  // namespace kos::lx
