// What a manifest is that read() has accepted, as checks of GoogleTest.
#ifndef KOS_LIB_MANIFEST_SOUNDNESS_H_
#define KOS_LIB_MANIFEST_SOUNDNESS_H_

#include <gtest/gtest.h>
#include <kos/manifest/manifest.h>

namespace kos::manifest {

// What read() promises: every reference leads somewhere.
inline void expect_sound(const Manifest& manifest) {
    uint32_t domains = 0;
    const auto in = [](const Range& range, uint32_t count) { return range.first + range.count <= count; };
    for (uint32_t i = 0; i < KOS_MAX_DOMAINS; ++i) {
        const Domain& one = manifest.domains[i];
        if (one.name == nullptr) {
            continue;
        }
        ++domains;
        ASSERT_EQ(one.number, i);
        ASSERT_TRUE(in(one.devices, manifest.device_count) && in(one.interrupts, manifest.interrupt_count));
        ASSERT_TRUE(in(one.dma, manifest.dma_count) && in(one.parameters, manifest.parameter_count));
        ASSERT_TRUE(in(one.images, manifest.image_count));
        ASSERT_TRUE(in(one.arguments, manifest.text_count) && in(one.environment, manifest.text_count));
        ASSERT_TRUE(one.group == kNoGroup || one.group < manifest.group_count);
        ASSERT_LT(one.budget_us, one.period_us);
    }
    ASSERT_EQ(domains, manifest.domain_count);
    for (uint32_t i = 0; i < domains; ++i) {
        ASSERT_NE(manifest.domains[manifest.start_order[i]].name, nullptr);
    }
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        ASSERT_NE(manifest.domains[manifest.connections[i].client].name, nullptr);
        ASSERT_NE(manifest.ports[manifest.connections[i].port].name, nullptr);
    }
    for (const Port& port : manifest.ports) {
        ASSERT_TRUE(port.name == nullptr || manifest.domains[port.server].name != nullptr);
    }
    for (uint32_t i = 0; i < manifest.ring_count; ++i) {
        ASSERT_NE(manifest.domains[manifest.rings[i].producer].name, nullptr);
        ASSERT_NE(manifest.domains[manifest.rings[i].consumer].name, nullptr);
    }
    ASSERT_TRUE(manifest.net_link_count == 0 || manifest.domains[manifest.network.router].name != nullptr);
    for (uint32_t i = 0; i < manifest.net_link_count; ++i) {
        const NetLink& link = manifest.net_links[i];
        ASSERT_NE(manifest.domains[link.domain].name, nullptr);
        ASSERT_TRUE(link.out < manifest.ring_count && link.in < manifest.ring_count);
        ASSERT_TRUE(in(link.rules, manifest.net_rule_count));
        ASSERT_EQ(manifest.rings[link.out].producer, link.domain);
        ASSERT_EQ(manifest.rings[link.in].consumer, link.domain);
    }
    for (uint32_t i = 0; i < manifest.net_rule_count; ++i) {
        const NetRule& rule = manifest.net_rules[i];
        ASSERT_NE(find_link(manifest, rule.domain), nullptr);
        ASSERT_TRUE(in(rule.peers, manifest.net_peer_count) && in(rule.ports, manifest.net_port_count));
        ASSERT_NE(rule.peers.count, 0u);
    }
    for (uint32_t i = 0; i < manifest.net_peer_count; ++i) {
        const NetPeer& peer = manifest.net_peers[i];
        ASSERT_TRUE(peer.kind != NetPeerKind::kDomain || find_link(manifest, peer.domain) != nullptr);
        ASSERT_TRUE(peer.kind != NetPeerKind::kHost || peer.host != nullptr);
        ASSERT_LE(peer.prefix, peer.kind == NetPeerKind::kNetwork4 ? 32u : 128u);
    }
    for (uint32_t i = 0; i < manifest.group_count; ++i) {
        ASSERT_TRUE(in(manifest.groups[i].members, manifest.member_count));
        ASSERT_TRUE(manifest.groups[i].parent == kNoGroup || manifest.groups[i].parent < manifest.group_count);
    }
    for (uint32_t i = 0; i < manifest.member_count; ++i) {
        const Member& member = manifest.members[i];
        ASSERT_TRUE(member.is_group ? member.number < manifest.group_count
                                    : manifest.domains[member.number].name != nullptr);
    }
}

}  // namespace kos::manifest

#endif
