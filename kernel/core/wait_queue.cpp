// Waiting queues; see wait_queue.h.
#include "core/wait_queue.h"

namespace keel {

namespace {

void ring_insert_before(Tcb& place, Tcb& tcb) {
    tcb.wait.next = &place;
    tcb.wait.prev = place.wait.prev;
    place.wait.prev->wait.next = &tcb;
    place.wait.prev = &tcb;
}

void group_insert_before(Tcb& place, Tcb& tcb) {
    tcb.wait.next_group = &place;
    tcb.wait.prev_group = place.wait.prev_group;
    place.wait.prev_group->wait.next_group = &tcb;
    place.wait.prev_group = &tcb;
}

}  // namespace

Tcb* wait_queue_insert(Tcb* head, Tcb& tcb) {
    if (!head) {
        become_only_waiter(tcb);
        return &tcb;
    }
    Tcb* group = head;
    while (group->priority > tcb.priority) {
        group = group->wait.next_group;
        if (group == head) {  // lowest priority of all: last group, which is in front of the head in the ring
            become_only_waiter(tcb);
            group_insert_before(*head, tcb);
            return head;
        }
    }
    if (group->priority == tcb.priority) {
        tcb.wait.group_head = false;
        ring_insert_before(*group, tcb);
        return head;
    }
    become_only_waiter(tcb);
    group_insert_before(*group, tcb);
    return group == head ? &tcb : head;
}

Tcb* wait_queue_remove(Tcb* head, Tcb& tcb) {
    if (is_only_waiter(tcb)) return nullptr;
    WaitLinks const& links = tcb.wait;
    Tcb* const successor = links.next == &tcb ? nullptr : links.next;
    if (successor) {
        links.prev->wait.next = links.next;
        links.next->wait.prev = links.prev;
    }
    if (links.group_head) {
        bool const only_group = links.next_group == &tcb;
        if (successor) {
            successor->wait.group_head = true;
            successor->wait.next_group = only_group ? successor : links.next_group;
            successor->wait.prev_group = only_group ? successor : links.prev_group;
            if (!only_group) {
                links.prev_group->wait.next_group = successor;
                links.next_group->wait.prev_group = successor;
            }
            if (head == &tcb) head = successor;
        } else if (only_group) {
            head = nullptr;
        } else {
            links.prev_group->wait.next_group = links.next_group;
            links.next_group->wait.prev_group = links.prev_group;
            if (head == &tcb) head = links.next_group;
        }
    }
    return head;
}

}  // namespace keel
