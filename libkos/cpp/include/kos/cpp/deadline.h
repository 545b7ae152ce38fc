// Points in time of the machine's counter.
#pragma once

#include <kos/cpp/result.h>
#include <kos/dir.h>
#include <kos/time.h>

namespace kos {

class Deadline {
public:
    static Deadline after_us(uint64_t us) { return Deadline(kos_time_after_us(us)); }
    static Deadline after_ms(uint64_t ms) { return after_us(ms * 1000); }
    static constexpr Deadline never() { return Deadline(KOS_FOREVER); }
    static constexpr Deadline at_ticks(uint64_t ticks) { return Deadline(ticks); }

    constexpr uint64_t ticks() const { return ticks_; }
    bool has_passed() const { return ticks_ != KOS_FOREVER && kos_time_ticks() >= ticks_; }

private:
    constexpr explicit Deadline(uint64_t ticks) : ticks_(ticks) {}
    uint64_t ticks_;
};

inline Status sleep_us(uint64_t us) { return kos_delay(us); }

}  // namespace kos
