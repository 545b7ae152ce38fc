/*
 * Tests of supervisor.h: one situation each, in virtual time.
 */
#include "supervisor.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "test_system.h"

namespace kos::appman {
namespace {

using Calls = std::vector<std::string>;
using manifest::Escalation;
using manifest::Restart;
using manifest::Strategy;

struct SupervisorTest : testing::Test {
    void begin(unsigned count) {
        rules = make_test_rules(count);
        root.rules = &rules;
    }
    void go() {
        supervisor = std::make_unique<Supervisor>(rules, root);
        supervisor->begin(now);
    }
    void ready(unsigned domain) {
        root.states[domain] = KOS_DOMAIN_READY;
        supervisor->ready(domain, root.instances[domain], now);
        supervisor->run(now);
    }
    void all_ready() {
        for (int round = 0; round < 70; ++round) {
            for (unsigned domain = 1; domain < KOS_MAX_DOMAINS; ++domain) {
                if (root.states[domain] == KOS_DOMAIN_STARTING) ready(domain);
            }
        }
        root.take_calls();
    }
    void end(unsigned domain, uint8_t reason = KOS_EXIT_FAULT_MEMORY) {
        root.states[domain] = KOS_DOMAIN_STOPPED;
        root.reasons[domain] = reason;
        supervisor->ended(domain, root.instances[domain], reason, now);
        supervisor->run(now);
    }
    // Time goes on, and the supervisor is called exactly when it wants to be.
    void pass(uint64_t ticks) {
        const uint64_t until = now + ticks;
        while (supervisor->next_wake() <= until) {
            now = std::max(now + 1, supervisor->next_wake());
            if (now > until) break;
            supervisor->run(now);
        }
        now = until;
        supervisor->run(now);
    }
    Rules rules;
    TestRoot root;
    std::unique_ptr<Supervisor> supervisor;
    uint64_t now = 100000;
};

TEST_F(SupervisorTest, StartsInTheOrderOfDependencies) {
    begin(4);
    rules.domains[2].depends = bit(1);
    rules.domains[3].depends = bit(1) | bit(2);
    go();
    EXPECT_EQ(root.take_calls(), (Calls{"start 1", "start 4"}));
    ready(1);
    EXPECT_EQ(root.take_calls(), (Calls{"start 2"}));
    ready(4);
    EXPECT_TRUE(root.calls.empty());
    ready(2);
    EXPECT_EQ(root.take_calls(), (Calls{"start 3"}));
    EXPECT_EQ(supervisor->state(3), KOS_APPMAN_STARTING);
    ready(3);
    EXPECT_EQ(supervisor->state(3), KOS_APPMAN_READY);
}

TEST_F(SupervisorTest, OneForOneRestartsTheFailedOneOnly) {
    begin(3);
    rules.domains[2].depends = bit(1);
    go();
    all_ready();
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    EXPECT_EQ(root.downs, (std::vector<unsigned>{1}));
    EXPECT_EQ(root.down_instances, (std::vector<uint32_t>{1}));
    EXPECT_EQ(supervisor->restarts(1), 1u);
    EXPECT_EQ(supervisor->last_reason(1), KOS_EXIT_FAULT_MEMORY);
    EXPECT_EQ(supervisor->restarts(2), 0u);
}

TEST_F(SupervisorTest, BackOffGrows) {
    begin(1);
    go();
    all_ready();
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    all_ready();
    end(1);
    EXPECT_TRUE(root.take_calls().empty());
    EXPECT_EQ(supervisor->state(1), KOS_APPMAN_WAITING);
    EXPECT_EQ(supervisor->next_wake(), now + 20);
    pass(19);
    EXPECT_TRUE(root.take_calls().empty());
    pass(1);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
}

TEST_F(SupervisorTest, BackOffIsForgottenAfterThePeriod) {
    begin(1);
    go();
    all_ready();
    end(1);
    all_ready();
    pass(kPeriod + 1);
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
}

TEST_F(SupervisorTest, OneForAllRestartsExactlyItsMembersInOrder) {
    begin(5);
    rules.domains[3].depends = bit(2);
    make_test_group(rules, 0, Strategy::kOneForAll, 3, {bit(2), bit(3), bit(4)});
    go();
    all_ready();
    end(3);
    // 2 is asked at once because 3, which depends on it, is down already.
    EXPECT_EQ(root.take_calls(), (Calls{"stop 4", "stop 2"}));
    end(4, KOS_EXIT_DONE);
    EXPECT_TRUE(root.take_calls().empty()) << "nobody starts before all are down";
    end(2, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"start 2", "start 4"}));
    ready(2);
    EXPECT_EQ(root.take_calls(), (Calls{"start 3"}));
    EXPECT_EQ(supervisor->restarts(1) + supervisor->restarts(5), 0u);
}

TEST_F(SupervisorTest, RestForOneRestartsTheLaterOnes) {
    begin(4);
    make_test_group(rules, 0, Strategy::kRestForOne, 3, {bit(1), bit(2), bit(3)});
    go();
    all_ready();
    end(2);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 3"}));
    end(3, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"start 2", "start 3"}));
}

TEST_F(SupervisorTest, WhoDoesNotStopIsKilled) {
    begin(2);
    make_test_group(rules, 0, Strategy::kOneForAll, 3, {bit(1), bit(2)});
    go();
    all_ready();
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 2"}));
    pass(49);
    EXPECT_TRUE(root.take_calls().empty());
    pass(1);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 2", "start 1", "start 2"}));
}

TEST_F(SupervisorTest, AFailedKillIsTriedAgain) {
    begin(1);
    rules.domains[1].shutdown_ticks = 0;
    go();
    all_ready();
    root.kill_status = KOS_STATUS_UNAVAILABLE;
    EXPECT_EQ(supervisor->stop(1), KOS_STATUS_OK);
    supervisor->run(now);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 1"}));
    pass(kRetry);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 1"}));
    root.kill_status = KOS_STATUS_OK;
    pass(kRetry);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 1"}));
    EXPECT_EQ(supervisor->state(1), KOS_APPMAN_STOPPED);
}

TEST_F(SupervisorTest, ThoseWhoDependAreStoppedFirst) {
    begin(3);
    rules.domains[2].depends = bit(1);
    rules.domains[3].depends = bit(2);
    make_test_group(rules, 0, Strategy::kOneForAll, 3, {bit(1), bit(2), bit(3)});
    go();
    all_ready();
    supervisor->stop(1);
    supervisor->stop(2);
    supervisor->stop(3);
    supervisor->run(now);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 3"}));
    end(3, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 2"}));
    pass(50);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 2", "stop 1"}));
}

TEST_F(SupervisorTest, TransientAndTemporary) {
    begin(3);
    rules.domains[1].restart = Restart::kTransient;
    rules.domains[2].restart = Restart::kTemporary;
    go();
    all_ready();
    end(1, KOS_EXIT_DONE);
    end(2, KOS_EXIT_ERROR);
    end(3, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"start 3"}));
    EXPECT_EQ(supervisor->state(1), KOS_APPMAN_DONE);
    EXPECT_EQ(supervisor->state(2), KOS_APPMAN_DONE);
    EXPECT_EQ(supervisor->start(1, now), KOS_STATUS_OK);
    supervisor->run(now);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    all_ready();
    end(1, KOS_EXIT_ERROR);
    pass(20);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
}

TEST_F(SupervisorTest, ATemporaryOneGoesDownWithItsGroupForGood) {
    begin(2);
    rules.domains[2].restart = Restart::kTemporary;
    make_test_group(rules, 0, Strategy::kOneForAll, 3, {bit(1), bit(2)});
    go();
    all_ready();
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 2"}));
    end(2, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    EXPECT_EQ(supervisor->state(2), KOS_APPMAN_DONE);
}

TEST_F(SupervisorTest, TooManyRestartsEscalateToTheGroupAbove) {
    begin(4);
    make_test_group(rules, 0, Strategy::kOneForAll, 1, {bit(1) | bit(2), bit(3)});
    make_test_group(rules, 1, Strategy::kOneForOne, 2, {bit(1), bit(2)}, 0);
    go();
    all_ready();
    end(1);
    all_ready();
    end(1);
    all_ready();
    EXPECT_EQ(supervisor->restarts(1), 2u);
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 3", "stop 2"}));
    end(2, KOS_EXIT_DONE);
    end(3, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1", "start 2", "start 3"}));
    // The inner group has begun anew: two more restarts are its own.
    all_ready();
    end(2);
    all_ready();
    end(2);
    EXPECT_EQ(root.take_calls(), (Calls{"start 2"}));
    EXPECT_EQ(supervisor->restarts(3), 1u);
    // The next one is above the intensity of both: the root group restarts the outer one.
    all_ready();
    end(2);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 3", "stop 1"}));
    EXPECT_EQ(supervisor->restarts(4), 0u);
}

TEST_F(SupervisorTest, IntensityCountsWithinThePeriodOnly) {
    begin(2);
    make_test_group(rules, 0, Strategy::kOneForOne, 2, {bit(1)});
    go();
    all_ready();
    for (int i = 0; i < 20; ++i) {
        end(1);
        all_ready();
        pass(kPeriod / 2 + 1);
    }
    EXPECT_EQ(std::count(root.incidents.begin(), root.incidents.end(), Incident::kEscalated), 0);
}

TEST_F(SupervisorTest, TheRootGroupNeverGivesUpButSlowsDown) {
    begin(1);
    go();
    uint64_t starts = 0;
    const uint64_t begun = now;
    while (now < begun + 10 * kPeriod) {
        all_ready();
        if (root.runs(1)) {
            end(1);
            ++starts;
        }
        pass(1);
    }
    EXPECT_LE(starts, 10u * 5 + 6);
    EXPECT_GE(starts, 10u * 4);
}

TEST_F(SupervisorTest, EscalatesToAReserveMode) {
    begin(4);
    rules.domains[1].mode_mask = 1;
    rules.domains[2].mode_mask = 3;
    rules.domains[3].mode_mask = 2;
    rules.domains[4].mode_mask = 3;
    make_test_group(rules, 0, Strategy::kOneForOne, 1, {bit(1), bit(2)});
    rules.groups[0].escalation = Escalation::kMode;
    rules.groups[0].escalation_mode = 1;
    go();
    EXPECT_EQ(root.take_calls(), (Calls{"start 1", "start 2", "start 4"}));
    all_ready();
    end(1);
    all_ready();
    end(1);
    EXPECT_EQ(supervisor->mode(), 1u);
    EXPECT_EQ(root.take_calls(), (Calls{"start 3"}));
    EXPECT_EQ(supervisor->state(1), KOS_APPMAN_STOPPED);
    EXPECT_EQ(supervisor->restarts(2) + supervisor->restarts(4), 0u);
    // In the reserve mode there is nothing left to escalate to but the group above.
    end(2);
    all_ready();
    end(2);
    EXPECT_EQ(supervisor->mode(), 1u);
    EXPECT_EQ(root.take_calls(), (Calls{"start 2"}));
}

TEST_F(SupervisorTest, AFailedDomainOfBothModesStartsInTheNewOne) {
    begin(1);
    rules.domains[1].mode_mask = 3;
    make_test_group(rules, 0, Strategy::kOneForOne, 0, {bit(1)});
    rules.groups[0].escalation = Escalation::kMode;
    rules.groups[0].escalation_mode = 1;
    go();
    all_ready();
    end(1);
    EXPECT_EQ(supervisor->mode(), 1u);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
}

TEST_F(SupervisorTest, AMachineThatCannotRebootGoesOn) {
    begin(1);
    make_test_group(rules, 0, Strategy::kOneForOne, 0, {bit(1)});
    rules.groups[0].escalation = Escalation::kReboot;
    go();
    all_ready();
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"reboot", "start 1"}));
}

TEST_F(SupervisorTest, ModeSwitchLeavesOthersAlone) {
    begin(4);
    rules.domains[2].mode_mask = 3;
    rules.domains[3].mode_mask = 2;
    rules.domains[3].depends = bit(1) | bit(2);
    go();
    all_ready();
    EXPECT_EQ(supervisor->switch_mode(2), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(supervisor->switch_mode(1), KOS_STATUS_OK);
    supervisor->run(now);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 4", "stop 1", "start 3"}));
    end(1, KOS_EXIT_DONE);
    end(4, KOS_EXIT_DONE);
    EXPECT_TRUE(root.take_calls().empty());
    EXPECT_EQ(supervisor->switch_mode(0), KOS_STATUS_OK);
    supervisor->run(now);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 3", "start 1", "start 4"}));
}

TEST_F(SupervisorTest, Requests) {
    begin(2);
    rules.domains[2].mode_mask = 2;
    go();
    all_ready();
    EXPECT_EQ(supervisor->start(2, now), KOS_STATUS_CONFLICT);
    EXPECT_EQ(supervisor->restart(2, now), KOS_STATUS_CONFLICT);
    for (unsigned domain : {0u, 3u, 64u, 1000u}) {
        EXPECT_EQ(supervisor->start(domain, now), KOS_STATUS_NOT_FOUND);
        EXPECT_EQ(supervisor->stop(domain), KOS_STATUS_NOT_FOUND);
        EXPECT_EQ(supervisor->restart(domain, now), KOS_STATUS_NOT_FOUND);
    }
    EXPECT_EQ(supervisor->restart(1, now), KOS_STATUS_OK);
    supervisor->run(now);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 1"}));
    end(1, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    all_ready();
    EXPECT_EQ(supervisor->stop(1), KOS_STATUS_OK);
    supervisor->run(now);
    end(1, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 1"}));
    EXPECT_EQ(supervisor->state(1), KOS_APPMAN_STOPPED);
    EXPECT_EQ(supervisor->restart(1, now), KOS_STATUS_CONFLICT);
    EXPECT_EQ(supervisor->start(1, now), KOS_STATUS_OK);
    supervisor->run(now);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
}

TEST_F(SupervisorTest, NotReadyInTimeIsAFailure) {
    begin(1);
    go();
    root.take_calls();
    pass(kStartTimeout - 1);
    EXPECT_TRUE(root.take_calls().empty());
    pass(1);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 1", "start 1"}));
    EXPECT_EQ(supervisor->last_reason(1), KOS_EXIT_HUNG);
}

TEST_F(SupervisorTest, WhatCannotBeStartedIsTriedLater) {
    begin(1);
    root.start_status = KOS_STATUS_NOT_ENOUGH_MEMORY;
    go();
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    EXPECT_EQ(supervisor->last_reason(1), KOS_EXIT_MEMORY);
    pass(kRetry);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    root.start_status = KOS_STATUS_OK;
    pass(100);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
}

// Whoever did not let the supervisor run for a while did not let the domain run either.
TEST_F(SupervisorTest, ALateSupervisorBlamesNobody) {
    begin(1);
    rules.domains[1].watchdog_ticks = 100;
    go();
    all_ready();
    root.answering = 0;
    pass(60);  // asked
    now += 1000;
    supervisor->run(now);
    EXPECT_TRUE(root.take_calls().empty());
    root.answers[1] = root.questions[1];
    pass(60);
    EXPECT_TRUE(root.take_calls().empty());
    // On time again, and the domain does not answer.
    pass(200);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 1", "start 1"}));
}

TEST_F(SupervisorTest, AHungDomainIsKilledAndRestarted) {
    begin(2);
    rules.domains[1].watchdog_ticks = 100;
    go();
    all_ready();
    pass(1000);
    EXPECT_TRUE(root.take_calls().empty()) << "who answers is left alone";
    EXPECT_GT(root.questions[1], 5u);
    EXPECT_EQ(root.questions[2], 0u);
    root.answering = 0;
    pass(200);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 1", "start 1"}));
    EXPECT_EQ(supervisor->last_reason(1), KOS_EXIT_HUNG);
}

TEST_F(SupervisorTest, SignsOfLifeCountAsAnswers) {
    begin(1);
    rules.domains[1].watchdog_ticks = 100;
    root.answering = 0;
    go();
    all_ready();
    for (int i = 0; i < 100; ++i) {
        ++root.alives[1];
        pass(30);
    }
    EXPECT_TRUE(root.take_calls().empty());
    pass(200);
    EXPECT_EQ(root.take_calls(), (Calls{"kill 1", "start 1"}));
}

TEST_F(SupervisorTest, EventsOfOlderInstancesAreIgnored) {
    begin(1);
    go();
    all_ready();
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    supervisor->ready(1, 1, now);
    supervisor->ended(1, 1, KOS_EXIT_HUNG, now);
    supervisor->run(now);
    EXPECT_EQ(supervisor->state(1), KOS_APPMAN_STARTING);
    supervisor->ended(0, 0, KOS_EXIT_HUNG, now);
    supervisor->ended(64, 1, KOS_EXIT_HUNG, now);
    supervisor->ready(1000, 1, now);
    EXPECT_TRUE(root.take_calls().empty());
}

struct TakeOver : SupervisorTest {
    // appman dies and a new one begins with what was stored.
    void replace() {
        const Snapshot snapshot = supervisor->snapshot();
        DomainStatus statuses[KOS_MAX_DOMAINS];
        for (unsigned i = 0; i < KOS_MAX_DOMAINS; ++i) {
            statuses[i] = {root.states[i], root.instances[i], root.reasons[i]};
        }
        supervisor = std::make_unique<Supervisor>(rules, root);
        supervisor->take_over(snapshot, statuses, now);
    }
};

TEST_F(TakeOver, DisturbsNobody) {
    begin(3);
    rules.domains[2].restart = Restart::kTemporary;
    rules.domains[3].mode_mask = 2;
    go();
    all_ready();
    end(2);
    replace();
    EXPECT_TRUE(root.take_calls().empty());
    EXPECT_EQ(supervisor->state(1), KOS_APPMAN_READY);
    EXPECT_EQ(supervisor->state(2), KOS_APPMAN_DONE);
    EXPECT_EQ(supervisor->state(3), KOS_APPMAN_STOPPED);
}

TEST_F(TakeOver, RestartsWhoHasEndedMeanwhile) {
    begin(2);
    go();
    all_ready();
    root.states[1] = KOS_DOMAIN_STOPPED;
    root.reasons[1] = KOS_EXIT_FAULT_MEMORY;
    replace();
    EXPECT_EQ(root.take_calls(), (Calls{"start 1"}));
    EXPECT_EQ(supervisor->restarts(1), 1u);
    EXPECT_EQ(supervisor->last_reason(1), KOS_EXIT_FAULT_MEMORY);
}

TEST_F(TakeOver, FinishesARestartOfAGroup) {
    begin(2);
    make_test_group(rules, 0, Strategy::kOneForAll, 3, {bit(1), bit(2)});
    go();
    all_ready();
    end(1);
    EXPECT_EQ(root.take_calls(), (Calls{"stop 2"}));
    replace();
    EXPECT_EQ(root.take_calls(), (Calls{"stop 2"}));
    end(2, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1", "start 2"}));
}

// The predecessor stored what it was to do, did it, and died before it could store that.
TEST_F(TakeOver, DoesNotRestartTwice) {
    begin(2);
    make_test_group(rules, 0, Strategy::kOneForAll, 3, {bit(1), bit(2)});
    go();
    all_ready();
    end(1);
    root.take_calls();
    const Snapshot before = supervisor->snapshot();
    end(2, KOS_EXIT_DONE);
    EXPECT_EQ(root.take_calls(), (Calls{"start 1", "start 2"}));
    DomainStatus statuses[KOS_MAX_DOMAINS];
    for (unsigned i = 0; i < KOS_MAX_DOMAINS; ++i) statuses[i] = {root.states[i], root.instances[i], root.reasons[i]};
    supervisor = std::make_unique<Supervisor>(rules, root);
    supervisor->take_over(before, statuses, now);
    EXPECT_TRUE(root.take_calls().empty());
    all_ready();
    EXPECT_EQ(supervisor->state(1), KOS_APPMAN_READY);
    EXPECT_EQ(supervisor->state(2), KOS_APPMAN_READY);
}

TEST_F(TakeOver, KeepsWhatWasStoppedAndTheMode) {
    begin(2);
    rules.domains[2].mode_mask = 3;
    go();
    all_ready();
    supervisor->switch_mode(1);
    supervisor->stop(2);
    supervisor->run(now);
    end(1, KOS_EXIT_DONE);
    end(2, KOS_EXIT_DONE);
    root.take_calls();
    replace();
    EXPECT_EQ(supervisor->mode(), 1u);
    EXPECT_TRUE(root.take_calls().empty());
}

TEST_F(TakeOver, AUselessSnapshotDoesNoHarm) {
    begin(2);
    supervisor = std::make_unique<Supervisor>(rules, root);
    Snapshot snapshot;
    memset(static_cast<void*>(&snapshot), 0xff, sizeof snapshot);
    snapshot.off = 0;
    const DomainStatus statuses[KOS_MAX_DOMAINS] = {};
    supervisor->take_over(snapshot, statuses, now);
    EXPECT_EQ(supervisor->mode(), 0u);
    EXPECT_EQ(supervisor->start(1, now), KOS_STATUS_OK);
    supervisor->run(now);
    EXPECT_EQ(root.take_calls().back(), "start 1");
}

}  // namespace
}  // namespace kos::appman
