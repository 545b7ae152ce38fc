/*
 * What the clients of a console wait for, and how they are told. The wishes lie in memory that survives restarts of the
 * driver: whoever waits would not ask again by himself.
 */
#ifndef KOS_DRIVERS_COMMON_CONSOLE_WISHES_H_
#define KOS_DRIVERS_COMMON_CONSOLE_WISHES_H_

#include <kos/abi.h>

#include <stdint.h>

namespace kos::driver {

// A bit for each domain.
struct ConsoleWishes {
    uint64_t input = 0;
    uint64_t room = 0;
};
static_assert(KOS_MAX_DOMAINS <= 64);

// The way to the clients; does nothing in tests that do not care.
class ConsoleWaker {
public:
    virtual void signal(unsigned /*domain*/) {}
    ConsoleWishes& wishes() { return *wishes_; }

protected:
    ConsoleWaker() = default;
    explicit ConsoleWaker(ConsoleWishes* kept) : wishes_(kept) {}
    ~ConsoleWaker() = default;

private:
    ConsoleWishes own_;
    ConsoleWishes* wishes_ = &own_;
};

}  // namespace kos::driver

#endif
