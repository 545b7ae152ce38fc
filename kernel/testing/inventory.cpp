// Finding all objects; see inventory.h.
#include "testing/inventory.h"

namespace keel::testing {

namespace {

constexpr Word kThreadSize = 2048;
constexpr Word kTableSize = 4096;

}  // namespace

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
    for (unsigned i = 0; i < array.count; ++i) {
        Slot& slot = array.slots[i];
        bool const empty = slot.cap.is_null() && !slot.prev && !slot.next_and_flags;
        if (empty || !slots.insert(&slot).second) continue;
        add_cap(slot.cap, pending);
        // A container whose last capability lies in itself is reached through the derivation tree only.
        if (Slot* next = slot.next()) pending.push_back({next, 1});
        if (slot.prev) pending.push_back({slot.prev, 1});
    }
}

void Inventory::add_cap(const Cap& cap, std::vector<SlotArray>& pending) {
    switch (cap.type()) {
        case CapType::kEndpoint:
            endpoints.insert(cap.endpoint());
            memory[cap.endpoint()] = sizeof(Endpoint);
            break;
        case CapType::kNotification:
            notifications.insert(cap.notification());
            memory[cap.notification()] = sizeof(Notification);
            break;
        case CapType::kReply:
            replies.insert(cap.reply());
            memory[cap.reply()] = sizeof(Reply);
            break;
        case CapType::kSchedContext:
            contexts.insert(cap.sched_context());
            memory[cap.sched_context()] = bit(cap.sched_context_bits());
            break;
        case CapType::kCNode: add_slots(cap.cnode_slots(), cap.cnode_radix(), pending); break;
        case CapType::kThread:
            if (threads.insert(cap.thread()).second) pending.push_back({cap.thread()->slots, kTcbSlots});
            memory[cap.thread()] = kThreadSize;
            break;
        case CapType::kZombie:
            if (!cap.zombie_is_thread()) {
                add_slots(cap.zombie_slots(), cap.zombie_radix(), pending);
            } else {
                pending.push_back({cap.zombie_slots(), kTcbSlots});
                memory[cap.zombie_slots()] = kTcbSlots * sizeof(Slot);
            }
            break;
        case CapType::kVSpace: memory[cap.vspace_root()] = kTableSize; break;
        case CapType::kPageTable: memory[cap.page_table()] = kTableSize; break;
        case CapType::kAsidPool: memory[cap.asid_pool()] = kTableSize; break;
        default: break;
    }
}

void Inventory::add_slots(Slot* array, unsigned radix, std::vector<SlotArray>& pending) {
    pending.push_back({array, 1u << radix});
    memory[array] = sizeof(Slot) << radix;
}

}  // namespace keel::testing
