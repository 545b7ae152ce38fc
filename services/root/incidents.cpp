// Faults, time-outs and reports of domains: the fault record, and what happens next. On root's own time.
#include "console.h"
#include "threads.h"

namespace root {

using namespace kos::sel4;

namespace {

Text who(const Domain& domain, Word thread) {
    Text text;
    text.add(domain.spec->name).add(" (instance ").add(uint64_t{domain.instance}).add(", thread ").add(thread).add(")");
    return text;
}

void record(const Domain& domain, const Text& line) { log(Level::kError, line, domain.number, domain.instance); }

const char* guess_memory_cause(const Domain& domain, Word thread, Word address, Word ip, bool is_fetch, bool is_write) {
    const Thread& of = domain.threads[thread];
    seL4_UserContext context{};
    bool const has_sp =
        tcb_read_registers(thread_cap(domain.number, thread, kThreadTcb), Suspend::kNo, 2, context).ok();
    bool const below = address < of.stack_base && of.stack_base - address <= kPageBytes;
    if (below || (has_sp && context.sp < of.stack_base && address >= context.sp && address < of.stack_base)) {
        return "stack overflow";
    }
    if (address < kPageBytes) return is_fetch ? "call through a null pointer" : "null pointer";
    if (is_fetch) return address == ip ? "jump to what is not code" : "jump to unmapped memory";
    return is_write ? "write to memory that is not there or not writable" : "read of memory that is not there";
}

// Registers of a thread that sits in a fault, two lines of the record.
void record_registers(const Domain& domain, Word thread) {
    seL4_UserContext context{};
    CPtr const tcb = thread_cap(domain.number, thread, kThreadTcb);
    if (!tcb_read_registers(tcb, Suspend::kNo, seL4_UserContext_Words, context).ok()) return;
    record(domain, Text()
                       .add("  pc ")
                       .hex(context.pc)
                       .add(" lr ")
                       .hex(context.x30)
                       .add(" sp ")
                       .hex(context.sp)
                       .add(" fp ")
                       .hex(context.x29)
                       .add(" spsr ")
                       .hex(context.spsr));
    record(domain, Text()
                       .add("  x0 ")
                       .hex(context.x0)
                       .add(" x1 ")
                       .hex(context.x1)
                       .add(" x2 ")
                       .hex(context.x2)
                       .add(" x3 ")
                       .hex(context.x3)
                       .add(" x4 ")
                       .hex(context.x4)
                       .add(" x5 ")
                       .hex(context.x5));
    record(domain, Text()
                       .add("  x6 ")
                       .hex(context.x6)
                       .add(" x7 ")
                       .hex(context.x7)
                       .add(" x8 ")
                       .hex(context.x8)
                       .add(" x19 ")
                       .hex(context.x19)
                       .add(" x20 ")
                       .hex(context.x20)
                       .add(" x21 ")
                       .hex(context.x21));
}

// Bit 6 of a data abort's syndrome: the access was a write (ARM DDI 0487, ESR_EL1).
constexpr Word kWasWrite = 1 << 6;

kos_exit_reason describe_fault(const Domain& domain, Word thread) {
    const Word* const words = incident.words;
    Text line = who(domain, thread);
    switch (incident.label) {
        case seL4_Fault_VMFault: {
            Word const ip = words[seL4_VMFault_IP];
            Word const address = words[seL4_VMFault_Addr];
            bool const is_fetch = words[seL4_VMFault_PrefetchFault];
            bool const is_write = !is_fetch && words[seL4_VMFault_FSR] & kWasWrite;
            line.add(": ").add(is_fetch ? "instruction fetch" : is_write ? "write" : "read").add(" at ").hex(address);
            line.add(": likely ").add(guess_memory_cause(domain, thread, address, ip, is_fetch, is_write));
            record(domain, line);
            return KOS_EXIT_FAULT_MEMORY;
        }
        case seL4_Fault_CapFault:
            line.add(": used capability slot ").hex(words[seL4_CapFault_Addr]).add(", which it does not have");
            record(domain, line);
            return KOS_EXIT_FAULT_CAPABILITY;
        case seL4_Fault_UnknownSyscall:
            line.add(": system call that the kernel does not know, x7 = ").hex(words[7]);
            record(domain, line);
            return KOS_EXIT_FAULT_SYSCALL;
        default:
            line.add(": instruction that it may not execute, syndrome ").hex(words[seL4_UserException_Number]);
            record(domain, line);
            return KOS_EXIT_FAULT_INSTRUCTION;
    }
}

void end_domain(Domain& domain, kos_exit_reason reason) {
    // An end as it should be needs no more words.
    if (reason != KOS_EXIT_DONE) {
        record(
            domain,
            Text().add("  ").add(domain.spec->name).add(" is destroyed now; the supervisor decides about a restart"));
    }
    destroy(domain, reason);
    // Nobody else restarts the one that restarts the others.
    if (domain.spec->rights & kos::manifest::kRightControl) restart_later(domain);
    wake_ticker();
}

// Reports and faults run on root's time: a domain that makes many of them would take it from everybody else.
constexpr uint32_t kMaxReports = 64;          // of an instance
constexpr uint32_t kMaxFaultsPerSecond = 16;  // of its threads, left to it

bool reports_too_often(Domain& domain, Word thread) {
    if (++domain.reports <= kMaxReports) return false;
    Text line = who(domain, thread);
    record(domain, line.add(": misuses its reports to root"));
    end_domain(domain, KOS_EXIT_ERROR);
    return true;
}

bool faults_too_often(Domain& domain) {
    Word const now = ticks();
    if (now - domain.faults_since >= ticks_per_second()) {
        domain.faults_since = now;
        domain.faults = 0;
    }
    if (++domain.faults <= kMaxFaultsPerSecond) return false;
    record(domain, Text().add("  ").add(domain.spec->name).add(": more faults than its thread manager may handle"));
    return true;
}

// Leaves the fault of a thread other than the main one to the domain, if it looks after its threads.
bool leave_to_domain(Domain& domain, Word number, kos_exit_reason kind) {
    if (!domain.handles_faults || number == 0 || faults_too_often(domain)) return false;
    Thread& thread = domain.threads[number];
    seL4_UserContext context{};
    CPtr const tcb = thread_cap(domain.number, number, kThreadTcb);
    if (!tcb_read_registers(tcb, Suspend::kNo, seL4_UserContext_Words, context).ok()) return false;
    tcb_suspend(tcb);
    thread.state = Thread::State::kFaulted;
    thread.fault_is_new = true;
    kos_fault_t& fault = thread.fault;
    fault = {};
    fault.thread = number;
    fault.kind = kind;
    fault.ip = context.pc;
    fault.sp = context.sp;
    if (kind == KOS_EXIT_FAULT_MEMORY) {
        fault.address = incident.words[seL4_VMFault_Addr];
        fault.detail = incident.words[seL4_VMFault_FSR];
    } else if (kind == KOS_EXIT_FAULT_CAPABILITY) {
        fault.address = incident.words[seL4_CapFault_Addr];
    } else if (kind == KOS_EXIT_FAULT_SYSCALL) {
        fault.detail = incident.words[7];
    }
    Word const x[31] = {context.x0,  context.x1,  context.x2,  context.x3,  context.x4,  context.x5,  context.x6,
                        context.x7,  context.x8,  context.x9,  context.x10, context.x11, context.x12, context.x13,
                        context.x14, context.x15, context.x16, context.x17, context.x18, context.x19, context.x20,
                        context.x21, context.x22, context.x23, context.x24, context.x25, context.x26, context.x27,
                        context.x28, context.x29, context.x30};
    __builtin_memcpy(fault.x, x, sizeof x);
    record(domain, Text().add("  left to the domain's thread manager"));
    signal(domain.signal_fault);
    return true;
}

IncidentAnswer handle_timeout(Domain& domain, Word thread) {
    bool hung = false;
    lend_after_timeout(domain, thread, incident.words[seL4_Timeout_Data], hung);
    if (!hung) {
        wake_ticker();
        return kResume;
    }
    Text line = who(domain, thread);
    record(domain, line.add(": has used up the time that one request may take: hung"));
    record_registers(domain, thread);
    end_domain(domain, KOS_EXIT_HUNG);
    return kLeaveStopped;
}

// Word 2: bytes of a text that begins in word 4.
void record_exit(Domain& domain, Word thread) {
    Text line = who(domain, thread);
    Word const reason = incident.words[0];
    if (reason == KOS_EXIT_DONE) {
        log(Level::kInfo, line.add(": ended"), domain.number, domain.instance);
        return;
    }
    if (reason == KOS_EXIT_ASSERT) {
        Word const room = (kIncidentWords - 4) * sizeof(Word);
        Word const bytes = incident.words[2] < room ? incident.words[2] : room;
        line.add(": assertion: ").add_foreign(reinterpret_cast<const char*>(&incident.words[4]), bytes);
        record(domain, line);
        return;
    }
    record(domain, line.add(": ended with status ").add(incident.words[1]));
}

}  // namespace

void record_hung(const Domain& domain) {
    const bool runs = domain.state == KOS_DOMAIN_STARTING || domain.state == KOS_DOMAIN_READY;
    if (!runs) return;
    Text line = who(domain, 0);
    record(domain, line.add(": has given no sign of life for its watchdog time: hung"));
    record_registers(domain, 0);
}

void end_hung(Domain& domain) {
    record_hung(domain);
    end_domain(domain, KOS_EXIT_HUNG);
}

IncidentAnswer handle_incident() {
    Domain* const domain = find(incident.badge >> 8);
    Word const thread = incident.badge & 0xff;
    if (!domain || thread >= KOS_MAX_THREADS) return kLeaveStopped;
    bool const runs = domain->state == KOS_DOMAIN_STARTING || domain->state == KOS_DOMAIN_READY;
    if (!runs) return kLeaveStopped;
    if (incident.is_report) {
        if (incident.label == KOS_REPORT_RETURN && incident.words[0] < KOS_MAX_THREADS &&
            return_loan(*domain, incident.words[0])) {
            return kAnswerOk;
        }
        if (incident.label != KOS_REPORT_EXIT && reports_too_often(*domain, thread)) return kLeaveStopped;
        if (incident.label == KOS_REPORT_READY) {
            // Word 0: which thread, as the domain says; it can only give away time of its own.
            Word const ready = incident.length ? incident.words[0] : 0;
            bool const is_first = ready == 0 && domain->state == KOS_DOMAIN_STARTING;
            if (ready < KOS_MAX_THREADS && domain->threads[ready].passive && (ready != 0 || is_first)) {
                make_passive(*domain, ready);
                wake_ticker();
            }
            if (is_first) tell_ready(*domain);
            return kAnswerOk;
        }
        if (incident.label != KOS_REPORT_EXIT) return kAnswerOk;
        Word const reason = incident.words[0];
        bool const is_known = reason >= KOS_EXIT_DONE && reason <= KOS_EXIT_ASSERT;
        record_exit(*domain, thread);
        end_domain(*domain, is_known ? static_cast<kos_exit_reason>(reason) : KOS_EXIT_ERROR);
        return kLeaveStopped;
    }
    if (incident.label == seL4_Fault_Timeout) return handle_timeout(*domain, thread);
    kos_exit_reason const reason = describe_fault(*domain, thread);
    record_registers(*domain, thread);
    if (!leave_to_domain(*domain, thread, reason)) end_domain(*domain, reason);
    return kLeaveStopped;
}

kos_status_t next_fault(Domain& domain, Words& answer, Word& length) {
    for (Thread& thread : domain.threads) {
        if (thread.state != Thread::State::kFaulted || !thread.fault_is_new) continue;
        thread.fault_is_new = false;
        Word words[sizeof(kos_fault_t) / sizeof(Word)];
        __builtin_memcpy(words, &thread.fault, sizeof words);
        length = sizeof words / sizeof words[0];
        for (Word i = 0; i < length; ++i) {
            if (i < 4) {
                answer.w[i] = words[i];
            } else {
                ipc_buffer()->msg[i] = words[i];
            }
        }
        return KOS_STATUS_OK;
    }
    return KOS_STATUS_EMPTY;
}

}  // namespace root
