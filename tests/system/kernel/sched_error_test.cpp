// Every documented error of SchedControl, SchedContext and Domain methods.
#include "support.h"

namespace {

constexpr CPtr kSelf = seL4_CapInitThreadTCB;
constexpr Word kMaxPeriodUs = 0x218def416bdb;

Word domain_count() { return root_task().boot_info->numNodes > 1 ? 1 : SEL4_NUM_DOMAINS; }
// Entries that can be set; one more is the fixed end marker.
Word schedule_entries() { return root_task().boot_info->numNodes > 1 ? 1 : SEL4_NUM_DOMAIN_SCHEDULES - 1; }

}  // namespace

KOS_TEST(sched_control_error) {
    CPtr control = t.sched_control();
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    auto configure = [&](Word budget, Word period, Word refills = 0, Word flags = 0) {
        return sched_control_configure(
            control, context,
            {.budget_us = budget, .period_us = period, .extra_refills = refills, .badge = 1, .flags = flags});
    };
    for (Word budget : {Word{0}, Word{1}, Word{SEL4_MIN_BUDGET_US - 1}, kMaxPeriodUs + 1, ~Word{0}}) {
        EXPECT_RANGE_ERROR(configure(budget, 1000), SEL4_MIN_BUDGET_US, kMaxPeriodUs);
    }
    for (Word period : {Word{0}, Word{SEL4_MIN_BUDGET_US - 1}, kMaxPeriodUs + 1, ~Word{0}}) {
        EXPECT_RANGE_ERROR(configure(1000, period), SEL4_MIN_BUDGET_US, kMaxPeriodUs);
    }
    EXPECT_RANGE_ERROR(configure(1000, 999), SEL4_MIN_BUDGET_US, 999);
    EXPECT_RANGE_ERROR(configure(1000, 2000, 1), 0, 0);
    EXPECT_RANGE_ERROR(configure(1000, 1000, 1), 0, 0);  // though a round-robin context needs none
    EXPECT_OK(configure(SEL4_MIN_BUDGET_US, SEL4_MIN_BUDGET_US));
    EXPECT_OK(configure(kMaxPeriodUs, kMaxPeriodUs));
    EXPECT_OK(configure(1000, 2000, 0, ~Word{0}));
    for (Word bits = seL4_MinSchedContextBits; bits <= 12; ++bits) {
        CPtr sized = t.make(seL4_SchedContextObject, bits);
        Word most = seL4_MaxExtraRefills(bits);
        EXPECT_OK(
            sched_control_configure(control, sized, {.budget_us = 1000, .period_us = 2000, .extra_refills = most}));
        EXPECT_RANGE_ERROR(
            sched_control_configure(control, sized, {.budget_us = 1000, .period_us = 2000, .extra_refills = most + 1}),
            0, most);
    }
    for (CPtr wrong : {t.make(seL4_EndpointObject), t.slot(), CPtr{kSelf}}) {
        EXPECT_INVALID_CAPABILITY(sched_control_configure(control, wrong, {.budget_us = 1000, .period_us = 1000}), 1);
    }
    EXPECT_ERROR(invoke(control, seL4_SchedControlConfigureFlags, {context}, {1000, 1000, 0, 0}),
                 seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(control, seL4_SchedControlConfigureFlags, {}, {1000, 1000, 0, 0, 0}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(control, 0), seL4_IllegalOperation);
    EXPECT_ERROR(invoke(control, seL4_SchedContextBind, {context}), seL4_IllegalOperation);
}

KOS_TEST(sched_context_error_bind) {
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    CPtr second = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr other = t.make(seL4_TCBObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr other_notification = t.make(seL4_NotificationObject);
    for (CPtr wrong : {t.make(seL4_EndpointObject), t.slot(), context}) {
        EXPECT_INVALID_CAPABILITY(sched_context_bind(context, wrong), 1);
        EXPECT_INVALID_CAPABILITY(sched_context_unbind_object(context, wrong), 1);
    }
    EXPECT_OK(sched_context_bind(context, tcb));
    EXPECT_ERROR(sched_context_bind(context, tcb), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_bind(context, other), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_bind(second, tcb), seL4_IllegalOperation);
    // A thread and a notification at the same time.
    EXPECT_OK(sched_context_bind(context, notification));
    EXPECT_ERROR(sched_context_bind(context, notification), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_bind(context, other_notification), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_bind(second, notification), seL4_IllegalOperation);
    // Unbinding names what is bound.
    EXPECT_ERROR(sched_context_unbind_object(context, other), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_unbind_object(context, other_notification), seL4_IllegalOperation);
    EXPECT_OK(sched_context_unbind_object(context, notification));
    EXPECT_ERROR(sched_context_unbind_object(context, notification), seL4_IllegalOperation);
    EXPECT_OK(sched_context_unbind_object(context, tcb));
    EXPECT_ERROR(sched_context_unbind_object(context, tcb), seL4_IllegalOperation);
    EXPECT_OK(sched_context_bind(context, tcb));
    EXPECT_OK(sched_context_bind(context, notification));
    EXPECT_OK(sched_context_unbind(context));
    EXPECT_OK(sched_context_unbind(context));
    EXPECT_OK(sched_context_bind(second, tcb));
    EXPECT_OK(sched_context_bind(second, notification));
    EXPECT_ERROR(invoke(context, seL4_SchedContextBind), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(context, seL4_SchedContextUnbindObject), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(context, 0), seL4_IllegalOperation);
    EXPECT_ERROR(invoke(context, seL4_SchedControlConfigureFlags, {context}, {1000, 1000, 0, 0, 0}),
                 seL4_IllegalOperation);
}

KOS_TEST(sched_context_error_of_the_running_thread) {
    CPtr own = seL4_CapInitThreadSC;
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    EXPECT_ERROR(sched_context_unbind(own), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_unbind_object(own, kSelf), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_bind(own, kSelf), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_bind(context, kSelf), seL4_IllegalOperation);
    EXPECT_ERROR(sched_context_yield_to(own), seL4_IllegalOperation);
}

KOS_TEST(sched_context_error_yield_to) {
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    EXPECT_ERROR(sched_context_yield_to(context), seL4_IllegalOperation);  // bound to nothing
    Thread target;
    Thread caller;
    ASSERT_TRUE(t.create(target, {.priority = 60}));
    ASSERT_TRUE(t.create(caller, {.priority = kAboveMain, .mcp = 59}));
    EXPECT_OK(target.prepare([] {}));
    Result answer;
    CPtr target_context = target.sched_context();
    EXPECT_OK(caller.start([&] { answer = sched_context_yield_to(target_context); }));
    EXPECT_ERROR(answer, seL4_IllegalOperation);
    // Suspended, it cannot run, which is no error.
    EXPECT_OK(sched_context_yield_to(target_context));
}

KOS_TEST(domain_error_set) {
    CPtr domain = seL4_CapDomain;
    CPtr tcb = t.make(seL4_TCBObject);
    EXPECT_OK(domain_set(domain, 0, tcb));
    EXPECT_OK(domain_set(domain, domain_count() - 1, tcb));
    for (Word number : {domain_count(), Word{255}, Word{256}, ~Word{0}}) {
        EXPECT_INVALID_ARGUMENT(domain_set(domain, number, tcb), 0);
    }
    EXPECT_INVALID_ARGUMENT(domain_set(domain, 0, t.make(seL4_EndpointObject)), 1);
    EXPECT_INVALID_ARGUMENT(domain_set(domain, 0, t.slot()), 1);
    EXPECT_ERROR(invoke(domain, seL4_DomainSetSet, {tcb}, {}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(domain, seL4_DomainSetSet, {}, {0}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(domain, 0), seL4_IllegalOperation);
    EXPECT_ERROR(invoke(domain, seL4_SchedContextBind, {tcb}), seL4_IllegalOperation);
}

KOS_TEST(domain_error_schedule) {
    CPtr domain = seL4_CapDomain;
    Word last = schedule_entries() - 1;
    for (Word index : {last + 1, last + 2, ~Word{0}}) {
        EXPECT_RANGE_ERROR(domain_schedule_configure(domain, index, 0, 0), 0, last);
        EXPECT_RANGE_ERROR(domain_schedule_configure(domain, index, 99, 1), 0, last);
    }
    for (Word number : {domain_count(), Word{256}, ~Word{0}}) {
        EXPECT_RANGE_ERROR(domain_schedule_configure(domain, last, number, 5), 0, domain_count() - 1);
    }
    EXPECT_INVALID_ARGUMENT(domain_schedule_configure(domain, 0, 0, 0), 2);  // the entry that is the start
    EXPECT_INVALID_ARGUMENT(domain_schedule_configure(domain, last, 0, Word{1} << 56), 2);
    EXPECT_ERROR(invoke(domain, seL4_DomainScheduleConfigure, {}, {1, 0}), seL4_TruncatedMessage);
    for (Word index : {last + 2, ~Word{0}}) {
        EXPECT_RANGE_ERROR(domain_schedule_set_start(domain, index), 0, last + 1);
    }
    EXPECT_INVALID_ARGUMENT(domain_schedule_set_start(domain, last + 1), 0);  // the end marker
    EXPECT_ERROR(invoke(domain, seL4_DomainScheduleSetStart), seL4_TruncatedMessage);
    EXPECT_OK(domain_schedule_set_start(domain, 0));
    if (domain_count() > 1) {
        EXPECT_INVALID_ARGUMENT(domain_schedule_configure(domain, 1, 1, 0), 1);
        EXPECT_INVALID_ARGUMENT(domain_schedule_set_start(domain, 5), 0);  // nothing was put there
        EXPECT_OK(domain_schedule_configure(domain, last, 1, (Word{1} << 56) - 1));
        EXPECT_OK(domain_schedule_configure(domain, last, 0, 0));
    }
}
