/*
 * For the tests of appman: rules made by hand, and a root that keeps states of domains and does what it is told.
 */
#ifndef KOS_SERVICES_APPMAN_TEST_SYSTEM_H_
#define KOS_SERVICES_APPMAN_TEST_SYSTEM_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "supervisor.h"

namespace kos::appman {

constexpr uint64_t kPeriod = 1000;
constexpr uint64_t kStartTimeout = 500;
constexpr uint64_t kRetry = 10;

// Rules of `count` permanent domains 1..count in this start order, all in the root group and in mode 0 of two.
inline Rules make_test_rules(unsigned count) {
    Rules rules;
    rules.mode_count = 2;
    rules.start_timeout_ticks = kStartTimeout;
    rules.retry_ticks = kRetry;
    for (unsigned domain = 1; domain <= count; ++domain) {
        rules.present |= bit(domain);
        rules.order[rules.order_count++] = static_cast<uint8_t>(domain);
        rules.domains[domain].mode_mask = 1;
        rules.domains[domain].shutdown_ticks = 50;
    }
    GroupRule& root = rules.groups[kRootGroup];
    root.intensity = 5;
    root.period_ticks = kPeriod;
    root.back_off_count = 2;
    root.back_off_ticks[1] = 20;
    root.domains = rules.present;
    root.groups = UINT64_MAX;
    return rules;
}

// Makes group `index` of `members` (each a mask of domains), below `parent`.
inline void make_test_group(Rules& rules, unsigned index, manifest::Strategy strategy, uint32_t intensity,
                            const std::vector<DomainMask>& members, unsigned parent = kRootGroup) {
    GroupRule& group = rules.groups[index];
    group.strategy = strategy;
    group.intensity = intensity;
    group.period_ticks = kPeriod;
    group.parent = static_cast<uint8_t>(parent);
    for (DomainMask member : members) {
        group.members[group.member_count++] = member;
        group.domains |= member;
        for (unsigned domain = 1; domain < KOS_MAX_DOMAINS; ++domain) {
            const bool is_direct = member == bit(domain);
            if (is_direct) rules.domains[domain].group = static_cast<uint8_t>(index);
        }
    }
    for (unsigned above = parent; above != kRootGroup; above = rules.groups[above].parent) {
        rules.groups[above].groups |= uint64_t{1} << index;
    }
}

class TestRoot : public Actions {
public:
    virtual ~TestRoot() = default;

    kos_status_t start(unsigned domain, unsigned mode, uint32_t* instance) override {
        EXPECT_FALSE(runs(domain)) << "started twice: " << domain;
        calls.push_back("start " + std::to_string(domain));
        if (start_status != KOS_STATUS_OK) return start_status;
        EXPECT_TRUE(rules == nullptr || (rules->domains[domain].mode_mask >> mode & 1) != 0);
        *instance = ++instances[domain];
        states[domain] = KOS_DOMAIN_STARTING;
        return KOS_STATUS_OK;
    }
    kos_status_t kill(unsigned domain, uint8_t) override {
        calls.push_back("kill " + std::to_string(domain));
        if (kill_status != KOS_STATUS_OK) return kill_status;
        states[domain] = KOS_DOMAIN_STOPPED;
        reasons[domain] = KOS_EXIT_KILLED;
        return KOS_STATUS_OK;
    }
    void request_stop(unsigned domain) override {
        EXPECT_TRUE(runs(domain));
        calls.push_back("stop " + std::to_string(domain));
    }
    void ask(unsigned domain, uint32_t question) override {
        questions[domain] = question;
        if (answering >> domain & 1) answers[domain] = question;
    }
    uint32_t answer(unsigned domain, uint32_t* alive) override {
        *alive = alives[domain];
        return answers[domain];
    }
    void domain_down(unsigned domain, uint32_t instance) override {
        downs.push_back(domain);
        down_instances.push_back(instance);
    }
    kos_status_t reboot() override {
        calls.push_back("reboot");
        return KOS_STATUS_UNAVAILABLE;
    }
    void report(Incident incident, unsigned domain, uint64_t number) override {
        incidents.push_back(incident);
        on_report(incident, domain, number);
    }
    virtual void on_report(Incident, unsigned, uint64_t) {}

    bool runs(unsigned domain) const {
        return states[domain] == KOS_DOMAIN_STARTING || states[domain] == KOS_DOMAIN_READY;
    }
    std::vector<std::string> take_calls() {
        std::vector<std::string> result;
        result.swap(calls);
        return result;
    }

    const Rules* rules = nullptr;
    kos_status_t start_status = KOS_STATUS_OK;
    kos_status_t kill_status = KOS_STATUS_OK;
    uint64_t answering = UINT64_MAX;
    kos_domain_state states[KOS_MAX_DOMAINS] = {};
    uint32_t instances[KOS_MAX_DOMAINS] = {};
    uint8_t reasons[KOS_MAX_DOMAINS] = {};
    uint32_t questions[KOS_MAX_DOMAINS] = {};
    uint32_t answers[KOS_MAX_DOMAINS] = {};
    uint32_t alives[KOS_MAX_DOMAINS] = {};
    std::vector<std::string> calls;
    std::vector<unsigned> downs;
    std::vector<uint32_t> down_instances;
    std::vector<Incident> incidents;
};

}  // namespace kos::appman

#endif
