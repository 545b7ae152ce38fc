// Reading and writing of generated text (text_file.h).
#include "fs/generated/text_file.h"

#include "task/process.h"
#include "task/system.h"

namespace kos::lx::generated {

Result<Ref<File>> TextInode::open(uint32_t flags, Process& process) {
    bool const writes = (flags & kO_ACCMODE) != kO_RDONLY;
    if (writes && !node_.store) return Errno::kEACCES;
    return Ref<File>(make_ref<TextFile>(Ref<TextInode>(this), process));
}

TextFile::TextFile(Ref<TextInode> inode, Process& opener) : inode_(std::move(inode)), opener_(&opener) {}

TextFile::~TextFile() = default;

Result<size_t> TextFile::read_at(IoBuffer& to, uint64_t offset) {
    const Node& node = inode_->node();
    if (!node.text) return Errno::kEINVAL;
    if (offset == 0 || !has_text_) {
        // Waited for; the number may be somebody else's by now.
        Process* const whose = inode_->subject().process.get();
        if (whose && whose->system.find_process(whose->pid) != whose) return Errno::kESRCH;
        KOS_TRY(text_, node.text(inode_->subject(), *opener_));
        has_text_ = true;
    }
    if (offset >= text_.size() || !to.remaining()) return size_t{0};
    return to.out(text_.data() + offset, text_.size() - offset);
}

Result<size_t> TextFile::write_at(IoBuffer& from, uint64_t) {
    const Node& node = inode_->node();
    if (!node.store) return Errno::kEINVAL;
    if (from.remaining() > kPageBytes) return Errno::kEINVAL;
    char bytes[kPageBytes];
    KOS_TRY(size_t const count, from.in(bytes, from.remaining()));
    KOS_TRY_STATUS(node.store(inode_->subject(), *opener_, std::string_view(bytes, count)));
    return count;
}

Result<uint64_t> TextFile::seek(int64_t offset, unsigned whence) {
    // There is no end to count from (lseek(2) on files of proc(5)).
    int64_t sum = 0;
    if (whence > 1) return Errno::kEINVAL;
    if (__builtin_add_overflow(whence == 1 ? static_cast<int64_t>(position) : int64_t{0}, offset, &sum) || sum < 0) {
        return Errno::kEINVAL;
    }
    position = static_cast<uint64_t>(sum);
    return position;
}

}  // namespace kos::lx::generated
