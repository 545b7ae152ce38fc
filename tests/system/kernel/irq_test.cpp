// Interrupts that devices really raise: the physical timer (a private interrupt) and the PL011 (a shared one), from
// the device to the thread that waits.
#include "support.h"

namespace {

constexpr CPtr kControl = seL4_CapIRQControl;
constexpr Word kTimerInterrupt = 30;
constexpr Word kUartInterrupt = 33;
constexpr Word kBadge = 0x40;

// The physical timer of the core that this runs on (Arm ARM, D13.8.16 CNTP_CTL_EL0): the line is high while it is on
// and its time has come.
void timer_at(uint64_t ticks) {
    asm volatile("msr cntp_cval_el0, %0\n\tmsr cntp_ctl_el0, %1\n\tisb" : : "r"(ticks), "r"(Word{1}) : "memory");
}
void timer_off() { asm volatile("msr cntp_ctl_el0, %0\n\tisb" : : "r"(Word{0}) : "memory"); }
uint64_t timer_in_us(uint64_t us) {
    uint64_t at = counter_ticks() + us_to_ticks(us);
    timer_at(at);
    return at;
}

// Switches the timer off whatever way the test ends.
struct TimerGuard {
    TimerGuard() { timer_off(); }
    ~TimerGuard() { timer_off(); }
};

struct Handled {
    CPtr notification = kNullCap;
    CPtr badged = kNullCap;
    CPtr handler = kNullCap;

    // `level` sets how the interrupt is triggered; the plain method leaves that as it is.
    bool create(TestContext& t, Word irq, bool level = false) {
        notification = t.make(seL4_NotificationObject);
        badged = t.mint(notification, kBadge);
        handler = t.slot();
        Result result = level ? irq_control_get_trigger(kControl, irq, Trigger::kLevel, root_slot(handler))
                              : irq_control_get(kControl, irq, root_slot(handler));
        if (result.ok()) {
            result = irq_handler_set_notification(handler, badged);
        }
        EXPECT_OK(result);
        return result.ok();
    }
    bool silent() const {
        spin_us(1500);
        return nb_wait(notification).badge == 0;
    }
};

// The PL011's transmit interrupt (TRM r1p5, 3.3.10 UARTIMSC, 3.3.13 UARTICR): raised in the emulator by each byte sent,
// lowered by clearing it. What is sent is a blank.
class UartLine {
public:
    UartLine() {
        clear();
        put(kMask, kTransmit);
    }
    ~UartLine() {
        put(kMask, 0);
        clear();
    }
    void raise() { console_put(' '); }
    void clear() { put(kClear, kTransmit); }
    bool is_high() { return (get(kMasked) & kTransmit) != 0; }

private:
    static constexpr size_t kMask = 0x38;
    static constexpr size_t kMasked = 0x40;
    static constexpr size_t kClear = 0x44;
    static constexpr uint32_t kTransmit = 1u << 5;

    static void put(size_t offset, uint32_t value) {
        *reinterpret_cast<volatile uint32_t*>(console_registers() + offset) = value;
    }
    static uint32_t get(size_t offset) { return *reinterpret_cast<volatile uint32_t*>(console_registers() + offset); }
};

}  // namespace

KOS_TEST(irq_timer_signals_the_badge) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    uint64_t at = timer_in_us(2000);
    Message message = wait(timer.notification);
    EXPECT_GE(counter_ticks(), at);
    EXPECT_EQ(message.badge, kBadge);
    EXPECT_EQ(message.length(), 0u);
}

KOS_TEST(irq_timer_many_times) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    for (Word i = 0; i < 200; ++i) {
        uint64_t at = timer_in_us(i % 50);
        EXPECT_EQ(wait(timer.notification).badge, kBadge);
        EXPECT_GE(counter_ticks(), at);
        timer_off();
        EXPECT_OK(irq_handler_ack(timer.handler));
    }
    EXPECT_TRUE(timer.silent());
}

KOS_TEST(irq_is_masked_until_acknowledged) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    timer_in_us(100);
    EXPECT_EQ(wait(timer.notification).badge, kBadge);
    EXPECT_TRUE(timer.silent());  // the line is still high
    timer_in_us(10);
    EXPECT_TRUE(timer.silent());
    EXPECT_OK(irq_handler_ack(timer.handler));
    EXPECT_EQ(wait(timer.notification).badge, kBadge);  // because it is still high
    timer_off();
    EXPECT_OK(irq_handler_ack(timer.handler));
    EXPECT_TRUE(timer.silent());
    // Acknowledging more than there was does not count.
    EXPECT_OK(irq_handler_ack(timer.handler));
    EXPECT_OK(irq_handler_ack(timer.handler));
    EXPECT_TRUE(timer.silent());
    timer_in_us(10);
    EXPECT_EQ(wait(timer.notification).badge, kBadge);
    EXPECT_TRUE(timer.silent());
}

KOS_TEST(irq_without_notification) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    EXPECT_OK(irq_handler_clear(timer.handler));
    timer_in_us(10);
    EXPECT_TRUE(timer.silent());
    // It was taken and is masked: the new notification hears of it after an acknowledgement.
    EXPECT_OK(irq_handler_set_notification(timer.handler, timer.badged));
    EXPECT_OK(irq_handler_ack(timer.handler));
    EXPECT_EQ(wait(timer.notification).badge, kBadge);
}

KOS_TEST(irq_other_notification) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    CPtr other = t.make(seL4_NotificationObject);
    EXPECT_OK(irq_handler_set_notification(timer.handler, t.mint(other, 0x81)));
    timer_in_us(10);
    EXPECT_EQ(wait(other).badge, 0x81u);
    EXPECT_TRUE(timer.silent());
}

KOS_TEST(irq_deleted_notification) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    // The handler holds a copy of the capability, which goes with the others.
    EXPECT_OK(cnode_revoke(root_slot(timer.notification)));
    EXPECT_OK(cnode_delete(root_slot(timer.notification)));
    timer_in_us(10);
    spin_us(1000);
    CPtr other = t.make(seL4_NotificationObject);
    EXPECT_OK(irq_handler_set_notification(timer.handler, t.mint(other, 0x82)));
    EXPECT_OK(irq_handler_ack(timer.handler));
    EXPECT_EQ(wait(other).badge, 0x82u);
}

KOS_TEST(irq_deleted_capability_of_the_notification) {
    // The handler's copy does not depend on the slot that it was copied from.
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    EXPECT_OK(cnode_delete(root_slot(timer.badged)));
    timer_in_us(10);
    EXPECT_EQ(wait(timer.notification).badge, kBadge);
    // Nor on the handler capability used for setting it.
    CPtr copy = t.copy(timer.handler);
    EXPECT_OK(cnode_delete(root_slot(timer.handler)));
    EXPECT_OK(irq_handler_ack(copy));
    EXPECT_EQ(wait(timer.notification).badge, kBadge);
}

KOS_TEST(irq_deleted_handler) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    timer_in_us(10);
    EXPECT_EQ(wait(timer.notification).badge, kBadge);
    EXPECT_OK(cnode_delete(root_slot(timer.handler)));
    timer_in_us(10);
    EXPECT_TRUE(timer.silent());
    // Issued again it works as new: the old notification hears nothing, the line is high at once.
    CPtr other = t.make(seL4_NotificationObject);
    ASSERT_OK(irq_control_get(kControl, kTimerInterrupt, root_slot(timer.handler)));
    EXPECT_OK(irq_handler_set_notification(timer.handler, t.mint(other, 0x83)));
    EXPECT_OK(irq_handler_ack(timer.handler));
    EXPECT_EQ(wait(other).badge, 0x83u);
    EXPECT_TRUE(timer.silent());
}

KOS_TEST(irq_wakes_a_thread_above_a_busy_one) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    Shared<Word> seen;
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_OK(thread.start([&] {
        seen.set(wait(timer.notification).badge);
        timer_off();
    }));
    EXPECT_EQ(seen.get(), 0u);
    timer_in_us(500);
    // Busy until the thread has preempted this one.
    while (seen.get() == 0) {
    }
    EXPECT_EQ(seen.get(), kBadge);
}

KOS_TEST(irq_to_a_bound_notification) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Shared<Word> badge;
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_OK(tcb_bind_notification(thread.tcb(), timer.notification));
    EXPECT_OK(thread.start([&] {
        badge.set(recv(endpoint, reply_object).badge);
        timer_off();
    }));
    timer_in_us(10);
    thread.join();
    EXPECT_EQ(badge.get(), kBadge);
}

KOS_TEST(irq_uart_level) {
    Handled uart;
    UartLine line;
    ASSERT_TRUE(uart.create(t, kUartInterrupt, true));
    EXPECT_TRUE(uart.silent());
    line.raise();
    EXPECT_TRUE(line.is_high());
    EXPECT_EQ(wait(uart.notification).badge, kBadge);
    EXPECT_OK(irq_handler_ack(uart.handler));
    EXPECT_EQ(wait(uart.notification).badge, kBadge);  // the line is still high
    line.clear();
    EXPECT_OK(irq_handler_ack(uart.handler));
    EXPECT_TRUE(uart.silent());
    line.raise();
    EXPECT_EQ(wait(uart.notification).badge, kBadge);
    // Lowered before the acknowledgement: nothing is left.
    line.clear();
    EXPECT_OK(irq_handler_ack(uart.handler));
    EXPECT_TRUE(uart.silent());
}

KOS_TEST(irq_uart_edge) {
    UartLine line;
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr handler = t.slot();
    ASSERT_OK(irq_control_get_trigger(kControl, kUartInterrupt, Trigger::kEdge, root_slot(handler)));
    EXPECT_OK(irq_handler_set_notification(handler, t.mint(notification, kBadge)));
    line.raise();
    EXPECT_EQ(wait(notification).badge, kBadge);
    EXPECT_OK(irq_handler_ack(handler));
    spin_us(1500);
    EXPECT_EQ(nb_wait(notification).badge, 0u);  // high all the time, but no edge
    line.clear();
    line.raise();
    EXPECT_EQ(wait(notification).badge, kBadge);
    // An edge while it is masked is kept.
    line.clear();
    line.raise();
    line.clear();
    spin_us(1500);
    EXPECT_EQ(nb_wait(notification).badge, 0u);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQ(wait(notification).badge, kBadge);
    EXPECT_OK(irq_handler_ack(handler));
    // As a level again, for whoever comes next.
    EXPECT_OK(cnode_delete(root_slot(handler)));
    EXPECT_OK(irq_control_get_trigger(kControl, kUartInterrupt, Trigger::kLevel, root_slot(handler)));
}

KOS_TEST(irq_two_devices_one_notification) {
    TimerGuard guard;
    Handled timer;
    ASSERT_TRUE(timer.create(t, kTimerInterrupt));
    UartLine line;
    CPtr handler = t.slot();
    ASSERT_OK(irq_control_get_trigger(kControl, kUartInterrupt, Trigger::kLevel, root_slot(handler)));
    EXPECT_OK(irq_handler_set_notification(handler, t.mint(timer.notification, 0x2)));
    line.raise();
    timer_in_us(10);
    Word badges = 0;
    while (badges != (kBadge | 2)) {
        badges |= wait(timer.notification).badge;
    }
    line.clear();
    timer_off();
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_OK(irq_handler_ack(timer.handler));
    EXPECT_TRUE(timer.silent());
}

KOS_TEST(irq_timer_of_another_core) {
    if (t.nodes() == 1) {
        KOS_SKIP("one node");
    }
    for (Word node = 1; node < t.nodes(); ++node) {
        CPtr notification = t.make(seL4_NotificationObject);
        CPtr handler = t.slot();
        ASSERT_OK(irq_control_get_trigger_core(kControl, kTimerInterrupt, Trigger::kLevel, root_slot(handler), node));
        EXPECT_OK(irq_handler_set_notification(handler, t.mint(notification, 0x100 + node)));
        Thread thread;
        Shared<Word> stop;
        ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .node = node}));
        EXPECT_OK(thread.start([&] {
            timer_in_us(100);
            while (stop.get() == 0) {
            }
            timer_off();
        }));
        EXPECT_EQ(wait(notification).badge, 0x100 + node);
        EXPECT_OK(irq_handler_ack(handler));  // from this core, for the other
        EXPECT_EQ(wait(notification).badge, 0x100 + node);
        stop.set(1);
        thread.join();
    }
}

KOS_TEST(irq_uart_on_another_core) {
    if (t.nodes() == 1) {
        KOS_SKIP("one node");
    }
    UartLine line;
    for (Word node = 0; node < t.nodes(); ++node) {
        CPtr notification = t.make(seL4_NotificationObject);
        CPtr handler = t.slot();
        ASSERT_OK(irq_control_get_trigger_core(kControl, kUartInterrupt, Trigger::kLevel, root_slot(handler), node));
        EXPECT_OK(irq_handler_set_notification(handler, t.mint(notification, 0x200 + node)));
        for (int i = 0; i < 3; ++i) {
            line.raise();
            EXPECT_EQ(wait(notification).badge, 0x200 + node);
            line.clear();
            EXPECT_OK(irq_handler_ack(handler));
        }
        EXPECT_OK(cnode_delete(root_slot(handler)));
    }
}
