// See references.h.
#include "references.h"

#include <libfdt.h>
#include <string.h>

namespace kos::manifest {
namespace {

bool share_a_mode(const Domain& one, const Domain& other) { return (one.mode_mask & other.mode_mask) != 0; }

bool fail_domain(NodeReader& nodes, const Domain& domain, const char* text, int64_t found) {
    const int domains = fdt_subnode_offset(nodes.tree(), 0, "domains");
    return nodes.fail(fdt_subnode_offset(nodes.tree(), domains, domain.name), nullptr, text, found);
}

// Calls check(domain, other) for each pair whose two domains may run at the same time, each domain with itself
// included.
template <typename Check>
bool for_each_pair(const Manifest& manifest, Check check) {
    for (uint32_t i = 1; i < KOS_MAX_DOMAINS; ++i) {
        for (uint32_t k = i; k < KOS_MAX_DOMAINS; ++k) {
            const Domain& domain = manifest.domains[i];
            const Domain& other = manifest.domains[k];
            if (domain.name != nullptr && other.name != nullptr && !check(domain, other)) {
                return false;
            }
        }
    }
    return true;
}

bool check_interrupts(NodeReader& nodes, const Manifest& manifest) {
    return for_each_pair(manifest, [&](const Domain& domain, const Domain& other) {
        for (uint32_t i = 0; i < domain.interrupts.count; ++i) {
            for (uint32_t k = domain.number == other.number ? i + 1 : 0; k < other.interrupts.count; ++k) {
                const Interrupt& one = manifest.interrupts[domain.interrupts.first + i];
                const Interrupt& two = manifest.interrupts[other.interrupts.first + k];
                if (one.number == two.number) {
                    return fail_domain(nodes, other, "an interrupt of no other domain is expected", two.number);
                }
                if (domain.number == other.number && strcmp(one.name, two.name) == 0) {
                    return fail_domain(nodes, other, "interrupts with different names are expected", two.number);
                }
            }
        }
        return true;
    });
}

bool check_devices(NodeReader& nodes, const Manifest& manifest) {
    return for_each_pair(manifest, [&](const Domain& domain, const Domain& other) {
        const bool is_same = domain.number == other.number;
        for (uint32_t i = 0; i < domain.devices.count; ++i) {
            for (uint32_t k = is_same ? i + 1 : 0; k < other.devices.count; ++k) {
                const Device& one = manifest.devices[domain.devices.first + i];
                const Device& two = manifest.devices[other.devices.first + k];
                const bool overlap = one.address < two.address + two.bytes && two.address < one.address + one.bytes;
                if (overlap && share_a_mode(domain, other) && (is_same || !one.shared || !two.shared)) {
                    return fail_domain(nodes, other, "device pages of no other domain are expected",
                                       static_cast<int64_t>(two.address));
                }
                if (is_same && strcmp(one.name, two.name) == 0) {
                    return fail_domain(nodes, other, "devices with different names are expected",
                                       static_cast<int64_t>(two.address));
                }
            }
        }
        for (uint32_t i = 0; is_same && i < domain.dma.count; ++i) {
            for (uint32_t k = i + 1; k < domain.dma.count; ++k) {
                if (strcmp(manifest.dma[domain.dma.first + i].name, manifest.dma[domain.dma.first + k].name) == 0) {
                    return fail_domain(nodes, domain, "DMA areas with different names are expected", k);
                }
            }
        }
        return true;
    });
}

bool check_rings(NodeReader& nodes, const Manifest& manifest) {
    uint8_t count[KOS_MAX_DOMAINS] = {};
    for (uint32_t i = 0; i < manifest.ring_count; ++i) {
        for (const uint32_t number : {manifest.rings[i].producer, manifest.rings[i].consumer}) {
            if (++count[number] > kMaxDomainRings) {
                return fail_domain(nodes, manifest.domains[number], "at most 160 rings are expected", count[number]);
            }
        }
    }
    return true;
}

// Looks up the members of one group and makes it their parent.
bool read_members(NodeReader& nodes, Manifest& manifest, uint32_t index, int node) {
    Group& group = manifest.groups[index];
    int length = 0;
    const auto* data = static_cast<const char*>(fdt_getprop(nodes.tree(), node, "members", &length));
    if (data == nullptr || length < 1) {
        return nodes.fail(node, "members", "this property is missing");
    }
    TextList list{data, static_cast<uint32_t>(length)};
    group.members.first = static_cast<uint16_t>(manifest.member_count);
    while (const char* name = next_text(list)) {
        Member member{static_cast<uint8_t>(find_domain(manifest, name)), false};
        uint8_t* parent = &manifest.domains[member.number].group;
        if (member.number == 0) {
            uint32_t i = 0;
            while (i < manifest.group_count && strcmp(manifest.groups[i].name, name) != 0) {
                ++i;
            }
            if (i == manifest.group_count || i == index) {
                return nodes.fail(node, "members", "names of domains and other groups are expected");
            }
            member = {static_cast<uint8_t>(i), true};
            parent = &manifest.groups[i].parent;
        }
        if (*parent != kNoGroup) {
            return nodes.fail(node, "members", "a member of no other group is expected");
        }
        *parent = static_cast<uint8_t>(index);
        // Each member has one parent, so there are never more than kMaxMembers.
        manifest.members[manifest.member_count++] = member;
        ++group.members.count;
    }
    return true;
}

// With one parent each, groups are a forest unless one is its own ancestor.
bool check_groups(NodeReader& nodes, Manifest& manifest, const int* group_nodes) {
    for (uint32_t i = 0; i < manifest.group_count; ++i) {
        if (!read_members(nodes, manifest, i, group_nodes[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < manifest.group_count; ++i) {
        uint32_t steps = 0;
        for (uint8_t at = manifest.groups[i].parent; at != kNoGroup; at = manifest.groups[at].parent) {
            if (++steps > manifest.group_count) {
                return nodes.fail(group_nodes[i], "members", "no group is expected to be a member of itself");
            }
        }
    }
    return true;
}

}  // namespace

bool check_references(NodeReader& nodes, Manifest& manifest, const int* group_nodes) {
    return check_interrupts(nodes, manifest) && check_devices(nodes, manifest) && check_rings(nodes, manifest) &&
           check_groups(nodes, manifest, group_nodes);
}

}  // namespace kos::manifest
