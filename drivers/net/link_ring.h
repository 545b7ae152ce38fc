/*
 * A ring of net_link.h on the device: a part of the manifest's ring "net_frames", with its signals.
 */
#ifndef KOS_DRIVERS_NET_LINK_RING_H_
#define KOS_DRIVERS_NET_LINK_RING_H_

#include <kos/ring.h>

namespace kos::net {

class LinkRing {
public:
    explicit LinkRing(const kos_ring_memory_t& memory) : memory_(memory) {}

    kos_status_t open(size_t offset, size_t bytes, bool is_producer) {
        return kos_ring_open_part(&memory_, offset, bytes, is_producer ? 1 : 0, &ring_);
    }
    void reset() { kos_ring_reset(&ring_); }
    kos_status_t read(void* bytes, size_t count, size_t* done) { return kos_ring_read(&ring_, bytes, count, done); }
    kos_status_t write(const void* bytes, size_t count, size_t* done) {
        return kos_ring_write(&ring_, bytes, count, done);
    }
    int prepare_wait(size_t wanted) { return kos_ring_prepare_wait(&ring_, wanted); }
    uint64_t signal() const { return memory_.signal; }

private:
    const kos_ring_memory_t& memory_;
    kos_ring_t ring_{};
};

}  // namespace kos::net

#endif
