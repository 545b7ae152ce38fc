// Threads whose scheduling context waits for its next replenishment, by time: an intrusive balanced (AVL) tree, so
// that insertion and removal are bounded by the logarithm of the number of threads.
#pragma once

#include "core/types.h"

namespace keel {

struct Tcb;

class ReleaseQueue {
public:
    // The time is that of the first refill of the thread's context and must not change while the thread is queued.
    void insert(Tcb& tcb);
    void remove(Tcb& tcb);
    Tcb* first() const { return first_; }

private:
    void rebalance(Tcb* from);
    void replace(Tcb* old, Tcb* by);
    Tcb* rotate(Tcb* node, bool left);

    Tcb* root_;
    Tcb* first_;
    Word sequence_;
};

}  // namespace keel
