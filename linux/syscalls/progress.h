// What a system call remembers between the times it is executed (call.h).
#pragma once

#include "base/wait_queue.h"
#include "time/clock.h"
#include "vfs/unseen.h"

#include <stdint.h>

#include <memory>
#include <vector>

namespace kos::lx {

class Thread;

// Of calls that need more than words.
class CallExtra {
public:
    virtual ~CallExtra() = default;
};

class ThreadWait final : public WaitEntry {
public:
    explicit ThreadWait(Thread& thread) : thread_(thread) {}
    bool woken(uint32_t events) override;
    // What it waited for has been closed: the call looks again, and finds that out.
    void queue_gone() override { woken(~0u); }

private:
    Thread& thread_;
};

class ThreadTimer final : public Timer {
public:
    explicit ThreadTimer(Thread& thread) : thread_(thread) {}
    void expired() override;

private:
    Thread& thread_;
};

class ThreadResult final : public UnseenResult {
public:
    explicit ThreadResult(Thread& thread) : thread_(thread) {}

private:
    bool take_back() override;
    Thread& thread_;
};

struct CallProgress {
    explicit CallProgress(Thread& thread) : timer(thread) {}

    bool is_again = false;            // executed before
    bool is_timed_out = false;        // its deadline has passed
    bool is_uninterruptible = false;  // sleeps, and only fatal signals wake it
    bool is_over = false;             // has its result, which `result` may take back; then it goes on with all this
    Nanoseconds deadline = kNever;    // set at the first execution
    uint64_t done = 0;                // bytes moved so far
    uint64_t words[4] = {};           // the handler's own
    std::unique_ptr<CallExtra> extra;

    std::vector<std::unique_ptr<ThreadWait>> waits;  // the first `waiting` are in queues
    size_t waiting = 0;
    ThreadTimer timer;
    std::unique_ptr<ThreadResult> result;  // of threads that have waited for files once
};

}  // namespace kos::lx
