// Untyped memory; see untyped.h.
#include "core/untyped.h"

#include "arch/memory.h"
#include "core/destroy.h"
#include "core/thread.h"

namespace keel {

namespace {

constexpr unsigned kClearStepBits = 12;

}  // namespace

bool is_frame_type(ObjectType type) {
    return type == ObjectType::kFrame4KiB || type == ObjectType::kFrame2MiB || type == ObjectType::kFrame1GiB;
}

unsigned object_size_bits(ObjectType type, Word size_bits) {
    switch (type) {
        case ObjectType::kUntyped:
        case ObjectType::kSchedContext: return static_cast<unsigned>(size_bits);
        case ObjectType::kCNode: return static_cast<unsigned>(size_bits) + kSlotBits;
        case ObjectType::kThread: return kTcbBits;
        case ObjectType::kEndpoint: return kEndpointBits;
        case ObjectType::kNotification: return kNotificationBits;
        case ObjectType::kReply: return kReplyBits;
        case ObjectType::kVSpace:
        case ObjectType::kPageTable: return kTableBits;
        case ObjectType::kFrame4KiB: return frame_bits(FrameSize::k4KiB);
        case ObjectType::kFrame2MiB: return frame_bits(FrameSize::k2MiB);
        case ObjectType::kFrame1GiB: return frame_bits(FrameSize::k1GiB);
    }
    return 0;
}

Progress clear_untyped(Slot& slot, Word start_offset, Word size) {
    Word const end = start_offset + size;
    Word const base = raw(slot.cap.untyped_base());
    Word clean = slot.cap.untyped_clean();
    if (clean < start_offset) clean = start_offset;
    while (clean < end) {
        Word step = align_down(clean, kClearStepBits) + bit(kClearStepBits) - clean;
        if (step > end - clean) step = end - clean;
        void* const memory = to_kernel<>(PhysAddr{base + clean});
        clear_memory(memory, step);
        clean_memory_to_ram(memory, step);
        clean += step;
        // Progress is kept in whole pages, so an interrupted run does not start over.
        slot.cap.set_untyped_marks(slot.cap.untyped_free(), align_down(clean, kClearStepBits));
        if (clean < end && preemption_point() == Progress::kPreempted) return Progress::kPreempted;
    }
    return Progress::kDone;
}

Cap create_object(ObjectType type, PhysAddr base, Word size_bits, bool device) {
    void* const object = to_kernel<>(base);
    auto const bits = static_cast<unsigned>(size_bits);
    switch (type) {
        case ObjectType::kUntyped: return Cap::untyped(base, bits, device);
        case ObjectType::kThread: {
            auto* const tcb = static_cast<Tcb*>(object);
            init_thread(*tcb);
            return Cap::thread(tcb);
        }
        case ObjectType::kEndpoint: return Cap::endpoint(static_cast<Endpoint*>(object), kAllRights, 0);
        case ObjectType::kNotification: return Cap::notification(static_cast<Notification*>(object), kAllRights, 0);
        case ObjectType::kCNode: return Cap::cnode(static_cast<Slot*>(object), bits, 0, 0);
        case ObjectType::kSchedContext: return Cap::sched_context(static_cast<SchedContext*>(object), bits);
        case ObjectType::kReply: return Cap::reply(static_cast<Reply*>(object), true);
        case ObjectType::kVSpace: return Cap::vspace(object, 0);
        case ObjectType::kPageTable: return Cap::page_table(object);
        case ObjectType::kFrame4KiB: return Cap::frame(base, FrameSize::k4KiB, device, kAllRights);
        case ObjectType::kFrame2MiB: return Cap::frame(base, FrameSize::k2MiB, device, kAllRights);
        case ObjectType::kFrame1GiB: return Cap::frame(base, FrameSize::k1GiB, device, kAllRights);
    }
    return {};
}

}  // namespace keel
