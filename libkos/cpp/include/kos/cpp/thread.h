// Threads of the own domain that run any callable and are joined at the end of their scope (kos/thread.h).
#pragma once

#include <kos/cpp/deadline.h>
#include <kos/thread.h>

namespace kos {

class Thread {
public:
    Thread() = default;
    Thread(Thread&& other) noexcept
        : thread_(std::exchange(other.thread_, nullptr)),
          body_(std::exchange(other.body_, nullptr)),
          destroy_(other.destroy_) {}
    Thread& operator=(Thread&& other) noexcept {
        std::swap(thread_, other.thread_);
        std::swap(body_, other.body_);
        std::swap(destroy_, other.destroy_);
        return *this;
    }
    // Waits for it.
    ~Thread() { join().ignore(); }

    // Makes and starts a thread that runs body(). NOT_ENOUGH_MEMORY, FULL.
    template <typename Body>
    static Result<Thread> start(Body body) {
        auto* const copy = new (std::nothrow) Body(std::move(body));
        if (!copy) return KOS_STATUS_NOT_ENOUGH_MEMORY;
        Thread made;
        made.body_ = copy;
        made.destroy_ = [](void* stored) { delete static_cast<Body*>(stored); };
        kos_thread_t* thread = nullptr;
        KOS_TRY(kos_thread_create([](void* stored) { (*static_cast<Body*>(stored))(); }, copy, 0, &thread));
        Status const started = kos_thread_start(thread);
        if (!started.ok()) {
            (void)kos_thread_stop(thread);
            return started;
        }
        made.thread_ = thread;
        return made;
    }

    Status join() { return finish(thread_ ? Status(kos_thread_join(thread_)) : Status()); }
    // TIMEOUT: it still runs.
    Status join_until(Deadline deadline) {
        Status const status = thread_ ? Status(kos_thread_join_until(thread_, deadline.ticks())) : Status();
        return status == KOS_STATUS_TIMEOUT ? status : finish(status);
    }
    // Ends it wherever it is; its callable is destroyed, what is on its stack is not.
    Status stop() { return finish(thread_ ? Status(kos_thread_stop(thread_)) : Status()); }

    explicit operator bool() const { return thread_ != nullptr; }
    kos_thread_t* c() const { return thread_; }

private:
    Status finish(Status status) {
        thread_ = nullptr;
        if (body_) destroy_(std::exchange(body_, nullptr));
        return status;
    }

    kos_thread_t* thread_ = nullptr;
    void* body_ = nullptr;
    void (*destroy_)(void*) = nullptr;
};

}  // namespace kos
