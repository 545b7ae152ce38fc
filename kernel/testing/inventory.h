// Every object that a capability names, found by walking the slots from a few known arrays on. Tests compare what
// objects point to with what is there.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "core/objects.h"

namespace keel::testing {

struct SlotArray {
    Slot* slots;
    unsigned count;
};

struct Inventory {
    std::set<Slot*> slots;  // all that are not empty
    std::set<Tcb*> threads;
    std::set<Endpoint*> endpoints;
    std::set<Notification*> notifications;
    std::set<Reply*> replies;
    std::set<SchedContext*> contexts;
    // The memory of every object that lives, also that of CNodes and tables.
    std::map<const void*, Word> memory;

    // Walks all CNodes, threads and what is left of destroyed ones, reachable from `roots`.
    static Inventory take(const std::vector<SlotArray>& roots);

private:
    void add_array(const SlotArray& array, std::vector<SlotArray>& pending);
    void add_cap(const Cap& cap, std::vector<SlotArray>& pending);
    void add_slots(Slot* array, unsigned radix, std::vector<SlotArray>& pending);
};

}  // namespace keel::testing
