// Locks and signals between threads (kos/sync.h) with automatic unlocking, and data that only the lock's holder
// reaches.
#pragma once

#include <kos/cpp/deadline.h>
#include <kos/sync.h>

namespace kos {

class Mutex {
public:
    constexpr Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;
    void lock() { kos_mutex_lock(&mutex_); }
    bool try_lock() { return kos_mutex_try_lock(&mutex_) == KOS_STATUS_OK; }
    Status lock_until(Deadline deadline) { return kos_mutex_lock_until(&mutex_, deadline.ticks()); }
    void unlock() { kos_mutex_unlock(&mutex_); }
    kos_mutex_t* c() { return &mutex_; }

private:
    kos_mutex_t mutex_ = KOS_MUTEX_INIT;
};

// Holds a mutex for its scope.
class [[nodiscard]] Lock {
public:
    explicit Lock(Mutex& mutex) : mutex_(mutex) { mutex.lock(); }
    ~Lock() { mutex_.unlock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    Mutex& mutex() const { return mutex_; }

private:
    Mutex& mutex_;
};

class Condition {
public:
    constexpr Condition() = default;
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;
    template <typename Predicate>
    void wait(const Lock& lock, const Predicate& holds) {
        while (!holds()) kos_condition_wait(&condition_, lock.mutex().c());
    }
    // Whether it holds now.
    template <typename Predicate>
    bool wait_until(const Lock& lock, Deadline deadline, const Predicate& holds) {
        while (!holds()) {
            if (kos_condition_wait_until(&condition_, lock.mutex().c(), deadline.ticks()) != KOS_STATUS_OK)
                return holds();
        }
        return true;
    }
    void signal() { kos_condition_signal(&condition_); }
    void broadcast() { kos_condition_broadcast(&condition_); }

private:
    kos_condition_t condition_ = KOS_CONDITION_INIT;
};

class Semaphore {
public:
    constexpr explicit Semaphore(uint32_t count) : semaphore_(KOS_SEMAPHORE_INIT(count)) {}
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;
    void wait() { kos_semaphore_wait(&semaphore_); }
    bool try_wait() { return kos_semaphore_try_wait(&semaphore_) == KOS_STATUS_OK; }
    Status wait_until(Deadline deadline) { return kos_semaphore_wait_until(&semaphore_, deadline.ticks()); }
    Status post() { return kos_semaphore_post(&semaphore_); }

private:
    kos_semaphore_t semaphore_;
};

class Event {
public:
    constexpr Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    void set() { kos_event_set(&event_); }
    void reset() { kos_event_reset(&event_); }
    bool is_set() const { return kos_event_is_set(&event_) != 0; }
    void wait() { kos_event_wait(&event_); }
    Status wait_until(Deadline deadline) { return kos_event_wait_until(&event_, deadline.ticks()); }

private:
    kos_event_t event_ = KOS_EVENT_INIT;
};

// A T that can only be reached with its lock held:  guarded.with([](State& state) { ++state.count; });
template <typename T>
class Guarded {
public:
    constexpr Guarded() = default;
    constexpr explicit Guarded(T value) : value_(std::move(value)) {}
    template <typename Body>
    decltype(auto) with(Body&& body) {
        Lock const lock(mutex_);
        return std::forward<Body>(body)(value_);
    }

private:
    Mutex mutex_;
    T value_{};
};

}  // namespace kos
