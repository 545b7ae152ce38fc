// Invocations of TCB capabilities.
#include "core/thread.h"

#include "arch/fpu.h"
#include "arch/smp.h"
#include "arch/switch.h"
#include "arch/thread_registers.h"
#include "core/cspace.h"
#include "core/ipc.h"
#include "core/notification.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "syscall/invocation.h"
#include "syscall/thread_config.h"

namespace keel {

namespace {

Outcome read_registers(Invocation& inv, Tcb& tcb) {
    if (inv.length < 2) return inv.truncated();
    Word const count = inv.arg(1);
    if (count < 1 || count > kUserRegisters.count) return inv.range_error(1, kUserRegisters.count);
    if (&tcb == &inv.caller) return inv.illegal_operation();
    if (inv.arg(0) & 1) suspend(tcb);
    if (!inv.is_call) return Outcome::kReplied;
    // The longest reply of all: straight from the registers to where the caller finds the words.
    UserContext& to = inv.caller.context;
    unsigned written = 0;
    for (; written < count && written < kRegisterMessageWords; ++written)
        to.message_word(written) = get_register(tcb.context, kUserRegisters.reg[written]);
    IpcBuffer* const buffer = count > kRegisterMessageWords ? ipc_buffer(inv.caller, true) : nullptr;
    if (buffer) {
        for (; written < count; ++written)
            buffer->msg[written] = get_register(tcb.context, kUserRegisters.reg[written]);
    }
    to.cap_or_badge() = 0;
    to.message_tag() = MessageTag::make(0, 0, 0, written).word;
    return Outcome::kReplied;
}

Outcome write_registers(Invocation& inv, Tcb& tcb) {
    if (inv.length < 2) return inv.truncated();
    bool const resumes = inv.arg(0) & 1;
    Word count = inv.arg(1);
    if (inv.length - 2 < count) return inv.truncated();
    if (&tcb == &inv.caller) return inv.illegal_operation();
    if (count > kUserRegisters.count) count = kUserRegisters.count;
    Word const in_registers = count < kRegisterMessageWords - 2 ? count : kRegisterMessageWords - 2;
    unsigned i = 0;
    for (; i < in_registers; ++i)
        set_register(tcb.context, kUserRegisters.reg[i], inv.caller.context.message_word(i + 2));
    for (; i < count; ++i) set_register(tcb.context, kUserRegisters.reg[i], inv.buffer->msg[i + 2]);
    sanitise_registers(tcb.context);
    tcb.context.pc = tcb.context.fault_pc;
    tcb.cache_done = 0;
    if (resumes) resume(tcb);
    return Outcome::kDone;
}

void copy_registers(Tcb& from, Tcb& to, unsigned first, unsigned last) {
    for (unsigned i = first; i < last; ++i) {
        uint8_t const reg = kUserRegisters.reg[i];
        set_register(to.context, reg, get_register(from.context, reg));
    }
    sanitise_registers(to.context);
}

Outcome copy_registers(Invocation& inv, Tcb& tcb) {
    if (inv.length < 1 || !inv.extra[0]) return inv.truncated();
    if (!inv.extra[0]->cap.is(CapType::kThread)) return inv.invalid_capability(1);
    Tcb& source = *inv.extra[0]->cap.thread();
    stall_if_running_elsewhere(inv.cpu, source);
    enum : Word { kSuspendSource = 1, kResumeTarget = 2, kFrame = 4, kInteger = 8 };
    Word const flags = inv.arg(0);
    if (flags & kSuspendSource) suspend(source);
    if (flags & kResumeTarget) resume(tcb);
    if (flags & kFrame) {
        copy_registers(source, tcb, 0, kFrameRegisters);
        tcb.context.pc = tcb.context.fault_pc;
    }
    if (flags & kInteger) {
        // The thread pointers of the thread that runs are in the machine.
        if (&source == inv.cpu.current) save_live_registers(source);
        copy_registers(source, tcb, kFrameRegisters, kUserRegisters.count);
        if (&tcb == inv.cpu.current) load_live_registers(tcb);
    }
    tcb.cache_done = 0;
    if (&tcb == inv.cpu.current) reschedule(inv.cpu);
    return Outcome::kDone;
}

Outcome bind_notification(Invocation& inv, Tcb& tcb) {
    if (!inv.extra[0]) return inv.truncated();
    if (tcb.bound_notification) return inv.illegal_operation();
    Cap const& cap = inv.extra[0]->cap;
    if (!cap.is(CapType::kNotification) || !cap.rights().read()) return inv.illegal_operation();
    Notification& notification = *cap.notification();
    if (notification.head || notification.bound_tcb) return inv.illegal_operation();
    bind_notification(tcb, notification);
    return Outcome::kDone;
}

Outcome set_tls_base(Invocation& inv, Tcb& tcb) {
    if (inv.length < 1) return inv.truncated();
    set_thread_pointer(inv.cpu, tcb, inv.arg(0));
    return Outcome::kDone;
}

Outcome set_flags(Invocation& inv, Tcb& tcb) {
    if (inv.length < 2) return inv.truncated();
    Word flags = tcb.fpu_disabled ? seL4_TCBFlag_fpuDisabled : 0;
    flags = ((flags & ~inv.arg(0)) | inv.arg(1)) & seL4_TCBFlag_MASK;
    tcb.fpu_disabled = flags & seL4_TCBFlag_fpuDisabled;
    if (tcb.fpu_disabled) fpu_release(tcb);
    if (&tcb == inv.cpu.current) fpu_switch_to(inv.cpu, tcb);
    return inv.reply(flags);
}

}  // namespace

Outcome invoke_thread(Invocation& inv) {
    Tcb& tcb = *inv.cap.thread();
    stall_if_running_elsewhere(inv.cpu, tcb);
    switch (inv.label) {
        case seL4_TCBReadRegisters: return read_registers(inv, tcb);
        case seL4_TCBWriteRegisters: return write_registers(inv, tcb);
        case seL4_TCBCopyRegisters: return copy_registers(inv, tcb);
        case seL4_TCBConfigure: return configure(inv, tcb);
        case seL4_TCBSetPriority: return set_priority(inv, tcb);
        case seL4_TCBSetMCPriority: return set_max_priority(inv, tcb);
        case seL4_TCBSetSchedParams: return set_sched_params(inv, tcb);
        case seL4_TCBSetTimeoutEndpoint: return set_timeout_endpoint(inv, tcb);
        case seL4_TCBSetIPCBuffer: return set_ipc_buffer(inv, tcb);
        case seL4_TCBSetSpace: return set_space(inv, tcb);
        case seL4_TCBSuspend: suspend(tcb); return Outcome::kDone;
        case seL4_TCBResume: resume(tcb); return Outcome::kDone;
        case seL4_TCBBindNotification: return bind_notification(inv, tcb);
        case seL4_TCBUnbindNotification:
            if (!tcb.bound_notification) return inv.illegal_operation();
            unbind_notification(tcb);
            return Outcome::kDone;
        case seL4_TCBSetTLSBase: return set_tls_base(inv, tcb);
        case seL4_TCBSetFlags: return set_flags(inv, tcb);
        default: return inv.illegal_operation();
    }
}

}  // namespace keel
