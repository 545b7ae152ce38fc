// Devices for drivers: registers by offset, interrupts, DMA memory (kos/dev.h).
#pragma once

#include <kos/cpp/result.h>
#include <kos/dev.h>

#include <span>

namespace kos {

class Device {
public:
    static Result<Device> find(const char* name) {
        Device made;
        KOS_TRY(kos_dev_find(name, &made.device_));
        return made;
    }
    uint64_t size_bytes() const { return device_.size_bytes; }
    uint64_t physical() const { return device_.physical; }

    // One access of exactly sizeof(T) bytes. An offset beyond the device is a bug of the driver: the domain ends.
    template <typename T>
    T read(uint64_t offset) const {
        return *at<T>(offset);
    }
    template <typename T>
    void write(uint64_t offset, T value) const {
        *at<T>(offset) = value;
    }
    uint32_t read32(uint64_t offset) const { return read<uint32_t>(offset); }
    void write32(uint64_t offset, uint32_t value) const { write<uint32_t>(offset, value); }

private:
    Device() = default;
    template <typename T>
    volatile T* at(uint64_t offset) const {
        static_assert(std::is_unsigned_v<T>);
        kos_assert(offset % sizeof(T) == 0 && offset < device_.size_bytes && device_.size_bytes - offset >= sizeof(T));
        return reinterpret_cast<volatile T*>(static_cast<unsigned char*>(device_.registers) + offset);
    }
    kos_device_t device_{};
};

class Interrupt {
public:
    static Result<Interrupt> find(const char* name) {
        Interrupt made;
        KOS_TRY(kos_dev_interrupt(name, &made.interrupt_));
        return made;
    }
    // The bit with which signalled() is called.
    uint64_t signal() const { return interrupt_.signal; }
    bool is_in(uint64_t signals) const { return (signals & interrupt_.signal) != 0; }
    // Lets the next one through; after the device's cause has been cleared.
    void acknowledge() const { kos_dev_interrupt_acknowledge(&interrupt_); }

private:
    Interrupt() = default;
    kos_interrupt_t interrupt_{};
};

// Memory that a device reads and writes. What the device has written is input from outside: copy, check, use.
class Dma {
public:
    static Result<Dma> find(const char* name) {
        Dma made;
        KOS_TRY(kos_dev_dma(name, &made.memory_));
        return made;
    }
    uint64_t physical(uint64_t offset = 0) const { return memory_.physical + offset; }
    std::span<unsigned char> bytes() const {
        return {static_cast<unsigned char*>(memory_.address), memory_.size_bytes};
    }

    // A T at `offset`. Beyond the memory, or not aligned: a bug of the driver, the domain ends.
    template <typename T>
    T* at(uint64_t offset) const {
        static_assert(std::is_trivially_copyable_v<T>);
        kos_assert(offset % alignof(T) == 0 && offset <= memory_.size_bytes &&
                   memory_.size_bytes - offset >= sizeof(T));
        return reinterpret_cast<T*>(static_cast<unsigned char*>(memory_.address) + offset);
    }

private:
    Dma() = default;
    kos_dma_t memory_{};
};

}  // namespace kos
