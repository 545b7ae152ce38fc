// A time limit for what the initial thread does, so that one hanging test does not take the others with it.
//
// A thread above all others wakes once a second (through its own budget: no device interrupt is used) and, when the
// limit has passed, stops the initial thread, gives it back its scheduling context and lets the guarded call return.
// Needs a kernel that schedules; a kernel that hangs is the runner's business.
#pragma once

#include <kos/roottask/thread.h>

namespace kos::roottask {

class Watchdog {
public:
    // Starts the thread; once per program.
    sel4::Result start(ObjectAllocator& allocator);

    // Runs `body` in the calling thread, which must be the initial one. False if it took longer than the limit by
    // the counter and was cut off; destructors of what it had on its stack have not run then.
    template <typename Body>
    bool run(uint64_t limit_us, const Body& body) {
        return run_erased(
            limit_us, [](void* stored) { (*static_cast<const Body*>(stored))(); }, const_cast<Body*>(&body));
    }

private:
    bool run_erased(uint64_t limit_us, void (*function)(void*), void* argument);
    void watch();
    void abort_initial_thread();

    struct alignas(16) SaveArea {
        sel4::Word words[24];
    };

    Thread thread_;
    SaveArea save_area_;
    Shared<uint64_t> deadline_ticks_{0};  // 0: nothing to watch
};

}  // namespace kos::roottask
