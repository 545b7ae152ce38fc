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

namespace kos::runtime {

CPtr acknowledged_later;
bool is_in_signalled;

void acknowledge_what_was_left() {
    CPtr const handler = acknowledged_later;
    acknowledged_later = 0;
    if (handler) sel4::irq_handler_ack(handler);
}

}  // namespace kos::runtime

void kos_dev_interrupt_acknowledge(const kos_interrupt_t* interrupt) {
    if (!is_in_signalled || thread_number() != 0) {
        sel4::irq_handler_ack(interrupt->handler);
        return;
    }
    // A device that keeps its line active interrupts again at once, and signals come before calls: callers would wait
    // for ever. So the server loop lets the next interrupt through in the step in which it looks for a caller.
    if (acknowledged_later != interrupt->handler) acknowledge_what_was_left();
    acknowledged_later = interrupt->handler;
}

kos_status_t kos_dev_dma(const char* name, kos_dma_t* memory) {
    for (const kos_startup_dma_t& entry : entries<kos_startup_dma_t>(startup->dma)) {
        if (same_name(entry.name, name)) {
            *memory = {reinterpret_cast<void*>(entry.address), entry.physical, entry.bytes};
            return KOS_STATUS_OK;
        }
    }
    return KOS_STATUS_NOT_FOUND;
}
