// Who waits for what. Nothing in the personality blocks: a call that cannot go on puts its thread into wait queues
// (syscalls/call.h), and whoever changes the state wakes the queue.
//
// An entry is in at most one queue; queues and entries may die in any order (each takes itself out).
#pragma once

#include <stdint.h>

namespace kos::lx {

class WaitQueue;

class WaitEntry {
public:
    WaitEntry() = default;
    WaitEntry(const WaitEntry&) = delete;
    WaitEntry& operator=(const WaitEntry&) = delete;
    virtual ~WaitEntry() { leave(); }

    // The queue was woken for `events` (kPOLL*, vfs/poll.h), of which at least one is in this entry's mask. Called with
    // the entry still in the queue; may leave it, must not destroy it. True: counts as one of the `most` of wake.
    virtual bool woken(uint32_t events) = 0;
    // The queue is being destroyed; the entry has left it already, and may destroy itself.
    virtual void queue_gone() {}

    void leave();
    bool is_waiting() const { return queue_ != nullptr; }
    WaitQueue* queue() const { return queue_; }

private:
    friend class WaitQueue;
    WaitQueue* queue_ = nullptr;
    WaitEntry* next_ = nullptr;
    WaitEntry* previous_ = nullptr;
    uint32_t mask_ = 0;
};

class WaitQueue {
public:
    WaitQueue() = default;
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;
    ~WaitQueue();

    void add(WaitEntry& entry, uint32_t mask = ~0u);  // last in line
    bool is_empty() const { return first_ == nullptr; }

    // Tells those that wait for one of `events`, first come first, until `most` have said that it was for them. Returns
    // how many have.
    uint32_t wake(uint32_t events = ~0u, uint32_t most = ~0u);

private:
    friend class WaitEntry;
    WaitEntry* first_ = nullptr;
    WaitEntry* last_ = nullptr;
    // The wakes that are under way: one may cause another of the same queue.
    struct Walk {
        WaitEntry* next;
        Walk* outer;
    };
    Walk* walks_ = nullptr;
};

}  // namespace kos::lx
