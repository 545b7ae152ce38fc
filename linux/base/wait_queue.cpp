// Wait queues: doubly linked lists whose members may leave while the list is being walked.
#include "base/wait_queue.h"

namespace kos::lx {

void WaitEntry::leave() {
    if (!queue_) return;
    WaitQueue& queue = *queue_;
    for (WaitQueue::Walk* walk = queue.walks_; walk; walk = walk->outer) {
        if (walk->next == this) walk->next = next_;
    }
    (previous_ ? previous_->next_ : queue.first_) = next_;
    (next_ ? next_->previous_ : queue.last_) = previous_;
    queue_ = nullptr;
    next_ = previous_ = nullptr;
}

void WaitQueue::add(WaitEntry& entry, uint32_t mask) {
    entry.leave();
    entry.queue_ = this;
    entry.mask_ = mask;
    entry.previous_ = last_;
    (last_ ? last_->next_ : first_) = &entry;
    last_ = &entry;
}

uint32_t WaitQueue::wake(uint32_t events, uint32_t most) {
    uint32_t told = 0;
    // Who joins during the walk was not there when it happened.
    WaitEntry* const end = last_;
    Walk walk{first_, walks_};
    walks_ = &walk;
    while (walk.next && told < most) {
        WaitEntry* const entry = walk.next;
        walk.next = entry == end ? nullptr : entry->next_;
        if (entry->mask_ & events && entry->woken(events & entry->mask_)) ++told;
    }
    walks_ = walk.outer;
    return told;
}

WaitQueue::~WaitQueue() {
    while (first_) {
        WaitEntry* const entry = first_;
        entry->leave();
        entry->queue_gone();
    }
}

}  // namespace kos::lx
