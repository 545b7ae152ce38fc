/*
 * Random systems under random failures, requests and restarts of appman itself, in virtual time (seeds are printed).
 *
 * What must hold at every step:
 *   - nobody is started twice, or before what it depends on is ready;
 *   - nobody is stopped or killed who is not concerned by a failure, a request or a change of the mode;
 *   - no group has more restarts within its period than its intensity before it escalates;
 *   - the supervisor has work only when it has said so (next_wake), and finitely often.
 * And when failures stop: everything that is wanted gets ready, everything else is down.
 */
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <string>

#include "supervisor.h"
#include "test_system.h"

namespace kos::appman {
namespace {

using manifest::Escalation;
using manifest::Restart;
using manifest::Strategy;

struct Event {
    uint64_t at;
    bool is_end;
    unsigned domain;
    uint32_t instance;
    uint8_t reason;
};

DomainMask expected_set(const GroupRule& group, DomainMask member) {
    if (group.strategy == Strategy::kOneForOne) return member;
    if (group.strategy == Strategy::kOneForAll) return group.domains;
    DomainMask set = 0;
    bool found = false;
    for (unsigned i = 0; i < group.member_count; ++i) {
        found = found || (group.members[i] & member) != 0;
        if (found) set |= group.members[i];
    }
    return set;
}

class World final : public TestRoot {
public:
    explicit World(uint64_t seed) : random(seed) {
        make_rules();
        rules = &system;
        supervisor = std::make_unique<Supervisor>(system, *this);
        supervisor->begin(now);
        after();
    }

    // Groups with the domains 2k+1.. in them; group 1 may lie in group 0.
    void make_rules() {
        const unsigned count = 3 + random() % 10;
        system = make_test_rules(count);
        for (unsigned domain = 1; domain <= count; ++domain) {
            DomainRule& rule = system.domains[domain];
            rule.restart = random() % 4 == 0 ? static_cast<Restart>(random() % 3) : Restart::kPermanent;
            rule.mode_mask = random() % 4 == 0 ? 1 + random() % 3 : 3;
            rule.shutdown_ticks = random() % 3 == 0 ? 0 : 1 + random() % 60;
            rule.watchdog_ticks = random() % 2 == 0 ? 0 : 20 + random() % 100;
            for (unsigned server = 1; server < domain; ++server) {
                if (random() % 4 == 0) rule.depends |= bit(server);
            }
        }
        std::vector<DomainMask> inner;
        std::vector<DomainMask> outer;
        DomainMask inner_mask = 0;
        for (unsigned domain = 1; domain <= count; ++domain) {
            const unsigned where = random() % 3;
            if (where == 0) inner.push_back(bit(domain)), inner_mask |= bit(domain);
            if (where == 1) outer.push_back(bit(domain));
        }
        if (outer.empty() || inner.empty()) return;
        const bool nested = random() % 2 == 0;
        if (nested) outer.insert(outer.begin() + static_cast<long>(random() % (outer.size() + 1)), inner_mask);
        make_test_group(system, 0, static_cast<Strategy>(random() % 3), static_cast<uint32_t>(random() % 5), outer);
        make_test_group(system, 1, static_cast<Strategy>(random() % 3), static_cast<uint32_t>(random() % 5), inner,
                        nested ? 0 : kRootGroup);
        // make_test_group takes a member mask of one domain for that domain; nested groups of one belong to the inner.
        for (DomainMask mask : inner) system.domains[__builtin_ctzll(mask)].group = 1;
        for (unsigned i = 0; i < 2; ++i) {
            system.groups[i].escalation = static_cast<Escalation>(random() % 3);
            system.groups[i].escalation_mode = 1;
            system.groups[i].back_off_count = random() % 3;
            system.groups[i].back_off_ticks[1] = random() % 50;
        }
    }

    kos_status_t start(unsigned domain, unsigned mode, uint32_t* instance) override {
        for (unsigned server = 1; server < KOS_MAX_DOMAINS; ++server) {
            if ((system.domains[domain].depends & bit(server)) == 0) continue;
            const bool has_to_be_ready = supervisor->state(server) != KOS_APPMAN_STOPPED &&
                                         supervisor->state(server) != KOS_APPMAN_DONE &&
                                         supervisor->state(server) != KOS_APPMAN_STOPPING;
            if (has_to_be_ready) {
                EXPECT_EQ(supervisor->state(server), KOS_APPMAN_READY) << server << " before " << domain;
            }
        }
        start_status = failing && random() % 20 == 0 ? KOS_STATUS_NOT_ENOUGH_MEMORY : KOS_STATUS_OK;
        const kos_status_t status = TestRoot::start(domain, mode, instance);
        may_go_down &= ~bit(domain);
        if (status == KOS_STATUS_OK && !(failing && random() % 30 == 0)) {
            events.push_back({now + 1 + random() % 20, false, domain, *instance, 0});
        }
        return status;
    }
    kos_status_t kill(unsigned domain, uint8_t reason) override {
        expect_may_go_down(domain);
        // Refused now and then, and the event of the end comes all the same, late.
        kill_status = failing && random() % 20 == 0 ? KOS_STATUS_UNAVAILABLE : KOS_STATUS_OK;
        const bool did_run = runs(domain);
        const kos_status_t status = TestRoot::kill(domain, reason);
        if (status == KOS_STATUS_OK && did_run) {
            events.push_back({now + random() % 5, true, domain, instances[domain], KOS_EXIT_KILLED});
        }
        return status;
    }
    void request_stop(unsigned domain) override {
        expect_may_go_down(domain);
        // (It may have ended already, and the event be on its way.)
        if (runs(domain) && random() % 4 != 0) end(domain, KOS_EXIT_DONE, random() % 80);
    }
    void ask(unsigned domain, uint32_t question) override {
        questions[domain] = question;
        if (!runs(domain) || (failing && random() % 40 == 0)) answering &= ~bit(domain);
        if (answering >> domain & 1) answers[domain] = question;
    }
    kos_status_t reboot() override { return KOS_STATUS_UNAVAILABLE; }

    void on_report(Incident incident, unsigned domain, uint64_t number) override {
        if (incident == Incident::kHung || incident == Incident::kNotReady) may_go_down |= bit(domain);
        if (incident == Incident::kEnded) {
            handler = system.domains[domain].group;
            handled = bit(domain);
            may_go_down |= expected_set(system.groups[handler], handled);
            restart_counted = false;
        }
        if (incident == Incident::kMode) {
            for (unsigned i = 1; i < KOS_MAX_DOMAINS; ++i) {
                if ((system.domains[i].mode_mask >> number & 1) == 0) may_go_down |= bit(i);
            }
        }
        if (incident == Incident::kEscalated) {
            const GroupRule& group = system.groups[number];
            may_go_down |= expected_set(group, handled);
            counted[number].clear();
            if (number == 0 && (group.groups & 2) != 0) counted[1].clear();
            handler = group.parent;
            handled = group.domains;
            may_go_down |= expected_set(system.groups[handler], handled);
        }
    }
    void expect_may_go_down(unsigned domain) {
        const bool in_mode = (system.domains[domain].mode_mask >> supervisor->mode() & 1) != 0;
        EXPECT_TRUE(!in_mode || (may_go_down & bit(domain)) != 0) << domain << " is not concerned";
    }

    void end(unsigned domain, uint8_t reason, uint64_t delay) {
        states[domain] = KOS_DOMAIN_STOPPED;
        reasons[domain] = reason;
        answering |= bit(domain);
        events.push_back({now + delay, true, domain, instances[domain], reason});
    }

    // Restarts that a group has decided on, by its own history, independent of the supervisor's arithmetic.
    void count_restarts(const Snapshot& before) {
        const Snapshot& after = supervisor->snapshot();
        for (unsigned group = 0; group < 2; ++group) {
            const GroupRule& rule = system.groups[group];
            if (after.history[group][0] != before.history[group][0] && after.history[group][0] != 0) {
                counted[group].push_back(now);
            }
            while (!counted[group].empty() && counted[group].front() + rule.period_ticks <= now) {
                counted[group].pop_front();
            }
            EXPECT_LE(counted[group].size(), rule.intensity + 0u) << "group " << group;
        }
    }

    void after() {
        supervisor->run(now);
        const uint64_t wake = supervisor->next_wake();
        // What is due now has been done; what could not be done has a later time.
        EXPECT_GT(wake, now);
    }

    void deliver() {
        for (size_t i = 0; i < events.size();) {
            if (events[i].at > now) {
                ++i;
                continue;
            }
            const Event event = events[i];
            events.erase(events.begin() + static_cast<long>(i));
            const Snapshot before = supervisor->snapshot();
            if (event.is_end) {
                supervisor->ended(event.domain, event.instance, event.reason, now);
            } else if (states[event.domain] == KOS_DOMAIN_STARTING && instances[event.domain] == event.instance) {
                states[event.domain] = KOS_DOMAIN_READY;
                supervisor->ready(event.domain, event.instance, now);
            }
            count_restarts(before);
            i = 0;
        }
        const Snapshot before = supervisor->snapshot();
        after();
        // `run` may kill several hung domains of one group at once: each is a decision of its own, seen as one here.
        count_restarts(before);
    }

    void replace_appman() {
        const Snapshot snapshot = supervisor->snapshot();
        DomainStatus statuses[KOS_MAX_DOMAINS];
        for (unsigned i = 0; i < KOS_MAX_DOMAINS; ++i) statuses[i] = {states[i], instances[i], reasons[i]};
        // What was going down may be told so again.
        may_go_down |= snapshot.going_down;
        supervisor = std::make_unique<Supervisor>(system, *this);
        supervisor->take_over(snapshot, statuses, now);
        after();
    }

    void request() {
        const unsigned domain = 1 + random() % system.order_count;
        switch (random() % 5) {
            case 0: supervisor->start(domain, now); break;
            case 1:
                supervisor->stop(domain);
                may_go_down |= bit(domain);
                break;
            case 2:
                supervisor->restart(domain, now);
                may_go_down |= bit(domain);
                break;
            case 3: supervisor->switch_mode(random() % 2); break;
            default: supervisor->start(domain, now); break;
        }
        after();
    }

    void step() {
        uint64_t next = supervisor->next_wake();
        for (const Event& event : events) next = std::min(next, event.at);
        now = std::max(now + (failing ? random() % 3 : 1), std::min(next, now + 1 + (failing ? random() % 40 : 10000)));
        deliver();
        if (!failing) return;
        const unsigned domain = 1 + random() % system.order_count;
        if (random() % 6 == 0 && runs(domain)) {
            end(domain, random() % 3 == 0 ? KOS_EXIT_DONE : KOS_EXIT_FAULT_MEMORY, random() % 10);
        }
        if (random() % 25 == 0) request();
        if (random() % 60 == 0) replace_appman();
    }

    void expect_settled() {
        for (unsigned i = 0; i < system.order_count; ++i) {
            const unsigned domain = system.order[i];
            const kos_appman_state state = supervisor->state(domain);
            EXPECT_TRUE(state == KOS_APPMAN_READY || state == KOS_APPMAN_DONE || state == KOS_APPMAN_STOPPED)
                << domain << " is " << state;
            EXPECT_EQ(state == KOS_APPMAN_READY, states[domain] == KOS_DOMAIN_READY) << domain;
            const bool in_mode = (system.domains[domain].mode_mask >> supervisor->mode() & 1) != 0;
            const bool is_off = (supervisor->snapshot().off & bit(domain)) != 0;
            if (system.domains[domain].restart == Restart::kPermanent) {
                EXPECT_EQ(state == KOS_APPMAN_READY, in_mode && !is_off) << domain;
            }
        }
    }

    std::mt19937_64 random;
    Rules system;
    std::unique_ptr<Supervisor> supervisor;
    std::deque<Event> events;
    std::deque<uint64_t> counted[kMaxGroups + 1];
    uint64_t now = 100000;
    DomainMask may_go_down = 0;
    unsigned handler = 0;
    DomainMask handled = 0;
    bool restart_counted = false;
    bool failing = true;
};

TEST(SupervisorModel, HoldsUnderRandomLoad) {
    for (uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World world(seed);
        for (int i = 0; i < 1500 && !testing::Test::HasFailure(); ++i) world.step();
        world.failing = false;
        world.answering = UINT64_MAX;
        for (int i = 0; i < 3000 && !testing::Test::HasFailure(); ++i) world.step();
        world.expect_settled();
        ASSERT_FALSE(testing::Test::HasFailure());
    }
}

}  // namespace
}  // namespace kos::appman
