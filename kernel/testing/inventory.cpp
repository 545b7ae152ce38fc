// Finding all objects; see inventory.h.
#include "testing/inventory.h"

namespace keel::testing {

Inventory Inventory::take(const std::vector<SlotArray>& roots) {
    Inventory result;
    std::vector<SlotArray> pending = roots;
    while (!pending.empty()) {
        SlotArray const array = pending.back();
        pending.pop_back();
        result.add_array(array, pending);
    }
    return result;
}

void Inventory::add_array(const SlotArray& array, std::vector<SlotArray>& pending) {
    if (array.count == 0 || !slots.insert(array.slots).second) return;
    for (unsigned i = 0; i < array.count; ++i) {
        slots.insert(array.slots + i);
        add_cap(array.slots[i].cap, pending);
    }
}

void Inventory::add_cap(const Cap& cap, std::vector<SlotArray>& pending) {
    switch (cap.type()) {
        case CapType::kEndpoint: endpoints.insert(cap.endpoint()); break;
        case CapType::kNotification: notifications.insert(cap.notification()); break;
        case CapType::kReply: replies.insert(cap.reply()); break;
        case CapType::kSchedContext: contexts.insert(cap.sched_context()); break;
        case CapType::kCNode: pending.push_back({cap.cnode_slots(), 1u << cap.cnode_radix()}); break;
        case CapType::kThread:
            if (threads.insert(cap.thread()).second) pending.push_back({cap.thread()->slots, kTcbSlots});
            break;
        case CapType::kZombie:
            pending.push_back({cap.zombie_slots(), cap.zombie_is_thread() ? kTcbSlots : 1u << cap.zombie_radix()});
            break;
        default: break;
    }
}

}  // namespace keel::testing
