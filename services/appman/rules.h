/*
 * What the manifest says about starting and restarting, in the form in which the supervisor uses it.
 */
#ifndef KOS_SERVICES_APPMAN_RULES_H_
#define KOS_SERVICES_APPMAN_RULES_H_

#include <kos/abi.h>
#include <kos/manifest/manifest.h>

#include <stdint.h>

namespace kos::appman {

using DomainMask = uint64_t;  // bit n: domain n
static_assert(KOS_MAX_DOMAINS <= 64);

constexpr DomainMask bit(unsigned domain) { return DomainMask{1} << domain; }

constexpr unsigned kMaxGroups = manifest::kMaxGroups;
constexpr unsigned kRootGroup = kMaxGroups;  // holds what is in no other group
// The supervisor remembers so many restarts of a group. A larger intensity of the manifest counts as this one.
constexpr unsigned kMaxIntensity = 16;

struct DomainRule {
    manifest::Restart restart = manifest::Restart::kPermanent;
    uint8_t group = kRootGroup;
    uint32_t mode_mask = 0;
    uint64_t watchdog_ticks = 0;  // 0: never asked
    uint64_t shutdown_ticks = 0;
    DomainMask depends = 0;  // servers that have to be ready before it is started
};

struct GroupRule {
    manifest::Strategy strategy = manifest::Strategy::kOneForOne;
    manifest::Escalation escalation = manifest::Escalation::kParent;
    uint8_t escalation_mode = 0;
    uint8_t parent = kRootGroup;  // kRootGroup itself has none
    uint32_t intensity = 0;
    uint64_t period_ticks = 0;
    uint32_t back_off_count = 0;
    uint64_t back_off_ticks[manifest::kMaxBackOff] = {};
    // Of all members and their members.
    DomainMask domains = 0;
    uint64_t groups = 0;  // bit n: group n lies below this one
    // Members in start order, each as the domains that it stands for.
    uint32_t member_count = 0;
    DomainMask members[KOS_MAX_DOMAINS] = {};
};

struct Rules {
    DomainMask present = 0;  // domains that appman supervises: all but root and itself
    uint32_t mode_count = 1;
    uint64_t start_timeout_ticks = 0;  // a domain that is not ready by then has failed
    uint64_t retry_ticks = 0;          // until something that root refused is tried again
    DomainRule domains[KOS_MAX_DOMAINS];
    GroupRule groups[kMaxGroups + 1];
    uint32_t order_count = 0;
    uint8_t order[KOS_MAX_DOMAINS] = {};  // start order, of `present` only
};

// The rules of `manifest` for the appman that is domain `own`. `hz`: of the counter.
void make_rules(const manifest::Manifest& manifest, unsigned own, uint64_t hz, Rules& rules);

}  // namespace kos::appman

#endif
