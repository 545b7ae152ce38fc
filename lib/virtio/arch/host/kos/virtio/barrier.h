/*
 * The barriers of the unit tests, where the device is another thread or the same one.
 */
#ifndef KOS_VIRTIO_BARRIER_H_
#define KOS_VIRTIO_BARRIER_H_

#include <atomic>

namespace kos::virtio {

inline void dma_store_barrier() { std::atomic_thread_fence(std::memory_order_release); }
inline void dma_load_barrier() { std::atomic_thread_fence(std::memory_order_acquire); }
inline void dma_barrier() { std::atomic_thread_fence(std::memory_order_seq_cst); }

}  // namespace kos::virtio

#endif
