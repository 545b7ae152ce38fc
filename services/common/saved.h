/*
 * A value in memory that survives restarts, always whole: two copies that are written in turn, each with a number and a
 * checksum. Whoever dies in the middle of `store` finds the value before it.
 */
#ifndef KOS_SERVICES_COMMON_SAVED_H_
#define KOS_SERVICES_COMMON_SAVED_H_

#include <stddef.h>
#include <stdint.h>
#include <type_traits>

#include "crc32.h"

namespace kos::service {

// `kMagic`: differs for each T and each version of it, so that memory of an older program is not taken for a value.
template <typename T, uint32_t kMagic>
class Saved {
    static_assert(std::is_trivially_copyable_v<T>);

    struct Copy {
        uint32_t magic;
        uint32_t crc;  // of everything after it
        uint64_t number;
        T value;
    };

public:
    static constexpr size_t kBytes = 2 * sizeof(Copy);

    // Takes memory over as it is. False if it is too small or not aligned.
    [[nodiscard]] bool open(void* memory, size_t bytes) {
        if (memory == nullptr || bytes < kBytes || reinterpret_cast<uintptr_t>(memory) % alignof(Copy) != 0)
            return false;
        copies_ = static_cast<Copy*>(memory);
        return true;
    }

    // The value stored last. False if there is none; *value is then unchanged.
    [[nodiscard]] bool load(T* value) {
        const Copy* newest = nullptr;
        for (unsigned i = 0; i < 2; ++i) {
            const Copy& copy = copies_[i];
            if (copy.magic != kMagic || copy.crc != checksum(copy)) continue;
            if (newest == nullptr || copy.number > newest->number) newest = &copy;
        }
        if (newest == nullptr) return false;
        number_ = newest->number;
        *value = newest->value;
        return true;
    }

    void store(const T& value) {
        Copy& copy = copies_[++number_ % 2];
        copy.magic = 0;
        // The compiler must not merge the two stores: in between the copy is invalid.
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        copy.number = number_;
        copy.value = value;
        copy.crc = checksum(copy);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        copy.magic = kMagic;
    }

private:
    static uint32_t checksum(const Copy& copy) { return crc32(&copy.number, sizeof(Copy) - offsetof(Copy, number)); }

    Copy* copies_ = nullptr;
    uint64_t number_ = 0;
};

}  // namespace kos::service

#endif
