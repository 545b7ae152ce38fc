// eventfd: reading takes the counter (or one of it), writing adds.
#include "vfs/eventfd.h"

#include "vfs/anonymous.h"

#include <stdio.h>

namespace kos::lx {

namespace {
constexpr uint64_t kMost = ~uint64_t{0} - 1;
}

EventFile::EventFile(uint64_t value, uint32_t open_flags, bool is_semaphore)
    : value_(value), is_semaphore_(is_semaphore), attributes_(anonymous_attributes(kAnonymousDevice, 0600)) {
    flags = kO_RDWR | (open_flags & kO_NONBLOCK);
}

Result<size_t> EventFile::read(IoBuffer& to) {
    uint64_t taken = is_semaphore_ ? 1 : value_;
    if (to.remaining() < sizeof taken) return Errno::kEINVAL;
    if (value_ == 0) return Errno::kEAGAIN;
    KOS_TRY_STATUS(out_whole(to, &taken, sizeof taken));
    value_ -= taken;
    queue_.wake(kPOLLOUT | kPOLLWRNORM);
    return sizeof taken;
}

Result<size_t> EventFile::write(IoBuffer& from) {
    uint64_t added = 0;
    if (from.remaining() < sizeof added) return Errno::kEINVAL;
    KOS_TRY_STATUS(in_whole(from, &added, sizeof added));
    if (added == ~uint64_t{0}) return Errno::kEINVAL;
    if (added > kMost - value_) return Errno::kEAGAIN;
    value_ += added;
    queue_.wake(kPOLLIN | kPOLLRDNORM);
    return sizeof added;
}

uint32_t EventFile::poll() {
    uint32_t events = 0;
    if (value_ > 0) events |= kPOLLIN;
    if (value_ < kMost) events |= kPOLLOUT;
    return events;
}

std::string EventFile::details() const {
    char text[64];
    snprintf(text, sizeof text, "eventfd-count: %16llx\n", static_cast<unsigned long long>(value_));
    return text;
}

}  // namespace kos::lx
