// Invocations of Untyped capabilities.
#include "core/untyped.h"

#include "core/derivation.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

struct Destination {
    Slot* slots;
    Word count;
};

// The type and size asked for; false if an error has been set.
bool check_type(Invocation& inv, Word type, Word size_bits) {
    if (type >= kObjectTypes) {
        inv.invalid_argument(0);
        return false;
    }
    auto const object = static_cast<ObjectType>(type);
    if (size_bits >= kWordBits || object_size_bits(object, size_bits) > seL4_MaxUntypedBits) {
        inv.range_error(0, seL4_MaxUntypedBits);
        return false;
    }
    Word const least = object == ObjectType::kCNode          ? 1
                       : object == ObjectType::kUntyped      ? seL4_MinUntypedBits
                       : object == ObjectType::kSchedContext ? seL4_MinSchedContextBits
                                                             : 0;
    if (size_bits < least) {
        inv.invalid_argument(1);
        return false;
    }
    return true;
}

// The window of empty slots for the new capabilities; false if an error has been set.
bool find_destination(Invocation& inv, Destination& destination) {
    Word const depth = inv.arg(3);
    Word const offset = inv.arg(4);
    Word const count = inv.arg(5);
    Cap node = inv.extra[0]->cap;
    if (depth != 0) {
        Slot const* const slot = lookup_target_slot(inv, node, inv.arg(2), depth, false);
        if (!slot) return false;
        node = slot->cap;
    }
    if (!node.is(CapType::kCNode)) {
        inv.failed_lookup(false, LookupFailure::missing(depth));
        return false;
    }
    Word const size = bit(node.cnode_radix());
    if (offset > size - 1) {
        inv.range_error(0, size - 1);
        return false;
    }
    if (count < 1 || count > SEL4_RETYPE_FAN_OUT_LIMIT) {
        inv.range_error(1, SEL4_RETYPE_FAN_OUT_LIMIT);
        return false;
    }
    if (count > size - offset) {
        inv.range_error(1, size - offset);
        return false;
    }
    destination = {node.cnode_slots() + offset, count};
    for (Word i = 0; i < count; ++i) {
        if (!ensure_empty(inv, destination.slots[i])) return false;
    }
    return true;
}

Outcome retype(Invocation& inv) {
    if (inv.length < 6 || !inv.extra[0]) return inv.truncated();
    Word const size_bits = inv.arg(1);
    Destination destination;
    if (!check_type(inv, inv.arg(0), size_bits) || !find_destination(inv, destination)) return Outcome::kError;
    auto const type = static_cast<ObjectType>(inv.arg(0));
    bool const device = inv.cap.untyped_is_device();

    // Without children the memory is all there again.
    bool const starts_over = !has_children(*inv.slot);
    Word const free_offset = starts_over ? 0 : inv.cap.untyped_free();
    Word const free_bytes = bit(inv.cap.untyped_bits()) - free_offset;
    unsigned const object_bits = object_size_bits(type, size_bits);
    if (free_bytes >> object_bits < destination.count) return inv.fail(seL4_NotEnoughMemory, free_bytes);
    // The kernel keeps nothing of its own in device memory.
    if (device && type != ObjectType::kUntyped && !is_frame_type(type)) return inv.invalid_argument(1);

    Cap& untyped = inv.slot->cap;
    // What was handed out before is not clean any more.
    if (starts_over && untyped.untyped_free() != 0) untyped.set_untyped_marks(0, 0);
    Word const start = align_up(free_offset, object_bits);
    Word const end = start + (destination.count << object_bits);
    // Memory that stays untyped is cleared when objects are made from it.
    if (!device && type != ObjectType::kUntyped && clear_untyped(*inv.slot, start, end - start) == Progress::kPreempted)
        return Outcome::kPreempted;
    untyped.set_untyped_marks(end, untyped.untyped_clean());
    Word const base = raw(untyped.untyped_base());
    for (Word i = 0; i < destination.count; ++i) {
        Cap const cap = create_object(type, PhysAddr{base + start + (i << object_bits)}, size_bits, device);
        insert_original(*inv.slot, destination.slots[i], cap);
    }
    return Outcome::kDone;
}

}  // namespace

Outcome invoke_untyped(Invocation& inv) {
    if (inv.label != seL4_UntypedRetype) return inv.illegal_operation();
    return retype(inv);
}

}  // namespace keel
