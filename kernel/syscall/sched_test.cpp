// Tests of the SchedContext, SchedControl and domain methods.
#include "core/sched_context.h"

#include "core/scheduler.h"
#include "core/thread.h"
#include "testing/call_test.h"

namespace keel {
namespace {

using host::machine;
using namespace testing;

constexpr Word kMaxUs = 0x218def416bdb;  // as on seL4 with this counter

class SchedMethods : public CallTest {
protected:
    SchedMethods() : control_(add(Cap::sched_control(0))) {}
    Answer configure(CPtr context, Word budget, Word period, Word extra = 0, Word badge = 0, Word flags = 0) {
        return call(control_, seL4_SchedControlConfigureFlags, {budget, period, extra, badge, flags}, {context});
    }
    CPtr control_;
};

// --- SchedControl
// ------------------------------------------------------------------------------------------------------------

TEST_F(SchedMethods, ConfigureChecksItsArguments) {
    CPtr const context = make_empty_context(7).cptr;
    for (Word budget : {Word{0}, Word{19}, kMaxUs + 1, ~Word{0}})
        EXPECT_EQ(configure(context, budget, 1000), range_error(20, kMaxUs)) << budget;
    for (Word period : {Word{0}, Word{19}, kMaxUs + 1, ~Word{0}})
        EXPECT_EQ(configure(context, 1000, period), range_error(20, kMaxUs)) << period;
    EXPECT_EQ(configure(context, 1000, 999), range_error(20, 999));
    EXPECT_EQ(configure(context, 1000, 2000, 1), range_error(0, 0));
    EXPECT_EQ(configure(make_empty_context(8).cptr, 1000, 2000, 9), range_error(0, 8));
    for (CPtr wrong : {make_endpoint().cptr, free_slot(), main_.cptr})
        EXPECT_EQ(configure(wrong, 1000, 2000), invalid_capability(1));
    EXPECT_EQ(configure(context, 20, 20), ok());
    EXPECT_EQ(configure(context, kMaxUs, kMaxUs), ok());
    EXPECT_EQ(configure(context, 20, kMaxUs), ok());
}

TEST_F(SchedMethods, ConfigureSetsAFreshContext) {
    auto const context = make_empty_context(8);
    EXPECT_EQ(configure(context.cptr, 500, 2000, 8, 99, ~Word{0}), ok());
    EXPECT_EQ(context->budget, us_to_ticks(500));
    EXPECT_EQ(context->period, us_to_ticks(2000));
    EXPECT_EQ(context->refill_max, 10u);
    EXPECT_EQ(context->badge, 99u);
    EXPECT_TRUE(context->sporadic);
    EXPECT_EQ(configure(context.cptr, 500, 500, 8), ok());
    EXPECT_EQ(context->period, 0u) << "round robin";
    EXPECT_FALSE(context->sporadic);
    expect_sound();
}

TEST_F(SchedMethods, ConfigureStartsAThreadThatWaitedForIt) {
    auto const context = make_empty_context();
    auto const tcb = make_passive(200);
    EXPECT_EQ(call(context.cptr, seL4_SchedContextBind, {}, {tcb.cptr}), ok());
    EXPECT_EQ(call(tcb.cptr, seL4_TCBResume), ok());
    syscall_as(*main_, seL4_SysCall, control_, {seL4_SchedControlConfigureFlags, {500, 2000, 0, 0, 0}, {context.cptr}});
    EXPECT_EQ(current(), tcb.get());
    expect_sound();
}

TEST_F(SchedMethods, ConfigureOfTheCallersOwnContext) {
    SchedContext& own = *main_->sched_context;
    CPtr const cptr = add(Cap::sched_context(&own, 8));
    pass(300);
    EXPECT_EQ(configure(cptr, 1000, 5000), ok());
    EXPECT_EQ(current(), main_.get());
    EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(1000));
    expect_sound();
    // From now on with a period: what is used returns later.
    pass(400);
    EXPECT_EQ(configure(cptr, 600, 5000), ok());
    EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(600));
    expect_sound();
    pass(590);
    tick();
    EXPECT_EQ(current(), &cpu().idle);
    slot(cptr) = Slot{};
}

TEST_F(SchedMethods, ConfigureOfAWaitingThreadsContext) {
    auto const tcb = make_thread(200, 100, 10000);
    run(*tcb);
    pass(100);
    tick();
    ASSERT_TRUE(tcb->in_release_queue);
    CPtr const context = add(Cap::sched_context(tcb->sched_context, 8));
    // More budget does not bring its next replenishment forward.
    EXPECT_EQ(configure(context, 5000, 10000), ok());
    EXPECT_TRUE(tcb->in_release_queue);
    expect_sound();
    pass(10000);
    tick();
    EXPECT_EQ(current(), tcb.get());
    slot(context) = Slot{};
}

// --- SchedContext
// ------------------------------------------------------------------------------------------------------------

TEST_F(SchedMethods, BindAndUnbind) {
    auto const context = make_context(1000, 2000), second = make_context(1000, 2000);
    auto const tcb = make_passive(5), other = make_passive(5);
    auto const notification = make_notification(), other_notification = make_notification();
    auto const bind = [&](CPtr sc, CPtr object) { return call(sc, seL4_SchedContextBind, {}, {object}); };
    auto const unbind = [&](CPtr sc, CPtr object) { return call(sc, seL4_SchedContextUnbindObject, {}, {object}); };
    for (CPtr wrong : {make_endpoint().cptr, free_slot(), context.cptr}) {
        EXPECT_EQ(bind(context.cptr, wrong), invalid_capability(1));
        EXPECT_EQ(unbind(context.cptr, wrong), invalid_capability(1));
    }
    EXPECT_EQ(bind(context.cptr, tcb.cptr), ok());
    EXPECT_EQ(bind(context.cptr, other.cptr), illegal_operation());
    EXPECT_EQ(bind(second.cptr, tcb.cptr), illegal_operation());
    EXPECT_EQ(bind(context.cptr, notification.cptr), ok());
    EXPECT_EQ(bind(context.cptr, other_notification.cptr), illegal_operation());
    EXPECT_EQ(bind(second.cptr, notification.cptr), illegal_operation());
    EXPECT_EQ(unbind(context.cptr, other.cptr), illegal_operation());
    EXPECT_EQ(unbind(context.cptr, other_notification.cptr), illegal_operation());
    EXPECT_EQ(unbind(context.cptr, notification.cptr), ok());
    EXPECT_EQ(unbind(context.cptr, tcb.cptr), ok());
    EXPECT_EQ(unbind(context.cptr, tcb.cptr), illegal_operation());
    EXPECT_EQ(bind(context.cptr, tcb.cptr), ok());
    EXPECT_EQ(bind(context.cptr, notification.cptr), ok());
    EXPECT_EQ(call(context.cptr, seL4_SchedContextUnbind), ok());
    EXPECT_EQ(call(context.cptr, seL4_SchedContextUnbind), ok());
    EXPECT_EQ(context->tcb, nullptr);
    EXPECT_EQ(context->notification, nullptr);
    CPtr const own = add(Cap::sched_context(main_->sched_context, 8));
    EXPECT_EQ(call(own, seL4_SchedContextUnbind), illegal_operation());
    EXPECT_EQ(unbind(own, main_.cptr), illegal_operation());
    EXPECT_EQ(call(own, seL4_SchedContextYieldTo), illegal_operation());
    slot(own) = Slot{};
    expect_sound();
}

TEST_F(SchedMethods, Consumed) {
    auto const tcb = make_thread(200, 5000, 10000);
    run(*tcb);
    pass(1234);
    tick();
    suspend(*tcb);
    schedule(cpu());
    CPtr const context = add(Cap::sched_context(tcb->sched_context, 8));
    EXPECT_EQ(call(context, seL4_SchedContextConsumed), ok({1234}));
    EXPECT_EQ(call(context, seL4_SchedContextConsumed), ok({0}));
    slot(context) = Slot{};
}

class YieldTo : public SchedMethods {
protected:
    Made<Tcb> make_target(unsigned priority) {
        Made<Tcb> const target = make_thread(priority);
        context_ = add(Cap::sched_context(target->sched_context, 8));
        return target;
    }
    void TearDown() override {
        if (context_) slot(context_) = Slot{};
        SchedMethods::TearDown();
    }
    void yield(int64_t number = seL4_SysCall) { syscall_as(*main_, number, context_, {seL4_SchedContextYieldTo}); }

    CPtr context_ = 0;
};

TEST_F(YieldTo, AnEqualRunsAndTheCallerHearsHowLong) {
    auto const target = make_target(main_->priority);
    yield();
    EXPECT_EQ(current(), target.get());
    EXPECT_TRUE(main_->in_ready_queue);
    expect_sound();
    pass(700);
    tick();
    suspend(*target);
    schedule(cpu());
    EXPECT_EQ(current(), main_.get());
    EXPECT_EQ(answer(), ok({700}));
    EXPECT_EQ(main_->yielding_to, nullptr);
    expect_sound();
}

TEST_F(YieldTo, ALowerOneIsPutFirstInItsQueue) {
    auto const other = make_thread(50);
    auto const target = make_target(50);
    yield();
    EXPECT_EQ(current(), main_.get());
    EXPECT_EQ(answer(), ok({0}));
    suspend(*main_);
    schedule(cpu());
    EXPECT_EQ(current(), target.get());
    EXPECT_TRUE(other->in_ready_queue);
    expect_sound();
}

TEST_F(YieldTo, Errors) {
    EXPECT_EQ(call(make_context(100, 1000).cptr, seL4_SchedContextYieldTo), illegal_operation());
    auto const target = make_target(120);
    main_->max_controlled_priority = 119;
    suspend(*target);
    EXPECT_EQ(call(context_, seL4_SchedContextYieldTo), illegal_operation());
    main_->max_controlled_priority = 120;
    EXPECT_EQ(call(context_, seL4_SchedContextYieldTo), ok({0})) << "stopped, it cannot run, which is no error";
    // Without budget it cannot either.
    auto const waiting = make_thread(120, 100, 10000);
    run(*waiting);
    pass(100);
    tick();
    ASSERT_EQ(current(), main_.get());
    CPtr const sc = add(Cap::sched_context(waiting->sched_context, 8));
    EXPECT_EQ(call(sc, seL4_SchedContextYieldTo).label, Word{seL4_NoError});
    EXPECT_EQ(current(), main_.get());
    EXPECT_TRUE(waiting->in_release_queue);
    slot(sc) = Slot{};
    expect_sound();
}

TEST_F(YieldTo, ASendGetsNoAnswer) {
    auto const target = make_target(main_->priority);
    yield(seL4_SysSend);
    UserContext const before = main_->context;
    EXPECT_EQ(current(), target.get());
    pass(300);
    tick();
    suspend(*target);
    schedule(cpu());
    EXPECT_EQ(current(), main_.get());
    for (unsigned i = 0; i < 31; ++i) EXPECT_EQ(main_->context.x[i], before.x[i]) << "x" << i;
    EXPECT_EQ(main_->yielding_to, nullptr);
    expect_sound();
}

TEST_F(YieldTo, AnotherYielderTakesOver) {
    auto const target = make_target(main_->priority);
    auto const second = make_thread(main_->priority);
    yield();
    ASSERT_EQ(current(), target.get());
    syscall_as(*second, seL4_SysCall, context_, {seL4_SchedContextYieldTo});
    EXPECT_EQ(answer().label, Word{seL4_NoError});
    EXPECT_EQ(length_of(*main_), 1u) << "the first has its answer";
    EXPECT_EQ(second->yielding_to, target->sched_context);
    expect_sound();
}

TEST_F(YieldTo, EverybodyMayGoMeanwhile) {
    auto const target = make_target(main_->priority);
    yield();
    suspend(*main_);
    EXPECT_EQ(main_->yielding_to, nullptr);
    EXPECT_EQ(target->sched_context->yielding_from, nullptr);
    expect_sound(false);
    resume(*main_);
    yield();
    EXPECT_EQ(current(), target.get());
    unbind_thread(*target->sched_context, *target);
    schedule(cpu());
    EXPECT_EQ(current(), main_.get());
    expect_sound();
}

// --- Domains
// -----------------------------------------------------------------------------------------------------------------

class DomainMethods : public SchedMethods {
protected:
    DomainMethods() : domain_(add(Cap::domain_control())) {}
    Answer set(Word domain, CPtr tcb) { return call(domain_, seL4_DomainSetSet, {domain}, {tcb}); }
    Answer entry(Word index, Word domain, Word duration) {
        return call(domain_, seL4_DomainScheduleConfigure, {index, domain, duration});
    }
    Answer start(Word index) { return call(domain_, seL4_DomainScheduleSetStart, {index}); }
    CPtr domain_;
};

TEST_F(DomainMethods, Set) {
    auto const tcb = make_thread(50);
    EXPECT_EQ(set(kNumDomains, tcb.cptr), invalid_argument(0));
    EXPECT_EQ(set(~Word{0}, tcb.cptr), invalid_argument(0));
    EXPECT_EQ(set(0, domain_), invalid_argument(1));
    EXPECT_EQ(set(0, free_slot()), invalid_argument(1));
    EXPECT_EQ(set(kNumDomains - 1, tcb.cptr), ok());
    EXPECT_EQ(tcb->domain, kNumDomains - 1);
    EXPECT_TRUE(tcb->in_ready_queue);
    expect_sound();
    // The caller sends itself away: nobody is left in domain 0.
    syscall_as(*main_, seL4_SysCall, domain_, {seL4_DomainSetSet, {1}, {main_.cptr}});
    EXPECT_EQ(current(), &cpu().idle);
    expect_sound();
}

TEST_F(DomainMethods, Schedule) {
    constexpr Word kLast = SEL4_NUM_DOMAIN_SCHEDULES - 2;
    EXPECT_EQ(entry(kLast + 1, 0, 5), range_error(0, kLast));
    EXPECT_EQ(entry(~Word{0}, 0, 5), range_error(0, kLast));
    EXPECT_EQ(entry(1, kNumDomains, 5), range_error(0, kNumDomains - 1));
    EXPECT_EQ(entry(1, 0, bit(56)), invalid_argument(2));
    EXPECT_EQ(entry(1, 3, 0), invalid_argument(1));
    EXPECT_EQ(entry(0, 0, 0), invalid_argument(2)) << "the start is no end marker";
    EXPECT_EQ(start(kLast + 2), range_error(0, kLast + 1));
    EXPECT_EQ(start(kLast + 1), invalid_argument(0));
    EXPECT_EQ(start(7), invalid_argument(0)) << "nothing there";
    EXPECT_EQ(entry(kLast, 2, low_mask(56)), ok());
    EXPECT_EQ(entry(1, 0, us_to_ticks(1000)), ok());
    EXPECT_EQ(entry(2, 5, us_to_ticks(500)), ok());
    EXPECT_EQ(start(1), ok());
    EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(1000));
    auto const tcb = make_thread(5);
    EXPECT_EQ(set(5, tcb.cptr), ok());
    pass(1000);
    tick();
    EXPECT_EQ(current(), tcb.get());
    pass(500);
    tick();
    EXPECT_EQ(current(), main_.get()) << "and from the start again";
    expect_sound();
}

}  // namespace
}  // namespace keel
