// Untyped memory; see untyped.h.
#include "core/untyped.h"

#include <sel4/objects.h>

#include "arch/memory.h"
#include "core/destroy.h"
#include "core/thread.h"

namespace keel {

namespace {

constexpr unsigned kClearStepBits = 12;

}  // namespace

bool is_frame_type(Word type) {
    return type == seL4_ARM_SmallPageObject || type == seL4_ARM_LargePageObject || type == seL4_ARM_HugePageObject;
}

unsigned object_size_bits(Word type, Word size_bits) {
    switch (type) {
        case seL4_UntypedObject: return static_cast<unsigned>(size_bits);
        case seL4_TCBObject: return seL4_TCBBits;
        case seL4_EndpointObject: return seL4_EndpointBits;
        case seL4_NotificationObject: return seL4_NotificationBits;
        case seL4_CapTableObject: return static_cast<unsigned>(size_bits) + seL4_SlotBits;
        case seL4_SchedContextObject: return static_cast<unsigned>(size_bits);
        case seL4_ReplyObject: return seL4_ReplyBits;
        case seL4_ARM_HugePageObject: return seL4_HugePageBits;
        case seL4_ARM_VSpaceObject: return seL4_VSpaceBits;
        case seL4_ARM_SmallPageObject: return seL4_PageBits;
        case seL4_ARM_LargePageObject: return seL4_LargePageBits;
        case seL4_ARM_PageTableObject: return seL4_PageTableBits;
        default: return 0;
    }
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

Cap create_object(Word type, PhysAddr base, Word size_bits, bool device) {
    void* const object = to_kernel<>(base);
    switch (type) {
        case seL4_UntypedObject: return Cap::untyped(base, static_cast<unsigned>(size_bits), device);
        case seL4_TCBObject: {
            auto* const tcb = static_cast<Tcb*>(object);
            init_thread(*tcb);
            return Cap::thread(tcb);
        }
        case seL4_EndpointObject: return Cap::endpoint(static_cast<Endpoint*>(object), kAllRights, 0);
        case seL4_NotificationObject:
            return Cap::notification(static_cast<Notification*>(object), kAllRights, 0);
        case seL4_CapTableObject: return Cap::cnode(static_cast<Slot*>(object), static_cast<unsigned>(size_bits), 0, 0);
        case seL4_SchedContextObject:
            return Cap::sched_context(static_cast<SchedContext*>(object), static_cast<unsigned>(size_bits));
        case seL4_ReplyObject: return Cap::reply(static_cast<Reply*>(object), true);
        case seL4_ARM_VSpaceObject: return Cap::vspace(object, 0);
        case seL4_ARM_PageTableObject: return Cap::page_table(object);
        case seL4_ARM_SmallPageObject: return Cap::frame(base, FrameSize::k4KiB, device, kAllRights);
        case seL4_ARM_LargePageObject: return Cap::frame(base, FrameSize::k2MiB, device, kAllRights);
        default: return Cap::frame(base, FrameSize::k1GiB, device, kAllRights);
    }
}

}  // namespace keel
