// From the deadline of the physical timer to the first instruction of the user-level handler.
//
// The deadline lies on a tick of the counter, but the moment of arrival does not, and the counter has 16 instructions
// to a tick. So the latency is measured 16 times, reading the counter later by 0, 1 .. 15 instructions: for any latency
// L the sum over k of floor((L + k) / 16) is L (Hermite's identity), which makes the figure exact.
#include "partner.h"

namespace kos::bench {

using namespace sel4;

namespace {

constexpr Word kTimerIrq = 30;  // physical timer of the core
// Far enough that the handler waits by then.
constexpr uint64_t kLeadTicks = 4000;
constexpr uint64_t kTimerEnable = 1;
constexpr uint64_t kSamples = kMaxNops + 1;

void set_timer(uint64_t deadline_ticks) {
    asm volatile("msr cntp_cval_el0, %0\n\tmsr cntp_ctl_el0, %1\n\tisb" ::"r"(deadline_ticks), "r"(kTimerEnable));
}

void stop_timer() { asm volatile("msr cntp_ctl_el0, xzr\n\tisb"); }

struct Samples {
    CPtr notification = kNullCap;
    CPtr handler = kNullCap;
    uint64_t sum_ticks = 0;
    uint64_t least_ticks = ~uint64_t{0};
    uint64_t most_ticks = 0;
    uint64_t early = 0;
    uint64_t refused = 0;
};

// One interrupt: ticks from the deadline to the counter's value, read `nops` instructions late.
uint64_t take_one(Samples& samples, uint64_t nops) {
    const uint64_t deadline = roottask::counter_ticks() + kLeadTicks;
    set_timer(deadline);
    const uint64_t arrived = kos_wait_and_read_counter(samples.notification, nops);
    stop_timer();
    samples.early += arrived < deadline ? 1 : 0;
    // By the system call itself: functions of the library may use FP registers, which may be disabled here.
    samples.refused += call(samples.handler, Tag::make(shifted_label(seL4_IRQAckIRQ), 0)).label();
    return arrived - deadline;
}

void take_all(Samples& samples) {
    // Before the first interrupt other threads ran than before the later ones.
    take_one(samples, 0);
    for (uint64_t nops = 0; nops < kSamples; ++nops) {
        const uint64_t ticks = take_one(samples, nops);
        samples.sum_ticks += ticks;
        samples.least_ticks = ticks < samples.least_ticks ? ticks : samples.least_ticks;
        samples.most_ticks = ticks > samples.most_ticks ? ticks : samples.most_ticks;
    }
}

CPtr make_handler(Row& row) {
    const CPtr handler = row.arena().slot();
    row.check_ok(irq_control_get(seL4_CapIRQControl, kTimerIrq, roottask::root_slot(handler)), "the interrupt");
    return handler;
}

enum class Meanwhile { kThreadRuns, kIdle };

void latency(Bench& bench, Row& row, Meanwhile meanwhile, Fpu fpu) {
    Samples samples;
    samples.notification = row.make(seL4_NotificationObject);
    samples.handler = make_handler(row);
    row.check_ok(irq_handler_set_notification(samples.handler, samples.notification), "setting the notification");
    const CPtr go = row.make(seL4_NotificationObject);
    const CPtr done = row.make(seL4_NotificationObject);
    roottask::Shared<bool> finished;
    Partner partner;
    const auto body = [&samples, &finished, go, done] {
        wait(go);
        take_all(samples);
        finished.set(true);
        for (;;) {
            signal(done);
            wait(go);
        }
    };
    if (!partner.start(bench, row, {.fpu = fpu, .where = Where::kOtherVspace, .priority = kAbovePriority}, body)) {
        return;
    }
    signal(go);
    while (meanwhile == Meanwhile::kThreadRuns && !finished.get()) {
    }
    wait(done);
    row.check(samples.early == 0, "no interrupt comes before its deadline");
    row.check(samples.refused == 0, "each acknowledgement succeeds");
    row.check(samples.most_ticks - samples.least_ticks <= 1, "the latency is the same each time");
    row.result_exact(samples.sum_ticks - kWaitAndReadInstructions);
}

void acknowledge(Row& row) {
    const CPtr handler = make_handler(row);
    repeat(row, row.passes(), staged(handler, seL4_IRQAckIRQ));
}

}  // namespace

void interrupt_rows(Bench& bench) {
    bench.row("interrupt/thread_running", [&](Row& row) { latency(bench, row, Meanwhile::kThreadRuns, Fpu::kOn); });
    bench.row("interrupt/thread_running/handler_fpu_off",
              [&](Row& row) { latency(bench, row, Meanwhile::kThreadRuns, Fpu::kOff); });
    bench.row("interrupt/idle", [&](Row& row) { latency(bench, row, Meanwhile::kIdle, Fpu::kOn); });
    bench.row("interrupt/acknowledge", acknowledge);
}

}  // namespace kos::bench
