// Capabilities of a domain to what is not made of its own memory (domain.h): ports of others, signals, root itself.
//
// A domain may pass on what it has, as far as the manifest lets it, and another may keep it. So that its end is the end
// of every copy, root mints each once for itself, in its CNode for the domain, and copies it to the domain: revoking
// root's deletes all that were ever made of it. The kernel tells copies of different mints by the badge, so each has
// one.
#include "domain.h"

namespace root {

using namespace kos::sel4;

namespace {

// Connections that the directory introduces: root's capability, by client instance, and the directory's slot for it.
uint32_t connection_slots[KOS_MAX_CONNECTIONS];
uint32_t directory_slots[KOS_MAX_CONNECTIONS];
uint16_t directory_number;

// 0: no room.
Word mint_first(Domain& domain, CPtr from, Word badge) {
    Word const slot = new_domain_slot(domain);
    if (!slot || domain.grant_count >= Word{1} << domain.cspace_bits) return 0;
    // All rights: without them the kernel cancels nothing.
    if (!cnode_mint(path(domain_cap(domain.number, slot)), path(from), seL4_AllRights, badge).ok()) return 0;
    domain.grants[domain.grant_count++] = static_cast<uint32_t>(slot);
    return slot;
}

bool copy_to(Word number, Word slot, CPtr from, seL4_CapRights_t rights) {
    return cnode_copy({domain_cap(number, kSlotCSpace), slot, 64}, path(from), rights).ok();
}

constexpr seL4_CapRights_t kCall = seL4_CanWrite | seL4_CanGrantReply;

seL4_CapRights_t rights_of(unsigned connection) {
    const Manifest& manifest = the_system.manifest;
    return manifest.ports[manifest.connections[connection].port].tokens ? kCall | seL4_CanGrant : kCall;
}

CPtr endpoint_of(unsigned connection) {
    const Manifest& manifest = the_system.manifest;
    return the_system.domains[manifest.ports[manifest.connections[connection].port].server].endpoint;
}

Word badge_of(unsigned connection) {
    const auto& of = the_system.manifest.connections[connection];
    return Word{of.client} << KOS_BADGE_DOMAIN_SHIFT | Word{of.port} << KOS_BADGE_PORT_SHIFT;
}

bool introduce(unsigned connection) {
    if (!connection_slots[connection] || !directory_slots[connection]) return true;
    Word const client = the_system.manifest.connections[connection].client;
    return copy_to(directory_number, directory_slots[connection], domain_cap(client, connection_slots[connection]),
                   rights_of(connection));
}

}  // namespace

bool grant(Domain& domain, Word slot, CPtr from, seL4_CapRights_t rights, Word badge) {
    Word const first = mint_first(domain, from, badge);
    return first && copy_to(domain.number, slot, domain_cap(domain.number, first), rights);
}

bool grant_connection(Domain& domain, Word slot, unsigned connection) {
    return grant(domain, slot, endpoint_of(connection), rights_of(connection), badge_of(connection));
}

bool grant_by_directory(Domain& domain, unsigned connection) {
    connection_slots[connection] =
        static_cast<uint32_t>(mint_first(domain, endpoint_of(connection), badge_of(connection)));
    return connection_slots[connection] && introduce(connection);
}

bool give_to_directory(Domain& directory, Word slot, unsigned connection) {
    directory_number = directory.number;
    directory_slots[connection] = static_cast<uint32_t>(slot);
    return introduce(connection);
}

void revoke_grants(Domain& domain) {
    for (Word i = 0; i < domain.grant_count; ++i) {
        CPtr const first = domain_cap(domain.number, domain.grants[i]);
        cnode_revoke(path(first));
        // Calls through a copy that are still waiting are made again by the kernel, and find it gone. Of signals there
        // is nothing to cancel.
        cnode_cancel_badged_sends(path(first));
    }
    domain.grant_count = 0;
    const Manifest& manifest = the_system.manifest;
    for (unsigned i = 0; i < manifest.connection_count; ++i) {
        if (manifest.connections[i].client == domain.number) connection_slots[i] = 0;
        if (directory_number == domain.number) directory_slots[i] = 0;
    }
    // Of these root has one for the life of the system.
    for (unsigned i = 0; i < domain.spec->interrupts.count; ++i) {
        CPtr const handler = interrupt_handler(domain.spec->interrupts.first + i);
        irq_handler_clear(handler);
        cnode_revoke(path(handler));
    }
}

}  // namespace root
