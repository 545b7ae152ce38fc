#include "rules.h"

namespace kos::appman {
namespace {

constexpr uint64_t kStartTimeoutMs = 30000;
constexpr uint64_t kRetryMs = 100;

// The root group is not in the manifest: everything in it is restarted alone, and never given up.
constexpr uint32_t kRootIntensity = 5;
constexpr uint64_t kRootPeriodMs = 10000;
constexpr uint64_t kRootBackOffMs[] = {0, 100, 500, 2000};

uint64_t ticks(uint64_t ms, uint64_t hz) { return ms * hz / 1000; }

DomainMask member_domains(const manifest::Manifest& manifest, const manifest::Member& member);

// The manifest's groups are a forest: checked by manifest::read.
DomainMask group_domains(const manifest::Manifest& manifest, unsigned group) {
    DomainMask mask = 0;
    const manifest::Range range = manifest.groups[group].members;
    for (unsigned i = 0; i < range.count; ++i) mask |= member_domains(manifest, manifest.members[range.first + i]);
    return mask;
}

DomainMask member_domains(const manifest::Manifest& manifest, const manifest::Member& member) {
    return member.is_group ? group_domains(manifest, member.number) : bit(member.number);
}

void make_group(const manifest::Manifest& manifest, unsigned index, uint64_t hz, DomainMask present, GroupRule& rule) {
    const manifest::Group& group = manifest.groups[index];
    rule.strategy = group.strategy;
    rule.escalation = group.escalation;
    rule.escalation_mode = group.escalation_mode;
    rule.parent = group.parent == manifest::kNoGroup ? kRootGroup : group.parent;
    rule.intensity = group.intensity < kMaxIntensity ? group.intensity : kMaxIntensity;
    rule.period_ticks = uint64_t{group.period_s} * hz;
    rule.back_off_count = group.back_off_count;
    for (unsigned i = 0; i < group.back_off_count; ++i) rule.back_off_ticks[i] = ticks(group.back_off_ms[i], hz);
    for (unsigned i = 0; i < group.members.count && rule.member_count < KOS_MAX_DOMAINS; ++i) {
        const DomainMask mask = member_domains(manifest, manifest.members[group.members.first + i]) & present;
        if (mask == 0) continue;
        rule.members[rule.member_count++] = mask;
        rule.domains |= mask;
    }
}

}  // namespace

void make_rules(const manifest::Manifest& manifest, unsigned own, uint64_t hz, Rules& rules) {
    rules = {};
    rules.mode_count = manifest.mode_count;
    rules.start_timeout_ticks = ticks(kStartTimeoutMs, hz);
    rules.retry_ticks = ticks(kRetryMs, hz);
    unsigned position[KOS_MAX_DOMAINS] = {};
    for (unsigned i = 0; i < manifest.domain_count; ++i) {
        const unsigned domain = manifest.start_order[i];
        position[domain] = i;
        if (domain == own) continue;
        rules.order[rules.order_count++] = static_cast<uint8_t>(domain);
        rules.present |= bit(domain);
    }
    for (unsigned i = 0; i < rules.order_count; ++i) {
        const unsigned number = rules.order[i];
        const manifest::Domain& domain = manifest.domains[number];
        DomainRule& rule = rules.domains[number];
        rule.restart = domain.restart;
        rule.group = domain.group == manifest::kNoGroup ? kRootGroup : domain.group;
        rule.mode_mask = domain.mode_mask;
        rule.watchdog_ticks = ticks(domain.watchdog_ms, hz);
        rule.shutdown_ticks = ticks(domain.shutdown_ms, hz);
    }
    // Who uses a port waits for its server, unless the start order says that it need not.
    for (unsigned i = 0; i < manifest.connection_count; ++i) {
        const unsigned client = manifest.connections[i].client;
        const unsigned server = manifest.ports[manifest.connections[i].port].server;
        const bool both = (rules.present & bit(client)) != 0 && (rules.present & bit(server)) != 0;
        if (both && position[server] < position[client]) rules.domains[client].depends |= bit(server);
    }
    for (unsigned i = 0; i < manifest.group_count; ++i) make_group(manifest, i, hz, rules.present, rules.groups[i]);
    for (unsigned i = 0; i < manifest.group_count; ++i) {
        // At most one step per group, because parents form no circle.
        for (unsigned parent = rules.groups[i].parent; parent != kRootGroup; parent = rules.groups[parent].parent) {
            rules.groups[parent].groups |= uint64_t{1} << i;
        }
    }
    GroupRule& root = rules.groups[kRootGroup];
    root.intensity = kRootIntensity;
    root.period_ticks = ticks(kRootPeriodMs, hz);
    for (uint64_t ms : kRootBackOffMs) root.back_off_ticks[root.back_off_count++] = ticks(ms, hz);
    root.domains = rules.present;
    root.groups = UINT64_MAX;
}

}  // namespace kos::appman
