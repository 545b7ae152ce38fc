// Release queue: an AVL tree through the threads; see release_queue.h.
#include "core/release_queue.h"

#include "core/objects.h"

namespace keel {

namespace {

Ticks due(const Tcb& tcb) {
    SchedContext& sc = *tcb.sched_context;
    return sc.refills()[sc.refill_head].time;
}

// Earlier first; in order of arrival among equals.
bool before(const Tcb& a, const Tcb& b) {
    Ticks const due_a = due(a);
    Ticks const due_b = due(b);
    return due_a < due_b || (due_a == due_b && a.release_sequence < b.release_sequence);
}

unsigned height(const Tcb* node) { return node ? node->release_height : 0; }

void update_height(Tcb& node) {
    unsigned const left = height(node.release_left);
    unsigned const right = height(node.release_right);
    node.release_height = static_cast<uint8_t>(1 + (left > right ? left : right));
}

}  // namespace

void ReleaseQueue::replace(Tcb* old, Tcb* by) {
    Tcb* const parent = old->release_parent;
    if (!parent)
        root_ = by;
    else if (parent->release_left == old)
        parent->release_left = by;
    else
        parent->release_right = by;
    if (by) by->release_parent = parent;
}

// Rotates `node` down to the left or right; its child on the other side takes its place and is returned.
Tcb* ReleaseQueue::rotate(Tcb* node, bool left) {
    Tcb* const child = left ? node->release_right : node->release_left;
    Tcb* const inner = left ? child->release_left : child->release_right;
    replace(node, child);
    (left ? node->release_right : node->release_left) = inner;
    if (inner) inner->release_parent = node;
    (left ? child->release_left : child->release_right) = node;
    node->release_parent = child;
    update_height(*node);
    update_height(*child);
    return child;
}

void ReleaseQueue::rebalance(Tcb* from) {
    for (Tcb* node = from; node; node = node->release_parent) {
        int const balance =
            static_cast<int>(height(node->release_left)) - static_cast<int>(height(node->release_right));
        if (balance > 1) {
            Tcb* const child = node->release_left;
            // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the left side is the higher one, so it is not empty
            if (height(child->release_left) < height(child->release_right)) rotate(child, true);
            node = rotate(node, false);
        } else if (balance < -1) {
            Tcb* const child = node->release_right;
            if (height(child->release_right) < height(child->release_left)) rotate(child, false);
            node = rotate(node, true);
        } else {
            update_height(*node);
        }
    }
}

void ReleaseQueue::insert(Tcb& tcb) {
    tcb.release_left = tcb.release_right = tcb.release_parent = nullptr;
    tcb.release_height = 1;
    tcb.release_sequence = sequence_++;
    Tcb** link = &root_;
    bool leftmost = true;
    while (*link) {
        tcb.release_parent = *link;
        if (before(tcb, **link)) {
            link = &(*link)->release_left;
        } else {
            link = &(*link)->release_right;
            leftmost = false;
        }
    }
    *link = &tcb;
    if (leftmost) first_ = &tcb;
    rebalance(tcb.release_parent);
}

void ReleaseQueue::remove(Tcb& tcb) {
    if (first_ == &tcb) {  // the next one is the leftmost of the right side, or the parent
        first_ = tcb.release_right ? tcb.release_right : tcb.release_parent;
        while (tcb.release_right && first_->release_left) first_ = first_->release_left;
    }
    if (!tcb.release_left || !tcb.release_right) {
        Tcb* const child = tcb.release_left ? tcb.release_left : tcb.release_right;
        replace(&tcb, child);
        rebalance(tcb.release_parent);
        return;
    }
    // Two children: the next in order, which has no left child, moves here.
    Tcb* heir = tcb.release_right;
    while (heir->release_left) heir = heir->release_left;
    Tcb* from = heir;
    if (heir != tcb.release_right) {
        from = heir->release_parent;
        replace(heir, heir->release_right);
        heir->release_right = tcb.release_right;
        heir->release_right->release_parent = heir;
    }
    heir->release_left = tcb.release_left;
    heir->release_left->release_parent = heir;
    replace(&tcb, heir);
    rebalance(from);
}

}  // namespace keel
