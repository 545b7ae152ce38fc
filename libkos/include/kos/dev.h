// Devices: registers, interrupts and DMA memory that the manifest gives to this domain.
#pragma once

#include <kos/abi.h>
#include <kos/msg.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    void* registers;  // mapped as device memory
    uint64_t physical;
    uint64_t size_bytes;
} kos_device_t;

// The manifest's [[device]] `name`. NOT_FOUND otherwise.
kos_status_t kos_dev_find(const char* name, kos_device_t* device);

typedef struct {
    kos_slot_t handler;
    uint64_t signal;  // bit of the domain's notification
    uint32_t number;  // of the interrupt controller
} kos_interrupt_t;

// Interrupt `name` (the device's name; "NAME-1" for its second). It is masked until the first acknowledge.
kos_status_t kos_dev_interrupt(const char* name, kos_interrupt_t* interrupt);

// Lets the next interrupt through. Call after the device's cause has been cleared. Inside `signalled` of a server
// (server.h) the next one comes through when the call-back has returned.
void kos_dev_interrupt_acknowledge(const kos_interrupt_t* interrupt);

typedef struct {
    void* address;      // normal memory, cached; coherent with devices on boards whose DMA is, else see kos_dma_clean
    uint64_t physical;  // contiguous
    uint64_t size_bytes;
} kos_dma_t;

kos_status_t kos_dev_dma(const char* name, kos_dma_t* memory);

#ifdef __cplusplus
}
#endif
