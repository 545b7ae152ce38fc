/*
 * ConsoleWaker of a driver on KOS: the signals that root gives it, the wishes in its persistent memory. Target only.
 */
#ifndef KOS_DRIVERS_COMMON_CLIENT_SIGNALS_H_
#define KOS_DRIVERS_COMMON_CLIENT_SIGNALS_H_

#include <kos/app.h>
#include <kos/root.h>

#include "console_wishes.h"

namespace kos::driver {

class ClientSignals final : public ConsoleWaker {
public:
    // Without persistent memory the wishes are forgotten with the driver.
    static ConsoleWishes* kept(const kos_startup_t* startup) {
        static ConsoleWishes own;
        const bool fits = startup->persistent_bytes >= sizeof own;
        return fits ? reinterpret_cast<ConsoleWishes*>(startup->persistent_base) : &own;
    }
    explicit ClientSignals(const kos_startup_t* startup) : ConsoleWaker(kept(startup)) {
        const auto* at = reinterpret_cast<const uint8_t*>(startup) + startup->signals.offset;
        const auto* signals = reinterpret_cast<const kos_startup_signal_t*>(at);
        for (uint32_t i = 0; i < startup->signals.count; i++) {
            if (signals[i].domain < KOS_MAX_DOMAINS) slots_[signals[i].domain] = signals[i].slot;
        }
    }
    void signal(unsigned domain) override {
        if (slots_[domain] != 0) kos_root_signal(slots_[domain]);
    }

private:
    uint64_t slots_[KOS_MAX_DOMAINS] = {};
};

}  // namespace kos::driver

#endif
