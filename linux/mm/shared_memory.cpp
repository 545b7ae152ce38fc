// Frames by page number, made when somebody first looks at them: who has a page sees what others write to it later.
#include "mm/shared_memory.h"

#include "mm/address_space.h"
#include "task/system.h"

#include <unordered_map>

namespace kos::lx {

namespace {

class SharedMemory final : public File {
public:
    SharedMemory(FrameSource& frames, uint64_t pages) : frames_(frames), pages_(pages) { flags = kO_RDWR; }

    bool can_map() const override { return true; }
    Result<Attributes> attributes() override {
        Attributes result;
        result.mode = kS_IFREG | 0600;
        result.size = pages_ * kPageBytes;
        return result;
    }
    Result<Ref<Frame>> page(uint64_t index, bool) override {
        if (index >= pages_) return Errno::kENXIO;
        if (auto const found = present_.find(index); found != present_.end()) return found->second;
        KOS_TRY(Ref<Frame> made, frames_.allocate());
        present_.emplace(index, made);
        return made;
    }

private:
    FrameSource& frames_;
    uint64_t const pages_;
    std::unordered_map<uint64_t, Ref<Frame>> present_;
};

}  // namespace

Result<Ref<File>> make_shared_memory(System& system, uint64_t bytes) {
    if (bytes == 0 || bytes > kUserEnd) return Errno::kEINVAL;
    return Ref<File>(new SharedMemory(system.frames, page_up(bytes) / kPageBytes));
}

}  // namespace kos::lx
