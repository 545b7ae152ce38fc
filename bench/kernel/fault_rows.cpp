// Faults and their replies: unknown system calls, page faults, exceptions.
#include "partner.h"

namespace kos::bench {

using namespace sel4;

namespace {

constexpr Word kBadge = 7;
constexpr Word kUnknownNumber = 1000;
constexpr Word kX0 = 500;
constexpr Word kX2 = 3;
constexpr Word kX8 = 64;
constexpr Word kUnmapped = 0x1000;
// FaultIP is the last word that the reply needs.
constexpr Word kReplyWords = seL4_UnknownSyscall_FaultIP + 1;

// The thread whose faults are measured; it faults to `endpoint` with kBadge, from an address space of its own.
bool create_faulter(Bench& bench, Row& row, CPtr endpoint, roottask::Thread& faulter) {
    roottask::ThreadOptions options = thread_options(bench, Where::kOtherVspace, kPriority);
    options.fault_endpoint = row.arena().mint(endpoint, kBadge);
    return row.check_ok(faulter.create(row.arena(), options), "the faulting thread can be created");
}

enum class Needs { kMessage, kReadRegisters };

void unknown_syscall(Bench& bench, Row& row, Needs needs, const PartnerState& state) {
    const CPtr endpoint = row.make(seL4_EndpointObject);
    roottask::Thread faulter;
    if (!create_faulter(bench, row, endpoint, faulter)) {
        return;
    }
    FaultServer server{.endpoint = endpoint, .reply = row.make(seL4_ReplyObject)};
    server.answer_tag = Tag::make(0, kReplyWords).word;
    server.tcb = faulter.tcb();
    server.read_registers_tag = Tag::make(seL4_TCBReadRegisters, 2).word;
    Partner partner;
    const auto body = [&server, needs] {
        server.buffer = ipc_buffer();
        if (needs == Needs::kReadRegisters) {
            kos_serve_syscalls_by_x8(&server);
        }
        kos_serve_unknown_syscalls(&server);
    };
    if (!partner.start(bench, row, state, body)) {
        return;
    }
    OneCall call{
        .in = {.x0 = kX0, .tag = 2, .words = {kX2, 4, 5, 6}}, .x6 = kX8, .x7 = kUnknownNumber, .passes = row.passes()};
    row.check_ok(faulter.start([&call] { kos_loop_one(&call); }), "the faulting thread starts");
    faulter.join();

    row.check(call.sum_x0 == row.passes() * (kX0 + 1), "each call returned what the handler put into x0");
    row.check(call.or_tag == 2 && call.sum_word0 == row.passes() * kX2, "x1 and x2 came back");
    const Word per_pass = needs == Needs::kReadRegisters ? kX8 : kBadge;
    row.check(server.sum == row.passes() * per_pass, "the handler saw each call once");
    row.check(server.or_tags == Tag::make(seL4_Fault_UnknownSyscall, seL4_UnknownSyscall_Length).word,
              "each message was an unknown system call");
    row.result(call.ticks, call.passes,
               kos_loop_one_instructions + (needs == Needs::kReadRegisters ? kos_serve_syscalls_by_x8_instructions
                                                                           : kos_serve_unknown_syscalls_instructions));
}

struct FaultKind {
    Word label;
    Word length;
    void (*run)();
    Word instruction_address;
    // The emulator counts an undefined instruction, but not a load that does not complete.
    Word user_instructions;
};

void load() { kos_fault_on_load(kUnmapped); }

FaultKind page_fault() {
    return {seL4_Fault_VMFault, seL4_VMFault_Length, load, reinterpret_cast<Word>(&kos_fault_on_load), 0};
}

FaultKind undefined_instruction() {
    return {seL4_Fault_UserException, seL4_UserException_Length, kos_fault_on_instruction,
            reinterpret_cast<Word>(&kos_fault_on_instruction), 1};
}

// Each empty reply resumes the thread at the instruction that faulted.
void refault(Bench& bench, Row& row, const FaultKind& kind, const PartnerState& state) {
    const CPtr endpoint = row.make(seL4_EndpointObject);
    const CPtr done = row.make(seL4_NotificationObject);
    const CPtr never = row.make(seL4_NotificationObject);
    roottask::Thread faulter;
    if (!create_faulter(bench, row, endpoint, faulter)) {
        return;
    }
    Refault handler{.endpoint = endpoint, .reply = row.make(seL4_ReplyObject), .passes = row.passes()};
    Partner partner;
    const auto body = [&handler, done, never] {
        recv(handler.endpoint, handler.reply);
        kos_loop_refault(&handler);
        signal(done);
        // The row ends before this returns.
        for (;;) {
            wait(never);
        }
    };
    if (!partner.start(bench, row, state, body)) {
        return;
    }
    row.check_ok(faulter.start(kind.run), "the faulting thread starts");
    wait(done);

    row.check(handler.sum_badges == row.passes() * kBadge, "each fault came from the faulting thread");
    row.check(handler.or_tags == Tag::make(kind.label, kind.length).word, "each message was of that fault");
    row.check(handler.sum_word0 == row.passes() * kind.instruction_address, "each fault was at that instruction");
    row.result(handler.ticks, handler.passes, kos_loop_refault_instructions + kind.user_instructions);
}

struct Variant {
    const char* syscall;
    const char* syscall_by_x8;
    const char* page_fault;
    const char* exception;
    PartnerState handler;
};

constexpr Variant kVariants[] = {
    {"unknown_syscall/passive",
     "unknown_syscall_read_registers/passive",
     "vm_fault/passive",
     "user_exception/passive",
     {.schedule = Schedule::kPassive}},
    {"unknown_syscall/passive/handler_fpu_off",
     "unknown_syscall_read_registers/passive/handler_fpu_off",
     "vm_fault/passive/handler_fpu_off",
     "user_exception/passive/handler_fpu_off",
     {.schedule = Schedule::kPassive, .fpu = Fpu::kOff}},
    {"unknown_syscall/active",
     "unknown_syscall_read_registers/active",
     "vm_fault/active",
     "user_exception/active",
     {.schedule = Schedule::kActive}},
    {"unknown_syscall/active/handler_fpu_off",
     "unknown_syscall_read_registers/active/handler_fpu_off",
     "vm_fault/active/handler_fpu_off",
     "user_exception/active/handler_fpu_off",
     {.schedule = Schedule::kActive, .fpu = Fpu::kOff}},
};

}  // namespace

void fault_rows(Bench& bench) {
    for (const Variant& v : kVariants) {
        bench.row(v.syscall, [&](Row& row) { unknown_syscall(bench, row, Needs::kMessage, v.handler); });
        bench.row(v.syscall_by_x8, [&](Row& row) { unknown_syscall(bench, row, Needs::kReadRegisters, v.handler); });
        bench.row(v.page_fault, [&](Row& row) { refault(bench, row, page_fault(), v.handler); });
        bench.row(v.exception, [&](Row& row) { refault(bench, row, undefined_instruction(), v.handler); });
    }
}

}  // namespace kos::bench
