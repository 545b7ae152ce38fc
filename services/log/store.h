/*
 * The ring of log lines in memory that survives restarts of the log.
 *
 * One writer (the thread that serves) and any number of readers on other threads, without locks: a reader copies a line
 * and then checks that the copy is whole. A log that dies in the middle of a line leaves a torn one; `open` skips it
 * and finds the others again by their checksums. Positions that survive too: how far the console and root's ring have
 * been followed.
 */
#ifndef KOS_SERVICES_LOG_STORE_H_
#define KOS_SERVICES_LOG_STORE_H_

#include <kos/log.h>
#include <kos/ports.h>

#include <stddef.h>
#include <stdint.h>

namespace kos::log {

struct Line {
    uint64_t sequence;  // from 1, never reused
    uint64_t ticks;
    uint32_t instance;
    uint16_t domain;
    uint8_t level;
    uint8_t bytes;
    char text[KOS_LOG_TEXT_MAX];
};

class Store {
public:
    static constexpr size_t kHeaderBytes = 512;
    static constexpr size_t kSmallestBytes = 8192;
    static constexpr size_t kMostLines = 2048;

    // Takes the memory over as it is. False if it is too small, larger than 16 MiB or not aligned to 8 bytes.
    [[nodiscard]] bool open(void* memory, size_t bytes);

    // Writer. `line.sequence` is ignored; returns the one that the line got. The text must be escaped already.
    uint64_t append(const Line& line);

    // Reader: the line `sequence`. False if it is no longer or not yet there.
    [[nodiscard]] bool read(uint64_t sequence, Line* line) const;

    uint64_t oldest() const { return __atomic_load_n(&oldest_, __ATOMIC_ACQUIRE); }
    uint64_t next() const { return __atomic_load_n(&next_, __ATOMIC_ACQUIRE); }  // the sequence number to come
    uint64_t recovered() const { return recovered_; }                            // lines found by open

    // Position of the console, at most `next`; below `oldest` if lines were overwritten before it came to them, 0 at
    // first.
    uint64_t console_position() const;
    void set_console_position(uint64_t sequence);
    uint64_t root_position() const;
    void set_root_position(uint64_t sequence);
    // Instance of each domain as root has told it.
    uint32_t instance(uint16_t domain) const;
    void set_instance(uint16_t domain, uint32_t instance);

private:
    struct Header;
    struct Record;

    Record* record_at(uint32_t offset) const;
    bool check(uint32_t offset, Line* line) const;
    void evict(uint32_t from, uint32_t to);
    void recover();

    uint8_t* area_ = nullptr;
    Header* header_ = nullptr;
    uint32_t area_bytes_ = 0;
    uint32_t head_ = 0;  // offset of the next record
    uint64_t oldest_ = 1;
    uint64_t next_ = 1;
    uint64_t recovered_ = 0;
    uint32_t offsets_[kMostLines] = {};  // of line n at n % kMostLines
};

}  // namespace kos::log

#endif
