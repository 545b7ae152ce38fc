/*
 * Order between this core's accesses to memory that a device shares, and between those and the device's registers.
 *
 * Outer shareable: devices are not in the inner domain of the cores. A DMB orders normal memory against device memory
 * as well (DDI 0487, B2.3.11), so what stands before dma_barrier() is there when a later register write reaches the
 * device.
 */
#ifndef KOS_VIRTIO_BARRIER_H_
#define KOS_VIRTIO_BARRIER_H_

namespace kos::virtio {

// Stores before it are seen by the device before stores after it.
inline void dma_store_barrier() { asm volatile("dmb oshst" ::: "memory"); }
// Loads after it are made after the loads before it.
inline void dma_load_barrier() { asm volatile("dmb oshld" ::: "memory"); }
// Everything before it before everything after it.
inline void dma_barrier() { asm volatile("dmb osh" ::: "memory"); }

}  // namespace kos::virtio

#endif
