// Fault delivery; see fault.h. The layouts are those of sel4/faults.h.
#include "core/fault.h"

#include <sel4/faults.h>

#include "arch/thread_registers.h"
#include "core/endpoint.h"
#include "core/ipc.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"

namespace keel {

namespace {

// A handler must be able to receive the fault as a call: the right to send, and to be answered.
bool can_handle(const Cap& cap) {
    return cap.is(CapType::kEndpoint) && cap.rights().write() && (cap.rights().grant() || cap.rights().grant_reply());
}

void deliver(Tcb& tcb, const Cap& handler, bool can_donate) {
    send(*handler.endpoint(), tcb,
         {handler.badge(), true, true, handler.rights().grant(), handler.rights().grant_reply(), can_donate});
}

// Writes the words of a message one after the other, as far as the receiver has places for them.
struct MessageWriter {
    UserContext& receiver;
    IpcBuffer* buffer;
    unsigned length = 0;
    void add(Word value) {
        if (length < kRegisterMessageWords)
            receiver.message_word(length++) = value;
        else if (buffer)
            buffer->msg[length++] = value;
    }
    void add(const UserContext& context, const RegisterList& order) {
        // The first words of the message, so the first ones go to registers.
        unsigned const in_registers = order.count < kRegisterMessageWords ? order.count : kRegisterMessageWords;
        for (; length < in_registers; ++length)
            receiver.message_word(length) = get_register(context, order.reg[length]);
        if (!buffer) return;
        for (; length < order.count; ++length) buffer->msg[length] = get_register(context, order.reg[length]);
    }
};

void write_lookup_failure(MessageWriter& message, const LookupFailure& failure) {
    message.add(failure.kind);
    if (failure.kind == LookupFailure::kInvalidRoot) return;
    message.add(failure.bits_left);
    if (failure.kind == LookupFailure::kMissingCapability) return;
    message.add(failure.detail[0]);
    if (failure.kind == LookupFailure::kGuardMismatch) message.add(failure.detail[1]);
}

// Reads a reply's words 0 .. count-1, as far as the sender's message has them, into the registers `order` lists.
void take_registers(Tcb& handler, Tcb& faulter, const RegisterList& order) {
    IpcBuffer const* const buffer = ipc_buffer(handler, false);
    unsigned count = MessageTag{handler.context.message_tag()}.length();
    if (count > order.count) count = order.count;
    unsigned const in_registers = count < kRegisterMessageWords ? count : kRegisterMessageWords;
    unsigned i = 0;
    for (; i < in_registers; ++i) set_register(faulter.context, order.reg[i], handler.context.message_word(i));
    if (buffer) {
        for (; i < count; ++i) set_register(faulter.context, order.reg[i], buffer->msg[i]);
    }
    sanitise_registers(faulter.context);
}

}  // namespace

Fault cap_fault(CPtr address, bool receiving, const LookupFailure& failure) {
    return {FaultType::kCap, {address, receiving, 0}, failure};
}

void raise_fault(Tcb& tcb, const Fault& fault) {
    Cap const& handler = tcb.slots[kSlotFaultHandler].cap;
    if (!can_handle(handler)) {
        set_state(tcb, ThreadState::kInactive);
        return;
    }
    tcb.fault.type = fault.type;
    for (unsigned i = 0; i < 3; ++i) tcb.fault.word[i] = fault.word[i];
    if (fault.type == FaultType::kCap) tcb.fault.lookup = fault.lookup;
    deliver(tcb, handler, tcb.sched_context != nullptr);
}

bool has_timeout_handler(const Tcb& tcb) { return tcb.slots[kSlotTimeoutHandler].cap.is(CapType::kEndpoint); }

void raise_timeout(Tcb& tcb, Word badge) {
    Cap const& handler = tcb.slots[kSlotTimeoutHandler].cap;
    if (!can_handle(handler)) {
        set_state(tcb, ThreadState::kInactive);
        return;
    }
    tcb.fault.type = FaultType::kTimeout;
    tcb.fault.word[0] = badge;
    deliver(tcb, handler, false);
}

unsigned write_fault_message(Tcb& faulter, Tcb& receiver, IpcBuffer* buffer) {
    MessageWriter message{receiver.context, buffer};
    Fault const& fault = faulter.fault;
    switch (fault.type) {
        case FaultType::kNone: break;
        case FaultType::kCap:
            message.add(faulter.context.fault_pc);
            message.add(fault.word[0]);
            message.add(fault.word[1]);
            write_lookup_failure(message, fault.lookup);
            break;
        case FaultType::kUnknownSyscall:
            message.add(faulter.context, kSyscallRegisters);
            message.add(fault.word[0]);
            break;
        case FaultType::kUserException:
            message.add(faulter.context, kExceptionRegisters);
            message.add(fault.word[0]);
            message.add(fault.word[1]);
            break;
        case FaultType::kTimeout:
            message.add(fault.word[0]);
            message.add(faulter.sched_context ? take_consumed_us(*faulter.sched_context) : 0);
            break;
        case FaultType::kVm:
            message.add(faulter.context.fault_pc);
            message.add(fault.word[0]);
            message.add(fault.word[2]);
            message.add(fault.word[1]);
            break;
    }
    return message.length;
}

bool apply_fault_reply(Tcb& handler, Tcb& faulter) {
    switch (faulter.fault.type) {
        case FaultType::kUnknownSyscall: take_registers(handler, faulter, kSyscallReplyRegisters); break;
        case FaultType::kUserException: take_registers(handler, faulter, kExceptionRegisters); break;
        case FaultType::kTimeout: take_registers(handler, faulter, kAllRegisters); break;
        default: return true;
    }
    return MessageTag{handler.context.message_tag()}.label() == 0;
}

}  // namespace keel
