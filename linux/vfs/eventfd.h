// eventfd(2): a counter that can be waited for.
#pragma once

#include "vfs/file.h"

namespace kos::lx {

constexpr uint32_t kEFD_SEMAPHORE = 1;

class EventFile final : public File {
public:
    EventFile(uint64_t value, uint32_t open_flags, bool is_semaphore);
    Result<size_t> read(IoBuffer& to) override;  // 8 bytes; kEINVAL if less is asked for
    Result<size_t> write(IoBuffer& from) override;
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    Result<Attributes> attributes() override { return attributes_; }
    std::string anonymous_name() const override { return "anon_inode:[eventfd]"; }
    std::string details() const override;

private:
    uint64_t value_;
    bool const is_semaphore_;
    Attributes attributes_;
};

}  // namespace kos::lx
