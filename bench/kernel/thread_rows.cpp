// Invocations of a TCB that is not running.
#include "bench.h"

namespace kos::bench {

using namespace sel4;

namespace {

constexpr Word kPc = 0x123456000;
constexpr Word kX28 = 0x2828282828282828;

// A thread that never runs: below everybody else.
bool create_idle(Row& row, roottask::Thread& thread) {
    roottask::ThreadOptions options;
    options.priority = kBelowPriority;
    options.budget = kLongBudget;
    return row.check_ok(thread.create(row.arena(), options), "a thread can be created");
}

bool set_registers(Row& row, CPtr tcb) {
    seL4_UserContext context{};
    context.pc = kPc;
    context.x28 = kX28;
    return row.check_ok(tcb_write_registers(tcb, Resume::kNo, seL4_UserContext_Words, context),
                        "the registers are set");
}

void read_registers(Row& row, Word count) {
    roottask::Thread thread;
    if (!create_idle(row, thread) || !set_registers(row, thread.tcb())) {
        return;
    }
    ipc_buffer()->msg[34] = 0;
    const OneCall call = repeat(row, row.passes(), staged(thread.tcb(), seL4_TCBReadRegisters, {}, {0, count}));
    row.check(Tag{call.or_tag}.length() == count, "each answer has as many words as were asked for");
    row.check(call.sum_word0 == row.passes() * kPc, "each answer begins with the program counter");
    if (count == seL4_UserContext_Words) {
        row.check(ipc_buffer()->msg[33] == kX28, "x28 is word 33 of the answer");
    }
}

void write_registers(Row& row) {
    roottask::Thread thread;
    if (!create_idle(row, thread) || !set_registers(row, thread.tcb())) {
        return;
    }
    // Words 0 and 1 are flags and count, then come the registers: word 35 is x28.
    for (Word i = kRegisterWords; i < 2 + seL4_UserContext_Words; ++i) {
        ipc_buffer()->msg[i] = 0;
    }
    ipc_buffer()->msg[35] = kX28 + 1;
    const CallRegisters in{.x0 = thread.tcb(),
                           .tag = Tag::make(seL4_TCBWriteRegisters, 2 + seL4_UserContext_Words).word,
                           .words = {0, seL4_UserContext_Words, kPc + 16, 0}};
    repeat(row, row.passes(), in);
    seL4_UserContext context{};
    row.check_ok(tcb_read_registers(thread.tcb(), Suspend::kNo, seL4_UserContext_Words, context), "reading back");
    row.check(context.pc == kPc + 16 && context.x28 == kX28 + 1, "the registers were written");
}

void set_tls_base(Row& row) {
    constexpr Word kBase = 0x765432000;
    roottask::Thread thread;
    if (!create_idle(row, thread)) {
        return;
    }
    repeat(row, row.passes(), staged(thread.tcb(), shifted_label(seL4_TCBSetTLSBase), {}, {kBase}));
    seL4_UserContext context{};
    row.check_ok(tcb_read_registers(thread.tcb(), Suspend::kNo, seL4_UserContext_Words, context), "reading back");
    row.check(context.tpidr_el0 == kBase, "the register was set");
}

void suspend_resume(Row& row) {
    roottask::Thread thread;
    roottask::Shared<Word> ran;
    if (!create_idle(row, thread)) {
        return;
    }
    row.check_ok(thread.start([&ran] { ran.set(1); }), "the thread starts");
    repeat(row, row.passes(), staged(thread.tcb(), seL4_TCBSuspend), staged(thread.tcb(), seL4_TCBResume));
    row.check(ran.get() == 0, "a thread of lower priority does not run");
    thread.join();
    row.check(ran.get() == 1, "the resumed thread runs when it can");
}

void set_priority(Row& row) {
    roottask::Thread thread;
    if (!create_idle(row, thread)) {
        return;
    }
    repeat(row, row.passes(), staged(thread.tcb(), seL4_TCBSetPriority, {seL4_CapInitThreadTCB}, {kBelowPriority - 1}));
}

}  // namespace

void thread_rows(Bench& bench) {
    bench.row("tcb/read_registers/1", [](Row& row) { read_registers(row, 1); });
    bench.row("tcb/read_registers/12", [](Row& row) { read_registers(row, 12); });
    bench.row("tcb/read_registers/36", [](Row& row) { read_registers(row, 36); });
    bench.row("tcb/write_registers/36", write_registers);
    bench.row("tcb/set_tls_base", set_tls_base);
    bench.row("tcb/set_priority", set_priority);
    bench.row("tcb/suspend_and_resume", suspend_resume);
}

}  // namespace kos::bench
