// Devices, interrupts and DMA memory of the own domain (kos/dev.h): look-ups in the startup block.
#include "runtime.h"

#include <kos/dev.h>

#include <kos/sel4/objects.h>

using namespace kos;
using namespace kos::runtime;

kos_status_t kos_dev_find(const char* name, kos_device_t* device) {
    for (const kos_startup_device_t& entry : entries<kos_startup_device_t>(startup->devices)) {
        if (same_name(entry.name, name)) {
            *device = {reinterpret_cast<void*>(entry.address), entry.physical, entry.bytes};
            return KOS_STATUS_OK;
        }
    }
    return KOS_STATUS_NOT_FOUND;
}

kos_status_t kos_dev_interrupt(const char* name, kos_interrupt_t* interrupt) {
    unsigned index = 0;
    for (const kos_startup_interrupt_t& entry : entries<kos_startup_interrupt_t>(startup->interrupts)) {
        if (same_name(entry.name, name)) {
            *interrupt = {entry.slot, 1ull << (KOS_SIGNAL_IRQ_0 + index), entry.number};
            return KOS_STATUS_OK;
        }
        ++index;
    }
    return KOS_STATUS_NOT_FOUND;
}

void kos_dev_interrupt_acknowledge(const kos_interrupt_t* interrupt) { sel4::irq_handler_ack(interrupt->handler); }

kos_status_t kos_dev_dma(const char* name, kos_dma_t* memory) {
    for (const kos_startup_dma_t& entry : entries<kos_startup_dma_t>(startup->dma)) {
        if (same_name(entry.name, name)) {
            *memory = {reinterpret_cast<void*>(entry.address), entry.physical, entry.bytes};
            return KOS_STATUS_OK;
        }
    }
    return KOS_STATUS_NOT_FOUND;
}
