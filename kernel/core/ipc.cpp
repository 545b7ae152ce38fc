// Message transfer; see ipc.h.
#include "core/ipc.h"

#include "arch/memory.h"
#include "core/cspace.h"
#include "core/derivation.h"
#include "core/fault.h"

namespace keel {

namespace {

// Finds the empty slot in which the receiver wants the first capability; null if there is none.
Slot* receive_slot(const Tcb& receiver, const IpcBuffer& buffer) {
    SlotLookup const root = lookup_slot(receiver, read_once(buffer.receiveCNode));
    if (!root.slot) return nullptr;
    Word const depth = read_once(buffer.receiveDepth);
    if (depth < 1 || depth > kWordBits) return nullptr;
    SlotLookup const found = lookup_slot(root.slot->cap, read_once(buffer.receiveIndex), static_cast<unsigned>(depth));
    if (!found.slot || found.bits_left != 0 || !found.slot->cap.is_null()) return nullptr;
    return found.slot;
}

struct Transferred {
    Word caps = 0;
    Word unwrapped = 0;
};

// A capability to the endpoint itself becomes its badge; the first other one is copied, any further one ends it.
Transferred transfer_caps(const ExtraCaps& caps, const Endpoint* endpoint, const Tcb& receiver, IpcBuffer* buffer) {
    Transferred result;
    if (!buffer || !caps.slot[0]) return result;
    Slot* destination = receive_slot(receiver, *buffer);
    for (unsigned i = 0; i < kMaxExtraCaps && caps.slot[i]; ++i) {
        Slot& source = *caps.slot[i];
        Cap cap = source.cap;
        if (endpoint && cap.is(CapType::kEndpoint) && cap.endpoint() == endpoint) {
            buffer->caps_or_badges[i] = cap.badge();
            result.unwrapped |= bit(i);
        } else {
            if (!destination || derive(source, cap) != Derivation::kOk || cap.is_null()) break;
            insert_derived(source, *destination, cap);
            destination = nullptr;
        }
        ++result.caps;
    }
    return result;
}

unsigned copy_words(Tcb& sender, const IpcBuffer* from, Tcb& receiver, IpcBuffer* to, unsigned count) {
    unsigned const in_registers = count < kRegisterMessageWords ? count : kRegisterMessageWords;
    for (unsigned i = 0; i < in_registers; ++i) receiver.context.message_word(i) = sender.context.message_word(i);
    if (!from || !to) return in_registers;
    for (unsigned i = in_registers; i < count; ++i) to->msg[i] = from->msg[i];
    return count;
}

}  // namespace

IpcBuffer* ipc_buffer(const Tcb& tcb, bool for_writing) {
    Cap const& frame = tcb.slots[kSlotBuffer].cap;
    if (!frame.is(CapType::kFrame) || frame.frame_is_device()) return nullptr;
    Rights const rights = frame.frame_rights();
    if (!rights.read() || (for_writing && !rights.write())) return nullptr;
    Word const offset = raw(tcb.buffer_address) & low_mask(frame_bits(frame.frame_size()));
    return to_kernel<IpcBuffer>(PhysAddr{raw(frame.frame_base()) + offset});
}

bool find_extra_caps(const Tcb& sender, MessageTag tag, const IpcBuffer* buffer, ExtraCaps& caps, Fault& fault) {
    if (!buffer) return true;
    for (unsigned i = 0; i < tag.extra_caps(); ++i) {
        CPtr const address = read_once(buffer->caps_or_badges[i]);
        SlotLookup const found = lookup_slot(sender, address);
        if (!found.slot) {
            fault = cap_fault(address, false, found.failure);
            for (Slot*& slot : caps.slot) slot = nullptr;
            return false;
        }
        caps.slot[i] = found.slot;
    }
    return true;
}

void transfer_message(Tcb& sender, const Endpoint* endpoint, Word badge, bool grant, Tcb& receiver) {
    IpcBuffer* const to = ipc_buffer(receiver, true);
    if (sender.fault.type != FaultType::kNone) {
        unsigned const length = write_fault_message(sender, receiver, to);
        receiver.context.message_tag() = MessageTag::make(static_cast<Word>(sender.fault.type), 0, 0, length).word;
        receiver.context.cap_or_badge() = badge;
        return;
    }
    IpcBuffer* const from = ipc_buffer(sender, false);
    MessageTag const tag{sender.context.message_tag()};
    ExtraCaps caps;
    Fault ignored;  // the sender's CSpace may have changed while it waited: then no capability travels
    if (grant) find_extra_caps(sender, tag, from, caps, ignored);
    unsigned const length = copy_words(sender, from, receiver, to, tag.length());
    Transferred const moved = transfer_caps(caps, endpoint, receiver, to);
    receiver.context.message_tag() = MessageTag::make(tag.label(), moved.unwrapped, moved.caps, length).word;
    receiver.context.cap_or_badge() = badge;
}

void reply_to_call(Tcb& caller, const Word* words, unsigned count) {
    unsigned written = 0;
    for (; written < count && written < kRegisterMessageWords; ++written)
        caller.context.message_word(written) = words[written];
    if (written < count) {
        if (IpcBuffer* const buffer = ipc_buffer(caller, true)) {
            for (; written < count; ++written) buffer->msg[written] = words[written];
        }
    }
    caller.context.cap_or_badge() = 0;
    caller.context.message_tag() = MessageTag::make(0, 0, 0, written).word;
}

}  // namespace keel
