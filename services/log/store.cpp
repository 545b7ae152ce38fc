#include "store.h"

#include "../common/crc32.h"

namespace kos::log {
namespace {

// Begins with a byte that escaped text never contains: nobody can write a line that looks like a record.
constexpr uint32_t kRecordMagic = 0x474f4c01;
constexpr uint64_t kLastSequence = uint64_t{1} << 62;
constexpr size_t kMostBytes = 16 * 1024 * 1024;

constexpr uint32_t align8(size_t bytes) { return static_cast<uint32_t>((bytes + 7) & ~size_t{7}); }

}  // namespace

// Each field is written as a whole, so none can be torn; what makes no sense is corrected when it is read.
struct Store::Header {
    uint64_t console_position;
    uint64_t root_position;
    uint32_t instances[KOS_MAX_DOMAINS];
};

struct Store::Record {
    uint32_t magic;
    uint32_t crc;  // of everything after it
    uint64_t sequence;
    uint64_t ticks;
    uint32_t instance;
    uint16_t domain;
    uint8_t level;
    uint8_t bytes;
    char text[];
};

Store::Record* Store::record_at(uint32_t offset) const { return reinterpret_cast<Record*>(area_ + offset); }

bool Store::open(void* memory, size_t bytes) {
    static_assert(sizeof(Header) <= kHeaderBytes);
    if (memory == nullptr || bytes < kSmallestBytes || bytes > kMostBytes) return false;
    if (reinterpret_cast<uintptr_t>(memory) % 8 != 0) return false;
    header_ = static_cast<Header*>(memory);
    area_ = static_cast<uint8_t*>(memory) + kHeaderBytes;
    area_bytes_ = static_cast<uint32_t>((bytes - kHeaderBytes) & ~size_t{7});
    recover();
    return true;
}

// Copies the record at `offset` if it is whole. The copy is what is checked, since the writer may be at work on the
// original.
bool Store::check(uint32_t offset, Line* line) const {
    if (offset > area_bytes_ - sizeof(Record)) return false;
    const Record* record = record_at(offset);
    if (__atomic_load_n(&record->magic, __ATOMIC_ACQUIRE) != kRecordMagic) return false;
    Record header;
    __builtin_memcpy(&header, record, sizeof header);
    if (header.bytes > KOS_LOG_TEXT_MAX || header.bytes > area_bytes_ - sizeof(Record) - offset) return false;
    __builtin_memcpy(line->text, record->text, header.bytes);
    const uint32_t head_crc = service::crc32(&header.sequence, sizeof header - offsetof(Record, sequence));
    if (service::crc32(line->text, header.bytes, head_crc) != header.crc) return false;
    if (header.sequence == 0 || header.sequence > kLastSequence) return false;
    if (header.level < KOS_LOG_ERROR || header.level > KOS_LOG_DEBUG || header.domain >= KOS_MAX_DOMAINS) return false;
    line->sequence = header.sequence;
    line->ticks = header.ticks;
    line->instance = header.instance;
    line->domain = header.domain;
    line->level = header.level;
    line->bytes = header.bytes;
    return true;
}

void Store::recover() {
    Line line;
    uint64_t newest = 0;
    head_ = 0;
    for (uint32_t offset = 0; offset + sizeof(Record) <= area_bytes_; offset += 8) {
        if (!check(offset, &line) || line.sequence <= newest) continue;
        newest = line.sequence;
        head_ = offset + align8(sizeof(Record) + line.bytes);
    }
    constexpr uint32_t kNone = UINT32_MAX;
    for (uint32_t& offset : offsets_) offset = kNone;
    for (uint32_t offset = 0; newest != 0 && offset + sizeof(Record) <= area_bytes_; offset += 8) {
        if (check(offset, &line) && newest - line.sequence < kMostLines) offsets_[line.sequence % kMostLines] = offset;
    }
    // Older lines count as far as they reach back without a gap.
    uint64_t oldest = newest + 1;
    while (oldest > 1 && newest + 1 - oldest < kMostLines && offsets_[(oldest - 1) % kMostLines] != kNone) --oldest;
    oldest_ = oldest;
    next_ = newest + 1;
    recovered_ = next_ - oldest_;
}

// Gives up the lines that lie in [from, to). They are the oldest ones, because lines are written in the order of
// addresses.
void Store::evict(uint32_t from, uint32_t to) {
    while (oldest_ != next_) {
        const uint32_t offset = offsets_[oldest_ % kMostLines];
        const uint32_t end = offset + align8(sizeof(Record) + record_at(offset)->bytes);
        if (end <= from || offset >= to) break;
        __atomic_store_n(&oldest_, oldest_ + 1, __ATOMIC_RELEASE);
    }
}

uint64_t Store::append(const Line& line) {
    const uint32_t size = align8(sizeof(Record) + line.bytes);
    if (size > area_bytes_ - head_) {
        // Records do not wrap. What is left at the end goes out of use, so that it is not found by `recover` later.
        evict(head_, area_bytes_);
        if (area_bytes_ - head_ >= sizeof(uint32_t)) __atomic_store_n(&record_at(head_)->magic, 0u, __ATOMIC_RELAXED);
        head_ = 0;
    }
    evict(head_, head_ + size);
    if (next_ - oldest_ == kMostLines) __atomic_store_n(&oldest_, oldest_ + 1, __ATOMIC_RELEASE);

    Record* record = record_at(head_);
    __atomic_store_n(&record->magic, 0u, __ATOMIC_RELAXED);
    // Readers see the old record as gone before its bytes change; and the new one after they have.
    __atomic_thread_fence(__ATOMIC_RELEASE);
    record->sequence = next_;
    record->ticks = line.ticks;
    record->instance = line.instance;
    record->domain = line.domain;
    record->level = line.level;
    record->bytes = line.bytes;
    __builtin_memcpy(record->text, line.text, line.bytes);
    record->crc = service::crc32(&record->sequence, sizeof(Record) - offsetof(Record, sequence) + line.bytes);
    __atomic_store_n(&record->magic, kRecordMagic, __ATOMIC_RELEASE);

    __atomic_store_n(&offsets_[next_ % kMostLines], head_, __ATOMIC_RELEASE);
    head_ += size;
    __atomic_store_n(&next_, next_ + 1, __ATOMIC_RELEASE);
    return next_ - 1;
}

bool Store::read(uint64_t sequence, Line* line) const {
    if (sequence >= next() || sequence < oldest()) return false;
    const uint32_t offset = __atomic_load_n(&offsets_[sequence % kMostLines], __ATOMIC_ACQUIRE);
    return check(offset, line) && line->sequence == sequence;
}

uint64_t Store::console_position() const {
    const uint64_t position = __atomic_load_n(&header_->console_position, __ATOMIC_ACQUIRE);
    return position > next() ? next() : position;
}

void Store::set_console_position(uint64_t sequence) {
    __atomic_store_n(&header_->console_position, sequence, __ATOMIC_RELEASE);
}

uint64_t Store::root_position() const { return __atomic_load_n(&header_->root_position, __ATOMIC_ACQUIRE); }

void Store::set_root_position(uint64_t sequence) {
    __atomic_store_n(&header_->root_position, sequence, __ATOMIC_RELEASE);
}

uint32_t Store::instance(uint16_t domain) const {
    return domain < KOS_MAX_DOMAINS ? __atomic_load_n(&header_->instances[domain], __ATOMIC_RELAXED) : 0;
}

void Store::set_instance(uint16_t domain, uint32_t instance) {
    if (domain < KOS_MAX_DOMAINS) __atomic_store_n(&header_->instances[domain], instance, __ATOMIC_RELAXED);
}

}  // namespace kos::log
