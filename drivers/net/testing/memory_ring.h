/*
 * A ring of net_link.h for unit tests: the core of lib/ring over memory of the test, without anybody to wake.
 */
#ifndef KOS_DRIVERS_NET_MEMORY_RING_H_
#define KOS_DRIVERS_NET_MEMORY_RING_H_

#include <kos/ring_core.h>
#include <kos/status.h>

#include <stdint.h>
#include <span>

namespace kos::net::testing {

class MemoryRing {
public:
    explicit MemoryRing(std::span<uint8_t> area) : area_(area) {}

    kos_status_t open(size_t offset, size_t bytes, bool is_producer) {
        if (offset > area_.size() || bytes > area_.size() - offset) return KOS_STATUS_INVALID_ARGUMENT;
        memory_ = area_.subspan(offset, bytes);
        is_producer_ = is_producer;
        return finish(kos_ring_core_open(&core_, memory_.data(), memory_.size(), is_producer ? 1 : 0));
    }
    void reset() { (void)finish(kos_ring_core_open(&core_, memory_.data(), memory_.size(), is_producer_ ? 1 : 0)); }
    kos_status_t read(void* bytes, size_t count, size_t* done) {
        return finish(kos_ring_core_read(&core_, bytes, count, done));
    }
    kos_status_t write(const void* bytes, size_t count, size_t* done) {
        return finish(kos_ring_core_write(&core_, bytes, count, done));
    }
    int prepare_wait(size_t wanted) { return kos_ring_core_prepare_wait(&core_, wanted); }

    unsigned wakes = 0;

private:
    kos_status_t finish(kos_ring_result_t result) {
        if (kos_ring_core_take_wake(&core_) != 0) wakes++;
        switch (result) {
            case KOS_RING_OK: return KOS_STATUS_OK;
            case KOS_RING_WAIT: return is_producer_ ? KOS_STATUS_FULL : KOS_STATUS_EMPTY;
            case KOS_RING_GONE: return KOS_STATUS_PEER_GONE;
            case KOS_RING_INVALID: return KOS_STATUS_PEER_INVALID;
            case KOS_RING_TOO_LONG:
            case KOS_RING_MISUSE: return KOS_STATUS_INVALID_ARGUMENT;
        }
        return KOS_STATUS_INTERNAL_ERROR;
    }

    std::span<uint8_t> area_, memory_;
    bool is_producer_ = false;
    kos_ring_core_t core_{};
};

}  // namespace kos::net::testing

#endif
