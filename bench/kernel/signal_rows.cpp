// Notifications, sends that nobody receives, and Yield.
#include "partner.h"

namespace kos::bench {

using namespace sel4;

namespace {

constexpr Word kBadge = 0x10;

void signal_nobody_waiting(Row& row) {
    const CPtr notification = row.make(seL4_NotificationObject);
    OneCall call{
        .in = {.x0 = row.arena().mint(notification, kBadge)}, .x7 = number(seL4_SysSend), .passes = row.passes()};
    row.check(nb_wait(notification).badge == 0, "a new notification is empty");
    kos_loop_one(&call);
    row.check(nb_wait(notification).badge == kBadge, "the signals arrived");
    row.result(call.ticks, call.passes, kos_loop_one_instructions);
}

// Counts what a repeated receive without a sender returned; all badges are 0.
void nb_wait_empty(Row& row) {
    const CPtr notification = row.make(seL4_NotificationObject);
    OneCall call{.in = {.x0 = notification}, .x7 = number(seL4_SysNBWait), .passes = row.passes()};
    kos_loop_one(&call);
    row.check(call.sum_x0 == 0, "nothing was received");
    signal(row.arena().mint(notification, kBadge));
    row.check(nb_wait(notification).badge == kBadge, "what is sent afterwards is received");
    row.result(call.ticks, call.passes, kos_loop_one_instructions);
}

void nb_send_no_receiver(Row& row) {
    const CPtr endpoint = row.make(seL4_EndpointObject);
    const CPtr reply = row.make(seL4_ReplyObject);
    OneCall call{.in = {.x0 = row.arena().mint(endpoint, kBadge), .tag = Tag::make(1, 1).word},
                 .x7 = number(seL4_SysNBSend),
                 .passes = row.passes()};
    kos_loop_one(&call);
    row.check(nb_recv(endpoint, reply).badge == 0, "nothing was left waiting");
    row.result(call.ticks, call.passes, kos_loop_one_instructions);
}

void nb_send_invalid_cap(Row& row) {
    OneCall call{.in = {.x0 = row.arena().slot(), .tag = Tag::make(1, 1).word},
                 .x7 = number(seL4_SysNBSend),
                 .passes = row.passes()};
    kos_loop_one(&call);
    row.result(call.ticks, call.passes, kos_loop_one_instructions);
}

void yield_alone(Bench& bench, Row& row) {
    OneCall call{.in = {}, .x7 = number(seL4_SysYield), .passes = row.passes()};
    kos_loop_one(&call);
    // Yield lets another thread of the same priority run.
    bool ran = false;
    roottask::Thread other;
    row.check_ok(other.create(row.arena(), thread_options(bench, Where::kSameVspace, kPriority)), "a thread");
    row.check_ok(other.start([&ran] { __atomic_store_n(&ran, true, __ATOMIC_RELAXED); }), "it starts");
    row.check(!__atomic_load_n(&ran, __ATOMIC_RELAXED), "it waits for its turn");
    yield();
    row.check(__atomic_load_n(&ran, __ATOMIC_RELAXED), "it has its turn");
    row.result(call.ticks, call.passes, kos_loop_one_instructions);
}

// Both sides run the same loop: signal and wait here, wait and signal there; a round trip has four system calls.
void ping_pong(Bench& bench, Row& row, const PartnerState& state) {
    const CPtr ping = row.make(seL4_NotificationObject);
    const CPtr pong = row.make(seL4_NotificationObject);
    constexpr Word kEndless = Word{1} << 62;
    TwoCalls there{.first = {.x0 = ping},
                   .first_x7 = number(seL4_SysWait),
                   .second = {.x0 = row.arena().mint(pong, kBadge)},
                   .second_x7 = number(seL4_SysSend),
                   .passes = kEndless};
    Partner partner;
    if (!partner.start(bench, row, state, [&there] { kos_loop_two(&there); })) {
        return;
    }
    TwoCalls here{.first = {.x0 = row.arena().mint(ping, kBadge)},
                  .first_x7 = number(seL4_SysSend),
                  .second = {.x0 = pong},
                  .second_x7 = number(seL4_SysWait),
                  .passes = row.passes()};
    kos_loop_two(&here);
    row.check(here.sum_second_x0 == kBadge * row.passes(), "each wait returned the partner's badge");
    seL4_UserContext context{};
    row.check_ok(tcb_read_registers(partner.thread().tcb(), sel4::Suspend::kNo, seL4_UserContext_Words, context),
                 "the partner's registers");
    row.check(context.x25 == kEndless - row.passes(), "the partner made one pass per round trip");
    row.result(here.ticks, here.passes, 2 * kos_loop_two_instructions);
}

struct PingPong {
    const char* name;
    PartnerState partner;
};

constexpr PingPong kPingPongs[] = {
    {"signal_wait/equal_priority", {.where = Where::kSameVspace}},
    {"signal_wait/equal_priority/other_vspace", {.where = Where::kOtherVspace}},
    {"signal_wait/equal_priority/partner_fpu_off", {.fpu = Fpu::kOff, .where = Where::kOtherVspace}},
    {"signal_wait/partner_above", {.where = Where::kSameVspace, .priority = kPriority + 1}},
    {"signal_wait/partner_above/other_vspace", {.where = Where::kOtherVspace, .priority = kPriority + 1}},
    {"signal_wait/partner_above/partner_fpu_off",
     {.fpu = Fpu::kOff, .where = Where::kOtherVspace, .priority = kPriority + 1}},
};

}  // namespace

void signal_rows(Bench& bench) {
    for (const PingPong& spec : kPingPongs) {
        bench.row(spec.name, [&](Row& row) { ping_pong(bench, row, spec.partner); });
    }
    bench.row("signal/nobody_waiting", signal_nobody_waiting);
    bench.row("nb_wait/empty", nb_wait_empty);
    bench.row("nb_send/no_receiver", nb_send_no_receiver);
    bench.row("nb_send/invalid_cap", nb_send_invalid_cap);
    bench.row("yield/alone", [&](Row& row) { yield_alone(bench, row); });
}

}  // namespace kos::bench
