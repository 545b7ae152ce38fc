// The time limit of tests (watchdog.h).
#include <kos/roottask/boot.h>
#include <kos/roottask/timer.h>
#include <kos/roottask/watchdog.h>

extern "C" int kos_guarded_call(void* save_area, void (*function)(void*), void* argument);
extern "C" void kos_guarded_abort();

namespace kos::roottask {

using namespace sel4;

namespace {

constexpr Word kPeriodUs = 1000000;
constexpr Word kBudgetUs = 200000;

}  // namespace

Result Watchdog::start(ObjectAllocator& allocator) {
    // Yield ends the budget of this period, so the thread sleeps until the next one.
    Result result = thread_.create(
        allocator, {.priority = seL4_MaxPrio, .budget = {.budget_us = kBudgetUs, .period_us = kPeriodUs}});
    return result.ok() ? thread_.start([this] { watch(); }) : result;
}

void Watchdog::watch() {
    for (;;) {
        yield();
        uint64_t deadline = deadline_ticks_.get();
        if (deadline != 0 && counter_ticks() > deadline) {
            deadline_ticks_.set(0);
            abort_initial_thread();
        }
    }
}

void Watchdog::abort_initial_thread() {
    tcb_suspend(seL4_CapInitThreadTCB);
    // It may have been lent to a server, or taken away.
    sched_context_unbind(seL4_CapInitThreadSC);
    sched_context_bind(seL4_CapInitThreadSC, seL4_CapInitThreadTCB);
    tcb_unbind_notification(seL4_CapInitThreadTCB);
    tcb_set_priority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, seL4_MaxPrio);
    seL4_UserContext context{};
    context.pc = reinterpret_cast<Word>(&kos_guarded_abort);
    context.sp = save_area_.words[12];
    context.x0 = reinterpret_cast<Word>(&save_area_);
    context.tpidr_el0 = reinterpret_cast<Word>(root_task().boot_info->ipcBuffer);
    tcb_write_registers(seL4_CapInitThreadTCB, Resume::kYes, seL4_UserContext_Words, context);
}

bool Watchdog::run_erased(uint64_t limit_us, void (*function)(void*), void* argument) {
    deadline_ticks_.set(counter_ticks() + us_to_ticks(limit_us));
    int aborted = kos_guarded_call(&save_area_, function, argument);
    deadline_ticks_.set(0);
    return aborted == 0;
}

}  // namespace kos::roottask
